"""Reservations for later at the home-CSP (UC3-8): booked where the operator takes bookings, and followed."""

from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog
from sqlalchemy import Connection, func, select

from core.endpoint.extensions import bookings
from core.endpoint.partner import Partner
from core.endpoint.ports import Held
from core.errors import EvroamError, NotFound, Unreachable
from core.home_csp.booking_locations import location_at
from core.home_csp.context import Context
from core.home_csp.contracts import app_credential
from core.home_csp.energy_transfer.record import keep
from core.model.bookings import Booking, BookingStatus, BookingWish
from core.model.parties import ObjectKey
from core.model.reservations import Canceller, CancelReason
from core.model.reserving import given_up, run_out, terms, with_terms
from core.model.session import ServiceSession, SessionRule, SessionState, move
from core.store.booking_tables import body_of
from core.store.booking_tables import booking as booking_table
from core.store.sessions import load
from core.store.upsert import upsert

log = structlog.get_logger(__name__)

S = SessionState


class Booker:
    """Sends what is booked; refuse and unconfirmed end what came to nothing."""

    def __init__(
        self,
        context: Context,
        refuse: Callable[[str, str], Awaitable[None]],
        unconfirmed: Callable[[str], Awaitable[None]],
    ) -> None:
        self._context = context
        self._refuse = refuse
        self._unconfirmed = unconfirmed

    async def send(self, partner: Partner, session_id: str) -> None:
        """Ask the operator for the booking with which a session begins."""
        try:
            told = await bookings.book(self._context.calls, partner, self._wish(session_id))
        except Unreachable as error:
            if error.never_arrived:
                await self._refuse(session_id, "operator_unreachable")
            else:
                await self._unconfirmed(session_id)
            return
        except EvroamError as error:
            await self._refuse(session_id, f"reserve_{error.code}")
            return
        await apply(self._context, partner, told)

    async def cancel(self, partner: Partner, session_id: str) -> bool:
        """Give the booking up; False where the operator does not answer or does not take it."""
        wish = self._wish(session_id, CancelReason.NO_CANCELED)
        try:
            told = await bookings.book(self._context.calls, partner, wish)
        except EvroamError as error:
            log.warning("booking_not_cancelled", session=session_id, code=error.code)
            return False
        await apply(self._context, partner, told)
        return told.status is BookingStatus.CANCELED

    def _wish(self, session_id: str, cancelled: CancelReason | None = None) -> BookingWish:
        context = self._context
        with context.store.read() as connection:
            kept = load(connection, context.party, session_id)
            credential = app_credential(connection, context, kept.session.contract_id) if kept else None
            location = (
                location_at(connection, kept.session.visited, kept.session.site_id, kept.session.evse_uid)
                if kept
                else None
            )
        if kept is None or credential is None:
            raise NotFound("There is no such reservation")
        session = kept.session
        return BookingWish(
            home=context.party,
            request_id=terms(session).id,
            site_id=session.site_id,
            location_id=location.id if location is not None else None,
            evse_uid=session.evse_uid,
            credential=credential.reference,
            start=terms(session).start,
            until=terms(session).until,
            authorization_reference=session.authorization_reference or session.id,
            cancelled=cancelled,
        )


class BookingReceiver:
    """Implements the endpoint's receiver of bookings."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def held(self, partner: Partner, key: ObjectKey) -> str | None:
        """A booking as this partner last told it."""
        with self._context.store.read() as connection:
            found = body_of(connection, booking_table, key)
        return found[0] if found is not None and found[1] == partner.id else None

    async def put(self, partner: Partner, key: ObjectKey, held: Held[Booking]) -> None:
        """Apply what the operator tells. Raises NotFound where it is none of ours."""
        if not await apply(self._context, partner, held.value):
            raise NotFound("There is no such booking of ours.", code="unknown_booking")
        row = {"partner_id": partner.id, "last_updated": held.value.last_updated, "body": held.body}
        values = {**key.party.model_dump(), "id": key.id, **row}
        await self._context.store.write(
            lambda connection: upsert(connection, booking_table, values, unless_older="last_updated")
        )

    async def repair(self, partner: Partner) -> None:
        """Ask for what was missed."""
        with self._context.store.read() as connection:
            newest: datetime | None = connection.execute(
                select(func.max(booking_table.c.last_updated)).where(booking_table.c.partner_id == partner.id)
            ).scalar()
        async for held in bookings.pull_bookings(self._context.calls, partner, newest):
            try:
                await self.put(partner, held.value.key, held)
            except NotFound as error:
                log.warning("foreign_booking", partner=partner.id, reason=error.message)


async def apply(context: Context, partner: Partner, booking: Booking) -> bool:
    """Bring the session to where its booking stands; what is over stays so. False: no booking of this partner's."""

    def write(connection: Connection) -> bool:
        kept = load(connection, context.party, booking.wish.request_id)
        if kept is None or kept.partner_id != partner.id or kept.session.reservation is None:
            return False
        try:
            after = after_word(kept.session, booking, context.clock.now())
        except SessionRule as broken:
            log.warning("booking_not_applied", session=kept.session.id, reason=broken.message)
            return True
        if after is not kept.session:
            keep(connection, context, after, kept.partner_id)
        return True

    return await context.store.write(write)


def after_word(session: ServiceSession, booking: Booking, now: datetime) -> ServiceSession:
    """The session after the operator's word; the same object where nothing is new. Raises SessionRule."""
    actor = str(session.visited)
    asked = session.state in {S.AUTHORISING, S.UNCONFIRMED}
    match booking.status:
        case BookingStatus.RESERVED if asked:
            return move(session, S.RESERVED, at=now, actor=actor)
        case BookingStatus.REJECTED | BookingStatus.FAILED if asked:
            return move(session, S.REJECTED, at=now, actor=actor, reason="reserve_rejected")
        case BookingStatus.CANCELED if session.is_open and session.started_at is None:
            by = booking.cancelled_by or Canceller.VISITED_CSO
            return given_up(session, by, at=now, actor=actor, reason=booking.reason or CancelReason.UNKNOWN)
        case BookingStatus.CANCELED if session.state is S.CANCELLED and booking.reason is not None:
            if terms(session).reason is CancelReason.UNKNOWN:  # the session told it first, without a reason
                return with_terms(session, reason=booking.reason)
        case BookingStatus.NO_SHOW if session.state is S.RESERVED:
            return run_out(session, at=terms(session).until, actor=actor)
    return session
