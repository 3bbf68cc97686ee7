"""Objects of ordinary size as partners exchange them: sites with four EVSEs, a CDR with a period every quarter."""

from datetime import UTC, datetime, timedelta
from typing import Any

BEGAN = datetime(2026, 3, 2, 10, tzinfo=UTC)
EVSES = 4


def moment(seconds: float) -> str:
    """A timestamp so many seconds after all began."""
    return (BEGAN + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def location(number: int) -> dict[str, Any]:
    """One of many sites of DE*VIS."""
    return {
        "country_code": "DE",
        "party_id": "VIS",
        "id": f"L{number}",
        "publish": True,
        "name": f"Planken {number}",
        "address": f"Planken {number}",
        "city": "Mannheim",
        "postal_code": "68161",
        "country": "DEU",
        "coordinates": {"latitude": f"49.{487459 + number}", "longitude": "8.466039"},
        "parking_type": "ON_STREET",
        "evses": [_evse(number, index) for index in range(1, EVSES + 1)],
        "operator": {"name": "Visited", "website": "https://visited.example"},
        "facilities": ["CAFE", "PARKING_LOT"],
        "time_zone": "Europe/Berlin",
        "opening_times": {"twentyfourseven": True},
        "energy_mix": {"is_green_energy": True},
        "last_updated": moment(number),
    }


def _evse(number: int, index: int) -> dict[str, Any]:
    return {
        "uid": f"L{number}-{index}",
        "evse_id": f"DE*VIS*E{number:06}*{index}",
        "status": "AVAILABLE",
        "capabilities": ["REMOTE_START_STOP_CAPABLE", "RFID_READER"],
        "connectors": [
            {
                "id": str(plug),
                "standard": "IEC_62196_T2" if plug == 1 else "IEC_62196_T2_COMBO",
                "format": "SOCKET" if plug == 1 else "CABLE",
                "power_type": "AC_3_PHASE" if plug == 1 else "DC",
                "max_voltage": 230 if plug == 1 else 920,
                "max_amperage": 32 if plug == 1 else 300,
                "max_electric_power": 22_000 if plug == 1 else 150_000,
                "last_updated": moment(number),
            }
            for plug in (1, 2)
        ],
        "physical_reference": str(index),
        "last_updated": moment(number),
    }


def status_change(number: int) -> tuple[str, dict[str, Any]]:
    """The path below the module and the body of one change of status; `number` counts on and on."""
    site, index = number % 50, number % EVSES + 1
    status = "CHARGING" if number // 200 % 2 == 0 else "AVAILABLE"
    path = f"/DE/VIS/L{site}/L{site}-{index}"
    return path, {"status": status, "last_updated": moment(1000 + number)}


def cdr(number: int, periods: int = 8) -> dict[str, Any]:
    """A CDR whose session nobody here has heard of."""
    quarter = 900
    return {
        "country_code": "DE",
        "party_id": "VIS",
        "id": f"C{number}",
        "start_date_time": moment(0),
        "end_date_time": moment(periods * quarter),
        "session_id": f"S{number}",
        "cdr_token": {
            "country_code": "NL",
            "party_id": "HOM",
            "uid": "CARD1",
            "type": "RFID",
            "contract_id": "NL-HOM-C12345678-K",
        },
        "auth_method": "COMMAND",
        "cdr_location": {
            "id": "L1",
            "address": "Planken 1",
            "city": "Mannheim",
            "postal_code": "68161",
            "country": "DEU",
            "coordinates": {"latitude": "49.487459", "longitude": "8.466039"},
            "evse_uid": "L1-1",
            "evse_id": "DE*VIS*E000001*1",
            "connector_id": "1",
            "connector_standard": "IEC_62196_T2",
            "connector_format": "SOCKET",
            "connector_power_type": "AC_3_PHASE",
        },
        "currency": "EUR",
        "tariffs": [tariff()],
        "charging_periods": [
            {
                "start_date_time": moment(index * quarter),
                "dimensions": [{"type": "ENERGY", "volume": 2.75}, {"type": "TIME", "volume": 0.25}],
                "tariff_id": "T1",
            }
            for index in range(periods)
        ],
        "total_cost": {"excl_vat": round(0.5 + periods * 2.75 * 0.39, 4)},
        "total_energy": periods * 2.75,
        "total_energy_cost": {"excl_vat": round(periods * 2.75 * 0.39, 4)},
        "total_fixed_cost": {"excl_vat": 0.5},
        "total_time": periods * 0.25,
        "last_updated": moment(periods * quarter + 60),
    }


def tariff() -> dict[str, Any]:
    """Half a euro a session and 39 cents a kWh, and after four hours a euro for each more."""
    flat = {"type": "FLAT", "price": 0.5, "vat": 19.0, "step_size": 1}
    energy = {"type": "ENERGY", "price": 0.39, "vat": 19.0, "step_size": 1}
    time = {"type": "TIME", "price": 1.0, "vat": 19.0, "step_size": 60}
    return {
        "country_code": "DE",
        "party_id": "VIS",
        "id": "T1",
        "currency": "EUR",
        "elements": [
            {"price_components": [time], "restrictions": {"min_duration": 14_400}},
            {"price_components": [flat, energy]},
        ],
        "last_updated": moment(0),
    }
