"""Moments at which an element may begin or cease to apply, and periods divided there."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

from core.model.agreements import PricingOptions
from core.model.meter import ChargingPeriod, Dimension, DimensionKind
from core.model.pricing.measured import MeasuredSession, tariffs_of_periods
from core.model.pricing.slices import HOUR_S, duration_origin, energy_of, seconds
from core.model.tariffs import Restrictions, Tariff

_TIMES = (DimensionKind.TIME, DimensionKind.PARKING_TIME, DimensionKind.RESERVATION_TIME)
_PICO = Decimal("1e-12")
_TICK = timedelta(microseconds=1)


def split_at_boundaries(
    session: MeasuredSession, tariffs: tuple[Tariff, ...], time_zone: ZoneInfo | None, options: PricingOptions
) -> MeasuredSession:
    """The session with every period divided where an element of its tariff may begin or cease to apply.

    Energy and time are divided in proportion to the clock; where energy reaches a bound the division is exact.
    """
    origins = (session.start, duration_origin(session, options))
    ends = [period.start for period in session.periods[1:]] + [session.end]
    pieces: list[ChargingPeriod] = []
    energy = Decimal(0)
    by_period = tariffs_of_periods(session, tariffs, options)
    for period, end, tariff in zip(session.periods, ends, by_period, strict=True):
        if tariff is None or end <= period.start:
            pieces.append(period)
        else:
            moments = clock_boundaries(tariff, period.start, end, origins, time_zone)
            pieces.extend(_divided(period, end, energy, moments, energy_bounds(tariff), options))
        energy += energy_of(period)
    return session.model_copy(update={"periods": tuple(pieces)})


def energy_bounds(tariff: Tariff) -> set[Decimal]:
    """The amounts of energy (kWh) at which an element of the tariff begins or ceases to apply."""
    bounds = {
        bound
        for element in tariff.elements
        for bound in (element.restrictions.min_energy_kwh, element.restrictions.max_energy_kwh)
    }
    return {bound for bound in bounds if bound is not None}


def clock_boundaries(
    tariff: Tariff, start: datetime, end: datetime, origins: tuple[datetime, ...], time_zone: ZoneInfo | None
) -> list[datetime]:
    """The moments strictly between start and end at which an element may begin or cease to apply by the clock.

    origins: the moments from which durations count. Without a time zone, restrictions by local time give none.
    """
    found: set[datetime] = set()
    for element in tariff.elements:
        bounds = (element.restrictions.min_duration_s, element.restrictions.max_duration_s)
        found.update(
            origin + timedelta(seconds=bound)
            for origin in origins
            for bound in bounds
            if bound is not None and 0 <= bound <= (end - origin).total_seconds()
        )
    if time_zone and tariff.need_time_zone:
        times = {time(0)}.union(*(_times(element.restrictions) for element in tariff.elements))
        found.update(_local_moments(times, start, end, time_zone))
        found.update(_offset_changes(start, end, time_zone))
    return sorted(moment for moment in found if start < moment < end)


def _times(restrictions: Restrictions) -> set[time]:
    return {moment for moment in (restrictions.start_time, restrictions.end_time) if moment is not None}


def _local_moments(times: set[time], start: datetime, end: datetime, time_zone: ZoneInfo) -> Iterator[datetime]:
    """Every occurrence of the times of day: twice where the clock is put back, none where it is put forward."""
    day = start.astimezone(time_zone).date()
    while day <= end.astimezone(time_zone).date():
        for moment in times:
            for fold in (0, 1):
                occurrence = datetime.combine(day, moment, time_zone).replace(fold=fold).astimezone(UTC)
                if occurrence.astimezone(time_zone).time() == moment:
                    yield occurrence
        day += timedelta(days=1)


def _offset_changes(start: datetime, end: datetime, time_zone: ZoneInfo) -> Iterator[datetime]:
    """The moments at which the clocks of the site are changed, to the second."""
    early = start.astimezone(UTC)
    while early < end:
        late = early + timedelta(hours=12)
        if early.astimezone(time_zone).utcoffset() != late.astimezone(time_zone).utcoffset():
            yield _offset_change(early, late, time_zone)
        early = late


def _offset_change(early: datetime, late: datetime, time_zone: ZoneInfo) -> datetime:
    before = early.astimezone(time_zone).utcoffset()
    early, late = early.replace(microsecond=0), late.replace(microsecond=0)
    while late - early > timedelta(seconds=1):
        middle = (early + (late - early) / 2).replace(microsecond=0)
        if middle.astimezone(time_zone).utcoffset() == before:
            early = middle
        else:
            late = middle
    return late


def _divided(
    period: ChargingPeriod,
    end: datetime,
    before: Decimal,
    moments: list[datetime],
    bounds: set[Decimal],
    options: PricingOptions,
) -> Iterator[ChargingPeriod]:
    energy, lasts = energy_of(period), end - period.start
    cuts: dict[Fraction, Decimal] = {Fraction(0): Decimal(0)}
    for moment in moments:
        share = Fraction((moment - period.start) // _TICK, lasts // _TICK)
        cuts[share] = (energy * share.numerator / share.denominator).quantize(_PICO)
    for bound in bounds:
        if before < bound < before + energy:
            cuts[Fraction(bound - before) / Fraction(energy)] = bound - before
    shares = [*sorted(cuts), Fraction(1)]
    cuts[Fraction(1)] = energy
    for share, following in pairwise(shares):
        yield _piece(period, end, share, following, cuts[following] - cuts[share], options)


def _piece(
    period: ChargingPeriod,
    end: datetime,
    share: Fraction,
    following: Fraction,
    energy: Decimal,
    options: PricingOptions,
) -> ChargingPeriod:
    part = following - share
    dimensions: list[Dimension] = []
    for one in period.dimensions:
        if one.kind is DimensionKind.ENERGY:
            continue
        volume = one.volume
        if one.kind in _TIMES:
            whole = seconds(one.volume, period.start, end, options.time_source)
            volume = whole * part.numerator / part.denominator / HOUR_S
        dimensions.append(Dimension(kind=one.kind, volume=volume))
    if any(one.kind is DimensionKind.ENERGY for one in period.dimensions):
        dimensions.append(Dimension(kind=DimensionKind.ENERGY, volume=energy))
    ticks = (end - period.start) // _TICK
    return period.model_copy(
        update={"start": period.start + _TICK * round(ticks * share), "dimensions": tuple(dimensions)}
    )
