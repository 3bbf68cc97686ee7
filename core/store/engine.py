"""The store of one platform: one writer, many readers, live events (architecture, decisions 5 and 12)."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import TypeVar, cast

from sqlalchemy import URL, Connection, text

from core.store.connections import Readers, place_of, writing_engine
from core.store.events import Event, Streams, append_event, concerns, events_after
from core.store.failures import StoreError, failures_named, store_error
from core.store.listener import CHANNEL, Listener
from core.store.schema import prepare
from core.store.upsert import upsert
from core.store.writer import Operation, Writer

__all__ = ["Event", "Store", "StoreError", "Streams", "append_event", "upsert"]

T = TypeVar("T")

_PAGE = 500


class Store:
    """Tables and events of one platform. Open it with `Store.open`; it belongs to the event loop that opened it."""

    def __init__(self, place: URL, loop: asyncio.AbstractEventLoop) -> None:
        self._place = place
        self._loop = loop
        self._followers: dict[asyncio.Event, Streams] = {}
        self._closed = False
        self._unanswered = 0
        self._readers = Readers(place)
        self._writers = writing_engine(place)
        self._listener: Listener | None = None
        self._shared = place.get_backend_name() == "postgresql"
        self._writer = Writer(self._writers, place, _notify if self._shared else _do_nothing, self._settle_soon)

    @classmethod
    async def open(cls, url: str) -> "Store":
        """Open "sqlite:///path" or "postgresql+psycopg://..."; a missing folder, file or schema is made.

        Raises StoreError: the schema is newer than the program; the file is no database, locked, read-only or full;
        the database cannot be reached.
        """
        place = place_of(url)
        await asyncio.to_thread(prepare, place)
        return cls(place, asyncio.get_running_loop())

    async def write(self, operation: Callable[[Connection], T]) -> T:
        """Run the operation in the writer's thread; its result, once it is durable.

        Operations run one after the other, so one may read and then write without a race. It must return plain values
        (no open result) and may raise: then nothing of it stays, its neighbours are not touched, and its exception is
        raised here. Who is cancelled while waiting does not stop the operation.
        Raises StoreError where the store itself fails: then nothing of it was acknowledged to anyone.
        """
        if self._closed:
            raise store_error("store_closed", self._place)
        future: asyncio.Future[object] = self._loop.create_future()
        self._unanswered += 1
        future.add_done_callback(self._answered)
        self._writer.put(Operation(operation, future))
        return cast(T, await future)

    async def settled(self) -> None:
        """Wait until all that was given to `write` before is written."""
        if self._unanswered:
            await self.write(lambda connection: None)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for short reads: it cannot write, and all its queries see one snapshot.

        Give it back before the next await: connections to PostgreSQL are few, and waiting for one holds the loop.
        """
        if self._closed:
            raise store_error("store_closed", self._place)
        with failures_named(self._place), self._readers.connection() as connection:
            yield connection

    async def read_async(self, query: Callable[[Connection], T]) -> T:
        """The result of a longer query, run in a thread."""
        return await asyncio.to_thread(self._read, query)

    def events(self, streams: Streams, after: int) -> list[Event]:
        """The events of these streams after that sequence number, in order.

        streams: a text is the beginning of the streams' names ("" is all), a collection names them whole.
        """
        with self.read() as connection:
            return events_after(connection, streams, after)

    async def follow(self, streams: Streams, after: int) -> AsyncGenerator[Event, None]:
        """Every event of these streams after that sequence number, once and in order.

        First those of the past, then each as it is committed. Ends when the store closes. Raises StoreError where the
        database fails; following again after the last number seen goes on without a gap.
        """
        news = asyncio.Event()
        self._followers[news] = streams
        self._listen()
        is_behind = True
        try:
            while not self._closed:
                news.clear()
                query = partial(events_after, streams=streams, after=after, limit=_PAGE)
                # SQLite tells what is new in less time than a thread takes to begin.
                page = await self.read_async(query) if is_behind or self._shared else self._read(query)
                for found in page:
                    after = found.sequence
                    yield found
                is_behind = len(page) == _PAGE
                if not is_behind:
                    await news.wait()
        except StoreError as error:
            # Closed between two steps: that is the end, not an error.
            if error.code != "store_closed":
                raise
        finally:
            del self._followers[news]

    async def close(self) -> None:
        """Write what is queued, end every follower and let go of all connections. Closing twice does no harm."""
        if self._closed:
            return
        self._closed = True
        self._wake(None)
        self._writer.close()
        await asyncio.to_thread(self._shut)

    def _answered(self, future: asyncio.Future[object]) -> None:
        self._unanswered -= 1

    def _read(self, query: Callable[[Connection], T]) -> T:
        with self.read() as connection:
            return query(connection)

    def _shut(self) -> None:
        self._writer.join()
        if self._listener is not None:
            self._listener.close()
        self._writers.dispose()
        self._readers.close()

    def _listen(self) -> None:
        """Other processes write to the same PostgreSQL database; SQLite has no writer but this one."""
        if self._shared and self._listener is None and not self._closed:
            self._listener = Listener(self._place, self._wake_soon)

    def _settle_soon(self, group: Sequence[Operation], touched: frozenset[str]) -> None:
        self._soon(self._settle, group, touched)

    def _settle(self, group: Sequence[Operation], touched: frozenset[str]) -> None:
        for operation in group:
            _settle(operation)
        # On PostgreSQL own commits are heard by the listener, like those of other processes.
        if touched and not self._shared:
            self._wake(touched)

    def _wake_soon(self, touched: frozenset[str] | None) -> None:
        self._soon(self._wake, touched)

    def _wake(self, touched: frozenset[str] | None) -> None:
        """Let those look again whom the streams concern; None: all, as nobody knows what was missed."""
        for news, streams in self._followers.items():
            if touched is None or concerns(streams, touched):
                news.set()

    def _soon(self, callback: Callable[..., None], *arguments: object) -> None:
        # A loop that has ended has nobody left who waits for the answer.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(callback, *arguments)


def _settle(operation: Operation) -> None:
    if operation.future.done():
        return
    if operation.error is None:
        operation.future.set_result(operation.result)
    else:
        operation.future.set_exception(operation.error)


def _notify(connection: Connection, touched: frozenset[str]) -> None:
    if touched:
        told = text("SELECT pg_notify(:channel, stream) FROM unnest(CAST(:streams AS text[])) AS stream")
        connection.execute(told, {"channel": CHANNEL, "streams": sorted(touched)})


def _do_nothing(connection: Connection, touched: frozenset[str]) -> None:
    """SQLite: the store tells its followers itself."""
