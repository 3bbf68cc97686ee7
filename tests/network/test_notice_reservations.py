"""UC5-1 on UC3-8: what an announcement does to reservations, and what their drivers are told."""

from datetime import timedelta
from typing import Any

import pytest

from core.driver_client import DriverClient
from core.endpoint.extensions import bookings as module
from core.model.bookings import BookingStatus
from core.model.notices import Notice, NoticeCause, NoticeKind, ReservationImpact
from core.model.reservations import Canceller, CancelReason
from core.model.session import SessionState
from core.model.sites import LocalisedText, Status
from core.network import Network
from core.visited_cso.energy_transfer.bookings import booking_of
from core.visited_cso.energy_transfer.taken_back import announce_and_take_back, take_back_announced
from core.visited_cso.equipment import EvseState
from tests.network.charging import Post, visited_at
from tests.network.reserving import (
    SITE,
    Reserved,
    nothing_is_open,
    reserve,
    status_of,
    with_words,
)
from tests.network.test_bookings import book
from tests.networks import advance, until

pytestmark = pytest.mark.anyio

S = SessionState


@pytest.fixture
def post(network: Network) -> Post:
    return Post(SITE, "KPF-B-MOABIT-A1", network.member("kurpfalz"))


async def announce(post: Post, **changed: Any) -> Notice:
    """An outage of the post from now on, which takes its reservations back; or another notice."""
    context = post.member.platform.context
    now = context.clock.now()
    members: dict[str, object] = {
        "country_code": context.party.country_code,
        "party_id": context.party.party_id,
        "id": "works",
        "kind": NoticeKind.UNPLANNED_OUTAGE,
        "site_id": SITE.id,
        "evse_uids": (post.evse_uid,),
        "begin": now,
        "cause": NoticeCause.POWER_SUPPLY,
        "reservations": ReservationImpact.CANCELLED,
        "texts": (
            LocalisedText(language="de", text="Stromausfall"),
            LocalisedText(language="en", text="No power in the street."),
        ),
        "last_updated": now,
    }
    return await announce_and_take_back(context, Notice.model_validate(members | changed))


async def told_that_it_is_taken_back(network: Network, driver: DriverClient, reserved: Reserved) -> None:
    """Cancelled by the operator at no cost, and the driver knows why and what to do."""
    told = await reserved.reaches(S.CANCELLED)
    assert told.problem is not None and told.problem.code == "reservation_taken_back"
    assert "pay nothing" in told.problem.message and told.problem.next_step
    await reserved.session.post.member.platform.endpoint.outbox.settled()
    at_home, visited = reserved.session.home.reservation, reserved.session.visited.reservation
    assert at_home is not None and at_home.cancelled_by is Canceller.VISITED_CSO
    assert visited is not None and visited.reason is CancelReason.POWER_OUTAGE
    assert (await driver.receipts()).receipts == ()
    assert nothing_is_open(network)


async def test_an_outage_takes_back_what_is_reserved_there_and_the_driver_reads_why(
    network: Network, driver: DriverClient, post: Post
) -> None:
    reserved = await reserve(network, driver, post)
    await advance(network, minutes=5)
    await announce(post, id="elsewhere", evse_uids=("KPF-B-MOABIT-A2",))
    await announce(post, id="kept", reservations=ReservationImpact.KEPT)
    await announce(post, id="connector", connector_id="1")
    await take_back_announced(post.member.platform.context)
    assert reserved.session.visited.state is S.RESERVED

    await announce(post)
    told = (await until(reserved.session.events, with_words)).session
    assert told is not None and told.reservation is not None
    assert told.reservation.message == "No power in the street."
    reserved.session.events = driver.events(0)
    await told_that_it_is_taken_back(network, driver, reserved)
    assert post.member.equipment.evse_state(post.evse_uid) is EvseState.AVAILABLE  # the station has let it go
    assert status_of(post) is Status.OUTOFORDER
    await take_back_announced(post.member.platform.context)  # again: nothing happens twice
    assert reserved.session.visited.state is S.CANCELLED


async def test_planned_work_takes_back_what_begins_in_it_at_once_and_what_is_held_when_it_begins(
    network: Network, driver: DriverClient, post: Post
) -> None:
    now = network.clock.now()
    work = {
        "kind": NoticeKind.PLANNED_MAINTENANCE,
        "begin": now + timedelta(minutes=10),
        "expected_end": now + timedelta(hours=1),
    }
    held = await reserve(network, driver, post)
    await announce(post, **work)
    await take_back_announced(post.member.platform.context)
    assert held.session.visited.state is S.RESERVED  # there is time to come until the work begins
    await advance(network, minutes=10)
    await take_back_announced(post.member.platform.context)
    await told_that_it_is_taken_back(network, driver, held)


async def test_a_booking_for_the_time_of_the_work_is_taken_back_at_once_and_no_other_is_given(
    network: Network, driver: DriverClient, post: Post
) -> None:
    now = network.clock.now()
    work = {
        "kind": NoticeKind.PLANNED_MAINTENANCE,
        "begin": now + timedelta(minutes=20),
        "expected_end": now + timedelta(minutes=90),
    }
    booked = await book(network, driver, post, now + timedelta(minutes=30))
    await announce(post, **work)
    await told_that_it_is_taken_back(network, driver, booked)
    reservation = booked.session.home.reservation
    assert reservation is not None and reservation.reason is CancelReason.POWER_OUTAGE  # as the booking tells it
    shown = (await driver.session(booked.session.id)).reservation
    assert shown is not None and shown.reason == "POWER_OUTAGE"
    home, partner = network.home.context, visited_at(network, post.member)
    first = booking_of(booked.session.visited, now).wish
    for minutes, status in ((45, BookingStatus.REJECTED), (90, BookingStatus.RESERVED)):
        start = now + timedelta(minutes=minutes)
        again = {"request_id": f"R{minutes}", "authorization_reference": f"A{minutes}"}
        wish = first.model_copy(update=again | {"start": start, "until": start + timedelta(minutes=15)})
        assert (await module.book(home.calls, partner, wish)).status is status
