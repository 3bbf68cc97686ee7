"""Reservations; tar = OCPI 2.2.1 mod_tariffs, with its lines."""

from decimal import Decimal

import pytest


@pytest.fixture
def reserved(make):
    """A reservation of 22 minutes, then 20 kWh; or, where `used` is false, the reservation alone."""

    def build(*, used: bool = True, expired: bool | None = None, hours: str = "0.3667", end: str = "10:22"):
        periods = [make.period("10:00", RESERVATION_TIME=hours)]
        if used:
            periods.append(make.period(end, ENERGY="20"))
        return make.session(*periods, end="11:22" if used else end, expired=expired)

    return build


@pytest.fixture
def tariff(make):
    """tar:771-788: expiry fee 4, reserved hour 2 in steps of 10 min, start fee 0.50, kWh 0.25."""
    return make.tariff(
        make.element(make.flat("4", vat="20"), reservation="RESERVATION_EXPIRES"),
        make.element(make.time("2", 600, vat="20"), reservation="RESERVATION"),
        make.element(make.flat("0.5", vat="20"), make.energy("0.25", vat="10")),
    )


def test_used(make, tariff, reserved):
    """tar:794-808: 30 min at 2 + 0.50 + 5.00."""
    assert make.price(reserved(), tariff).total == make.amount("6.50", "7.30")


def test_expired_pays_no_start_fee(make, tariff, reserved):
    """tar:810-823: 4.00 + 1 h at 2."""
    measured = reserved(used=False, hours="1", end="11:00")
    assert make.price(measured, tariff).total == make.amount("6.00", "7.20")


def test_cancelled_pays_the_reserved_time(make, tariff, reserved):
    """30 min at 2: known from the record, or, where it is silent, by option."""
    known = reserved(used=False, expired=False)
    assert make.price(known, tariff).total.before_taxes == 1
    silent = make.price(reserved(used=False), tariff, unused_reservation="cancelled")
    assert silent.total.before_taxes == 1


@pytest.mark.parametrize("expiry_first", [True, False])
def test_expiry_wins_in_any_order(make, reserved, expiry_first):
    """tar:1030: time of an expired reservation is priced by RESERVATION_EXPIRES: 1.5 h at 6 (tar:873-884)."""
    elements = [
        make.element(make.time("6", 600), reservation="RESERVATION_EXPIRES"),
        make.element(make.time("3", 600), reservation="RESERVATION"),
    ]
    tariff = make.tariff(*(elements if expiry_first else reversed(elements)))
    measured = reserved(used=False, hours="1.5", end="11:30")
    assert make.price(measured, tariff).total.before_taxes == 9


def test_reserving_and_starting_pay_a_fee_each(make, reserved):
    """tar:748-763: 2.00 + 15 min at 5 + 0.50 + 5.00."""
    tariff = make.tariff(
        make.element(make.flat("2", vat="20"), make.time("5", 300, vat="20"), reservation="RESERVATION"),
        make.element(make.flat("0.5", vat="20"), make.energy("0.25", vat="10")),
    )
    measured = reserved(hours="0.2167", end="10:13")
    assert make.price(measured, tariff).total == make.amount("8.75", "10.00")


def test_fees_of_reserving_and_of_expiry_under_both_readings(make, reserved):
    tariff = make.tariff(
        make.element(make.flat("2"), reservation="RESERVATION"),
        make.element(make.flat("5"), reservation="RESERVATION_EXPIRES"),
    )
    measured = reserved(used=False)
    assert make.price(measured, tariff).total.before_taxes == 5
    assert make.price(measured, tariff, expiry_flat="both").total.before_taxes == 7


def test_charging_time_does_not_price_the_reservation(make, reserved):
    """Elements without the restriction price charging only: 20 kWh at 0.25."""
    tariff = make.tariff(make.element(make.energy("0.25"), make.time("6")))
    report = make.price(reserved(), tariff)
    assert report.total.before_taxes == 5
    assert report.periods[0].uses[0].element is None


def test_reserved_time_before_charging_time_under_both_readings(make):
    """11 min reserved, 12 charging, steps 10 min, 6/h both: own 20 + 20 min = 4.00; together 23 → 30 min = 3.00."""
    tariff = make.tariff(
        make.element(make.time("6", 600), reservation="RESERVATION"), make.element(make.time("6", 600))
    )
    measured = make.session(
        make.period("10:00", RESERVATION_TIME="0.1833"), make.period("10:11", TIME="0.2"), end="10:23"
    )
    assert make.price(measured, tariff).total.before_taxes == 4
    assert make.price(measured, tariff, reservation_step="with_time").total.before_taxes == 3


def test_duration_after_a_reservation_under_both_readings(make):
    """0.50 from 30 min on, free before. Charging starts 20 min after reserving; the second period after another 15."""
    tariff = make.tariff(make.element(make.energy("0.5"), min_duration_s=1800))
    measured = make.session(
        make.period("10:00", RESERVATION_TIME="0.3333"),
        make.period("10:20", ENERGY="2"),
        make.period("10:35", ENERGY="2"),
        end="10:50",
    )
    assert make.price(measured, tariff, crossing="start").total.before_taxes == 0
    from_reserving = make.price(measured, tariff, crossing="start", duration_origin="reservation")
    assert from_reserving.total.before_taxes == 1


def test_a_period_in_which_nothing_happened_is_no_session(make, tariff):
    """Some records end with an empty period; the reservation stays unused and pays no start fee: 4.00 + 1 h at 2."""
    measured = make.session(make.period("10:00", RESERVATION_TIME="1"), make.period("11:00", ENERGY="0"), end="11:00")
    assert make.price(measured, tariff).total == make.amount("6.00", "7.20")


def test_a_period_with_reserved_and_charging_time(make):
    """Both in one period: each by its own element."""
    tariff = make.tariff(make.element(make.time("6"), reservation="RESERVATION"), make.element(make.time("12")))
    measured = make.session(make.period("10:00", RESERVATION_TIME="0.5", TIME="0.5"), end="11:00")
    assert make.price(measured, tariff).total.before_taxes == Decimal(9)
