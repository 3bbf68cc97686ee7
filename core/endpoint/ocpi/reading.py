"""JSON text as it crosses the wire: read within limits, without loss; written with every digit it had.

Numbers are int or Decimal, never float. What is not JSON, what is too large or too deep, a key given twice, NaN and
infinities are refused with `Unreadable` or `NotJson`; no input makes any other error.
"""

import json
import re
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from itertools import accumulate
from typing import TypeAlias

from core.errors import InvalidInput

Json: TypeAlias = bool | int | Decimal | str | list["Json"] | dict[str, "Json"] | None
JsonObject: TypeAlias = dict[str, Json]

MAX_BYTES = 16 * 1024 * 1024
MAX_DEPTH = 64
_MAX_EXPONENT = 64

_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_NOT_STRUCTURE = {code: None for code in range(128) if chr(code) not in "[]{}"}
_STEP = {"[": 1, "{": 1, "]": -1, "}": -1}
_SUSPECT_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_escape = json.encoder.encode_basestring


class Unreadable(InvalidInput):
    """Text that is not taken in: not JSON, or beyond the limits that every body has to keep."""

    code = "unreadable"


class NotJson(Unreadable):
    """Text that is not JSON; `line` and `column` count from 1."""

    code = "not_json"

    def __init__(self, reason: str, line: int, column: int) -> None:
        super().__init__(f"not JSON: {reason} (line {line}, column {column})")
        self.line = line
        self.column = column


def decode(body: bytes | str, max_bytes: int = MAX_BYTES) -> str:
    """The text of a body: UTF-8, a byte order mark allowed. Raises Unreadable if it is too large, else NotJson."""
    if len(body) > max_bytes:
        raise Unreadable(f"the body is larger than {max_bytes} bytes", code="too_large")
    if isinstance(body, str):
        return body.removeprefix("\ufeff")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = body[: error.start]
        line_start = before.rfind(b"\n") + 1
        raise NotJson("not UTF-8", before.count(b"\n") + 1, error.start - line_start + 1) from None


def parse(body: bytes | str, max_bytes: int = MAX_BYTES) -> Json:
    """Read one JSON text. Raises NotJson with line and column, or Unreadable for what breaks a limit."""
    text = decode(body, max_bytes)
    check_structure(text)
    value, end = scan(text, skip_space(text, 0))
    end = skip_space(text, end)
    if end != len(text):
        raise not_json(text, end, "more text after the end")
    return value


def parse_object(body: bytes | str, max_bytes: int = MAX_BYTES) -> JsonObject:
    """Read one JSON text that has to be an object."""
    value = parse(body, max_bytes)
    if not isinstance(value, dict):
        raise Unreadable("a JSON object was expected", code="not_an_object")
    return value


def check_structure(text: str) -> None:
    """Refuse nesting deeper than MAX_DEPTH before anything recurses into it."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    brackets = _STRING.sub("", text).translate(_NOT_STRUCTURE)
    if max(accumulate(_STEP.get(bracket, 0) for bracket in brackets), default=0) > MAX_DEPTH:
        raise Unreadable(f"nested deeper than {MAX_DEPTH} levels", code="too_deep")


def scan(text: str, start: int) -> tuple[Json, int]:
    """Read the JSON value that starts at an index; returns it and the index after it. `check_structure` comes first."""
    try:
        value, end = _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        raise NotJson(error.msg, error.lineno, error.colno) from None
    except RecursionError:
        raise Unreadable("nested too deep", code="too_deep") from None
    except ValueError:
        raise Unreadable("a number has too many digits", code="number_out_of_range") from None
    if _SUSPECT_ESCAPE.search(text, start, end):
        _check_characters(value)
    return value, end


_SPACE = re.compile(r"[ \t\n\r]*")


def skip_space(text: str, index: int) -> int:
    """The index of the next character that is not JSON white space."""
    match = _SPACE.match(text, index)
    return match.end() if match else index


def not_json(text: str, index: int, reason: str) -> NotJson:
    """The error for a place in a text."""
    return NotJson(reason, text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index))


def to_text(value: Json) -> str:
    """JSON text of a value read here or made for the wire; a Decimal keeps its digits and never has an exponent."""
    # The interpreter's own writer makes the same text several times as fast, but knows no Decimal.
    with suppress(TypeError):
        return _ENCODER.encode(value)
    parts: list[str] = []
    _write(value, parts.append)
    return "".join(parts)


def number_text(value: Decimal) -> str:
    """A JSON number without an exponent."""
    return format(value, "f")


def _object(pairs: list[tuple[str, Json]]) -> JsonObject:
    value = dict(pairs)
    if len(value) != len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise Unreadable(f"the key {twice[:40]!a} is given twice", code="duplicate_key")
    return value


def _number(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError(text[:40]) from None
    if len(text) < _MAX_EXPONENT and "e" not in text and "E" not in text:
        return value
    exponent = value.as_tuple().exponent
    if len(text) > 2 * _MAX_EXPONENT or not isinstance(exponent, int) or abs(exponent) > _MAX_EXPONENT:
        raise Unreadable("a number is out of range", code="number_out_of_range")
    return value


def _constant(name: str) -> Json:
    raise Unreadable(f"{name} is not a JSON number", code="not_json")


_ENCODER = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"))
_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=_number, parse_constant=_constant)


def _check_characters(value: Json) -> None:
    """Refuse U+0000 and unpaired surrogates, which no store and no encoder takes."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting.extend(one)
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
        elif isinstance(one, str) and ("\0" in one or any("\ud800" <= character <= "\udfff" for character in one)):
            raise Unreadable("a string has a character that cannot be stored", code="invalid_character")


def _write(value: Json, put: Callable[[str], None]) -> None:
    if isinstance(value, str):
        put(_escape(value))
    elif value is None:
        put("null")
    elif value is True:
        put("true")
    elif value is False:
        put("false")
    elif isinstance(value, Decimal):
        put(number_text(value))
    elif isinstance(value, int):
        put(int.__repr__(value))
    elif isinstance(value, dict):
        separator = "{"
        for key, member in value.items():
            put(separator + _escape(key) + ":")
            _write(member, put)
            separator = ","
        put("}" if value else "{}")
    else:
        separator = "["
        for item in value:
            put(separator)
            _write(item, put)
            separator = ","
        put("]" if value else "[]")
