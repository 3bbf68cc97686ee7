"""Bookings and what can be booked (UC3-8) as they stand on the wire, the same at the visited-CSO and the home-CSP."""

from sqlalchemy import Column, Connection, Index, String, Table, Text, select

from core.model.parties import ObjectKey
from core.store.columns import Moment
from core.store.tables import metadata

booking = Table(
    "booking",
    metadata,
    Column("country_code", String(2), primary_key=True),
    Column("party_id", String(3), primary_key=True),
    Column("id", String(36), primary_key=True),
    Column("partner_id", String(36), nullable=False),
    Column("last_updated", Moment, nullable=False),
    Column("body", Text, nullable=False),
)
Index("booking_listed", booking.c.partner_id, booking.c.last_updated, booking.c.id)

booking_location = Table(
    "booking_location",
    metadata,
    Column("country_code", String(2), primary_key=True),
    Column("party_id", String(3), primary_key=True),
    Column("id", String(36), primary_key=True),
    Column("partner_id", String(36)),
    Column("site_id", String(36), nullable=False),
    Column("last_updated", Moment, nullable=False),
    Column("body", Text, nullable=False),
)
Index("booking_location_site", booking_location.c.site_id)
Index("booking_location_listed", booking_location.c.partner_id, booking_location.c.last_updated, booking_location.c.id)


def body_of(connection: Connection, table: Table, key: ObjectKey) -> tuple[str, str | None] | None:
    """The text of one of either table and whose it is; None where it is not there."""
    row = connection.execute(
        select(table.c.body, table.c.partner_id).where(
            table.c.country_code == key.country_code, table.c.party_id == key.party_id, table.c.id == key.id
        )
    ).first()
    return None if row is None else (row.body, row.partner_id)
