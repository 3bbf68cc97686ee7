"""Bodies at rest: never without the version of the wire in which they are written, also those of older stores."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import select, text
from sqlalchemy.exc import StatementError

from core.store import tables
from core.store.connections import place_of, writing_engine
from core.store.engine import Store, upsert
from core.store.migrations.upgrade import configuration, upgrade
from core.store.wire_text import EVERY_VERSION, WireText, version_of

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
TARIFF = {"country_code": "NL", "party_id": "ABC", "id": "1", "currency": "EUR", "last_updated": NOON}
BEFORE = "0007"
"""The last revision whose bodies stand alone."""


async def test_a_body_comes_back_with_its_version(store: Store) -> None:
    body = WireText('{"a": "b c"}', "2.3.0")
    await store.write(lambda connection: upsert(connection, tables.tariff, {**TARIFF, "body": body}))
    with store.read() as connection:
        found = connection.execute(select(tables.tariff.c.body)).scalar_one()
        at_rest = connection.execute(text("SELECT body FROM tariff")).scalar_one()
    assert (found, version_of(found)) == ('{"a": "b c"}', "2.3.0")
    assert at_rest == '2.3.0 {"a": "b c"}'


async def test_a_body_without_a_version_is_not_stored(store: Store) -> None:
    for body in ("{}", WireText("{}", EVERY_VERSION)):
        with pytest.raises((TypeError, StatementError), match="with the version"):
            await store.write(
                lambda connection, body=body: upsert(connection, tables.tariff, {**TARIFF, "body": body})  # type: ignore[misc]
            )


async def test_bodies_of_an_older_store_are_of_2_2_1(sqlite_url: str, tmp_path: Path) -> None:
    (tmp_path / "platform").mkdir()
    engine = writing_engine(place_of(sqlite_url), foreign_keys=False)
    with engine.begin() as connection:
        command.upgrade(configuration(connection), BEFORE)
        connection.execute(
            text(
                "INSERT INTO tariff (country_code, party_id, id, currency, last_updated, body) "
                "VALUES ('NL', 'ABC', '1', 'EUR', 0, '{\"id\": \"1\"}')"
            )
        )
        upgrade(connection)
    engine.dispose()
    store = await Store.open(sqlite_url)
    with store.read() as connection:
        found = connection.execute(select(tables.tariff.c.body)).scalar_one()
    assert (found, version_of(found)) == ('{"id": "1"}', "2.2.1")
    await store.close()
