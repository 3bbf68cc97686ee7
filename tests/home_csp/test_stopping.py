"""Stops that the home-CSP sends by itself."""

import pytest
from sqlalchemy import Connection

from core.driver_client import DriverClient
from core.home_csp.energy_transfer.record import keep
from core.model.session import SessionState, change
from core.network import Network
from core.store.sessions import load
from core.visited_cso.equipment import EvseState
from tests.network.charging import Charging, free_posts, in_state
from tests.networks import advance, quote_at, until, until_state

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("problem", ["", "stop_timeout"])
async def test_a_session_is_stopped_at_its_goal_also_after_a_stop_that_failed(
    network: Network, driver: DriverClient, problem: str
) -> None:
    post = (await free_posts(network, driver))[0]
    quote = await quote_at(driver, post.site, post.evse_uid, kwh=1)
    events = driver.events(0)
    started = await driver.start(quote.id)
    await until(events, in_state(SessionState.AUTHORISED, id=started.id))
    await advance(network, minutes=1)
    await until(events, in_state(SessionState.ACTIVE, id=started.id))
    home = network.home.context
    if problem:

        def fail(connection: Connection) -> None:
            kept = load(connection, home.party, started.id)
            assert kept is not None
            failed = change(kept.session, stop_requested_at=home.clock.now(), stop_problem=problem)
            keep(connection, home, failed, kept.partner_id)

        await home.store.write(fail)
    await advance(network, minutes=15)
    await until_state(post.member.equipment, post.evse_uid, EvseState.FINISHING)
    assert Charging(network, driver, post, started.id, events).home.energy >= 1
