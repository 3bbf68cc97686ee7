"""Claims against the computed price."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from core.model.audit import Basis, Claims, Figure, agrees, audit
from core.model.meter import ChargingPeriod, Dimension, DimensionKind
from core.model.money import Price
from core.model.pricing.measured import MeasuredSession
from core.model.pricing.report import CostKind
from core.model.tariffs import Tariff

START = datetime(2024, 1, 1, 10, tzinfo=UTC)


def tariff(*components: tuple[str, str, int], **members: object) -> Tariff:
    priced = [
        {"dimension": name, "price": price, "step_size": step, "vat_percent": 20} for name, price, step in components
    ]
    return Tariff.model_validate(
        {
            "country_code": "NL",
            "party_id": "TNM",
            "id": "T",
            "currency": "EUR",
            "elements": [{"components": priced}],
            "last_updated": START,
            **members,
        }
    )


def session(minutes: int = 60, **volumes: str) -> MeasuredSession:
    dimensions = tuple(Dimension(kind=DimensionKind[name], volume=Decimal(v)) for name, v in volumes.items())
    period = ChargingPeriod(start=START, dimensions=dimensions, tariff_id="T")
    return MeasuredSession(start=START, end=START + timedelta(minutes=minutes), periods=(period,))


def price(before_taxes: str, with_taxes: str | None = None) -> Price:
    return Price(before_taxes=Decimal(before_taxes), with_taxes=with_taxes and Decimal(with_taxes))


KWH = tariff(("ENERGY", "0.25", 1))


@pytest.mark.parametrize(
    ("claimed", "computed", "expected"),
    [
        ("5.63", "5.625", True),  # rounded half up
        ("5.62", "5.625", True),  # and half even
        ("5.61", "5.625", False),
        ("5.6", "5.60", True),
        ("5.6", "5.64", False),  # JSON drops zeros: 5.6 is 5.60
        ("5.6250", "5.625", True),
        ("5.6249", "5.625", False),
        ("6", "6.0049", True),
        ("10.969999999999999", "10.97", True),  # noise of binary fractions
        ("0.03125", "0.0313", True),  # more than the four decimals of a number (types:57), unrounded
        ("0.03135", "0.0313", True),
        ("0.0314", "0.0313", False),
    ],
)
def test_a_claim_is_the_figure_rounded_to_its_decimals(claimed, computed, expected):
    assert agrees(Decimal(claimed), Decimal(computed)) is expected


def test_claims_that_are_right():
    claims = Claims(
        currency="EUR",
        total=price("5.00", "6.00"),
        costs={CostKind.ENERGY: price("5", "6"), CostKind.FIXED: price("0")},
        energy_kwh=Decimal(20),
        time_h=Decimal(1),
        parking_h=Decimal(0),
    )
    assert audit(session(ENERGY="20"), (KWH,), claims).differences == ()


def test_a_total_that_is_wrong():
    found = audit(session(ENERGY="20"), (KWH,), Claims(total=price("5.50", "6.00")))
    (difference,) = found.differences
    assert (difference.figure, difference.basis) == (Figure.TOTAL, Basis.BEFORE_TAXES)
    assert (difference.claimed, difference.computed) == (Decimal("5.50"), Decimal("5"))
    assert found.unexplained == (difference,)


def test_a_difference_that_an_option_explains_is_no_wrong_bill():
    """10 min as 0.1667 h in steps of a minute at 6/h: 1.00, or 1.10 where the volume is taken literally."""
    found = audit(session(10, TIME="0.1667"), (tariff(("TIME", "6", 60)),), Claims(total=price("1.10", "1.32")))
    assert [difference.explained_by[0].option for difference in found.differences] == ["time_source", "time_source"]
    assert {difference.explained_by[0].choice for difference in found.differences} == {"volume"}
    assert found.unexplained == ()


def test_rounding_of_lines_explains_a_cent():
    """Two lines of 1.005 are 2.01, or 2.02 where each is rounded."""
    measured = session(ENERGY="1")
    found = audit(measured, (tariff(("ENERGY", "1.005", 1), ("FLAT", "1.005", 1)),), Claims(total=price("2.02")))
    (difference,) = found.differences
    assert "rounding" in {why.option for why in difference.explained_by}


def test_a_credit_record_negates_its_total_only():
    claims = Claims(total=price("-5", "-6"), costs={CostKind.ENERGY: price("5", "6")}, negated=True)
    found = audit(session(ENERGY="20"), (KWH,), claims)
    assert found.differences == ()
    assert (found.total.before_taxes, found.total.with_taxes) == (Decimal(-5), Decimal(-6))
    assert len(audit(session(ENERGY="20"), (KWH,), claims.model_copy(update={"negated": False})).differences) == 2


def test_a_wrong_credit_is_told_with_its_sign():
    found = audit(session(ENERGY="20"), (KWH,), Claims(total=price("5", "-6"), negated=True))
    assert [(one.claimed, one.computed) for one in found.differences] == [(Decimal(5), Decimal(-5))]


def test_quantities_are_compared():
    claims = Claims(energy_kwh=Decimal("20.5"), time_h=Decimal("1.5"), parking_h=Decimal("0.25"))
    found = audit(session(ENERGY="20"), (KWH,), claims)
    assert [difference.figure for difference in found.differences] == [Figure.ENERGY, Figure.TIME, Figure.PARKING_TIME]


@pytest.mark.parametrize(("parked", "explained"), [("0.5", True), ("1", True), ("0.1", False), ("1.1", False)])
def test_parked_may_be_who_asks_for_no_power_or_who_gets_none(parked, explained):
    """cdr:432 against cdr:351: 15 min without asking for power, of an hour."""
    found = audit(session(TIME="0.75", PARKING_TIME="0.25"), (KWH,), Claims(parking_h=Decimal(parked)))
    (difference,) = found.differences
    assert difference.figure is Figure.PARKING_TIME and (found.unexplained == ()) is explained


@pytest.mark.parametrize(
    ("hours", "right"), [("2", True), ("1.9", True), ("1.4", True), ("1.5", True), ("1.7", False), ("0.5", False)]
)
def test_the_duration_may_be_read_in_several_ways(hours, right):
    """Reserved for 30 min of 30, then 1.4 h charged in 1.5 h: by the clock 2.0 or 1.5, by the volumes 1.9 or 1.4."""
    periods = tuple(
        ChargingPeriod(start=START + timedelta(minutes=minute), dimensions=(Dimension(kind=kind, volume=volume),))
        for minute, kind, volume in (
            (0, DimensionKind.RESERVATION_TIME, Decimal("0.5")),
            (30, DimensionKind.TIME, Decimal("1.4")),
        )
    )
    measured = MeasuredSession(start=START, end=START + timedelta(hours=2), periods=periods)
    assert (audit(measured, (KWH,), Claims(time_h=Decimal(hours))).differences == ()) is right


def test_energy_that_no_period_measures_is_not_compared():
    """The printed CDR has 15.342 kWh and a TIME dimension alone."""
    found = audit(session(TIME="1"), (tariff(("TIME", "2", 1)),), Claims(energy_kwh=Decimal("15.342")))
    assert found.differences == ()


def test_another_currency_is_a_difference():
    found = audit(session(ENERGY="20"), (KWH,), Claims(currency="USD", total=price("5", "6")))
    assert [(d.figure, d.claimed, d.computed) for d in found.differences] == [(Figure.CURRENCY, "USD", "EUR")]


def test_a_record_of_very_many_periods_is_priced_once():
    periods = tuple(
        ChargingPeriod(
            start=START + timedelta(seconds=second),
            dimensions=(Dimension(kind=DimensionKind.ENERGY, volume=Decimal("0.0025")),),
            tariff_id="T",
        )
        for second in range(1001)
    )
    measured = MeasuredSession(start=START, end=START + timedelta(seconds=1001), periods=periods)
    found = audit(measured, (tariff(("ENERGY", "0.25", 500)),), Claims(total=price("9")))
    assert found.options_that_matter == () and len(found.unexplained) == 1


def test_open_points_that_matter_are_named():
    """2.5 kWh are a multiple of the step: one kWh-step more under the literal reading, 3 x 0.25 + 20 % = 0.90."""
    found = audit(session(ENERGY="2.5"), (tariff(("ENERGY", "0.25", 500)),), Claims())
    assert [(effect.option, effect.choice) for effect in found.options_that_matter] == [("step_rounding", "greater")]
    assert found.options_that_matter[0].total.with_taxes == Decimal("0.90")


def test_without_effects_a_wrong_claim_is_explained_all_the_same():
    """3 x 0.25 = 0.75 is the literal reading of the step; 2.5 x 0.25 = 0.625 is ours."""
    stepped = (tariff(("ENERGY", "0.25", 500)),)
    right = audit(session(ENERGY="2.5"), stepped, Claims(total=price("0.63")), effects=False)
    literal = audit(session(ENERGY="2.5"), stepped, Claims(total=price("0.75")), effects=False)
    assert right.differences == right.options_that_matter == literal.options_that_matter == ()
    assert [(why.option, why.choice) for one in literal.differences for why in one.explained_by] == [
        ("step_rounding", "greater")
    ]
