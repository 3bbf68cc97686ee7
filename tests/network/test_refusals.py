"""Starts that go wrong: a refused one leaves nothing open, an unanswered one ends on evidence."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace

import pytest

from core.driver_client import DriverClient
from core.driver_messages import DriverEvent, SessionView
from core.endpoint.ports import CommandAnswer
from core.errors import EvroamError, NotFound, Refused
from core.model.parties import ObjectKey
from core.model.session import SessionState
from core.network import Network
from core.simulation.faults import Faults
from core.simulation.typical_cars import typical_cars
from core.store.sessions import load, load_open
from core.visited_cso.equipment import EvseState
from tests.network.charging import Post as NetworkPost
from tests.network.charging import visited_at
from tests.network.test_duplicates import start_command
from tests.networks import advance, quote_at, sites_near, until, until_state

pytestmark = pytest.mark.anyio
BOTH_WIRES = pytest.mark.parametrize("wire", ["2.2.1", "2.3.0"])


@dataclass
class Post:
    site: ObjectKey
    evse_uid: str


@pytest.fixture
async def post(network: Network, driver: DriverClient) -> Post:
    site = (await sites_near(driver, network, free=True, roaming=True))[0]
    opened = await driver.site(site.key)
    return Post(site.key, next(one.uid for one in opened.evses if one.startable))


def ended(state: SessionState) -> Callable[[DriverEvent], bool]:
    return lambda event: event.session is not None and event.session.state is state


async def start(driver: DriverClient, post: Post) -> tuple[SessionView, AsyncIterator[DriverEvent | None]]:
    quote = await quote_at(driver, post.site, post.evse_uid)
    return await driver.start(quote.id), driver.events(0)


def open_sessions(network: Network) -> list[str]:
    contexts = [network.home.context, *(one.platform.context for one in network.members)]
    found = []
    for context in contexts:
        with context.store.read() as connection:
            found += [one.session.id for one in load_open(connection, context.party)]
    return found


@BOTH_WIRES
async def test_a_refused_start_leaves_no_open_session(network: Network, driver: DriverClient, post: Post) -> None:
    await network.equipment_at(post.evse_uid).suffer(post.evse_uid, Faults(refuses_start=True))
    _, events = await start(driver, post)
    refused = (await until(events, ended(SessionState.REJECTED))).session
    assert refused is not None and refused.problem is not None
    assert refused.problem.code == "result_rejected"
    assert refused.problem.next_step
    assert open_sessions(network) == []


async def test_a_cable_that_never_comes_ends_the_session_without_a_receipt(
    network: Network, driver: DriverClient, post: Post
) -> None:
    await network.equipment_at(post.evse_uid).suffer(post.evse_uid, Faults(cable_not_seen=True))
    _, events = await start(driver, post)
    await until(events, ended(SessionState.AUTHORISED))
    await advance(network, minutes=3)
    expired = (await until(events, ended(SessionState.EXPIRED))).session
    assert expired is not None and expired.problem is not None and expired.problem.code == "not_plugged_in"
    assert (await driver.receipts()).receipts == ()
    assert open_sessions(network) == []


def states_of(network: Network, session_id: str) -> list[SessionState]:
    with network.home.context.store.read() as connection:
        kept = load(connection, network.home.context.party, session_id)
    assert kept is not None
    return [one.to_state for one in kept.session.transitions]


@BOTH_WIRES
async def test_an_unanswered_start_is_found_and_stopped_before_anybody_pays(
    network: Network, driver: DriverClient, post: Post
) -> None:
    await network.equipment_at(post.evse_uid).suffer(post.evse_uid, Faults(answer_lost=True))
    started, events = await start(driver, post)
    expired = (await until(events, ended(SessionState.EXPIRED))).session
    assert expired is not None and expired.problem is not None and expired.problem.code == "stopped"
    assert SessionState.UNCONFIRMED in states_of(network, started.id)
    assert (await driver.receipts()).receipts == ()
    assert open_sessions(network) == []


async def test_a_start_whose_answer_is_lost_goes_on_once_the_station_reports_that_it_charges(
    network: Network, driver: DriverClient, post: Post
) -> None:
    equipment = network.equipment_at(post.evse_uid)
    await equipment.suffer(post.evse_uid, Faults(answer_lost=True))
    await equipment.plug_in(post.evse_uid, typical_cars()[0])
    started, events = await start(driver, post)
    await until(events, ended(SessionState.ACTIVE))
    await advance(network, minutes=2)
    await driver.stop(started.id)
    await until_state(equipment, post.evse_uid, EvseState.FINISHING)
    await advance(network, minutes=20)
    await until(events, ended(SessionState.RECONCILED))
    assert (await driver.session(started.id)).receipt_id is not None
    assert open_sessions(network) == []


async def test_an_offline_station_starts_nothing(network: Network, driver: DriverClient, post: Post) -> None:
    await network.equipment_at(post.evse_uid).suffer(post.evse_uid, Faults(offline=True))
    _, events = await start(driver, post)
    rejected = (await until(events, ended(SessionState.REJECTED))).session
    assert rejected is not None and rejected.problem is not None and rejected.problem.code == "not_started"
    assert open_sessions(network) == []


async def test_two_starts_at_one_post_leave_one_session(network: Network, driver: DriverClient, post: Post) -> None:
    _, events = await start(driver, post)
    await until(events, ended(SessionState.AUTHORISED))
    second = await quote_at(driver, post.site, post.evse_uid)
    with pytest.raises(Refused) as refused:
        await driver.start(second.id)
    assert refused.value.code == "evse_occupied"
    assert len(open_sessions(network)) == 2  # one session, kept at the home-CSP and at the visited-CSO


async def test_a_quote_is_used_once_and_only_while_it_holds(network: Network, driver: DriverClient, post: Post) -> None:
    quote = await quote_at(driver, post.site, post.evse_uid)
    await advance(network, minutes=16)
    with pytest.raises(Refused) as expired:
        await driver.start(quote.id)
    assert expired.value.code == "quote_expired"
    with pytest.raises(NotFound):
        await driver.start("Q-NOBODYS")


async def test_nobody_starts_without_identification(network: Network, client: DriverClient, post: Post) -> None:
    quote = await quote_at(client, post.site, post.evse_uid)
    client.forget()
    with pytest.raises(EvroamError) as refused:
        await client.start(quote.id)
    assert refused.value.code == "not_identified"
    assert open_sessions(network) == []


async def test_a_site_without_an_agreement_has_no_quote(network: Network, driver: DriverClient, post: Post) -> None:
    for partner in network.home.context.visited_csos():
        await network.home.endpoint.partners.suspend(partner.id)
    with pytest.raises(Refused):
        await start(driver, post)
    assert open_sessions(network) == []


async def test_what_cannot_be_started_from_here_is_said_before_and_refused_by_its_code(
    network: Network, driver: DriverClient, post: Post
) -> None:
    """OCPI: NOT_SUPPORTED by the EVSE, 2003 for an unknown location (status codes), REJECTED out of service."""
    local = Post(ObjectKey(country_code="DE", party_id="KPF", id="KPF-MA-JUNGBUSCH"), "KPF-MA-JUNGBUSCH-A1")
    [evse] = [one for one in (await driver.site(local.site)).evses if one.uid == local.evse_uid]
    assert evse.refusal is not None and (evse.refusal.code, evse.startable) == ("no_remote_start", False)
    _, events = await start(driver, local)  # as if the operator had changed it since
    told = (await until(events, ended(SessionState.REJECTED))).session
    assert told is not None and told.problem is not None
    assert (told.problem.code, bool(told.problem.next_step)) == ("answer_not_supported", True)

    member = network.member("kurpfalz")
    place = NetworkPost(local.site, local.evse_uid, member)
    command, calls = start_command(network, place, "nowhere"), network.home.context.calls
    with pytest.raises(Refused) as nowhere:
        await calls.command(visited_at(network, member), replace(command, site_id="NOWHERE"))
    assert nowhere.value.code == "unknown_location"

    member = next(one for one in network.members if one.platform.context.party == post.site.party)
    await member.equipment.suffer(post.evse_uid, Faults(out_of_order=True))
    broken = start_command(network, NetworkPost(post.site, post.evse_uid, member), "broken")
    reply = await calls.command(visited_at(network, member), broken)
    assert (reply.answer, reply.message) == (CommandAnswer.REJECTED, "this EVSE is out of service")
    assert open_sessions(network) == []
