"""First step: measured periods become slices, each with its quantities and the state in which they were taken."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from core.model.agreements import DurationOrigin, PricingOptions, TimeSource, UnknownFlow
from core.model.meter import ChargingPeriod, DimensionKind
from core.model.pricing.measured import MeasuredSession
from core.model.tariffs import Dimension

HOUR_S = Decimal(3600)
_LAST_PLACE_AT_MOST = Decimal("0.001")
_MICRO = Decimal("1e-6")
_NANO = Decimal("1e-9")
_TIMES = {
    DimensionKind.TIME: Dimension.TIME,
    DimensionKind.PARKING_TIME: Dimension.PARKING_TIME,
}
_HOURS = (*_TIMES, DimensionKind.RESERVATION_TIME)
_CURRENTS = (DimensionKind.MIN_CURRENT, DimensionKind.CURRENT, DimensionKind.MAX_CURRENT)
_POWERS = (DimensionKind.MIN_POWER, DimensionKind.POWER, DimensionKind.MAX_POWER)


@dataclass(frozen=True, slots=True)
class Flow:
    """The lowest and highest current (A) or power (kW) of a slice."""

    low: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True)
class Slice:
    """Quantities of one measured period and the state at its start.

    period: its index in the session. quantities: kWh for ENERGY, seconds for TIME and PARKING_TIME; reserved time is
    the TIME of a slice whose `reserved` is true. energy_before: kWh since the start of the session. elapsed_s: seconds
    since the origin of durations. local: wall time at the site, None where its time zone is unknown.
    """

    period: int
    start: datetime
    end: datetime
    reserved: bool
    quantities: dict[Dimension, Decimal]
    energy_before: Decimal
    elapsed_s: Decimal
    local: datetime | None
    current: Flow | None
    power: Flow | None


def slices(session: MeasuredSession, time_zone: ZoneInfo | None, options: PricingOptions) -> tuple[Slice, ...]:
    """All slices in order of time; a period with reserved time and other quantities gives two, reserved first.

    Beside reserved time, periods without any quantity are no session: no charging was started.
    """
    ends = [period.start for period in session.periods[1:]] + [session.end]
    origin = duration_origin(session, options)
    energy = Decimal(0)
    found: list[Slice] = []
    untimed = _untimed(session, options.time_source)
    for index, (period, end) in enumerate(zip(session.periods, ends, strict=True)):
        local = period.start.astimezone(time_zone) if time_zone else None
        reserved_h = period.volume(DimensionKind.RESERVATION_TIME)
        if reserved_h:
            found.append(
                Slice(
                    period=index,
                    start=period.start,
                    end=end,
                    reserved=True,
                    quantities={Dimension.TIME: seconds(reserved_h, period.start, end, options.time_source)},
                    energy_before=energy,
                    elapsed_s=clock_seconds(period.start - session.start),
                    local=local,
                    current=None,
                    power=None,
                )
            )
        if not only_reserved(period):
            found.append(
                Slice(
                    period=index,
                    start=period.start,
                    end=end,
                    reserved=False,
                    quantities=_quantities(period, end, untimed[index], options.time_source),
                    energy_before=energy,
                    elapsed_s=clock_seconds(period.start - origin),
                    local=local,
                    current=_current(period),
                    power=_power(period, end, options.unknown_flow),
                )
            )
        energy += energy_of(period)
    reserved = [one for one in found if one.reserved]
    used = any(one.quantities for one in found if not one.reserved)
    return tuple(found if used or not reserved else reserved)


def duration_origin(session: MeasuredSession, options: PricingOptions) -> datetime:
    """The moment from which a session's duration counts."""
    reserved = [only_reserved(period) for period in session.periods]
    if options.duration_origin is DurationOrigin.RESERVATION or not any(reserved) or all(reserved):
        return session.start
    return session.periods[reserved.index(False)].start


def seconds(volume_h: Decimal, start: datetime, end: datetime, source: TimeSource) -> Decimal:
    """The seconds meant by a volume in hours that was measured from `start` to `end`.

    Hours with few decimals hit no whole second (10 minutes read 0.1667 h, 600.12 s). Reconciled, such a volume counts
    as the duration by the clock where it lies within one unit of its last place, else as the nearest whole second
    within that unit, else as it stands. A volume of whole seconds is always taken as it stands. What lies below a
    microsecond is noise of binary fractions and goes.
    """
    clock = clock_seconds(end - start)
    if source is TimeSource.CLOCK:
        return clock
    measured = (volume_h * HOUR_S).quantize(_MICRO)
    if source is TimeSource.VOLUME or measured == measured.to_integral_value():
        return measured
    exponent = volume_h.as_tuple().exponent
    assert isinstance(exponent, int)  # only infinities and NaN have another one, and the model refuses those
    tolerance = min(Decimal(1).scaleb(exponent), _LAST_PLACE_AT_MOST) * HOUR_S
    if abs(measured - clock) <= tolerance:
        return clock
    whole = measured.to_integral_value()
    return whole if abs(measured - whole) <= tolerance and tolerance < 1 else measured


def energy_of(period: ChargingPeriod) -> Decimal:
    """The energy of a period in kWh; what lies below a microwatt-hour is noise of binary fractions and goes."""
    energy = period.volume(DimensionKind.ENERGY)
    exponent = energy.as_tuple().exponent
    return energy.quantize(_NANO) if isinstance(exponent, int) and exponent < -9 else energy


def clock_seconds(duration: timedelta) -> Decimal:
    """A duration by the clock in seconds, exact."""
    return Decimal(duration // timedelta(microseconds=1)).scaleb(-6)


def only_reserved(period: ChargingPeriod) -> bool:
    """Whether the period is reserved time and nothing else."""
    used = (DimensionKind.ENERGY, DimensionKind.TIME, DimensionKind.PARKING_TIME)
    return bool(period.volume(DimensionKind.RESERVATION_TIME)) and not any(period.volume(kind) for kind in used)


def _untimed(session: MeasuredSession, source: TimeSource) -> tuple[Dimension | None, ...]:
    """What each period was by the clock in a record that gives no time at all; None where the volumes tell.

    A period without energy in a record that gives energy was parking (cdr:351), every other one charging. A record that
    gives any time is taken at its word: what it leaves out did not happen.
    """
    kinds = {one.kind for period in session.periods for one in period.dimensions}
    if source is TimeSource.VOLUME or not kinds.isdisjoint(_HOURS):
        return (None,) * len(session.periods)
    idle = Dimension.PARKING_TIME if DimensionKind.ENERGY in kinds else Dimension.TIME
    return tuple(Dimension.TIME if energy_of(period) else idle for period in session.periods)


def _quantities(
    period: ChargingPeriod, end: datetime, untimed: Dimension | None, source: TimeSource
) -> dict[Dimension, Decimal]:
    found = {Dimension.ENERGY: energy_of(period)}
    if untimed:
        found[untimed] = clock_seconds(end - period.start)
    times = [kind for kind in _TIMES if period.volume(kind)]
    if len(times) > 1 and source is TimeSource.CLOCK:
        source = TimeSource.VOLUME  # the clock does not tell charging from parking within one period
    for kind in times:
        found[_TIMES[kind]] = seconds(period.volume(kind), period.start, end, source)
    return {dimension: quantity for dimension, quantity in found.items() if quantity}


def _volume(period: ChargingPeriod, kind: DimensionKind) -> Decimal | None:
    return next((one.volume for one in period.dimensions if one.kind is kind), None)


def _flow(period: ChargingPeriod, kinds: tuple[DimensionKind, ...]) -> Flow | None:
    known = [volume for kind in kinds if (volume := _volume(period, kind)) is not None]
    return Flow(low=known[0], high=known[-1]) if known else None


def _current(period: ChargingPeriod) -> Flow | None:
    return _flow(period, _CURRENTS) or (Flow(Decimal(0), Decimal(0)) if _idle(period) else None)


def _power(period: ChargingPeriod, end: datetime, unknown: UnknownFlow) -> Flow | None:
    if known := _flow(period, _POWERS):
        return known
    if _idle(period):
        return Flow(Decimal(0), Decimal(0))
    energy, lasted = _volume(period, DimensionKind.ENERGY), clock_seconds(end - period.start)
    if unknown is not UnknownFlow.AVERAGE or energy is None or not lasted:
        return None
    average = energy * HOUR_S / lasted
    return Flow(average, average)


def _idle(period: ChargingPeriod) -> bool:
    kinds = (DimensionKind.ENERGY, DimensionKind.TIME)
    return bool(period.volume(DimensionKind.PARKING_TIME)) and not any(period.volume(kind) for kind in kinds)
