"""What can be booked and when it is free (UC3-8): the other half of the module `bookings` of OCPI's branch.

Its paths are those of the text's structure definitions; the URLs of its examples are spelled otherwise.
"""

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Annotated, Protocol

from core.endpoint.calls import Calls
from core.endpoint.exchange import Answer, Page, PageRequest, Request, Route
from core.endpoint.extension import Extension, Push
from core.endpoint.extensions.bookings import MODULE, TERMS, BookingOption, BookingTerms, Timeslot
from core.endpoint.modules.lists import moment_of, page_answer, page_request
from core.endpoint.modules.objects import Receiving, is_stale, key_of, owned_key, require_same_key
from core.endpoint.ocpi.codec import Codec
from core.endpoint.ocpi.kinds import CiString, Count, Digits, Moment, YesNo, read_timestamp
from core.endpoint.ocpi.reading import Json, JsonObject, parse_object, to_text
from core.endpoint.ocpi.shape import AtLeastOne, Fault, InvalidMember, Shape
from core.endpoint.partner import Partner
from core.endpoint.ports import Held, ObjectReceiver
from core.endpoint.rejection import Rejection
from core.errors import InvalidInput
from core.model import booking_calendars as model
from core.model.services import Service

KIND = "booking_locations"
"""What one is marked as in the outbox."""
SEGMENT = "booking_locations"
_MOST_TIMES = 2000


class Policy(Shape):
    """How much is bookable, and whether one has to book."""

    reservation_required: YesNo
    ad_hoc: Digits | None = None


class Calendar(Shape):
    """Class Calendar."""

    id: Annotated[str, CiString(36)]
    begin_from: Moment
    end_before: Moment
    timeslot_increment: Count | None = None
    available_timeslots: Annotated[tuple[Timeslot, ...], AtLeastOne()]
    last_updated: Moment


class BookingLocation(Shape):
    """Class BookingLocation."""

    country_code: Annotated[str, CiString(2)]
    party_id: Annotated[str, CiString(3)]
    id: Annotated[str, CiString(36)]
    location_id: Annotated[str, CiString(36)]
    booking_option: BookingOption | None = None
    policy: Policy | None = None
    tariff_ids: tuple[Annotated[str, CiString(36)], ...] = ()
    booking_terms: BookingTerms | None = None
    calendars: tuple[Calendar, ...] = ()
    last_updated: Moment


def _calendar_of(shape: Calendar) -> model.Calendar:
    if len(shape.available_timeslots) > _MOST_TIMES:
        raise InvalidMember([Fault("Calendar.available_timeslots", f"has more than {_MOST_TIMES} items")])
    return model.Calendar(
        id=shape.id,
        begin=shape.begin_from,
        end=shape.end_before,
        increment_minutes=shape.timeslot_increment,
        free=tuple(
            model.FreeTime(
                start=one.start_date_time,
                until=one.end_date_time,
                min_power=one.min_power,
                max_power=one.max_power,
                green=one.green_energy_support,
            )
            for one in shape.available_timeslots
        ),
        last_updated=shape.last_updated,
    )


def _calendar(value: model.Calendar) -> Calendar:
    return Calendar.model_construct(
        id=value.id,
        begin_from=value.begin,
        end_before=value.end,
        timeslot_increment=value.increment_minutes,
        available_timeslots=tuple(
            Timeslot.model_construct(
                start_date_time=one.start,
                end_date_time=one.until,
                min_power=one.min_power,
                max_power=one.max_power,
                green_energy_support=one.green,
            )
            for one in value.free
        ),
        last_updated=value.last_updated,
    )


def _location_of(shape: BookingLocation) -> model.BookingLocation:
    option = shape.booking_option
    uid = None if option is None or option.evse_uid == "#NA" else option.evse_uid
    return model.BookingLocation(
        country_code=shape.country_code,
        party_id=shape.party_id,
        id=shape.id,
        site_id=shape.location_id,
        evse_uid=uid,
        tariff_ids=shape.tariff_ids,
        calendars=tuple(map(_calendar_of, shape.calendars)),
        last_updated=shape.last_updated,
    )


def _location(value: model.BookingLocation) -> BookingLocation:
    return BookingLocation.model_construct(
        country_code=value.country_code,
        party_id=value.party_id,
        id=value.id,
        location_id=value.site_id,
        booking_option=BookingOption.model_construct(evse_uid=value.evse_uid) if value.evse_uid else None,
        tariff_ids=value.tariff_ids,
        booking_terms=TERMS,
        calendars=tuple(map(_calendar, value.calendars)),
        last_updated=value.last_updated,
    )


CALENDAR: Codec[Calendar, model.Calendar] = Codec(Calendar, _calendar_of, _calendar)
LOCATION: Codec[BookingLocation, model.BookingLocation] = Codec(BookingLocation, _location_of, _location)


class LocationSource(Protocol):
    """Tells what can be booked (visited-CSO)."""

    async def page(
        self, partner: Partner, request: PageRequest, free_from: datetime | None, free_to: datetime | None
    ) -> Page:
        """A page of what has some free time between these moments, in order of last_updated."""
        ...

    async def one(self, partner: Partner, id: str) -> str | None:
        """One, by its id."""
        ...


class LocationReceiver(ObjectReceiver[model.BookingLocation], Protocol):
    """Keeps what can be booked at visited-CSOs (home-CSP)."""

    async def repair(self, partner: Partner) -> None:
        """Ask for what was missed."""
        ...


def publishing(source: LocationSource, push: Push, page_limit: int) -> Extension:
    """The visited-CSO's side."""

    async def listed(request: Request) -> Answer:
        asked = page_request(request, page_limit)
        free = (moment_of(request, "timeslot_from"), moment_of(request, "timeslot_to"))
        return page_answer(request, asked, await source.page(request.partner, asked, *free), page_limit)

    async def one(request: Request) -> Answer:
        return Answer(await _required(source, request))

    async def calendar(request: Request) -> Answer:
        return Answer(_calendar_text(await _required(source, request), request.path["calendar_id"]))

    path = f"/{SEGMENT}/{{booking_location_id}}"
    routes = (
        Route(MODULE, "SENDER", "GET", f"/{SEGMENT}", listed),
        Route(MODULE, "SENDER", "GET", path, one),
        Route(MODULE, "SENDER", "GET", f"{path}/{{calendar_id}}", calendar),
    )
    return Extension(Service.BOOKINGS, routes, pushes={KIND: push})


def hearing(receiver: LocationReceiver) -> Extension:
    """The home-CSP's side: GET, PUT and PATCH of a whole one, and of one of its calendars."""

    async def held(request: Request, key: object) -> str | None:
        return await receiver.held(request.partner, owned_key(request, _ID))

    whole = Receiving(MODULE, _ID, LOCATION, key_of, held, receiver.put)
    calendars = _Calendars(whole)
    path = f"/{{country_code}}/{{party_id}}/{SEGMENT}/{{{_ID}}}"
    routes = (
        Route(MODULE, "RECEIVER", "GET", path, whole.get),
        Route(MODULE, "RECEIVER", "PUT", path, whole.receive),
        Route(MODULE, "RECEIVER", "PATCH", path, whole.change),
        Route(MODULE, "RECEIVER", "GET", f"{path}/{{calendar_id}}", calendars.get),
        Route(MODULE, "RECEIVER", "PUT", f"{path}/{{calendar_id}}", calendars.receive),
        Route(MODULE, "RECEIVER", "PATCH", f"{path}/{{calendar_id}}", calendars.change),
    )
    return Extension(Service.BOOKINGS, routes, repair=receiver.repair)


_ID = "booking_location_id"


class _Calendars:
    """A calendar is a part of what can be booked: a change of it moves the whole (as ocpi_rules says of EVSEs)."""

    def __init__(self, whole: Receiving[model.BookingLocation]) -> None:
        self._whole = whole

    async def get(self, request: Request) -> Answer:
        stored = await self._whole.stored(request, owned_key(request, _ID))
        return Answer(_calendar_text(stored, request.path["calendar_id"]))

    async def receive(self, request: Request) -> Answer:
        held = CALENDAR.read_put(request.body, request.received_at)
        if held.value.id.casefold() != request.path["calendar_id"].casefold():
            raise InvalidInput("The calendar in the body is another one than in the path.")
        return await self._replace(request, lambda before: parse_object(held.body))

    async def change(self, request: Request) -> Answer:
        patch = CALENDAR.read_patch(request.body)

        def changed(before: JsonObject | None) -> JsonObject | None:
            if before is None:
                raise Rejection("This calendar is not known here.", 404)
            if is_stale(patch, before):
                return None
            return parse_object(CALENDAR.patch(to_text(before), patch).body)

        return await self._replace(request, changed)

    async def _replace(self, request: Request, change: Callable[[JsonObject | None], JsonObject | None]) -> Answer:
        key, id = owned_key(request, _ID), request.path["calendar_id"].casefold()
        async with self._whole.locks.of(key):
            stored = parse_object(await self._whole.stored(request, key))
            calendars = _objects(stored.get("calendars"))
            before = next((one for one in calendars if str(one.get("id")).casefold() == id), None)
            after = change(before)
            if after is None:
                return Answer()
            kept: list[Json] = [after if one is before else one for one in calendars]
            moved = max(str(stored["last_updated"]), str(after["last_updated"]), key=read_timestamp)
            whole = {**stored, "calendars": kept if before is not None else [*kept, after], "last_updated": moved}
            held = LOCATION.held(whole, to_text(whole))
            require_same_key(key, held.value.key)
            await self._whole.put(request.partner, key, held)
        return Answer()


async def put_location(calls: Calls, partner: Partner, told: Held[model.BookingLocation]) -> None:
    """Tell a home-CSP what can be booked. Raises as `Calls.extension`."""
    one = told.value
    segments = (one.country_code, one.party_id, SEGMENT, one.id)
    await calls.extension(partner, Service.BOOKINGS, "PUT", MODULE, "RECEIVER", *segments, body=told.body)


def pull_locations(
    calls: Calls, partner: Partner, since: datetime | None
) -> AsyncIterator[Held[model.BookingLocation]]:
    """What can be booked at a partner and changed since. Raises as `Calls.extension`."""
    return calls.pull_extension(partner, Service.BOOKINGS, MODULE, LOCATION, since, SEGMENT)


async def _required(source: LocationSource, request: Request) -> str:
    text = await source.one(request.partner, request.path[_ID])
    if text is None:
        raise Rejection("There is no such location for bookings.", 404)
    return text


def _calendar_text(location: str, id: str) -> str:
    for one in _objects(parse_object(location).get("calendars")):
        if str(one.get("id")).casefold() == id.casefold():
            return to_text(one)
    raise Rejection("There is no such calendar.", 404)


def _objects(value: Json) -> list[JsonObject]:
    listed = value if isinstance(value, list) else [value]
    return [one for one in listed if isinstance(one, dict)]
