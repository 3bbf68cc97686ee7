"""Tariffs of visited-CSOs as the home-CSP knows them: told by push (UC2-1), asked for by pull (UC2-2)."""

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, select

from core.endpoint.partner import Partner
from core.endpoint.ports import Held
from core.home_csp.context import Context
from core.model.parties import ObjectKey, Party
from core.model.tariffs import Tariff, TariffKind
from core.store.engine import upsert
from core.store.tables import tariff as table

_FOR_CONTRACTS = {None, TariffKind.REGULAR}


class TariffReceiver:
    """Keeps partners' tariffs."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def held(self, partner: Partner, key: ObjectKey) -> str | None:
        """The stored JSON text of a tariff of this partner."""
        with self._context.store.read() as connection:
            return connection.execute(select(table.c.body).where(*_is(partner, key))).scalar()

    async def put(self, partner: Partner, key: ObjectKey, held: Held[Tariff]) -> None:
        """A tariff, new or changed; open sessions keep the one of their start."""
        values = {
            **key.model_dump(),
            "partner_id": partner.id,
            "currency": held.value.currency,
            "last_updated": held.value.last_updated,
            "body": held.body,
        }

        def write(connection: Connection) -> None:
            upsert(connection, table, values, unless_older="last_updated")

        await self._context.store.write(write)

    async def remove(self, partner: Partner, key: ObjectKey) -> bool:
        """Withdraw a tariff."""

        def write(connection: Connection) -> bool:
            return connection.execute(delete(table).where(*_is(partner, key))).rowcount > 0

        return await self._context.store.write(write)


def tariffs_for(
    connection: Connection, context: Context, party: Party, ids: tuple[str, ...], at: datetime
) -> tuple[Tariff, ...]:
    """The tariff that holds for our drivers among those that a connector names: a regular one in force.

    Empty where none is known: then the price is not known, which is not "free".
    """
    rows = connection.execute(
        select(table.c.id, table.c.body).where(
            table.c.country_code == party.country_code, table.c.party_id == party.party_id, table.c.id.in_(ids)
        )
    )
    bodies = {row.id: row.body for row in rows}
    known = [context.reader.tariff(bodies[id]) for id in ids if id in bodies]
    fitting = [one for one in known if one.kind in _FOR_CONTRACTS and one.valid_at(at)]
    return tuple(fitting[:1])


def _is(partner: Partner, key: ObjectKey) -> tuple[ColumnElement[bool], ...]:
    return (
        table.c.country_code == key.country_code,
        table.c.party_id == key.party_id,
        table.c.id == key.id,
        table.c.partner_id == partner.id,
    )
