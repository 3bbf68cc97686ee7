"""A published site becomes a simulated one; the cars that ship are sound."""

from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter, ValidationError

from core.model.sites import Connector, EvSupplyEquipment, Site
from core.simulation.car import Car, Supply, battery_at, demand
from core.simulation.station import Drivers, simulate_site
from core.simulation.typical_cars import car_for, typical_cars

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def site(*connectors: dict) -> Site:
    common = {"standard": "IEC_62196_T2", "format": "SOCKET", "last_updated": MOMENT}
    equipment = [
        EvSupplyEquipment(
            uid=f"E{place}",
            status="AVAILABLE",
            connectors=[Connector(id="1", **(common | connector))],
            last_updated=MOMENT,
        )
        for place, connector in enumerate(connectors)
    ]
    return Site(
        country_code="DE",
        party_id="TST",
        id="S1",
        publish=True,
        address="Hauptstr. 1",
        city="Ulm",
        country="DEU",
        point={"latitude": "48.4", "longitude": "9.99"},
        equipment=equipment,
        time_zone="Europe/Berlin",
        last_updated=MOMENT,
    )


@pytest.mark.parametrize(
    ("power_type", "voltage", "current", "power", "supply"),
    [
        ("AC_3_PHASE", 230, 32, None, Supply(3, 230, 32, 22_080)),
        ("AC_3_PHASE", 400, 32, 22_000, Supply(3, 230, 32, 22_000)),  # 400 V between phases are 230 V to neutral
        ("AC_1_PHASE", 230, 16, None, Supply(1, 230, 16, 3_680)),
        ("AC_2_PHASE", 230, 16, None, Supply(2, 230, 16, 7_360)),
        ("DC", 920, 500, 300_000, Supply(0, 920, 500, 300_000)),
        ("DC", 500, 125, None, Supply(0, 500, 125, 62_500)),
        ("DC", 500, 125, 90_000, Supply(0, 500, 125, 62_500)),  # never more than volts times amperes
        ("AC_1_PHASE", 0, 0, 0, Supply(1, 1, 1, 1)),  # nonsense gives a feeble connector, not a crash
    ],
)
def test_what_a_connector_gives(power_type: str, voltage: int, current: int, power: int | None, supply: Supply) -> None:
    connector = {"power_type": power_type, "max_voltage": voltage, "max_current": current, "max_power": power}
    assert simulate_site(site(connector)).equipment[0].connectors[0].supply == supply


def test_a_simulated_site_keeps_uids_sockets_and_habits() -> None:
    dc = {"power_type": "DC", "max_voltage": 500, "max_current": 125, "format": "CABLE"}
    ac = {"power_type": "AC_3_PHASE", "max_voltage": 230, "max_current": 16}
    made = simulate_site(site(dc, ac), power_limit=50_000, drivers=Drivers(8, 60), connection_timeout=45)
    fast, slow = made.equipment
    assert (made.key, made.power_limit, fast.uid, slow.uid) == ("DE-TST-S1", 50_000, "E0", "E1")
    assert (fast.connectors[0].is_socket, slow.connectors[0].is_socket) == (False, True)
    assert (fast.connectors[0].handshake, slow.connectors[0].handshake) == (18, 4)
    assert (fast.connection_timeout, fast.drivers.auto_plug_after) == (45, 8)
    assert fast.meter_start == simulate_site(site(dc)).equipment[0].meter_start > 0


@pytest.mark.parametrize("car", typical_cars(), ids=lambda car: car.name)
@pytest.mark.parametrize(
    "supply", [Supply(0, 920, 500, 300_000), Supply(3, 230, 32, 22_000), Supply(1, 230, 16, 3_680)]
)
def test_every_car_takes_energy_at_any_charge_and_in_any_weather(car: Car, supply: Supply) -> None:
    for percent in range(100):
        for degrees in (-300, 0, 250, 500):
            assert 0 < demand(car, battery_at(car, percent, degrees), supply) <= supply.power
    assert demand(car, battery_at(car, 100), supply) == 0


def test_the_same_transaction_always_brings_the_same_car() -> None:
    brought = [car_for(f"T{number}", "1") for number in range(200)]
    assert brought == [car_for(f"T{number}", "1") for number in range(200)]
    assert {one.car.name for one in brought} == {car.name for car in typical_cars()}


@pytest.mark.parametrize(
    "change",
    [{"battery": 0}, {"charging_curve": []}, {"charging_curve": [[10, 5], [10, 6]]}, {"dc_efficiency": 1001}],
)
def test_an_impossible_car_is_refused(change: dict) -> None:
    sound = TypeAdapter(Car).dump_python(typical_cars()[0])
    with pytest.raises(ValidationError):
        TypeAdapter(Car).validate_python(sound | change)
