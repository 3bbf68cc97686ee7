"""The one writer of a store: a thread that commits operations in groups, a savepoint an operation."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue

from sqlalchemy import URL, Connection, Engine

from core.store.durable import Call, calls_when_durable
from core.store.events import streams_touched
from core.store.failures import StoreError, failure_code, failures_named, store_error
from core.store.prepared import drive

_LARGEST_GROUP = 500


@dataclass(slots=True)
class Operation:
    """One change that is waiting to be written, and afterwards what came of it."""

    change: Callable[[Connection], object]
    future: asyncio.Future[object]
    result: object = None
    error: BaseException | None = None


@dataclass(frozen=True, slots=True)
class _Aftermath:
    """What a commit gives cause for: streams that were appended to, and calls."""

    streams: frozenset[str] = frozenset()
    calls: frozenset[Call] = frozenset()

    @classmethod
    def of(cls, connection: Connection) -> "_Aftermath":
        """What was gathered on a connection since this was last asked."""
        return cls(streams_touched(connection), calls_when_durable(connection))


class Writer:
    """Writes operations one after the other, in the order in which they came; commits them in groups.

    While a group is committed the next one gathers: the busier the store, the larger its groups.
    before_commit: called with the open connection and the streams to which the group has appended.
    settle: called from the writer's thread once a group is through, with its operations and, where they can be read by
    others, these streams. Once a group, as waking the loop costs as much as a small operation.
    """

    def __init__(
        self,
        engine: Engine,
        place: URL,
        before_commit: Callable[[Connection, frozenset[str]], None],
        settle: Callable[[Sequence[Operation], frozenset[str]], None],
    ) -> None:
        self._engine = engine
        self._place = place
        self._before_commit = before_commit
        self._settle = settle
        self._waiting: SimpleQueue[Operation | None] = SimpleQueue()
        # A file is there as long as it is open; a server may have been away, so that each group asks for a connection.
        self._keeps_connection = place.get_backend_name() == "sqlite"
        self._kept: Connection | None = None
        # A daemon, as what was acknowledged is durable: a program that ends without closing loses nothing by it.
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def put(self, operation: Operation) -> None:
        """Queue an operation."""
        self._waiting.put(operation)

    def close(self) -> None:
        """Let the thread end when it has written what is queued; nothing may be put afterwards."""
        self._waiting.put(None)

    def join(self) -> None:
        """Wait until the thread has ended."""
        self._thread.join()

    def _run(self) -> None:
        for group in self._groups():
            after = _Aftermath()
            try:
                with failures_named(self._place):
                    after = self._write(group)
            except StoreError as error:
                _fail(group, error)
            except Exception as error:  # noqa: BLE001 - whatever it is, the callers must hear it and the thread go on
                failure = store_error("store_failed", self._place)
                failure.__cause__ = error
                _fail(group, failure)
            # Before the answers: who has written finds that what follows from it has begun.
            for call in after.calls:
                call()
            self._settle(group, after.streams)
        if self._kept is not None:
            self._kept.close()

    def _groups(self) -> Iterator[list[Operation]]:
        while (first := self._waiting.get()) is not None:
            group = [first]
            while len(group) < _LARGEST_GROUP:
                try:
                    following = self._waiting.get_nowait()
                except Empty:
                    break
                if following is None:
                    yield group
                    return
                group.append(following)
            yield group

    def _write(self, group: list[Operation]) -> _Aftermath:
        connection, self._kept = self._kept or self._engine.connect(), None
        try:
            after = self._write_on(connection, group)
        except BaseException:  # whatever it was, a connection in a state unknown is not kept; it is raised on
            connection.close()
            raise
        if self._keeps_connection:
            self._kept = connection
        else:
            connection.close()
        return after

    def _write_on(self, connection: Connection, group: list[Operation]) -> _Aftermath:
        with connection.begin() as transaction:
            _Aftermath.of(connection)  # what a failed group has left behind
            if len(group) == 1:
                # The transaction itself does what a savepoint would.
                _attempt(connection, group[0], transaction.rollback)
                if not transaction.is_active:
                    return _Aftermath()
            else:
                for operation in group:
                    drive(connection, "SAVEPOINT operation")
                    _attempt(connection, operation, partial(drive, connection, "ROLLBACK TO SAVEPOINT operation"))
                    drive(connection, "RELEASE SAVEPOINT operation")
            after = _Aftermath.of(connection)
            self._before_commit(connection, after.streams)
        return after


def _attempt(connection: Connection, operation: Operation, undo: Callable[[], object]) -> None:
    try:
        operation.result = operation.change(connection)
    except Exception as error:
        # Where the store fails the savepoint may be gone with the whole transaction: nothing more may be written in it.
        if failure_code(error) is not None:
            raise
        undo()
        operation.error = error


def _fail(group: list[Operation], failure: StoreError) -> None:
    """Nothing of the group is in the store: who has no error of its own gets this one, each a copy to raise."""
    for operation in group:
        if operation.error is None:
            operation.error = StoreError(failure.message, code=failure.code, next_step=failure.next_step)
            operation.error.__cause__ = failure
