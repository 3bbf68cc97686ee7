"""Sessions whose station is not heard any more: ended after a while, at the last word that can be trusted (UC3-5)."""

from datetime import datetime, timedelta
from decimal import Decimal

import structlog
from sqlalchemy import Connection

from core.model.reservations import Canceller, CancelReason
from core.model.reserving import given_up
from core.model.session import (
    ServiceSession,
    SessionState,
    StopReason,
    TransactionKind,
    change,
    end_energy_transfer,
    end_transaction,
    move,
)
from core.store.sessions import load_open
from core.visited_cso.context import Context
from core.visited_cso.energy_transfer.completion import complete
from core.visited_cso.energy_transfer.record import keep

log = structlog.get_logger(__name__)

LONGEST_SILENCE = timedelta(hours=24)
"""How long a station may be silent before its session is closed without it [J]; the standard gives no figure."""


async def end_silent_sessions(context: Context) -> None:
    """Close the sessions of stations that have been silent too long, and let starts expire that nothing came of."""

    def write(connection: Connection) -> None:
        now = context.clock.now()
        for kept in load_open(connection, context.party):
            session = without_station(kept.session, now)
            if session.state is SessionState.CLOSING:
                complete(connection, context, session, kept.partner_id)
            elif session is not kept.session:
                keep(connection, context, session, kept.partner_id)

    await context.store.write(write)


def without_station(session: ServiceSession, now: datetime) -> ServiceSession:
    """The session, ended where its station has been silent too long; the same object where it has not."""
    since = session.transitions[-1].at if session.transitions else session.opened_at
    if now - since < LONGEST_SILENCE:
        return session
    match session.state:
        case SessionState.SUSPECT:
            log.warning("session_truncated", session=session.id, last_word_at=str(session.last_word_at))
            return _truncated(session, now)
        case SessionState.AUTHORISED | SessionState.UNCONFIRMED | SessionState.RESERVED if session.reservation:
            if session.reservation.until > now - LONGEST_SILENCE:
                return session
            given = CancelReason.BROKEN_CHARGER
            return given_up(session, Canceller.VISITED_CSO, at=now, actor="visited-CSO", reason=given)
        case SessionState.AUTHORISED | SessionState.UNCONFIRMED:
            return move(session, SessionState.EXPIRED, at=now, actor="visited-CSO", reason="station silent")
    return session


def _truncated(session: ServiceSession, now: datetime) -> ServiceSession:
    """Ended when the station was last heard, with what its meter said then."""
    end = session.last_word_at or session.started_at or session.opened_at
    meter = (session.meter_start or Decimal(0)) + session.energy
    session = end_energy_transfer(session, at=end, meter=meter, reason=StopReason.EQUIPMENT)
    for kind in (TransactionKind.ENERGY, TransactionKind.PARKING):
        session = end_transaction(session, kind, at=end)
    session = change(session, ended_at=end, stop_reason=session.stop_reason or StopReason.EQUIPMENT)
    return move(session, SessionState.CLOSING, at=now, actor="visited-CSO", reason="station silent")
