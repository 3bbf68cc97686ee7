"""Prices with taxes (OCPI 2.3.0, mod_tariffs: TaxIncluded, PriceLimit); every figure is worked by hand."""

from decimal import Decimal

import pytest

from core.endpoint.ocpi.v2_3_0.tariffs import TARIFF
from core.model.agreements import PricingOptions
from core.model.audit import Claims, audit
from core.model.money import Price
from core.model.pricing.report import CostKind
from core.model.quotes import most_of_operator
from core.model.tariff_description import describe
from core.model.tariffs import TaxIncluded

YES, NOT_APPLICABLE = {"tax_included": TaxIncluded.YES}, {"tax_included": TaxIncluded.NOT_APPLICABLE}


def with_taxes(tariff, told):
    return tariff.with_components(lambda one: one.model_copy(update=told))


@pytest.fixture
def gross(make):
    """0.60 a kWh with 20 % and 1.19 a session with 19 %: before taxes 0.50 and 1.00."""
    return with_taxes(make.tariff(make.element(make.energy("0.60", vat="20"), make.flat("1.19", vat="19"))), YES)


def ten_kwh(make):
    return make.session(make.period("10:00", ENERGY="10"), end="11:00")


def test_rule_30_a_price_with_taxes_is_what_is_paid_and_the_net_comes_out_of_it(make, gross):
    report = make.price(ten_kwh(make), gross)
    assert report.total == make.amount("6.00", "7.19")
    assert [(line.unit_price, line.net, line.vat, line.gross) for line in report.lines] == [
        (Decimal("1"), Decimal("1"), Decimal("0.19"), Decimal("1.19")),
        (Decimal("0.5"), Decimal("5"), Decimal("1"), Decimal("6")),
    ]
    assert report.net_is_known


def test_rule_30_the_gross_figure_of_a_price_with_taxes_is_exact_where_the_net_one_is_not(make):
    """0.49 with 19 % is 0.41176... before taxes; 7 kWh are 3.43 with taxes, not 3.4300000001."""
    tariff = with_taxes(make.tariff(make.element(make.energy("0.49", vat="19"))), YES)
    report = make.price(make.session(make.period("10:00", ENERGY="7"), end="11:00"), tariff)
    assert report.total.with_taxes == Decimal("3.43")
    assert report.subtotal.before_taxes.quantize(Decimal("0.000001")) == Decimal("2.882353")


def test_rule_30_times_are_priced_with_taxes_too(make):
    """20 minutes at 3.60 an hour are 1.20 with 20 % in it, 1.00 without."""
    tariff = with_taxes(make.tariff(make.element(make.time("3.60", vat="20"))), YES)
    report = make.price(make.session(make.period("10:00", TIME="0.3333"), end="10:20"), tariff)
    assert report.total == make.amount("1.00", "1.20")
    assert report.total_of_kind(CostKind.TIME) == report.total


def test_rule_30_where_no_tax_applies_both_figures_are_the_price(make):
    tariff = with_taxes(make.tariff(make.element(make.energy("0.60", vat="20"))), NOT_APPLICABLE)
    assert make.price(ten_kwh(make), tariff).total == make.amount("6.00", "6.00")


def test_rule_30_limits_cap_each_figure_by_itself(make, gross):
    """6.00 and 7.19 against at most 5.50 before and 7.00 after taxes; neither is derived from the other."""
    capped = gross.model_copy(update={"max_price": make.limit("5.50", "7.00")})
    assert make.price(ten_kwh(make), capped).total == make.amount("5.50", "7.00")
    only_net = gross.model_copy(update={"max_price": make.limit("5.50")})
    assert make.price(ten_kwh(make), only_net).total == make.amount("5.50", "7.19")


@pytest.mark.parametrize(
    ("file", "total"),
    [
        ("08_tariff_19_simple_north_american_exclusive", ("5.00", "5.00")),
        ("09_tariff_20_simple_north_american_inclusive", ("5.25", "5.25")),  # 230/tar:505
    ],
)
def test_the_north_american_examples(make, shared_data, file, total):
    """Two and a half hours at C$ 2.00 without and C$ 2.10 with taxes that nobody told the rate of."""
    tariff = TARIFF.read((shared_data / "ocpi_examples/2.3.0/tariffs" / f"{file}.json").read_bytes()).value
    report = make.price(make.session(make.period("10:00", "12", TIME="2.5"), end="12:30"), tariff)
    assert report.total == make.amount(*total)
    assert report.net_is_known is (tariff.tax_included is TaxIncluded.NO)


def test_a_net_figure_that_cannot_be_known_is_no_wrong_bill(make):
    """2.10 with taxes of an unknown rate: the record says 5.00 and 0.25 of tax, of which only 5.25 can be judged."""
    tariff = with_taxes(make.tariff(make.element(make.time("2.10"))), YES)
    measured = make.session(make.period("10:00", TIME="2.5"), end="12:30")
    right = Claims(total=Price(before_taxes=Decimal("5.00"), with_taxes=Decimal("5.25")))
    assert audit(measured, (tariff,), right).differences == ()
    wrong = Claims(total=Price(before_taxes=Decimal("5.00"), with_taxes=Decimal("5.50")))
    assert [one.claimed for one in audit(measured, (tariff,), wrong).differences] == [Decimal("5.50")]


def test_a_record_is_audited_against_prices_with_taxes(make, gross):
    claims = Claims(total=Price(before_taxes=Decimal("6.00"), with_taxes=Decimal("7.19")))
    assert audit(ten_kwh(make), (gross,), claims).differences == ()
    as_if_net = Claims(total=Price(before_taxes=Decimal("7.19"), with_taxes=Decimal("8.62")))
    assert len(audit(ten_kwh(make), (gross,), as_if_net).unexplained) == 2


def test_what_a_driver_reads_and_is_held_to_is_with_taxes_once(make, gross):
    row = describe(gross)[0]
    assert (row.before_taxes, row.with_taxes) == (Decimal("0.5"), Decimal("0.6"))
    assert most_of_operator(gross, PricingOptions(), Decimal(10)) == make.amount("6.00", "7.19")


def test_rule_33_the_breakdown_of_the_alternative_url_forgets_the_step(make, shared_data):
    """230/tar:607 bills 20.5 kWh: 5.13, 5.64, in all 5.63, 6.24. Its table (629) bills 20.45: 5.11, 5.62, 6.22."""
    tariff = TARIFF.read((shared_data / "ocpi_examples/2.3.0/tariffs/13_tariff_3_alt_url.json").read_bytes()).value
    measured = make.session(make.period("10:00", tariff.id, ENERGY="20.45"), end="11:00")
    report = make.price(measured, tariff, rounding={"place": "lines", "decimals": 2})
    assert [line.amount for line in report.lines] == [make.amount("0.50", "0.60"), make.amount("5.13", "5.64")]
    assert report.total == make.amount("5.63", "6.24")
    without_steps = tariff.with_components(lambda one: one.model_copy(update={"step_size": 1}))
    table = make.price(measured, without_steps, rounding={"place": "lines", "decimals": 2})
    assert table.total == make.amount("5.61", "6.22")
