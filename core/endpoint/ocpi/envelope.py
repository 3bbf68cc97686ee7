"""The envelope around every answer and the codes in it: written as the text says, read as partners send it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import IntEnum

from pydantic_core import PydanticCustomError

from core.endpoint.ocpi.kinds import read_timestamp, write_timestamp
from core.endpoint.ocpi.reading import (
    MAX_BYTES,
    Json,
    JsonObject,
    Unreadable,
    check_structure,
    decode,
    not_json,
    parse,
    scan,
    skip_space,
    to_text,
)
from core.errors import Refused
from core.model.display import printable


class StatusCode(IntEnum):
    """What an answer says of the request, beside the HTTP status."""

    SUCCESS = 1000
    CLIENT_ERROR = 2000
    INVALID_PARAMETERS = 2001
    NOT_ENOUGH_INFORMATION = 2002
    UNKNOWN_LOCATION = 2003
    UNKNOWN_TOKEN = 2004
    SERVER_ERROR = 3000
    UNUSABLE_API = 3001
    UNSUPPORTED_VERSION = 3002
    NO_MATCHING_ENDPOINTS = 3003
    HUB_ERROR = 4000
    UNKNOWN_RECEIVER = 4001
    TIMEOUT = 4002
    CONNECTION_PROBLEM = 4003


_CLASS = {1: "SUCCESS", 2: "CLIENT_ERROR", 3: "SERVER_ERROR", 4: "HUB_ERROR"}


def status_name(code: int) -> str:
    """The name of a code; one that is not in the table has the name of its range."""
    try:
        return StatusCode(code).name
    except ValueError:
        return _CLASS.get(code // 1000, "UNKNOWN")


@dataclass(frozen=True)
class Item:
    """One object of a page: its JSON and the text it came as."""

    value: Json
    text: str


@dataclass(frozen=True)
class Envelope:
    """An answer as it was read. `items` holds the objects of a list, each with its own text, and is None otherwise."""

    status_code: int
    status_message: str | None
    timestamp: datetime | None
    data: Json
    items: tuple[Item, ...] | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the code is one of success."""
        return 1000 <= self.status_code < 2000

    def require_success(self) -> "Envelope":
        """Itself, or Refused with the name of the status code in lower case as its code."""
        if self.succeeded:
            return self
        name = status_name(self.status_code)
        told = f": {self.status_message}" if self.status_message else ""
        raise Refused(f"the partner answered {self.status_code} {name}{told}", code=name.lower())


def read_envelope(body: bytes | str, http_status: int = 200, max_bytes: int = MAX_BYTES) -> Envelope:
    """Read an answer. Raises Unreadable (NotJson) where it is not JSON.

    An answer without a status code, such as `{"detail": ...}`, gets one from its HTTP status; below 400 it is a
    server error unless it has data. Success inside an HTTP error is an error, an error inside HTTP 200 stays one.
    """
    text = decode(body, max_bytes)
    check_structure(text)
    start = skip_space(text, 0)
    if not text.startswith("{", start):
        value = parse(text)
        return Envelope(_from_http(http_status, has_data=False), None, None, value)
    members, items = _members(text, start)
    return Envelope(
        status_code=_status_code(members, http_status),
        status_message=_message(members),
        timestamp=_timestamp(members.get("timestamp")),
        data=members.get("data"),
        items=items,
    )


def _members(text: str, start: int) -> tuple[JsonObject, tuple[Item, ...] | None]:
    """The members of the object at `start`; a list `data` is taken item by item, each with its own text."""
    members: JsonObject = {}
    items: tuple[Item, ...] | None = None
    index = skip_space(text, start + 1)
    while not text.startswith("}", index):
        key, index = _key(text, index)
        if key in members:
            raise Unreadable(f"the key {key[:40]!a} is given twice", code="duplicate_key")
        if key == "data" and text.startswith("[", index):
            items, index = _items(text, index)
            members[key] = [item.value for item in items]
        else:
            members[key], index = scan(text, index)
        index = _next(text, index, "}")
    end = skip_space(text, index + 1)
    if end != len(text):
        raise not_json(text, end, "more text after the end")
    return members, items


def _key(text: str, index: int) -> tuple[str, int]:
    if not text.startswith('"', index):
        raise not_json(text, index, "a key in double quotes was expected")
    key, index = scan(text, index)
    colon = skip_space(text, index)
    if not text.startswith(":", colon):
        raise not_json(text, colon, "a colon was expected")
    return str(key), skip_space(text, colon + 1)


def _items(text: str, start: int) -> tuple[tuple[Item, ...], int]:
    items = []
    index = skip_space(text, start + 1)
    while not text.startswith("]", index):
        value, end = scan(text, index)
        items.append(Item(value, text[index:end]))
        index = _next(text, end, "]")
    return tuple(items), index + 1


def _next(text: str, index: int, closing: str) -> int:
    """The place of the next member or item, or of the closing bracket."""
    index = skip_space(text, index)
    if text.startswith(closing, index):
        return index
    if not text.startswith(",", index):
        raise not_json(text, index, f"a comma or {closing} was expected")
    after = skip_space(text, index + 1)
    if text.startswith(closing, after):
        raise not_json(text, after, "nothing follows the comma")
    return after


def _from_http(http_status: int, has_data: bool) -> int:
    if http_status >= 500:
        return StatusCode.SERVER_ERROR
    if http_status >= 400:
        return StatusCode.CLIENT_ERROR
    return StatusCode.SUCCESS if has_data else StatusCode.SERVER_ERROR


def _status_code(members: JsonObject, http_status: int) -> int:
    given = members.get("status_code")
    if isinstance(given, str) and re.fullmatch(r"\d{4}", given, re.ASCII):
        given = int(given)
    if isinstance(given, Decimal) and given == given.to_integral_value():
        given = int(given)
    if type(given) is not int or not 1000 <= given <= 9999:
        return _from_http(http_status, has_data="data" in members)
    if given < 2000 and http_status >= 400:
        return _from_http(http_status, has_data=False)
    return given


def _message(members: JsonObject) -> str | None:
    for name in ("status_message", "detail", "message", "error"):
        given = members.get(name)
        if given is not None:
            return printable((given if isinstance(given, str) else to_text(given))[:500])
    return None


def _timestamp(value: Json) -> datetime | None:
    try:
        return read_timestamp(value)
    except PydanticCustomError:
        return None


def envelope_text(
    data: str | None, timestamp: datetime, status_code: int = StatusCode.SUCCESS, status_message: str | None = "Success"
) -> str:
    """An answer; `data` is JSON text already and is spliced in, None leaves it out."""
    head = f'{{"data":{data},' if data is not None else "{"
    message = f'"status_message":{to_text(status_message)},' if status_message else ""
    return f'{head}"status_code":{int(status_code)},{message}"timestamp":"{write_timestamp(timestamp)}"}}'


def list_text(bodies: Iterable[str]) -> str:
    """The JSON text of a list of objects that are text already."""
    parts = list(bodies)
    if not parts:
        return "[]"
    # Brackets go to the small ones, as a page is long to be copied once more.
    parts[0] = f"[{parts[0]}"
    parts[-1] = f"{parts[-1]}]"
    return ",".join(parts)
