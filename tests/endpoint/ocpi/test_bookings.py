"""The examples of OCPI's bookings branch, read as the list of their faults says; the text's blemishes."""

from pathlib import Path

import pytest

from core.endpoint.extensions.bookings import BOOKING, REQUEST
from core.endpoint.ocpi.reading import JsonObject, parse_object, to_text
from core.endpoint.ocpi.shape import InvalidMember
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
