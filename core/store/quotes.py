"""Quotes at rest, a home-CSP's or a visited-CSO's: how long one that nobody took is kept."""

from datetime import timedelta

from sqlalchemy import Connection, delete, select

from core.clock import Clock
from core.model.parties import Party
from core.store.engine import Store
from core.store.tables import quote, service_session

KEPT_EXPIRED = timedelta(days=1)
"""How long a quote that nobody took can still be told from one that never was [J]."""
PRUNE_EVERY = timedelta(hours=1)


async def prune_quotes(store: Store, keeper: Party, clock: Clock) -> int:
    """Forget the quotes that expired unused and to which no session refers; how many they were."""

    def write(connection: Connection) -> int:
        named = select(service_session.c.quote_id).where(service_session.c.quote_id.is_not(None))
        unused = delete(quote).where(
            quote.c.country_code == keeper.country_code,
            quote.c.party_id == keeper.party_id,
            quote.c.valid_until < clock.now() - KEPT_EXPIRED,
            quote.c.consented_at.is_(None),
            quote.c.id.not_in(named),
        )
        return connection.execute(unused).rowcount

    return await store.write(write)
