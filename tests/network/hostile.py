"""What a hostile or broken partner says to the extension modules, and how it is sent: whole requests, byte for byte."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, literal, select, true, union_all

from core.endpoint.endpoint import Endpoint
from core.endpoint.partner import Partner
from core.http import HttpAnswer
from core.model.parties import Party
from core.store import tables
from core.store.engine import Store

Body = dict[str, Any]  # Any: JSON as a test writes it

NAUGHTY_SEGMENTS = ("%00%1b", "..%2f..%2fx", "%ff%fe", "x" * 3000)
"""Ids as they stand in a URL: control characters, slashes, no UTF-8, very long."""

UNREADABLE = (b"", b"\xff\xfe{", b'{"a":' * 3000, b'{"a": 1e999999}', b'{"a": "\\u0000"}')
"""What is no JSON, or breaks a limit that every body has to keep."""

NO_OBJECT = (b"null", b"[]", b'"text"', b"{}")

_NUMBERS = (-1, 0, 10**14, 10**40, "1")
_MOMENTS = ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "yesterday")
_TEXTS = ("!!", "#NA", "\u001b[31m\u202e\r\n", "x" * 20_000, 7)
_LISTS = ([], [None], "x")
_OBJECTS = ({}, [[]], {"x": {"x": {"x": []}}})
"""What stands where something else should, by what should."""


@dataclass(frozen=True)
class Door:
    """One route of an extension module: who asks whom for what.

    segments: of the address. known: the same handler is tried with every wrong member elsewhere.
    """

    caller: Endpoint
    sender: Party
    callee: Partner
    store: Store
    module: str
    interface: str
    method: str
    segments: tuple[str, ...] = ()
    body: Body | None = None
    known: bool = False

    @property
    def name(self) -> str:
        """For messages of tests."""
        return f"{self.method} {self.module}/{self.interface} to {self.callee.name}"

    async def knock(self, body: object = None, segments: tuple[str, ...] | None = None, query: str = "") -> HttpAnswer:
        """Send a request here; bytes go as they are."""
        url = self.callee.endpoint(self.module, self.interface)
        assert url is not None, self.name
        address = "/".join((url, *(self.segments if segments is None else segments))) + query
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        answer, _ = await self.caller.requests.pass_on(
            self.callee,
            self.method,
            address,
            content,
            sender=self.sender,
            receiver=self.callee.roles[0].party,
            request_id=str(uuid.uuid4()),
            timeout=10,
            logged_path="/hostile",
        )
        return answer


def status_of(answer: HttpAnswer) -> tuple[int, int]:
    """HTTP status, and the status code within; a test fails where the body has none."""
    read = json.loads(answer.body)
    assert not any(word in answer.body.decode() for word in ("Traceback", 'File "', "sqlalchemy", "pydantic"))
    return answer.status, read["status_code"]


def mutations(body: Body) -> Iterator[tuple[str, object]]:
    """The body with one thing wrong at a time, in every member however deep, and what is wrong."""
    for path in _paths(body):
        yield f"without {path}", _with(body, path, missing=True)
        yield f"{path} = null", _with(body, path)
        for wrong in _wrong_for(_at(body, path)):
            yield f"{path} = {json.dumps(wrong)[:40]}", _with(body, path, wrong)


def _wrong_for(right: object) -> tuple[object, ...]:
    match right:
        case bool():
            return ("true",)
        case int() | float():
            return _NUMBERS
        case str():
            return _MOMENTS if right.endswith("Z") and "T" in right else _TEXTS
        case list():
            return _LISTS
    return _OBJECTS


def _at(body: object, path: tuple[str | int, ...]) -> object:
    for step in path:
        body = body[step]  # type: ignore[index]  # a dict or a list on the way
    return body


def _paths(value: object, above: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    members: Iterator[tuple[str | int, object]] = iter(())
    if isinstance(value, dict):
        members = iter(value.items())
    elif isinstance(value, list):
        members = iter(list(enumerate(value))[:1])
    for name, inner in members:
        yield (*above, name)
        yield from _paths(inner, (*above, name))


def _with(body: Body, path: tuple[str | int, ...], value: object = None, *, missing: bool = False) -> object:
    copy = json.loads(json.dumps(body))
    place: Any = copy  # Any: a dict or a list on the way
    for step in path[:-1]:
        place = place[step]
    if missing:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return copy


_KEPT_OF_EVERY_MESSAGE = {"message_log", "hub_log", "hub_answer", "push", "synchronisation", "partner"}
_LARGE = {"site", "tariff", "place", "evse"}
_TABLES = [one for one in tables.metadata.sorted_tables if one.name not in _KEPT_OF_EVERY_MESSAGE]
# Platforms tell one another of sites at any time, as they keep in step.
_TOLD = tables.event.c.stream != "sites"
_COUNTED = union_all(
    *(
        select(literal(one.name), func.count()).select_from(one).where(_TOLD if one is tables.event else true())
        for one in _TABLES
    )
)


def counted(store: Store) -> dict[str, int]:
    """How many rows each table has, but for those in which every message leaves something."""
    with store.read() as connection:
        return {row[0]: row[1] for row in connection.execute(_COUNTED)}


def stored(store: Store) -> dict[str, list[tuple[object, ...]]]:
    """All that is in them, but for sites and prices."""
    with store.read() as connection:
        return {
            one.name: [
                tuple(row) for row in connection.execute(select(one).where(_TOLD if one is tables.event else true()))
            ]
            for one in _TABLES
            if one.name not in _LARGE
        }
