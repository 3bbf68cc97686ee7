"""Every example that OCPI 2.2.1 prints a price for, with the tariff it prints (tar = mod_tariffs, with its lines)."""

from decimal import Decimal

import pytest

from core.endpoint.ocpi.v2_2_1.tariffs import TARIFF
from core.model.pricing.report import CostKind

MONDAY, SATURDAY, SUNDAY = "2024-01-01", "2024-01-06", "2024-01-07"


@pytest.fixture
def price(make, shared_data):
    """Price periods (start, volumes) until `end`, under the tariff of an example file."""

    def run(file: str, *periods: tuple[str, dict[str, str]], end: str, day: str = MONDAY, **options):
        text = (shared_data / "ocpi_examples/2.2.1/tariffs" / f"{file}.json").read_bytes()
        tariff = TARIFF.read_put(text, make.at("00:00")).value  # the first one is printed without last_updated
        measured = make.session(
            *(make.period(f"{day} {start}", tariff.id, **volumes) for start, volumes in periods), end=f"{day} {end}"
        )
        return make.price(measured, tariff, zone="UTC", **options)

    return run


def kwh(energy: str) -> tuple[str, dict[str, str]]:
    return "10:00", {"ENERGY": energy}


@pytest.mark.parametrize(
    ("file", "energy", "before_taxes", "with_taxes"),
    [
        ("02_tariff_8_simple_025kwh", "20", "5.00", "5.50"),  # tar:341
        ("03_tariff_9_025kwh_start", "20", "5.50", "6.10"),  # tar:362
        ("04_tariff_12_025kwh_min_price", "20", "5.00", "5.50"),  # tar:382
        ("04_tariff_12_025kwh_min_price", "1.999", "0.50", "0.55"),  # tar:383
        ("06_tariff_6_025kwh_start_max_price", "50", "10.00", "11.00"),  # tar:445
        ("06_tariff_6_025kwh_start_max_price", "30", "8.00", "8.85"),  # tar:447
        ("11_tariff_3_alt_url", "20.45", "5.625", "6.2375"),  # tar:555-558, printed as 5.63 and 6.24
        ("13_tariff_5_free_of_charge", "20", "0.00", "0.00"),  # tar:680
    ],
)
def test_energy(price, make, file, energy, before_taxes, with_taxes):
    assert price(file, kwh(energy), end="11:00").total == make.amount(before_taxes, with_taxes)


def test_printed_to_the_cent(price, make):
    """tar:555-588: 0.50 and 0.60, 5.13 and 5.64, together 5.63 and 6.24: each figure rounded to cents."""
    cents = {"place": "lines", "decimals": 2}
    report = price("11_tariff_3_alt_url", kwh("20.45"), end="11:00", rounding=cents)
    assert [line.amount for line in report.lines] == [make.amount("0.50", "0.60"), make.amount("5.13", "5.64")]
    assert report.total == make.amount("5.63", "6.24")


def test_parking_and_start_fee(price, make):
    """tar:406-409: 40 min of parking are 45."""
    report = price(
        "05_tariff_10_025kwh_parking_start",
        kwh("20"),
        ("11:00", {"PARKING_TIME": "0.6667"}),
        end="11:40",
    )
    assert report.total == make.amount("7.00", "7.90")


@pytest.mark.parametrize(
    ("file", "before_taxes", "with_taxes"),
    [
        ("01_tariff_put_example", "5.00", "5.50"),  # 2.00 an hour, as below, in steps of 5 min
        ("07_tariff_1_simple_2hour", "5.00", "5.50"),  # tar:467
        ("09_tariff_2_alt_text", "4.75", "4.997"),  # tar:512, printed as 5.00
        ("10_tariff_11_not_possible_alt_text", "5.15", "5.497"),  # 0.40 + 25 % more than that
    ],
)
def test_two_hours_and_a_half(price, make, file, before_taxes, with_taxes):
    report = price(file, ("10:00", {"TIME": "2.5"}), ("12:30", {"PARKING_TIME": "1"}), end="13:30")
    assert report.total == make.amount(before_taxes, with_taxes)


def test_charging_and_parking(price, make):
    """tar:488-491: 2.5 h of charging, 42 min of parking billed as 45."""
    report = price(
        "08_tariff_13_simple_3hour_5parking",
        ("10:00", {"TIME": "2.5"}),
        ("12:30", {"PARKING_TIME": "0.7"}),
        end="13:12",
    )
    assert report.total == make.amount("11.25", "12.75")


def test_complex_on_monday(price, make):
    """tar:637-655."""
    report = price(
        "12_tariff_4_complex",
        ("09:30", {"TIME": "2.75", "MAX_CURRENT": "16"}),
        ("12:15", {"PARKING_TIME": "0.7"}),
        end="12:57",
    )
    assert report.total == make.amount("9.00", "10.30")
    assert [line.billed for line in report.lines] == [1, 165 * 60, 45 * 60]
    assert [(line.net, line.gross) for line in report.lines] == [
        (Decimal("2.50"), Decimal("2.875")),
        (Decimal("2.75"), Decimal("3.30")),
        (Decimal("3.75"), Decimal("4.125")),
    ]


def test_complex_on_saturday_is_a_misprint(price, make):
    """tar:657-672 prints 2.28 for 114 min at 1.25 an hour, which are 2.375: 12.375 and 13.975, not 12.28 and 13.861."""
    report = price(
        "12_tariff_4_complex",
        ("13:30", {"TIME": "1.9", "MIN_CURRENT": "43"}),
        ("15:24", {"PARKING_TIME": "1.1833"}),
        end="16:35",
        day=SATURDAY,
    )
    assert report.total == make.amount("12.375", "13.975")
    assert [line.net for line in report.lines] == [Decimal("2.50"), Decimal("2.375"), Decimal("7.50")]


def test_complex_on_sunday_parking_is_free(price):
    report = price(
        "12_tariff_4_complex",
        ("13:30", {"TIME": "1", "MIN_CURRENT": "43"}),
        ("14:30", {"PARKING_TIME": "1"}),
        end="15:30",
        day=SUNDAY,
    )
    assert report.total_of_kind(CostKind.PARKING).before_taxes == 0
    assert report.total.before_taxes == Decimal("2.50") + Decimal("1.25")


RESERVED_15 = ("10:00", {"RESERVATION_TIME": "0.25"})
RESERVED_13 = ("10:00", {"RESERVATION_TIME": "0.2167"})
RESERVED_22 = ("10:00", {"RESERVATION_TIME": "0.3667"})


@pytest.mark.parametrize(
    ("file", "periods", "end", "before_taxes", "with_taxes"),
    [
        (
            "14_tariff_15_reservation_5_euro_per_hour",
            [RESERVED_15, ("10:15", {"ENERGY": "20"})],
            "11:00",
            "6.75",
            "7.60",
        ),
        (
            "15_tariff_16_reservation_2_euro_fee_5_euro_per_hour",
            [RESERVED_13, ("10:13", {"ENERGY": "20"})],
            "11:00",
            "8.75",
            "10.00",
        ),
        (
            "16_tariff_17_reservation_with_expire_fee",
            [RESERVED_22, ("10:22", {"ENERGY": "20"})],
            "11:00",
            "6.50",
            "7.30",
        ),
        ("16_tariff_17_reservation_with_expire_fee", [("10:00", {"RESERVATION_TIME": "1"})], "11:00", "6.00", "7.20"),
        (
            "17_tariff_18_reservation_with_expire_time",
            [RESERVED_22, ("10:22", {"ENERGY": "20"})],
            "11:00",
            "7.00",
            "7.90",
        ),
        (
            "17_tariff_18_reservation_with_expire_time",
            [("10:00", {"RESERVATION_TIME": "1.5"})],
            "11:30",
            "9.00",
            "10.80",
        ),
    ],
)
def test_reservations(price, make, file, periods, end, before_taxes, with_taxes):
    """tar:709-720, 748-763, 794-823, 856-884."""
    assert price(file, *periods, end=end).total == make.amount(before_taxes, with_taxes)


@pytest.mark.parametrize(
    ("periods", "end", "expected"),
    [
        (  # tar:960-977
            [("16:55", {"TIME": "0.0833"}), ("17:00", {"TIME": "0.0833"}), ("17:05", {"PARKING_TIME": "0.0333"})],
            "17:07",
            "0.55",
        ),
        ([("16:35", {"TIME": "0.4167"}), ("17:00", {"TIME": "0.1667"})], "17:10", "1.30"),  # tar:979-994
        (  # tar:996-1017
            [("19:40", {"TIME": "0.2"}), ("19:52", {"PARKING_TIME": "0.1333"}), ("20:00", {"PARKING_TIME": "0.2"})],
            "20:12",
            "0.73",
        ),
    ],
)
def test_switching_elements(price, make, periods, end, expected):
    assert price("18_tariff_14_step_size", *periods, end=end).total == make.amount(expected, expected)


def test_max_power(price):
    """tar:1138-1145."""
    report = price(
        "19_tariffrestriction_example_max_power",
        ("10:00", {"ENERGY": "1", "MAX_POWER": "6"}),
        ("10:10", {"ENERGY": "40", "MAX_POWER": "48", "MIN_POWER": "48"}),
        ("11:00", {"ENERGY": "0.5", "POWER": "4"}),
        end="11:10",
    )
    assert report.total.before_taxes == Decimal("20.30")


def test_max_duration(price):
    """tar:1164-1171."""
    report = price(
        "20_tariffrestriction_example_max_duration",
        ("10:00", {"ENERGY": "5"}),
        ("10:30", {"ENERGY": "1.2"}),
        end="10:40",
    )
    assert report.total.before_taxes == Decimal("0.30")
