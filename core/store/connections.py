"""How connections are made, so that SQLite and PostgreSQL behave alike."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry

from core.store.failures import StoreError
from core.store.prepared import drive

# One number for "a group is being written", the same in every process; advisory locks are apart in each database.
_WRITERS_TURN = 0x6576726F616D


def place_of(address: str) -> URL:
    """The address of a store as a URL: "sqlite:///path" or "postgresql+psycopg://...".

    Raises StoreError (store_address) for any other.
    """
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        url = None
    if (
        url is not None
        and url.drivername in ("sqlite", "sqlite+pysqlite")
        and url.database not in (None, "", ":memory:")
    ):
        return url
    if url is not None and url.drivername in ("postgresql", "postgresql+psycopg") and url.database:
        return url.set(drivername="postgresql+psycopg")
    raise StoreError(
        "The address of the store is neither a SQLite file nor a PostgreSQL database.",
        code="store_address",
        next_step="Write sqlite:///path or postgresql+psycopg://user@host/database.",
    )


def writing_engine(place: URL, *, foreign_keys: bool = True) -> Engine:
    """Connections that write: durable commits, and one writer at a time in the whole database.

    SQLite has that by BEGIN IMMEDIATE; on PostgreSQL a transaction begins with an advisory lock, held until its changes
    are visible. So sequence numbers become visible in order, groups of several processes cannot deadlock, and an
    operation may read and then write without a race.
    """
    file = place.get_backend_name() == "sqlite"
    # A file is there as long as it is open, a server may have been away.
    engine = create_engine(place, pool_size=1, max_overflow=0, pool_pre_ping=not file)
    if file:
        keys = "ON" if foreign_keys else "OFF"
        _on_connect(engine, "PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", f"PRAGMA foreign_keys={keys}")
        event.listen(engine, "begin", _begin_immediate)
    else:
        event.listen(engine, "begin", _take_turn)
    return engine


class Readers:
    """Connections that cannot write; all queries of one of them see the same snapshot."""

    def __init__(self, place: URL) -> None:
        # A file is there as long as it is open, so that its connections wait outside SQLAlchemy's pool, which takes
        # several times as long to give one out as SQLite takes to answer; a server may have been away.
        self._idle: list[Connection] | None = [] if place.get_backend_name() == "sqlite" else None
        self._engine = _reading_engine(place)
        self._closed = False

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """One of them, until the block is left."""
        if self._idle is None:
            with self._engine.connect() as connection:
                yield connection
            return
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._engine.connect()
        try:
            yield connection
            connection.rollback()
        except BaseException:  # cancelled or failed, what state it is in is not known: it is raised on
            connection.close()
            raise
        self._idle.append(connection)
        if self._closed:
            self.close()

    def close(self) -> None:
        """Let go of all, of those in use once they are given back."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()
        self._engine.dispose()


def _reading_engine(place: URL) -> Engine:
    if place.get_backend_name() == "sqlite":
        engine = create_engine(place, max_overflow=-1)
        _on_connect(engine, "PRAGMA query_only=ON")
        event.listen(engine, "begin", _begin)
        return engine
    engine = create_engine(place, pool_pre_ping=True)
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def _on_connect(engine: Engine, *pragmas: str) -> None:
    def prepare(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
        # The driver's own BEGIN comes late and deferred; ours comes by the begin event.
        connection.isolation_level = None
        for pragma in pragmas:
            connection.execute(pragma)

    event.listen(engine, "connect", prepare)


def _begin(connection: Connection) -> None:
    # Straight to the driver, as every read begins with it: it takes no lock, so that nothing of it can fail.
    connection.connection.cursor().execute("BEGIN")


def _begin_immediate(connection: Connection) -> None:
    drive(connection, "BEGIN IMMEDIATE").close()


def _take_turn(connection: Connection) -> None:
    connection.execute(text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": _WRITERS_TURN})
