"""A session that has not happened yet, or not to its end, and what it is expected to cost."""

from collections.abc import Iterator, Sequence
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
_W_PER_KW = 1000
_LATEST_STEP_S = 366 * 24 * 3600


class PowerStep(BaseModel):
    """From so many seconds after the start on, charging with so many kW, until the next step."""

    model_config = ConfigDict(frozen=True)

    after_s: Annotated[int, Field(ge=0, le=_LATEST_STEP_S)]
    power_kw: Annotated[Decimal, Field(ge=0)]


class ExpectedStay(BaseModel):
    """Plugged in from `start` to `end`, charging as the steps say until the goal is reached, then parked.

    energy_goal_kwh None: no goal. Steps in order of time; before the first one nothing is charged. volts: at what the
    vehicle charges, line to neutral on AC, so that bounds on the current of all phases can be judged; None: as in what
    was measured so far, else not known.
    """

    model_config = ConfigDict(frozen=True)

    start: AwareDatetime
    end: AwareDatetime
    power: tuple[PowerStep, ...]
    energy_goal_kwh: Decimal | None = None
    volts: Annotated[int, Field(gt=0)] | None = None


def expected_session(stay: ExpectedStay, tariff_id: str, so_far: MeasuredSession | None = None) -> MeasuredSession:
    """The stay as charging periods, appended to what is measured so far; its last period ends where the stay starts."""
    measured = so_far.periods if so_far else ()
    volts = stay.volts or _measured_volts(measured)
    return MeasuredSession(
        start=so_far.start if so_far else stay.start,
        end=stay.end,
        periods=(*measured, *_expected_periods(stay, tariff_id, volts)),
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


def _measured_volts(periods: Sequence[ChargingPeriod]) -> Decimal | None:
    """Power over current, by the last period that tells both."""
    for period in reversed(periods):
        power, current = period.volume(DimensionKind.POWER), period.volume(DimensionKind.CURRENT)
        if power > 0 and current > 0:
            return power * _W_PER_KW / current
    return None


def _expected_periods(stay: ExpectedStay, tariff_id: str, volts: Decimal | int | None) -> Iterator[ChargingPeriod]:
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
            yield _parked(moment, begin, tariff_id)
        yield _charging(begin, end, tariff_id, energy, step.power_kw, volts)
        moment = end
        left = None if left is None else left - energy
    if moment < stay.end:
        yield _parked(moment, stay.end, tariff_id)


def _parked(start: datetime, end: datetime, tariff_id: str) -> ChargingPeriod:
    hours = clock_seconds(end - start) / HOUR_S
    parked = (Measured(kind=DimensionKind.PARKING_TIME, volume=hours),)
    return ChargingPeriod(start=start, dimensions=parked, tariff_id=tariff_id)


def _charging(
    start: datetime, end: datetime, tariff_id: str, energy: Decimal, power: Decimal, volts: Decimal | int | None
) -> ChargingPeriod:
    volumes = {
        DimensionKind.TIME: clock_seconds(end - start) / HOUR_S,
        DimensionKind.ENERGY: energy,
        DimensionKind.POWER: power,
    }
    if volts is not None:
        volumes[DimensionKind.CURRENT] = (power * _W_PER_KW / volts).quantize(_MICRO)
    dimensions = tuple(Measured(kind=kind, volume=volume) for kind, volume in volumes.items())
    return ChargingPeriod(start=start, dimensions=dimensions, tariff_id=tariff_id)
