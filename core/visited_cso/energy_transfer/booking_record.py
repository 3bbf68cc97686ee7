"""Bookings and what can be booked, as home-CSPs are told of them (UC3-8): kept as they change, listed, pushed."""

from collections.abc import Collection, Iterator
from datetime import datetime, time

from sqlalchemy import Connection, bindparam, select

from core.endpoint.exchange import Page, PageRequest
from core.endpoint.extensions import bookinglocations, bookings
from core.endpoint.listing import Listing, ScopedListing
from core.endpoint.partner import Partner
from core.endpoint.ports import Held
from core.model.agreement_terms import ids_within
from core.model.booking_calendars import BookingLocation, Calendar, Times, free_times
from core.model.bookings import AHEAD, Booking, BookingWish, status_of
from core.model.notices import Notice
from core.model.parties import ObjectKey
from core.model.reserving import terms
from core.model.services import Service
from core.model.session import ServiceSession
from core.model.sites import Capability, EvSupplyEquipment, Site
from core.store import tables
from core.store.booking_tables import body_of, booking, booking_location
from core.store.sessions import KeptSession, load_reserved
from core.store.upsert import upsert
from core.visited_cso.context import Context
from core.visited_cso.energy_transfer.payer import credential_of
from core.visited_cso.outages import notices

CALENDAR = "free"
"""Every location for bookings of ours is one EVSE, and has this one calendar."""


def booking_of(session: ServiceSession, now: datetime) -> Booking:
    """The booking with which a session began, as it stands."""
    reservation = terms(session)
    return Booking(
        country_code=session.visited.country_code,
        party_id=session.visited.party_id,
        id=session.id,
        wish=BookingWish(
            home=session.home,
            request_id=reservation.id,
            site_id=session.site_id,
            location_id=session.evse_uid,
            evse_uid=session.evse_uid,
            credential=credential_of(session),
            start=reservation.start,
            until=reservation.until,
            authorization_reference=session.authorization_reference or reservation.id,
        ),
        status=status_of(session),
        cancelled_by=reservation.cancelled_by,
        reason=reservation.reason,
        tariff_ids=tuple(one.id for one in session.tariffs),
        last_updated=session.transitions[-1].at if session.transitions else now,
    )


def record_booking(connection: Connection, context: Context, session: ServiceSession, partner_id: str) -> None:
    """Keep a booking as it stands now, and mark it and what it leaves free for those who must hear of it."""
    now = context.clock.now()
    told = booking_of(session, now).model_copy(update={"last_updated": now})
    row = {**told.key.model_dump(), "partner_id": partner_id, "last_updated": now, "body": bookings.BOOKING.write(told)}
    upsert(connection, booking, row)
    context.outbox.mark(connection, [partner_id], bookings.KIND, told.key)
    publish_calendars(connection, context, {session.evse_uid})


def publish_calendars(connection: Connection, context: Context, evse_uids: Collection[str] | None = None) -> None:
    """Bring the calendars of this equipment, or of all, to what is free now.

    What a booking changed is marked; what a new day or an announcement changes everywhere is left to be pulled.
    """
    now = context.clock.now()
    known = {row.id: row.body for row in connection.execute(select(booking_location.c.id, booking_location.c.body))}
    reserved, announced = load_reserved(connection, context.party), notices(connection, context)
    for site, equipment in _bookable(connection, context, evse_uids):
        before = bookinglocations.LOCATION.read(known[equipment.uid]).value if equipment.uid in known else None
        told = _location(context, site, equipment, _taken(context, site, equipment, reserved, announced), now)
        if before is not None and _dated(told, before.last_updated) == before:
            continue
        row = {"site_id": site.id, "last_updated": now, "body": bookinglocations.LOCATION.write(told)}
        upsert(connection, booking_location, {**told.key.model_dump(), "partner_id": None, **row})
        if evse_uids is not None:
            context.outbox.mark(connection, _told_of(context, site), bookinglocations.KIND, told.key)


class BookingSource:
    """Lists the bookings of one home-CSP's drivers; nobody sees another's."""

    def __init__(self, context: Context) -> None:
        self._context = context
        query = select(booking.c.body).where(booking.c.partner_id == bindparam("partner"))
        self._listing = Listing(query, booking.c.last_updated, (booking.c.id,))

    async def page(self, partner: Partner, request: PageRequest) -> Page:
        """In order of last_updated."""
        with self._context.store.read() as connection:
            return self._listing.page(connection, request, partner=partner.id)

    async def one(self, partner: Partner, id: str) -> str | None:
        """One of this partner."""
        with self._context.store.read() as connection:
            found = body_of(connection, booking, _key(self._context, id))
        return found[0] if found is not None and found[1] == partner.id else None


class LocationSource:
    """Lists what can be booked at the sites that a partner's agreement names."""

    def __init__(self, context: Context) -> None:
        self._context = context
        table = booking_location.c
        self._listing = ScopedListing(select(table.body), table.last_updated, (table.id,), {"sites": table.site_id})

    async def page(
        self, partner: Partner, request: PageRequest, free_from: datetime | None, free_to: datetime | None
    ) -> Page:
        """In order of last_updated."""
        sites = ids_within(partner.agreement.sites, self._context.party)
        whole = (
            request
            if free_from is None and free_to is None
            else PageRequest(request.date_from, request.date_to, 0, _ALL)
        )
        with self._context.store.read() as connection:
            page = self._listing.page(connection, whole, sites=sites)
        if whole is request:
            return page
        found = [one for one in page.bodies if _has_free(one, free_from, free_to)]
        return Page(tuple(found[request.offset : request.offset + request.limit]), len(found))

    async def one(self, partner: Partner, id: str) -> str | None:
        """One that the agreement names."""
        with self._context.store.read() as connection:
            found = body_of(connection, booking_location, _key(self._context, id))
        if found is None:
            return None
        value = bookinglocations.LOCATION.read(found[0]).value
        site_key = value.key.model_copy(update={"id": value.site_id})
        return found[0] if partner.agreement.has_site(site_key) else None

    async def push(self, partner: Partner, key: ObjectKey) -> None:
        """Send one as it stands. Raises what the call raises."""
        text = await self.one(partner, key.id)
        if text is not None:
            held = Held(bookinglocations.LOCATION.read(text).value, text)
            await bookinglocations.put_location(self._context.calls, partner, held)


_ALL = 1_000_000


def _bookable(
    connection: Connection, context: Context, evse_uids: Collection[str] | None
) -> Iterator[tuple[Site, EvSupplyEquipment]]:
    own = {"country_code": context.party.country_code, "party_id": context.party.party_id}
    query = select(tables.site.c.body).filter_by(**own)
    if evse_uids is not None:
        of_these = select(tables.evse.c.site_id).filter_by(**own).where(tables.evse.c.uid.in_(evse_uids))
        query = query.where(tables.site.c.id.in_(of_these))
    for body in connection.execute(query).scalars().all():
        site = context.reader.site(body)
        for equipment in site.equipment:
            wanted = evse_uids is None or equipment.uid in evse_uids
            if wanted and equipment.can(Capability.RESERVABLE) and equipment.connectors:
                yield site, equipment


def _taken(
    context: Context, site: Site, equipment: EvSupplyEquipment, reserved: list[KeptSession], announced: list[Notice]
) -> Iterator[Times]:
    for kept in reserved:
        if kept.session.evse_uid == equipment.uid:
            yield terms(kept.session).start, terms(kept.session).until
    for notice in announced:
        if notice.takes_back(context.party, site.id, equipment.uid, notice.begin):
            yield notice.begin, notice.expected_end


def _location(
    context: Context, site: Site, equipment: EvSupplyEquipment, taken: Iterator[Times], now: datetime
) -> BookingLocation:
    """Whole days from today on (UTC), so that it changes once a day by itself."""
    begin = datetime.combine(now.date(), time(), now.tzinfo)
    end = begin + AHEAD
    free = free_times(begin, end, taken)
    calendar = Calendar(id=CALENDAR, begin=begin, end=end, increment_minutes=1, free=free, last_updated=now)
    return BookingLocation(
        country_code=context.party.country_code,
        party_id=context.party.party_id,
        id=equipment.uid,
        site_id=site.id,
        evse_uid=equipment.uid,
        tariff_ids=equipment.connectors[0].tariff_ids,
        calendars=(calendar,) if free else (),
        last_updated=now,
    )


def _dated(location: BookingLocation, at: datetime) -> BookingLocation:
    calendars = tuple(one.model_copy(update={"last_updated": at}) for one in location.calendars)
    return location.model_copy(update={"last_updated": at, "calendars": calendars})


def _told_of(context: Context, site: Site) -> list[str]:
    key = ObjectKey(country_code=site.country_code, party_id=site.party_id, id=site.id)
    at = context.endpoint.now()
    return [
        one.id
        for one in context.home_csps()
        if one.agreement.covers(Service.BOOKINGS, at) and one.agreement.has_site(key)
    ]


def _has_free(body: str, free_from: datetime | None, free_to: datetime | None) -> bool:
    """Whether some free time lies at or after the one moment and before the other."""
    calendars = bookinglocations.LOCATION.read(body).value.calendars
    return any(
        (free_from is None or time.until > free_from) and (free_to is None or time.start < free_to)
        for one in calendars
        for time in one.free
    )


def _key(context: Context, id: str) -> ObjectKey:
    return ObjectKey(country_code=context.party.country_code, party_id=context.party.party_id, id=id)
