"""What stations were shown, what home-CSPs have granted, and until when a contract holds."""

from alembic import op
from sqlalchemy import BigInteger, Column, Index, MetaData, PrimaryKeyConstraint, String, Table, Text

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

schema = MetaData()

Table(
    "local_identification",
    schema,
    Column("country_code", String(2), nullable=False),
    Column("party_id", String(3), nullable=False),
    Column("id", String(36), nullable=False),
    Column("evse_uid", String(36), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("outcome", String(32), nullable=False),
    Column("partner_id", String(36)),
    Column("session_id", String(36)),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("country_code", "party_id", "id"),
    Index("local_identification_evse", "evse_uid", "at"),
)

Table(
    "authorisation",
    schema,
    Column("country_code", String(2), nullable=False),
    Column("party_id", String(3), nullable=False),
    Column("id", String(36), nullable=False),
    Column("partner_id", String(36), nullable=False),
    Column("contract_id", String(255), nullable=False),
    Column("credential_uid", String(36), nullable=False),
    Column("credential_kind", String(16), nullable=False),
    Column("given_at", BigInteger, nullable=False),
    Column("session_id", String(36)),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("country_code", "party_id", "id"),
    Index("authorisation_credential", "partner_id", "credential_uid", "given_at"),
)


def upgrade() -> None:
    """Make the new tables and the new column."""
    schema.create_all(op.get_bind(), checkfirst=False)
    op.add_column("contract", Column("valid_until", BigInteger))
