"""The module `bookings` (UC3-8, for later), from OCPI's branch 2.3.0/release/bookings: not merged into any release.

It is exchanged where an agreement names it. A change and a cancellation are a POST with the same request_id, the latter
with `canceled`; the text also says "FULLFILLED" where its enum has FULFILLED, and both are read.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Protocol

from core.endpoint.calls import Calls
from core.endpoint.exchange import Answer, Request, Route
from core.endpoint.extension import Extension, Push
from core.endpoint.modules.lists import list_routes
from core.endpoint.modules.objects import Receiving, key_of
from core.endpoint.ocpi.codec import Codec
from core.endpoint.ocpi.kinds import CiString, Closed, Count, Digits, Moment, Text, YesNo
from core.endpoint.ocpi.reading import parse
from core.endpoint.ocpi.sessions import cdr_token, reference_of
from core.endpoint.ocpi.shape import AtLeastOne, Fault, InvalidMember, Shape, only_object
from core.endpoint.ocpi.v2_3_0.sessions import CdrToken
from core.endpoint.partner import Partner
from core.endpoint.ports import Held, ObjectReceiver, ObjectSource
from core.errors import InvalidInput, NotAllowed, Unreachable
from core.model.bookings import Booking, BookingStatus, BookingWish
from core.model.parties import ObjectKey, Party
from core.model.reservations import LONGEST, Canceller, CancelReason
from core.model.services import Service

MODULE = "bookings"
KIND = "bookings"
"""What a booking is marked as in the outbox."""

_WORDS = {"FULLFILLED": "FULFILLED"}
_REQUEST_STATUS = {
    BookingStatus.PENDING: "PENDING",
    BookingStatus.REJECTED: "DECLINED",
    BookingStatus.FAILED: "FAILED",
}
_ROLES = {Canceller.HOME_CSP: "EMSP", Canceller.VISITED_CSO: "CPO"}


class Cancellation(Shape):
    """Why, and by whom."""

    cancellation_reason: Annotated[str, Closed(tuple(CancelReason))]
    who_canceled: Annotated[str, Text(20)]


class Period(Shape):
    """From when until when."""

    start_date_time: Moment
    end_date_time: Moment


class Timeslot(Period):
    """A time with the power in it, W."""

    min_power: Digits | None = None
    max_power: Digits | None = None
    green_energy_support: YesNo | None = None


class BookingOption(Shape):
    """What is wanted or given: named, or described. Vehicles in kg and cm."""

    evse_uid: Annotated[str, CiString(36, may_be_not_available=True)] | None = None
    connector_id: Annotated[str, CiString(36)] | None = None
    parking_id: Annotated[str, CiString(36)] | None = None
    evse_position: tuple[Annotated[str, Text(50)], ...] = ()
    vehicle_types: tuple[Annotated[str, Text(50)], ...] = ()
    connector_format: tuple[Annotated[str, Text(50)], ...] = ()
    connector_types: tuple[Annotated[str, Text(50)], ...] = ()
    power_types: tuple[Annotated[str, Text(50)], ...] = ()
    max_vehicle_weight: Digits | None = None
    max_vehicle_height: Digits | None = None
    max_vehicle_length: Digits | None = None
    max_vehicle_width: Digits | None = None
    min_parking_space_length: Digits | None = None
    min_parking_space_width: Digits | None = None
    dangerous_goods_allowed: YesNo | None = None
    drive_through: YesNo | None = None
    refrigeration_outlet: YesNo | None = None


class AccessInformation(Shape):
    """How the site is entered."""

    method: Annotated[str, Text(50)]
    value: Annotated[str, Text(255)] | None = None


class BookingTerms(Shape):
    """The conditions of a booking; times in minutes."""

    rfid_auth_required: YesNo | None = None
    token_groups_supported: YesNo | None = None
    remote_auth_supported: YesNo | None = None
    supported_access_methods: Annotated[tuple[Annotated[str, Text(50)], ...], AtLeastOne()]
    change_until_minutes: Digits
    cancel_until_minutes: Digits
    change_not_allowed: YesNo | None = None
    early_start_allowed: YesNo | None = None
    early_start_time: Digits | None = None
    noshow_timeout: Digits | None = None
    noshow_fee: YesNo | None = None
    late_stop_allowed: YesNo | None = None
    late_stop_time: Digits | None = None
    overlapping_bookings_allowed: YesNo | None = None
    min_booking_duration: Digits | None = None
    max_booking_duration: Digits | None = None
    booking_terms: Annotated[str, Text(255)] | None = None


class BookingRequest(Shape):
    """What a home-CSP sends."""

    country_code: Annotated[str, CiString(2)]
    party_id: Annotated[str, CiString(3)]
    request_id: Annotated[str, CiString(36)]
    booking_option: BookingOption | None = None
    location_id: Annotated[str, CiString(36)]
    booking_location_id: Annotated[str, CiString(36)]
    tokens: tuple[CdrToken, ...] = ()
    access_information: tuple[AccessInformation, ...] = ()
    period: Period
    authorization_reference: Annotated[str, CiString(36)]
    power_required: Count | None = None
    canceled: Cancellation | None = None


class BookingRequestStatus(Shape):
    """What became of a request."""

    request_status: Annotated[str, Closed(("PENDING", "ACCEPTED", "DECLINED", "FAILED"))]
    booking_request: BookingRequest
    request_received: Moment


class BookingBody(Shape):
    """Class Booking."""

    id: Annotated[str, CiString(36)]
    country_code: Annotated[str, CiString(2)]
    party_id: Annotated[str, CiString(3)]
    request_id: Annotated[str, CiString(36)]
    booking_option: BookingOption | None = None
    location_id: Annotated[str, CiString(36)]
    booking_tokens: tuple[CdrToken, ...] = ()
    tariff_ids: tuple[Annotated[str, CiString(36)], ...] = ()
    period: Timeslot
    reservation_status: Annotated[str, Text(36)]
    canceled: Cancellation | None = None
    access_information: tuple[AccessInformation, ...] = ()
    authorization_reference: Annotated[str, CiString(36)]
    booking_terms: BookingTerms
    booking_requests: Annotated[tuple[BookingRequestStatus, ...], AtLeastOne()]
    last_updated: Moment


def _wish_of(shape: BookingRequest) -> BookingWish:
    if shape.period.end_date_time <= shape.period.start_date_time:
        raise InvalidMember([Fault("BookingRequest.period.end_date_time", "has to be after the start")])
    option, canceled = shape.booking_option, shape.canceled
    return BookingWish(
        home=Party(country_code=shape.country_code, party_id=shape.party_id),
        request_id=shape.request_id,
        site_id=shape.location_id,
        location_id=shape.booking_location_id,
        evse_uid=option.evse_uid if option is not None and option.evse_uid != "#NA" else None,
        credential=reference_of(shape.tokens[0]) if shape.tokens else None,
        start=shape.period.start_date_time,
        until=shape.period.end_date_time,
        authorization_reference=shape.authorization_reference,
        cancelled=CancelReason(canceled.cancellation_reason) if canceled is not None else None,
    )


def _request(wish: BookingWish) -> BookingRequest:
    return BookingRequest.model_construct(
        country_code=wish.home.country_code,
        party_id=wish.home.party_id,
        request_id=wish.request_id,
        booking_option=BookingOption.model_construct(evse_uid=wish.evse_uid) if wish.evse_uid else None,
        location_id=wish.site_id,
        booking_location_id=wish.location_id or wish.site_id,
        tokens=(cdr_token(CdrToken, wish.credential),) if wish.credential is not None else (),
        period=Period.model_construct(start_date_time=wish.start, end_date_time=wish.until),
        authorization_reference=wish.authorization_reference,
        canceled=_cancellation(wish.cancelled, Canceller.HOME_CSP),
    )


def _cancellation(reason: CancelReason | None, by: Canceller | None) -> Cancellation | None:
    if reason is None or by is None:
        return None
    return Cancellation.model_construct(cancellation_reason=reason, who_canceled=_ROLES[by])


def _booking_of(shape: BookingBody) -> Booking:
    word = _WORDS.get(shape.reservation_status.upper(), shape.reservation_status.upper())
    if not shape.booking_requests:
        raise InvalidMember([Fault("Booking.booking_requests", "needs at least one")])
    wish = _wish_of(shape.booking_requests[-1].booking_request)
    option, canceled = shape.booking_option, shape.canceled
    by_home = canceled is not None and canceled.who_canceled.upper() != "CPO"
    return Booking(
        country_code=shape.country_code,
        party_id=shape.party_id,
        id=shape.id,
        wish=wish.model_copy(
            update={
                "request_id": shape.request_id,
                "start": shape.period.start_date_time,
                "until": shape.period.end_date_time,
                "evse_uid": option.evse_uid if option is not None else wish.evse_uid,
            }
        ),
        status=BookingStatus(word) if word in set(BookingStatus) else BookingStatus.UNKNOWN,
        cancelled_by=None if canceled is None else Canceller.HOME_CSP if by_home else Canceller.VISITED_CSO,
        reason=None if canceled is None else CancelReason(canceled.cancellation_reason),
        tariff_ids=shape.tariff_ids,
        last_updated=shape.last_updated,
    )


def _body(booking: Booking) -> BookingBody:
    wish = booking.wish
    request = _request(wish)
    return BookingBody.model_construct(
        id=booking.id,
        country_code=booking.country_code,
        party_id=booking.party_id,
        request_id=wish.request_id,
        booking_option=request.booking_option,
        location_id=wish.site_id,
        booking_tokens=request.tokens,
        tariff_ids=booking.tariff_ids,
        period=Timeslot.model_construct(start_date_time=wish.start, end_date_time=wish.until),
        reservation_status=booking.status,
        canceled=_cancellation(booking.reason, booking.cancelled_by),
        authorization_reference=wish.authorization_reference,
        booking_terms=TERMS,
        booking_requests=(
            BookingRequestStatus.model_construct(
                request_status=_REQUEST_STATUS.get(booking.status, "ACCEPTED"),
                booking_request=request,
                request_received=booking.last_updated,
            ),
        ),
        last_updated=booking.last_updated,
    )


TERMS = BookingTerms.model_construct(
    rfid_auth_required=False,
    token_groups_supported=True,
    remote_auth_supported=True,
    supported_access_methods=("OPEN",),
    change_until_minutes=Decimal(0),
    cancel_until_minutes=Decimal(0),
    overlapping_bookings_allowed=False,
    max_booking_duration=Decimal(int(LONGEST.total_seconds() // 60)),
)
"""Ours [J]: whoever comes within the time gets the post, and nobody has two at once."""

REQUEST: Codec[BookingRequest, BookingWish] = Codec(BookingRequest, _wish_of, _request)
BOOKING: Codec[BookingBody, Booking] = Codec(BookingBody, _booking_of, _body)


class Booker(Protocol):
    """Takes bookings (visited-CSO)."""

    async def book(self, partner: Partner, wish: BookingWish) -> Booking:
        """A new booking, a change or a cancellation; the same again is answered alike. Raises NotFound, NotAllowed."""
        ...


class BookingReceiver(ObjectReceiver[Booking], Protocol):
    """Hears what became of bookings (home-CSP). `put` raises NotFound where it is none of ours."""

    async def repair(self, partner: Partner) -> None:
        """Ask for what was missed."""
        ...


def booking(booker: Booker, source: ObjectSource, push: Push, page_limit: int) -> Extension:
    """The visited-CSO's side: taken, listed for the one whose they are, and pushed."""

    async def post(request: Request) -> Answer:
        wish = REQUEST.model(parse(request.body))
        if not request.partner.speaks_for(wish.home):
            raise NotAllowed(f"{request.partner.name} does not speak for {wish.home}.")
        REQUEST.write(wish)  # what could not be repeated in the answer is not booked
        return Answer(BOOKING.write(await booker.book(request.partner, wish)))

    routes = (Route(MODULE, "SENDER", "POST", "", post), *list_routes(MODULE, source, page_limit))
    return Extension(Service.BOOKINGS, routes, {KIND: push})


def hearing(receiver: BookingReceiver) -> Extension:
    """The home-CSP's side: GET, PUT and PATCH of what its partners tell."""

    async def held(request: Request, key: ObjectKey) -> str | None:
        return await receiver.held(request.partner, key)

    routes = Receiving(MODULE, "booking_id", BOOKING, key_of, held, receiver.put).routes(patchable=True)
    return Extension(Service.BOOKINGS, tuple(routes), repair=receiver.repair)


def offers(partner: Partner, at: datetime) -> bool:
    """Whether a visited-CSO takes new bookings of ours at this moment of the wall clock."""
    return partner.agreement.covers(Service.BOOKINGS, at) and partner.endpoint(MODULE, "SENDER") is not None


async def book(calls: Calls, partner: Partner, wish: BookingWish) -> Booking:
    """Ask for a booking, change it or cancel it. Raises as `Calls.extension`; an unreadable answer is Unreachable."""
    reply = await calls.extension(partner, Service.BOOKINGS, "POST", MODULE, "SENDER", body=REQUEST.write(wish))
    try:
        answered = BOOKING.model(only_object(reply.data))
        if not partner.speaks_for(answered.key.party):
            raise NotAllowed(f"{partner.name} does not speak for {answered.key.party}.")
    except (InvalidInput, NotAllowed) as error:
        raise Unreachable(f"The partner's booking cannot be read: {error.message}", code="unreadable_answer") from error
    return answered


async def put_booking(calls: Calls, partner: Partner, told: Booking) -> None:
    """Tell a home-CSP where its booking stands. Raises as `Calls.extension`."""
    segments = (told.country_code, told.party_id, told.id)
    await calls.extension(partner, Service.BOOKINGS, "PUT", MODULE, "RECEIVER", *segments, body=BOOKING.write(told))


def pull_bookings(calls: Calls, partner: Partner, since: datetime | None) -> AsyncIterator[Held[Booking]]:
    """Our bookings at a partner that changed since. Raises as `Calls.extension`."""
    return calls.pull_extension(partner, Service.BOOKINGS, MODULE, BOOKING, since)
