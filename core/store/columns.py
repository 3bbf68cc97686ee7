"""Column types that keep moments, money and energy exact on SQLite and PostgreSQL alike."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from sqlalchemy import BigInteger, Dialect, Integer
from sqlalchemy.types import TypeDecorator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MOST_INTEGER = 2**31 - 1
"""PostgreSQL's integer."""


class Moment(TypeDecorator[datetime]):
    """An aware datetime, at rest as whole microseconds since 1970 UTC, so that it sorts and compares as a number."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Microseconds since 1970; a naive datetime is refused."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone cannot be stored")
        return (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """The aware datetime in UTC."""
        return None if value is None else _EPOCH + value * _MICROSECOND


class _Scaled(TypeDecorator[Decimal]):
    impl = BigInteger
    cache_ok = True
    places = 4

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        """The value in whole units; finer digits are rounded half even (the partner's own digits stand in the body)."""
        return None if value is None else int(value.scaleb(self.places).to_integral_value())

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:
        """The value as Decimal."""
        return None if value is None else Decimal(value).scaleb(-self.places)


class Money(_Scaled):
    """An amount in its currency, at rest in units of 1e-4."""

    cache_ok = True
    places = 4


class Energy(_Scaled):
    """An energy in kWh, at rest in units of 0.1 Wh."""

    cache_ok = True
    places = 4


class Watts(TypeDecorator[int]):
    """Whole watts to compare by: what is more than any connector gives is kept as the most that a column holds.

    The partner's own figure stands in the body.
    """

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:
        """The figure, at most 2^31 − 1."""
        return None if value is None else min(value, _MOST_INTEGER)


class Degrees(_Scaled):
    """Latitude or longitude in decimal degrees, at rest in units of 1e-7 degree."""

    cache_ok = True
    places = 7
