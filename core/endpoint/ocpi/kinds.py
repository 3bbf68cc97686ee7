"""Kinds of members: how a value of the wire is read tolerantly, what a strict writer objects to, how it is written."""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any

from pydantic_core import PydanticCustomError, core_schema
from typing_extensions import override

from core.endpoint.ocpi.reading import Json

NOT_AVAILABLE = "#NA"
"""What a required string says where its data cannot exist."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_PRINTABLE_ASCII = re.compile(r"[\x20-\x7e]+")
LONGEST = 16 * 1024
"""Characters of a text or word of a partner; a table that allows more takes four times its own. What is longer still is
no text for people [J]: it is refused, never cut."""
_LARGEST = 9 * Decimal(10) ** 14
"""Amounts and energies below it fit a store's whole number with four decimals."""
_NEWEST = 999_999_999


class Kind(ABC):
    """A kind of member: how its value is read, what a strict writer objects to, how it is written."""

    @abstractmethod
    def schema(self) -> core_schema.CoreSchema:
        """How pydantic reads it."""

    def fault(self, value: Any) -> tuple[str, str] | None:  # noqa: B027  # Any: each kind knows its own value type
        """What a strict writer objects to: a code and a sentence, or None."""

    def wire(self, value: Any) -> Json:  # Any: each kind knows its own value type
        """The value as JSON."""
        return value  # type: ignore[no-any-return]  # strings, integers and booleans are JSON already

    def __get_pydantic_core_schema__(self, _source: object, _handler: object) -> core_schema.CoreSchema:
        return self.schema()


def _length_fault(value: str, longest: int) -> tuple[str, str] | None:
    if len(value) > longest:
        return "invalid_length", f"is {len(value)} characters long where at most {longest} are allowed"
    return None


@dataclass(frozen=True)
class CiString(Kind):
    """Printable ASCII that is compared caselessly and passed on as it came; its length holds in reading, too."""

    max_length: int
    may_be_not_available: bool = False

    @override
    def schema(self) -> core_schema.CoreSchema:
        return core_schema.str_schema(strict=True, min_length=1, max_length=self.max_length, pattern=r"^[\x20-\x7e]*$")

    @override
    def fault(self, value: str) -> tuple[str, str] | None:
        if value == NOT_AVAILABLE and not self.may_be_not_available:
            return "invalid_member", f"may not be {NOT_AVAILABLE}"
        if not _PRINTABLE_ASCII.fullmatch(value):
            return "invalid_member", "has to be printable ASCII"
        return _length_fault(value, self.max_length)


@dataclass(frozen=True)
class Text(Kind):
    """Text for people; longer than allowed it is read, within reason, but not written."""

    max_length: int

    @override
    def schema(self) -> core_schema.CoreSchema:
        return core_schema.str_schema(strict=True, max_length=max(LONGEST, 4 * self.max_length))

    @override
    def fault(self, value: str) -> tuple[str, str] | None:
        if value == NOT_AVAILABLE:
            return "invalid_member", f"may not be {NOT_AVAILABLE}"
        if _CONTROL.search(value):
            return "invalid_member", "may not contain control characters"
        return _length_fault(value, self.max_length)


class Url(Text):
    """An address, followed as given."""

    def __init__(self) -> None:
        super().__init__(255)

    @override
    def fault(self, value: str) -> tuple[str, str] | None:
        if not value.startswith(("https://", "http://")):
            return "invalid_member", "has to start with https:// or http://"
        return super().fault(value)


def _word_fault(value: str, words: tuple[str, ...]) -> tuple[str, str] | None:
    return None if value in words else ("invalid_member", f"is not one of {', '.join(words)}")


@dataclass(frozen=True)
class Closed(Kind):
    """A word of a closed enum that bears meaning: an unknown one is a fault."""

    words: tuple[str, ...]

    @override
    def schema(self) -> core_schema.CoreSchema:
        return core_schema.literal_schema(list(self.words))

    @override
    def fault(self, value: str) -> tuple[str, str] | None:
        return _word_fault(value, self.words)


@dataclass(frozen=True)
class Harmless(Kind):
    """A word of a closed enum without which the object still means the same: an unknown one is read and ignored."""

    words: tuple[str, ...]

    @override
    def schema(self) -> core_schema.CoreSchema:
        return core_schema.str_schema(strict=True, max_length=LONGEST)

    @override
    def fault(self, value: str) -> tuple[str, str] | None:
        return _word_fault(value, self.words)


@dataclass(frozen=True)
class Open(Kind):
    """A word of an OpenEnum: partners may use words of their own, which are passed on and mean "other" to us."""

    words: tuple[str, ...]

    @override
    def schema(self) -> core_schema.CoreSchema:
        return core_schema.str_schema(strict=True, min_length=1, max_length=LONGEST)

    @override
    def fault(self, value: str) -> tuple[str, str] | None:
        return None if _PRINTABLE_ASCII.fullmatch(value) else ("invalid_member", "has to be printable ASCII")


_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)?", re.ASCII)


_EARLIEST, _LATEST = datetime(1000, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


def read_timestamp(value: object) -> datetime:
    """A timestamp in UTC; `Z` or nothing means UTC, an offset, though not allowed, is converted.

    The ends of the calendar stand for "always" and are moved away from it, so that any time zone can show them and
    time can be added.
    """
    if type(value) is datetime and value.tzinfo is not None:
        return value
    try:
        if type(value) is str and _TIMESTAMP.fullmatch(value):
            read = datetime.fromisoformat(value.upper())
            moment = read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
            return min(max(moment, _EARLIEST), _LATEST)
    except (ValueError, OverflowError):
        pass
    raise PydanticCustomError("timestamp", "expected a timestamp in UTC like 2015-06-29T20:39:09Z")


def write_timestamp(value: datetime) -> str:
    """A timestamp in UTC with `Z`, fractions of a second only where there are any, milliseconds at the finest."""
    moment = value.astimezone(UTC).replace(tzinfo=None)
    return moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds") + "Z"


class Timestamp(Kind):
    """A moment in UTC."""

    @override
    def schema(self) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(read_timestamp)

    @override
    def wire(self, value: datetime) -> Json:
        return write_timestamp(value)


def _read_number(value: object) -> Decimal:
    if type(value) is Decimal or type(value) is int:
        number = Decimal(value)
        if number.is_finite() and abs(number) < _LARGEST:
            return number
    raise PydanticCustomError("number", "expected a JSON number below 9·10^14")


class Number(Kind):
    """A JSON number as Decimal; written with at most four decimals, half up."""

    @override
    def schema(self) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(_read_number)

    @override
    def wire(self, value: Decimal) -> Json:
        if value != value.to_integral_value() and round(value, 4) != value:
            return value.quantize(Decimal("0.0001"), ROUND_HALF_UP)
        return value


def _read_whole(value: object) -> int:
    number = _read_number(value)
    if number == number.to_integral_value():
        return int(number)
    raise PydanticCustomError("whole", "expected a whole number")


@dataclass(frozen=True)
class Whole(Kind):
    """A JSON number without a fraction, written with at most `max_digits`."""

    max_digits: int = 15

    @override
    def fault(self, value: int) -> tuple[str, str] | None:
        return _length_fault(str(abs(value)), self.max_digits)

    @override
    def schema(self) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(_read_whole)


class Version(Whole):
    """The number of a version of an object, from 1 on, of nine digits at most."""

    def __init__(self) -> None:
        super().__init__(len(str(_NEWEST)))

    def _read(self, value: object) -> int:
        number = _read_whole(value)
        if 1 <= number <= _NEWEST:
            return number
        raise PydanticCustomError("version", f"expected a version from 1 to {_NEWEST}")

    @override
    def schema(self) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(self._read)


class Flag(Kind):
    """true or false."""

    @override
    def schema(self) -> core_schema.CoreSchema:
        return core_schema.bool_schema(strict=True)


_DEGREES = re.compile(r"-?\d{1,3}(?:\.\d{1,20})?", re.ASCII)


@dataclass(frozen=True)
class Degrees(Kind):
    """Decimal degrees in a string; written with five to seven decimals."""

    limit: int
    max_length: int

    def _read(self, value: object) -> Decimal:
        if type(value) is str and _DEGREES.fullmatch(value) and abs(degrees := Decimal(value)) <= self.limit:
            return degrees
        raise PydanticCustomError("degrees", f"expected a string of decimal degrees up to {self.limit}, like 51.047599")

    @override
    def schema(self) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(self._read)

    @override
    def wire(self, value: Decimal) -> Json:
        exponent = value.as_tuple().exponent
        decimals = min(7, max(5, -exponent if isinstance(exponent, int) else 7))
        return format(value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP), "f")


@dataclass(frozen=True)
class Pattern(Kind):
    """Text of one form, such as a local time; `example` says which."""

    max_length: int
    pattern: str
    example: str

    @override
    def fault(self, value: str) -> tuple[str, str] | None:
        if re.fullmatch(self.pattern, value, re.ASCII):
            return None
        return "invalid_member", f"has to be like {self.example}"

    def _read(self, value: object) -> str:
        if type(value) is str and re.fullmatch(self.pattern, value, re.ASCII):
            return value
        raise PydanticCustomError("pattern", f"expected a string like {self.example}")

    @override
    def schema(self) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(self._read)


_LOCAL_TIME = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d|24:00", re.ASCII)


def _read_time(value: object) -> time:
    if type(value) is time:
        return value
    if type(value) is str and _LOCAL_TIME.fullmatch(value):
        return time.fromisoformat("00:00" if value == "24:00" else value)
    raise PydanticCustomError("local_time", "expected a local time like 18:15")


class LocalTime(Kind):
    """Hours and minutes at the site; 24:00 is read as midnight."""

    max_length = 5

    @override
    def schema(self) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(_read_time)

    @override
    def wire(self, value: time) -> Json:
        return value.isoformat("minutes")


_LOCAL_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def _read_date(value: object) -> date:
    if type(value) is date:
        return value
    try:
        if type(value) is str and _LOCAL_DATE.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise PydanticCustomError("local_date", "expected a date like 2015-12-24")


class LocalDate(Kind):
    """A date at the site."""

    max_length = 10

    @override
    def schema(self) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(_read_date)

    @override
    def wire(self, value: date) -> Json:
        return value.isoformat()


Address = Annotated[str, Url()]
Moment = Annotated[datetime, Timestamp()]
Digits = Annotated[Decimal, Number()]
Count = Annotated[int, Whole()]
VersionNumber = Annotated[int, Version()]
YesNo = Annotated[bool, Flag()]
Latitude = Annotated[Decimal, Degrees(90, 10)]
Longitude = Annotated[Decimal, Degrees(180, 11)]
