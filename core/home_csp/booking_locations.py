"""What can be booked at visited-CSOs, and when it is free (UC3-8): kept as they tell it, and asked before an offer."""

from datetime import datetime

from sqlalchemy import Connection, func, select

from core.endpoint.extensions.bookinglocations import LOCATION, pull_locations
from core.endpoint.partner import Partner
from core.endpoint.ports import Held
from core.home_csp.context import Context
from core.model.booking_calendars import BookingLocation
from core.model.parties import ObjectKey, Party
from core.store.booking_tables import body_of
from core.store.booking_tables import booking_location as table
from core.store.upsert import upsert


class LocationReceiver:
    """Implements the endpoint's receiver of what can be booked."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def held(self, partner: Partner, key: ObjectKey) -> str | None:
        """The text as this partner last told it."""
        with self._context.store.read() as connection:
            found = body_of(connection, table, key)
        return found[0] if found is not None and found[1] == partner.id else None

    async def put(self, partner: Partner, key: ObjectKey, held: Held[BookingLocation]) -> None:
        """Keep what is told; older than what is stored changes nothing."""
        told = held.value
        row = {"partner_id": partner.id, "site_id": told.site_id, "last_updated": told.last_updated, "body": held.body}
        values = {**key.party.model_dump(), "id": key.id, **row}
        await self._context.store.write(
            lambda connection: upsert(connection, table, values, unless_older="last_updated")
        )

    async def repair(self, partner: Partner) -> None:
        """Ask for what was missed."""
        with self._context.store.read() as connection:
            since: datetime | None = connection.execute(
                select(func.max(table.c.last_updated)).where(table.c.partner_id == partner.id)
            ).scalar()
        async for held in pull_locations(self._context.calls, partner, since):
            await self.put(partner, held.value.key, held)


def location_at(connection: Connection, visited: Party, site_id: str, evse_uid: str) -> BookingLocation | None:
    """What stands for an EVSE in bookings, None where its operator published nothing for it."""
    query = select(table.c.body).where(
        table.c.country_code == visited.country_code,
        table.c.party_id == visited.party_id,
        table.c.site_id == site_id,
    )
    told = (LOCATION.read(body).value for body in connection.execute(query).scalars())
    return next((one for one in told if one.evse_uid == evse_uid), None)
