"""A session that has not happened yet, or not to its end, and what it is expected to cost."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from core.model.agreements import Crossing, PricingOptions
from core.model.meter import ChargingPeriod, DimensionKind
from core.model.meter import Dimension as Measured
from core.model.pricing.measured import MeasuredSession
from core.model.pricing.price import price_session
from core.model.pricing.report import PriceReport
from core.model.pricing.slices import HOUR_S, clock_seconds
from core.model.tariffs import Tariff

_MICRO = Decimal("1e-6")
_LATEST_STEP_S = 366 * 24 * 3600


class PowerStep(BaseModel):
    """From so many seconds after the start on, charging with so many kW, until the next step."""

    model_config = ConfigDict(frozen=True)

    after_s: Annotated[int, Field(ge=0, le=_LATEST_STEP_S)]
    power_kw: Annotated[Decimal, Field(ge=0)]


class ExpectedStay(BaseModel):
    """Plugged in from `start` to `end`, charging as the steps say until the goal is reached, then parked.

    energy_goal_kwh None: no goal. Steps in order of time; before the first one nothing is charged.
    """

    model_config = ConfigDict(frozen=True)

    start: AwareDatetime
    end: AwareDatetime
    power: tuple[PowerStep, ...]
    energy_goal_kwh: Decimal | None = None


def expected_session(stay: ExpectedStay, tariff_id: str, so_far: MeasuredSession | None = None) -> MeasuredSession:
    """The stay as charging periods, appended to what is measured so far; its last period ends where the stay starts."""
    measured = so_far.periods if so_far else ()
    return MeasuredSession(
        start=so_far.start if so_far else stay.start,
        end=stay.end,
        periods=(*measured, *_expected_periods(stay, tariff_id)),
    )


def forecast(
    session: MeasuredSession,
    tariffs: tuple[Tariff, ...],
    *,
    time_zone: ZoneInfo | None,
    options: PricingOptions | None = None,
) -> PriceReport:
    """The price of an expected session; its periods are divided wherever another component becomes active."""
    return price_session(session, tariffs, time_zone=time_zone, options=divided(options))


def divided(options: PricingOptions | None) -> PricingOptions:
    """The options with periods divided at boundaries: what is expected has no periods of an operator to follow."""
    return (options or PricingOptions()).model_copy(update={"crossing": Crossing.SPLIT})


def _expected_periods(stay: ExpectedStay, tariff_id: str) -> Iterator[ChargingPeriod]:
    left = stay.energy_goal_kwh
    moment = stay.start
    for index, step in enumerate(stay.power):
        begin = stay.start + timedelta(seconds=step.after_s)
        following = stay.power[index + 1].after_s if index + 1 < len(stay.power) else None
        end = stay.end if following is None else min(stay.end, stay.start + timedelta(seconds=following))
        if not step.power_kw or begin >= end or (left is not None and left <= 0):
            continue
        energy = (step.power_kw * clock_seconds(end - begin) / HOUR_S).quantize(_MICRO)
        if left is not None and energy >= left:
            energy = left
            end = min(end, begin + timedelta(seconds=float(left * HOUR_S / step.power_kw)))
        if moment < begin:
            yield _period(moment, begin, tariff_id, None, None)
        yield _period(begin, end, tariff_id, energy, step.power_kw)
        moment = end
        left = None if left is None else left - energy
    if moment < stay.end:
        yield _period(moment, stay.end, tariff_id, None, None)


def _period(
    start: datetime, end: datetime, tariff_id: str, energy: Decimal | None, power: Decimal | None
) -> ChargingPeriod:
    hours = clock_seconds(end - start) / HOUR_S
    if energy is None or power is None:
        dimensions: tuple[Measured, ...] = (Measured(kind=DimensionKind.PARKING_TIME, volume=hours),)
    else:
        dimensions = (
            Measured(kind=DimensionKind.TIME, volume=hours),
            Measured(kind=DimensionKind.ENERGY, volume=energy),
            Measured(kind=DimensionKind.POWER, volume=power),
        )
    return ChargingPeriod(start=start, dimensions=dimensions, tariff_id=tariff_id)
