"""Opening: the schema is made, kept or refused; what is wrong with a database has a code and a next step."""

import asyncio
import json
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, insert, inspect, make_url, select, text

from core.clearing_house.agreements import Agreements
from core.store import tables
from core.store.connections import place_of, writing_engine
from core.store.engine import Store, StoreError
from core.store.migrations import HEAD
from core.store.migrations.upgrade import configuration, upgrade

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).resolve().parents[2]


def keep(key: str, body: str = "{}") -> Callable[[Connection], None]:
    def operation(connection: Connection) -> None:
        connection.execute(insert(tables.equipment_state), {"key": key, "body": body})

    return operation


def keys(connection: Connection) -> list[str]:
    return list(connection.scalars(select(tables.equipment_state.c.key)))


async def refusal(url: str) -> StoreError:
    with pytest.raises(StoreError) as raised:
        await Store.open(url)
    assert raised.value.next_step
    return raised.value


def schema_of(engine: Engine) -> dict[str, object]:
    """All that the database says of its tables."""
    inspector = inspect(engine)

    def described(items: object) -> list[str]:
        return sorted(repr(sorted(item.items(), key=lambda pair: pair[0])) for item in items)  # type: ignore[attr-defined]

    found: dict[str, object] = {
        name: (
            described({**column, "type": repr(column["type"])} for column in inspector.get_columns(name)),
            inspector.get_pk_constraint(name)["constrained_columns"],
            described(inspector.get_indexes(name)),
            described(inspector.get_unique_constraints(name)),
            described(inspector.get_foreign_keys(name)),
        )
        for name in inspector.get_table_names()
    }
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            # What reflection does not see: numbers that are never used again, and triggers.
            query = text("SELECT name FROM sqlite_master WHERE type = 'trigger' OR sql LIKE '%AUTOINCREMENT%'")
            found["beside"] = sorted(connection.scalars(query))
    return found


async def test_the_migrated_schema_is_that_of_the_tables(store_url: str, tmp_path: Path) -> None:
    place = place_of(store_url)
    if place.get_backend_name() == "sqlite":
        (tmp_path / "platform").mkdir()
    engine = writing_engine(place, foreign_keys=False)
    with engine.begin() as connection:
        upgrade(connection)
    migrated = schema_of(engine)
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            schema = connection.scalar(text("SELECT current_schema()"))
            connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
            connection.execute(text(f"CREATE SCHEMA {schema}"))
    engine.dispose()
    for file in tmp_path.glob("platform/*"):
        file.unlink()
    await (await Store.open(store_url)).close()

    assert set(tables.metadata.tables) < set(migrated)
    assert schema_of(engine) == migrated
    engine.dispose()


async def test_a_migrated_database_opens_without_another_step(store_url: str, tmp_path: Path) -> None:
    (tmp_path / "platform").mkdir()
    engine = writing_engine(place_of(store_url), foreign_keys=False)
    with engine.begin() as connection:
        upgrade(connection)
    engine.dispose()
    store = await Store.open(store_url)
    await store.write(keep("a"))
    await store.close()


async def test_terms_that_a_clearing_house_had_set_before_still_hold(sqlite_url: str, tmp_path: Path) -> None:
    (tmp_path / "platform").mkdir(exist_ok=True)
    home, visited = {"country_code": "NL", "party_id": "HOM"}, {"country_code": "DE", "party_id": "VIS"}
    switch = {"modules": ["nlxyz-things"], "ask_without_receiver": True, "announce": False, "store_and_forward": True}
    old = {"one": home, "other": visited, "services": ["sites"], "prefixes_bind": True, "valid_until": None, **switch}
    key = {**visited, **{f"other_{name}": value for name, value in home.items()}}
    engine = writing_engine(place_of(sqlite_url), foreign_keys=False)
    with engine.begin() as connection:
        command.upgrade(configuration(connection), "0012")
        names = ", ".join(key)
        values = ", ".join(f":{name}" for name in key)
        insert = f"INSERT INTO hub_agreement ({names}, body, last_updated) VALUES ({values}, :body, 0)"
        connection.execute(text(insert), {**key, "body": json.dumps(old)})
        upgrade(connection)
        [kept] = Agreements().all(connection)
    engine.dispose()
    assert kept.terms.services == {"sites"} and kept.terms.prefixes_bind and kept.terms.signed is None
    assert kept.terms.switch.model_dump() == {**switch, "modules": {"nlxyz-things"}}


async def test_the_stamp_is_the_newest_revision(store: Store) -> None:
    with store.read() as connection:
        assert ScriptDirectory.from_config(configuration(connection)).get_current_head() == HEAD
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == [HEAD]


async def test_opening_does_not_load_the_migration_tool(sqlite_url: str) -> None:
    program = (
        "import asyncio, sys\n"
        "from core.store.engine import Store\n"
        "async def main():\n"
        "    for _ in range(2): await (await Store.open(sys.argv[1])).close()\n"
        "asyncio.run(main())\n"
        "print('alembic' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, sqlite_url], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


async def test_several_processes_may_open_an_empty_database_at_once(store_url: str) -> None:
    stores = await asyncio.gather(*(Store.open(store_url) for _ in range(4)))
    for number, store in enumerate(stores):
        await store.write(keep(str(number)))
    assert sorted(await stores[0].read_async(keys)) == ["0", "1", "2", "3"]
    for store in stores:
        await store.close()


async def test_only_its_owner_may_read_a_new_file(sqlite_url: str) -> None:
    store = await Store.open(sqlite_url)
    await store.write(keep("a"))
    folder = Path(make_url(sqlite_url).database or "").parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {
        "store.db": 0o600,
        "store.db-wal": 0o600,
        "store.db-shm": 0o600,
    }
    await store.close()


@pytest.mark.parametrize(("stamp", "code"), [("0999", "store_too_new"), ("0000", "store_foreign")])
async def test_a_schema_this_program_does_not_know_is_refused(store_url: str, stamp: str, code: str) -> None:
    store = await Store.open(store_url)
    await store.write(keep("a"))
    await store.write(
        lambda connection: connection.execute(
            text("UPDATE alembic_version SET version_num = :it"), {"it": stamp}
        ).close()
    )
    await store.close()
    assert (await refusal(store_url)).code == code


async def test_the_tables_of_another_program_are_left_alone(store_url: str, tmp_path: Path) -> None:
    (tmp_path / "platform").mkdir()
    engine = writing_engine(place_of(store_url))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE recipe (name TEXT)"))
    assert (await refusal(store_url)).code == "store_foreign"
    assert inspect(engine).get_table_names() == ["recipe"]
    engine.dispose()


@pytest.mark.parametrize(
    "url", ["", "nonsense", "sqlite://", "sqlite:///:memory:", "mysql://a/b", "postgresql://", "http://[x"]
)
async def test_an_address_of_neither_kind_is_refused(url: str) -> None:
    assert (await refusal(url)).code == "store_address"


async def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "store.db"
    file.write_text("these are my notes, not a database\n" * 100)
    assert (await refusal(f"sqlite:///{file}")).code == "store_broken"
    assert file.read_text().startswith("these are my notes")


async def test_a_folder_in_place_of_the_file_or_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert (await refusal(f"sqlite:///{tmp_path}")).code == "store_unreachable"
    assert (await refusal(f"sqlite:///{tmp_path / 'file' / 'store.db'}")).code == "store_unreachable"


async def test_a_database_held_by_another_program_is_locked(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}?timeout=0.05"
    store = await Store.open(url)
    other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert (await refusal(url)).code == "store_locked"
    with pytest.raises(StoreError) as raised:
        await store.write(keep("a"))
    assert raised.value.code == "store_locked"
    other.execute("ROLLBACK")
    other.close()
    await store.write(keep("b"))
    assert await store.read_async(keys) == ["b"]
    await store.close()


async def test_a_read_only_file_is_told_as_such(tmp_path: Path) -> None:
    file = tmp_path / "store.db"
    await (await Store.open(f"sqlite:///{file}")).close()
    assert (await refusal(f"sqlite:///file:{file}?mode=ro&uri=true")).code == "store_read_only"


async def test_a_read_only_postgresql_is_told_as_such(postgres_url: str) -> None:
    store = await Store.open(postgres_url)
    await store.write(lambda connection: connection.execute(text("SET default_transaction_read_only = on")).close())
    with pytest.raises(StoreError) as raised:
        await store.write(keep("a"))
    assert raised.value.code == "store_read_only"
    await store.close()


async def test_a_full_disk_loses_nothing_acknowledged_and_the_store_goes_on_when_there_is_room(sqlite_url: str) -> None:
    store = await Store.open(sqlite_url)

    def room(pages: int) -> Callable[[Connection], None]:
        return lambda connection: connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}").close()

    await store.write(keep("before"))
    await store.write(room(1))  # SQLite takes this as: no page more than there are
    with pytest.raises(StoreError) as raised:
        await store.write(keep("too large", "x" * 500_000))
    assert raised.value.code == "store_full"
    assert raised.value.next_step
    assert await store.read_async(keys) == ["before"]
    await store.write(room(100_000))
    await store.write(keep("after"))
    assert await store.read_async(keys) == ["after", "before"]
    await store.close()


async def test_a_postgresql_that_does_not_answer_is_unreachable_and_its_password_is_not_told() -> None:
    error = await refusal("postgresql://someone:opensesame@127.0.0.1:1/nowhere")
    assert error.code == "store_unreachable"
    assert "opensesame" not in error.message


async def test_a_postgresql_database_that_does_not_exist_is_unreachable(postgres_url: str) -> None:
    absent = make_url(postgres_url).set(database="evroam_absent").render_as_string(hide_password=False)
    assert (await refusal(absent)).code == "store_unreachable"


async def test_a_lost_connection_fails_one_write_at_most(postgres_url: str) -> None:
    store = await Store.open(postgres_url)
    await store.write(keep("a"))

    def lose(connection: Connection) -> None:
        address = make_url(postgres_url)
        mine = connection.connection.driver_connection
        assert isinstance(mine, psycopg.Connection)
        with psycopg.connect(host=address.host, port=address.port, user=address.username, dbname="postgres") as other:
            other.execute("SELECT pg_terminate_backend(%s)", [mine.info.backend_pid])
        keep("lost")(connection)

    with pytest.raises(StoreError) as raised:
        await store.write(lose)
    assert raised.value.code == "store_unreachable"
    await store.write(keep("b"))
    assert sorted(await store.read_async(keys)) == ["a", "b"]
    await store.close()
