"""Money and tariffs as values."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from pydantic import ValidationError

from core.model.money import Amount, Price, RoundingMode, plain, rounded
from core.model.tariffs import Dimension, PriceComponent, Restrictions, Tariff, TariffElement, Weekday

MOMENT = datetime(2024, 1, 1, tzinfo=UTC)


def tariff(**members: object) -> Tariff:
    return Tariff.model_validate(
        {
            "country_code": "NL",
            "party_id": "TNM",
            "id": "1",
            "currency": "EUR",
            "elements": [{"components": [{"dimension": "ENERGY", "price": "0.25"}]}],
            "last_updated": MOMENT,
            **members,
        }
    )


@pytest.mark.parametrize(
    ("amount", "mode", "expected"),
    [
        ("2.345", RoundingMode.HALF_UP, "2.35"),
        ("2.345", RoundingMode.HALF_EVEN, "2.34"),
        ("2.349", RoundingMode.DOWN, "2.34"),
        ("2.341", RoundingMode.UP, "2.35"),
        ("-2.345", RoundingMode.HALF_UP, "-2.35"),
        ("12345678901234567890123456789.345", RoundingMode.HALF_UP, "12345678901234567890123456789.35"),
    ],
)
def test_rounding(amount, mode, expected):
    assert rounded(Decimal(amount), 2, mode) == Decimal(expected)


@pytest.mark.parametrize(
    ("amount", "least", "expected"),
    [("4", 2, "4.00"), ("4.1250", 2, "4.125"), ("1E+3", 0, "1000"), ("0E-8", 2, "0.00"), ("-0.5", 2, "-0.50")],
)
def test_digits(amount, least, expected):
    assert plain(Decimal(amount), least) == expected


def test_a_price_is_negated_figure_by_figure():
    assert -Price(before_taxes=Decimal(1)) == Price(before_taxes=Decimal(-1))
    assert -Price(before_taxes=Decimal(1), with_taxes=Decimal(2)) == Price(
        before_taxes=Decimal(-1), with_taxes=Decimal(-2)
    )


def test_amounts_add_up_and_round_each_by_itself():
    total = Amount(before_taxes=Decimal("1.005"), with_taxes=Decimal("1.2")) + Amount(before_taxes=Decimal(1))
    assert total.rounded(2) == Amount(before_taxes=Decimal("2.01"), with_taxes=Decimal("1.20"))


def test_the_first_component_of_a_dimension_counts():
    twice = tuple(PriceComponent(dimension=Dimension.ENERGY, price=Decimal(price)) for price in (1, 2))
    element = TariffElement(components=twice)
    assert element.component(Dimension.ENERGY) is twice[0]
    assert element.component(Dimension.TIME) is None


def test_validity_includes_its_start_and_excludes_its_end():
    limited = tariff(valid_from=MOMENT, valid_until=datetime(2024, 2, 1, tzinfo=UTC))
    assert limited.valid_at(MOMENT)
    assert not limited.valid_at(datetime(2024, 2, 1, tzinfo=UTC))
    assert not limited.valid_at(datetime(2023, 12, 31, tzinfo=UTC))
    assert tariff().valid_at(datetime(1999, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("restrictions", "needed"),
    [
        ({}, False),
        ({"max_duration_s": 60, "min_power_kw": 3, "reservation": "RESERVATION"}, False),
        ({"start_time": "00:00"}, True),
        ({"end_time": "00:00"}, True),
        ({"start_date": "2024-01-01"}, True),
        ({"end_date": "2024-01-01"}, True),
        ({"days_of_week": ["MONDAY"]}, True),
    ],
)
def test_what_needs_the_time_zone(restrictions, needed):
    element = {"components": [{"dimension": "TIME", "price": 1}], "restrictions": restrictions}
    assert Restrictions.model_validate(restrictions).need_time_zone is needed
    assert tariff(elements=[element]).need_time_zone is needed


def test_weekday_of_a_date():
    assert Weekday.of(date(2024, 1, 6)) is Weekday.SATURDAY


def test_a_tariff_survives_storage_and_proves_its_content():
    one = tariff(min_price={"before_taxes": "0.50"}, energy_mix={"is_green": True})
    again = Tariff.model_validate_json(one.model_dump_json())
    assert again == one and again.content_hash == one.content_hash
    assert tariff(id="2").content_hash != tariff().content_hash


@pytest.mark.parametrize(
    "members",
    [
        {"currency": "eur"},
        {"elements": []},
        {"last_updated": "2024-01-01T00:00:00"},
        {"min_price": {"before_taxes": "NaN"}},
    ],
)
def test_what_is_no_tariff(members):
    with pytest.raises(ValidationError):
        tariff(**members)
