"""Insert or change: an older object never overwrites a newer one."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from core.store import tables
from core.store.engine import Store, upsert
from core.store.wire_text import WireText

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
TARIFF = {
    "country_code": "NL",
    "party_id": "ABC",
    "id": "1",
    "currency": "EUR",
    "body": WireText("{}", "2.3.0"),
    "last_updated": NOON,
}


def text(body: str) -> WireText:
    return WireText(body, "2.3.0")


async def put(store: Store, **changes: object) -> bool:
    values = {**TARIFF, **changes}
    return await store.write(lambda connection: upsert(connection, tables.tariff, values, unless_older="last_updated"))


async def bodies(store: Store) -> list[tuple[str, str]]:
    columns = tables.tariff.c
    query = select(columns.id, columns.body).order_by(columns.id)
    return await store.read_async(lambda connection: [(row.id, row.body) for row in connection.execute(query)])


async def test_a_newer_object_overwrites_and_an_older_one_does_not(store: Store) -> None:
    second = timedelta(seconds=1)
    assert await put(store, body=text("first"))
    assert await put(store, body=text("newer"), last_updated=NOON + second)
    assert not await put(store, body=text("older"), last_updated=NOON)
    assert await bodies(store) == [("1", "newer")]
    assert await put(store, body=text("as new"), last_updated=NOON + second)
    assert await put(store, id="2", body=text("another"))
    assert await bodies(store) == [("1", "as new"), ("2", "another")]


async def test_columns_that_are_not_given_stay(store: Store) -> None:
    await put(store, partner_id="partner")
    await put(store, body=text("newer"))
    with store.read() as connection:
        assert connection.execute(select(tables.tariff.c.partner_id, tables.tariff.c.body)).one() == (
            "partner",
            "newer",
        )


async def test_without_a_guard_the_last_one_stands_and_a_bare_key_is_kept(store: Store) -> None:
    state = {"key": "clock", "body": "1"}
    assert await store.write(lambda connection: upsert(connection, tables.equipment_state, state))
    assert await store.write(lambda connection: upsert(connection, tables.equipment_state, {**state, "body": "2"}))
    with store.read() as connection:
        assert connection.scalars(select(tables.equipment_state.c.body)).all() == ["2"]

    favourite = {"country_code": "NL", "party_id": "ABC", "site_id": "1", "contract_id": "NL-ABC-1"}
    assert await store.write(lambda connection: upsert(connection, tables.favourite, favourite))
    assert not await store.write(lambda connection: upsert(connection, tables.favourite, favourite))
