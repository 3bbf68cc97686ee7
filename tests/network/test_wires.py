"""Partners that change the version of the wire between two sessions: nothing is lost, nobody is billed twice."""

from pathlib import Path

import pytest
from sqlalchemy import select

from core.clock import FixedClock
from core.driver_client import DriverClient
from core.driver_messages import PinIdentification
from core.endpoint.ports import Held
from core.errors import Refused
from core.network import Network
from core.store.tables import sdr, service_session, site
from core.store.wire_text import version_of
from tests.network.charging import charge, free_posts, home_at, sdrs_kept
from tests.networks import MONDAY_MORNING, until_sites_are_known

pytestmark = pytest.mark.anyio


async def identified(network: Network) -> DriverClient:
    demo = network.demo.driver
    client = DriverClient(network.driver_url, network.driver_tls)
    await client.identify(PinIdentification(contract_id=demo.contract, pin=demo.pin))
    return client


def versions(network: Network) -> list[set[str]]:
    """In which versions the home-CSP keeps sites, sessions and SDRs."""
    with network.home.context.store.read() as connection:
        kept = [
            connection.execute(select(column)).scalars().all()
            for column in (site.c.body, service_session.c.partner_body, sdr.c.body)
        ]
    return [{version_of(body) for body in bodies if body is not None} for bodies in kept]


async def test_a_partner_may_change_its_version(data: Path) -> None:
    clock = FixedClock(MONDAY_MORNING)
    async with Network.running(data, clock=clock, wire="2.2.1") as network:
        await until_sites_are_known(network)
        driver = await identified(network)
        [post] = await free_posts(network, driver)
        slug = post.member.operator.slug
        await (await charge(network, driver, post)).end()
        assert versions(network)[1:] == [{"2.2.1"}, {"2.2.1"}]
        await driver.close()
    async with Network.running(data, clock=clock, wire="2.3.0") as network:
        await until_sites_are_known(network)
        driver = await identified(network)
        member = network.member(slug)
        [first] = sdrs_kept(network.home.context.store)
        context = member.platform.context
        with context.store.read() as connection:
            body = connection.execute(select(sdr.c.body)).scalar_one()
        value = context.reader.sdr(body)
        # sent once more, in the new version: the same bill in other words
        await context.calls.submit_sdr(home_at(member), Held(value, body))
        assert sdrs_kept(network.home.context.store) == [first]
        dearer = value.model_copy(update={"cost": value.cost.model_copy(update={"total": -value.cost.total})})
        with pytest.raises(Refused):
            await context.calls.submit_sdr(home_at(member), Held(dearer, context.writer.sdr(dearer)))
        [post, *_] = await free_posts(network, driver)
        receipt = await (await charge(network, driver, post)).end()
        assert receipt.energy_kwh > 0
        assert versions(network)[1:] == [{"2.2.1", "2.3.0"}, {"2.2.1", "2.3.0"}]
        assert len((await driver.receipts()).receipts) == 2
        await driver.close()
