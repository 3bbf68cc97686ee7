"""What can be booked and when (UC3-8), over the real wire: published, pulled in pages, pushed, patched, offered by."""

from datetime import datetime, timedelta

import pytest

from core.driver_client import DriverClient
from core.driver_messages.reservations import ReservationWish
from core.endpoint.extensions.bookinglocations import LOCATION, SEGMENT, pull_locations
from core.endpoint.extensions.bookings import MODULE, pull_bookings
from core.endpoint.ocpi.kinds import write_timestamp
from core.endpoint.ocpi.reading import JsonObject, to_text
from core.errors import NotFound, Refused
from core.home_csp.booking_locations import location_at
from core.model.booking_calendars import BookingLocation
from core.model.bookings import BookingStatus
from core.model.reservations import CancelReason
from core.model.services import Service
from core.model.session import SessionState
from core.network import Network
from core.visited_cso.energy_transfer.booking_record import CALENDAR
from tests.network.charging import Charging, Post, home_at, visited_at
from tests.network.reserving import SITE, Reserved
from tests.networks import quote_at

pytestmark = pytest.mark.anyio


async def test_a_calendar_shows_what_is_free_and_only_that_is_offered(network: Network, driver: DriverClient) -> None:
    post = Post(SITE, "KPF-B-MOABIT-A1", network.member("kurpfalz"))
    home, visited = network.home.context, post.member.platform.context
    partner, back = visited_at(network, post.member), home_at(post.member)
    now = network.clock.now()

    def known() -> BookingLocation:
        with home.store.read() as connection:
            found = location_at(connection, visited.party, SITE.id, post.evse_uid)
        assert found is not None
        return found

    async def offer(starts_at: datetime) -> str | None:
        quote = await quote_at(driver, post.site, post.evse_uid)
        told = await driver.reservation_offer(ReservationWish(quote_id=quote.id, minutes=15, starts_at=starts_at))
        return None if told.refusal is None else told.refusal.code

    async def tell(method: str, *segments: str, body: JsonObject | None = None) -> JsonObject:
        text = None if body is None else to_text(body)
        reply = await visited.calls.extension(back, Service.BOOKINGS, method, MODULE, "RECEIVER", *segments, body=text)
        return reply.data if isinstance(reply.data, dict) else {}

    async def ask(*segments: str, **query: str) -> object:
        calls, service = home.calls, Service.BOOKINGS
        return (await calls.extension(partner, service, "GET", MODULE, "SENDER", *segments, query=query)).data

    # Pulled when the two met: 2026-03-02 whole, and six days more.
    [calendar] = known().calendars
    midnight = now.replace(hour=0)
    assert [(one.start, one.until) for one in calendar.free] == [(midnight, midnight + timedelta(days=7))]
    everything = [held.value async for held in pull_locations(home.calls, partner, None)]
    first, second = [await ask(SEGMENT, limit="2", offset=str(at)) for at in (0, 2)]
    assert isinstance(first, list) and isinstance(second, list)
    assert [one["id"] for one in (*first, *second)] == [one.id for one in everything[:4]]
    assert [held async for held in pull_locations(home.calls, partner, now + timedelta(days=1))] == []
    assert await ask(SEGMENT, timeslot_from=write_timestamp(now + timedelta(days=30))) == []
    whole = await ask(SEGMENT, post.evse_uid)
    assert isinstance(whole, dict) and LOCATION.model(whole) == known()
    assert await ask(SEGMENT, post.evse_uid, CALENDAR) == whole["calendars"][0]  # type: ignore[index]  # JSON
    for nothing in (("NOBODYS",), (post.evse_uid, "NONE")):
        with pytest.raises(NotFound):
            await ask(SEGMENT, *nothing)

    # A booking takes its time out of the calendar, which is pushed; nobody is offered that time again.
    starts_at = now + timedelta(minutes=30)
    assert await offer(starts_at) is None
    quote = await quote_at(driver, post.site, post.evse_uid)
    events = driver.events(0)
    asked = await driver.reserve(ReservationWish(quote_id=quote.id, minutes=15, starts_at=starts_at))
    booked = Reserved(Charging(network, driver, post, asked.id, events), quote)
    await booked.reaches(SessionState.RESERVED)
    await visited.outbox.settled()
    [calendar] = known().calendars
    assert [(one.start, one.until) for one in calendar.free] == [
        (midnight, starts_at),
        (starts_at + timedelta(minutes=15), midnight + timedelta(days=7)),
    ]
    assert await offer(starts_at + timedelta(minutes=14)) == "reservation_not_free"
    assert await offer(starts_at + timedelta(minutes=15)) is None
    with pytest.raises(Refused) as taken:
        again = await quote_at(driver, post.site, post.evse_uid)
        await driver.reserve(ReservationWish(quote_id=again.id, minutes=15, starts_at=starts_at))
    assert taken.value.code == "reservation_not_free"

    # Bookings are listed for the one whose they are, and read back where they were told.
    [listed] = [held.value async for held in pull_bookings(home.calls, partner, None)]
    assert (listed.id, listed.status, listed.wish.location_id) == (
        booked.session.visited.id,
        BookingStatus.RESERVED,
        post.evse_uid,
    )
    key = (visited.party.country_code, visited.party.party_id)
    assert (await tell("GET", *key, listed.id))["reservation_status"] == "RESERVED"

    # PATCH: of a calendar, which moves the whole; of a booking; of what is unknown or another's.
    later = write_timestamp(now + timedelta(seconds=5))
    place = (*key, SEGMENT, post.evse_uid)
    tomorrow = midnight + timedelta(days=1)
    times: JsonObject = {
        "start_date_time": write_timestamp(tomorrow),
        "end_date_time": write_timestamp(tomorrow + timedelta(hours=1)),
    }
    await tell("PATCH", *place, CALENDAR, body={"available_timeslots": [times], "last_updated": later})
    assert [one.start for one in known().calendars[0].free] == [tomorrow]
    stored = await tell("GET", *place)
    assert (stored["last_updated"], stored["location_id"]) == (later, SITE.id)
    assert await tell("GET", *place, CALENDAR) == stored["calendars"][0]  # type: ignore[index]  # JSON
    assert (await offer(tomorrow), await offer(tomorrow + timedelta(hours=2))) == (None, "reservation_not_free")
    old: JsonObject = {"available_timeslots": [times, times], "last_updated": write_timestamp(now - timedelta(days=1))}
    await tell("PATCH", *place, CALENDAR, body=old)
    assert len(known().calendars[0].free) == 1, "older than what is stored"
    await tell(
        "PATCH", *place, body={"tariff_ids": ["T9"], "last_updated": write_timestamp(now + timedelta(seconds=6))}
    )
    assert known().tariff_ids == ("T9",) and known().calendars[0].free
    for unknown in ((*key, SEGMENT, "NOBODYS"), (*place, "NONE"), (*key, "NOBODYS"), ("NL", "XXX", listed.id)):
        with pytest.raises(NotFound):
            await tell("PATCH", *unknown, body={"last_updated": later})
    with pytest.raises(Refused):
        await tell("PATCH", *place, CALENDAR, body={"available_timeslots": [times]})

    canceled: JsonObject = {"cancellation_reason": "POWER_OUTAGE", "who_canceled": "CPO"}
    change: JsonObject = {"reservation_status": "CANCELED", "canceled": canceled, "last_updated": later}
    await tell("PATCH", *key, listed.id, body=change)
    await booked.reaches(SessionState.CANCELLED)
    reservation = booked.session.home.reservation
    assert reservation is not None and reservation.reason is CancelReason.POWER_OUTAGE
    assert (await tell("GET", *key, listed.id))["canceled"] == canceled
