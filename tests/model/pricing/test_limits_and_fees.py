"""Minimum and maximum price, flat fees, VAT, rounding, tariffs; tar and cdr are lines of OCPI 2.2.1's modules."""

from decimal import Decimal

import pytest

from core.errors import InvalidInput
from core.model.pricing.measured import TariffUnknown
from core.model.pricing.report import CostKind, LimitKind, NoticeCode


@pytest.fixture
def energy_session(make):
    return lambda kwh: make.session(make.period("10:00", ENERGY=kwh), end="11:00")


def codes(report):
    return [notice.code for notice in report.notices]


def test_each_limit_caps_its_own_figure(make, energy_session):
    """tar:295-303. 20 kWh at 0.50 + 20 %: 10 and 12; at most 11 and 11.50: only the figure with taxes is capped."""
    tariff = make.tariff(make.element(make.energy("0.5", vat="20")), max_price=make.limit("11", "11.50"))
    report = make.price(energy_session("20"), tariff)
    assert report.total == make.amount("10", "11.50")
    assert report.limits[0].change == make.amount("0", "-0.50")


def test_minimum_price(make, energy_session):
    """tar:380-391: 1 kWh at 0.25 costs 0.50 and 0.55."""
    tariff = make.tariff(make.element(make.energy("0.25", vat="10")), min_price=make.limit("0.50", "0.55"))
    report = make.price(energy_session("1"), tariff)
    assert report.total == make.amount("0.50", "0.55")
    assert report.limits[0].kind is LimitKind.MIN_PRICE
    assert report.subtotal == make.amount("0.25", "0.275")


def test_a_limit_without_the_figure_with_taxes_under_both_readings(make, energy_session):
    """20 kWh at 0.50 + 20 %: 10 and 12; at most 5: 12 stays, or 12 x 5/10 = 6."""
    tariff = make.tariff(make.element(make.energy("0.5", vat="20")), max_price=make.limit("5"))
    report = make.price(energy_session("20"), tariff)
    assert report.total == make.amount("5", "12")
    assert codes(report) == [NoticeCode.NO_LIMIT_WITH_TAXES]
    share = make.price(energy_session("20"), tariff, missing_limit_with_taxes="same_share")
    assert share.total == make.amount("5", "6")
    assert codes(share) == []


def test_limits_of_two_tariffs_under_both_readings(make):
    """A: 10 kWh at 1, at most 6; B: 10 kWh at 1, at most 8: 6 + 8, or at most 6 for all."""
    first = make.tariff(make.element(make.energy("1")), id="A", max_price=make.limit("6", "6"))
    second = make.tariff(make.element(make.energy("1")), id="B", max_price=make.limit("8", "8"))
    measured = make.session(make.period("10:00", "A", ENERGY="10"), make.period("10:30", "B", ENERGY="10"), end="11:00")
    assert make.price(measured, first, second).total.before_taxes == 14
    one = make.price(measured, first, second, limit_scope="first_tariff")
    assert one.total.before_taxes == 6


def test_limits_and_reservations_under_both_readings(make):
    """Reservation 3 + energy 10, at most 10: 10, or 3 + 10."""
    tariff = make.tariff(
        make.element(make.flat("3"), reservation="RESERVATION"),
        make.element(make.energy("1")),
        max_price=make.limit("10", "10"),
    )
    measured = make.session(
        make.period("10:00", RESERVATION_TIME="0.5"), make.period("10:30", ENERGY="10"), end="11:00"
    )
    assert make.price(measured, tariff).total.before_taxes == 10
    assert make.price(measured, tariff, limits_include_reservation=False).total.before_taxes == 13


def test_limits_on_an_unused_reservation_under_both_readings(make):
    """A reservation that never became "a charging session" (tar:282) costs 3; the session's minimum is 5."""
    tariff = make.tariff(
        make.element(make.flat("3"), reservation="RESERVATION"),
        make.element(make.energy("1")),
        min_price=make.limit("5", "5"),
    )
    measured = make.session(make.period("10:00", RESERVATION_TIME="0.5"), end="10:30")
    assert make.price(measured, tariff).total.before_taxes == 3
    assert make.price(measured, tariff, limits_on_unused_reservation=True).total.before_taxes == 5
    covering = {"limits_on_unused_reservation": True, "limits_include_reservation": False}
    assert make.price(measured, tariff, **covering).total.before_taxes == 5


def test_of_contradicting_limits_the_maximum_wins(make, energy_session):
    tariff = make.tariff(make.element(make.energy("1")), min_price=make.limit("5", "5"), max_price=make.limit("3", "3"))
    assert make.price(energy_session("1"), tariff).total == make.amount("3", "3")


def test_a_flat_fee_is_paid_once_a_session(make):
    """tar:283: a fixed amount for a session, however many periods it has."""
    tariff = make.tariff(make.element(make.flat("1"), make.energy("1")))
    measured = make.session(make.period("10:00", ENERGY="1"), make.period("10:30", ENERGY="1"), end="11:00")
    assert make.price(measured, tariff).total.before_taxes == 3


def test_flat_fees_in_turn_under_all_readings(make):
    """A: 1 by day, 2 from 20:00; B: 4. The session runs from A by day through A by night to B."""
    first = make.tariff(make.element(make.flat("1"), end_time="20:00"), make.element(make.flat("2")), id="A")
    second = make.tariff(make.element(make.flat("4")), id="B")
    measured = make.session(
        make.period("19:00", "A", ENERGY="1"),
        make.period("20:00", "A", ENERGY="1"),
        make.period("21:00", "B", ENERGY="1"),
        end="22:00",
    )
    assert make.price(measured, first, second).total.before_taxes == 1
    assert make.price(measured, first, second, flat_fees="first_of_tariff").total.before_taxes == 5
    assert make.price(measured, first, second, flat_fees="each").total.before_taxes == 7


def test_a_flat_fee_may_become_due_later(make):
    """An overstay fee from one hour on is paid although it did not apply at the start."""
    tariff = make.tariff(make.element(make.flat("5"), min_duration_s=3600))
    short = make.session(make.period("10:00", TIME="0.5"), end="10:30")
    long = make.session(make.period("10:00", TIME="1"), make.period("11:00", PARKING_TIME="1"), end="12:00")
    assert make.price(short, tariff).total.before_taxes == 0
    assert make.price(long, tariff).total.before_taxes == 5


def test_flat_fees_belong_to_what_they_are_paid_for(make):
    """cdr:346-353."""
    tariff = make.tariff(
        make.element(make.flat("2"), reservation="RESERVATION"),
        make.element(make.flat("3"), make.parking("6"), min_duration_s=3600),
        make.element(make.flat("1"), make.energy("0.5")),
    )
    measured = make.session(
        make.period("10:00", RESERVATION_TIME="0.5"),
        make.period("10:30", ENERGY="4"),
        make.period("11:30", PARKING_TIME="0.5"),
        end="12:00",
    )
    report = make.price(measured, tariff, flat_fees="each")
    assert {kind: report.total_of_kind(kind).before_taxes for kind in CostKind} == {
        CostKind.FIXED: 1,
        CostKind.ENERGY: 2,
        CostKind.TIME: 0,
        CostKind.PARKING: 6,
        CostKind.RESERVATION: 2,
    }
    mixed = make.tariff(make.element(make.flat("1"), make.energy("0.5"), make.parking("6")))
    assert make.price(measured, mixed).total_of_kind(CostKind.FIXED).before_taxes == 1


def test_vat_of_each_component(make):
    """tar:922: 1.00 + 20 %, 2.00 + 0 %, and 3.00 to which no VAT applies: 6.00 and 6.20."""
    tariff = make.tariff(make.element(make.flat("1", vat="20"), make.energy("2", vat="0"), make.time("3")))
    report = make.price(make.session(make.period("10:00", ENERGY="1", TIME="1"), end="11:00"), tariff)
    assert report.total == make.amount("6", "6.20")
    assert [(line.vat_percent, line.vat) for line in report.lines] == [
        (Decimal(20), Decimal("0.2")),
        (Decimal(0), Decimal(0)),
        (None, Decimal(0)),
    ]


@pytest.mark.parametrize(
    ("rounding", "expected"),
    [
        ({}, "2.01"),
        ({"place": "nothing"}, "2.01"),
        ({"decimals": 1}, "2.0"),
        ({"place": "lines", "decimals": 2}, "2.02"),
        ({"place": "lines", "decimals": 2, "mode": "half_even"}, "2.00"),
        ({"decimals": 1, "mode": "up"}, "2.1"),
        ({"decimals": 1, "mode": "down"}, "2.0"),
    ],
)
def test_rounding(make, rounding, expected):
    """Two lines of 1.005 (tar:269 gives no rule)."""
    tariff = make.tariff(make.element(make.flat("1.005"), make.energy("1.005")))
    report = make.price(make.session(make.period("10:00", ENERGY="1"), end="11:00"), tariff, rounding=rounding)
    assert report.total.before_taxes == Decimal(expected)


def test_the_tariff_of_the_period_decides(make):
    """cdr:506: no tariff_id among periods that name one: no tariff is relevant."""
    first, second = (make.tariff(make.element(make.energy(p)), id=i) for p, i in (("1", "A"), ("3", "B")))
    measured = make.session(
        make.period("10:00", "A", ENERGY="1"),
        make.period("10:20", None, ENERGY="1"),
        make.period("10:40", "B", ENERGY="1"),
        end="11:00",
    )
    report = make.price(measured, first, second)
    assert report.total.before_taxes == 4
    assert codes(report) == [NoticeCode.PERIOD_WITHOUT_TARIFF]


def test_periods_that_name_no_tariff_under_both_readings(make):
    tariff = make.tariff(make.element(make.energy("1")))
    measured = make.session(make.period("10:00", None, ENERGY="2"), end="11:00")
    assert make.price(measured, tariff).total.before_taxes == 2
    assert make.price(measured, tariff, unnamed_tariff="none").total.before_taxes == 0


def test_of_several_unnamed_tariffs_the_one_in_force_holds(make):
    """The old one ends where the new one begins."""
    change = make.at("2024-01-02 00:00")
    old = make.tariff(make.element(make.energy("1")), id="A", valid_until=change)
    new = make.tariff(make.element(make.energy("3")), id="B", valid_from=change)
    measured = make.session(make.period("10:00", None, ENERGY="1"), end="11:00")
    assert make.price(measured, old, new).total.before_taxes == 1
    with pytest.raises(TariffUnknown):
        make.price(measured, make.tariff(make.element(make.energy("1")), id="C"), old)


def test_a_tariff_that_is_not_given_is_refused(make):
    measured = make.session(make.period("10:00", "X", ENERGY="2"), end="11:00")
    with pytest.raises(TariffUnknown, match="charging period 1 names the tariff “X”"):
        make.price(measured, make.tariff(make.element(make.energy("1"))))


def test_no_tariff_and_two_currencies_are_refused(make):
    measured = make.session(make.period("10:00", ENERGY="2"), end="11:00")
    with pytest.raises(InvalidInput, match="no tariff"):
        make.price(measured)
    euro = make.tariff(make.element(make.energy("1")))
    franc = euro.model_copy(update={"id": "C", "currency": "CHF"})
    both = make.session(make.period("10:00", ENERGY="2"), make.period("10:30", "C", ENERGY="2"), end="11:00")
    with pytest.raises(InvalidInput, match="CHF, EUR"):
        make.price(both, euro, franc)


def test_a_tariff_in_another_currency_that_prices_nothing_does_no_harm(make):
    euro = make.tariff(make.element(make.energy("1")))
    franc = euro.model_copy(update={"id": "C", "currency": "CHF"})
    report = make.price(make.session(make.period("10:00", "C", ENERGY="2"), end="11:00"), euro, franc)
    assert (report.currency, report.total) == ("CHF", make.amount("2", "2"))


def test_a_tariff_that_never_applies_is_said(make, energy_session):
    tariff = make.tariff(make.element(make.energy("1"), min_energy_kwh="100"))
    report = make.price(energy_session("5"), tariff)
    assert report.total == make.amount("0", "0")
    assert codes(report) == [NoticeCode.TARIFF_NEVER_APPLIES]


def test_free_of_charge_is_a_price(make, energy_session):
    """tar:263, 680: one FLAT of 0."""
    report = make.price(energy_session("5"), make.tariff(make.element(make.flat("0", 0))))
    assert report.total == make.amount("0", "0")
    assert codes(report) == [] and len(report.lines) == 1


def test_a_tariff_out_of_force_is_priced_and_said(make, energy_session):
    tariff = make.tariff(make.element(make.energy("1")), valid_until=make.at("2023-01-01 00:00"))
    report = make.price(energy_session("5"), tariff)
    assert report.total.before_taxes == 5
    assert codes(report) == [NoticeCode.TARIFF_NOT_IN_FORCE]


def test_a_session_out_of_order_is_refused(make):
    with pytest.raises(ValueError, match="not in order"):
        make.session(make.period("11:00", ENERGY="1"), make.period("10:00", ENERGY="1"), end="12:00")
    with pytest.raises(ValueError, match="longer than a year"):
        make.session(make.period("11:00", ENERGY="1"), end="2025-02-01 10:30")
    with pytest.raises(ValueError, match="ends before"):
        make.session(make.period("11:00", ENERGY="1"), end="10:30")
