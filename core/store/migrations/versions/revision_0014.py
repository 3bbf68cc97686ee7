"""Bookings and what can be booked."""

from alembic import op
from sqlalchemy import BigInteger, Column, Index, MetaData, PrimaryKeyConstraint, String, Table, Text

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

schema = MetaData()

Table(
    "booking",
    schema,
    Column("country_code", String(2), nullable=False),
    Column("party_id", String(3), nullable=False),
    Column("id", String(36), nullable=False),
    Column("partner_id", String(36), nullable=False),
    Column("last_updated", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("country_code", "party_id", "id"),
    Index("booking_listed", "partner_id", "last_updated", "id"),
)

Table(
    "booking_location",
    schema,
    Column("country_code", String(2), nullable=False),
    Column("party_id", String(3), nullable=False),
    Column("id", String(36), nullable=False),
    Column("partner_id", String(36)),
    Column("site_id", String(36), nullable=False),
    Column("last_updated", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("country_code", "party_id", "id"),
    Index("booking_location_site", "site_id"),
    Index("booking_location_listed", "partner_id", "last_updated", "id"),
)


def upgrade() -> None:
    """Make the new tables."""
    schema.create_all(op.get_bind(), checkfirst=False)
