"""The end of a service session (UC3-5): the last word is said, the SDR is built and submitted (UC3-9)."""

import structlog
from sqlalchemy import Connection

from core.endpoint.ports import Held
from core.endpoint.stored import Kind, in_version
from core.errors import EvroamError, InvalidInput
from core.model.session import ServiceSession, SessionState, move
from core.store.engine import append_event
from core.visited_cso.context import Context
from core.visited_cso.energy_transfer.record import keep
from core.visited_cso.energy_transfer.sdr import keep_sdr, sdr_key, sdr_of
from core.visited_cso.sites import load_site

log = structlog.get_logger(__name__)


def complete(connection: Connection, context: Context, session: ServiceSession, partner_id: str | None) -> None:
    """Record the closed session and its SDR in one transaction, and mark both for the home-CSP.

    Where the EVSE is published no longer, the session stays without an SDR, for a person to look at.
    """
    session = keep(connection, context, session, partner_id)
    site = load_site(connection, context, session.site_id)
    try:
        sdr = sdr_of(session, site, context.clock.now())
    except EvroamError as error:
        log.error("session_without_sdr", session=session.id, code=error.code, reason=error.message)
        return
    held = Held(sdr, _as_sent(context, context.writer.sdr(sdr), partner_id))
    keep_sdr(connection, context, held, partner_id)
    session = move(session, SessionState.RECORDED, at=context.clock.now(), actor=str(context.party))
    keep(connection, context, session, partner_id)
    if partner_id is not None:
        context.outbox.mark(connection, [partner_id], "sdrs", sdr_key(context, sdr.id))
    append_event(
        connection,
        stream=f"sdr/{sdr.id}",
        kind="sdr",
        at=context.clock.now(),
        body={"id": sdr.id, "session": session.id},
    )


def _as_sent(context: Context, body: str, partner_id: str | None) -> str:
    """An SDR is evidence: we keep the very text that its home-CSP gets, so that both have the same hash."""
    version = None if partner_id is None else context.partners.get(partner_id).version
    try:
        return body if version is None else in_version(body, Kind.SDR, version)
    except InvalidInput as error:
        log.error("sdr_not_in_version", version=version, reason=error.message)
        return body
