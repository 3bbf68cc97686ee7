"""Between two readings of a meter: where another component becomes active, and whether two stretches cost alike."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from core.model.agreements import PricingOptions
from core.model.meter import ChargingPeriod
from core.model.pricing.boundaries import clock_boundaries, energy_bounds
from core.model.pricing.measured import MeasuredSession
from core.model.pricing.selection import select
from core.model.pricing.slices import Slice, clock_seconds, slices
from core.model.tariffs import Dimension, Tariff

METER_STEP_KWH = Decimal("0.0001")
_OPTIONS = PricingOptions()
_ANYTHING = dict.fromkeys((Dimension.ENERGY, Dimension.TIME, Dimension.PARKING_TIME), Decimal(1))


class Point(NamedTuple):
    """A moment of a session and the energy in kWh since its start."""

    moment: datetime
    energy: Decimal


def crossings(tariff: Tariff, start: datetime, since: Point, until: Point, time_zone: ZoneInfo) -> tuple[Point, ...]:
    """The points strictly between two readings at which an element may begin or cease to apply, in order of time.

    start: that of the session. What lies between the readings is taken as even: exact in time for times and durations,
    exact in energy for bounds of energy, the other figure in proportion.
    """
    lasts, gained = until.moment - since.moment, until.energy - since.energy
    found: set[Point] = set()
    for moment in clock_boundaries(tariff, since.moment, until.moment, (start,), time_zone):
        share = clock_seconds(moment - since.moment) / clock_seconds(lasts)
        found.add(Point(moment, since.energy + (gained * share).quantize(METER_STEP_KWH)))
    for bound in energy_bounds(tariff):
        if since.energy < bound < until.energy:
            found.add(Point(since.moment + lasts * float((bound - since.energy) / gained), bound))
    return tuple(sorted(point for point in found if since.energy <= point.energy <= until.energy))


def priced_alike(
    tariff: Tariff, start: datetime, end: datetime, periods: tuple[ChargingPeriod, ...], time_zone: ZoneInfo
) -> bool:
    """Whether at the start of each of the last two periods the same components are active."""
    session = MeasuredSession(start=start, end=end, periods=periods)
    one, other = slices(session, time_zone, _OPTIONS)[-2:]
    return _active(tariff, one) == _active(tariff, other)


def _active(tariff: Tariff, part: Slice) -> dict[Dimension, int | None]:
    """The element that would price each dimension, measured or not."""
    anything = replace(part, period=0, quantities=_ANYTHING)
    uses = select((anything,), (tariff,), expired=False, options=_OPTIONS)
    return {use.dimension: use.element for use in uses}
