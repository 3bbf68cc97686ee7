"""A partner that is away and comes back: what happened meanwhile arrives, by push or by pull, and only once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import delete, select

from core.clock import FixedClock
from core.data_folder import HOME_CSP
from core.driver_client import DriverClient
from core.driver_messages import Availability, PinIdentification
from core.endpoint.partner import Partner
from core.endpoint.ports import Command, CommandKind
from core.home_csp.energy_transfer.commands import sent
from core.home_csp.energy_transfer.record import keep
from core.model.session import SessionState, change
from core.model.sites import Status
from core.network import Network
from core.simulation.faults import Faults
from core.store.tables import evse, push, site, tariff
from core.tasks import Tasks
from core.visited_cso.equipment import EvseState
from core.visited_cso.sites import load_site
from tests.network.charging import (
    Charging,
    Post,
    charge,
    count_sessions,
    free_posts,
    in_state,
    receipt_for,
    sdrs_kept,
    visited_at,
)
from tests.network.ground import Ground, ground_in
from tests.networks import (
    MONDAY_MORNING,
    advance,
    heard_by,
    quote_at,
    sites_near,
    until,
    until_sites_are_known,
    until_state,
)

pytestmark = pytest.mark.anyio

NEW_NAME = "Renamed while you were away"


@pytest.fixture
async def ground(data: Path) -> AsyncIterator[Ground]:
    async with ground_in(data) as ground:
        yield ground


@pytest.fixture
async def driver(ground: Ground) -> AsyncIterator[DriverClient]:
    client = await ground.driver()
    yield client
    await client.close()


async def begin(ground: Ground, driver: DriverClient, post: Post, minutes: float = 3) -> Charging:
    """As `charge`, on the ground's clocks."""
    quote = await quote_at(driver, post.site, post.evse_uid, kwh=50)
    events = driver.events(0)
    id = (await driver.start(quote.id)).id
    await until(events, in_state(SessionState.AUTHORISED, id=id))
    await ground.advance(minutes=minutes)
    await until(events, in_state(SessionState.ACTIVE, id=id))
    await post.member.platform.endpoint.outbox.settled()
    return Charging(ground.network, driver, post, id, events)


async def test_while_the_operator_is_away_nothing_is_free_and_the_session_goes_on(
    ground: Ground, driver: DriverClient
) -> None:
    [post] = await free_posts(ground.network, driver)
    slug = post.member.operator.slug
    charging = await begin(ground, driver, post)
    before = charging.home
    other = next(one for one in (await driver.site(post.site)).evses if one.startable)
    quote = await quote_at(driver, post.site, other.uid)
    await ground.operators[slug].stop()

    started = await driver.start(quote.id)
    refused = await heard_by(driver, in_state(SessionState.REJECTED, id=started.id))
    assert refused.session is not None and refused.session.problem is not None
    assert refused.session.problem.code == "operator_unreachable"

    await driver.stop(charging.id)
    troubled = await heard_by(
        driver,
        lambda event: bool(event.session and event.session.id == charging.id and event.session.stop_problem),
    )
    assert troubled.session is not None and troubled.session.state is SessionState.ACTIVE

    ground.home_clock.moment += timedelta(minutes=16)
    ground.visited_clock.moment += timedelta(minutes=16)
    away = await driver.site(post.site)
    assert away.summary.availability is Availability.UNKNOWN
    assert {one.status for one in away.evses} == {Status.UNKNOWN}
    free = await sites_near(driver, ground.network, free=True)
    assert post.site not in {one.key for one in free}

    member = await ground.start_operator(slug)
    later = await heard_by(
        driver,
        lambda event: bool(
            event.session and event.session.id == charging.id and event.session.energy_kwh > before.energy
        ),
    )
    assert later.session is not None
    await ground.network.home.synchronise(visited_at(ground.network, member))
    assert (await driver.site(post.site)).summary.availability is not Availability.UNKNOWN

    await driver.stop(charging.id)
    await until_state(member.equipment, post.evse_uid, EvseState.FINISHING)
    await ground.advance(minutes=20)
    receipt = (await heard_by(driver, receipt_for(charging.id))).receipt
    assert receipt is not None and receipt.energy_kwh >= later.session.energy_kwh
    assert count_sessions(member.platform.context.store) == 1
    assert sdrs_kept(ground.network.home.context.store) == [("ACCEPTED", charging.id, True)]


async def test_what_happened_while_the_home_platform_was_away_is_pushed_when_it_is_back(
    ground: Ground, driver: DriverClient
) -> None:
    absence = await live_through(ground, driver)
    await ground.start_home()
    await until_all_is_known(ground, driver, absence)


async def test_what_was_never_pushed_is_pulled(ground: Ground, driver: DriverClient) -> None:
    absence = await live_through(ground, driver)
    store = absence.post.member.platform.context.store
    await store.write(lambda connection: connection.execute(delete(push)) and None)
    await ground.start_home()
    await ground.network.home.synchronise(visited_at(ground.network, absence.post.member))
    await until_all_is_known(ground, driver, absence)
    # The same again changes nothing.
    home = ground.network.home.context.store
    before = home.events("contract/", 0)
    await ground.network.home.synchronise(visited_at(ground.network, absence.post.member))
    assert home.events("contract/", 0) == before


@dataclass
class Absence:
    """What happened while the home-CSP was away."""

    post: Post
    session_id: str
    broken: Post
    repriced_at: datetime


async def live_through(ground: Ground, driver: DriverClient) -> Absence:
    """The home-CSP goes; then a car leaves in mid-session, a post fails, a site gets a name and tariffs change."""
    post, broken = await free_posts(ground.network, driver, count=2)
    charging = await begin(ground, driver, post)
    await ground.home.stop()
    await post.member.equipment.unplug(post.evse_uid)
    await ground.advance(minutes=2)
    await broken.member.equipment.suffer(broken.evse_uid, Faults(out_of_order=True))
    await ground.advance(minutes=1)
    operator, now = post.member.platform.context, ground.visited_clock.now()
    with operator.store.read() as connection:
        renamed = load_site(connection, operator, post.site.id)
    assert renamed is not None
    tariffs = [one.model_copy(update={"last_updated": now}) for one in post.member.operator.tariffs()]
    await post.member.platform.publish([renamed.model_copy(update={"name": NEW_NAME, "last_updated": now})], tariffs)
    return Absence(post, charging.id, broken, now)


async def until_all_is_known(ground: Ground, driver: DriverClient, absence: Absence) -> None:
    """Wait for the receipt and look at what else must have come."""
    receipt = (await heard_by(driver, receipt_for(absence.session_id))).receipt
    assert receipt is not None and receipt.energy_kwh > 0
    home = ground.network.home.context
    assert sdrs_kept(home.store) == [("ACCEPTED", absence.session_id, True)]
    assert count_sessions(home.store) == 1

    def known() -> bool:
        with home.store.read() as connection:
            dates = connection.execute(select(tariff.c.last_updated).where(tariff.c.party_id == "KPF")).scalars().all()
            name = connection.execute(select(site.c.name).where(site.c.id == absence.post.site.id)).scalar_one()
            query = select(evse.c.status).where(evse.c.uid == absence.broken.evse_uid)
            status = connection.execute(query).scalar_one()
        return set(dates) == {absence.repriced_at} and name == NEW_NAME and status == Status.OUTOFORDER

    async with asyncio.timeout(60):
        async for _ in home.store.follow("", 0):
            if known():
                return


async def test_a_stop_that_was_on_its_way_when_the_program_ended_is_sent_by_the_next_run(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(data) as (network, driver):
        charging = await charge(network, driver, (await free_posts(network, driver))[0])
        on_its_way = asyncio.Event()

        async def never_arrive(_partner: Partner, _command: Command) -> None:
            on_its_way.set()
            await asyncio.Event().wait()

        monkeypatch.setattr(network.home.context.calls, "command", never_arrive)
        await driver.stop(charging.id)
        await on_its_way.wait()
    await ends_with_one_receipt(data, charging)


async def test_a_stop_that_the_operator_accepted_before_its_program_ended_is_executed_by_the_next_run(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(data) as (network, driver):
        charging = await charge(network, driver, (await free_posts(network, driver))[0])
        swallow(monkeypatch, charging.post.member.platform.context.tasks)
        await driver.stop(charging.id)
        await answered(network, charging.id, CommandKind.STOP_SESSION)
        # Only the operator remembers it now.
        forgotten = change(charging.home, stop_requested_at=None)
        home, partner = network.home.context, visited_at(network, charging.post.member).id
        await home.store.write(lambda connection: keep(connection, home, forgotten, partner) and None)
    await ends_with_one_receipt(data, charging)


async def test_a_start_accepted_before_the_end_of_the_program_leaves_its_neighbours_as_they_were(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(data) as (network, driver):
        first, second = await free_posts(network, driver, count=2)
        assert first.site == second.site
        charging = await charge(network, driver, first)
        swallow(monkeypatch, second.member.platform.context.tasks)
        late = await driver.start((await quote_at(driver, second.site, second.evse_uid)).id)
        await answered(network, late.id, CommandKind.START_SESSION)
    monkeypatch.undo()
    async with running(data, 2) as (network, driver):
        member = network.members[0]
        ended = SessionState.EXPIRED, SessionState.REJECTED
        await heard_by(driver, in_state(*ended, id=late.id))  # unconfirmed, found, stopped before any energy
        assert member.equipment.evse_state(first.evse_uid) is EvseState.CHARGING
        assert count_sessions(member.platform.context.store) == 2
    await ends_with_one_receipt(data, charging, stop=True)


@pytest.mark.parametrize("whose", ["home-csp", "kurpfalz"])
async def test_a_platform_whose_port_is_taken_is_found_at_its_new_one_in_mid_session(data: Path, whose: str) -> None:
    async with running(data) as (network, driver):
        [post] = await free_posts(network, driver)
        assert post.member.operator.slug == "kurpfalz"
        charging = await charge(network, driver, post)
        before = (await driver.session(charging.id)).energy_kwh
        port = port_of(network, whose)
    stranger = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", port)
    async with stranger, running(data, 2) as (network, driver):
        assert port_of(network, whose) != port
        await advance(network, minutes=1)
        await heard_by(driver, lambda event: bool(event.session and event.session.energy_kwh > before))
    await ends_with_one_receipt(data, charging, stop=True)


def port_of(network: Network, name: str) -> int:
    """Where a platform is reached."""
    endpoint = network.home.endpoint if name == HOME_CSP else network.member(name).platform.endpoint
    return urlsplit(endpoint.versions_url).port or 0


@asynccontextmanager
async def running(data: Path, run: int = 1) -> AsyncIterator[tuple[Network, DriverClient]]:
    """One run of the network, each begins five minutes after the one before did; and its driver identified."""
    async with Network.running(data, clock=FixedClock(MONDAY_MORNING + run * timedelta(minutes=5))) as network:
        client = DriverClient(network.driver_url, network.driver_tls)
        demo = network.demo.driver
        await until_sites_are_known(network)
        await client.identify(PinIdentification(contract_id=demo.contract, pin=demo.pin))
        try:
            yield network, client
        finally:
            await client.close()


def swallow(monkeypatch: pytest.MonkeyPatch, tasks: Tasks) -> None:
    """From here on work is lost that was to go on after the answer, as where the program ends right then."""
    monkeypatch.setattr(tasks, "begin", lambda work: work.close())


async def answered(network: Network, session_id: str, kind: CommandKind) -> None:
    """Wait until the operator has answered a command."""
    home = network.home.context
    async with asyncio.timeout(60):
        while True:
            with home.store.read() as connection:
                command = sent(connection, home, session_id, kind)
            if command is not None and command.answer is not None:
                return
            await asyncio.sleep(0)


async def ends_with_one_receipt(data: Path, charging: Charging, *, stop: bool = False) -> None:
    """In the last run the station stops (by itself, or `stop`: now asked to), the car leaves, the receipt comes."""
    async with running(data, 3) as (network, driver):
        equipment = network.members[0].equipment
        if stop:
            await driver.stop(charging.id)
        await until_state(equipment, charging.post.evse_uid, EvseState.FINISHING)
        await advance(network, minutes=20)
        receipt = (await heard_by(driver, receipt_for(charging.id))).receipt
        assert receipt is not None and receipt.energy_kwh > 0
        assert len((await driver.receipts()).receipts) == 1
        assert len([one for one in sdrs_kept(network.home.context.store) if one[2]]) == 1
