"""The visited-CSO's own tariffs: published (UC2-1), listed for home-CSPs (UC2-2), frozen into sessions."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, Select, select

from core.endpoint.exchange import Page, PageRequest
from core.endpoint.listing import ScopedListing
from core.endpoint.modules.objects import key_of
from core.endpoint.partner import Partner
from core.model.agreement_terms import ids_within
from core.model.parties import ObjectKey
from core.model.tariffs import Tariff, TariffKind
from core.store.engine import upsert
from core.store.tables import tariff as table
from core.visited_cso.context import Context

_FOR_CONTRACTS = {None, TariffKind.REGULAR}


async def publish(context: Context, tariffs: Iterable[Tariff]) -> None:
    """Put tariffs into the store, as new or changed, and mark them for every home-CSP."""

    def write(connection: Connection) -> None:
        for tariff in tariffs:
            _keep(connection, context, tariff)

    await context.store.write(write)


def load_tariffs(connection: Connection, context: Context, ids: tuple[str, ...], at: datetime) -> tuple[Tariff, ...]:
    """Our tariffs with these ids that are in force, in the order of the ids."""
    rows = connection.execute(_own(context).add_columns(table.c.id).where(table.c.id.in_(ids)))
    found = {row.id: context.reader.tariff(row.body) for row in rows}
    return tuple(found[id] for id in ids if id in found and found[id].valid_at(at))


def contract_tariff(connection: Connection, context: Context, ids: tuple[str, ...], at: datetime) -> tuple[Tariff, ...]:
    """The tariff of ours that holds for drivers with a contract: the first regular one in force; empty without one."""
    fitting = (one for one in load_tariffs(connection, context, ids, at) if one.kind in _FOR_CONTRACTS)
    return tuple(fitting)[:1]


def is_agreed(partner: Partner, tariff: Tariff) -> bool:
    """Whether the agreement with a partner covers a tariff of ours and its currency."""
    return partner.agreement.has_tariff(key_of(tariff)) and partner.agreement.has_currency(tariff.currency)


def _keep(connection: Connection, context: Context, tariff: Tariff) -> None:
    key = ObjectKey(country_code=tariff.country_code, party_id=tariff.party_id, id=tariff.id)
    values = {
        **key.model_dump(),
        "partner_id": None,
        "currency": tariff.currency,
        "last_updated": tariff.last_updated,
        "body": context.writer.tariff(tariff),
    }
    upsert(connection, table, values, unless_older="last_updated")
    context.outbox.mark(connection, [one.id for one in context.home_csps()], "tariffs", key)


def _own(context: Context) -> Select[str]:
    return select(table.c.body).where(
        table.c.country_code == context.party.country_code, table.c.party_id == context.party.party_id
    )


class TariffSource:
    """Lists our tariffs for home-CSPs (UC2-2): those that the agreement covers."""

    def __init__(self, context: Context) -> None:
        self._context = context
        scopes = {"ids": table.c.id, "currencies": table.c.currency}
        self._listing = ScopedListing(_own(context), table.c.last_updated, (table.c.id,), scopes)

    async def page(self, partner: Partner, request: PageRequest) -> Page:
        """Our tariffs in order of last_updated."""
        agreement = partner.agreement
        ids = ids_within(agreement.tariffs, self._context.party)
        with self._context.store.read() as connection:
            return self._listing.page(connection, request, ids=ids, currencies=agreement.currencies or None)

    async def one(self, partner: Partner, id: str) -> str | None:
        """One tariff."""
        with self._context.store.read() as connection:
            body = connection.execute(_own(self._context).where(table.c.id == id)).scalar()
        return body if body is not None and is_agreed(partner, self._context.reader.tariff(body)) else None
