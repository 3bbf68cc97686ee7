"""Sessions that began at the station (UC3-1): the home-CSP hears of them by their first report, and makes them its own.

There is no quote. The operator's tariff and our price list are frozen as they stand when the session becomes known, and
are what the SDR is held to and the driver pays.
"""

from datetime import datetime
from uuid import uuid4

import structlog
from sqlalchemy import Connection, select

from core.endpoint.partner import Partner
from core.errors import EvroamError, InvalidInput, Refused
from core.home_csp.authorising import OwnCredential, own_credential, use_grant
from core.home_csp.context import Context
from core.home_csp.opened import OpenedConnector, open_connector
from core.model.credentials import IdentificationMethod, WhitelistPolicy
from core.model.identifiers import ContractId
from core.model.parties import ObjectKey, Party
from core.model.session import ServiceSession, SessionState, change, opened
from core.model.session_report import ReportedStatus, SessionReport
from core.store import tables
from core.store.sessions import load_by_reference

log = structlog.get_logger(__name__)


def started_locally(
    connection: Connection, context: Context, partner: Partner, report: SessionReport
) -> ServiceSession:
    """The session that a first report opens. Raises Refused where the credential is not ours or nobody allowed it."""
    found = _credential(connection, context, report)
    session_id, now = str(uuid4()), context.clock.now()
    if not _is_allowed(connection, context, partner, found, report, session_id):
        log.error("session_not_allowed", partner=partner.id, session=report.id, method=report.identification)
        raise Refused("we have allowed no such session", code="not_authorised")
    visited = Party.of(report.country_code, report.party_id)
    state = SessionState.AUTHORISING if report.status is not ReportedStatus.INVALID else SessionState.AUTHORISED
    session = ServiceSession(
        id=session_id,
        home=context.party,
        visited=visited,
        visited_session_id=report.id,
        authorization_reference=report.authorization_reference,
        contract_id=found.contract_key,
        credential_uid=found.credential.uid,
        credential_kind=found.credential.kind,
        credential_group=found.credential.group_id,
        identification=report.identification,
        credential_revoked_at=_revoked_at(found, report),
        site_id=report.site_id,
        evse_uid=report.evse_uid or "",
        connector_id=report.connector_id or "",
        time_zone=_time_zone(connection, visited, report.site_id),
        state=state,
        opened_at=min(report.start, now),
        currency=report.currency,
    )
    return at_connector(connection, context, opened(session, actor=str(visited)), report)


def at_connector(
    connection: Connection, context: Context, session: ServiceSession, report: SessionReport
) -> ServiceSession:
    """The session at the connector of the report, with its tariff, as long as no energy has been reported.

    Who stands at the station may plug into another connector than the operator first named.
    """
    named = report.connector_id or ""
    if session.quote_id is not None or session.energy or (session.tariffs and session.connector_id == named):
        return session
    place = place_of(connection, context, session, named)
    if place is None:
        return session
    return change(
        session,
        connector_id=named,
        evse_id=place.equipment.evse_id or "",
        tariffs=place.tariffs,
        pricing=place.options,
        price_list=context.price_list(place.tariffs[0].currency) if place.tariffs else None,
        time_zone=place.site.time_zone,
    )


def place_of(
    connection: Connection, context: Context, session: ServiceSession, connector_id: str = ""
) -> OpenedConnector | None:
    """The site and connector of a session as they are known now; None where its operator told us of no such place."""
    visited = session.visited
    key = ObjectKey(country_code=visited.country_code, party_id=visited.party_id, id=session.site_id)
    try:
        return open_connector(
            connection, context, key, session.evse_uid, connector_id or session.connector_id, session.contract_id
        )
    except EvroamError:
        return None


def _credential(connection: Connection, context: Context, report: SessionReport) -> OwnCredential:
    told = report.credential
    if told.party != context.party:
        raise Refused("the credential is not one of ours", code="unknown_credential")
    found = own_credential(connection, context, told.uid, told.kind)
    if found is None:
        raise Refused("the credential is not one of ours", code="unknown_credential")
    try:
        contract = ContractId.parse(told.contract_id)
    except InvalidInput as error:
        raise Refused("the contract id cannot be read", code="unknown_credential") from error
    if contract.key != found.contract_key:
        raise Refused("the credential is of another contract", code="unknown_credential")
    return found


def _is_allowed(
    connection: Connection,
    context: Context,
    partner: Partner,
    found: OwnCredential,
    report: SessionReport,
    session_id: str,
) -> bool:
    reference = report.authorization_reference
    if reference is not None:
        ours = load_by_reference(connection, context.party, reference)
        if ours is not None and ours.partner_id == partner.id:
            # A start of ours that came to nothing: the card is good for it for a while without being asked about.
            return ours.session.contract_id == found.contract_key and not ours.session.is_open
        return use_grant(connection, context, partner, found.credential, reference, session_id)
    if report.identification is IdentificationMethod.WHITELIST:
        return found.credential.whitelist is not WhitelistPolicy.NEVER
    return use_grant(connection, context, partner, found.credential, None, session_id)


def _revoked_at(found: OwnCredential, report: SessionReport) -> datetime | None:
    """When the credential had been revoked, if it was before a start that we were not asked about.

    The session is taken and shown to its driver; its SDR is held, for who bears it is for a person to say (D07).
    """
    revoked_at = found.credential.last_updated
    asked = report.identification is IdentificationMethod.AUTH_REQUEST
    if found.credential.valid or asked or report.start < revoked_at:
        return None
    log.error("revoked_credential_charged", session=report.id, revoked_at=revoked_at.isoformat())
    return revoked_at


def _time_zone(connection: Connection, visited: Party, site_id: str) -> str:
    """That of the site, by which its tariffs and the receipt tell the time; UTC for a site that we do not know."""
    table = tables.site.c
    found = connection.execute(
        select(table.time_zone).where(
            table.country_code == visited.country_code, table.party_id == visited.party_id, table.id == site_id
        )
    ).scalar()
    return found or "UTC"
