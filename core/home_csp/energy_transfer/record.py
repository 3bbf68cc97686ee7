"""The home-CSP's record of a session: every change saved and told to front ends in one transaction."""

from sqlalchemy import Connection

from core.endpoint.extensions import reconciliations
from core.endpoint.reporting import mark_for_houses
from core.home_csp.context import Context
from core.model.parties import ObjectKey
from core.model.session import ServiceSession
from core.store.engine import append_event
from core.store.sessions import save


def stream_of(contract_id: str) -> str:
    """The stream of a driver's live events; contracts are told apart, never listed."""
    return f"contract/{contract_id}"


def keep(
    connection: Connection,
    context: Context,
    session: ServiceSession,
    partner_id: str | None,
    *,
    wire: str | None = None,
) -> ServiceSession:
    """Save the session, append an event to its driver's stream, and mark one that is over for clearing houses."""
    now = context.clock.now()
    save(connection, context.party, session, partner_id=partner_id, at=now, wire=wire)
    append_event(
        connection, stream=stream_of(session.contract_id), kind="session", at=now, body={"session": session.id}
    )
    if not session.is_open:
        mark_record(connection, context, session.id)
    return session


def mark_record(connection: Connection, context: Context, id: str) -> None:
    """Clearing houses must have our record of a session, or of the authorisation of this reference, as it is now."""
    mark_for_houses(connection, context.endpoint, reconciliations.RECORD, record_key(context, id))


def record_key(context: Context, id: str) -> ObjectKey:
    """The key of our record of a session or an authorisation."""
    return ObjectKey(country_code=context.party.country_code, party_id=context.party.party_id, id=id)
