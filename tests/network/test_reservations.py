"""Reservation of EV supply equipment (UC3-8) between real platforms.

The tariff of the site is KPF-RESERVATION of the demo network: reserved time 2.521 an hour in steps of a minute, 3.3613
for not coming, 0.395 per kWh, all plus 19 % VAT.
"""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from core.driver_client import DriverClient
from core.driver_messages.reservations import ReservationWish
from core.errors import Refused
from core.model.parties import ObjectKey
from core.model.receipt import CheckVerdict
from core.model.reservations import CancelReason
from core.model.session import SessionState, TransactionKind
from core.model.sites import Status
from core.network import Network
from core.simulation.faults import Faults
from core.store.tables import sdr, service_session
from core.visited_cso.energy_transfer.reserved import cancel_at
from core.visited_cso.equipment import EvseState
from tests.network.charging import Post, in_state, visited_at
from tests.network.reserving import SITE, nothing_is_open, reserve, status_of, with_words
from tests.networks import advance, quote_at, until

pytestmark = pytest.mark.anyio

S = SessionState


@pytest.fixture
def post(network: Network) -> Post:
    return Post(SITE, "KPF-B-MOABIT-A1", network.member("kurpfalz"))


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
    # The Session starts with charging, its CDR with the reservation (OCPI, ses:370-373, cdr:327).
    charged, context = reserved.session.visited, network.home.context
    with context.store.read() as connection:
        bill = context.reader.sdr(connection.execute(select(sdr.c.body)).scalar_one())
        told = context.reader.session(connection.execute(select(service_session.c.partner_body)).scalar_one())
    assert (bill.start, told.start) == (charged.transactions[0].start, charged.started_at)
    assert bill.start < told.start


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
