"""Insert or replace, the same on both databases, never letting an older object overwrite a newer one."""

from collections.abc import Mapping
from functools import lru_cache

from sqlalchemy import Connection, Table, literal
from sqlalchemy.dialects import postgresql, sqlite

from core.store.prepared import Prepared


def upsert(
    connection: Connection, table: Table, values: Mapping[str, object], *, unless_older: str | None = None
) -> bool:
    """Insert the row, or change the columns given where its primary key stands; True if something was written.

    unless_older: the column that tells the age (as a rule last_updated); a row that is older than the stored one is
    left out, one of the same age is written again. None: always written.
    """
    statement = _statement(table, tuple(values), unless_older, connection.dialect.name)
    return statement.first(connection, values) is not None


@lru_cache(maxsize=512)
def _statement(table: Table, names: tuple[str, ...], unless_older: str | None, dialect: str) -> Prepared:
    keys = [column.name for column in table.primary_key]
    insert = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(table)
    changes = {name: insert.excluded[name] for name in names if name not in keys}
    if not changes:
        statement = insert.on_conflict_do_nothing(index_elements=keys)
    elif unless_older is None:
        statement = insert.on_conflict_do_update(index_elements=keys, set_=changes)
    else:
        fresh = table.c[unless_older] <= insert.excluded[unless_older]
        statement = insert.on_conflict_do_update(index_elements=keys, set_=changes, where=fresh)
    return Prepared(statement.returning(literal(1)))
