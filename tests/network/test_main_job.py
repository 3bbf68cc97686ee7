"""The main job over the real wire: from the list of sites to the receipt."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from core.driver_client import DriverClient
from core.driver_messages import DriverEvent, RungState
from core.model.receipt import CheckVerdict
from core.model.session import SessionState
from core.network import Network
from core.visited_cso.equipment import EvseState
from tests.networks import advance, quote_at, sites_near, until, until_state

pytestmark = pytest.mark.anyio


def in_state(state: SessionState) -> Callable[[DriverEvent], bool]:
    return lambda event: event.session is not None and event.session.state is state


@pytest.mark.parametrize("wire", ["2.2.1", "2.3.0"])
async def test_a_driver_charges_and_gets_a_receipt(network: Network, driver: DriverClient, wire: str) -> None:
    assert {partner.version for partner in network.home.context.visited_csos()} == {wire}
    site = (await sites_near(driver, network, free=True, roaming=True))[0]
    opened = await driver.site(site.key)
    evse = next(one for one in opened.evses if one.startable)
    quote = await quote_at(driver, site.key, evse.uid, kwh=5)
    events = driver.events(0)

    started = await driver.start(quote.id)
    assert started.state is SessionState.AUTHORISING
    await until(events, in_state(SessionState.AUTHORISED))
    await advance(network, minutes=1)
    active = (await until(events, in_state(SessionState.ACTIVE))).session
    assert active is not None
    assert {rung.name: rung.state for rung in active.rungs}["cable"] is RungState.DONE
    await advance(network, minutes=5)
    charging = (await until(events, lambda event: bool(event.session and event.session.energy_kwh > 0))).session
    assert charging is not None and charging.cost is not None and charging.curve

    stopping = await driver.stop(started.id)
    assert stopping.stop_requested_at is not None
    await until(events, in_state(SessionState.ACTIVE))
    equipment = network.equipment_at(evse.uid)
    await until_state(equipment, evse.uid, EvseState.FINISHING)
    await advance(network, minutes=20)
    receipt = (await until(events, lambda event: event.receipt is not None)).receipt
    assert receipt is not None
    assert receipt.energy_kwh > 0
    assert receipt.quote_id == quote.id
    assert receipt.tariff_check.verdict is CheckVerdict.HOLDS
    assert receipt.total == sum((line.gross for line in receipt.lines), Decimal(0)).quantize(Decimal("0.01"))
    ended = await driver.session(started.id)
    assert ended.state is SessionState.RECONCILED
    assert (await driver.receipts()).receipts[0].id == receipt.id
