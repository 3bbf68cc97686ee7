"""step_size: cdr = OCPI 2.2.1 mod_cdrs, tar = mod_tariffs, with their lines."""

from decimal import Decimal

import pytest


def hours(minutes: int) -> str:
    return str(Decimal(minutes) / 60)


def test_time_and_parking_round_parking_only(make):
    """cdr:286: 21 min charging, 7 min parking, steps of 5 min: 21 and 10 min. At 6/h: 2.10 + 1.00."""
    tariff = make.tariff(make.element(make.time("6", 300), make.parking("6", 300)))
    measured = make.session(
        make.period("10:00", TIME=hours(21)), make.period("10:21", PARKING_TIME=hours(7)), end="10:28"
    )
    assert make.price(measured, tariff).total.before_taxes == Decimal("3.10")


def test_energy_total_is_rounded_once_and_added_to_the_last_price(make):
    """cdr:306: 4.3 kWh at 0.20 and 1.1 kWh at 0.27, step 500 Wh: 5.4 → 5.5 kWh, so 0.86 + 1.2 x 0.27 = 1.184."""
    tariff = make.tariff(
        make.element(make.energy("0.20", 500), end_time="17:00"), make.element(make.energy("0.27", 500))
    )
    measured = make.session(make.period("16:00", ENERGY="4.3"), make.period("17:00", ENERGY="1.1"), end="18:00")
    report = make.price(measured, tariff)
    assert report.total.before_taxes == Decimal("1.184")
    assert [line.billed for line in report.lines] == [Decimal("4.3"), Decimal("1.2")]


def test_time_total_is_rounded_once(make):
    """cdr:310: 6 min at 5/h and 22 min at 7/h, step 10 min: 28 → 30, 24 min at 7: 0.5 + 2.8 = 3.30."""
    tariff = make.tariff(make.element(make.time("5", 600), end_time="17:00"), make.element(make.time("7", 600)))
    measured = make.session(make.period("16:54", TIME="0.1"), make.period("17:00", TIME=hours(22)), end="17:22")
    assert make.price(measured, tariff).total.before_taxes == Decimal("3.30")


def test_only_the_parking_total_is_rounded(make):
    """cdr:316: 21 min at 1/h, 16 min parking at 2/h, step 10 min: 0.35 + 20 min x 2/h = 0.6667 → 1.0167."""
    tariff = make.tariff(make.element(make.time("1", 600), make.parking("2", 600)))
    measured = make.session(make.period("10:00", TIME="0.35"), make.period("10:21", PARKING_TIME="0.2667"), end="10:37")
    report = make.price(measured, tariff)
    assert [line.billed for line in report.lines] == [Decimal(21 * 60), Decimal(20 * 60)]
    assert report.total.before_taxes == Decimal("1.0167")


def test_last_step_size_is_used(make):
    """cdr:296: the step of the last relevant component, here 15 min and not 30: 35 → 45 min (tar:979-993: 1.30)."""
    tariff = make.tariff(
        make.element(make.time("1.2", 1800), end_time="17:00"),
        make.element(make.time("2.4", 900), start_time="17:00", end_time="20:00"),
    )
    measured = make.session(make.period("16:35", TIME=hours(25)), make.period("17:00", TIME=hours(10)), end="17:10")
    assert make.price(measured, tariff).total.before_taxes == Decimal("1.30")


def test_quantities_without_a_price_do_not_count(make):
    """tar:996-1017: parking is free after 20:00, so 8 of 20 min count and become 15."""
    tariff = make.tariff(
        make.element(make.time("2.4", 900), make.parking("1", 900), start_time="17:00", end_time="20:00"),
        make.element(make.time("2.4", 900), start_time="20:00", end_time="00:00"),
    )
    measured = make.session(
        make.period("19:40", TIME="0.2"),
        make.period("19:52", PARKING_TIME=hours(8)),
        make.period("20:00", PARKING_TIME="0.2"),
        end="20:12",
    )
    report = make.price(measured, tariff)
    assert report.total.before_taxes == Decimal("0.73")
    assert report.periods[2].uses[0].element is None


def test_a_period_without_energy_does_not_decide_the_energy_step(make):
    """The last component is the one "used to calculate the cost" (cdr:295); no energy flows after 20:00."""
    tariff = make.tariff(
        make.element(make.energy("0.50", 500), make.parking("1"), end_time="20:00"),
        make.element(make.energy("0.90", 10000), make.parking("1")),
    )
    measured = make.session(
        make.period("19:00", ENERGY="1.2"), make.period("20:00", ENERGY="0", PARKING_TIME="1"), end="21:00"
    )
    assert make.price(measured, tariff).total.before_taxes == Decimal("1.75")


@pytest.mark.parametrize(
    ("wh", "step", "expected"),
    [
        ("115.2", 1, "0.029"),  # tar:937
        ("115.2", 25, "0.03125"),  # tar:938, 125 Wh, printed as 0.031
        ("101", 25, "0.03125"),
        ("125", 25, "0.03125"),
        ("1", 500, "0.125"),  # tar:939
        ("500", 500, "0.125"),
        ("115.2", 0, "0.0288"),
    ],
)
def test_printed_energy_steps(make, wh, step, expected):
    tariff = make.tariff(make.element(make.energy("0.25", step)))
    measured = make.session(make.period("10:00", ENERGY=str(Decimal(wh) / 1000)), end="11:00")
    report = make.price(measured, tariff)
    assert report.subtotal.before_taxes == Decimal(expected)


def test_a_multiple_of_the_step_under_both_readings(make):
    """tar:923 says "greater than", tar:938 bills 125 Wh for 125 Wh."""
    tariff = make.tariff(make.element(make.energy("0.40", 500)))
    measured = make.session(make.period("10:00", ENERGY="2.5"), end="11:00")
    assert make.price(measured, tariff).total.before_taxes == Decimal("1.00")
    assert make.price(measured, tariff, step_rounding="greater").total.before_taxes == Decimal("1.20")


def test_charging_after_parking_under_both_readings(make):
    """10 min charging, 8 parking, 7 charging, steps of 15 min, 6/h and 12/h.

    Last (cdr:298): 30 min + 8 min = 3.00 + 1.60. Parking (cdr:314): 17 min + 15 min = 1.70 + 3.00.
    """
    tariff = make.tariff(make.element(make.time("6", 900), make.parking("12", 900)))
    measured = make.session(
        make.period("10:00", TIME=hours(10)),
        make.period("10:10", PARKING_TIME=hours(8)),
        make.period("10:18", TIME=hours(7)),
        end="10:25",
    )
    assert make.price(measured, tariff).total.before_taxes == Decimal("4.60")
    assert make.price(measured, tariff, time_step="parking").total.before_taxes == Decimal("4.70")


def test_step_is_dropped_when_the_tariff_changes(make):
    """cdr:300: 0.3 kWh under A, 0.4 under B, steps 500 Wh. 0.7 → 1.0: 0.03 + 0.7 x 0.2; own part: 0.03 + 0.5 x 0.2."""
    first = make.tariff(make.element(make.energy("0.1", 500)), id="A")
    second = make.tariff(make.element(make.energy("0.2", 500)), id="B")
    measured = make.session(
        make.period("10:00", "A", ENERGY="0.3"), make.period("10:30", "b", ENERGY="0.4"), end="11:00"
    )
    assert make.price(measured, first, second).total.before_taxes == Decimal("0.17")
    alone = make.price(measured, first, second, step_scope="last_tariff")
    assert alone.total.before_taxes == Decimal("0.13")


@pytest.mark.parametrize(
    ("volume", "end", "source", "expected"),
    [
        ("0.1667", "10:10", "reconciled", "1.00"),  # 600.12 s is the rounding of 600 s, not a second block
        ("0.1667", "10:10", "volume", "1.10"),
        ("0.1667", "10:30", "clock", "3.00"),
        ("0.167", "10:10", "reconciled", "1.00"),
        ("0.1666", "10:10", "reconciled", "1.00"),
        ("0.1667", "10:30", "reconciled", "1.00"),  # no match by the clock: the nearest whole second
        ("0.16666666666666669", "10:10", "reconciled", "1.00"),
        ("0.25", "10:30", "reconciled", "1.50"),  # whole seconds stand
        ("0.2500", "10:15:00.300", "reconciled", "1.50"),  # and do so beside a clock that is as near
    ],
)
def test_where_time_comes_from(make, volume, end, source, expected):
    """6/h in steps of 60 s is 0.10 a minute."""
    tariff = make.tariff(make.element(make.time("6", 60)))
    measured = make.session(make.period("10:00", TIME=volume), end=end)
    assert make.price(measured, tariff, time_source=source).total.before_taxes == Decimal(expected)


@pytest.mark.parametrize(
    ("volumes", "source", "expected"),
    [
        (({"ENERGY": "9"}, {"ENERGY": "1"}), "reconciled", "7.00"),  # 70 min charging at 6/h
        (({"ENERGY": "9"}, {"ENERGY": "0"}), "reconciled", "5.00"),  # 40 min at 6/h, 30 min parked at 2/h (cdr:351)
        (({"ENERGY": "9"}, {}), "clock", "5.00"),
        (({}, {}), "reconciled", "7.00"),
        (({"ENERGY": "9"}, {"ENERGY": "0"}), "volume", "0"),
        (({"ENERGY": "9"}, {"PARKING_TIME": "0.5"}), "reconciled", "1.00"),  # gives times: none is charging
    ],
)
def test_the_clock_measures_a_record_without_any_time(make, volumes, source, expected):
    tariff = make.tariff(make.element(make.time("6"), make.parking("2")))
    one, other = volumes
    measured = make.session(make.period("10:00", **one), make.period("10:40", **other), end="11:10")
    assert make.price(measured, tariff, time_source=source).total.before_taxes == Decimal(expected)


def test_energy_fed_back_counts_before_the_step(make):
    """cdr:425: negative where more flowed back. 5.3 - 1.2 = 4.1 kWh → 4.5 at 0.5; 4.1 kWh fed back are not rounded."""
    tariff = make.tariff(make.element(make.energy("0.5", 500)))
    measured = make.session(make.period("10:00", ENERGY="5.3"), make.period("10:30", ENERGY="-1.2"), end="11:00")
    assert make.price(measured, tariff).total.before_taxes == Decimal("2.25")
    back = make.session(make.period("10:00", ENERGY="-4.1"), end="11:00")
    assert make.price(back, tariff).total.before_taxes == Decimal("-2.05")


def test_noise_of_binary_fractions_makes_no_step(make):
    tariff = make.tariff(make.element(make.energy("0.5", 100)))
    measured = make.session(make.period("10:00", ENERGY="5.300000000000001"), end="11:00")
    assert make.price(measured, tariff).total.before_taxes == Decimal("2.65")
