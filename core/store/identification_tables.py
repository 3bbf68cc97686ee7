"""Tables of identification (8.4): what stations were shown and what came of it, and what home-CSPs have granted."""

from sqlalchemy import Column, Index, String, Table, Text

from core.store.columns import Moment
from core.store.tables import metadata

local_identification = Table(
    "local_identification",
    metadata,
    Column("country_code", String(2), primary_key=True),
    Column("party_id", String(3), primary_key=True),
    Column("id", String(36), primary_key=True),
    Column("evse_uid", String(36), nullable=False),
    Column("at", Moment, nullable=False),
    Column("outcome", String(32), nullable=False),
    Column("partner_id", String(36)),
    Column("session_id", String(36)),
    Column("body", Text, nullable=False),
)
Index("local_identification_evse", local_identification.c.evse_uid, local_identification.c.at)

authorisation = Table(
    "authorisation",
    metadata,
    Column("country_code", String(2), primary_key=True),
    Column("party_id", String(3), primary_key=True),
    Column("id", String(36), primary_key=True),
    Column("partner_id", String(36), nullable=False),
    Column("contract_id", String(255), nullable=False),
    Column("credential_uid", String(36), nullable=False),
    Column("credential_kind", String(16), nullable=False),
    Column("given_at", Moment, nullable=False),
    Column("session_id", String(36)),
    Column("body", Text, nullable=False),
)
Index("authorisation_credential", authorisation.c.partner_id, authorisation.c.credential_uid, authorisation.c.given_at)
