"""The state of simulated sites in the store of the platform that they belong to."""

from sqlalchemy import Connection, select

from core.store.engine import Store, upsert
from core.store.tables import equipment_state as table


class KeptState:
    """Implements the simulation's StateStore."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def load(self, key: str) -> str | None:
        """The text saved last, None if none was."""
        with self._store.read() as connection:
            return connection.execute(select(table.c.body).where(table.c.key == key)).scalar()

    async def save(self, key: str, json: str) -> None:
        """Keep the text in place of the one before."""

        def write(connection: Connection) -> None:
            upsert(connection, table, {"key": key, "body": json}, unless_older=None)

        await self._store.write(write)
