"""What an energy transfer will cost, told before it starts and frozen when the driver consents.

A quote holds the two snapshots that the receipt is proved against: the operator's tariffs and the driver's price list.
"""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from core.model.agreements import PricingOptions
from core.model.money import ZERO, Amount, CurrencyCode, total_of
from core.model.price_list import DriverPrice, FeeKind, PriceList, driver_price, with_fees
from core.model.pricing.forecast import ExpectedStay, expected_session, forecast
from core.model.pricing.measured import MeasuredSession
from core.model.pricing.report import Line
from core.model.pricing.steps import KWH_PER_WH, in_steps
from core.model.pricing.taxes import cost_of
from core.model.reserving import reserved_period
from core.model.tariffs import Dimension, PriceComponent, Tariff

_TIMES = (Dimension.TIME, Dimension.PARKING_TIME)


class NeedKind(StrEnum):
    """How the driver says how much: kWh, a state of charge in percent, minutes, or until the vehicle is full."""

    ENERGY = "energy"
    STATE_OF_CHARGE = "state_of_charge"
    MINUTES = "minutes"
    FULL = "full"


class Need(BaseModel):
    """What the driver wants; `amount` in the unit of the kind, None for FULL."""

    model_config = ConfigDict(frozen=True)

    kind: NeedKind
    amount: Annotated[Decimal, Field(gt=0)] | None = None


class Estimate(BaseModel):
    """What the driver will pay: if all goes well, most likely, and at most. `most` None: nothing bounds it."""

    model_config = ConfigDict(frozen=True)

    currency: CurrencyCode
    low: Amount
    likely: Amount
    most: Amount | None = None


class Quote(BaseModel):
    """A price for one EVSE and one need, good until `valid_until`; time_zone: that of the site."""

    model_config = ConfigDict(frozen=True)

    id: str
    evse_id: str
    created_at: AwareDatetime
    valid_until: AwareDatetime
    tariffs: Annotated[tuple[Tariff, ...], Field(min_length=1)]
    price_list: PriceList
    options: PricingOptions = PricingOptions()
    time_zone: str | None
    need: Need
    estimate: Estimate

    @property
    def content_hash(self) -> str:
        """SHA-256 (hex) of the quote as it is written: what the driver consented to can be proved."""
        return sha256(self.model_dump_json().encode()).hexdigest()


class QuotedReservation(BaseModel):
    """What holding the EVSE costs beside the charging: used at its very end, and not used at all.

    lines: the operator's, of both cases. Amounts as the driver pays them.
    """

    model_config = ConfigDict(frozen=True)

    start: AwareDatetime
    until: AwareDatetime
    used: Amount
    unused: Amount
    lines: tuple[Line, ...] = ()


def quoted_reservation(
    start: datetime,
    until: datetime,
    tariff: Tariff,
    price_list: PriceList,
    *,
    time_zone: ZoneInfo | None,
    options: PricingOptions | None = None,
) -> QuotedReservation:
    """The price of a reservation from `start` to `until` under a tariff; one without a price for it costs nothing."""
    options = options or PricingOptions()
    prices: list[Amount] = []
    lines: dict[tuple[Dimension, int], Line] = {}
    for expired in (False, True):
        period = reserved_period(start, until).model_copy(update={"tariff_id": tariff.id})
        measured = MeasuredSession(start=start, end=until, periods=(period,), reservation_expired=expired)
        report = forecast(measured, (tariff,), time_zone=time_zone, options=options)
        prices.append(driver_price(report, price_list, options.rounding).total)
        lines |= {(one.dimension, one.element): one for one in report.lines}
    return QuotedReservation(start=start, until=until, used=prices[0], unused=prices[1], lines=tuple(lines.values()))


def driver_forecast(
    stay: ExpectedStay,
    tariff: Tariff,
    price_list: PriceList,
    *,
    time_zone: ZoneInfo | None,
    options: PricingOptions | None = None,
) -> DriverPrice:
    """What the driver pays for an expected stay. Raises what `price_session` and `driver_price` raise."""
    options = options or PricingOptions()
    report = forecast(expected_session(stay, tariff.id), (tariff,), time_zone=time_zone, options=options)
    return driver_price(report, price_list, options.rounding)


def estimate(
    best: ExpectedStay,
    likely: ExpectedStay,
    tariff: Tariff,
    price_list: PriceList,
    *,
    time_zone: ZoneInfo | None,
    options: PricingOptions | None = None,
    stops_at_kwh: Decimal | None = None,
) -> Estimate:
    """The estimate of a need that is expected to run as `best` or as `likely`.

    stops_at_kwh: energy at which the session is stopped for certain, None where it is not.
    """
    options = options or PricingOptions()
    fast, middle = (
        driver_forecast(stay, tariff, price_list, time_zone=time_zone, options=options).total for stay in (best, likely)
    )
    return Estimate(
        currency=tariff.currency,
        low=min(fast, middle, key=lambda total: total.with_taxes),  # where power has its price, fast is dear
        likely=middle,
        most=_most(tariff, price_list, options, stops_at_kwh),
    )


def most_of_operator(tariff: Tariff, options: PricingOptions, stops_at_kwh: Decimal | None = None) -> Amount | None:
    """The most that the operator may charge for a session, without a reservation; None where nothing bounds it.

    The maximum price of the tariff bounds it where it is given before and with taxes; the energy at which the session
    is stopped does where no element prices time.
    """
    bounds: list[Amount] = []
    most = tariff.max_price
    if most and most.with_taxes is not None:
        bounds.append(Amount(before_taxes=most.before_taxes, with_taxes=most.with_taxes))
    elements = [element for element in tariff.elements if element.restrictions.reservation is None]
    components = [component for element in elements for component in element.components]
    if stops_at_kwh is not None and not any(one.price and one.dimension in _TIMES for one in components):
        bounds.append(_at_least(_dearest(components, stops_at_kwh, options), tariff))
    if not bounds:
        return None
    return Amount(
        before_taxes=min(bound.before_taxes for bound in bounds), with_taxes=min(bound.with_taxes for bound in bounds)
    )


def _most(
    tariff: Tariff, price_list: PriceList, options: PricingOptions, stops_at_kwh: Decimal | None
) -> Amount | None:
    operator = most_of_operator(tariff, options, stops_at_kwh)
    if operator is None:
        return None
    if stops_at_kwh is None and any(fee.kind is FeeKind.PER_KWH and fee.amount for fee in price_list.fees):
        return None
    energy = stops_at_kwh or ZERO
    return with_fees(operator, energy, price_list, currency=tariff.currency, rounding=options.rounding).total


def _dearest(components: list[PriceComponent], kwh: Decimal, options: PricingOptions) -> Amount:
    """Every kWh at the dearest price and in the largest blocks, and every flat fee."""
    energies = [one for one in components if one.dimension is Dimension.ENERGY]
    step = max((one.step_size for one in energies), default=0) * KWH_PER_WH
    billed = in_steps(kwh, step, options.step_rounding)
    flats = [one for one in components if one.dimension is Dimension.FLAT]
    per_kwh = [cost_of(one, billed) for one in energies]
    fees = total_of([cost_of(one, Decimal(1)) for one in flats])
    return fees + Amount(
        before_taxes=max((one.before_taxes for one in per_kwh), default=ZERO),
        with_taxes=max((one.with_taxes for one in per_kwh), default=ZERO),
    )


def _at_least(amount: Amount, tariff: Tariff) -> Amount:
    least = tariff.min_price
    if least is None:
        return amount
    return Amount(
        before_taxes=max(amount.before_taxes, least.before_taxes),
        with_taxes=max(amount.with_taxes, least.with_taxes or ZERO),
    )
