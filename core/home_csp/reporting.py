"""What the home-CSP reports to a clearing house (6.4.2): its record of each session that ended, and what it hears."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, Row, select

from core.catalogue.writing import connector_power_w
from core.endpoint.extensions import reconciliations, servicenotices
from core.endpoint.ports import Held
from core.endpoint.reporting import Marks, Reporting
from core.home_csp.context import Context
from core.home_csp.energy_transfer.record import keep, record_key
from core.model.clearing.records import Outage, SessionRecord
from core.model.clearing.terms import ClearingTerms
from core.model.clearing.verdict import SdrVerdict
from core.model.credentials import CredentialKind, CredentialReference
from core.model.notices import NoticeKind
from core.model.parties import ObjectKey, Party, PlatformRole
from core.model.reserving import record_start, was_unused
from core.model.sdr import Sdr
from core.model.sdr_verdicts import VerdictState, VerdictStep, judged
from core.model.session import OPEN, ServiceSession, SessionState
from core.model.session_report import SessionReport
from core.model.sites import Site
from core.store.identification_tables import authorisation
from core.store.sdr_verdicts import load_verdict
from core.store.service_tables import notice
from core.store.sessions import load
from core.store.tables import credential, sdr, service_session, site


class HomeWitness:
    """Implements the endpoint's `Witness` for the payer's side."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def record(self, connection: Connection, key: ObjectKey) -> SessionRecord | None:
        """A session that is over, or an authorisation of which no session has come."""
        kept = load(connection, self._context.party, key.id)
        if kept is None:
            return self._authorisation(connection, key.id)
        if kept.session.is_open:
            return None
        return self._session(connection, kept.session)

    def sdr(self, connection: Connection, key: ObjectKey) -> Held[Sdr] | None:
        """A payer sends none."""
        return None

    def all_of(self, connection: Connection, terms: ClearingTerms) -> Marks:
        """The sessions of this pair that are over."""
        columns, party = service_session.c, self._context.party
        ids = connection.scalars(
            select(columns.id).where(
                columns.country_code == party.country_code,
                columns.party_id == party.party_id,
                columns.visited_country_code == terms.creditor.country_code,
                columns.visited_party_id == terms.creditor.party_id,
                columns.state.not_in(OPEN),
            )
        )
        return [(reconciliations.RECORD, record_key(self._context, id)) for id in ids]

    def follow(self, connection: Connection, sdr: ObjectKey, step: VerdictStep) -> None:
        """Move the session as a verdict of our own does."""
        row = _sdr_row(connection, sdr)
        kept = load(connection, self._context.party, row.session_id or "") if row is not None else None
        if kept is not None and (session := judged(kept.session, step)) is not kept.session:
            keep(connection, self._context, session, kept.partner_id)

    def own_verdict(self, connection: Connection, verdict: SdrVerdict) -> VerdictState | None:
        """What we have told the operator of the same content."""
        key = ObjectKey(country_code=verdict.issuer.country_code, party_id=verdict.issuer.party_id, id=verdict.id)
        row, ours = _sdr_row(connection, key), load_verdict(connection, key)
        return ours.state if row is not None and ours and row.content_hash == verdict.content_hash else None

    def _session(self, connection: Connection, session: ServiceSession) -> SessionRecord:
        """Figures are those of the operator's last report: those of its SDR would witness nothing."""
        report = self._last_report(connection, session)
        begins = [report.start, *(one.start for one in report.periods)] if report else [record_start(session)]
        unused = was_unused(session) and session.cost is None
        start, end = min(begins), None if unused else (report.end if report else session.ended_at)
        place = self._site(connection, session)
        equipment = place.find_equipment(session.evse_uid) if place else None
        connectors = [one for one in equipment.connectors if one.id == session.connector_id] if equipment else []
        return SessionRecord(
            id=session.authorization_reference or session.id,
            visited=session.visited,
            home=self._context.party,
            session_id=session.visited_session_id,
            authorization_reference=session.authorization_reference,
            evse_id=session.evse_id or None,
            credential=self._credential(session.credential_uid, session.credential_kind, session.contract_id),
            started_at=start,
            ended_at=end,
            energy=report.energy if report else session.energy,
            cost=report.total_cost.before_taxes if report and report.total_cost else None,
            currency=session.currency,
            authorised=session.state not in {SessionState.REJECTED, SessionState.EXPIRED},
            revoked_at=_revoked_at(connection, session.credential_uid, session.credential_kind),
            max_power_kw=Decimal(connector_power_w(connectors[0])) / 1000 if connectors else None,
            tariffs=session.tariffs,
            time_zone=session.time_zone,
            outages=tuple(_outages(connection, session, start, end)),
        )

    def _authorisation(self, connection: Connection, reference: str) -> SessionRecord | None:
        columns, party = authorisation.c, self._context.party
        row = connection.execute(
            select(authorisation).where(
                columns.country_code == party.country_code,
                columns.party_id == party.party_id,
                columns.id == reference,
                columns.session_id.is_(None),
            )
        ).first()
        visited = None if row is None else self._visited(row.partner_id)
        if row is None or visited is None:
            return None
        return SessionRecord(
            id=reference,
            visited=visited,
            home=party,
            authorization_reference=reference,
            credential=self._credential(row.credential_uid, row.credential_kind, row.contract_id),
            started_at=row.given_at,
            energy=Decimal(0),
            revoked_at=_revoked_at(connection, row.credential_uid, row.credential_kind),
        )

    def _visited(self, partner_id: str) -> Party | None:
        """Who was granted it, where the partner speaks for one operator alone."""
        partner = next((one for one in self._context.visited_csos() if one.id == partner_id), None)
        roles = [one.party for one in partner.roles if one.role is PlatformRole.VISITED_CSO] if partner else []
        return roles[0] if len(roles) == 1 else None

    def _last_report(self, connection: Connection, session: ServiceSession) -> SessionReport | None:
        columns, party = service_session.c, self._context.party
        body = connection.execute(
            select(columns.partner_body).where(
                columns.country_code == party.country_code,
                columns.party_id == party.party_id,
                columns.id == session.id,
            )
        ).scalar()
        report = None if body is None else self._context.reader.session(body)
        return report if report is not None and report.end is not None else None

    def _site(self, connection: Connection, session: ServiceSession) -> Site | None:
        columns = site.c
        body = connection.execute(
            select(columns.body).where(
                columns.country_code == session.visited.country_code,
                columns.party_id == session.visited.party_id,
                columns.id == session.site_id,
            )
        ).scalar()
        return None if body is None else self._context.reader.site(body)

    def _credential(self, uid: str, kind: str, contract_id: str) -> CredentialReference:
        party = self._context.party
        return CredentialReference(
            country_code=party.country_code,
            party_id=party.party_id,
            uid=uid,
            kind=CredentialKind(kind),
            contract_id=contract_id,
        )


def reporting(context: Context) -> Reporting:
    """The home-CSP's part in reconciliation and settlement."""
    return Reporting(
        endpoint=context.endpoint,
        store=context.store,
        clock=context.clock,
        party=context.party,
        reader=context.reader,
        witness=HomeWitness(context),
    )


def _sdr_row(connection: Connection, key: ObjectKey) -> Row[str, str | None] | None:
    return connection.execute(
        select(sdr.c.content_hash, sdr.c.session_id).where(
            sdr.c.country_code == key.country_code, sdr.c.party_id == key.party_id, sdr.c.id == key.id
        )
    ).first()


def _revoked_at(connection: Connection, uid: str, kind: str) -> datetime | None:
    """Since when the credential is not valid any more; a change of it after that makes it later, never earlier."""
    columns = credential.c
    revoked: datetime | None = connection.execute(
        select(columns.last_updated).where(
            columns.partner_id.is_(None), columns.uid == uid, columns.kind == kind, columns.valid.is_(False)
        )
    ).scalar()
    return revoked


def _outages(
    connection: Connection, session: ServiceSession, start: datetime, end: datetime | None
) -> Iterator[Outage]:
    """What the operator had announced, and not ended, of the EVSE in the time of the session."""
    if end is None:
        return
    columns = notice.c
    bodies = connection.scalars(
        select(columns.body).where(
            columns.country_code == session.visited.country_code,
            columns.party_id == session.visited.party_id,
            columns.kind == NoticeKind.UNPLANNED_OUTAGE,
            columns.begins_at < end,
        )
    )
    for one in (servicenotices.NOTICE.read(body).value for body in bodies):
        begin, until = max(one.begin, start), min(one.expected_end or end, end)
        concerned = one.connector_id is None and one.concerns(session.visited, session.site_id, session.evse_uid)
        if concerned and begin < until:
            yield Outage(start=begin, end=until)
