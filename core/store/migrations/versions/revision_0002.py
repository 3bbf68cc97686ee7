"""Notices of outages and emergency unlocks."""

from alembic import op
from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, PrimaryKeyConstraint, String, Table, Text

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

schema = MetaData()

Table(
    "notice",
    schema,
    Column("country_code", String(2), nullable=False),
    Column("party_id", String(3), nullable=False),
    Column("id", String(36), nullable=False),
    Column("partner_id", String(36)),
    Column("version", Integer, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("site_id", String(36)),
    Column("begins_at", BigInteger, nullable=False),
    Column("last_updated", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("country_code", "party_id", "id"),
    Index("ix_notice_partner_id", "partner_id"),
    Index("ix_notice_last_updated", "last_updated"),
)

Table(
    "emergency_unlock",
    schema,
    Column("country_code", String(2), nullable=False),
    Column("party_id", String(3), nullable=False),
    Column("id", String(36), nullable=False),
    Column("partner_id", String(36)),
    Column("contract_id", String(255)),
    Column("session_id", String(36)),
    Column("state", String(16), nullable=False),
    Column("requested_at", BigInteger, nullable=False),
    Column("last_updated", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("country_code", "party_id", "id"),
    Index("ix_emergency_unlock_session_id", "session_id"),
    Index("emergency_unlock_contract", "contract_id", "requested_at"),
)


def upgrade() -> None:
    """Make the new tables."""
    schema.create_all(op.get_bind(), checkfirst=False)
