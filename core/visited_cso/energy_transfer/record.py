"""The visited-CSO's record of a session: kept, priced so far, and told to the home-CSP (UC3-6)."""

from datetime import datetime
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import Connection

from core.errors import InvalidInput
from core.model.agreements import PricingOptions
from core.model.credentials import IdentificationMethod
from core.model.money import Amount, Price
from core.model.parties import ObjectKey
from core.model.pricing.measured import MeasuredSession
from core.model.pricing.price import price_session
from core.model.pricing.report import PriceReport
from core.model.reserving import expired, record_start
from core.model.session import STARTING, ServiceSession, SessionState, change
from core.model.session_report import ReportedStatus, SessionReport
from core.store.engine import append_event
from core.store.sessions import save
from core.visited_cso.context import Context
from core.visited_cso.energy_transfer.booking_record import record_booking
from core.visited_cso.energy_transfer.payer import credential_of

log = structlog.get_logger(__name__)

_REPORTED = {
    SessionState.RESERVED: ReportedStatus.RESERVED,
    SessionState.ACTIVE: ReportedStatus.ACTIVE,
    SessionState.SUSPECT: ReportedStatus.ACTIVE,
    SessionState.REJECTED: ReportedStatus.INVALID,
    SessionState.EXPIRED: ReportedStatus.INVALID,
} | dict.fromkeys(STARTING, ReportedStatus.PENDING)

_UNTOLD = {SessionState.AUTHORISING, SessionState.UNCONFIRMED, SessionState.REJECTED}
"""States that the outcome of the command tells; a home-CSP that missed it finds the session by asking."""


def keep(
    connection: Connection, context: Context, session: ServiceSession, partner_id: str | None, *, tell: bool = True
) -> ServiceSession:
    """Price the session so far, save it, mark it for its home-CSP and append an event; in the caller's transaction.

    tell: whether the home-CSP is to hear of it now; it finds the session as it stands when it asks, whatever was told.
    """
    now = context.clock.now()
    session = priced(session)
    report = report_of(session, context.clock.now())
    wire = context.writer.session(report)
    save(connection, context.party, session, partner_id=partner_id, at=now, wire=wire)
    if tell and partner_id is not None and session.state not in _UNTOLD:
        context.outbox.mark(connection, [partner_id], "sessions", key_of(context, session))
        if session.reservation is not None and session.reservation.booked and not session.energy:
            record_booking(connection, context, session, partner_id)
    append_event(connection, stream=f"session/{session.id}", kind="session", at=now, body=session)
    return session


def key_of(context: Context, session: ServiceSession) -> ObjectKey:
    """The session's key on the wire: we are its owner."""
    return ObjectKey(country_code=context.party.country_code, party_id=context.party.party_id, id=session.id)


def priced(session: ServiceSession) -> ServiceSession:
    """The session with its cost so far; unchanged where nothing was measured or no tariff holds."""
    report = price_of(session)
    if report is None:
        return session
    total = report.total
    return change(session, cost=total.before_taxes, cost_with_taxes=total.with_taxes, currency=report.currency)


def price_of(session: ServiceSession) -> PriceReport | None:
    """The price of what was measured, under the tariffs frozen at the start; None where there is nothing to price.

    Tariffs that cannot price it leave the session without a price: what a station reports is never lost for that.
    """
    if not session.tariffs or not session.periods or session.last_word_at is None:
        return None
    start = record_start(session)
    measured = MeasuredSession(
        start=start,
        end=max(session.last_word_at, start),
        periods=session.periods,
        reservation_expired=expired(session),
    )
    try:
        return price_session(
            measured,
            session.tariffs,
            time_zone=ZoneInfo(session.time_zone),
            options=session.pricing or PricingOptions(),
        )
    except InvalidInput as error:
        log.error("session_not_priced", session=session.id, code=error.code, reason=error.message)
        return None


def report_of(session: ServiceSession, last_updated: datetime) -> SessionReport:
    """What we tell the home-CSP."""
    return SessionReport(
        country_code=session.visited.country_code,
        party_id=session.visited.party_id,
        id=session.id,
        start=session.started_at or session.opened_at,
        end=session.ended_at,
        energy=session.energy,
        credential=credential_of(session),
        identification=IdentificationMethod(session.identification),
        authorization_reference=session.authorization_reference,
        site_id=session.site_id,
        evse_uid=session.evse_uid,
        connector_id=session.connector_id,
        currency=session.currency or "EUR",
        periods=session.periods,
        total_cost=_total(session),
        status=_REPORTED.get(session.state, ReportedStatus.COMPLETED),
        last_updated=last_updated,
    )


def price(amount: Amount) -> Price:
    """An amount as it is told to a partner."""
    return Price(before_taxes=amount.before_taxes, with_taxes=amount.with_taxes)


def _total(session: ServiceSession) -> Price | None:
    if session.cost is None:
        return None
    return Price(before_taxes=session.cost, with_taxes=session.cost_with_taxes)
