"""What a reader has to know beside the figures."""

from bisect import bisect_right
from zoneinfo import ZoneInfo

from core.model.agreements import Crossing, MissingLimitWithTaxes, PricingOptions
from core.model.pricing.boundaries import split_at_boundaries
from core.model.pricing.measured import MeasuredSession
from core.model.pricing.report import AppliedLimit, LimitKind, Line, Notice, NoticeCode
from core.model.pricing.selection import select
from core.model.pricing.slices import slices
from core.model.tariffs import Tariff


def notices_of(
    session: MeasuredSession,
    by_period: tuple[Tariff | None, ...],
    lines: tuple[Line, ...],
    limits: tuple[AppliedLimit, ...],
    time_zone: ZoneInfo | None,
    options: PricingOptions,
) -> tuple[Notice, ...]:
    """All notices on a priced session."""
    used = list({id(tariff): tariff for tariff in by_period if tariff}.values())
    return (
        *_never_applied(used, lines),
        *_not_in_force(used, session),
        *_without_tariff(by_period),
        *_crossing(session, by_period, time_zone, options),
        *_without_limit(used, limits, options),
    )


def _never_applied(used: list[Tariff], lines: tuple[Line, ...]) -> list[Notice]:
    priced = {line.tariff_id for line in lines}
    return [
        Notice(
            code=NoticeCode.TARIFF_NEVER_APPLIES,
            message=f"No element of the tariff “{tariff.id}” applies at any moment of its periods: nothing is priced, "
            "which is not the same as a tariff that is free of charge.",
            tariff_id=tariff.id,
        )
        for tariff in used
        if tariff.id not in priced
    ]


def _not_in_force(used: list[Tariff], session: MeasuredSession) -> list[Notice]:
    return [
        Notice(
            code=NoticeCode.TARIFF_NOT_IN_FORCE,
            message=f"The tariff “{tariff.id}” was not in force at the start of the session.",
            tariff_id=tariff.id,
        )
        for tariff in used
        if not tariff.valid_at(session.start)
    ]


def _without_tariff(by_period: tuple[Tariff | None, ...]) -> list[Notice]:
    return [
        Notice(
            code=NoticeCode.PERIOD_WITHOUT_TARIFF,
            message=f"Charging period {index + 1} has no tariff: it costs nothing.",
            period=index,
        )
        for index, tariff in enumerate(by_period)
        if tariff is None
    ]


def _crossing(
    session: MeasuredSession,
    by_period: tuple[Tariff | None, ...],
    time_zone: ZoneInfo | None,
    options: PricingOptions,
) -> list[Notice]:
    """A notice for every period in the middle of which another component becomes active."""
    tariffs = tuple({id(tariff): tariff for tariff in by_period if tariff}.values())
    start = options.crossing is Crossing.START
    divided = split_at_boundaries(session, tariffs, time_zone, options)
    if len(divided.periods) == len(session.periods):
        return []
    starts = [period.start for period in session.periods]
    origin = [bisect_right(starts, period.start) - 1 for period in divided.periods]
    uses = select(
        slices(divided, time_zone, options),
        tuple(by_period[index] for index in origin),
        expired=session.reservation_expired is not False,
        options=options,
    )
    elements: dict[tuple[int, object, bool], set[int | None]] = {}
    for use in uses:
        key = (origin[use.slice.period], use.dimension, use.slice.reserved)
        elements.setdefault(key, set()).add(use.element)
    crossed = sorted({period for (period, _, _), winners in elements.items() if len(winners) > 1})
    taken = "the state at its start is taken for all of it" if start else "it is divided in proportion"
    return [
        Notice(
            code=NoticeCode.PERIOD_CROSSES_BOUNDARY,
            message=f"In the middle of charging period {index + 1} another price becomes active; {taken}.",
            period=index,
        )
        for index in crossed
    ]


def _without_limit(used: list[Tariff], limits: tuple[AppliedLimit, ...], options: PricingOptions) -> list[Notice]:
    if options.missing_limit_with_taxes is not MissingLimitWithTaxes.UNLIMITED:
        return []
    by_id = {tariff.id: tariff for tariff in used}
    notices: list[Notice] = []
    for applied in limits:
        tariff = by_id[applied.tariff_id]
        limit = tariff.min_price if applied.kind is LimitKind.MIN_PRICE else tariff.max_price
        if limit and limit.with_taxes is None:
            notices.append(
                Notice(
                    code=NoticeCode.NO_LIMIT_WITH_TAXES,
                    message=f"The {applied.kind.value.replace('_', ' ')} of the tariff “{tariff.id}” is given before "
                    "taxes only, so the price with taxes is not limited.",
                    tariff_id=tariff.id,
                )
            )
    return notices
