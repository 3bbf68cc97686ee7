"""What could go wrong when a session begins at the station (UC3-1, UC4-1): who is meant, who may, what comes twice."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Connection, select

from core.driver_client import DriverClient
from core.driver_messages.reservations import ReservationWish
from core.endpoint.ports import AuthorisationRequest, Command, CommandAnswer, CommandKind, Held
from core.errors import EvroamError, NotFound
from core.home_csp.authorising import UNKNOWN_AT_MOST
from core.home_csp.contracts import add_contract, block_contract, card_credential
from core.model.credentials import CredentialKind, WhitelistPolicy
from core.model.parties import ObjectKey
from core.model.services import Service
from core.model.session import ServiceSession, SessionState, change
from core.model.session_report import ReportedStatus, SessionReport
from core.model.sites import EvSupplyEquipment, Site
from core.network import Network
from core.simulation.faults import Faults
from core.simulation.typical_cars import typical_cars
from core.store.sessions import load_open
from core.store.tables import push
from core.visited_cso.context import Context as VisitedContext
from core.visited_cso.energy_transfer.record import keep, report_of
from core.visited_cso.equipment import EvseState
from core.visited_cso.sites import load_site
from tests.network.charging import (
    Post,
    agree,
    count_sessions,
    free_posts,
    home_at,
    in_state,
    other_home_csp,
    post_of_each,
)
from tests.networks import MONDAY_MORNING, FixedClock, advance, quote_at, until, until_state
from tests.stores import until_stored

pytestmark = pytest.mark.anyio

CARD, SECOND, THIRD = "04A1A1A1A1A1A1", "04B2B2B2B2B2B2", "04C3C3C3C3C3C3"
CONTRACT, ANOTHER, THEIRS = "NL-EVR-C00000011", "NL-EVR-C00000022", "NL-TWO-C00000033"
CODE = "KOFFIE12"
PLACE = ObjectKey(country_code="DE", party_id="KPF", id="KPF-MA-LINDENHOF")


async def shown(post: Post, card: str) -> str:
    """What the station shows for a card, a second after whatever was held to it before."""
    pass_time(post, seconds=1)
    return (await post.member.equipment.tap(post.evse_uid, card)).verdict


async def typed(post: Post, code: str) -> str:
    pass_time(post, seconds=1)
    return (await post.member.equipment.enter_code(post.evse_uid, code)).verdict


def pass_time(post: Post, **time: float) -> None:
    """The clock goes on; no station reports anything."""
    clock = post.member.platform.context.clock
    assert isinstance(clock, FixedClock)
    clock.moment += timedelta(**time)


async def settle(post: Post, *homes: Network) -> None:
    """What either side has to tell the other has arrived."""
    for network in homes:
        await network.home.endpoint.outbox.settled()
    await post.member.platform.endpoint.outbox.settled()


def no_answers(post: Post) -> None:
    """From now on no home-CSP can answer the operator in time."""
    post.member.platform.local_start.identification.within = timedelta()


def open_at(context: VisitedContext) -> list[ServiceSession]:
    """The open sessions that a platform keeps."""
    with context.store.read() as connection:
        return [one.session for one in load_open(connection, context.party)]


def open_at_home(network: Network) -> list[ServiceSession]:
    """The same at the home-CSP."""
    home = network.home.context
    with home.store.read() as connection:
        return [one.session for one in load_open(connection, home.party)]


async def kurpfalz(network: Network, driver: DriverClient) -> Post:
    """A post of the operator that is reached directly."""
    return next(one for one in await post_of_each(network, driver) if one.member.operator.slug == "kurpfalz")


@pytest.mark.parametrize("listed", [True, False], ids=["by_list", "online"])
async def test_a_card_that_two_home_csps_claim_starts_nothing(
    network: Network, driver: DriverClient, data: Path, listed: bool
) -> None:
    post = await kurpfalz(network, driver)
    services = frozenset(Service) - (frozenset() if listed else {Service.OFFLINE_IDENTIFICATION})
    if not listed:
        await agree(network, post.member, services)
    async with other_home_csp(network, post.member, data, services) as (two, _partner):
        await add_contract(network.home.context, CONTRACT, cards=(CARD, SECOND))
        await add_contract(two.context, THEIRS, cards=(CARD, THIRD))
        await two.endpoint.outbox.settled()
        await settle(post, network)
        assert await shown(post, CARD) == "ambiguous"
        assert open_at(post.member.platform.context) == []

        pass_time(post, seconds=1)
        await block_contract(network.home.context, CONTRACT)
        await settle(post, network)
        assert await shown(post, SECOND) == "blocked"
        assert await shown(post, CARD) == "started"  # now only one of the two stands for it
        [session] = open_at(post.member.platform.context)
        assert (session.home, session.contract_id) == (two.context.party, THEIRS)


async def test_a_start_command_with_a_card_lets_that_card_start_for_a_quarter_of_an_hour(
    network: Network, driver: DriverClient
) -> None:
    """OCPI, commands: within 15 minutes of a START_SESSION with an RFID token the CPO need not ask about the token."""
    post, home = await kurpfalz(network, driver), network.home.context
    await add_contract(home, CONTRACT, cards=(CARD, SECOND), whitelist=WhitelistPolicy.NEVER)
    await settle(post, network)
    no_answers(post)
    assert await shown(post, CARD) == "no_answer"

    async def commanded() -> None:
        with home.store.read() as connection:
            credential = card_credential(connection, home, CARD)
        assert credential is not None
        sent = Command(
            kind=CommandKind.START_SESSION,
            response_url=home.calls.response_url(CommandKind.START_SESSION, str(uuid4())),
            credential=Held(credential, home.writer.credential(credential)),
            site_id=post.site.id,
            evse_uid=post.evse_uid,
            authorization_reference=str(uuid4()),
        )
        commands, partner = post.member.platform.commands.start, home_at(post.member)
        reply, session_id = await commands.accept(partner, sent)
        assert (reply.answer, session_id is None) == (CommandAnswer.ACCEPTED, False)
        await commands.execute(partner, sent, session_id or "")

    context = post.member.platform.context
    await post.member.equipment.suffer(post.evse_uid, Faults(cable_not_seen=True))
    await commanded()
    await advance(network, minutes=3)  # nobody plugs in, and the station gives up
    assert open_at(context) == []
    assert await shown(post, SECOND) == "no_answer"  # the command named another card
    assert await shown(post, CARD) == "started"
    [session] = open_at(context)
    assert session.identification == "COMMAND"
    await advance(network, minutes=3)
    assert open_at(context) == []
    pass_time(post, minutes=8, seconds=57)
    assert await shown(post, CARD) == "no_answer"  # 15 minutes after the command

    await commanded()
    await advance(network, minutes=3)
    await block_contract(home, CONTRACT)
    await settle(post, network)
    assert await shown(post, CARD) == "no_answer"  # revoked since the command, so asked about


async def test_wrong_codes_lock_the_keypad_of_one_post_for_a_quarter_of_an_hour(
    network: Network, driver: DriverClient
) -> None:
    post, other = [one for one in await free_posts(network, driver, 40) if one.member.operator.slug == "kurpfalz"][:2]
    await add_contract(network.home.context, CONTRACT, codes=(CODE,), cards=(CARD,))
    await settle(post, network)
    guesses = ["111111", "222222", "", "444444", "555555"]
    assert [await typed(post, guess) for guess in guesses] == ["unknown", "unknown", "unreadable", "unknown", "unknown"]
    assert await typed(post, CODE) == "locked"
    assert await typed(other, CODE) == "started"
    assert await typed(other, CODE) == "stopped"
    await advance(network, minutes=14)
    assert await typed(post, CODE) == "locked"
    assert await shown(post, CARD) == "started"  # cards cannot be guessed
    assert await typed(post, CODE) == "stopped"  # of the same contract; who stops is not locked out
    await advance(network, minutes=20)
    assert await typed(post, CODE.lower()) == "started"
    [session] = open_at(post.member.platform.context)
    assert (session.credential_kind, session.identification) == (CredentialKind.OTHER, "AUTH_REQUEST")
    await settle(post, network)
    assert [one.contract_id for one in open_at_home(network)] == ["NLEVRC00000011"]


async def test_a_card_starts_what_its_contract_has_reserved_and_no_other_card_does(
    network: Network, driver: DriverClient
) -> None:
    post = Post(
        ObjectKey(country_code="DE", party_id="KPF", id="KPF-B-MOABIT"), "KPF-B-MOABIT-A1", network.member("kurpfalz")
    )
    await add_contract(network.home.context, CONTRACT, cards=(CARD,))
    await settle(post, network)
    quote, events = await quote_at(driver, post.site, post.evse_uid), driver.events(0)
    reserved = await driver.reserve(ReservationWish(quote_id=quote.id, minutes=15))
    await until(events, in_state(SessionState.RESERVED, id=reserved.id))
    await settle(post, network)

    assert await shown(post, CARD) == "reserved"
    [session] = open_at(post.member.platform.context)
    assert session.state is SessionState.RESERVED
    assert await shown(post, network.demo.driver.cards[0]) == "started"
    await until(events, in_state(SessionState.AUTHORISED, id=reserved.id))
    [started] = open_at(post.member.platform.context)
    assert (started.id, started.credential_uid) == (session.id, network.demo.driver.cards[0])
    assert (started.credential_kind, started.reservation is not None) == (CredentialKind.RFID, True)
    assert await shown(post, CARD) == "other_credential"


async def test_the_connector_and_its_tariff_are_those_into_which_the_driver_plugs(
    network: Network, driver: DriverClient
) -> None:
    post = next(one for one in await free_posts(network, driver, 60) if one.evse_uid == "KPF-LU-RHEINBRUECKE-A1")
    platform = post.member.platform
    with platform.context.store.read() as connection:
        site = load_site(connection, platform.context, post.site.id)
    assert site is not None
    equipment = site.find_equipment(post.evse_uid)
    assert equipment is not None
    pass_time(post, seconds=1)
    await platform.publish([with_tariff(site, equipment, "3", "KPF-DAY-NIGHT", post)], [])
    await add_contract(network.home.context, CONTRACT, cards=(CARD,))
    await settle(post, network)

    await post.member.equipment.plug_in(post.evse_uid, typical_cars()[0], connector_id="3")
    assert await shown(post, CARD) == "started"
    await advance(network, minutes=5)
    await settle(post, network)
    for [session] in (open_at(platform.context), open_at_home(network)):
        assert (session.connector_id, [one.id for one in session.tariffs]) == ("3", ["KPF-DAY-NIGHT"])
        assert session.energy > 0


def with_tariff(site: Site, equipment: EvSupplyEquipment, connector_id: str, tariff_id: str, post: Post) -> Site:
    """The site with another tariff at one connector."""
    now = post.member.platform.context.clock.now()
    connectors = tuple(
        one.model_copy(update={"tariff_ids": (tariff_id,), "last_updated": now}) if one.id == connector_id else one
        for one in equipment.connectors
    )
    changed = equipment.model_copy(update={"connectors": connectors, "last_updated": now})
    evses = tuple(changed if one.uid == equipment.uid else one for one in site.equipment)
    return site.model_copy(update={"equipment": evses, "last_updated": now})


async def test_who_asks_for_too_many_unknown_credentials_learns_nothing_more(
    network: Network, driver: DriverClient
) -> None:
    one, other = await post_of_each(network, driver)
    await add_contract(network.home.context, CONTRACT, cards=(CARD,), whitelist=WhitelistPolicy.NEVER)

    async def asked(post: Post, uid: str) -> str:
        request = AuthorisationRequest(uid, CredentialKind.RFID, post.site.id, (post.evse_uid,))
        try:
            return (await post.member.platform.context.calls.authorise(home_at(post.member), request)).verdict
        except NotFound:
            return "unknown"
        except EvroamError as error:
            return error.code

    assert await asked(one, CARD) == "ALLOWED"
    for batch in range(UNKNOWN_AT_MOST // 50):
        answers = await asyncio.gather(*(asked(one, f"{batch * 50 + card:014X}") for card in range(50)))
        assert set(answers) == {"unknown"}
    known, unknown = await asked(one, CARD), await asked(one, "04EEEEEEEEEEEE")
    assert known == unknown not in {"ALLOWED", "unknown"}
    await settle(one, network)
    assert await shown(one, "04EEEEEEEEEEEE") == "not_allowed"
    assert await asked(other, CARD) == "ALLOWED"  # another operator is not made to suffer


async def test_reports_of_a_session_at_a_post_open_and_move_it_once(network: Network, driver: DriverClient) -> None:
    """Its first report may be a late one, may come three times at once, and older ones may follow."""
    post, home = await kurpfalz(network, driver), network.home.context
    await add_contract(home, CONTRACT, cards=(CARD,))
    await settle(post, network)
    assert await shown(post, CARD) == "started"
    await advance(network, minutes=5)
    await settle(post, network)
    context = post.member.platform.context
    [session] = open_at(context)
    told = report_of(session, context.clock.now())
    # One that the home-CSP has not heard of, told as if all its messages but the last were held up on the way.
    newest = told.model_copy(update={"id": str(uuid4()), "status": ReportedStatus.ACTIVE, "energy": Decimal("1.5")})
    before = {"last_updated": told.last_updated - timedelta(minutes=4)}
    first = newest.model_copy(update={"status": ReportedStatus.PENDING, "energy": Decimal(), **before})
    invalid = first.model_copy(update={"status": ReportedStatus.INVALID})
    stale = newest.model_copy(update={"energy": Decimal(9), **before})

    async def put(report: SessionReport) -> None:
        await context.calls.put_session(home_at(post.member), Held(report, context.writer.session(report)))

    await asyncio.gather(*(put(newest) for _ in range(3)))
    assert count_sessions(home.store) == 2
    opened = next(one for one in open_at_home(network) if one.visited_session_id == newest.id)
    assert (opened.state, opened.energy) == (SessionState.ACTIVE, Decimal("1.5"))
    for late in (first, invalid, stale, newest, first):
        await put(late)
    assert count_sessions(home.store) == 2
    assert next(one for one in open_at_home(network) if one.visited_session_id == newest.id) == opened
    theirs = next(one for one in open_at_home(network) if one.visited_session_id == session.id)
    assert theirs.energy == session.energy


async def test_a_start_at_the_post_goes_on_where_the_program_ended_in_the_middle(data: Path) -> None:
    """Before the station was asked, and between its answer and our note of it; an attempt nobody answered is gone."""
    async with Network.running(data, clock=FixedClock(MONDAY_MORNING)) as network:
        await add_contract(network.home.context, CONTRACT, cards=(CARD,))
        post = Post(PLACE, "KPF-MA-LINDENHOF-A1", network.member("kurpfalz"))
        await settle(post, network)
        assert await shown(post, CARD) == "started"
        context = post.member.platform.context
        [started] = open_at(context)
        asking = change(
            started,
            id=(other := str(uuid4())),
            visited_session_id=other,
            evse_uid="KPF-MA-LINDENHOF-A2",
            state=SessionState.AUTHORISING,
        )
        partner, noted = home_at(post.member), change(started, state=SessionState.AUTHORISING)

        def as_killed(connection: Connection) -> None:
            for one in (noted, asking):
                keep(connection, context, one, partner.id)

        await context.store.write(as_killed)
        moment = network.clock.now()
    async with Network.running(data, clock=FixedClock(moment)) as network:
        post = Post(PLACE, "KPF-MA-LINDENHOF-A1", network.member("kurpfalz"))
        for uid in ("KPF-MA-LINDENHOF-A1", "KPF-MA-LINDENHOF-A2"):
            await until_state(post.member.equipment, uid, EvseState.PREPARING)
        await advance(network, minutes=5)
        await settle(post, network)
        states = {one.id: one.state for one in open_at(post.member.platform.context)}
        assert states == {started.id: SessionState.ACTIVE, other: SessionState.ACTIVE}
        # What was to be told before the home-CSP stood is sent again after a while.
        waiting = select(push.c.object_id)
        store = post.member.platform.context.store
        await until_stored(store, lambda connection: connection.execute(waiting).first() is None)
        assert {one.visited_session_id for one in open_at_home(network)} == {started.id, other}
