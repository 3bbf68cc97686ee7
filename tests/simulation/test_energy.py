"""Energies worked by hand: watts times seconds, shares of a site's power, taper, cold. Flow starts ten seconds in."""

from decimal import Decimal
from math import exp

import pytest

from core.simulation.car import Supply, battery_at, charge_parts_per_million
from core.simulation.units import WATT_HOUR
from core.visited_cso.equipment import EvseState
from tests.simulation.scene import AC_7, AC_22, DC_50, Scene, evse, plain_car


def kwh(scene: Scene, transaction_id: str = "T1") -> Decimal:
    return scene.equipment.reading(transaction_id).session_energy_kwh


def power(scene: Scene, transaction_id: str = "T1") -> int:
    return scene.equipment.reading(transaction_id).power_w


def test_constant_power_gives_power_times_time_and_nine_tenths_of_it_reach_the_battery() -> None:
    scene = Scene(evse("E1"))
    scene.plug_in(percent=20)
    scene.start()
    reading = scene.at(10 + 720).equipment.reading("T1")
    # 50 kW for 720 s is 10 kWh; 9 of them join the 10 kWh of 20 %, and 19 of 50 kWh are 38 %.
    assert (reading.session_energy_kwh, reading.register_kwh) == (Decimal("10.0000"), Decimal("10.0000"))
    assert (reading.power_w, reading.soc_percent) == (50_000, Decimal("38.0"))
    # 50 kW at 400 V are 125 A.
    assert (reading.voltage_v, reading.current_a) == (Decimal(400), Decimal("125.0"))


def test_the_register_is_cut_to_tenths_of_a_watt_hour() -> None:
    scene = Scene(evse("E1"))
    scene.plug_in()
    scene.start()
    # 50 kW for 1 s are 13.88… Wh.
    assert kwh(scene.at(11)) == Decimal("0.0138")


@pytest.mark.parametrize(
    ("supply", "car_phases", "car_current", "watts", "amperes"),
    [
        (AC_22, 3, 16, 11_040, "16.0"),  # the on-board charger: 3 × 230 V × 16 A
        (AC_22, 1, 32, 7_333, "31.8"),  # one phase of a connector limited to 22 kW over three: 7333 W
        (AC_7, 3, 16, 3_680, "16.0"),  # three-phase car on one phase: 230 V × 16 A
        (AC_7, 1, 40, 7_360, "32.0"),  # the connector: 230 V × 32 A
    ],
)
def test_alternating_current_is_bounded_by_phases_on_both_sides(
    supply, car_phases: int, car_current: int, watts: int, amperes: str
) -> None:
    scene = Scene(evse("E1", supply))
    scene.plug_in(car=plain_car(ac_phases=car_phases, ac_current=car_current))
    scene.start()
    reading = scene.at(60).equipment.reading("T1")
    assert (reading.power_w, reading.current_a, reading.voltage_v) == (watts, Decimal(amperes), Decimal(230))
    assert reading.soc_percent is None


def test_direct_current_is_bounded_by_amperes_at_the_pack_voltage() -> None:
    scene = Scene(evse("E1", DC_50))
    scene.plug_in(car=plain_car(dc_voltage=(200, 200)))
    scene.start()
    # 200 A at 200 V.
    assert power(scene.at(20)) == 40_000


def test_an_800_volt_car_halves_its_pack_at_a_500_volt_station() -> None:
    scene = Scene(evse("E1", DC_50))
    scene.plug_in(car=plain_car(dc_voltage=(720, 720)))
    scene.start()
    assert scene.at(20).equipment.reading("T1").voltage_v == 360


def test_taper_follows_the_curve() -> None:
    # 100 kWh without losses, power falling from 100 kW empty to 50 kW full: ds/dt = 1 − s/2 per hour,
    # so after one hour s = 2 (1 − e^−½) = 0.787. In steps of 10 s it is 2 (1 − (1 − 1/720)^360), 0.05 % more.
    car = plain_car(battery=100_000, charging_curve=((0, 100_000), (100, 50_000)), dc_efficiency=1000)
    supply = Supply(phases=0, voltage=500, current=400, power=200_000)
    scene = Scene(evse("E1", supply))
    scene.plug_in(car=car, percent=0)
    scene.start()
    exact = 200 * (1 - exp(-0.5))
    assert float(kwh(scene.at(3610))) == pytest.approx(200 * (1 - (719 / 720) ** 360), abs=0.001)
    assert float(kwh(scene)) == pytest.approx(exact, rel=0.001)
    assert power(scene) == pytest.approx(100_000 - 500 * exact, rel=0.002)


def test_power_ramps_up_second_by_second() -> None:
    scene = Scene(evse("E1"))
    scene.plug_in(car=plain_car(ramp=10_000))
    scene.start()
    # 10, 20, 30, 40 kW for a second each, then 50: 100 kWs by the fourth second, 150 by the fifth.
    assert [power(scene.at(second)) for second in (10, 11, 13, 14, 15)] == [10_000, 20_000, 40_000, 50_000, 50_000]
    assert kwh(scene) == Decimal("0.0416")  # 150 kWs / 3600


def test_two_cars_share_the_site_equally_and_one_left_alone_gets_what_it_wants() -> None:
    scene = Scene(evse("E1"), evse("E2"), power_limit=60_000)
    scene.plug_in("E1")
    scene.start("E1", "A")
    scene.at(360).plug_in("E2")
    scene.start("E2", "B")
    # A: 50 kW from 10 to 370 is 5 kWh, then 30 kW each; until 730 that is 3 kWh.
    scene.at(730)
    assert (kwh(scene, "A"), kwh(scene, "B")) == (Decimal("8.0000"), Decimal("3.0000"))
    scene.do(scene.equipment.stop("A"))
    # B alone: 50 kW for 360 s are 5 kWh more.
    assert kwh(scene.at(1090), "B") == Decimal("8.0000")
    assert kwh(scene, "A") == Decimal("8.0000")


def test_the_last_to_come_waits_where_shares_would_fall_below_six_amperes() -> None:
    car = plain_car(ac_phases=1, ac_current=32)
    scene = Scene(*(evse(uid, AC_7) for uid in ("E1", "E2", "E3")), power_limit=3_000)
    for second, uid in enumerate(("E1", "E2", "E3")):
        scene.at(second).plug_in(uid, car)
        scene.start(uid, f"T-{uid}")
    scene.at(60)
    # 6 A × 230 V are 1380 W: two cars get 1500 W each, three could not.
    assert [power(scene, f"T-{uid}") for uid in ("E1", "E2", "E3")] == [1_500, 1_500, 0]
    assert scene.equipment.evse_state("E3") is EvseState.SUSPENDED_EVSE
    scene.do(scene.equipment.stop("T-E1"))
    assert power(scene, "T-E3") == 1_500
    assert scene.equipment.evse_state("E3") is EvseState.CHARGING


def test_a_cold_battery_charges_slowly_until_its_losses_have_warmed_it() -> None:
    # Half power at 0 °C, full power from 10 °C. A tenth of the energy is lost, all of it warms 500 kJ/K: ten kelvin
    # are 5 MJ of loss, 50 MJ or 13.89 kWh metered, reached after 2000 s × ln 2 = 1386 s of 25 kW (1 + T / 10 °C).
    car = plain_car(heat_share=1000, temperature_curve=((0, 500), (100, 1000)))
    scene = Scene(evse("E1"))
    scene.plug_in(car=car, percent=0, temperature=0)
    scene.start()
    assert power(scene.at(11)) == 25_000
    assert 48_500 <= power(scene.at(10 + 1386)) < 50_000
    assert float(kwh(scene)) == pytest.approx(13.89, rel=0.02)
    assert power(scene.at(10 + 1450)) == 50_000


def test_a_full_car_stops_taking_energy_and_the_register_stands() -> None:
    scene = Scene(evse("E1"))
    scene.plug_in(car=plain_car(battery=49_000), percent=82)
    scene.start()
    # 18 % of 49 kWh are 8.82 kWh in the cells, 9.8 kWh metered, 705.6 s at 50 kW.
    scene.at(10_000)
    assert scene.told()[-1] == (715.6, "suspended")
    assert kwh(scene) == Decimal("9.8000")
    assert scene.equipment.reading("T1").soc_percent == Decimal("100.0")
    assert scene.equipment.evse_state("E1") is EvseState.SUSPENDED_EV


def test_the_cars_own_limit_ends_charging() -> None:
    scene = Scene(evse("E1"))
    scene.plug_in(car=plain_car(charge_limit=80), percent=62)
    scene.start()
    assert kwh(scene.at(5_000)) == Decimal("10.0000")


def test_what_the_battery_gains_is_the_register_times_the_efficiency_to_the_last_nanojoule() -> None:
    car = plain_car(ramp=777, charging_curve=((0, 49_999), (60, 31_337), (100, 1_001)), dc_efficiency=937)
    scene = Scene(evse("E1"))
    scene.plug_in(car=car, percent=13)
    scene.start()
    scene.at(2_345.678901)
    _, evse_now, _ = scene.equipment.look("E1")
    assert evse_now.plugged is not None
    gain = evse_now.plugged.battery.content - battery_at(car, 13).content
    assert gain == evse_now.register * 937 > 0


def test_a_battery_at_a_percentage_holds_that_share() -> None:
    car = plain_car()
    assert charge_parts_per_million(car, battery_at(car, 37)) == 370_000
    assert battery_at(car, 100).content == 50_000 * WATT_HOUR * 1000
