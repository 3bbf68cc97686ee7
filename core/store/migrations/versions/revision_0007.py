"""Charge plans."""

from alembic import op
from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, PrimaryKeyConstraint, String, Table, Text

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

schema = MetaData()

Table(
    "charge_plan",
    schema,
    Column("country_code", String(2), nullable=False),
    Column("party_id", String(3), nullable=False),
    Column("id", String(36), nullable=False),
    Column("version", Integer, nullable=False),
    Column("session_id", String(36), nullable=False),
    Column("partner_id", String(36), nullable=False),
    Column("state", String(16), nullable=False),
    Column("last_updated", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("country_code", "party_id", "id", "version"),
    Index("charge_plan_session", "session_id", "last_updated"),
)


def upgrade() -> None:
    """Make the new table."""
    schema.create_all(op.get_bind(), checkfirst=False)
