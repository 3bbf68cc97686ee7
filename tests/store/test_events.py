"""Events: in the transaction of the change, followed without gap or duplicate, also across processes."""

import asyncio
import json
import sys
from collections.abc import Callable
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, delete, make_url

from core.store import tables
from core.store.engine import Event, Store, StoreError, Streams, append_event

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 6, 1, 12, 0, 0, 250, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60


def say(stream: str, **body: object) -> Callable[[Connection], int]:
    return lambda connection: append_event(connection, stream=stream, kind="said", at=NOON, body=body)


async def first(store: Store, count: int, streams: Streams = "", after: int = 0) -> list[Event]:
    """The first events that a follower gets."""
    got: list[Event] = []
    async with asyncio.timeout(PATIENCE), aclosing(store.follow(streams, after)) as events:
        async for found in events:
            got.append(found)
            if len(got) == count:
                break
    return got


async def test_an_event_comes_back_as_it_was_written_digit_for_digit(store: Store) -> None:
    sequence = await store.write(
        say("session/1", cost=Decimal("0.10"), large=Decimal("12345678901234567890.123456789"))
    )

    (found,) = store.events("session/1", 0)
    assert (found.sequence, found.stream, found.kind, found.at) == (sequence, "session/1", "said", NOON)
    assert found.text == '{"cost":0.10,"large":12345678901234567890.123456789}'
    assert found.body == {"cost": Decimal("0.10"), "large": Decimal("12345678901234567890.123456789")}


async def test_streams_are_chosen_by_the_beginning_of_their_name_or_by_name(store: Store) -> None:
    for stream in (
        "session/1",
        "session/10",
        "Session/1",
        "session_1",
        "sessions",
        "zähler/1",
        "session%",
        "session/ü",
    ):
        await store.write(say(stream))

    def streams(chosen: Streams) -> list[str]:
        return [found.stream for found in store.events(chosen, 0)]

    assert streams("session/") == ["session/1", "session/10", "session/ü"]
    assert streams("session%") == ["session%"]
    assert streams("session_") == ["session_1"]
    assert streams("zä") == ["zähler/1"]
    assert streams(["session/1", "Session/1"]) == ["session/1", "Session/1"]
    assert streams([]) == []
    assert len(streams("")) == 8


async def test_an_event_of_an_operation_that_failed_does_not_exist(store: Store) -> None:
    def fails(connection: Connection) -> None:
        say("session/1", number=1)(connection)
        raise LookupError

    with pytest.raises(LookupError):
        await store.write(fails)
    await store.write(say("session/1", number=2))
    assert [found.body for found in await first(store, 1)] == [{"number": 2}]


async def test_sequence_numbers_are_not_used_again_after_old_events_were_deleted(store: Store) -> None:
    before = await store.write(say("session/1"))
    await store.write(lambda connection: connection.execute(delete(tables.event)).rowcount)
    assert await store.write(say("session/1")) > before


async def test_followers_miss_nothing_and_get_nothing_twice_under_concurrent_writers(store_url: str) -> None:
    """On PostgreSQL the second store stands for another process; on SQLite one store is all there is."""
    store = await Store.open(store_url)
    other = await Store.open(store_url) if store_url.startswith("postgresql") else store
    past = [await store.write(say(f"session/{number % 3}")) for number in range(30)]
    followers = [
        asyncio.create_task(first(store, 230)),
        asyncio.create_task(first(other, 230)),
        asyncio.create_task(first(store, 200, after=past[-1])),
    ]

    async def write(writer: Store, lane: int) -> None:
        for _ in range(20):
            await writer.write(say(f"session/{lane}"))

    await asyncio.gather(*(write(store if lane % 2 else other, lane) for lane in range(10)))
    everything = [found.sequence for found in store.events("", 0)]

    assert len(everything) == 230
    assert everything == sorted(set(everything))
    whole, whole_too, since = [[found.sequence for found in await follower] for follower in followers]
    assert whole == whole_too == everything
    assert since == everything[30:]
    # Of the past thirty ten stand in each of the streams 0, 1 and 2; every lane wrote twenty more.
    some = ["session/1", "session/2"]
    assert [found.sequence for found in await first(store, 60, some)] == [
        found.sequence for found in store.events(some, 0)
    ]
    await store.close()
    await other.close()


async def test_a_follower_reads_a_long_past_page_by_page(store: Store) -> None:
    def many(connection: Connection) -> None:
        for _ in range(1203):
            say("session/1")(connection)

    await store.write(many)
    assert [found.sequence for found in await first(store, 1203)] == [found.sequence for found in store.events("", 0)]


async def test_following_ends_when_the_store_closes(store_url: str) -> None:
    store = await Store.open(store_url)
    await store.write(say("session/1"))
    started = asyncio.Event()

    async def follow() -> int:
        count = 0
        async for _ in store.follow("", 0):
            count += 1
            started.set()
        return count

    following = asyncio.create_task(follow())
    await asyncio.wait_for(started.wait(), PATIENCE)
    await store.close()
    assert await asyncio.wait_for(following, PATIENCE) == 1


OTHER_PROCESS = """
import asyncio, json, sys
sys.path.insert(0, sys.argv[2])
from core.store.engine import Store
from tests.store.test_events import first, say

async def main():
    store = await Store.open(sys.argv[1])
    following = asyncio.create_task(first(store, 40, "shared/"))
    for number in range(20):
        await store.write(say("shared/child", number=number))
    print(json.dumps([[found.sequence, found.stream] for found in await following]))
    await store.close()

asyncio.run(main())
"""


async def test_two_processes_over_one_postgresql_database_both_see_all_events(postgres_url: str) -> None:
    store = await Store.open(postgres_url)
    following = asyncio.create_task(first(store, 40, "shared/"))
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OTHER_PROCESS, postgres_url, str(ROOT), stdout=asyncio.subprocess.PIPE
    )
    for number in range(20):
        await store.write(say("shared/parent", number=number))
    output, _ = await asyncio.wait_for(child.communicate(), PATIENCE)

    seen_here = [[found.sequence, found.stream] for found in await following]
    assert seen_here == json.loads(output) == sorted(seen_here)
    assert [stream for _, stream in seen_here].count("shared/child") == 20
    await store.close()


async def test_a_broken_connection_is_made_anew_and_the_follower_goes_on(postgres_url: str) -> None:
    store = await Store.open(postgres_url)
    reached = asyncio.Event()
    numbers: list[object] = []

    async def follow() -> None:
        after = 0
        while len(numbers) < 2:
            # Who is just reading when the connection breaks hears of it, and goes on from where it was.
            with suppress(StoreError):
                async for found in store.follow("", after):
                    after = found.sequence
                    numbers.append(found.body["number"])
                    reached.set()
                    if len(numbers) == 2:
                        break

    following = asyncio.create_task(follow())
    await store.write(say("session/1", number=1))
    await asyncio.wait_for(reached.wait(), PATIENCE)
    address = make_url(postgres_url)
    with psycopg.connect(host=address.host, port=address.port, user=address.username, dbname="postgres") as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [address.database]
        )
    await store.write(say("session/1", number=2))
    await asyncio.wait_for(following, PATIENCE)
    assert numbers == [1, 2]
    await store.close()
