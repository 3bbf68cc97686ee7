"""Pricing forward: expected sessions and the next change of the price of a minute."""

from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from core.model.meter import DimensionKind
from core.model.pricing.course import next_price_change, price_course
from core.model.pricing.forecast import ExpectedStay, PowerStep, expected_session, forecast

UTC = ZoneInfo("UTC")


@pytest.fixture
def stay(make):
    """Plugged in from `start` to `end`, with steps (minutes after the start, kW)."""

    def build(start: str, end: str, *steps: tuple[int, str], goal: str | None = None) -> ExpectedStay:
        power = tuple(PowerStep(after_s=minutes * 60, power_kw=Decimal(kw)) for minutes, kw in steps)
        return ExpectedStay(
            start=make.at(start), end=make.at(end), power=power, energy_goal_kwh=None if goal is None else Decimal(goal)
        )

    return build


def run(expected, tariff):
    return forecast(expected_session(expected, "T"), (tariff,), time_zone=UTC)


def course(expected, tariff):
    return price_course(expected_session(expected, "T"), (tariff,), time_zone=UTC)


def test_constant_power(make, stay):
    """90 min at 10 kW are 15 kWh: 0.4 x 15 = 6.00."""
    assert run(stay("10:00", "11:30", (0, "10")), make.tariff(make.element(make.energy("0.4")))).total.before_taxes == 6


def test_a_curve_and_a_goal(make, stay):
    """30 min at 20 kW, then 5 kW: 12 kWh are reached after 30 + 24 min; 36 of 90 min are parked at 6/h: 3.60."""
    tariff = make.tariff(make.element(make.energy("0.5"), make.parking("6")))
    report = run(stay("10:00", "11:30", (0, "20"), (30, "5"), goal="12"), tariff)
    assert report.total.before_taxes == Decimal("9.60")
    assert [f"{period.start:%H:%M}" for period in report.periods] == ["10:00", "10:30", "10:54"]


def test_a_tariff_bounded_by_current_prices_what_is_expected(make, stay):
    """11.04 kW at 230 V are 48 A over all phases, 3.68 kW are 16 A: 0.60 from 32 A on (TariffRestrictions), else 0.30.

    One hour each: 11.04 x 0.60 = 6.624 and 3.68 x 0.30 = 1.104. Of a session under way the volts are those measured:
    23 kW at 100 A.
    """
    tariff = make.tariff(
        make.element(make.energy("0.60"), min_current_a="32"),
        make.element(make.energy("0.30")),
    )
    both = stay("10:00", "12:00", (0, "11.04"), (60, "3.68")).model_copy(update={"volts": 230})
    assert run(both, tariff).total.before_taxes == Decimal("7.728")
    low = make.period("10:00", ENERGY="23", TIME="1", POWER="23", CURRENT="100")
    so_far = make.session(low, end="11:00")
    ahead = expected_session(stay("11:00", "12:00", (0, "11.04")), "T", so_far)
    assert ahead.periods[-1].volume(DimensionKind.CURRENT) == 48


def test_an_expected_session_is_divided_at_boundaries(make, stay):
    """10 kW from 19:00 to 21:00, 0.50 until 20:00, then 0.30, from 15 kWh on 0.70: 5.00 + 1.50 + 3.50."""
    tariff = make.tariff(
        make.element(make.energy("0.7"), min_energy_kwh="15"),
        make.element(make.energy("0.5"), end_time="20:00"),
        make.element(make.energy("0.3")),
    )
    report = run(stay("19:00", "21:00", (0, "10")), tariff)
    assert [line.net for line in report.lines] == [Decimal("5.0"), Decimal("1.50"), Decimal("3.50")]


def test_the_idle_fee_clock(make, stay):
    """12 kWh at 12 kW until 11:00; parking is free until 90 min after the start, then 6/h + 20 % = 0.12 a minute."""
    tariff = make.tariff(
        make.element(make.energy("0.5", vat="20")),
        make.element(make.parking("0"), max_duration_s=5400),
        make.element(make.parking("6", vat="20")),
    )
    segments = course(stay("10:00", "13:00", (0, "12"), goal="12"), tariff)
    change = next_price_change(segments, make.at("11:15"))
    assert change is not None
    assert change.at == make.at("11:30")
    assert change.before.per_minute == make.amount("0", "0")
    assert change.after.per_minute == make.amount("0.10", "0.12")
    assert next_price_change(segments, make.at("11:30")) is None
    first = next_price_change(segments, make.at("10:00"))
    assert first is not None and first.at == make.at("11:00")
    assert first.before.per_minute == make.amount("0.1", "0.12")


def test_the_price_of_a_minute_ends_at_the_maximum_price(make, stay):
    """1.00 at the start, then 0.10 a minute: 4.00 are reached after 30 min."""
    tariff = make.tariff(make.element(make.flat("1"), make.time("6")), max_price=make.limit("4", "4"))
    change = next_price_change(course(stay("10:00", "12:00", (0, "10")), tariff), make.at("10:00"))
    assert change is not None and change.at == make.at("10:30")
    assert change.after.per_minute == make.amount("0", "0")


def test_neighbours_of_equal_price_are_one(make, stay):
    """A boundary at 11:00 that changes nothing, and midnight."""
    tariff = make.tariff(make.element(make.time("6"), end_time="11:00"), make.element(make.time("6")))
    assert len(course(stay("10:00", "12:00", (0, "10")), tariff)) == 1


def test_what_is_measured_already_counts(make, stay):
    """4 kWh are measured: 0.20 until 5 kWh, then 0.40; 1 kWh more at each price: 5 x 0.2 + 1 x 0.4."""
    tariff = make.tariff(make.element(make.energy("0.2"), max_energy_kwh="5"), make.element(make.energy("0.4")))
    so_far = make.session(make.period("10:00", ENERGY="4"), end="10:30")
    session = expected_session(stay("10:30", "10:42", (0, "10")), "T", so_far)
    assert forecast(session, (tariff,), time_zone=UTC).total.before_taxes == Decimal("1.40")


def test_nothing_is_charged_before_the_first_step_or_without_power(make, stay):
    tariff = make.tariff(make.element(make.energy("1"), make.parking("6")))
    report = run(stay("10:00", "11:00", (30, "10"), (45, "0")), tariff)
    assert [line.quantity for line in report.lines] == [45 * 60, Decimal("2.5")]
