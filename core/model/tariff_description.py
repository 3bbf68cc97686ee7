"""A tariff in rows that a screen can put into words: per kWh, per minute, per session, then all else (AFIR, art. 5)."""

from datetime import date, time
from decimal import Decimal
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from core.model.money import Price
from core.model.pricing.taxes import cost_of
from core.model.tariffs import Dimension, PriceComponent, ReservationCase, Restrictions, Tariff, TariffElement, Weekday

_MINUTES = Decimal(60)


class RowKind(StrEnum):
    """What a row prices; the order is that in which rows are shown."""

    PER_KWH = "per_kwh"
    PER_MINUTE = "per_minute"
    PER_MINUTE_PARKED = "per_minute_parked"
    PER_SESSION = "per_session"
    RESERVATION = "reservation"
    RESERVATION_PER_MINUTE = "reservation_per_minute"
    EXPIRED_RESERVATION = "expired_reservation"
    EXPIRED_RESERVATION_PER_MINUTE = "expired_reservation_per_minute"
    MINIMUM = "minimum"
    MAXIMUM = "maximum"


class ConditionKind(StrEnum):
    """What a condition bounds: local time, local date, kWh, ampere, kW, minutes of the session; or weekdays.

    OTHERWISE: where no row of the same kind above it holds.
    """

    TIME_OF_DAY = "time_of_day"
    DATE = "date"
    WEEKDAYS = "weekdays"
    ENERGY = "energy"
    CURRENT = "current"
    POWER = "power"
    DURATION = "duration"
    OTHERWISE = "otherwise"


class Condition(BaseModel):
    """One condition: from `lower` (inclusive) to `upper` (exclusive), None being open; `days` for WEEKDAYS."""

    model_config = ConfigDict(frozen=True)

    kind: ConditionKind
    lower: Decimal | time | date | None = None
    upper: Decimal | time | date | None = None
    days: tuple[Weekday, ...] = ()


class Row(BaseModel):
    """A price and when it holds. with_taxes None: unknown. step: billed in blocks of so many Wh or seconds."""

    model_config = ConfigDict(frozen=True)

    kind: RowKind
    before_taxes: Decimal
    with_taxes: Decimal | None
    vat_percent: Decimal | None = None
    step: int = 1
    conditions: tuple[Condition, ...] = ()


def describe(tariff: Tariff) -> tuple[Row, ...]:
    """The rows of a tariff. A component that an earlier one always hides has no row."""
    rows: list[Row] = []
    hidden: set[RowKind] = set()
    for element in tariff.elements:
        for component in _first_of_dimension(element):
            kind = _kind(component.dimension, element.restrictions.reservation)
            if kind is None or kind in hidden:
                continue
            conditions = _conditions(element.restrictions)
            if not conditions:
                hidden.add(kind)
                if any(row.kind is kind for row in rows):
                    conditions = (Condition(kind=ConditionKind.OTHERWISE),)
            rows.append(_row(kind, component, conditions))
    for kind, limit in ((RowKind.MINIMUM, tariff.min_price), (RowKind.MAXIMUM, tariff.max_price)):
        if limit:
            rows.append(_limit_row(kind, limit))
    order = list(RowKind)
    return tuple(sorted(rows, key=lambda row: order.index(row.kind)))


def _first_of_dimension(element: TariffElement) -> list[PriceComponent]:
    return [component for component in element.components if element.component(component.dimension) is component]


def _kind(dimension: Dimension, case: ReservationCase | None) -> RowKind | None:
    if case is None:
        return {
            Dimension.ENERGY: RowKind.PER_KWH,
            Dimension.TIME: RowKind.PER_MINUTE,
            Dimension.PARKING_TIME: RowKind.PER_MINUTE_PARKED,
            Dimension.FLAT: RowKind.PER_SESSION,
        }[dimension]
    expires = case is ReservationCase.RESERVATION_EXPIRES
    if dimension is Dimension.FLAT:
        return RowKind.EXPIRED_RESERVATION if expires else RowKind.RESERVATION
    if dimension is Dimension.TIME:
        return RowKind.EXPIRED_RESERVATION_PER_MINUTE if expires else RowKind.RESERVATION_PER_MINUTE
    return None  # a reservation has flat fees and time only (tar:1126)


def _row(kind: RowKind, component: PriceComponent, conditions: tuple[Condition, ...]) -> Row:
    divisor = _MINUTES if component.dimension in (Dimension.TIME, Dimension.PARKING_TIME) else Decimal(1)
    amount = cost_of(component, Decimal(1), divisor)
    return Row(
        kind=kind,
        before_taxes=amount.before_taxes,
        with_taxes=amount.with_taxes,
        vat_percent=component.vat_percent,
        step=component.step_size,
        conditions=conditions,
    )


def _limit_row(kind: RowKind, limit: Price) -> Row:
    return Row(kind=kind, before_taxes=limit.before_taxes, with_taxes=limit.with_taxes)


def _conditions(restrictions: Restrictions) -> tuple[Condition, ...]:
    found: list[Condition] = []
    if restrictions.days_of_week:
        found.append(Condition(kind=ConditionKind.WEEKDAYS, days=restrictions.days_of_week))
    bounds: tuple[tuple[ConditionKind, Decimal | time | date | None, Decimal | time | date | None], ...] = (
        (ConditionKind.TIME_OF_DAY, restrictions.start_time, restrictions.end_time),
        (ConditionKind.DATE, restrictions.start_date, restrictions.end_date),
        (ConditionKind.ENERGY, restrictions.min_energy_kwh, restrictions.max_energy_kwh),
        (ConditionKind.CURRENT, restrictions.min_current_a, restrictions.max_current_a),
        (ConditionKind.POWER, restrictions.min_power_kw, restrictions.max_power_kw),
        (ConditionKind.DURATION, _minutes(restrictions.min_duration_s), _minutes(restrictions.max_duration_s)),
    )
    found += [
        Condition(kind=kind, lower=lower, upper=upper)
        for kind, lower, upper in bounds
        if lower is not None or upper is not None
    ]
    return tuple(found)


def _minutes(seconds: int | None) -> Decimal | None:
    return None if seconds is None else Decimal(seconds) / _MINUTES
