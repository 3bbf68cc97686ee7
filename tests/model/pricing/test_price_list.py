"""The driver's price: the operator's, and fees on lines of their own."""

from decimal import Decimal

import pytest

from core.errors import InvalidInput
from core.model.agreements import Rounding
from core.model.price_list import FeeKind, OwnFee, PriceList, driver_price


def fee(kind: FeeKind, amount: str, vat: str | None = None) -> OwnFee:
    return OwnFee(kind=kind, amount=Decimal(amount), vat_percent=None if vat is None else Decimal(vat))


def price_list(*fees: OwnFee, currency: str = "EUR") -> PriceList:
    return PriceList(id="standard", currency=currency, fees=fees)


@pytest.fixture
def report(make):
    """20 kWh at 0.50 + 20 %, of which the first 5 are free: 7.50 and 9.00."""
    tariff = make.tariff(make.element(make.energy("0.5", vat="20"), min_energy_kwh="5"))
    measured = make.session(make.period("10:00", ENERGY="5"), make.period("10:30", ENERGY="15"), end="11:00")
    return make.price(measured, tariff)


def test_without_fees_the_price_is_passed_through(make, report):
    price = driver_price(report, price_list())
    assert price.total == price.passed_through == make.amount("7.50", "9.00")
    assert price.fees == ()


def test_fees_have_lines_of_their_own(make, report):
    """0.35 a session + 19 %, 0.02 for each of 20 kWh without VAT, 10 % of 7.50 + 20 %."""
    fees = price_list(
        fee(FeeKind.PER_SESSION, "0.35", "19"), fee(FeeKind.PER_KWH, "0.02"), fee(FeeKind.PERCENT, "10", "20")
    )
    price = driver_price(report, fees)
    assert [line.amount for line in price.fees] == [
        make.amount("0.35", "0.4165"),
        make.amount("0.40", "0.40"),
        make.amount("0.75", "0.90"),
    ]
    assert price.total == make.amount("9.00", "10.7165")


def test_lines_are_rounded_where_the_agreement_says_so(make, report):
    fees = price_list(fee(FeeKind.PER_SESSION, "0.35", "19"))
    assert driver_price(report, fees, Rounding(place="lines", decimals=2)).total == make.amount("7.85", "9.42")


def test_an_unused_reservation_pays_no_fee_per_session(make):
    tariff = make.tariff(make.element(make.flat("3"), reservation="RESERVATION"))
    report = make.price(make.session(make.period("10:00", RESERVATION_TIME="1"), end="11:00"), tariff)
    fees = price_list(fee(FeeKind.PER_SESSION, "0.35"), fee(FeeKind.PERCENT, "10"))
    assert driver_price(report, fees).total.before_taxes == Decimal("3.30")


def test_another_currency_is_refused(report):
    with pytest.raises(InvalidInput, match="in CHF, the operator charges EUR"):
        driver_price(report, price_list(currency="CHF"))
