"""Periods in the middle of which another price becomes active (cdr:264-277)."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from core.model.agreements import PricingOptions
from core.model.meter import DimensionKind
from core.model.pricing.boundaries import clock_boundaries, split_at_boundaries
from core.model.pricing.report import NoticeCode


def test_a_period_across_a_time_of_day_under_both_readings(make):
    """17:00 to 19:00, 8 kWh: 0.50 before 18:00, 0.30 after: 4.00 by its start, 2.00 + 1.20 divided."""
    tariff = make.tariff(make.element(make.energy("0.5"), end_time="18:00"), make.element(make.energy("0.3")))
    measured = make.session(make.period("17:00", ENERGY="8"), end="19:00")
    report = make.price(measured, tariff, crossing="start")
    assert report.total.before_taxes == 4
    assert [(notice.code, notice.period) for notice in report.notices] == [(NoticeCode.PERIOD_CROSSES_BOUNDARY, 0)]
    divided = make.price(measured, tariff, crossing="split")
    assert divided.total.before_taxes == Decimal("3.20")
    assert divided.notices[0].message.endswith("another price becomes active; it is divided in proportion.")


def test_a_period_across_a_bound_of_energy(make):
    """9 kWh at 0.3, 3 of them above the bound of 6: 6 x 0.3 + 3 x 0.6 = 3.60."""
    tariff = make.tariff(make.element(make.energy("0.3"), max_energy_kwh="6"), make.element(make.energy("0.6")))
    measured = make.session(make.period("10:00", ENERGY="9"), end="11:00")
    assert make.price(measured, tariff, crossing="split").total.before_taxes == Decimal("3.60")


def test_energy_that_a_period_gives_in_two_volumes_is_divided_once(make):
    """As above, the 9 kWh as 4.5 and 4.5."""
    tariff = make.tariff(make.element(make.energy("0.3"), max_energy_kwh="6"), make.element(make.energy("0.6")))
    half = make.period("10:00", ENERGY="4.5")
    measured = make.session(half.model_copy(update={"dimensions": half.dimensions * 2}), end="11:00")
    assert make.price(measured, tariff, crossing="start").total.before_taxes == Decimal("2.70")
    assert make.price(measured, tariff, crossing="split").total.before_taxes == Decimal("3.60")


def test_notices_on_a_divided_record_number_its_own_periods(make):
    tariff = make.tariff(make.element(make.energy("0.3"), max_energy_kwh="6"), make.element(make.energy("0.6")))
    measured = make.session(make.period("10:00", ENERGY="9"), make.period("10:30", None, ENERGY="1"), end="11:00")
    notice, _ = make.price(measured, tariff, crossing="split").notices
    assert (notice.code, notice.period) == (NoticeCode.PERIOD_WITHOUT_TARIFF, 1)


def test_a_record_without_any_time_is_divided_by_the_clock(make):
    """17:30 to 18:30, 6/h before 18:00 and 3/h after: 6.00 by its start, 3.00 + 1.50 divided."""
    tariff = make.tariff(make.element(make.time("6"), end_time="18:00"), make.element(make.time("3")))
    measured = make.session(make.period("17:30", ENERGY="8"), end="18:30")
    assert make.price(measured, tariff, crossing="start").total.before_taxes == 6
    assert make.price(measured, tariff, crossing="split").total.before_taxes == Decimal("4.50")


def test_a_period_across_a_duration(make):
    """tar:1153-1171 as one period of 40 min with 6 kWh: 30 min free, 1.5 kWh at 0.25 = 0.375."""
    tariff = make.tariff(make.element(make.energy("0"), max_duration_s=1800), make.element(make.energy("0.25")))
    measured = make.session(make.period("10:00", ENERGY="6"), end="10:40")
    assert make.price(measured, tariff, crossing="split").total.before_taxes == Decimal("0.375")


def test_a_bound_without_a_change_of_price_is_no_crossing(make):
    tariff = make.tariff(make.element(make.energy("1")), make.element(make.energy("2"), end_time="18:00"))
    measured = make.session(make.period("17:00", ENERGY="8"), end="19:00")
    assert make.price(measured, tariff).notices == ()


def test_division_loses_nothing(make):
    """A time that is the rounding of 10 min and energy with many digits are divided at three bounds."""
    tariff = make.tariff(
        make.element(make.energy("1"), make.time("6", 60), max_duration_s=100),
        make.element(make.energy("2"), make.time("6", 60), max_energy_kwh="0.7"),
        make.element(make.energy("3"), make.time("6", 60)),
    )
    measured = make.session(make.period("10:00", TIME="0.1667", ENERGY="1.2345"), end="10:10")
    divided = split_at_boundaries(measured, (tariff,), None, PricingOptions())
    assert len(divided.periods) == 3
    assert sum(one.volume(DimensionKind.ENERGY) for one in divided.periods) == Decimal("1.2345")
    report = make.price(measured, tariff, crossing="split")
    times = [line for line in report.lines if line.dimension == "TIME"]
    assert sum(line.billed for line in times) == 600


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ((2024, 3, 30), ["23:00", "01:00"]),  # 02:30 does not strike; the change at 01:00 UTC counts
        ((2024, 10, 26), ["22:00", "00:30", "01:00", "01:30"]),  # 02:30 strikes twice
    ],
)
def test_boundaries_when_clocks_are_changed(make, day, expected):
    """From 20:00 UTC on for 8 hours; windows from 02:30, Amsterdam. Midnight is a boundary as well."""
    tariff = make.tariff(make.element(make.energy("1"), start_time="02:30"))
    start = datetime(*day, 20, tzinfo=UTC)
    found = clock_boundaries(
        tariff, start, start.replace(day=day[2] + 1, hour=4), (start,), ZoneInfo("Europe/Amsterdam")
    )
    assert [f"{moment:%H:%M}" for moment in found] == expected
