"""Estimates and frozen quotes."""

from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from core.model.agreements import PricingOptions
from core.model.price_list import FeeKind, OwnFee, PriceList
from core.model.pricing.forecast import ExpectedStay, PowerStep
from core.model.quotes import Need, NeedKind, Quote, estimate, most_of_operator

FEES = PriceList(id="standard", currency="EUR", fees=(OwnFee(kind=FeeKind.PER_SESSION, amount=Decimal("0.50")),))
NO_FEES = PriceList(id="none", currency="EUR")
PER_KWH = PriceList(id="kwh", currency="EUR", fees=(OwnFee(kind=FeeKind.PER_KWH, amount=Decimal("0.1")),))


@pytest.fixture
def stay(make):
    """10 kWh at 10 kW from 10:00, plugged in until `end`."""
    step = PowerStep(after_s=0, power_kw=Decimal(10))
    return lambda end: ExpectedStay(
        start=make.at("10:00"), end=make.at(end), power=(step,), energy_goal_kwh=Decimal(10)
    )


def test_low_and_likely(make, stay):
    """4.00 for energy and 0.50 of our own; likely parked for 30 min at 6/h besides. Time has no bound: no most."""
    tariff = make.tariff(make.element(make.energy("0.4"), make.parking("6")))
    found = estimate(stay("11:00"), stay("11:30"), tariff, FEES, time_zone=ZoneInfo("UTC"), stops_at_kwh=Decimal(10))
    assert found.low == make.amount("4.50", "4.50")
    assert found.likely == make.amount("7.50", "7.50")
    assert found.most is None


def test_the_maximum_price_bounds(make, stay):
    tariff = make.tariff(make.element(make.energy("0.4"), make.parking("6")), max_price=make.limit("20", "24"))
    found = estimate(stay("11:00"), stay("11:30"), tariff, FEES, time_zone=None)
    assert found.most == make.amount("20.50", "24.50")
    assert estimate(stay("11:00"), stay("11:30"), tariff, PER_KWH, time_zone=None).most is None


def test_a_maximum_before_taxes_only_bounds_nothing(make):
    tariff = make.tariff(make.element(make.energy("0.4")), max_price=make.limit("20"))
    assert most_of_operator(tariff, PricingOptions()) is None


def test_a_stop_at_the_goal_bounds_where_time_is_free(make):
    """10.2 kWh in blocks of 0.5 are 10.5 at the dearest 0.60 + 20 %, both flat fees: 6.30 + 3 and 7.56 + 3."""
    tariff = make.tariff(
        make.element(make.flat("1"), make.energy("0.6", 500, vat="20"), start_time="08:00", end_time="20:00"),
        make.element(make.flat("2"), make.energy("0.4", vat="20"), make.parking("0")),
    )
    assert most_of_operator(tariff, PricingOptions(), Decimal("10.2")) == make.amount("9.30", "10.56")
    assert most_of_operator(tariff, PricingOptions()) is None


def test_time_and_fees_of_a_reservation_do_not_count(make):
    tariff = make.tariff(
        make.element(make.flat("5"), make.time("6"), reservation="RESERVATION"), make.element(make.energy("0.4"))
    )
    assert most_of_operator(tariff, PricingOptions(), Decimal(10)) == make.amount("4", "4")


def test_the_minimum_price_raises_the_bound(make):
    tariff = make.tariff(make.element(make.energy("0.4")), min_price=make.limit("5", "6"))
    assert most_of_operator(tariff, PricingOptions(), Decimal(1)) == make.amount("5", "6")


def test_a_quote_is_frozen_with_its_snapshots(make, stay):
    tariff = make.tariff(make.element(make.energy("0.4")))
    quote = Quote(
        id="Q-1",
        evse_id="DE*ABC*E1",
        created_at=make.at("09:59"),
        valid_until=make.at("10:14"),
        tariffs=(tariff,),
        price_list=FEES,
        time_zone="Europe/Berlin",
        need=Need(kind=NeedKind.ENERGY, amount=Decimal(10)),
        estimate=estimate(stay("11:00"), stay("11:00"), tariff, FEES, time_zone=None),
    )
    assert Quote.model_validate_json(quote.model_dump_json()) == quote
    assert Quote.model_validate_json(quote.model_dump_json()).content_hash == quote.content_hash
    dearer = quote.model_copy(update={"tariffs": (make.tariff(make.element(make.energy("0.41"))),)})
    assert dearer.content_hash != quote.content_hash
    with pytest.raises(ValueError, match="frozen"):
        quote.id = "Q-2"


def test_low_is_never_above_likely_where_fast_charging_is_dear(make, stay):
    """10 kWh at 10 kW cost 0.40 each; at 200 kW, in 3 minutes, 0.80."""
    tariff = make.tariff(make.element(make.energy("0.8"), min_power_kw=Decimal(100)), make.element(make.energy("0.4")))
    fast = ExpectedStay(
        start=make.at("10:00"),
        end=make.at("10:03"),
        power=(PowerStep(after_s=0, power_kw=Decimal(200)),),
        energy_goal_kwh=Decimal(10),
    )
    found = estimate(fast, stay("11:00"), tariff, NO_FEES, time_zone=None)
    assert found.low == found.likely == make.amount("4", "4")
