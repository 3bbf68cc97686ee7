"""Versions of agreements."""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, MetaData, PrimaryKeyConstraint, String, Table, Text

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

schema = MetaData()

Table(
    "agreement_version",
    schema,
    Column("partner_id", String(36), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("agreement_id", String(36), nullable=False),
    Column("version", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("document", Text, nullable=False),
    Column("our_signature", Text),
    Column("their_signature", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("in_force_at", BigInteger),
    Column("ends_at", BigInteger),
    Column("ended_by", String(8)),
    Column("end_signature", Text),
    Column("remark", Text),
    PrimaryKeyConstraint("partner_id", "hash"),
)


def upgrade() -> None:
    """Make the new table."""
    schema.create_all(op.get_bind(), checkfirst=False)
