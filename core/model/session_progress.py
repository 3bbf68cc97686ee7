"""The home-CSP's view of a session, moved on by what the visited-CSO reports (UC3-5, UC3-6).

A report is the partner's word, our session is our own state: reports that are old, run backwards or come after the end
change nothing, and the caller is told why.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from uuid import NAMESPACE_URL, uuid5

from core.model.meter import DimensionKind
from core.model.pricing.slices import only_reserved
from core.model.reserving import ended_unused, held, used, with_terms
from core.model.session import (
    ENDED,
    ENERGY_DECREASED,
    OPEN,
    STARTING,
    Reading,
    ServiceSession,
    SessionRule,
    SessionState,
    TransactionKind,
    begin_transaction,
    change,
    end_transaction,
    move,
    with_reading,
)
from core.model.session_report import ReportedStatus, SessionReport

SHORTEST = timedelta(seconds=30)
"""Between two readings from which a power is computed [J]: real operators report every minute or less often."""

_HOUR = Decimal(3600)
_BEFORE_THE_CABLE = {SessionState.AUTHORISING, SessionState.UNCONFIRMED, SessionState.RESERVED}


def with_report(session: ServiceSession, report: SessionReport, *, now: datetime) -> ServiceSession:
    """The session after the report; the same object where the report is old or nothing is new.

    Raises SessionRule where energy runs backwards or the session has ended: then the report stays without effect.
    """
    known = session.last_word_at if session.visited_session_id is not None else None
    if known is not None and report.last_updated < known:
        return session
    if session.state in {SessionState.CANCELLED, SessionState.NO_SHOW} and report.status is ReportedStatus.COMPLETED:
        after = change(_told(session, report), ended_at=report.end or session.ended_at)
        return session if after == session else after
    if session.state in ENDED:
        if report.status in {ReportedStatus.COMPLETED, ReportedStatus.INVALID}:
            return session
        raise SessionRule(f"a session that is {session.state} is reported as {report.status}")
    if report.energy < session.energy:
        raise SessionRule("the energy of a session never decreases", code=ENERGY_DECREASED)
    after = _moved(_told(session, report), report, now)
    return session if after == session else after  # partners with clocks of whole seconds say two things at one time


def _told(session: ServiceSession, report: SessionReport) -> ServiceSession:
    cost = report.total_cost
    return change(
        session,
        visited_session_id=report.id,
        energy=report.energy,
        power_kw=_power(session, report),
        state_of_charge=_state_of_charge(report) or session.state_of_charge,
        periods=report.periods or session.periods,
        readings=_readings(session, report),
        cost=session.cost if cost is None else cost.before_taxes,
        cost_with_taxes=session.cost_with_taxes if cost is None else cost.with_taxes,
        currency=report.currency,
        last_word_at=report.last_updated,
    )


def _moved(session: ServiceSession, report: SessionReport, now: datetime) -> ServiceSession:
    actor = str(session.visited)
    match report.status:
        case ReportedStatus.PENDING if session.state in _BEFORE_THE_CABLE:
            return move(session, SessionState.AUTHORISED, at=now, actor=actor)
        case ReportedStatus.RESERVED if session.state in STARTING and session.reservation is not None:
            return _reserved(session, now, actor)
        case ReportedStatus.ACTIVE if session.state in OPEN:
            return _begun(session, report, actor)
        case ReportedStatus.COMPLETED | ReportedStatus.INVALID if _is_unused(session, report):
            return ended_unused(session, end=report.end or report.last_updated, at=now, actor=actor)
        case ReportedStatus.COMPLETED:
            return _ended(session, report, now, actor)
        case ReportedStatus.INVALID if report.energy == 0 and session.started_at is None:
            return _never_begun(session, now, actor)
        case ReportedStatus.INVALID:
            return _ended(session, report, now, actor)
    return session


def _reserved(session: ServiceSession, now: datetime, actor: str) -> ServiceSession:
    """Held; where a start on it was under way, that came to nothing and the reservation stands."""
    if session.state is SessionState.AUTHORISED and session.reservation is not None:
        asked = session.reservation.use_requested_at
        if asked is not None and session.last_word_at is not None and session.last_word_at <= asked:
            return session  # said before the station took the start
        stopped = session.stop_requested_at is not None
        session = with_terms(session, use_requested_at=None, use_problem="stopped" if stopped else "not_plugged_in")
        session = change(session, stop_requested_at=None, stop_problem="")
    return held(session, at=now, actor=actor)


def _is_unused(session: ServiceSession, report: SessionReport) -> bool:
    """Whether the report ends a reservation on which nobody charged."""
    if session.reservation is None or session.started_at is not None or session.state is SessionState.AUTHORISING:
        return False
    return report.energy == 0 and all(only_reserved(one) for one in report.periods)


def _never_begun(session: ServiceSession, now: datetime, actor: str) -> ServiceSession:
    if session.state is SessionState.AUTHORISED:
        reason = "not_plugged_in" if session.stop_requested_at is None else "stopped"
        return move(session, SessionState.EXPIRED, at=now, actor=actor, reason=reason)
    return move(session, SessionState.REJECTED, at=now, actor=actor, reason="not_started")


def _begun(session: ServiceSession, report: SessionReport, actor: str) -> ServiceSession:
    if session.state is SessionState.RESERVED:
        session = move(session, SessionState.AUTHORISED, at=report.start, actor=actor)
    if session.running(TransactionKind.RESERVATION) is not None:
        session = change(used(session, report.start), periods=report.periods, last_word_at=report.last_updated)
    if session.state is not SessionState.ACTIVE:
        session = move(session, SessionState.ACTIVE, at=report.start, actor=actor)
    if all(one.kind is not TransactionKind.ENERGY for one in session.transactions):
        id = str(uuid5(NAMESPACE_URL, f"{session.id}/energy"))
        session = begin_transaction(session, TransactionKind.ENERGY, id=id, at=report.start)
    return session


def _ended(session: ServiceSession, report: SessionReport, now: datetime, actor: str) -> ServiceSession:
    if report.energy > 0 or report.periods:
        session = _begun(session, report, actor)
    end = report.end or report.last_updated
    session = end_transaction(session, TransactionKind.ENERGY, at=max(end, report.start))
    session = move(session, SessionState.CLOSING, at=now, actor=actor)
    return change(session, started_at=session.started_at or report.start, ended_at=end, power_kw=Decimal(0))


def _power(session: ServiceSession, report: SessionReport) -> Decimal | None:
    """The average over the time since the last reading, from the energies that were told; nothing finer is known."""
    if report.status is ReportedStatus.COMPLETED or _is_parked(report):
        return Decimal(0)
    if _is_soon(session, report):
        return session.power_kw
    before = session.readings[-1] if session.readings else None
    since = before.at if before is not None else report.start
    seconds = Decimal(str((_read_at(session, report) - since).total_seconds()))
    if seconds <= 0:
        return session.power_kw
    gained = report.energy - (before.energy if before is not None else Decimal(0))
    return (gained * _HOUR / seconds).quantize(Decimal("0.01"))


def _is_parked(report: SessionReport) -> bool:
    """Whether the partner's last period is one of parking: no energy flows now."""
    kinds = {one.kind for one in report.periods[-1].dimensions} if report.periods else set()
    return DimensionKind.PARKING_TIME in kinds and DimensionKind.TIME not in kinds


def _is_soon(session: ServiceSession, report: SessionReport) -> bool:
    """Whether the last reading is so near that the way over the wire would blur the power between the two."""
    return bool(session.readings) and _read_at(session, report) - session.readings[-1].at < SHORTEST


def _read_at(session: ServiceSession, report: SessionReport) -> datetime:
    """When the energy was read; where a partner lets its periods' times stand while energy flows, with the report."""
    stands = bool(session.readings) and report.measured_at <= session.readings[-1].at
    return report.last_updated if stands and report.energy > session.readings[-1].energy else report.measured_at


def _readings(session: ServiceSession, report: SessionReport) -> tuple[Reading, ...]:
    if report.status not in {ReportedStatus.ACTIVE, ReportedStatus.COMPLETED} or _is_soon(session, report):
        return session.readings
    if _is_unused(session, report):
        return session.readings
    reading = Reading(at=_read_at(session, report), energy=report.energy, power_kw=_power(session, report))
    if session.readings and session.readings[-1].at == reading.at:
        return session.readings
    return with_reading(session.readings, reading)


def _state_of_charge(report: SessionReport) -> Decimal | None:
    known = [
        one.volume
        for period in report.periods
        for one in period.dimensions
        if one.kind is DimensionKind.STATE_OF_CHARGE
    ]
    return known[-1] if known else None
