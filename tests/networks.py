"""The embedded network for tests: real platforms over real sockets, on a clock that stands still by itself."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from shutil import copytree

import pytest

from core.clock import FixedClock
from core.driver_client import DriverClient
from core.driver_messages import DriverEvent, Need, PinIdentification, QuoteRequest, QuoteView, SiteQuery, SiteSummary
from core.model.parties import ObjectKey
from core.network import Network
from core.simulation.simulated_equipment import SimulatedEquipment
from core.visited_cso.equipment import EquipmentEvent, EvseState

MONDAY_MORNING = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a network that has run once: partners are registered, sites and tariffs known."""
    folder = tmp_path_factory.mktemp("founded") / "data"

    async def found() -> None:
        async with Network.running(folder, clock=FixedClock(MONDAY_MORNING)) as running:
            await until_sites_are_known(running)

    asyncio.run(found())
    return folder


@pytest.fixture
def data(founded: Path, tmp_path: Path) -> Path:
    """A data folder of the test's own, in which a network has run once."""
    return Path(copytree(founded, tmp_path / "data"))


@pytest.fixture
def wire() -> str | None:
    """The only version of OCPI that the network speaks; tests that are about it parametrise this."""
    return None


@pytest.fixture
async def network(data: Path, wire: str | None) -> AsyncIterator[Network]:
    """An embedded network at 2026-03-02 10:00 UTC in which nothing has happened, its sites known to the home-CSP."""
    async with Network.running(data, clock=FixedClock(MONDAY_MORNING), wire=wire) as running:
        await until_sites_are_known(running)
        yield running


@pytest.fixture
async def client(network: Network) -> AsyncIterator[DriverClient]:
    """A front end's client of the home-CSP; nobody is identified."""
    opened = DriverClient(network.driver_url, network.driver_tls)
    yield opened
    await opened.close()


@pytest.fixture
async def driver(network: Network, client: DriverClient) -> DriverClient:
    """The client with the demo driver identified."""
    demo = network.demo.driver
    await client.identify(PinIdentification(contract_id=demo.contract, pin=demo.pin))
    return client


async def until_sites_are_known(network: Network) -> None:
    """Wait until the home-CSP has pulled every visited-CSO once."""
    for partner in network.home.context.visited_csos():
        await network.home.synchronise(partner)


async def advance(network: Network, **time: float) -> None:
    """Let demo time pass (`minutes=3`), minute by minute, and let every station report."""
    clock = network.clock
    assert isinstance(clock, FixedClock)
    left = timedelta(**time)
    while left > timedelta():
        step = min(left, timedelta(minutes=1))
        clock.moment += step
        left -= step
        for member in network.members:
            await member.equipment.advance_to(clock.moment)


async def sites_near(client: DriverClient, network: Network, **filters: object) -> tuple[SiteSummary, ...]:
    """The sites around the place where the demo kiosk stands."""
    start = network.demo.start
    found = await client.sites(SiteQuery(latitude=start.latitude, longitude=start.longitude, **filters))
    return found.sites


async def quote_at(client: DriverClient, key: ObjectKey, evse_uid: str, kwh: int = 10) -> QuoteView:
    """A quote for so many kWh at the first connector of an EVSE."""
    site = await client.site(key)
    evse = next(one for one in site.evses if one.uid == evse_uid)
    need = Need(amount=Decimal(kwh))
    return await client.quote(QuoteRequest(site=key, evse_uid=evse_uid, connector_id=evse.connectors[0].id, need=need))


async def heard_by(client: DriverClient, wanted: Callable[[DriverEvent], object], timeout: float = 60.0) -> DriverEvent:
    """The first event for which `wanted(event)` holds, of all that this driver ever had."""
    async with aclosing(client.events(0)) as events:
        return await until(events, wanted, timeout)


async def until(
    events: AsyncIterator[DriverEvent | None], wanted: Callable[[DriverEvent], object], timeout: float = 60.0
) -> DriverEvent:
    """The next event for which `wanted(event)` holds; the stream stays open for more."""
    async with asyncio.timeout(timeout):
        async for event in events:
            if event is not None and wanted(event):
                return event
    raise AssertionError("the events ended")


async def until_state(equipment: SimulatedEquipment, evse_uid: str, state: EvseState, timeout: float = 60.0) -> None:
    """Wait until a station is in a state, as a command that is on its way brings it there."""
    reached = asyncio.Event()

    async def heard(_event: EquipmentEvent) -> None:
        if equipment.evse_state(evse_uid) is state:
            reached.set()

    equipment.subscribe(heard)
    if equipment.evse_state(evse_uid) is not state:
        async with asyncio.timeout(timeout):
            await reached.wait()
