"""What visited-CSOs report of sessions, applied to the one state machine (UC3-5, UC3-6)."""

from collections.abc import Callable
from datetime import timedelta

import structlog
from sqlalchemy import Connection, select

from core.endpoint.partner import Partner
from core.endpoint.ports import Held
from core.errors import Refused
from core.home_csp.context import Context
from core.home_csp.energy_transfer.local_sessions import at_connector, started_locally
from core.home_csp.energy_transfer.record import keep
from core.home_csp.energy_transfer.stop import Stopper
from core.model.parties import ObjectKey, Party
from core.model.session import ENERGY_DECREASED, STARTING, ServiceSession, SessionRule
from core.model.session_progress import with_report
from core.model.session_report import SessionReport
from core.store import tables
from core.store.alarms import raise_alarm
from core.store.sessions import KeptSession, load_by_reference, load_by_visited_id, load_open_at

log = structlog.get_logger(__name__)

Adopt = Callable[[Connection, Partner, ServiceSession], ServiceSession]
"""Judges what came before a session did; the session as that leaves it."""

_WINDOW = timedelta(minutes=5)


class SessionReceiver:
    """Implements the endpoint's receiver of session reports."""

    def __init__(self, context: Context, stopper: Stopper, adopt: Adopt) -> None:
        self._context = context
        self._stopper = stopper
        self._adopt = adopt

    async def held(self, partner: Partner, key: ObjectKey) -> str | None:
        """The report as this partner last sent it."""
        table = tables.service_session
        query = select(table.c.partner_body).where(
            table.c.visited_country_code == key.country_code,
            table.c.visited_party_id == key.party_id,
            table.c.visited_session_id == key.id,
            table.c.partner_id == partner.id,
        )
        with self._context.store.read() as connection:
            return connection.execute(query).scalar()

    async def put(self, partner: Partner, key: ObjectKey, held: Held[SessionReport]) -> None:
        """Apply a report. Raises Refused where it cannot be ours, or two sessions could be meant."""
        await self.applied(partner, held)

    async def applied(self, partner: Partner, held: Held[SessionReport]) -> ServiceSession:
        """The session after a report. Raises as `put`."""
        session = await self._context.store.write(lambda connection: self._apply(connection, partner, held))
        await self._stopper.stop_if_due(session)
        return session

    def _apply(self, connection: Connection, partner: Partner, held: Held[SessionReport]) -> ServiceSession:
        context, report = self._context, held.value
        kept = matched(connection, context, partner, report)
        if kept is None:
            before = started_locally(connection, context, partner, report)
        else:
            before = at_connector(connection, context, kept.session, report)
        try:
            after = with_report(before, report, now=context.clock.now())
        except SessionRule as broken:
            if broken.code == ENERGY_DECREASED:
                told = {
                    "session": before.id,
                    "partner": partner.id,
                    "kwh": str(report.energy),
                    "held": str(before.energy),
                }
                raise_alarm(connection, broken.code, at=context.clock.now(), **told)
            else:
                log.warning("report_without_effect", partner=partner.id, session=before.id, reason=broken.message)
            return before
        if kept is not None and after is kept.session:
            return after
        after = keep(connection, context, after, partner.id, wire=held.body)
        if before.visited_session_id is None or kept is None:
            after = self._adopt(connection, partner, after)
        return after


def matched(connection: Connection, context: Context, partner: Partner, report: SessionReport) -> KeptSession | None:
    """Our session that a report speaks of: by its id, by our reference, else by credential, EVSE and time.

    Raises Refused where it belongs to another partner or two sessions fit.
    """
    owner = ObjectKey(country_code=report.country_code, party_id=report.party_id, id=report.id).party
    kept = load_by_visited_id(connection, owner, report.id)
    if kept is None and report.authorization_reference:
        kept = load_by_reference(connection, context.party, report.authorization_reference)
        if kept is not None and not kept.session.is_open and kept.session.visited_session_id not in {None, report.id}:
            return None  # a second session on the same word of ours, once the first is over
    if kept is None:
        kept = _by_circumstances(connection, context, report, owner)
    if kept is not None and kept.partner_id != partner.id:
        raise Refused(f"session {report.id} is not yours to report", code="foreign_session")
    return kept


def _by_circumstances(
    connection: Connection, context: Context, report: SessionReport, owner: Party
) -> KeptSession | None:
    if report.evse_uid is None:
        return None
    fitting = [
        one
        for one in load_open_at(connection, context.party, report.evse_uid, owner)
        if one.session.state in STARTING
        and one.session.visited_session_id is None
        and one.session.credential_uid.casefold() == report.credential.uid.casefold()
        and abs(one.session.opened_at - report.start) <= _WINDOW
    ]
    if len(fitting) > 1:
        log.error("ambiguous_report", session=report.id, candidates=[one.session.id for one in fitting])
        raise Refused(f"session {report.id} could be two sessions of ours", code="ambiguous")
    return fitting[0] if fitting else None
