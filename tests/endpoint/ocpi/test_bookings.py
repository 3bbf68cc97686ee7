"""The examples of OCPI's bookings branch, read as the list of their faults says; the text's blemishes."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.endpoint.extensions import bookinglocations, bookings
from core.endpoint.extensions.bookinglocations import CALENDAR, LOCATION
from core.endpoint.extensions.bookings import BOOKING, REQUEST
from core.endpoint.ocpi.reading import JsonObject, parse_object, to_text
from core.endpoint.ocpi.shape import InvalidMember, members
from core.model.booking_calendars import BookingLocation, Calendar, free_times
from core.model.bookings import BookingStatus
from core.model.reservations import Canceller, CancelReason


@pytest.fixture
def printed(shared_data: Path) -> JsonObject:
    """Booking of the text, which breaks its own tables."""
    folder = shared_data / "ocpi_examples" / "2.3.0-bookings" / "bookings"
    return parse_object((folder / "05_booking_example.json").read_bytes())


@pytest.fixture
def mended(printed: JsonObject) -> JsonObject:
    """The same without its faults."""
    value = parse_object(to_text(printed).replace('"INF12"', '"INF"').replace('"INFOO"', '"INF"').encode())
    requests = value["booking_requests"]
    assert isinstance(requests, list)
    for one in requests:
        assert isinstance(one, dict) and isinstance(one["booking_request"], dict)
        one["booking_request"]["booking_location_id"] = "B1"
    return value


def test_the_printed_booking_is_refused_by_name(printed: JsonObject) -> None:
    with pytest.raises(InvalidMember) as refusal:
        BOOKING.read(to_text(printed))
    paths = {fault.path for fault in refusal.value.faults}
    assert {f"BookingBody.booking_requests[{index}].booking_request.booking_location_id" for index in (0, 1)} <= paths


def test_without_its_faults_it_is_read_and_nothing_is_lost(mended: JsonObject) -> None:
    held = BOOKING.read(to_text(mended))
    told = held.value
    assert (told.status, told.wish.evse_uid, told.wish.request_id) == (BookingStatus.RESERVED, "3256", "RE1222")
    assert (told.wish.until - told.wish.start).total_seconds() == 3600
    assert BOOKING.verbatim(held) == mended  # the parking place and the power among it, which the model has not
    again = BOOKING.model(BOOKING.wire(told))
    assert again.model_copy(update={"wish": told.wish}) == told


@pytest.mark.parametrize("name", ["03_booking_patch_example_status_update", "04_booking_patch_example_evse_uid"])
def test_a_patch_of_a_booking_is_no_whole_one_and_changes_what_it_names(
    name: str, mended: JsonObject, shared_data: Path
) -> None:
    body = (shared_data / "ocpi_examples" / "2.3.0-bookings" / "bookings" / f"{name}.json").read_bytes()
    with pytest.raises(InvalidMember, match="Field required"):
        BOOKING.read(body)
    patch = BOOKING.read_patch(body)
    assert patch.changes == parse_object(body)  # evse_uid, too, which the class Booking has not
    changed = BOOKING.read(to_text({**mended, **patch.changes}))
    assert changed.value.last_updated.isoformat() == "2025-03-23T13:00:00+00:00"
    assert BOOKING.verbatim(changed) == {**mended, **patch.changes}


def test_tokens_of_a_request_are_read_as_the_example_has_them(shared_data: Path) -> None:
    folder = shared_data / "ocpi_examples" / "2.3.0-bookings" / "_unreferenced"
    body = (folder / "booking_request_patch_example_tokens.json").read_bytes()
    assert REQUEST.read_patch(body).changes == parse_object(body)  # with last_updated, which the class has not


def test_rule_34_a_change_and_a_cancellation_are_the_request_again() -> None:
    request = {
        "country_code": "NL",
        "party_id": "EVR",
        "request_id": "R1",
        "location_id": "L1",
        "booking_location_id": "L1",
        "period": {"start_date_time": "2025-03-23T12:00:00Z", "end_date_time": "2025-03-23T13:00:00Z"},
        "authorization_reference": "A1",
        "canceled": {"cancellation_reason": "TRAFFIC", "who_canceled": "EMSP"},
    }
    wish = REQUEST.model(request)
    assert (wish.cancelled, wish.request_id) == (CancelReason.TRAFFIC, "R1")
    assert REQUEST.wire(wish)["canceled"] == request["canceled"]
    backwards = {**request, "period": {**request["period"], "end_date_time": "2025-03-23T12:00:00Z"}}  # type: ignore[dict-item]  # JSON
    with pytest.raises(InvalidMember):
        REQUEST.model(backwards)


@pytest.mark.parametrize(
    ("word", "status"), [("FULLFILLED", BookingStatus.FULFILLED), ("SOMETHING_NEW", BookingStatus.UNKNOWN)]
)
def test_words_outside_the_enum_are_understood_or_unknown(word: str, status: BookingStatus) -> None:
    booking = BOOKING.model(_told(word))
    assert (booking.status, booking.cancelled_by) == (status, Canceller.VISITED_CSO)


def _told(word: str) -> JsonObject:
    period: JsonObject = {"start_date_time": "2025-03-23T12:00:00Z", "end_date_time": "2025-03-23T13:00:00Z"}
    request: JsonObject = {
        "country_code": "NL",
        "party_id": "EVR",
        "request_id": "R1",
        "location_id": "L1",
        "booking_location_id": "L1",
        "period": period,
        "authorization_reference": "A1",
    }
    return {
        "id": "B1",
        "country_code": "DE",
        "party_id": "KPF",
        "request_id": "R1",
        "location_id": "L1",
        "period": period,
        "reservation_status": word,
        "canceled": {"cancellation_reason": "FULL", "who_canceled": "CPO"},
        "authorization_reference": "A1",
        "booking_terms": {
            "supported_access_methods": ["OPEN"],
            "change_until_minutes": 0,
            "cancel_until_minutes": 0,
        },
        "booking_requests": [
            {"request_status": "ACCEPTED", "booking_request": request, "request_received": "2025-03-23T11:00:00Z"}
        ],
        "last_updated": "2025-03-23T11:00:00Z",
    }


@pytest.fixture
def folder(shared_data: Path) -> Path:
    return shared_data / "ocpi_examples" / "2.3.0-bookings"


def faults(refusal: pytest.ExceptionInfo[InvalidMember]) -> set[str]:
    return {fault.path for fault in refusal.value.faults}


def test_the_printed_location_for_bookings_is_refused_by_name_and_read_without_its_faults(folder: Path) -> None:
    """06: a position that is no list, and seconds 99, which no timestamp has; an unknown member is never a fault."""
    printed = (folder / "bookings" / "06_booking_location_example.json").read_text()
    with pytest.raises(InvalidMember) as refusal:
        LOCATION.read(printed)
    found = faults(refusal)
    assert "BookingLocation.booking_option.evse_position" in found
    assert {f"BookingLocation.calendars[{index}].end_before" for index in (0, 1)} <= found
    assert {f"BookingLocation.calendars[{index}].available_timeslots[0].end_date_time" for index in (0, 1)} <= found
    assert len(found) == 5

    mended = parse_object(
        printed.replace(":99Z", ":59Z").replace('"evse_position": "LEFT"', '"evse_position": ["LEFT"]')
    )
    held = LOCATION.read(to_text(mended))
    assert LOCATION.verbatim(held) == mended  # `formats` among it, which the class has not
    told = held.value
    assert (told.site_id, told.evse_uid, len(told.calendars)) == ("L0C1", "6583", 2)
    again = LOCATION.model(LOCATION.wire(told))
    assert again == told

    day = datetime(2025, 3, 23, tzinfo=UTC)
    hours = [(0, 8), (8, 9), (9, 10), (12, 13), (12, 14)]
    free = [told.is_free(day + timedelta(hours=one), day + timedelta(hours=other)) for one, other in hours]
    assert free == [True, False, False, True, False], "free until 08:59:59, and from 12:00 to 13:00"


def test_patches_of_what_can_be_booked_are_judged_by_name(folder: Path) -> None:
    """01: the terms are replaced as a whole, and lack three members. 02: two keys end with a blank, seconds are 99."""
    terms = (folder / "bookings" / "01_booking_location_patch_example_terms.json").read_text()
    with pytest.raises(InvalidMember) as refusal:
        LOCATION.read_patch(terms)
    lacking = ("supported_access_methods", "change_until_minutes", "cancel_until_minutes")
    assert faults(refusal) == {f"BookingLocation.booking_terms.{name}" for name in lacking}
    whole = parse_object(terms)
    assert isinstance(whole["booking_terms"], dict)
    whole["booking_terms"] |= dict(zip(lacking, (["OPEN"], 10, 20), strict=True))
    assert LOCATION.read_patch(to_text(whole)).changes == whole

    calendar = (folder / "bookings" / "02_booking_location_patch_example_calendar.json").read_text()
    with pytest.raises(InvalidMember) as missing:
        CALENDAR.read_patch(calendar)
    assert faults(missing) == {
        f"Calendar.available_timeslots[0].{name}" for name in ("start_date_time", "end_date_time")
    }
    mended = calendar.replace('_time "', '_time"').replace(":99Z", ":59Z")
    assert CALENDAR.read_patch(mended).changes == parse_object(mended)
    with pytest.raises(InvalidMember, match="last_updated"):
        CALENDAR.read_patch(mended.replace('"last_updated"', '"updated"'))

    timeslot = (folder / "_unreferenced" / "booking_request_patch_example_timeslot.json").read_text()
    assert REQUEST.read_patch(timeslot).changes == parse_object(timeslot)  # all of it unknown to the class


def test_shapes_have_the_members_of_their_tables(shared_data: Path) -> None:
    tables = json.loads((shared_data / "ocpi_examples" / "spec_tables.json").read_text())["2.3.0-bookings"]["classes"]
    ours = {
        "BookingLocation": bookinglocations.BookingLocation,
        "Calendar": bookinglocations.Calendar,
        "Policy": bookinglocations.Policy,
        "BookingOption": bookings.BookingOption,
        "BookingTerms": bookings.BookingTerms,
        "BookingRequestStatus": bookings.BookingRequestStatus,
        "Timeslot": bookings.Timeslot,
        "Period": bookings.Period,
        "Cancellation": bookings.Cancellation,
        "BookingRequest": bookings.BookingRequest,
        "Booking": bookings.BookingBody,
        "AccessInformation": bookings.AccessInformation,
    }
    for name, shape in ours.items():
        seen = {
            one.name: ("+" if one.at_least_one else "*") if one.many else "?" if one.optional else "1"
            for one in members(shape)
        }
        assert seen == {member: card for member, (_, card) in tables[name].items()}, name


def test_what_is_free_lies_between_what_is_taken() -> None:
    """From eight to ten, taken 8:30 to 9:00 and 8:45 to 9:15 and without an end from 9:45."""
    at = datetime(2026, 3, 2, 8, tzinfo=UTC)

    def minute(minutes: int) -> datetime:
        return at + timedelta(minutes=minutes)

    taken = [(minute(45), minute(75)), (minute(30), minute(60)), (minute(105), None), (minute(-9), minute(-5))]
    free = free_times(minute(0), minute(120), taken)
    assert [(one.start, one.until) for one in free] == [(minute(0), minute(30)), (minute(75), minute(105))]
    assert free_times(minute(0), minute(120), [(minute(-1), None)]) == ()
    calendar = Calendar(id="C", begin=at, end=minute(120), increment_minutes=15, free=free, last_updated=at)
    location = BookingLocation(
        country_code="DE", party_id="KPF", id="E", site_id="S", calendars=(calendar,), last_updated=at
    )
    assert location.is_free(minute(75), minute(105)) and not location.is_free(minute(75), minute(106))
    assert not location.is_free(minute(80), minute(90)), "a booking lasts a multiple of the increment"
    assert location.model_copy(update={"calendars": ()}).is_free(minute(30), minute(31)), "nothing is told"
