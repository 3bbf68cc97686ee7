"""Contract certificates of vehicles."""

from alembic import op
from sqlalchemy import BigInteger, Column, Index, MetaData, PrimaryKeyConstraint, String, Table, Text

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

schema = MetaData()

Table(
    "contract_certificate",
    schema,
    Column("country_code", String(2), nullable=False),
    Column("party_id", String(3), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("contract_id", String(255), nullable=False),
    Column("not_after", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    Column("kept_at", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("country_code", "party_id", "fingerprint"),
    Index("ix_contract_certificate_contract_id", "contract_id"),
)


def upgrade() -> None:
    """Make the new table."""
    schema.create_all(op.get_bind(), checkfirst=False)
