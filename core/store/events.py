"""Append-only events: written in the transaction of the change, followed live without gap or duplicate."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel
from sqlalchemy import ColumnElement, Connection, and_, insert, select, true

from core.store import tables
from core.store.json_text import json_text, json_value
from core.store.prepared import Prepared

_TOUCHED = "event_streams"
_LAST_CHARACTER = "\U0010ffff"

Streams = str | Collection[str]
"""Which events: a text is the beginning of stream names ("" is every stream), a collection names streams whole."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event as it was written: its place in the order of all events of the store, and its body as JSON text."""

    sequence: int
    stream: str
    kind: str
    at: datetime
    text: str

    @property
    def body(self) -> Any:  # JSON has no narrower type
        """The body as a value, fractions as Decimal."""
        return json_value(self.text)


# Run with nearly every change.
_APPEND = Prepared(insert(tables.event).returning(tables.event.c.sequence))


def append_event(
    connection: Connection, *, stream: str, kind: str, at: datetime, body: BaseModel | dict[str, object]
) -> int:
    """Write an event in the transaction of the change it tells of; its sequence number.

    To be called inside `Store.write`: only there do numbers become visible in order and followers hear of it.
    """
    values = {"stream": stream, "kind": kind, "at": at, "body": json_text(body)}
    sequence: int = _APPEND.scalar(connection, values)
    connection.info.setdefault(_TOUCHED, set()).add(stream)
    return sequence


def streams_touched(connection: Connection) -> frozenset[str]:
    """The streams appended to on this connection since this was last asked; some of it may have been rolled back."""
    return frozenset(connection.info.pop(_TOUCHED, ()))


def events_after(connection: Connection, streams: Streams, after: int, *, limit: int | None = None) -> list[Event]:
    """The events of these streams with a higher sequence number, in order."""
    columns = tables.event.c
    query = (
        select(columns.sequence, columns.stream, columns.kind, columns.at, columns.body)
        .where(columns.sequence > after, _within(streams))
        .order_by(columns.sequence)
        .limit(limit)
    )
    return [Event(*row) for row in connection.execute(query)]


def concerns(streams: Streams, touched: Collection[str]) -> bool:
    """Whether one of the touched streams is among these."""
    if isinstance(streams, str):
        return any(stream.startswith(streams) for stream in touched)
    return any(stream in streams for stream in touched)


def _within(streams: Streams) -> ColumnElement[bool]:
    stream = tables.event.c.stream
    if not isinstance(streams, str):
        return stream.in_(list(streams))
    # A range, so that the index serves; the column sorts by code point on both databases.
    return and_(stream >= streams, stream < streams + _LAST_CHARACTER) if streams else true()
