"""Charge plans worked by hand: power by time for a need, its price, and why there is none."""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from core.model.charge_planning import NoPlan, Prices, plan
from core.model.credentials import ChargingPreference
from core.model.plans import PlanNeed, PlanRefusal
from core.model.tariffs import Dimension, PriceComponent, Restrictions, Tariff, TariffElement

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
FAST, REGULAR, CHEAP = ChargingPreference.FAST, ChargingPreference.REGULAR, ChargingPreference.CHEAP


def energy_at(price: str, restrictions: Restrictions | None = None) -> TariffElement:
    component = PriceComponent(dimension=Dimension.ENERGY, price=Decimal(price), step_size=1)
    return TariffElement(components=(component,), restrictions=restrictions or Restrictions())


def prices(*elements: TariffElement) -> Prices:
    tariff = Tariff(country_code="DE", party_id="TST", id="T", currency="EUR", elements=elements, last_updated=NOON)
    return Prices(tariff, ZoneInfo("UTC"), None)


DEAR_UNTIL_TWO = prices(energy_at("0.60", Restrictions(start_time=time(12), end_time=time(14))), energy_at("0.20"))


def need(profile: ChargingPreference, kwh: str | None = "10", hours: float | None = 4, **more: object) -> PlanNeed:
    departure = None if hours is None else NOON + timedelta(hours=hours)
    energy = None if kwh is None else Decimal(kwh)
    return PlanNeed.model_validate({"profile": profile, "departure": departure, "energy_kwh": energy} | more)


def test_fast_takes_all_there_is() -> None:
    """10 kWh at 10 kW: one hour from noon, at 0.60."""
    made = plan(need(FAST), NOON, least_w=1000, most_w=10_000, prices=DEAR_UNTIL_TWO)
    [slot] = made.slots
    assert (slot.duration_s, slot.max_power_w, slot.expected_kwh, slot.price) == (3600, 10_000, 10, Decimal("6"))
    assert made.total is not None and made.total == made.unplanned


def test_regular_spreads_evenly_and_never_below_what_the_car_needs() -> None:
    """10 kWh in 4 h are 2.5 kW; where the car needs 3 kW at least, it is done after 3 h 20 min."""
    [slot] = plan(need(REGULAR), NOON, least_w=1000, most_w=10_000, prices=None).slots
    assert (slot.max_power_w, slot.duration_s, slot.price) == (2500, 4 * 3600, None)
    [faster] = plan(need(REGULAR), NOON, least_w=3000, most_w=10_000, prices=None).slots
    assert (faster.max_power_w, faster.duration_s) == (3000, 12_000)


def test_cheap_waits_for_the_cheap_hours_and_says_what_it_saves() -> None:
    """All of it after 14:00: 10 × 0.20 = 2.00 against 10 × 0.60 = 6.00 at once; even would be 5 × 0.60 + 5 × 0.20."""
    made = plan(need(CHEAP), NOON, least_w=1000, most_w=10_000, prices=DEAR_UNTIL_TWO)
    assert [(one.max_power_w, one.duration_s, one.price) for one in made.slots] == [
        (0, 7200, Decimal("0")),
        (10_000, 3600, Decimal("2")),
    ]
    assert made.total is not None and made.total.before_taxes == Decimal(2)
    assert made.unplanned is not None and made.unplanned.before_taxes == Decimal(6)


def test_cheap_never_costs_more_than_charging_at_once() -> None:
    """Waiting is billed here at 6.00 an hour: 10 kWh at once cost 10 × 0.20 and 3 h of standing, like any other way."""
    parking = PriceComponent(dimension=Dimension.PARKING_TIME, price=Decimal(6), step_size=1)
    energy = PriceComponent(dimension=Dimension.ENERGY, price=Decimal("0.20"), step_size=1)
    both = prices(TariffElement(components=(energy, parking), restrictions=Restrictions()))
    made = plan(need(CHEAP), NOON, least_w=1000, most_w=10_000, prices=both)
    assert made.total is not None and made.total.before_taxes == Decimal(2), "evenly until departure: no standing"
    assert made.unplanned is not None and made.unplanned.before_taxes == Decimal(20)


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (need(REGULAR, hours=None), PlanRefusal.DEPARTURE_REQUIRED),
        (need(FAST, kwh=None), PlanRefusal.ENERGY_NEED_REQUIRED),
        (need(ChargingPreference.GREEN), PlanRefusal.PROFILE_TYPE_NOT_SUPPORTED),
        (need(FAST, kwh="40.1"), PlanRefusal.NOT_POSSIBLE),
        (need(FAST, hours=-1), PlanRefusal.NOT_POSSIBLE),
        (need(FAST, max_cost=Decimal("5.99")), PlanRefusal.NOT_POSSIBLE),
    ],
)
def test_why_there_is_no_plan(wanted: PlanNeed, why: PlanRefusal) -> None:
    """40 kWh are all that 10 kW bring in 4 h."""
    with pytest.raises(NoPlan) as none:
        plan(wanted, NOON, least_w=1000, most_w=10_000, prices=DEAR_UNTIL_TWO)
    assert none.value.refusal is why
