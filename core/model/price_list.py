"""What the home-CSP charges the driver: the operator's price passed through, and its own fees on lines of their own.

The operator's tariff prices what the visited-CSO charges the home-CSP; neither price is guessed from the other.
"""

from decimal import Decimal
from enum import StrEnum
from hashlib import sha256
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from core.errors import InvalidInput
from core.model.agreements import Rounding, RoundingPlace
from core.model.money import Amount, CurrencyCode, total_of
from core.model.pricing.report import PriceReport
from core.model.tariffs import LanguageText

_PERCENT = Decimal(100)


class FeeKind(StrEnum):
    """What a fee is charged for: a session, each kWh, or a share of what the operator charges before taxes."""

    PER_SESSION = "per_session"
    PER_KWH = "per_kwh"
    PERCENT = "percent"


class OwnFee(BaseModel):
    """A fee of the home-CSP before taxes: money, or percent for PERCENT. vat_percent None: no VAT applies."""

    model_config = ConfigDict(frozen=True)

    kind: FeeKind
    amount: Annotated[Decimal, Field(ge=0)]
    vat_percent: Decimal | None = None
    names: tuple[LanguageText, ...] = ()


class PriceList(BaseModel):
    """The home-CSP's fees in one currency; without fees the operator's price is passed through as it is."""

    model_config = ConfigDict(frozen=True)

    id: str
    currency: CurrencyCode
    fees: tuple[OwnFee, ...] = ()

    @property
    def content_hash(self) -> str:
        """SHA-256 (hex) of the price list as it is written, by which a frozen copy is proved to be unchanged."""
        return sha256(self.model_dump_json().encode()).hexdigest()


class FeeLine(BaseModel):
    """A fee charged; quantity: 1, kWh, or the amount of money of which a share is taken."""

    model_config = ConfigDict(frozen=True)

    fee: OwnFee
    quantity: Decimal
    net: Decimal
    vat: Decimal
    gross: Decimal

    @property
    def amount(self) -> Amount:
        """Net and gross."""
        return Amount(before_taxes=self.net, with_taxes=self.gross)


class DriverPrice(BaseModel):
    """What the driver pays: the operator's total passed through, then the fees."""

    model_config = ConfigDict(frozen=True)

    currency: CurrencyCode
    passed_through: Amount
    fees: tuple[FeeLine, ...]
    total: Amount


def driver_price(report: PriceReport, price_list: PriceList, rounding: Rounding | None = None) -> DriverPrice:
    """The driver's price of a priced session. A reservation that was not used pays no fee per session.

    Raises InvalidInput where the price list is in another currency.
    """
    return with_fees(
        report.total,
        report.energy,
        price_list,
        currency=report.currency,
        sessions=0 if report.only_reserved else 1,
        rounding=rounding,
    )


def with_fees(
    passed_through: Amount,
    energy_kwh: Decimal,
    price_list: PriceList,
    *,
    currency: str,
    sessions: int = 1,
    rounding: Rounding | None = None,
) -> DriverPrice:
    """An operator's price with the home-CSP's fees for so much energy; raises InvalidInput for another currency."""
    rounding = rounding or Rounding()
    if price_list.currency != currency:
        raise InvalidInput(
            f"The price list is in {price_list.currency}, the operator charges {currency}.",
            code="currencies_differ",
            next_step="Use the price list of the site's currency.",
        )
    quantities = {
        FeeKind.PER_SESSION: Decimal(sessions),
        FeeKind.PER_KWH: energy_kwh,
        FeeKind.PERCENT: passed_through.before_taxes,
    }
    fees = tuple(_line(fee, quantities[fee.kind], rounding) for fee in price_list.fees if quantities[fee.kind])
    total = total_of([passed_through, *(fee.amount for fee in fees)])
    if rounding.place is not RoundingPlace.NOTHING:
        total = total.rounded(rounding.decimals, rounding.mode)
    return DriverPrice(currency=currency, passed_through=passed_through, fees=fees, total=total)


def _line(fee: OwnFee, quantity: Decimal, rounding: Rounding) -> FeeLine:
    net = fee.amount * quantity / (_PERCENT if fee.kind is FeeKind.PERCENT else 1)
    amount = Amount(before_taxes=net, with_taxes=net * (_PERCENT + (fee.vat_percent or 0)) / _PERCENT)
    if rounding.place is RoundingPlace.LINES:
        amount = amount.rounded(rounding.decimals, rounding.mode)
    return FeeLine(
        fee=fee,
        quantity=quantity,
        net=amount.before_taxes,
        vat=amount.with_taxes - amount.before_taxes,
        gross=amount.with_taxes,
    )
