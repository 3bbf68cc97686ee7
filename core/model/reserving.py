"""What becomes of a reserved session (UC3-8): held, used, given up, or run out. Pure steps of the one state machine."""

from datetime import datetime
from decimal import Decimal
from uuid import NAMESPACE_URL, uuid5

from core.model.credentials import CredentialReference
from core.model.meter import ChargingPeriod, Dimension, DimensionKind
from core.model.reservations import Canceller, CancelReason, Reservation
from core.model.session import (
    ServiceSession,
    SessionRule,
    SessionState,
    TransactionKind,
    begin_transaction,
    change,
    end_transaction,
    move,
)

S = SessionState
KIND = TransactionKind.RESERVATION
_HOUR = Decimal(3600)
_HOUR_DIGITS = Decimal("0.0001")


def held(session: ServiceSession, *, at: datetime, actor: str) -> ServiceSession:
    """The equipment is held now; after a start on it that came to nothing, it still is. Raises SessionRule."""
    session = move(session, S.RESERVED, at=at, actor=actor)
    if session.running(KIND) is not None:
        return session
    start = max(at, terms(session).start)
    return begin_transaction(session, KIND, id=str(uuid5(NAMESPACE_URL, f"{session.id}/reservation")), at=start)


def used(session: ServiceSession, at: datetime) -> ServiceSession:
    """Charging begins: reserved time ends here and is billed as such."""
    return _with_reserved_time(session, at)


def run_out(session: ServiceSession, *, at: datetime, actor: str) -> ServiceSession:
    """Nobody came until its end. Raises SessionRule."""
    session = held(session, at=at, actor=actor)
    return move(_with_reserved_time(session, at), S.NO_SHOW, at=at, actor=actor, reason="no_show")


def given_up(
    session: ServiceSession,
    by: Canceller,
    *,
    at: datetime,
    actor: str,
    reason: CancelReason = CancelReason.UNKNOWN,
    message: str = "",
) -> ServiceSession:
    """One side cancels it. Nothing is billed where the operator does [J]. Raises SessionRule."""
    if session.state is S.CANCELLED:
        return session
    if session.state in {S.AUTHORISING, S.UNCONFIRMED}:
        session = move(session, S.RESERVED, at=at, actor=actor)
    by_driver = by is Canceller.HOME_CSP
    session = _with_reserved_time(session, at) if by_driver else end_transaction(session, KIND, at=_after(session, at))
    session = with_terms(session, cancelled_by=by, reason=reason, message=message)
    return move(session, S.CANCELLED, at=at, actor=actor, reason="cancelled" if by_driver else "cancelled_by_operator")


def ended_unused(session: ServiceSession, *, end: datetime, at: datetime, actor: str) -> ServiceSession:
    """The other side says that it is over and was never used: run out, or cancelled, as its end tells."""
    reservation = terms(session)
    if reservation.cancel_requested_at is None and end >= reservation.until:
        session = move(session, S.RESERVED, at=at, actor=actor)
        return move(end_transaction(session, KIND, at=_after(session, end)), S.NO_SHOW, at=at, actor=actor)
    by = Canceller.VISITED_CSO if reservation.cancel_requested_at is None else Canceller.HOME_CSP
    return given_up(session, by, at=at, actor=actor)


def expired(session: ServiceSession) -> bool | None:
    """Whether the reservation ran until its end unused; None where it was used, or is not over."""
    reached = {one.to_state for one in session.transitions}
    if session.started_at is not None:
        return None
    return True if S.NO_SHOW in reached else (False if S.CANCELLED in reached else None)


def was_unused(session: ServiceSession) -> bool:
    """Whether it is a reservation on which nobody charged."""
    return session.reservation is not None and session.started_at is None


def may_use(session: ServiceSession, credential: CredentialReference, group_id: str | None) -> bool:
    """Whether a credential may start on it: the same one, or one of its group, of the same home-CSP."""
    if session.home != credential.party:
        return False
    same = session.credential_uid.casefold() == credential.uid.casefold() and session.credential_kind == credential.kind
    group = session.reservation.group_id if session.reservation else None
    return same or (group is not None and group_id == group)


def record_start(session: ServiceSession) -> datetime:
    """When the record of a session begins: with its reservation, else with charging."""
    started = session.started_at or session.opened_at
    return min([started, *(one.start for one in session.periods)])


def terms(session: ServiceSession) -> Reservation:
    """Its reservation. Raises SessionRule where it has none."""
    if session.reservation is None:
        raise SessionRule("the session has no reservation")
    return session.reservation


def with_terms(session: ServiceSession, **members: object) -> ServiceSession:
    """The session with members of its reservation replaced."""
    return change(session, reservation=terms(session).model_copy(update=members))


def reserved_period(start: datetime, end: datetime) -> ChargingPeriod:
    """Reserved time as a period."""
    hours = (Decimal(str((end - start).total_seconds())) / _HOUR).quantize(_HOUR_DIGITS)
    return ChargingPeriod(start=start, dimensions=(Dimension(kind=DimensionKind.RESERVATION_TIME, volume=hours),))


def _with_reserved_time(session: ServiceSession, at: datetime) -> ServiceSession:
    running = session.running(KIND)
    if running is None:
        return session
    end = max(at, running.start)
    session = end_transaction(session, KIND, at=end)
    if end == running.start:
        return session
    return change(session, periods=(reserved_period(running.start, end),), last_word_at=end)


def _after(session: ServiceSession, at: datetime) -> datetime:
    running = session.running(KIND)
    return at if running is None else max(at, running.start)
