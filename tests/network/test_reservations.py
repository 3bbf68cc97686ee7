"""Reservation of EV supply equipment (UC3-8) between real platforms.

The tariff of the site is KPF-RESERVATION of the demo network: reserved time 2.521 an hour in steps of a minute, 3.3613
for not coming, 0.395 per kWh, all plus 19 % VAT.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import select

from core.driver_client import DriverClient
from core.driver_messages import DriverEvent, QuoteView, SessionView
from core.driver_messages.reservations import ReservationWish
from core.endpoint.partner import Partner
from core.endpoint.ports import Command, CommandAnswer, CommandKind, CommandReply, CommandResult, Held
from core.errors import Refused
from core.home_csp.context import Context
from core.home_csp.contracts import add_contract, app_credential
from core.model.credentials import Credential
from core.model.identifiers import ContractId
from core.model.parties import ObjectKey
from core.model.receipt import CheckVerdict, Receipt
from core.model.reservations import CancelReason
from core.model.session import ServiceSession, SessionState, TransactionKind
from core.model.sites import Status
from core.network import Network
from core.simulation.faults import Faults
from core.simulation.typical_cars import typical_cars
from core.store.sessions import load_open
from core.store.tables import command as command_table
from core.visited_cso.energy_transfer.reserved import cancel_at
from core.visited_cso.equipment import EvseState
from core.visited_cso.sites import load_site
from tests.network.charging import Charging, Post, home_at, in_state, other_home_csp, receipt_for, visited_at
from tests.networks import advance, quote_at, until, until_state

pytestmark = pytest.mark.anyio

S = SessionState
SITE = ObjectKey(country_code="DE", party_id="KPF", id="KPF-B-MOABIT")


@pytest.fixture
def post(network: Network) -> Post:
    return Post(SITE, "KPF-B-MOABIT-A1", network.member("kurpfalz"))


@dataclass
class Reserved:
    session: Charging
    quote: QuoteView

    async def reaches(self, *states: SessionState) -> SessionView:
        found = (await until(self.session.events, in_state(*states, id=self.session.id))).session
        assert found is not None
        return found

    async def receipt(self) -> Receipt:
        receipt = (await until(self.session.events, receipt_for(self.session.id))).receipt
        assert receipt is not None
        return receipt


async def reserve(network: Network, driver: DriverClient, post: Post, minutes: int = 15) -> Reserved:
    quote = await quote_at(driver, post.site, post.evse_uid)
    events = driver.events(0)
    asked = await driver.reserve(ReservationWish(quote_id=quote.id, minutes=minutes))
    reserved = Reserved(Charging(network, driver, post, asked.id, events), quote)
    await reserved.reaches(S.RESERVED)
    await post.member.platform.endpoint.outbox.settled()
    return reserved


def status_of(post: Post) -> Status:
    context = post.member.platform.context
    with context.store.read() as connection:
        site = load_site(connection, context, post.site.id)
    equipment = site.find_equipment(post.evse_uid) if site else None
    assert equipment is not None
    return equipment.status


def with_words(event: DriverEvent) -> bool:
    return bool(event.session and event.session.reservation and event.session.reservation.message)


def nothing_is_open(network: Network) -> bool:
    contexts = [network.home.context, *(one.platform.context for one in network.members)]
    for context in contexts:
        with context.store.read() as connection:
            if load_open(connection, context.party):
                return False
    return True


async def test_the_price_is_told_before_and_reserve_arrive_charge_is_one_session(
    network: Network, driver: DriverClient, post: Post
) -> None:
    quote = await quote_at(driver, post.site, post.evse_uid)
    offer = await driver.reservation_offer(ReservationWish(quote_id=quote.id, minutes=15))
    assert offer.refusal is None
    assert offer.later_refusal is None
    assert offer.used.amount == Decimal("0.75")  # 0.25 h at 2.521, plus 19 %
    assert offer.unused.amount == Decimal("4.00")  # 3.3613 plus 19 %
    assert offer.until - offer.starts_at == timedelta(minutes=15)

    reserved = await reserve(network, driver, post)
    assert status_of(post) is Status.RESERVED
    opened = await driver.site(SITE)
    assert next(one for one in opened.evses if one.uid == post.evse_uid).status == "RESERVED"

    await advance(network, minutes=10)
    started = await driver.start_reserved(reserved.session.id)
    assert started.id == reserved.session.id
    await reserved.reaches(S.AUTHORISED)
    await advance(network, minutes=5)
    await reserved.reaches(S.ACTIVE)
    receipt = await reserved.session.end()

    line = next(one for one in receipt.lines if one.kind == "reservation")
    assert round(line.billed_quantity * 60) == 11  # 10 min and the 8 s until the car is plugged in, in whole minutes
    assert round(line.net, 6) == Decimal("0.462183")  # 11/60 of 2.521
    assert line.explanation == "shorter:5"
    assert [line.kind for line in receipt.lines].count("energy") == 1
    assert receipt.tariff_check.verdict is CheckVerdict.HOLDS
    assert receipt.quote_check.verdict is CheckVerdict.HOLDS
    assert receipt.total == sum((one.gross for one in receipt.lines), Decimal(0)).quantize(Decimal("0.01"))
    kinds = [one.kind for one in reserved.session.visited.transactions]
    assert kinds[:2] == [TransactionKind.RESERVATION, TransactionKind.ENERGY]
    assert reserved.session.home.state is S.RECONCILED
    assert nothing_is_open(network)


async def test_the_driver_s_card_starts_at_the_post_what_the_app_has_reserved(
    network: Network, driver: DriverClient, post: Post
) -> None:
    """Both are credentials of one contract, and so of one group."""
    reserved = await reserve(network, driver, post)
    await post.member.equipment.present_card(post.evse_uid, network.demo.driver.cards[0])
    await reserved.reaches(S.AUTHORISED)
    await advance(network, minutes=2)
    charging = await reserved.reaches(S.ACTIVE)
    assert charging.id == reserved.session.id
    assert reserved.session.visited.credential_kind == "RFID"


@pytest.mark.parametrize("wire", ["2.2.1", "2.3.0"])
async def test_not_coming_costs_what_the_tariff_says_and_nothing_else(
    network: Network, driver: DriverClient, post: Post, wire: str
) -> None:
    assert visited_at(network, post.member).version == wire
    reserved = await reserve(network, driver, post)
    await advance(network, minutes=16)
    receipt = await reserved.receipt()
    assert [one.kind for one in receipt.lines if one.net] == ["reservation"]  # no fee of ours per session either
    assert receipt.total == Decimal("4.00")
    assert (receipt.tariff_check.verdict, receipt.quote_check.verdict) == (CheckVerdict.HOLDS, CheckVerdict.HOLDS)
    assert receipt.quoted_total == Decimal("4.00")
    assert receipt.energy_kwh == 0 and receipt.evse_id  # told from our own record: the SDR has none (cdr:462)
    assert [one.to_state for one in reserved.session.home.transitions][-4:] == [
        S.NO_SHOW, S.CLOSING, S.RECORDED, S.RECONCILED,
    ]  # fmt: skip
    assert status_of(post) is Status.AVAILABLE
    assert nothing_is_open(network)


async def test_one_who_cancels_pays_the_time_until_then(network: Network, driver: DriverClient, post: Post) -> None:
    reserved = await reserve(network, driver, post)
    await advance(network, minutes=5)
    asked = await driver.cancel_reservation(reserved.session.id)
    assert asked.reservation is not None and asked.reservation.cancel_requested_at is not None
    receipt = await reserved.receipt()
    assert receipt.total == Decimal("0.25")  # 5 min at 2.521 an hour, plus 19 %
    assert receipt.tariff_check.verdict is CheckVerdict.HOLDS
    states = [one.to_state for one in reserved.session.home.transitions]
    assert S.CANCELLED in states and S.NO_SHOW not in states
    assert status_of(post) is Status.AVAILABLE
    again = await driver.cancel_reservation(reserved.session.id)  # over already: nothing happens twice
    assert again.state is S.RECONCILED


async def test_the_operator_cancels_and_nobody_pays(network: Network, driver: DriverClient, post: Post) -> None:
    reserved = await reserve(network, driver, post)
    await advance(network, minutes=5)
    context = post.member.platform.context
    given = await cancel_at(context, frozenset({post.evse_uid}), CancelReason.POWER_OUTAGE, "Stromausfall")
    assert given == [reserved.session.visited.id]
    told = (await until(reserved.session.events, with_words)).session
    assert told is not None and told.state is S.CANCELLED
    assert told.problem is not None and told.problem.code == "reservation_taken_back" and told.problem.next_step
    assert told.reservation is not None and told.reservation.message == "Stromausfall"
    await post.member.platform.endpoint.outbox.settled()
    assert (await driver.receipts()).receipts == ()
    assert reserved.session.visited.state is S.CANCELLED
    assert await cancel_at(context, frozenset({post.evse_uid}), CancelReason.POWER_OUTAGE) == []
    assert status_of(post) is Status.AVAILABLE and nothing_is_open(network)


async def test_equipment_that_breaks_takes_its_reservation_back(
    network: Network, driver: DriverClient, post: Post
) -> None:
    reserved = await reserve(network, driver, post)
    await post.member.equipment.suffer(post.evse_uid, Faults(out_of_order=True))
    told = await reserved.reaches(S.CANCELLED)
    assert told.problem is not None and told.problem.code == "reservation_taken_back"


async def test_a_start_that_comes_to_nothing_leaves_the_reservation(
    network: Network, driver: DriverClient, post: Post
) -> None:
    reserved = await reserve(network, driver, post)
    equipment = post.member.equipment
    await equipment.suffer(post.evse_uid, Faults(refuses_start=True))
    await driver.start_reserved(reserved.session.id)
    refused = (
        await until(
            reserved.session.events,
            lambda event: bool(event.session and event.session.reservation and event.session.reservation.start_problem),
        )
    ).session
    assert refused is not None and refused.state is S.RESERVED and refused.reservation is not None
    assert refused.reservation.start_problem is not None
    assert refused.reservation.start_problem.code == "result_rejected"

    await equipment.suffer(post.evse_uid, Faults(cable_not_seen=True))
    await advance(network, minutes=1)
    quote = await quote_at(driver, post.site, post.evse_uid)
    assert (await driver.start(quote.id)).id == reserved.session.id  # by the usual way: the reservation is used
    await reserved.reaches(S.AUTHORISED)
    await advance(network, minutes=2)
    waiting = await reserved.reaches(S.RESERVED)
    assert waiting.reservation is not None and waiting.reservation.start_problem is not None
    assert waiting.reservation.start_problem.code == "not_plugged_in"
    assert equipment.evse_state(post.evse_uid) is EvseState.RESERVED
    await advance(network, minutes=15)
    assert (await reserved.receipt()).total == Decimal("4.00")


async def test_a_station_that_does_not_answer_leaves_no_reservation(
    network: Network, driver: DriverClient, post: Post
) -> None:
    quote = await quote_at(driver, post.site, post.evse_uid)
    equipment, events = post.member.equipment, driver.events(0)
    await equipment.suffer(post.evse_uid, Faults(offline=True))
    asked = await driver.reserve(ReservationWish(quote_id=quote.id))
    final = S.REJECTED, S.CANCELLED
    ended = (await until(events, in_state(*final, id=asked.id))).session
    assert ended is not None and ended.problem is not None and ended.problem.next_step
    await post.member.platform.endpoint.outbox.settled()
    assert nothing_is_open(network)
    await equipment.suffer(post.evse_uid, Faults())
    await advance(network, minutes=1)
    assert equipment.evse_state(post.evse_uid) is EvseState.AVAILABLE
    assert (await driver.receipts()).receipts == ()


def own_credential(context: Context, contract: str) -> Credential:
    with context.store.read() as connection:
        credential = app_credential(connection, context, ContractId.parse(contract).key)
    assert credential is not None
    return credential


@dataclass
class Sender:
    """A home-CSP that sends commands of its own making."""

    context: Context
    partner: Partner
    contract: str
    sent: int = 0

    def command(self, kind: CommandKind, **members: object) -> Command:
        self.sent += 1
        credential = members.pop("credential", None) or own_credential(self.context, self.contract)
        assert isinstance(credential, Credential)
        wanted: dict[str, object] = {
            "response_url": self.context.calls.response_url(kind, f"own-{self.sent}"),
            "credential": Held(credential, self.context.writer.credential(credential)),
            "site_id": SITE.id,
            "evse_uid": "KPF-B-MOABIT-A1",
            "connector_id": "1" if kind is CommandKind.START_SESSION else None,
            "reservation_id": "R1",
            "expiry": self.context.clock.now() + timedelta(minutes=20),
        }
        return Command(kind=kind, **(wanted | members))  # type: ignore[arg-type]  # members as the tests name them

    async def send(self, kind: CommandKind, **members: object) -> CommandReply:
        return await self.context.calls.command(self.partner, self.command(kind, **members))


@pytest.fixture
def sender(network: Network, post: Post) -> Sender:
    return Sender(network.home.context, visited_at(network, post.member), network.demo.driver.contract)


async def outcome(post: Post, sender: Sender, kind: CommandKind, **members: object) -> CommandResult | None:
    """What a command comes to at the station, asked at the desk that takes it, so that its work can be awaited."""
    reservations = post.member.platform.commands.reservations
    command = sender.command(kind, **members)
    reply, work = await reservations.accept(_known_at(post, sender), command)
    assert reply.answer is CommandAnswer.ACCEPTED, reply.message
    assert work is not None
    await work
    return _result(post, command)


def _known_at(post: Post, sender: Sender) -> Partner:
    partners = post.member.platform.context.home_csps()
    return next(one for one in partners if one.speaks_for(sender.context.party))


def _result(post: Post, command: Command) -> CommandResult | None:
    with post.member.platform.context.store.read() as connection:
        columns = command_table.c
        query = select(columns.result).where(columns.response_url == command.response_url)
        found = connection.execute(query).scalar()
    return None if found is None else CommandResult(found)


async def test_refusals_at_once(network: Network, post: Post, sender: Sender) -> None:
    now, kind = network.clock.now(), CommandKind.RESERVE_NOW
    foreign = own_credential(network.home.context, network.demo.driver.contract).model_copy(
        update={"country_code": "DE", "party_id": "XYZ"}
    )
    for members, answer, word in (
        ({"evse_uid": "NONE"}, CommandAnswer.REJECTED, "unknown EVSE"),
        ({"site_id": "NONE"}, CommandAnswer.REJECTED, "unknown site"),
        ({"expiry": now + timedelta(minutes=31)}, CommandAnswer.REJECTED, "30 minutes"),
        ({"expiry": now - timedelta(minutes=1)}, CommandAnswer.REJECTED, "past"),
        ({"credential": foreign}, CommandAnswer.REJECTED, "not one of yours"),
        ({"site_id": "KPF-MA-HBF", "evse_uid": "KPF-MA-HBF-A1"}, CommandAnswer.NOT_SUPPORTED, "cannot be reserved"),
    ):
        reply = await sender.send(kind, **members)
        assert (reply.answer, word in (reply.message or "")) == (answer, True), reply
    assert nothing_is_open(network)


async def test_outcomes_of_the_place_replays_and_replacement(network: Network, post: Post, sender: Sender) -> None:
    kind, equipment = CommandKind.RESERVE_NOW, post.member.equipment
    await equipment.plug_in("KPF-B-MOABIT-A2", typical_cars()[0])
    assert await outcome(post, sender, kind, evse_uid="KPF-B-MOABIT-A2") is CommandResult.EVSE_OCCUPIED
    await equipment.suffer("KPF-B-MOABIT-B1", Faults(out_of_order=True))
    assert await outcome(post, sender, kind, evse_uid="KPF-B-MOABIT-B1") is CommandResult.EVSE_INOPERATIVE
    unknown = await outcome(post, sender, CommandKind.CANCEL_RESERVATION, reservation_id="R9")
    assert unknown is CommandResult.UNKNOWN_RESERVATION

    first = sender.command(kind, evse_uid=None)  # any that is free: A1 alone is
    reservations, partner = post.member.platform.commands.reservations, home_at(post.member)
    reply, work = await reservations.accept(partner, first)
    assert work is not None
    await work
    again, nothing = await reservations.accept(partner, first)
    assert (again, nothing) == (reply, None)
    [kept] = _open_at(post)
    assert kept.evse_uid == "KPF-B-MOABIT-A1" and kept.id != "R1"  # rule 20: an id of our own before the station

    overlapping = await sender.send(kind, reservation_id="R2", evse_uid="KPF-B-MOABIT-A2")
    assert (overlapping.answer, "another reservation" in (overlapping.message or "")) == (CommandAnswer.REJECTED, True)
    longer = network.clock.now() + timedelta(minutes=25)
    assert await outcome(post, sender, kind, expiry=longer) is CommandResult.ACCEPTED
    [kept] = _open_at(post)
    assert kept.reservation is not None and kept.reservation.until == longer
    moved = await sender.send(kind, evse_uid="KPF-B-MOABIT-A2")
    assert moved.answer is CommandAnswer.REJECTED


def _open_at(post: Post) -> list[ServiceSession]:
    context = post.member.platform.context
    with context.store.read() as connection:
        return [one.session for one in load_open(connection, context.party)]


async def test_only_the_same_token_or_one_of_its_group_may_start(network: Network, post: Post, sender: Sender) -> None:
    context = network.home.context
    await add_contract(context, "NLEVRC00000001", driver_name="Other", pin="1357")
    mine = own_credential(context, network.demo.driver.contract).model_copy(update={"group_id": "FAMILY"})
    other = own_credential(context, "NLEVRC00000001")
    assert await outcome(post, sender, CommandKind.RESERVE_NOW, credential=mine) is CommandResult.ACCEPTED
    refused = await sender.send(CommandKind.START_SESSION, credential=other)
    assert (refused.answer, refused.message) == (CommandAnswer.REJECTED, "this EVSE is reserved")
    family = other.model_copy(update={"group_id": "FAMILY"})
    assert (await sender.send(CommandKind.START_SESSION, credential=family)).answer is CommandAnswer.ACCEPTED
    await until_state(post.member.equipment, post.evse_uid, EvseState.PREPARING)
    [kept] = _open_at(post)
    assert kept.credential_uid == family.uid


@asynccontextmanager
async def second_home(network: Network, post: Post, data: Path) -> AsyncIterator[Sender]:
    """Another home-CSP, a partner of the same visited-CSO."""
    async with other_home_csp(network, post.member, data) as (home, partner):
        await add_contract(home.context, "NLTWOC00000001", pin="1357")
        yield Sender(home.context, partner, "NLTWOC00000001")


async def test_another_home_csp_neither_replaces_nor_cancels_nor_uses_it(
    network: Network, driver: DriverClient, post: Post, data: Path
) -> None:
    reserved = await reserve(network, driver, post)
    async with second_home(network, post, data) as other:
        id = reserved.session.id
        cancelled = await outcome(post, other, CommandKind.CANCEL_RESERVATION, reservation_id=id)
        assert cancelled is CommandResult.UNKNOWN_RESERVATION
        taken = await outcome(post, other, CommandKind.RESERVE_NOW, reservation_id=id)
        assert taken is CommandResult.EVSE_OCCUPIED
        assert (await other.send(CommandKind.START_SESSION)).answer is CommandAnswer.REJECTED
    assert reserved.session.visited.state is S.RESERVED


async def test_what_we_know_beforehand_is_refused_before_anybody_is_asked(
    network: Network, driver: DriverClient, post: Post
) -> None:
    quote = await quote_at(driver, SITE, post.evse_uid)
    too_far = network.clock.now() + timedelta(days=8)
    for wish, code in (
        (ReservationWish(quote_id=quote.id, minutes=31), "reservation_too_long"),
        (
            ReservationWish(quote_id=quote.id, minutes=15, starts_at=too_far),
            "reservation_too_far_ahead",
        ),
    ):
        offer = await driver.reservation_offer(wish)
        assert offer.refusal is not None and (offer.refusal.code, bool(offer.refusal.next_step)) == (code, True)
        with pytest.raises(Refused) as refused:
            await driver.reserve(wish)
        assert refused.value.code == code
    hbf = ObjectKey(country_code="DE", party_id="KPF", id="KPF-MA-HBF")
    other = await quote_at(driver, hbf, "KPF-MA-HBF-A1")
    with pytest.raises(Refused) as refused:
        await driver.reserve(ReservationWish(quote_id=other.id))
    assert refused.value.code == "not_reservable"
    await driver.reserve(ReservationWish(quote_id=quote.id))  # the refusals have not used the quote up


async def test_an_operator_that_says_nothing_more_does_not_hold_the_driver(
    network: Network, driver: DriverClient, post: Post
) -> None:
    reserved = await reserve(network, driver, post)
    await post.member.equipment.suffer(post.evse_uid, Faults(offline=True))
    await advance(network, minutes=20)
    await network.home.reserver.end_overdue()
    assert reserved.session.home.state is S.RESERVED
    await advance(network, minutes=6)
    await network.home.reserver.end_overdue()
    assert reserved.session.home.state is S.NO_SHOW
    await post.member.equipment.suffer(post.evse_uid, Faults())  # heard again, with what happened meanwhile
    assert (await reserved.receipt()).total == Decimal("4.00")
