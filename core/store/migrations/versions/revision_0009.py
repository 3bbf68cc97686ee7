"""Verdicts on SDRs."""

from alembic import op
from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, PrimaryKeyConstraint, String, Table, Text

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

schema = MetaData()

Table(
    "sdr_verdict",
    schema,
    Column("country_code", String(2), nullable=False),
    Column("party_id", String(3), nullable=False),
    Column("id", String(39), nullable=False),
    Column("partner_id", String(36)),
    Column("version", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("last_updated", BigInteger, nullable=False),
    Column("steps", Text, nullable=False),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("country_code", "party_id", "id"),
    Index("ix_sdr_verdict_partner_id", "partner_id"),
    Index("ix_sdr_verdict_last_updated", "last_updated"),
)


def upgrade() -> None:
    """Make the new table."""
    schema.create_all(op.get_bind(), checkfirst=False)
