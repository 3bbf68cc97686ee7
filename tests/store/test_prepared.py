"""Prepared statements give what SQLAlchemy gives, and fail as it fails, on both databases."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from core.store.engine import Store
from core.store.prepared import Prepared
from core.store.tables import site
from core.store.wire_text import WireText

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ROW = {
    "country_code": "DE",
    "party_id": "ABC",
    "id": "1",
    "partner_id": None,
    "source": "own",
    "published": True,
    "name": "Planken",
    "address": "Planken 7",
    "city": "Mannheim",
    "postal_code": "",
    "country": "DEU",
    "operator": "ABC",
    "time_zone": "Europe/Berlin",
    "latitude": Decimal("49.4874590"),
    "longitude": Decimal("8.4660390"),
    "cell": 7,
    "removed": False,
    "last_updated": NOON,
    "body": WireText("{}", "2.2.1"),
}
INSERT = Prepared(insert(site))
RENAME = Prepared(update(site).where(site.c.id == bindparam("which")).values(name=bindparam("told")))
READ = Prepared(select(*site.c).where(site.c.source == "own", site.c.last_updated >= bindparam("since")))


async def test_values_come_back_as_the_columns_say(store: Store) -> None:
    assert await store.write(lambda connection: INSERT.execute(connection, ROW)) == 1
    with store.read() as connection:
        (row,) = READ.rows(connection, {"since": NOON})
        assert row == tuple(connection.execute(select(*site.c)).one())
        assert dict(zip(site.c.keys(), row, strict=True)) == {**ROW, "opening_times": None}
        assert READ.first(connection, {"since": NOON}) == row
        assert READ.scalar(connection, {"since": NOON}) == "DE"
        later = {"since": NOON.replace(hour=13)}
        assert READ.rows(connection, later) == []
        assert READ.first(connection, later) is None
    assert await store.write(lambda connection: RENAME.execute(connection, {"which": "1", "told": "New"})) == 1
    assert await store.write(lambda connection: RENAME.execute(connection, {"which": "2", "told": "New"})) == 0


async def test_a_statement_that_fails_leaves_nothing_and_is_named(store: Store) -> None:
    def twice(connection: Connection) -> None:
        INSERT.execute(connection, ROW)
        INSERT.execute(connection, ROW)

    with pytest.raises(IntegrityError):
        await store.write(twice)
    with store.read() as connection:
        assert READ.rows(connection, {"since": NOON}) == []
        with pytest.raises(KeyError):
            READ.rows(connection, {})


async def test_reads_see_one_snapshot_whoever_writes_meanwhile(store: Store) -> None:
    with store.read() as connection:
        assert READ.rows(connection, {"since": NOON}) == []
        await store.write(lambda writing: INSERT.execute(writing, ROW))
        assert READ.rows(connection, {"since": NOON}) == []


async def test_a_list_may_have_any_length(store: Store) -> None:
    await store.write(lambda connection: INSERT.execute(connection, ROW))
    listed = Prepared(select(site.c.id, site.c.last_updated).where(site.c.id.in_(bindparam("ids", expanding=True))))
    with store.read() as connection:
        for ids, found in ((["1", "2"], [("1", NOON)]), ([], []), (["2"], [])):
            assert listed.rows(connection, {"ids": ids}) == found
            assert listed.first(connection, {"ids": ids}) == (found[0] if found else None)
