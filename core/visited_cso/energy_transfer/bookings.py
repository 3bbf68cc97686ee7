"""Reservations for later at the visited-CSO (UC3-8): agreed on beforehand, held at the station from their begin on.

A booking is a session that begins with a reservation whose time has not come: until then others may charge at the
equipment, and nobody else may reserve it into that time.
"""

from datetime import datetime

from sqlalchemy import Connection, select

from core.endpoint.extensions import bookings as module
from core.endpoint.partner import Partner
from core.endpoint.ports import CommandResult
from core.errors import NotFound, Refused
from core.model.bookings import AHEAD, Booking, BookingStatus, BookingWish
from core.model.credentials import Credential, WhitelistPolicy
from core.model.parties import ObjectKey
from core.model.reservations import Canceller, CancelReason, Reservation, check_time
from core.model.reserving import held, terms, with_terms
from core.model.session import ServiceSession, SessionState, move
from core.model.sites import Capability
from core.store.sessions import KeptSession, load, load_by_reference, load_open_at, load_reserved
from core.store.tables import credential as credential_table
from core.visited_cso.context import Context
from core.visited_cso.energy_transfer.booking_record import booking_of
from core.visited_cso.energy_transfer.record import keep
from core.visited_cso.energy_transfer.reserved import (
    answer_of,
    cancel,
    give_up,
    is_booked,
    open_reserved,
    release,
    show_status,
)
from core.visited_cso.outages import is_withdrawn
from core.visited_cso.sites import load_site

_TAKEN_BACK = {
    CommandResult.EVSE_OCCUPIED: CancelReason.FULL,
    CommandResult.EVSE_INOPERATIVE: CancelReason.BROKEN_CHARGER,
}


class Bookings:
    """Implements the endpoint's Booker."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def book(self, partner: Partner, wish: BookingWish) -> Booking:
        """A new booking, a change or a cancellation; the same again is answered alike. Raises NotFound."""
        kept, answer = await self._context.store.write(lambda connection: self._book(connection, partner, wish))
        if kept is not None and wish.cancelled is not None:
            await release(self._context, kept.session.id)
        return answer

    async def push(self, partner: Partner, key: ObjectKey) -> None:
        """Tell a home-CSP where a booking of its driver stands. Raises what the call raises."""
        context = self._context
        with context.store.read() as connection:
            kept = load(connection, context.party, key.id)
        if kept is not None and kept.session.reservation is not None:
            await module.put_booking(context.calls, partner, booking_of(kept.session, context.clock.now()))

    def _book(self, connection: Connection, partner: Partner, wish: BookingWish) -> tuple[KeptSession | None, Booking]:
        context, now = self._context, self._context.clock.now()
        kept = self._known(connection, partner, wish)
        if kept is None:
            if wish.cancelled is not None:
                raise NotFound("There is no such booking of yours.", code="unknown_booking")
            return None, self._new(connection, partner, wish)
        session = kept.session
        if session.state is not SessionState.RESERVED:
            return None, booking_of(session, now)
        if wish.cancelled is not None:
            give_up(connection, context, kept, Canceller.HOME_CSP, wish.cancelled, "")
            after = load(connection, context.party, session.id)
            return kept, booking_of(after.session if after else session, now)
        if (terms(session).start, terms(session).until) != (wish.start, wish.until):
            session = self._moved(connection, kept, wish)
        return None, booking_of(session, now)

    def _known(self, connection: Connection, partner: Partner, wish: BookingWish) -> KeptSession | None:
        kept = load_by_reference(connection, self._context.party, wish.authorization_reference)
        if kept is None or kept.partner_id != partner.id or kept.session.reservation is None:
            return None
        return kept if kept.session.reservation.id.casefold() == wish.request_id.casefold() else None

    def _moved(self, connection: Connection, kept: KeptSession, wish: BookingWish) -> ServiceSession:
        """Another time for what has not begun; one that cannot be had leaves the booking as it was."""
        context, session, now = self._context, kept.session, self._context.clock.now()
        begun = terms(session).start <= now
        if begun or self._problem(connection, wish, session.evse_uid, except_for=session.id) is not None:
            return session
        return keep(connection, context, with_terms(session, start=wish.start, until=wish.until), kept.partner_id)

    def _new(self, connection: Connection, partner: Partner, wish: BookingWish) -> Booking:
        context, now = self._context, self._context.clock.now()
        site = load_site(connection, context, wish.site_id)
        equipment = site.find_equipment(wish.evse_uid or wish.location_id or "") if site is not None else None
        credential = _credential(connection, context, wish)
        refused = Booking(
            country_code=context.party.country_code,
            party_id=context.party.party_id,
            id=wish.request_id,
            wish=wish,
            status=BookingStatus.REJECTED,
            last_updated=now,
        )
        if site is None or equipment is None or credential is None or not partner.speaks_for(credential.party):
            return refused
        if not equipment.can(Capability.RESERVABLE) or not equipment.connectors:
            return refused
        if self._problem(connection, wish, equipment.uid) is not None:
            return refused
        reservation = Reservation(
            id=wish.request_id, start=wish.start, until=wish.until, booked=True, group_id=credential.group_id
        )
        reference = wish.authorization_reference
        session = open_reserved(
            connection, context, site, equipment, credential, reservation, reference, partner.agreement
        )
        session = move(session, SessionState.RESERVED, at=now, actor=str(context.party))
        return booking_of(keep(connection, context, session, partner.id), now)

    def _problem(
        self, connection: Connection, wish: BookingWish, evse_uid: str, except_for: str | None = None
    ) -> str | None:
        """Why this time cannot be had; None where it can."""
        now = self._context.clock.now()
        try:
            check_time(wish.start, wish.until, now=now)
        except Refused as error:
            return error.message
        if not now < wish.start <= now + AHEAD:
            return "this time is past, or too far ahead"
        uid = wish.credential.uid if wish.credential is not None else ""
        if is_booked(connection, self._context, evse_uid, uid, wish.start, wish.until, except_for=except_for):
            return "the equipment is reserved at that time, or the token elsewhere"
        if is_withdrawn(connection, self._context, wish.site_id, evse_uid, wish.start):
            return "the equipment is announced to be out of use at that time"
        return None


async def begin_due(context: Context) -> None:
    """Hold at the station whatever begins now; what cannot be held is taken back, and the driver told why."""
    now = context.clock.now()
    with context.store.read() as connection:
        due = [
            one
            for one in load_reserved(connection, context.party)
            if one.session.state is SessionState.RESERVED and _begins(one.session, now)
        ]
    for kept in due:
        await _begin(context, kept.session)


def _begins(session: ServiceSession, now: datetime) -> bool:
    return terms(session).booked and not session.transactions and terms(session).start <= now


async def _begin(context: Context, session: ServiceSession) -> None:
    with context.store.read() as connection:
        taken = bool(load_open_at(connection, context.party, session.evse_uid))
    result = CommandResult.EVSE_OCCUPIED
    if not taken:
        asking = context.equipment.reserve(
            session.evse_uid, session.id, until=terms(session).until, id_tag=session.credential_uid
        )
        result, _ = await answer_of(asking)
    if result is not CommandResult.ACCEPTED:
        await cancel(context, session.id, _TAKEN_BACK.get(result, CancelReason.UNKNOWN))
        return

    def write(connection: Connection) -> None:
        kept = load(connection, context.party, session.id)
        if kept is not None and kept.session.state is SessionState.RESERVED:
            keep(connection, context, held(kept.session, at=context.clock.now(), actor="station"), kept.partner_id)
            show_status(connection, context, session.evse_uid)

    await context.store.write(write)


def _credential(connection: Connection, context: Context, wish: BookingWish) -> Credential | None:
    """The credential that a booking names; one that was distributed beforehand has its group as well."""
    named = wish.credential
    if named is None:
        return None
    body = connection.execute(
        select(credential_table.c.body).where(
            credential_table.c.country_code == named.country_code,
            credential_table.c.party_id == named.party_id,
            credential_table.c.uid == named.uid,
            credential_table.c.kind == named.kind,
        )
    ).scalar()
    if body is not None:
        return context.reader.credential(body)
    return Credential(
        **named.model_dump(),
        issuer=str(named.party),
        valid=True,
        whitelist=WhitelistPolicy.NEVER,
        last_updated=context.clock.now(),
    )
