"""A record's claims against its own tariff: what differs, and which open point of the text would explain it.

A difference that a named option of the agreement explains is never called a wrong bill.
"""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from core.errors import EvroamError
from core.model.agreements import PricingOptions
from core.model.meter import DimensionKind
from core.model.money import Amount, Price
from core.model.pricing.measured import MeasuredSession
from core.model.pricing.price import price_figures, price_session
from core.model.pricing.report import CostKind, PriceFigures, PriceReport
from core.model.pricing.slices import HOUR_S, clock_seconds, only_reserved, slices
from core.model.tariffs import Dimension, Tariff

VARIED_PERIODS = 1000
_HALF = Decimal("0.5")
_CENT_PLACES = 2
_WH_PLACES = 3
_NUMBER_PLACES = 4
"""The decimals of a number of OCPI (types:57); further ones are noise of binary fractions or an unrounded figure."""
_HOURS_NOISE = Decimal("0.001")
"""Sums of hours with four decimals, and hours with three, are this near to the truth."""


class Claims(BaseModel):
    """What a record claims; None where it says nothing. Costs in its currency, energy in kWh, times in hours.

    negated: the total cost is that of a credit record, which negates it and nothing else.
    """

    model_config = ConfigDict(frozen=True)

    currency: str | None = None
    total: Price | None = None
    costs: dict[CostKind, Price] = {}
    energy_kwh: Decimal | None = None
    time_h: Decimal | None = None
    parking_h: Decimal | None = None
    negated: bool = False


class Figure(StrEnum):
    """What was compared: the total, a partial total, a quantity, or the currency."""

    TOTAL = "total"
    FIXED = "fixed"
    ENERGY_COST = "energy_cost"
    TIME_COST = "time_cost"
    PARKING_COST = "parking_cost"
    RESERVATION_COST = "reservation_cost"
    ENERGY = "energy"
    TIME = "time"
    PARKING_TIME = "parking_time"
    CURRENCY = "currency"


class Basis(StrEnum):
    """Which figure of a price was compared."""

    BEFORE_TAXES = "before_taxes"
    WITH_TAXES = "with_taxes"


class Explanation(BaseModel):
    """An option and the choice of it under which the claim is right."""

    model_config = ConfigDict(frozen=True)

    option: str
    choice: str


NO_ENERGY = Explanation(option="parking_definition", choice="no_energy_transferred")
"""Parked is a vehicle that asks for no power (cdr:432), and in the total (cdr:351) one to which no energy flows: so a
total may exceed what the periods measure. No price depends on it."""


class Difference(BaseModel):
    """A claim that the computation does not confirm; `basis` for amounts only."""

    model_config = ConfigDict(frozen=True)

    figure: Figure
    basis: Basis | None = None
    claimed: Decimal | str
    computed: Decimal | str
    explained_by: tuple[Explanation, ...] = ()


class OptionEffect(BaseModel):
    """An open point that matters here: with this choice the total would be another one."""

    model_config = ConfigDict(frozen=True)

    option: str
    choice: str
    total: Amount


class Audit(BaseModel):
    """A priced record beside its claims."""

    model_config = ConfigDict(frozen=True)

    report: PriceReport
    claims: Claims
    differences: tuple[Difference, ...]
    options_that_matter: tuple[OptionEffect, ...]

    @property
    def total(self) -> Amount:
        """What the record's total cost ought to say: of a credit record, the negative of what was priced (cdr:39)."""
        return _as_claimed(self.report.total, self.claims)

    @property
    def claims_a_cost(self) -> bool:
        """Whether the record claims any cost that could be compared."""
        return self.claims.total is not None or bool(self.claims.costs)

    @property
    def unexplained(self) -> tuple[Difference, ...]:
        """The differences that no option explains: those that call for a dispute."""
        return tuple(difference for difference in self.differences if not difference.explained_by)


def audit(
    session: MeasuredSession,
    tariffs: tuple[Tariff, ...],
    claims: Claims,
    *,
    time_zone: ZoneInfo | None = None,
    options: PricingOptions | None = None,
    effects: bool = True,
) -> Audit:
    """Price the session and compare; raises what `price_session` raises.

    Options are varied for up to VARIED_PERIODS periods: a record of more is a fault or an attack, and is priced once.
    effects: whether to tell which options matter; without, a record whose claims all hold is priced only once, too.
    """
    options = options or PricingOptions()
    report = price_session(session, tariffs, time_zone=time_zone, options=options)
    varied = len(session.periods) <= VARIED_PERIODS and (effects or any(_cost_differences(report, claims, ())))
    variants = tuple(_variants(session, tariffs, time_zone, options)) if varied else ()
    differences = [
        *_cost_differences(report, claims, variants),
        *_quantity_differences(session, claims, options),
    ]
    if claims.currency is not None and claims.currency.upper() != report.currency:
        differences.insert(0, Difference(figure=Figure.CURRENCY, claimed=claims.currency, computed=report.currency))
    matter = (
        OptionEffect(option=why.option, choice=why.choice, total=_as_claimed(other.total, claims))
        for why, other in (variants if effects else ())
        if why.option != "rounding" and other.total != report.total
    )
    return Audit(report=report, claims=claims, differences=tuple(differences), options_that_matter=tuple(matter))


def agrees(claimed: Decimal, computed: Decimal) -> bool:
    """Whether a claimed amount is the computed one, rounded to the decimals it is written with (two to four)."""
    return _near(claimed, computed, _CENT_PLACES)


def _variants(
    session: MeasuredSession, tariffs: tuple[Tariff, ...], time_zone: ZoneInfo | None, options: PricingOptions
) -> Iterator[tuple[Explanation, PriceFigures]]:
    for name, variant in options.alternatives():
        try:
            figures = price_figures(session, tariffs, time_zone=time_zone, options=variant)
        except EvroamError:
            continue  # a choice under which the session cannot be priced explains nothing
        yield Explanation(option=name, choice=str(getattr(variant, name))), figures


_PARTIAL = {
    CostKind.FIXED: Figure.FIXED,
    CostKind.ENERGY: Figure.ENERGY_COST,
    CostKind.TIME: Figure.TIME_COST,
    CostKind.PARKING: Figure.PARKING_COST,
    CostKind.RESERVATION: Figure.RESERVATION_COST,
}


def _cost_differences(
    report: PriceReport, claims: Claims, variants: tuple[tuple[Explanation, PriceFigures], ...]
) -> Iterator[Difference]:
    for kind, price in ((None, claims.total), *claims.costs.items()):
        for basis in _bases(report) if price else ():
            figure = getattr(price, basis)
            computed = _figure(report, claims, kind, basis)
            if figure is None or agrees(figure, computed):
                continue
            yield Difference(
                figure=_PARTIAL[kind] if kind else Figure.TOTAL,
                basis=basis,
                claimed=figure,
                computed=computed,
                explained_by=tuple(
                    why for why, other in variants if agrees(figure, _figure(other, claims, kind, basis))
                ),
            )


def _bases(figures: PriceFigures) -> tuple[Basis, ...]:
    return tuple(Basis) if figures.net_is_known else (Basis.WITH_TAXES,)


def _as_claimed(total: Amount, claims: Claims) -> Amount:
    return -total if claims.negated else total


def _figure(figures: PriceFigures, claims: Claims, kind: CostKind | None, basis: Basis) -> Decimal:
    amount = figures.total_of_kind(kind) if kind else _as_claimed(figures.total, claims)
    return amount.before_taxes if basis is Basis.BEFORE_TAXES else amount.with_taxes


def _quantity_differences(session: MeasuredSession, claims: Claims, options: PricingOptions) -> Iterator[Difference]:
    if claims.energy_kwh is not None and _has(session, DimensionKind.ENERGY):
        computed = _sum(session, DimensionKind.ENERGY)
        if not _near(claims.energy_kwh, computed, _WH_PLACES):
            yield Difference(figure=Figure.ENERGY, claimed=claims.energy_kwh, computed=computed)
    if claims.time_h is not None:
        readings = tuple(_durations(session))
        if all(_hours_differ(claims.time_h, reading) for reading in readings):
            yield Difference(figure=Figure.TIME, claimed=claims.time_h, computed=readings[0])
    if claims.parking_h is not None:
        computed = _parked(session, options)
        if _hours_differ(claims.parking_h, computed):
            defined = computed < claims.parking_h <= _hours(session.end - session.start) + _HOURS_NOISE
            yield Difference(
                figure=Figure.PARKING_TIME,
                claimed=claims.parking_h,
                computed=computed,
                explained_by=(NO_ENERGY,) if defined else (),
            )


def _durations(session: MeasuredSession) -> Iterator[Decimal]:
    """The readings of a session's duration in hours: by the clock or the volumes, with a reservation or without."""
    yield _hours(session.end - session.start)
    charging = _sum(session, DimensionKind.TIME) + _sum(session, DimensionKind.PARKING_TIME)
    yield charging
    yield charging + _sum(session, DimensionKind.RESERVATION_TIME)
    started = next((period.start for period in session.periods if not only_reserved(period)), session.end)
    yield _hours(session.end - started)


def _parked(session: MeasuredSession, options: PricingOptions) -> Decimal:
    """The hours that were priced as parking."""
    parked = (one.quantities.get(Dimension.PARKING_TIME, Decimal(0)) for one in slices(session, None, options))
    return (sum(parked, Decimal(0)) / HOUR_S).quantize(Decimal("0.0001"))


def _hours(duration: timedelta) -> Decimal:
    return (clock_seconds(duration) / HOUR_S).quantize(Decimal("0.0001"))


def _hours_differ(claimed: Decimal, computed: Decimal) -> bool:
    return abs(claimed - computed) > _HOURS_NOISE


def _near(claimed: Decimal, computed: Decimal, least_places: int) -> bool:
    """Whether the claim is the computed figure, rounded to the places it is written with."""
    exponent = claimed.as_tuple().exponent
    places = min(max(least_places, -exponent if isinstance(exponent, int) else 0), _NUMBER_PLACES)
    return abs(claimed - computed) <= _HALF.scaleb(-places)


def _has(session: MeasuredSession, kind: DimensionKind) -> bool:
    return any(one.kind is kind for period in session.periods for one in period.dimensions)


def _sum(session: MeasuredSession, kind: DimensionKind) -> Decimal:
    return sum((period.volume(kind) for period in session.periods), Decimal(0))
