"""The hash by which the same content is recognised: SHA-256 over RFC 8785 canonical JSON.

RFC 8785 writes numbers as doubles, so numbers are hashed as strings of their digits without superfluous zeros: nothing
is lost, and 1.5 and 1.50 are the same content.
"""

import hashlib
import json
import re
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import Any

import rfc8785

from core.endpoint.ocpi.reading import Json
from core.model.money import plain
from core.model.sdr import Sdr

_BEYOND_BMP = re.compile("[\U00010000-\U0010ffff]")


def content_hash(value: Json) -> str:
    """SHA-256 (hex) of JSON as it was read."""
    return hashlib.sha256(canonical_json(_without_numbers(value))).hexdigest()


def text_hash(text: str) -> str:
    """`content_hash` of JSON text that was read, and so found within its limits, before."""
    return hashlib.sha256(canonical_json(_WITHOUT_NUMBERS.decode(text))).hexdigest()


def canonical_json(value: Any) -> bytes:  # Any: rfc8785 has no name for its input
    """RFC 8785 canonical JSON of a value without numbers.

    The interpreter's own writer makes the same of it, and many times faster, unless a character beyond the Basic
    Multilingual Plane stands in it: RFC 8785 sorts names by UTF-16 code units, the interpreter by code points.
    """
    text = json.dumps(value, ensure_ascii=False, check_circular=False, sort_keys=True, separators=(",", ":"))
    return rfc8785.dumps(value) if _BEYOND_BMP.search(text) else text.encode()


def sdr_hash(sdr: Sdr) -> str:
    """SHA-256 (hex) of an SDR's members, all but its signature."""
    return content_hash(_as_json(sdr.model_dump(exclude={"signature"}, exclude_none=True)))


def _without_numbers(value: Json) -> Any:  # Any: rfc8785 has no name for its input
    if isinstance(value, dict):
        return {name: _without_numbers(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_without_numbers(item) for item in value]
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return _digits(str(value))
    return value


@lru_cache(maxsize=4096)
def _digits(number: str) -> str:
    return plain(Decimal(number), min_decimals=0)


_WITHOUT_NUMBERS = json.JSONDecoder(parse_float=_digits, parse_int=_digits)


def _as_json(value: Any) -> Json:  # Any: what pydantic dumps
    if isinstance(value, dict):
        return {str(name): _as_json(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(item) for item in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value.isoformat() if isinstance(value, date | time) else value
