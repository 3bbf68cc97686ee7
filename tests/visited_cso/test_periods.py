"""Charging periods are cut where another price begins, so that the operator bills what was forecast.

A period in which another component becomes active has to end there (OCPI 2.2.1, mod_cdrs, 264); the figures are worked
by hand: quantity × price, energy in kWh and time in hours.
"""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from core.model.measuring import measured
from core.model.meter import DimensionKind
from core.model.parties import Party
from core.model.pricing.forecast import ExpectedStay, PowerStep, expected_session, forecast
from core.model.session import ServiceSession, SessionState
from core.model.tariffs import Dimension, PriceComponent, Restrictions, Tariff, TariffElement
from core.visited_cso.energy_transfer.record import price_of
from core.visited_cso.equipment import MeterReading

BERLIN = ZoneInfo("Europe/Berlin")


def element(dimension: Dimension, price: str, **restrictions: object) -> TariffElement:
    component = PriceComponent(dimension=dimension, price=Decimal(price))
    return TariffElement(components=(component,), restrictions=Restrictions.model_validate(restrictions))


def energy(price: str, **restrictions: object) -> TariffElement:
    return element(Dimension.ENERGY, price, **restrictions)


def tariff(*elements: TariffElement) -> Tariff:
    return Tariff(
        country_code="DE",
        party_id="KPF",
        id="T",
        currency="EUR",
        elements=elements,
        last_updated=datetime(2026, 1, 1, tzinfo=UTC),
    )


def begun(start: datetime, priced: Tariff) -> ServiceSession:
    return ServiceSession(
        id="s",
        home=Party.parse("NL*EVR"),
        visited=Party.parse("DE*KPF"),
        contract_id="NLEVRC12345678",
        credential_uid="u",
        credential_kind="APP_USER",
        site_id="site",
        evse_uid="e",
        connector_id="1",
        time_zone="Europe/Berlin",
        state=SessionState.ACTIVE,
        opened_at=start,
        started_at=start,
        last_word_at=start,
        tariffs=(priced,),
    )


def charged(
    session: ServiceSession, until: datetime, kw: str, *, charging: bool = True, amperes: str | None = None
) -> ServiceSession:
    """The session after so much power until then, with a reading on every whole minute and one at the end."""
    rate = Decimal(kw) / 3600
    while session.last_word_at is not None and session.last_word_at < until:
        since = session.last_word_at
        at = min(since.replace(second=0, microsecond=0) + timedelta(minutes=1), until)
        gained = rate * Decimal(str((at - since).total_seconds()))
        reading = (session.energy + gained).quantize(Decimal("0.0001"))
        current = None if amperes is None else Decimal(amperes)
        session = measured(session, at=at, energy=reading, charging=charging, current_a=current)
    return session


def total(session: ServiceSession) -> Decimal:
    report = price_of(session)
    assert report is not None
    return report.total.before_taxes


def test_a_bound_of_energy_divides_a_minute_exactly_at_the_bound() -> None:
    start = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
    blocks = tariff(energy("0.30", max_energy_kwh=10), energy("0.40", min_energy_kwh=10))
    session = charged(begun(start, blocks), start + timedelta(minutes=60), "12")  # 12 kWh
    assert [one.volume(DimensionKind.ENERGY) for one in session.periods] == [Decimal(10), Decimal(2)]
    assert session.periods[1].start == start + timedelta(minutes=50)
    assert total(session) == Decimal("3.80")  # 10 × 0.30 + 2 × 0.40


def test_the_night_price_begins_with_the_night_though_no_reading_was_taken_then() -> None:
    start = datetime(2026, 3, 2, 20, 50, 30, tzinfo=UTC)  # 21:50:30 in Berlin
    nights = tariff(energy("0.30", start_time=time(22), end_time=time(6)), energy("0.40"))
    session = charged(begun(start, nights), start + timedelta(minutes=20), "6")  # 0.1 kWh a minute
    assert session.periods[1].start == datetime(2026, 3, 2, 21, 0, tzinfo=UTC)
    assert total(session) == Decimal("0.695")  # 0.95 × 0.40 + 1.05 × 0.30
    late = measured(begun(start, nights), at=start + timedelta(minutes=20), energy=Decimal(2), charging=True)
    assert total(late) == Decimal("0.695")  # one reading alone: the energy between is taken as even


def test_a_window_that_the_clock_change_repeats_is_cut_at_each_of_its_ends() -> None:
    start = datetime(2026, 10, 24, 23, 30, tzinfo=UTC)  # 01:30 summer time; 02:00 to 03:00 comes twice
    window = tariff(energy("1.00", start_time=time(2), end_time=time(3)), energy("0.10"))
    session = charged(begun(start, window), start + timedelta(hours=3), "6")
    assert total(session) == Decimal("12.60")  # 3 + 3 kWh at 0.10, 12 kWh in two hours at 1.00


def test_parking_costs_from_the_minute_that_the_tariff_names() -> None:
    start = datetime(2026, 3, 2, 10, 0, 30, tzinfo=UTC)
    idle = tariff(energy("0.40"), element(Dimension.PARKING_TIME, "6", min_duration_s=3600))
    session = charged(begun(start, idle), start + timedelta(minutes=30), "12")  # 6 kWh
    session = charged(session, start + timedelta(minutes=80), "0", charging=False)
    assert total(session) == Decimal("4.40")  # 6 × 0.40 + 20 minutes of 6 an hour
    kinds = [[one.kind for one in period.dimensions] for period in session.periods]
    assert kinds[1:] == [[DimensionKind.PARKING_TIME], [DimensionKind.PARKING_TIME]]
    assert session.periods[2].start == start + timedelta(hours=1)


def test_power_that_falls_under_a_bound_is_billed_at_the_price_of_its_own_power() -> None:
    start = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
    powers = tariff(energy("0.60", min_power_kw=150), energy("0.50", max_power_kw=150))
    session = charged(begun(start, powers), start + timedelta(minutes=6), "180")  # 18 kWh
    session = charged(session, start + timedelta(minutes=12), "60")  # 6 kWh
    assert [one.volume(DimensionKind.POWER) for one in session.periods] == [Decimal(180), Decimal(60)]
    assert total(session) == Decimal("13.80")  # 18 × 0.60 + 6 × 0.50


def test_current_that_falls_under_a_bound_is_billed_at_the_price_of_its_own_current() -> None:
    """Three phases of 16 A and 230 V are 48 A and 11.04 kW, of 8 A half of that; bounds are of the sum."""
    start = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
    currents = tariff(energy("0.60", min_current_a=32), energy("0.50", max_current_a=32))
    session = charged(begun(start, currents), start + timedelta(hours=1), "11.04", amperes="48")  # 11.04 kWh
    session = charged(session, start + timedelta(hours=2), "5.52", amperes="24")  # 5.52 kWh
    session = measured(session, at=start + timedelta(hours=3), energy=Decimal("22.08"), charging=True)  # goes on
    assert [one.volume(DimensionKind.CURRENT) for one in session.periods] == [Decimal(48), Decimal(24)]
    assert [one.start for one in session.periods] == [start, start + timedelta(hours=1)]
    assert total(session) == Decimal("12.144")  # 11.04 × 0.60 + 11.04 × 0.50


@pytest.mark.parametrize(
    ("power_w", "current", "voltage", "total_a"),
    [
        (11040, "16", "230", 48),
        (7360, "16", "230", 32),
        (3680, "16", "230", 16),
        (50000, "125", "400", 125),
        (0, "0", "230", 0),
    ],
)
def test_the_current_of_a_reading_is_summed_over_its_phases(
    power_w: int, current: str, voltage: str, total_a: int
) -> None:
    moment = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
    reading = MeterReading(moment, Decimal(1), Decimal(1), power_w, Decimal(current), Decimal(voltage), None)
    assert reading.total_current_a == total_a


def test_energy_while_parked_is_billed_and_stays_parking() -> None:
    start = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
    priced = tariff(energy("0.40"), element(Dimension.PARKING_TIME, "6"))
    session = charged(begun(start, priced), start + timedelta(minutes=30), "10")
    session = measured(session, at=start + timedelta(minutes=40), energy=Decimal("5.05"), charging=False)
    assert total(session) == Decimal("3.02")  # 5.05 × 0.40 + 10 minutes of 6 an hour


def test_a_stop_in_the_moment_of_the_last_word_adds_no_period() -> None:
    start = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
    session = charged(begun(start, tariff(energy("0.40"))), start + timedelta(minutes=30), "10")
    again = measured(session, at=start + timedelta(minutes=30), energy=session.energy, charging=False)
    assert again.periods == session.periods


@pytest.mark.parametrize(
    "elements",
    [
        (energy("0.30", max_energy_kwh="7.5"), energy("0.40")),
        (energy("0.30", start_time=time(11, 17), end_time=time(11, 40)), energy("0.40")),
        (
            energy("0.30", max_duration_s=1234),
            energy("0.40"),
            element(Dimension.PARKING_TIME, "5", min_duration_s=4000),
        ),
        (energy("0.55", min_power_kw=40), energy("0.45", max_power_kw=40), element(Dimension.TIME, "1.2")),
    ],
)
def test_what_is_billed_is_what_was_forecast(elements: tuple[TariffElement, ...]) -> None:
    """Billed by periods as they stand, forecast with periods divided; a reading carries a tenth of a Wh."""
    start, priced = datetime(2026, 3, 2, 10, 0, 20, tzinfo=UTC), tariff(*elements)
    taper, done, leaves = start + timedelta(seconds=700), start + timedelta(minutes=50), start + timedelta(minutes=90)
    session = charged(begun(start, priced), taper, "60")
    session = charged(session, done, "9")
    session = charged(session, leaves, "0", charging=False)
    steps = (PowerStep(after_s=0, power_kw=Decimal(60)), PowerStep(after_s=700, power_kw=Decimal(9)))
    stay = ExpectedStay(start=start, end=leaves, power=(*steps, PowerStep(after_s=3000, power_kw=Decimal(0))))
    expected = forecast(expected_session(stay, priced.id), (priced,), time_zone=BERLIN).total.before_taxes
    # a minute in which the power crosses a bound is billed at its average, hence at most 0.7 kWh at 0.10 more or less
    assert abs(total(session) - expected) <= Decimal("0.07")
