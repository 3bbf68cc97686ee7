"""From what a station reports to charging periods: a period lasts while nothing that bears on the price changes."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

from core.model.meter import ChargingPeriod, Dimension, DimensionKind
from core.model.pricing.crossings import Point, crossings, priced_alike
from core.model.session import ENERGY_DECREASED, Reading, ServiceSession, SessionRule, change, with_reading

_HOUR = Decimal(3600)
_HOUR_DIGITS = Decimal("0.0001")
_KW_DIGITS = Decimal("0.001")
_AMPERE_DIGITS = Decimal("0.001")


def measured(
    session: ServiceSession,
    *,
    at: datetime,
    energy: Decimal,
    charging: bool,
    power_kw: Decimal | None = None,
    current_a: Decimal | None = None,
    state_of_charge: Decimal | None = None,
) -> ServiceSession:
    """The session with what was measured up to `at`: added to its last period, or to new ones.

    A new period begins where charging turns into parking or back, and where another component of the session's tariff
    becomes active. energy: kWh since the start; it never decreases. charging: whether energy was transferred since
    the last word. current_a: ampere, summed over the phases; where it is not told, what was measured last goes on.
    Raises SessionRule on time or energy running back.
    """
    if energy < session.energy:
        raise SessionRule("the energy of a session never decreases", code=ENERGY_DECREASED)
    since = session.last_word_at or session.started_at or at
    if at < since:
        raise SessionRule("a measurement came before the one already taken")
    return change(
        session,
        energy=energy,
        power_kw=power_kw,
        state_of_charge=session.state_of_charge if state_of_charge is None else state_of_charge,
        periods=_periods(session, Point(since, session.energy), Point(at, energy), charging, current_a),
        readings=with_reading(session.readings, Reading(at=at, energy=energy, power_kw=power_kw)),
        last_word_at=at,
    )


def parked(session: ServiceSession, at: datetime) -> ServiceSession:
    """The session with a period of parking that begins now: what partners see it by, as they hear of energy only."""
    if session.periods and any(one.kind is DimensionKind.PARKING_TIME for one in session.periods[-1].dimensions):
        return session
    return change(session, periods=(*session.periods, _period(DimensionKind.PARKING_TIME, at, at, Decimal(0))))


def without_empty_end(session: ServiceSession) -> ServiceSession:
    """The session without a last period in which no time has passed: it would move the rounding of the others."""
    empty = session.periods and session.periods[-1].start == session.last_word_at
    return change(session, periods=session.periods[:-1]) if empty else session


def _periods(
    session: ServiceSession, since: Point, until: Point, charging: bool, current: Decimal | None
) -> tuple[ChargingPeriod, ...]:
    periods = session.periods
    if since == until and periods:
        return periods
    kind = DimensionKind.TIME if charging else DimensionKind.PARKING_TIME
    if current is None and periods:
        current = _current_of(periods[-1])
    for one, following in pairwise((since, *_crossings(session, since, until), until)):
        piece = _period(kind, one.moment, following.moment, following.energy - one.energy, current)
        last = periods[-1] if periods else None
        if last is not None and _goes_on(session, periods, piece, kind, following.moment):
            total = last.volume(DimensionKind.ENERGY) + piece.volume(DimensionKind.ENERGY)
            average = _average(_current_of(last), one.moment - last.start, current, following.moment - one.moment)
            periods = (*periods[:-1], _period(kind, last.start, following.moment, total, average))
        else:
            periods = (*periods, piece)
    return periods


def _crossings(session: ServiceSession, since: Point, until: Point) -> tuple[Point, ...]:
    start = session.started_at or since.moment
    return tuple(
        point
        for tariff in session.tariffs[:1]
        for point in crossings(tariff, start, since, until, ZoneInfo(session.time_zone))
    )


def _goes_on(
    session: ServiceSession,
    periods: tuple[ChargingPeriod, ...],
    piece: ChargingPeriod,
    kind: DimensionKind,
    end: datetime,
) -> bool:
    """Whether the last period simply goes on: the same activity at the same price."""
    if all(one.kind is not kind for one in periods[-1].dimensions):
        return False
    start, zone = session.started_at or periods[0].start, ZoneInfo(session.time_zone)
    return all(priced_alike(tariff, start, end, (*periods, piece), zone) for tariff in session.tariffs[:1])


def _current_of(period: ChargingPeriod) -> Decimal | None:
    return next((one.volume for one in period.dimensions if one.kind is DimensionKind.CURRENT), None)


def _average(one: Decimal | None, lasted: timedelta, other: Decimal | None, lasts: timedelta) -> Decimal | None:
    """Of two currents by how long each flowed; None where one is not known."""
    if one is None or other is None or one == other:
        return one if one == other else None
    before, after = (Decimal(str(time.total_seconds())) for time in (lasted, lasts))
    return (one * before + other * after) / (before + after)


def _period(
    kind: DimensionKind, start: datetime, end: datetime, energy: Decimal, current: Decimal | None = None
) -> ChargingPeriod:
    return ChargingPeriod(start=start, dimensions=tuple(_volumes(kind, start, end, energy, current)))


def _volumes(
    kind: DimensionKind, start: datetime, end: datetime, energy: Decimal, current: Decimal | None
) -> Iterator[Dimension]:
    """Energy, time, and average power and current, which are rounded down so that no bound is reached by rounding."""
    hours = Decimal(str((end - start).total_seconds())) / _HOUR
    transfers = kind is DimensionKind.TIME or energy > 0
    if transfers:
        yield Dimension(kind=DimensionKind.ENERGY, volume=energy)
    yield Dimension(kind=kind, volume=hours.quantize(_HOUR_DIGITS))
    if transfers and hours:
        yield Dimension(kind=DimensionKind.POWER, volume=(energy / hours).quantize(_KW_DIGITS, rounding=ROUND_DOWN))
    if transfers and hours and current is not None:
        yield Dimension(kind=DimensionKind.CURRENT, volume=current.quantize(_AMPERE_DIGITS, rounding=ROUND_DOWN))
