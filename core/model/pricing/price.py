"""All steps in a row: the price of a session as a report."""

from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

from core.errors import InvalidInput
from core.model.agreements import Crossing, PricingOptions, RoundingPlace, UnusedReservation
from core.model.money import total_of
from core.model.pricing.boundaries import split_at_boundaries
from core.model.pricing.limits import apply_limits
from core.model.pricing.lines import lines_of
from core.model.pricing.measured import MeasuredSession, tariffs_of_periods
from core.model.pricing.notices import notices_of
from core.model.pricing.report import PassedOver, PricedPeriod, PricedUse, PriceFigures, PriceReport
from core.model.pricing.selection import Use, select
from core.model.pricing.slices import slices
from core.model.pricing.steps import billed_extras
from core.model.tariffs import Tariff


def price_session(
    session: MeasuredSession,
    tariffs: tuple[Tariff, ...],
    *,
    time_zone: ZoneInfo | None = None,
    options: PricingOptions | None = None,
) -> PriceReport:
    """Price a session under its tariffs.

    time_zone: that of the site. Raises TimeZoneNeeded where a tariff in use depends on it and it is None, TariffUnknown
    where a period's tariff is not given, InvalidInput where none is given or those in use differ in currency.
    """
    options = options or PricingOptions()
    priced = _priced(session, tariffs, time_zone, options)
    by_period = tariffs_of_periods(session, tariffs, options)
    figures = priced.figures
    return PriceReport(
        currency=priced.currency,
        periods=_periods(priced),
        lines=figures.lines,
        limits=figures.limits,
        subtotal=figures.subtotal,
        total=figures.total,
        notices=notices_of(session, by_period, figures.lines, figures.limits, time_zone, options),
    )


def price_figures(
    session: MeasuredSession,
    tariffs: tuple[Tariff, ...],
    *,
    time_zone: ZoneInfo | None = None,
    options: PricingOptions | None = None,
) -> PriceFigures:
    """What `price_session` gives, without the account of periods and notices; raises the same."""
    return _priced(session, tariffs, time_zone, options or PricingOptions()).figures


@dataclass(frozen=True, slots=True)
class _Priced:
    session: MeasuredSession
    currency: str
    by_period: tuple[Tariff | None, ...]
    uses: tuple[Use, ...]
    extras: dict[int, Decimal]
    figures: PriceFigures


def _priced(
    session: MeasuredSession, tariffs: tuple[Tariff, ...], time_zone: ZoneInfo | None, options: PricingOptions
) -> _Priced:
    if not tariffs:
        raise InvalidInput(
            "There is no tariff to price with.", code="no_tariff", next_step="Give the tariff that held."
        )
    if options.crossing is Crossing.SPLIT:
        session = split_at_boundaries(session, tariffs, time_zone, options)
    by_period = tariffs_of_periods(session, tariffs, options)
    used = tuple({id(tariff): tariff for tariff in by_period if tariff is not None}.values())
    currency = _currency(used or tariffs)
    parts = slices(session, time_zone, options)
    unused = bool(parts) and all(part.reserved for part in parts)
    uses = select(parts, by_period, expired=unused and _expired(session, options), options=options)
    extras = billed_extras(uses, options)
    lines = lines_of(uses, extras, options.rounding)
    limits = apply_limits(lines, used, unused_reservation=unused, options=options)
    subtotal = total_of([line.amount for line in lines])
    total = total_of([subtotal, *(limit.change for limit in limits)])
    if options.rounding.place is not RoundingPlace.NOTHING:
        total = total.rounded(options.rounding.decimals, options.rounding.mode)
    figures = PriceFigures(lines=lines, limits=limits, subtotal=subtotal, total=total)
    return _Priced(session, currency, by_period, uses, extras, figures)


def _currency(tariffs: tuple[Tariff, ...]) -> str:
    currencies = {tariff.currency for tariff in tariffs}
    if len(currencies) != 1:
        raise InvalidInput(
            f"The tariffs are in {', '.join(sorted(currencies))}.",
            code="currencies_differ",
            next_step="Price sessions in one currency.",
        )
    return currencies.pop()


def _expired(session: MeasuredSession, options: PricingOptions) -> bool:
    if session.reservation_expired is not None:
        return session.reservation_expired
    return options.unused_reservation is UnusedReservation.EXPIRED


def _periods(priced: _Priced) -> tuple[PricedPeriod, ...]:
    periods = priced.session.periods
    ends = [period.start for period in periods[1:]] + [priced.session.end]
    uses_of: list[list[PricedUse]] = [[] for _ in periods]
    for index, use in enumerate(priced.uses):
        uses_of[use.slice.period].append(
            PricedUse(
                dimension=use.dimension,
                reserved=use.slice.reserved,
                quantity=use.quantity,
                added=priced.extras.get(index, Decimal(0)),
                tariff_id=use.tariff.id if use.tariff else None,
                element=use.element,
                passed_over=tuple(PassedOver(element=element, unmet=why) for element, why in use.passed_over),
            )
        )
    return tuple(
        PricedPeriod(start=period.start, end=end, tariff_id=tariff.id if tariff else None, uses=tuple(uses))
        for period, end, tariff, uses in zip(periods, ends, priced.by_period, uses_of, strict=True)
    )
