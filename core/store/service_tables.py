"""Tables of notices, emergency unlocks (8.5), verdicts on SDRs (8.3.9) and contract certificates (8.3.3)."""

from sqlalchemy import Column, Index, Integer, String, Table, Text

from core.store.columns import Moment
from core.store.tables import metadata

notice = Table(
    "notice",
    metadata,
    Column("country_code", String(2), primary_key=True),
    Column("party_id", String(3), primary_key=True),
    Column("id", String(36), primary_key=True),
    Column("partner_id", String(36), index=True),
    Column("version", Integer, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("site_id", String(36)),
    Column("begins_at", Moment, nullable=False),
    Column("last_updated", Moment, nullable=False, index=True),
    Column("body", Text, nullable=False),
)

emergency_unlock = Table(
    "emergency_unlock",
    metadata,
    Column("country_code", String(2), primary_key=True),
    Column("party_id", String(3), primary_key=True),
    Column("id", String(36), primary_key=True),
    Column("partner_id", String(36)),
    Column("contract_id", String(255)),
    Column("session_id", String(36), index=True),
    Column("state", String(16), nullable=False),
    Column("requested_at", Moment, nullable=False),
    Column("last_updated", Moment, nullable=False),
    Column("body", Text, nullable=False),
)
Index("emergency_unlock_contract", emergency_unlock.c.contract_id, emergency_unlock.c.requested_at)

sdr_verdict = Table(
    "sdr_verdict",
    metadata,
    Column("country_code", String(2), primary_key=True),
    Column("party_id", String(3), primary_key=True),
    Column("id", String(39), primary_key=True),
    Column("partner_id", String(36)),
    Column("version", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("last_updated", Moment, nullable=False),
    Column("steps", Text, nullable=False),
    Column("body", Text, nullable=False),
)
Index(
    "sdr_verdict_listed",
    sdr_verdict.c.partner_id,
    sdr_verdict.c.last_updated,
    sdr_verdict.c.country_code,
    sdr_verdict.c.party_id,
    sdr_verdict.c.id,
)

contract_certificate = Table(
    "contract_certificate",
    metadata,
    Column("country_code", String(2), primary_key=True),
    Column("party_id", String(3), primary_key=True),
    Column("fingerprint", String(64), primary_key=True),
    Column("contract_id", String(255), nullable=False, index=True),
    Column("not_after", Moment, nullable=False),
    Column("revoked_at", Moment),
    Column("kept_at", Moment, nullable=False),
    Column("body", Text, nullable=False),
)
