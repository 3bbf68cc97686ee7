"""Reservations that an announcement takes back (UC5-1 on UC3-8), where the operator says that it does."""

from collections.abc import Iterable

from sqlalchemy import Connection

from core.model.notices import Notice, NoticeCause, ReservationImpact
from core.model.reservations import CancelReason
from core.model.reserving import terms
from core.store.sessions import load_reserved
from core.visited_cso.context import Context
from core.visited_cso.energy_transfer.reserved import cancel
from core.visited_cso.outages import announce, notices

_REASONS = {
    NoticeCause.POWER_SUPPLY: CancelReason.POWER_OUTAGE,
    NoticeCause.FAULT: CancelReason.BROKEN_CHARGER,
    NoticeCause.COMMUNICATION: CancelReason.BROKEN_CHARGER,
    NoticeCause.VANDALISM: CancelReason.BROKEN_CHARGER,
    NoticeCause.MAINTENANCE: CancelReason.BLOCKED,
    NoticeCause.CONSTRUCTION: CancelReason.BLOCKED,
}
"""In the words that OCPI's bookings have [J]."""


async def announce_and_take_back(context: Context, notice: Notice) -> Notice:
    """Announce it; what it takes back is given up behind the answer, for a home-CSP may be slow to hear of it.

    Raises as `announce`.
    """
    kept = await context.store.write(lambda connection: announce(connection, context, notice))
    if kept.reservations is ReservationImpact.CANCELLED:
        context.tasks.begin(take_back_announced(context))
    return kept


async def take_back_announced(context: Context) -> None:
    """Give up every reservation that falls into an announcement; what was given up before stays as it is."""
    with context.store.read() as connection:
        due = list(_due(connection, context))
    for session_id, notice in due:
        reason = _REASONS.get(notice.cause, CancelReason.UNKNOWN)
        await cancel(context, session_id, reason, _words(notice))


def _due(connection: Connection, context: Context) -> Iterable[tuple[str, Notice]]:
    current = [one for one in notices(connection, context) if one.reservations is ReservationImpact.CANCELLED]
    if not current:
        return
    now = context.clock.now()
    for kept in load_reserved(connection, context.party):
        session = kept.session
        needed_at = max(terms(session).start, now)
        hit = (one for one in current if one.takes_back(context.party, session.site_id, session.evse_uid, needed_at))
        notice = next(hit, None)
        if notice is not None:
            yield session.id, notice


def _words(notice: Notice) -> str:
    """What the operator says to drivers: in English, as other words between platforms are, else as it wrote them.

    Where it wrote nothing, what is announced and why.
    """
    said = {one.language: one.text for one in notice.texts}
    announced = f"{notice.kind}: {notice.cause}".lower().replace("_", " ")
    return said.get("en") or next(iter(said.values()), announced)
