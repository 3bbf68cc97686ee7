"""Reservations for later (UC3-8), by the module of bookings between real platforms."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from core.driver_client import DriverClient
from core.driver_messages.reservations import ReservationWish
from core.endpoint.extensions import bookings
from core.endpoint.ports import CommandKind, CommandResult
from core.errors import Refused
from core.home_csp.energy_transfer.bookings import Booker
from core.model.bookings import BookingStatus
from core.model.reservations import CancelReason
from core.model.services import PLAIN
from core.model.session import SessionState
from core.model.sites import Status
from core.network import Network
from core.simulation.typical_cars import typical_cars
from core.visited_cso.energy_transfer.bookings import begin_due
from core.visited_cso.energy_transfer.reserved import cancel_at
from tests.network.charging import Charging, Post, agree, visited_at
from tests.network.reserving import SITE, Reserved, Sender, nothing_is_open, outcome, status_of
from tests.networks import advance, quote_at

pytestmark = pytest.mark.anyio

S = SessionState


@pytest.fixture
def post(network: Network) -> Post:
    return Post(SITE, "KPF-B-MOABIT-A1", network.member("kurpfalz"))


async def book(network: Network, driver: DriverClient, post: Post, starts_at: datetime) -> Reserved:
    quote = await quote_at(driver, post.site, post.evse_uid)
    events = driver.events(0)
    wish = ReservationWish(quote_id=quote.id, minutes=15, starts_at=starts_at)
    offer = await driver.reservation_offer(wish)
    assert (offer.refusal, offer.unused.amount) == (None, Decimal("4.00"))
    asked = await driver.reserve(wish)
    booked = Reserved(Charging(network, driver, post, asked.id, events), quote)
    await booked.reaches(S.RESERVED)
    await post.member.platform.endpoint.outbox.settled()
    return booked


async def begin(post: Post) -> None:
    await begin_due(post.member.platform.context)
    await post.member.platform.endpoint.outbox.settled()


async def test_booked_held_from_its_begin_on_and_charged_in_one_session(
    network: Network, driver: DriverClient, post: Post
) -> None:
    starts_at = network.clock.now() + timedelta(minutes=30)
    booked = await book(network, driver, post, starts_at)
    await begin(post)
    assert status_of(post) is Status.AVAILABLE  # until then others may charge here
    with pytest.raises(Refused) as early:
        await driver.start_reserved(booked.session.id)
    assert early.value.code == "reservation_ahead"
    sender = Sender(network.home.context, visited_at(network, post.member), network.demo.driver.contract)
    into_it = starts_at + timedelta(seconds=1)
    await advance(network, minutes=1)
    overlapping = await sender.send(CommandKind.RESERVE_NOW, expiry=into_it)
    assert "another reservation" in (overlapping.message or "")

    await advance(network, minutes=29)
    await begin(post)
    assert status_of(post) is Status.RESERVED
    await advance(network, minutes=5)
    await driver.start_reserved(booked.session.id)
    await booked.reaches(S.AUTHORISED)
    await advance(network, minutes=3)
    await booked.reaches(S.ACTIVE)
    receipt = await booked.session.end()
    line = next(one for one in receipt.lines if one.kind == "reservation")
    assert round(line.billed_quantity * 60) == 6  # 5 min and the 8 s until the cable is in, in whole minutes
    assert booked.session.visited.id != booked.session.id and booked.session.home.state is S.RECONCILED
    assert nothing_is_open(network)


async def test_given_up_before_it_begins_costs_nothing_and_the_same_again_changes_nothing(
    network: Network, driver: DriverClient, post: Post
) -> None:
    starts_at = network.clock.now() + timedelta(minutes=30)
    booked = await book(network, driver, post, starts_at)
    home, partner = network.home.context, visited_at(network, post.member)
    wish = Booker(home, network.home.reserver.refuse, network.home.reserver.unconfirmed)._wish(booked.session.id)
    again = await bookings.book(home.calls, partner, wish)
    assert (again.status, again.id) == (BookingStatus.RESERVED, booked.session.visited.id)
    other = wish.model_copy(update={"request_id": "OTHER", "authorization_reference": "OTHER"})
    assert (await bookings.book(home.calls, partner, other)).status is BookingStatus.REJECTED
    moved = wish.model_copy(update={"until": wish.until + timedelta(minutes=5)})
    assert (await bookings.book(home.calls, partner, moved)).wish.until == moved.until  # a change is a POST, too

    await driver.cancel_reservation(booked.session.id)
    await booked.reaches(S.CANCELLED)
    await advance(network, minutes=31)
    await begin(post)
    assert status_of(post) is Status.AVAILABLE
    assert (await driver.receipts()).receipts == ()
    assert nothing_is_open(network)


@pytest.mark.parametrize("why", ["outage", "somebody stays"])
async def test_what_the_operator_cannot_keep_it_takes_back_with_a_reason(
    network: Network, driver: DriverClient, post: Post, why: str
) -> None:
    booked = await book(network, driver, post, network.clock.now() + timedelta(minutes=30))
    context = post.member.platform.context
    if why == "outage":
        await cancel_at(context, frozenset({post.evse_uid}), CancelReason.POWER_OUTAGE)
    else:
        await post.member.equipment.plug_in(post.evse_uid, typical_cars()[0])
        await advance(network, minutes=31)
        await begin(post)
    told = await booked.reaches(S.CANCELLED)
    assert told.problem is not None and told.problem.code == "reservation_taken_back"
    await post.member.platform.endpoint.outbox.settled()
    await post.member.platform.endpoint.outbox.settled()
    reservation = booked.session.home.reservation
    assert reservation is not None
    assert reservation.reason is (CancelReason.POWER_OUTAGE if why == "outage" else CancelReason.FULL)
    assert (await driver.receipts()).receipts == ()


async def test_not_coming_to_a_booking_costs_what_was_told(network: Network, driver: DriverClient, post: Post) -> None:
    booked = await book(network, driver, post, network.clock.now() + timedelta(minutes=30))
    await advance(network, minutes=30)
    await begin(post)
    await advance(network, minutes=16)
    assert (await booked.receipt()).total == Decimal("4.00")


async def test_where_it_is_not_agreed_later_is_refused_and_now_is_offered(
    network: Network, driver: DriverClient, post: Post
) -> None:
    home, partner = network.home.context, visited_at(network, post.member)
    await agree(network, post.member, PLAIN)
    quote = await quote_at(driver, post.site, post.evse_uid)
    wish = ReservationWish(quote_id=quote.id, starts_at=network.clock.now() + timedelta(hours=1))
    offer = await driver.reservation_offer(wish)
    assert offer.refusal is not None and offer.refusal.code == "later_not_offered"
    assert "now" in offer.refusal.next_step
    with pytest.raises(Refused):
        await driver.reserve(wish)
    sender = Sender(home, partner, network.demo.driver.contract)
    assert await outcome(post, sender, CommandKind.RESERVE_NOW) is CommandResult.ACCEPTED
