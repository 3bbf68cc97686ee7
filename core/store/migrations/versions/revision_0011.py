"""What members of a clearing house have heard from it."""

from alembic import op
from sqlalchemy import BigInteger, Column, Index, MetaData, PrimaryKeyConstraint, String, Table, Text

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

schema = MetaData()

Table(
    "heard_terms",
    schema,
    Column("partner_id", String(36), nullable=False),
    Column("country_code", String(2), nullable=False),
    Column("party_id", String(3), nullable=False),
    Column("debtor_country_code", String(2), nullable=False),
    Column("debtor_party_id", String(3), nullable=False),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("partner_id", "country_code", "party_id", "debtor_country_code", "debtor_party_id"),
)

Table(
    "heard_verdict",
    schema,
    Column("country_code", String(2), nullable=False),
    Column("party_id", String(3), nullable=False),
    Column("id", String(39), nullable=False),
    Column("partner_id", String(36), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("outcome_at", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("country_code", "party_id", "id"),
    Index("heard_verdict_outcome", "partner_id", "outcome"),
)

Table(
    "heard_statement",
    schema,
    Column("country_code", String(2), nullable=False),
    Column("party_id", String(3), nullable=False),
    Column("id", String(64), nullable=False),
    Column("partner_id", String(36), nullable=False),
    Column("state", String(16), nullable=False),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("country_code", "party_id", "id"),
)


def upgrade() -> None:
    """Make the new tables."""
    schema.create_all(op.get_bind(), checkfirst=False)
