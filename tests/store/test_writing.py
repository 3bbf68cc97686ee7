"""Writes: in groups, each whole or not at all, durable once acknowledged."""

import asyncio
import json
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, event, func, insert, make_url, select
from sqlalchemy.exc import DBAPIError, IntegrityError

from core.store import tables
from core.store.durable import once_durable
from core.store.engine import Store, StoreError, append_event

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[2]


def keep(key: str) -> Callable[[Connection], str]:
    """An operation of two rows in two tables."""

    def operation(connection: Connection) -> str:
        connection.execute(insert(tables.equipment_state), {"key": key, "body": "{}"})
        append_event(connection, stream=f"equipment/{key}", kind="kept", at=NOON, body={})
        return key

    return operation


def kept(connection: Connection) -> list[str]:
    return list(connection.scalars(select(tables.equipment_state.c.key).order_by(tables.equipment_state.c.key)))


@contextmanager
def commits_counted(store_url: str) -> Iterator[list[Connection]]:
    """The commits to this database: other stores of the test run may be busy at the same time."""
    commits: list[Connection] = []
    place = make_url(store_url)

    def count(connection: Connection) -> None:
        url = connection.engine.url
        if (url.database, url.query.get("options")) == (place.database, place.query.get("options")):
            commits.append(connection)

    event.listen(Engine, "commit", count)
    try:
        yield commits
    finally:
        event.remove(Engine, "commit", count)


@asynccontextmanager
async def writer_held(store: Store) -> AsyncIterator[None]:
    """Inside, whatever is written waits in the queue."""
    held, gate = threading.Event(), threading.Event()

    def hold(_connection: Connection) -> None:
        held.set()
        gate.wait()

    holding = asyncio.create_task(store.write(hold))
    await asyncio.to_thread(held.wait)
    try:
        yield
    finally:
        gate.set()
        await holding


async def in_one_go(store: Store, operations: list[Callable[[Connection], str]]) -> list[str | BaseException]:
    """The operations, queued while the writer is held, so that they stand in the queue together."""
    async with writer_held(store):
        waiting = [asyncio.ensure_future(store.write(operation)) for operation in operations]
        await asyncio.sleep(0)
    return await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_write_returns_what_the_operation_returned(store: Store) -> None:
    assert await store.write(keep("a")) == "a"
    with store.read() as connection:
        assert kept(connection) == ["a"]
    assert await store.read_async(kept) == ["a"]


async def test_one_failing_operation_leaves_no_half_row_and_does_not_fail_its_neighbours(
    store: Store, store_url: str
) -> None:
    def fails_halfway(connection: Connection) -> str:
        keep("half")(connection)
        raise LookupError("halfway")

    def breaks_a_rule(connection: Connection) -> str:
        keep("other half")(connection)
        return keep("a")(connection)

    with commits_counted(store_url) as commits:
        results = await in_one_go(store, [keep("a"), fails_halfway, keep("b"), breaks_a_rule, keep("c")])

    assert len(commits) == 2  # the one that held the writer, and the group
    assert [type(result) for result in results] == [str, LookupError, str, IntegrityError, str]
    with store.read() as connection:
        assert kept(connection) == ["a", "b", "c"]
    assert [found.stream for found in store.events("", 0)] == ["equipment/a", "equipment/b", "equipment/c"]


async def test_an_operation_that_breaks_the_transaction_takes_its_group_along_but_not_the_store(store: Store) -> None:
    """Without its transaction a group must not go on: what followed would be kept in halves."""

    def breaks_out(connection: Connection) -> str:
        connection.exec_driver_sql("ROLLBACK")
        raise LookupError

    results = await in_one_go(store, [keep("a"), breaks_out, keep("b")])
    assert [isinstance(result, StoreError) and result.code for result in results] == ["store_failed"] * 3
    assert await store.read_async(kept) == []
    assert await store.write(keep("c")) == "c"
    assert await store.read_async(kept) == ["c"]


async def test_a_thousand_concurrent_writes_are_three_commits(store: Store, store_url: str) -> None:
    names = [f"{number:04}" for number in range(1000)]
    with commits_counted(store_url) as commits:
        assert await in_one_go(store, [keep(name) for name in names]) == names

    assert len(commits) == 3  # the one that held the writer, and two groups of five hundred
    assert await store.read_async(kept) == names


async def test_operations_read_and_then_write_without_a_race(store_url: str) -> None:
    """Two stores stand for two processes; each operation counts what is there and writes the next number."""

    def next_number(connection: Connection) -> int:
        number = connection.scalar(select(func.count()).select_from(tables.equipment_state)) or 0
        connection.execute(insert(tables.equipment_state), {"key": str(number), "body": "{}"})
        return number

    stores = [await Store.open(store_url), await Store.open(store_url)]
    numbers = await asyncio.gather(*(each.write(next_number) for _ in range(50) for each in stores))
    assert sorted(numbers) == list(range(100))
    for each in stores:
        await each.close()


async def test_whoever_stops_waiting_disturbs_nobody(store: Store) -> None:
    impatient = asyncio.create_task(store.write(keep("a")))
    await asyncio.sleep(0)
    impatient.cancel()
    assert await store.write(keep("b")) == "b"
    with pytest.raises(asyncio.CancelledError):
        await impatient


async def test_reading_connections_cannot_write(store: Store) -> None:
    with pytest.raises((DBAPIError, StoreError)), store.read() as connection:
        connection.execute(insert(tables.equipment_state), {"key": "a", "body": "{}"})


async def test_all_queries_of_one_read_see_the_same_snapshot(store: Store) -> None:
    with store.read() as connection:
        assert kept(connection) == []
        await store.write(keep("a"))
        assert kept(connection) == []
    with store.read() as connection:
        assert kept(connection) == ["a"]


async def test_closing_writes_what_is_queued_and_refuses_what_comes_later(store_url: str) -> None:
    store = await Store.open(store_url)
    async with writer_held(store):
        waiting = [asyncio.ensure_future(store.write(keep(str(number)))) for number in range(20)]
        await asyncio.sleep(0)
        closing = asyncio.create_task(store.close())
        await asyncio.sleep(0)
    await closing
    await store.close()
    async with asyncio.timeout(60):
        assert len(await asyncio.gather(*waiting)) == 20
    with pytest.raises(StoreError) as refusal:
        await store.write(keep("late"))
    assert refusal.value.code == "store_closed"
    again = await Store.open(store_url)
    assert len(await again.read_async(kept)) == 20
    await again.close()


WRITE_UNTIL_KILLED = """
import asyncio, json, sys
sys.path.insert(0, sys.argv[2])
from core.store.engine import Store
from tests.store.test_writing import keep

async def main():
    store = await Store.open(sys.argv[1])
    async def write(lane):
        number = 0
        while True:
            key = await store.write(keep(f"{lane}-{number}"))
            print(json.dumps(key), flush=True)
            number += 1
    await asyncio.gather(*(write(lane) for lane in range(8)))

asyncio.run(main())
"""


async def test_what_was_acknowledged_survives_kill_9_and_nothing_is_half_there(store_url: str) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", WRITE_UNTIL_KILLED, store_url, str(ROOT)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    acknowledged = [json.loads(child.stdout.readline()) for _ in range(100)]
    child.send_signal(signal.SIGKILL)
    rest = child.stdout.read()
    child.wait()
    child.stdout.close()
    # The last line may have been cut by the kill.
    acknowledged += [json.loads(line) for line in rest.splitlines(keepends=True) if line.endswith("\n")]

    store = await Store.open(store_url)
    present = await store.read_async(kept)
    assert set(acknowledged) <= set(present)
    assert sorted(found.stream.removeprefix("equipment/") for found in store.events("", 0)) == sorted(present)
    await store.close()


async def test_what_follows_from_a_change_begins_when_it_is_durable(store: Store) -> None:
    seen: list[list[str]] = []

    def look() -> None:
        with store.read() as connection:
            seen.append(kept(connection))

    def operation(connection: Connection) -> str:
        once_durable(connection, look)
        once_durable(connection, look)
        return keep("a")(connection)

    def fails(connection: Connection) -> str:
        once_durable(connection, look)
        raise KeyError("b")

    await store.write(operation)
    assert seen == [["a"]]  # once, after the commit and before the answer
    with pytest.raises(KeyError):
        await store.write(fails)
    await store.write(keep("c"))
    assert seen == [["a"]]  # what came to nothing is no reason, nor is it one for a later change


async def test_a_store_settles_without_writing_where_nothing_waits(store: Store, store_url: str) -> None:
    with commits_counted(store_url) as commits:
        await store.settled()
        assert commits == []
    async with writer_held(store):
        writing, settling = asyncio.ensure_future(store.write(keep("a"))), asyncio.ensure_future(store.settled())
        await asyncio.sleep(0)
        assert not settling.done()
    await settling
    assert writing.done()
