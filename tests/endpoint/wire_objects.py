"""Objects as a partner writes them, the visited-CSO DE*VIS and the home-CSP NL*HOM, small but whole."""

from typing import Any

AT = "2026-11-22T11:00:00Z"


def connector(**members: Any) -> dict[str, Any]:
    return {
        "id": "1",
        "standard": "IEC_62196_T2",
        "format": "SOCKET",
        "power_type": "AC_3_PHASE",
        "max_voltage": 400,
        "max_amperage": 32,
        "last_updated": AT,
        **members,
    }


def evse(**members: Any) -> dict[str, Any]:
    return {"uid": "E1", "status": "AVAILABLE", "connectors": [connector()], "last_updated": AT, **members}


def location(**members: Any) -> dict[str, Any]:
    return {
        "country_code": "DE",
        "party_id": "VIS",
        "id": "L1",
        "publish": True,
        "address": "Planken 1",
        "city": "Mannheim",
        "country": "DEU",
        "coordinates": {"latitude": "49.487459", "longitude": "8.466039"},
        "evses": [evse()],
        "time_zone": "Europe/Berlin",
        "last_updated": AT,
        **members,
    }


def tariff(**members: Any) -> dict[str, Any]:
    component = {"type": "ENERGY", "price": 0.25, "step_size": 1}
    return {
        "country_code": "DE",
        "party_id": "VIS",
        "id": "T1",
        "currency": "EUR",
        "elements": [{"price_components": [component]}],
        "last_updated": AT,
        **members,
    }


def token(**members: Any) -> dict[str, Any]:
    return {
        "country_code": "NL",
        "party_id": "HOM",
        "uid": "CARD1",
        "type": "RFID",
        "contract_id": "NL-HOM-C12345678",
        "issuer": "Home",
        "valid": True,
        "whitelist": "ALLOWED",
        "last_updated": AT,
        **members,
    }


def cdr_token() -> dict[str, Any]:
    return {name: token()[name] for name in ("country_code", "party_id", "uid", "type", "contract_id")}


def period(start: str = AT, kwh: float = 1.5) -> dict[str, Any]:
    return {"start_date_time": start, "dimensions": [{"type": "ENERGY", "volume": kwh}]}


def session(**members: Any) -> dict[str, Any]:
    return {
        "country_code": "DE",
        "party_id": "VIS",
        "id": "S1",
        "start_date_time": AT,
        "kwh": 1.5,
        "cdr_token": cdr_token(),
        "auth_method": "COMMAND",
        "location_id": "L1",
        "evse_uid": "E1",
        "connector_id": "1",
        "currency": "EUR",
        "charging_periods": [period()],
        "status": "ACTIVE",
        "last_updated": AT,
        **members,
    }


def cdr(**members: Any) -> dict[str, Any]:
    return {
        "country_code": "DE",
        "party_id": "VIS",
        "id": "C1",
        "start_date_time": AT,
        "end_date_time": "2026-11-22T11:30:00Z",
        "session_id": "S1",
        "cdr_token": cdr_token(),
        "auth_method": "COMMAND",
        "cdr_location": {
            "id": "L1",
            "address": "Planken 1",
            "city": "Mannheim",
            "country": "DEU",
            "coordinates": {"latitude": "49.487459", "longitude": "8.466039"},
            "evse_uid": "E1",
            "evse_id": "DE*VIS*E1",
            "connector_id": "1",
            "connector_standard": "IEC_62196_T2",
            "connector_format": "SOCKET",
            "connector_power_type": "AC_3_PHASE",
        },
        "currency": "EUR",
        "charging_periods": [period()],
        "total_cost": {"excl_vat": 1.50},
        "total_energy": 1.5,
        "total_time": 0.5,
        "last_updated": "2026-11-22T11:31:00Z",
        **members,
    }
