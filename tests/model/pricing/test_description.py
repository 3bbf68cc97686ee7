"""Tariffs in rows."""

from datetime import time
from decimal import Decimal

from core.model.tariff_description import Condition, ConditionKind, RowKind, describe
from core.model.tariffs import Weekday


def test_rows_are_in_order_and_per_minute(make):
    tariff = make.tariff(
        make.element(make.flat("0.5"), make.parking("6", 300), make.time("3"), make.energy("0.4", vat="20")),
        make.element(make.flat("2"), make.time("1.2"), reservation="RESERVATION"),
        make.element(make.flat("4"), reservation="RESERVATION_EXPIRES"),
        min_price=make.limit("1", "1.2"),
        max_price=make.limit("40"),
    )
    assert [(row.kind, row.before_taxes, row.with_taxes) for row in describe(tariff)] == [
        (RowKind.PER_KWH, Decimal("0.4"), Decimal("0.48")),
        (RowKind.PER_MINUTE, Decimal("0.05"), Decimal("0.05")),
        (RowKind.PER_MINUTE_PARKED, Decimal("0.1"), Decimal("0.1")),
        (RowKind.PER_SESSION, Decimal("0.5"), Decimal("0.5")),
        (RowKind.RESERVATION, Decimal("2"), Decimal("2")),
        (RowKind.RESERVATION_PER_MINUTE, Decimal("0.02"), Decimal("0.02")),
        (RowKind.EXPIRED_RESERVATION, Decimal("4"), Decimal("4")),
        (RowKind.MINIMUM, Decimal("1"), Decimal("1.2")),
        (RowKind.MAXIMUM, Decimal("40"), None),
    ]
    assert describe(tariff)[2].step == 300


def test_conditions_in_pieces_and_otherwise(make):
    tariff = make.tariff(
        make.element(
            make.energy("0.5"), start_time="09:00", end_time="18:00", days_of_week=["MONDAY"], min_duration_s=1800
        ),
        make.element(make.energy("0.3")),
        make.element(make.energy("0.1")),
    )
    first, otherwise = describe(tariff)
    assert first.conditions == (
        Condition(kind=ConditionKind.WEEKDAYS, days=(Weekday.MONDAY,)),
        Condition(kind=ConditionKind.TIME_OF_DAY, lower=time(9), upper=time(18)),
        Condition(kind=ConditionKind.DURATION, lower=Decimal(30)),
    )
    assert otherwise.conditions == (Condition(kind=ConditionKind.OTHERWISE),)
    assert otherwise.before_taxes == Decimal("0.3")
