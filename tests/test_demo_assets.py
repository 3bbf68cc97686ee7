"""The demo data of the embedded network: readable, complete, true to itself, and priced as its texts say."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib.resources import files
from math import cos, hypot, radians
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core.demo import DemoCard, demo_network
from core.endpoint.ocpi.reading import parse, to_text
from core.endpoint.ocpi.v2_2_1.sites import LOCATION
from core.endpoint.ocpi.v2_2_1.tariffs import TARIFF
from core.model.agreements import Crossing, PricingOptions
from core.model.credentials import Credential, CredentialKind, WhitelistPolicy
from core.model.identifiers import ContractId, EvseId, PartyId, RfidUid
from core.model.meter import ChargingPeriod, DimensionKind
from core.model.meter import Dimension as Measured
from core.model.money import Amount
from core.model.pricing.measured import MeasuredSession
from core.model.pricing.price import price_session
from core.model.sites import Capability, ConnectorFormat, ConnectorStandard, GeoPoint, Site, Status
from core.model.tariffs import Dimension, ReservationCase, Restrictions, Tariff, TariffKind, Weekday

DEMO = files("assets").joinpath("demo")
NOW = datetime(2026, 3, 4, 11, tzinfo=UTC)  # a Wednesday, around noon at every site
SPLIT = PricingOptions(crossing=Crossing.SPLIT)

COUNTRIES = {  # country: time zone, currency, standard rate of VAT in percent, the highest sane price of 30 kWh
    "AUT": ("Europe/Vienna", "EUR", Decimal(20), 30),
    "CHE": ("Europe/Zurich", "CHF", Decimal("8.1"), 30),
    "DEU": ("Europe/Berlin", "EUR", Decimal(19), 30),
    "DNK": ("Europe/Copenhagen", "DKK", Decimal(25), 200),
    "FRA": ("Europe/Paris", "EUR", Decimal(20), 30),
    "GBR": ("Europe/London", "GBP", Decimal(20), 30),
    "NLD": ("Europe/Amsterdam", "EUR", Decimal(21), 30),
    "NOR": ("Europe/Oslo", "NOK", Decimal(25), 300),
}
TOWNS = {  # the middle of each town, WGS 84
    "Amsterdam": ("52.370", "4.895"),
    "Basel": ("47.558", "7.588"),
    "Berlin": ("52.520", "13.405"),
    "Bern": ("46.948", "7.447"),
    "Frankfurt am Main": ("50.111", "8.682"),
    "Heidelberg": ("49.409", "8.694"),
    "Innsbruck": ("47.268", "11.393"),
    "Karlsruhe": ("49.009", "8.404"),
    "København": ("55.676", "12.568"),
    "London": ("51.507", "-0.128"),
    "Ludwigshafen am Rhein": ("49.477", "8.445"),
    "Mannheim": ("49.488", "8.467"),
    "Oslo": ("59.913", "10.752"),
    "Strasbourg": ("48.573", "7.752"),
    "Wien": ("48.208", "16.373"),
    "Zürich": ("47.377", "8.541"),
}


def read_json(*path: str) -> Any:
    return parse(DEMO.joinpath(*path).read_bytes())


NETWORK = read_json("network.json")
SLUGS = [one["slug"] for one in NETWORK["visited_csos"]]
RAW_SITES = [one for slug in SLUGS for one in read_json("sites", f"{slug}.json")]
RAW_TARIFFS = [one for slug in SLUGS for one in read_json("tariffs", f"{slug}.json")]
SITES: list[Site] = [LOCATION.read(to_text(one)).value for one in RAW_SITES]
TARIFFS: list[Tariff] = [TARIFF.read(to_text(one)).value for one in RAW_TARIFFS]
BY_ID = {(one.country_code, one.party_id, one.id): one for one in TARIFFS}
EQUIPMENT = [(site, one) for site in SITES for one in site.equipment]
CONNECTORS = [(site, one, plug) for site, one in EQUIPMENT for plug in one.connectors]


def tariff_key(site: Site, tariff_id: str) -> tuple[str, str, str]:
    return site.country_code, site.party_id, tariff_id


USED_IN = {
    key: {site.country for site, _, plug in CONNECTORS if key in {tariff_key(site, one) for one in plug.tariff_ids}}
    for key in BY_ID
}


def distance_km(one: GeoPoint, latitude: str, longitude: str) -> float:
    north = float(one.latitude) - float(latitude)
    east = (float(one.longitude) - float(longitude)) * cos(radians(float(latitude)))
    return hypot(north, east) * 111.2


def dimensions_of(tariff: Tariff) -> set[Dimension]:
    return {component.dimension for element in tariff.elements for component in element.components}


def some_restriction(holds: Callable[[Restrictions], object]) -> Callable[[Tariff], bool]:
    return lambda tariff: any(holds(element.restrictions) for element in tariff.elements)


def is_free(tariff: Tariff) -> bool:
    return not any(component.price for element in tariff.elements for component in element.components)


def passes_midnight(one: Restrictions) -> bool:
    return one.start_time is not None and one.end_time is not None and one.end_time < one.start_time


def parks(tariff: Tariff, *, at_once: bool) -> bool:
    return any(
        element.component(Dimension.PARKING_TIME) and (element.restrictions.min_duration_s is None) is at_once
        for element in tariff.elements
    )


def in_steps(tariff: Tariff, dimension: Dimension, step: int) -> bool:
    found = [element.component(dimension) for element in tariff.elements]
    return any(component and component.price and component.step_size == step for component in found)


SHAPES: dict[str, Callable[[Tariff], object]] = {
    "per kWh": lambda one: dimensions_of(one) == {Dimension.ENERGY} and len(one.elements) == 1,
    "kWh and session fee": lambda one: dimensions_of(one) == {Dimension.ENERGY, Dimension.FLAT},
    "idle after a while": lambda one: parks(one, at_once=False),
    "idle from the first minute": lambda one: parks(one, at_once=True),
    "per minute": lambda one: dimensions_of(one) == {Dimension.TIME} and in_steps(one, Dimension.TIME, 60),
    "kWh and minute": lambda one: dimensions_of(one) == {Dimension.ENERGY, Dimension.TIME},
    "night": some_restriction(passes_midnight),
    "weekend": some_restriction(lambda one: set(one.days_of_week) == {Weekday.SATURDAY, Weekday.SUNDAY}),
    "minimum": lambda one: one.min_price,
    "maximum": lambda one: one.max_price,
    "by power": some_restriction(lambda one: one.min_power_kw),
    "free": lambda one: is_free(one) and dimensions_of(one) == {Dimension.FLAT},
    "whole kWh": lambda one: in_steps(one, Dimension.ENERGY, 1000),
    "reservation": some_restriction(lambda one: one.reservation is ReservationCase.RESERVATION),
    "expired reservation": some_restriction(lambda one: one.reservation is ReservationCase.RESERVATION_EXPIRES),
    "first block": some_restriction(lambda one: one.max_energy_kwh),
    "further block": some_restriction(lambda one: one.min_energy_kwh),
    "ad hoc": lambda one: one.kind is TariffKind.AD_HOC,
    "CHF": lambda one: one.currency == "CHF",
    "GBP": lambda one: one.currency == "GBP",
    "DKK": lambda one: one.currency == "DKK",
    "NOK": lambda one: one.currency == "NOK",
    "expired": lambda one: not one.valid_at(NOW),
}


def charged(tariff: Tariff) -> Amount:
    """30 kWh in 40 minutes at 45 kW, where the tariff is used."""
    country = min(USED_IN[tariff.country_code, tariff.party_id, tariff.id], default="DEU")
    dimensions = (
        Measured(kind=DimensionKind.TIME, volume=Decimal("0.6667")),
        Measured(kind=DimensionKind.ENERGY, volume=Decimal(30)),
        Measured(kind=DimensionKind.POWER, volume=Decimal(45)),
    )
    period = ChargingPeriod(start=NOW, dimensions=dimensions, tariff_id=tariff.id)
    session = MeasuredSession(start=NOW, end=NOW + timedelta(minutes=40), periods=(period,))
    return price_session(session, (tariff,), time_zone=ZoneInfo(COUNTRIES[country][0]), options=SPLIT).total


def test_every_object_keeps_the_rules_of_the_wire_and_comes_back_unchanged() -> None:
    assert [LOCATION.wire(one) for one in SITES] == RAW_SITES
    assert [TARIFF.wire(one) for one in TARIFFS] == RAW_TARIFFS


def test_ids_are_unique_without_case() -> None:
    for keys in (
        [(one.country_code, one.party_id, one.id.casefold()) for one in SITES],
        [(one.country_code, one.party_id, one.id.casefold()) for one in TARIFFS],
        [(site.country_code, site.party_id, one.uid.casefold()) for site, one in EQUIPMENT],
        [one.evse_id for _, one in EQUIPMENT],
        [(site.id, one.physical_reference) for site, one in EQUIPMENT],
        [(one.uid, plug.id) for _, one, plug in CONNECTORS],
    ):
        assert len(keys) == len(set(keys))


def test_evse_ids_are_those_of_the_operator() -> None:
    for site, one in EQUIPMENT:
        evse_id = EvseId.parse(one.evse_id or "")
        assert str(evse_id) == one.evse_id and not evse_id.is_extended
        assert evse_id.party_id == PartyId(site.country_code, site.party_id)


def test_the_objects_of_a_file_are_those_of_its_operator() -> None:
    for operator in NETWORK["visited_csos"]:
        party = PartyId.parse(operator["party"])
        for folder in ("sites", "tariffs"):
            owners = {(one["country_code"], one["party_id"]) for one in read_json(folder, f"{operator['slug']}.json")}
            assert owners == {(party.country, party.party)}
    assert {site.operator.name for site in SITES if site.operator} == {one["name"] for one in NETWORK["visited_csos"]}


@pytest.mark.parametrize("site", SITES, ids=lambda site: site.id)
def test_a_site_lies_where_it_says(site: Site) -> None:
    assert distance_km(site.point, *TOWNS[site.city]) < 6
    assert site.time_zone == COUNTRIES[site.country][0]
    assert {text.language for text in site.directions} >= {"de", "en"}
    assert 1 <= len(site.equipment) <= 6
    assert all(one.physical_reference for one in site.equipment)


def test_every_town_is_served_and_the_start_is_surrounded() -> None:
    assert {site.city for site in SITES} == set(TOWNS)
    assert {site.country for site in SITES} == set(COUNTRIES)
    start = NETWORK["start"]
    near = [site for site in SITES if distance_km(site.point, start["latitude"], start["longitude"]) < 3]
    shown = [site for site in near if site.publish]
    assert len(shown) >= 6 and {site.party_id for site in shown} == {site.party_id for site in SITES}


def test_the_sites_differ_as_real_ones_do() -> None:
    statuses = [one.status for _, one in EQUIPMENT]
    assert statuses.count(Status.OUTOFORDER) == statuses.count(Status.PLANNED) == 1
    assert statuses.count(Status.AVAILABLE) == len(statuses) - 2
    local = [one for _, one in EQUIPMENT if not one.can(Capability.REMOTE_START_STOP_CAPABLE)]
    assert len(local) == 1 and local[0].can(Capability.RFID_READER)
    assert {one.can(Capability.RESERVABLE) for _, one in EQUIPMENT} == {True, False}
    assert {one.can(Capability.UNLOCK_CAPABLE) for _, one in EQUIPMENT} == {True, False}
    assert {len(site.equipment) for site in SITES} >= {1, 2, 3, 4, 6}
    assert any(one.floor_level for _, one in EQUIPMENT)
    opening = [site.opening_times for site in SITES if site.opening_times]
    assert len(opening) == len(SITES) and {one.always for one in opening} == {True, False}
    assert sum(len(one.exceptional_closings) for one in opening) == 1


def test_plugs_of_every_kind_and_power_are_there() -> None:
    found = {(plug.standard, plug.format, plug.max_power) for _, _, plug in CONNECTORS}
    combined, type_2 = ConnectorStandard.IEC_62196_T2_COMBO, ConnectorStandard.IEC_62196_T2
    assert found >= {(combined, ConnectorFormat.CABLE, watts) for watts in (50_000, 150_000, 300_000)}
    assert found >= {(type_2, form, watts) for form in ConnectorFormat for watts in (11_000, 22_000)}
    assert found >= {
        (ConnectorStandard.CHADEMO, ConnectorFormat.CABLE, 50_000),
        (ConnectorStandard.DOMESTIC_F, ConnectorFormat.SOCKET, None),
    }
    sockets = {one.uid for _, one, plug in CONNECTORS if plug.format is ConnectorFormat.SOCKET}
    assert {one.uid for _, one in EQUIPMENT if one.can(Capability.UNLOCK_CAPABLE)} <= sockets


def test_only_the_driver_with_the_card_sees_the_private_site() -> None:
    (private,) = [site for site in SITES if not site.publish]
    card = Credential(
        country_code="NL",
        party_id="EVR",
        uid=NETWORK["driver"]["cards"][0],
        kind=CredentialKind.RFID,
        contract_id=NETWORK["driver"]["contract"],
        issuer=NETWORK["home_csp"]["name"],
        valid=True,
        whitelist=WhitelistPolicy.NEVER,
        last_updated=NOW,
    )
    assert private.may_be_shown_to(card)
    assert not private.may_be_shown_to(card.model_copy(update={"uid": "04FFFFFFFFFF80"}))
    assert not private.may_be_shown_to(None)


def test_every_connector_has_tariffs_of_its_operator_in_force_in_the_money_of_the_country() -> None:
    for site, _, plug in CONNECTORS:
        tariffs = [BY_ID[tariff_key(site, one)] for one in plug.tariff_ids]
        assert tariffs and all(one.valid_at(NOW) for one in tariffs)
        assert {one.currency for one in tariffs} == {COUNTRIES[site.country][1]}
        for_contracts = [one for one in tariffs if one.kind is not TariffKind.AD_HOC]
        assert len(for_contracts) == 1, "what a contract pays must be one price"


def test_only_the_expired_tariff_is_unused() -> None:
    unused = [BY_ID[key] for key, countries in USED_IN.items() if not countries]
    assert len(unused) == 1 and not unused[0].valid_at(NOW)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_tariff_of_every_shape_is_there(shape: str) -> None:
    assert any(SHAPES[shape](tariff) for tariff in TARIFFS)


@pytest.mark.parametrize("tariff", TARIFFS, ids=lambda tariff: tariff.id)
def test_a_tariff_bears_the_vat_of_its_country_and_a_sane_price(tariff: Tariff) -> None:
    countries = USED_IN[tariff.country_code, tariff.party_id, tariff.id] or {"DEU"}
    assert len(countries) == 1
    _, _, vat, highest = COUNTRIES[min(countries)]
    assert {component.vat_percent for element in tariff.elements for component in element.components} == {vat}
    total = charged(tariff)
    if is_free(tariff):
        assert total == Amount()
    else:
        assert 0 < total.before_taxes < total.with_taxes < highest


def test_the_price_is_zero_for_one_tariff_only() -> None:
    assert [tariff.id for tariff in TARIFFS if is_free(tariff)] == ["ALP-DE-FREE"]


@pytest.mark.parametrize(
    ("tariff_id", "before_taxes", "with_taxes"),
    [
        ("KPF-KWH", "12.354", "14.7013"),  # 30 x 0.4118; x 1.19 = 14.70126
        ("KPF-SESSION-FEE", "11.7662", "14.0018"),  # 30 x 0.3782 + 0.4202; x 1.19 = 14.001778
        ("KPF-MINUTE", "2.0168", "2.4"),  # 40 min x 3.0252 / 60; x 1.19 = 2.399992
        ("KPF-NL-BLOCKS", "11.819", "14.301"),  # 10 x 0.3223 + 20 x 0.4298; x 1.21 = 14.30099
        ("KPF-POWER", "14.874", "17.7001"),  # 45 kW is below 50 kW: 30 x 0.4958; x 1.19 = 17.70006
        ("KPF-NO", "133.6", "167"),  # 30 x 3.92 + 40 min x 24 / 60; x 1.25
        ("ALP-CH-TIMES", "13.32", "14.3989"),  # a Wednesday at noon: 30 x 0.4440; x 1.081 = 14.39892
        ("ALP-AT-MINUTE", "4", "4.8"),  # 40 min x 6 / 60; x 1.2
    ],
)
def test_prices_worked_by_hand_to_four_decimals(tariff_id: str, before_taxes: str, with_taxes: str) -> None:
    (tariff,) = [one for one in TARIFFS if one.id == tariff_id]
    assert charged(tariff) == Amount(before_taxes=Decimal(before_taxes), with_taxes=Decimal(with_taxes))


@pytest.mark.parametrize("tariff", TARIFFS, ids=lambda tariff: tariff.id)
def test_the_texts_name_the_prices_with_taxes_and_no_others(tariff: Tariff) -> None:
    texts = {text.language: text.text for text in tariff.texts}
    named = re.findall(r"(\d+\.\d\d) ([A-Z]{3})\b", texts["en"])
    assert {currency for _, currency in named} <= {tariff.currency}
    assert re.findall(r"\d+,\d\d ([A-Z]{3})\b", texts["de"]) == [currency for _, currency in named]
    assert [one.replace(",", ".") for one in re.findall(r"\d+,\d\d", texts["de"])] == [amount for amount, _ in named]
    assert sorted(Decimal(amount) for amount, _ in named) == sorted(told_prices(tariff))


def told_prices(tariff: Tariff) -> set[Decimal]:
    """With taxes, time per minute, to the cent; what costs nothing is not told as a figure."""
    per_minute = {Dimension.TIME, Dimension.PARKING_TIME}
    found = {
        component.price
        * (1 + (component.vat_percent or 0) / Decimal(100))
        / (60 if component.dimension in per_minute else 1)
        for element in tariff.elements
        for component in element.components
        if component.price
    }
    limits = {limit.with_taxes for limit in (tariff.min_price, tariff.max_price) if limit and limit.with_taxes}
    return {round(price, 2) for price in found | limits}


def test_the_limits_are_the_same_before_and_with_taxes() -> None:
    for tariff in TARIFFS:
        vat = tariff.elements[0].components[0].vat_percent or Decimal(0)
        for limit in filter(None, (tariff.min_price, tariff.max_price)):
            assert limit.with_taxes == round(limit.before_taxes * (1 + vat / 100), 2)


def test_the_network_names_valid_parties_and_a_driver_who_can_identify() -> None:
    home, driver = NETWORK["home_csp"], NETWORK["driver"]
    contract = ContractId.parse(driver["contract"])
    assert str(contract.with_check()) == driver["contract"]
    assert contract.party_id == PartyId.parse(home["party"])
    assert [str(RfidUid.parse(card)) for card in driver["cards"]] == driver["cards"]
    assert re.fullmatch(r"\d{4,8}", driver["pin"]) and driver["name"]
    parties = [home["party"], *(one["party"] for one in NETWORK["visited_csos"])]
    assert [str(PartyId.parse(one)) for one in parties] == parties and len(set(parties)) == len(parties)


def test_the_cards_are_of_contracts_of_their_own_and_stand_in_the_table() -> None:
    cards, driver = demo_network().cards, NETWORK["driver"]
    table = DemoCard.__doc__ or ""
    for card in cards:
        contract = ContractId.parse(card.contract)
        assert (str(contract.with_check()), str(RfidUid.parse(card.uid))) == (card.contract, card.uid)
        assert f"{card.name:<10}{card.uid} " in table
    assert len({one.uid for one in cards} | set(driver["cards"])) == len(cards) + 1
    assert len({one.contract for one in cards} | {driver["contract"]}) == len(cards) + 1
    assert driver["cards"][0] in table


def test_the_home_csp_has_a_fee_in_every_currency_it_meets() -> None:
    fees = {one["currency"]: one for one in NETWORK["home_csp"]["fees"]}
    assert len(fees) == len(NETWORK["home_csp"]["fees"])
    assert set(fees) == {tariff.currency for tariff in TARIFFS}
    assert all(Decimal(one["per_session"]) > 0 and Decimal(one["vat_percent"]) > 0 for one in fees.values())


def test_the_readme_names_every_demo_card_and_the_driver_as_they_are() -> None:
    """A reader types what stands there."""
    readme = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
    rows = {line for line in readme.splitlines() if line.startswith("| ") and "`NL-EVR-C" in line}
    driver = NETWORK["driver"]
    wanted = [(driver["name"], driver["contract"], f"card `{driver['cards'][0]}`, PIN `{driver['pin']}`")]
    wanted += [(card["holder"], card["contract"], f"card `{card['uid']}`") for card in NETWORK["cards"]]
    starts = {f"| {name} | `{contract}` | {card} |" for name, contract, card in wanted}
    assert len(rows) == len(starts) and all(any(row.startswith(start) for row in rows) for start in starts)
