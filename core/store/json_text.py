"""JSON at rest: a Decimal is written as the number it is, digit for digit, and read back as Decimal."""

import json
import math
from collections.abc import Mapping
from decimal import Decimal

from pydantic import BaseModel
from pydantic_core import to_jsonable_python


def json_text(value: object) -> str:
    """The value as compact JSON text; a pydantic model goes by its aliases.

    Raises ValueError for a number that is not finite, PydanticSerializationError for what JSON cannot hold.
    """
    match value:
        case str():
            return _text(value)
        case None | bool() | int():
            return json.dumps(value)
        case Decimal():
            return _number(str(value), value.is_finite())
        case float():
            return _number(repr(value), math.isfinite(value))
        case BaseModel():
            return json_text(value.model_dump(by_alias=True))
        case Mapping():
            members = (f"{_text(_name(name))}:{json_text(item)}" for name, item in value.items())
            return "{" + ",".join(members) + "}"
        case list() | tuple():
            return "[" + ",".join(map(json_text, value)) + "]"
        case _:
            return json_text(to_jsonable_python(value))


def json_value(text: str) -> object:
    """The value of JSON text, with every number that has a fraction or an exponent as Decimal."""
    return json.loads(text, parse_float=Decimal)


def _number(digits: str, finite: bool) -> str:
    if not finite:
        raise ValueError("a number that is not finite has no place in JSON")
    return digits


def _text(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        # Half a surrogate pair, as a partner's JSON may hold it, has no UTF-8: only escaped can it be kept.
        return json.dumps(value)
    return json.dumps(value, ensure_ascii=False)


def _name(name: object) -> str:
    return name if isinstance(name, str) else str(to_jsonable_python(name))
