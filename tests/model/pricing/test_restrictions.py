"""Which element applies when; tar = OCPI 2.2.1 mod_tariffs, with its lines. Prices are 1 against a fallback of 9."""

from decimal import Decimal

import pytest

from core.model.pricing.restrictions import TimeZoneNeeded, Unmet
from core.model.tariffs import Dimension


@pytest.fixture
def applies(make):
    """Whether an element with restrictions prices 1 kWh that begins at a moment, after `before` kWh."""

    def check(
        start: str, *, zone: str = "UTC", begin: str | None = None, before: str = "0", options=None, **restrictions
    ):
        volumes = restrictions.pop("volumes", {})
        tariff = make.tariff(make.element(make.energy("1"), **restrictions), make.element(make.energy("9")))
        periods = [make.period(start, **{"ENERGY": "1", **volumes})]
        if begin:
            periods.insert(0, make.period(begin, ENERGY=before))
        moment = make.at(start)
        measured = make.session(*periods, end=f"{moment:%Y-%m-%d} 23:59:59")
        report = make.price(measured, tariff, zone=zone, **{"crossing": "start", **(options or {})})
        won = next(use for use in report.periods[-1].uses if use.dimension is Dimension.ENERGY)
        assert won.element in (0, 1)
        return won.element == 0

    return check


@pytest.mark.parametrize(
    ("start_time", "end_time", "moment", "expected"),
    [
        ("09:00", "18:00", "08:59:59", False),
        ("09:00", "18:00", "09:00", True),  # from this time (tar:1079)
        ("09:00", "18:00", "17:59:59", True),
        ("09:00", "18:00", "18:00", False),  # until this time (tar:1082)
        ("22:00", "06:00", "23:30", True),  # wraps around (tar:1083)
        ("22:00", "06:00", "00:00", True),
        ("22:00", "06:00", "05:59:59", True),
        ("22:00", "06:00", "06:00", False),
        ("22:00", "06:00", "21:59:59", False),
        ("17:00", "00:00", "23:59:00", True),  # 00:00 is the end of the day (tar:1084)
        ("17:00", "00:00", "00:00", False),
        ("00:00", "17:00", "00:00", True),
        ("00:00", "00:00", "12:00", True),
        ("17:00", None, "23:00", True),
        ("17:00", None, "16:00", False),
        (None, "17:00", "16:00", True),
        (None, "17:00", "17:00", False),
        (None, "00:00", "17:00", True),
    ],
)
def test_time_of_day(applies, start_time, end_time, moment, expected):
    assert applies(moment, start_time=start_time, end_time=end_time) is expected


def test_equal_times_under_both_readings(applies):
    window = {"start_time": "08:00", "end_time": "08:00"}
    assert applies("12:00", **window)
    assert not applies("12:00", **window, options={"equal_times": "never"})
    assert applies("12:00", start_time="00:00", end_time="00:00", options={"equal_times": "never"})


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2024-01-14 16:59", False),
        ("2024-07-14 15:59", False),
        ("2024-01-14 17:00", True),  # winter: 18:00 in Amsterdam
        ("2024-07-14 16:00", True),  # summer: 18:00 as well
    ],
)
def test_times_are_those_of_the_site(applies, moment, expected):
    """tar:1077: local time, by the time zone of the location."""
    assert applies(moment, zone="Europe/Amsterdam", start_time="18:00", end_time="20:00") is expected


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2024-03-31 00:59", False),  # 01:59 winter time
        ("2024-03-31 01:00", True),  # 03:00 summer time: 02:30 never struck
        ("2024-10-27 00:15", False),  # 02:15 summer time
        ("2024-10-27 00:30", True),  # 02:30 summer time
        ("2024-10-27 01:15", False),  # 02:15 again, winter time
        ("2024-10-27 01:30", True),
    ],
)
def test_when_clocks_are_changed(applies, moment, expected):
    assert applies(moment, zone="Europe/Amsterdam", start_time="02:30", end_time="05:00") is expected


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2023-12-31 22:59", False),
        ("2023-12-31 23:00", True),  # midnight in Amsterdam, inclusive (tar:1087)
        ("2024-01-02 22:59", True),
        ("2024-01-02 23:00", False),  # exclusive (tar:1090)
    ],
)
def test_dates_are_local_and_the_end_is_exclusive(applies, moment, expected):
    assert applies(moment, zone="Europe/Amsterdam", start_date="2024-01-01", end_date="2024-01-03") is expected


def test_day_of_week_is_local(applies):
    """1 January 2024 is a Monday; it begins at 23:00 UTC on Sunday."""
    assert applies("2023-12-31 23:00", zone="Europe/Amsterdam", days_of_week=["MONDAY"])
    assert not applies("2023-12-31 23:00", zone="UTC", days_of_week=["MONDAY"])


def test_weekday_after_midnight_under_both_readings(applies):
    """Friday night's window at 02:00 on Saturday, 6 January 2024: AND at the moment (tar:1071), or that night's day."""
    friday_night = {"start_time": "22:00", "end_time": "06:00", "days_of_week": ["FRIDAY"]}
    assert not applies("2024-01-06 02:00", **friday_night)
    assert applies("2024-01-06 02:00", **friday_night, options={"window_day": "window_start"})
    assert not applies("2024-01-05 02:00", **friday_night, options={"window_day": "window_start"})
    assert applies("2024-01-05 23:00", **friday_night, options={"window_day": "window_start"})


@pytest.mark.parametrize(("before", "expected"), [("9.9999", False), ("10", True), ("19.9999", True), ("20", False)])
def test_energy_counts_from_the_start_of_the_session(applies, before, expected):
    """tar:1091-1092: at least min_kwh, below max_kwh."""
    found = applies("11:00", begin="10:00", before=before, min_energy_kwh="10", max_energy_kwh="20")
    assert found is expected


@pytest.mark.parametrize(
    ("moment", "expected"), [("10:29:59", False), ("10:30", True), ("10:59:59", True), ("11:00", False)]
)
def test_duration_counts_from_the_start_of_the_session(applies, moment, expected):
    """tar:1117-1122: inclusive from min_duration, exclusive until max_duration."""
    assert applies(moment, begin="10:00", min_duration_s=1800, max_duration_s=3600) is expected


@pytest.mark.parametrize(
    ("volumes", "expected"),
    [
        ({"MIN_CURRENT": "16", "MAX_CURRENT": "31.9"}, True),  # tar:1093-1104
        ({"MIN_CURRENT": "15.9", "MAX_CURRENT": "31.9"}, False),
        ({"MIN_CURRENT": "16", "MAX_CURRENT": "32"}, False),
        ({"MAX_CURRENT": "20"}, True),
        ({"MIN_CURRENT": "40"}, False),
        ({"CURRENT": "20"}, True),
        ({}, False),
    ],
)
def test_current(applies, volumes, expected):
    assert applies("10:00", volumes=volumes, min_current_a="16", max_current_a="32") is expected


@pytest.mark.parametrize(
    ("volumes", "expected"),
    [
        ({"MIN_POWER": "11", "MAX_POWER": "21.9"}, True),  # tar:1105-1116
        ({"MIN_POWER": "10.9", "MAX_POWER": "12"}, False),
        ({"MIN_POWER": "11", "MAX_POWER": "22"}, False),
        ({"MAX_POWER": "11"}, True),
        ({"POWER": "22"}, False),
    ],
)
def test_power(applies, volumes, expected):
    assert applies("10:00", volumes=volumes, min_power_kw="11", max_power_kw="22") is expected


def test_power_that_is_not_given_is_the_average(make):
    """6 kWh in half an hour are 12 kW."""
    tariff = make.tariff(make.element(make.energy("1"), min_power_kw="12"), make.element(make.energy("2")))
    measured = make.session(make.period("10:00", ENERGY="6"), end="10:30")
    assert make.price(measured, tariff).total.before_taxes == 6
    assert make.price(measured, tariff, unknown_flow="unmet").total.before_taxes == 12
    assert make.price(measured, tariff, unknown_flow="met").total.before_taxes == 6


def test_nothing_flows_while_parking(make):
    """A bound below which a parked vehicle lies holds without a measured current."""
    tariff = make.tariff(make.element(make.parking("6"), max_current_a="6"))
    measured = make.session(make.period("10:00", PARKING_TIME="0.5"), end="10:30")
    assert make.price(measured, tariff).total.before_taxes == 3


def test_all_restrictions_must_hold(applies):
    """tar:1071: a logical AND."""
    both = {"start_time": "09:00", "days_of_week": ["MONDAY"]}
    assert applies("10:00", **both)
    assert not applies("2024-01-02 10:00", **both)
    assert not applies("08:00", **both)


def test_elements_are_looked_up_for_each_dimension(make):
    """tar:1039: time comes from the second element although the first one applies."""
    tariff = make.tariff(
        make.element(make.energy("0.5"), end_time="12:00"),
        make.element(make.energy("0.9"), make.time("6")),
    )
    measured = make.session(make.period("10:00", ENERGY="2", TIME="0.5"), end="10:30")
    report = make.price(measured, tariff)
    assert report.total.before_taxes == 4
    assert [use.element for use in report.periods[0].uses] == [0, 1]


def test_an_element_that_was_passed_over_is_named(make):
    tariff = make.tariff(make.element(make.energy("1"), min_energy_kwh="5"), make.element(make.energy("2")))
    report = make.price(make.session(make.period("10:00", ENERGY="2"), end="11:00"), tariff)
    use = report.periods[0].uses[0]
    assert [(one.element, one.unmet) for one in use.passed_over] == [(0, Unmet.ENERGY)]


def test_without_a_time_zone_a_restriction_by_time_is_refused(make):
    tariff = make.tariff(make.element(make.energy("1"), start_time="09:00"), make.element(make.energy("2")))
    with pytest.raises(TimeZoneNeeded):
        make.price(make.session(make.period("10:00", ENERGY="2"), end="11:00"), tariff, zone=None)


def test_without_a_time_zone_other_restrictions_are_priced(make):
    tariff = make.tariff(make.element(make.energy("1"), max_energy_kwh="9"), make.element(make.energy("2")))
    report = make.price(make.session(make.period("10:00", ENERGY="2"), end="11:00"), tariff, zone=None)
    assert report.total.before_taxes == Decimal(2)
