"""Hears from PostgreSQL that events were committed, by this process or another (LISTEN/NOTIFY)."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from sqlalchemy import URL, NullPool, create_engine
from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:
    import psycopg

CHANNEL = "evroam_event"

_LOOK_UP = 0.2
_RETRY = 0.2


class Listener:
    """A thread with a connection of its own; `heard` is called in it with the stream, or None when some may be missed.

    None comes each time the connection stands (again), so a follower that started before, or lived through a break of
    the connection, looks into the table and misses nothing.
    """

    def __init__(self, place: URL, heard: Callable[[frozenset[str] | None], None]) -> None:
        self._engine = create_engine(place, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        self._heard = heard
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="store-listener", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread; waits two seconds at most."""
        self._stop.set()
        self._thread.join(timeout=2)

    def _run(self) -> None:
        import psycopg  # here only: a platform on SQLite starts quicker without

        while not self._stop.is_set():
            try:
                self._listen()
            except (psycopg.Error, DBAPIError):
                self._stop.wait(_RETRY)

    def _listen(self) -> None:
        with self._engine.connect() as connection:
            connection.exec_driver_sql(f"LISTEN {CHANNEL}")
            self._heard(None)
            session = cast("psycopg.Connection", connection.connection.driver_connection)
            while not self._stop.is_set():
                for notification in session.notifies(timeout=_LOOK_UP, stop_after=1):
                    self._heard(frozenset([notification.payload]))
