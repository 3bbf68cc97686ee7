"""Whole-number units: moments in µs since 1970, energy in µJ (so watts times µs are exact), nJ inside batteries."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

SECOND = 1_000_000
"""Microseconds."""

WATT_HOUR = 3_600 * SECOND
"""Microjoules."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_REGISTER_STEP = WATT_HOUR // 10


def to_microseconds(moment: datetime) -> int:
    """Microseconds since 1970 of an aware datetime."""
    return (moment - _EPOCH) // _MICROSECOND


def to_datetime(microseconds: int) -> datetime:
    """The aware datetime in UTC of so many microseconds since 1970."""
    return _EPOCH + microseconds * _MICROSECOND


def kilowatt_hours(microjoules: int) -> Decimal:
    """What a meter shows: kWh in steps of 0.1 Wh, cut and never rounded up."""
    return Decimal(microjoules // _REGISTER_STEP).scaleb(-4)
