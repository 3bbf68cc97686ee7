"""A card that a START_SESSION named a short while ago: its home-CSP has spoken, and is not asked again (UC3-1)."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from core.endpoint.ports import CommandKind
from core.model.credentials import CredentialKind, IdentificationMethod
from core.model.session import ServiceSession
from core.store import tables
from core.store.sessions import load
from core.visited_cso.context import Context
from core.visited_cso.energy_transfer.payer import credential_of
from core.visited_cso.grant import Grant, Presented

COMMANDED_WITHIN = timedelta(minutes=15)
"""So long after a START_SESSION with a card the home-CSP is not asked about that card at that EVSE (OCPI, commands)."""


def commanded_grant(
    connection: Connection, context: Context, evse_uid: str, presented: Presented, at: datetime
) -> Grant | None:
    """The grant of a START_SESSION with this card at this EVSE a short while ago, which nobody is asked about again."""
    if presented.kind is not CredentialKind.RFID:
        return None
    sent, session = tables.command.c, tables.service_session.c
    query = (
        select(session.id)
        .join(tables.command, sent.session_id == session.id)
        .where(
            session.country_code == context.party.country_code,
            session.party_id == context.party.party_id,
            session.evse_uid == evse_uid,
            sent.kind == CommandKind.START_SESSION,
            sent.created_at > at - COMMANDED_WITHIN,
        )
        .order_by(sent.created_at.desc())
    )
    for id in connection.execute(query).scalars().all():
        kept = load(connection, context.party, id)
        if kept is not None and kept.partner_id is not None and _is_of(kept.session, presented):
            commanded = kept.session
            return Grant(
                kept.partner_id,
                credential_of(commanded),
                presented.means,
                IdentificationMethod.COMMAND,
                commanded.credential_group,
                commanded.authorization_reference,
            )
    return None


def _is_of(session: ServiceSession, presented: Presented) -> bool:
    return presented.is_of(session.credential_uid, session.credential_kind)
