"""How the price of a minute runs through an expected session, and when it changes next."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, ConfigDict

from core.model.agreements import PricingOptions
from core.model.money import ZERO, Amount
from core.model.pricing.boundaries import split_at_boundaries
from core.model.pricing.forecast import divided
from core.model.pricing.measured import MeasuredSession, tariffs_of_periods
from core.model.pricing.selection import Use, select
from core.model.pricing.slices import HOUR_S, clock_seconds, slices
from core.model.pricing.taxes import cost_of
from core.model.tariffs import Dimension, Tariff

_MINUTES = Decimal(60)


class PriceSegment(BaseModel):
    """A time in which the price of a minute is the same: unit prices before taxes, and a minute at the expected power.

    per_kwh, per_hour None: nothing prices energy or time. charging: False while parked.
    """

    model_config = ConfigDict(frozen=True)

    start: AwareDatetime
    end: AwareDatetime
    charging: bool
    per_kwh: Amount | None
    per_hour: Amount | None
    per_minute: Amount


class PriceChange(BaseModel):
    """The next moment at which a minute costs something else, such as the end of free parking."""

    model_config = ConfigDict(frozen=True)

    at: AwareDatetime
    before: PriceSegment
    after: PriceSegment


def price_course(
    session: MeasuredSession,
    tariffs: tuple[Tariff, ...],
    *,
    time_zone: ZoneInfo | None,
    options: PricingOptions | None = None,
) -> tuple[PriceSegment, ...]:
    """How the price of a minute runs through an expected session, neighbours of equal price made one.

    From the moment at which the maximum price of the tariff is reached, a minute costs nothing. Steps are left out:
    they are settled at the end of a session.
    """
    options = divided(options)
    session = split_at_boundaries(session, tariffs, time_zone, options)
    by_period = tariffs_of_periods(session, tariffs, options)
    parts = slices(session, time_zone, options)
    uses = select(parts, by_period, expired=False, options=options)
    segments: list[PriceSegment] = []
    spent = Amount()
    for part in parts:
        if part.reserved:
            continue
        own = tuple(use for use in uses if use.slice is part)
        segment = _segment(own, part.start, part.end)
        spent += _flat(own)
        for piece in _until_maximum(segment, by_period[part.period], spent):
            spent += _times_minutes(piece.per_minute, piece.end - piece.start)
            _append(segments, piece)
    return tuple(segments)


def next_price_change(course: tuple[PriceSegment, ...], now: datetime) -> PriceChange | None:
    """The first moment after `now` at which the price of a minute changes; None where it does not any more."""
    for before, after in pairwise(course):
        if after.start > now and before.per_minute != after.per_minute:
            return PriceChange(at=after.start, before=before, after=after)
    return None


def _segment(uses: tuple[Use, ...], start: datetime, end: datetime) -> PriceSegment:
    by_dimension = {use.dimension: use for use in uses if not use.slice.reserved}
    energy = by_dimension.get(Dimension.ENERGY)
    timed = by_dimension.get(Dimension.PARKING_TIME) or by_dimension.get(Dimension.TIME)
    hours = clock_seconds(end - start) / HOUR_S
    power = energy.quantity / hours if energy and hours else ZERO
    per_minute = Amount()
    if energy and energy.component:
        per_minute += cost_of(energy.component, power / _MINUTES)
    if timed and timed.component:
        per_minute += cost_of(timed.component, 1 / _MINUTES)
    return PriceSegment(
        start=start,
        end=end,
        charging=Dimension.PARKING_TIME not in by_dimension,
        per_kwh=cost_of(energy.component, Decimal(1)) if energy and energy.component else None,
        per_hour=cost_of(timed.component, Decimal(1)) if timed and timed.component else None,
        per_minute=per_minute.rounded(6),
    )


def _flat(uses: tuple[Use, ...]) -> Amount:
    fees = (use.component for use in uses if use.dimension is Dimension.FLAT and use.component)
    return sum((cost_of(fee, Decimal(1)) for fee in fees), Amount())


def _times_minutes(per_minute: Amount, duration: timedelta) -> Amount:
    minutes = clock_seconds(duration) / _MINUTES
    return Amount(before_taxes=per_minute.before_taxes * minutes, with_taxes=per_minute.with_taxes * minutes)


def _until_maximum(segment: PriceSegment, tariff: Tariff | None, spent: Amount) -> Iterator[PriceSegment]:
    """The segment, divided at the moment at which the maximum price is reached."""
    most = tariff.max_price if tariff else None
    if most is None:
        yield segment
        return
    if most.with_taxes is None:
        left, rate = most.before_taxes - spent.before_taxes, segment.per_minute.before_taxes
    else:
        left, rate = most.with_taxes - spent.with_taxes, segment.per_minute.with_taxes
    if left >= rate * clock_seconds(segment.end - segment.start) / _MINUTES:
        yield segment
        return
    reached = segment.start + timedelta(minutes=float(max(left, ZERO) / rate)) if rate else segment.start
    if reached > segment.start:
        yield segment.model_copy(update={"end": reached})
    yield segment.model_copy(update={"start": reached, "per_minute": Amount()})


def _append(segments: list[PriceSegment], piece: PriceSegment) -> None:
    previous = segments[-1] if segments else None
    if previous and previous.model_copy(update={"start": piece.start, "end": piece.end}) == piece:
        segments[-1] = previous.model_copy(update={"end": piece.end})
    else:
        segments.append(piece)
