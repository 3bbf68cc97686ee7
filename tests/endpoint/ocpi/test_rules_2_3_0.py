"""Rules of OCPI 2.3.0 that implementers get wrong, by their numbers (references: branch 2.3.0/release/core)."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.endpoint.ocpi.reading import parse, to_text
from core.endpoint.ocpi.registration import Reachability, ReachableParty, RegisteredRole, Registration
from core.endpoint.ocpi.shape import InvalidMember
from core.endpoint.ocpi.v2_3_0.binding import BINDING
from core.endpoint.ocpi.v2_3_0.credentials import CREDENTIALS
from core.endpoint.ocpi.v2_3_0.hubclientinfo import CLIENT_INFO
from core.endpoint.ocpi.v2_3_0.sdrs import CDR
from core.endpoint.ocpi.v2_3_0.sessions import SESSION
from core.endpoint.ocpi.v2_3_0.sites import LOCATION
from core.endpoint.ocpi.v2_3_0.tariffs import TARIFF
from core.endpoint.ocpi.v2_3_0.tokens import TOKEN
from core.model.credentials import CredentialKind
from core.model.money import Price, Tax
from core.model.parties import Party, PlatformRole
from core.model.sites import Capability, ConnectorCapability, ConnectorStandard, ParkingRestriction
from core.model.tariffs import TaxIncluded
from tests.endpoint.ocpi.conftest import NOON, Example, path_of

HUB = Party.parse("DE*HUB")


def read(example: Example, path: str) -> Any:
    return parse(example(path))


def test_rule_4_a_hub_is_named_beside_the_parties_that_stand_behind_it(example_2_3_0: Example) -> None:
    value = read(example_2_3_0, "credentials/04_credentials_example4") | {"hub_party_id": "DEHUB"}
    registration = CREDENTIALS.model(value)
    roles = [(one.role, str(one.party)) for one in registration.roles]
    assert roles == [
        (PlatformRole.VISITED_CSO, "NL*EXO"),
        (PlatformRole.VISITED_CSO, "NL*PFC"),
        (PlatformRole.VISITED_CSO, "NL*CGP"),
        (PlatformRole.CLEARING_HOUSE, "DE*HUB"),
    ]
    assert CREDENTIALS.wire(registration) == value


def test_rule_4_the_role_hub_is_no_word_any_more_and_a_hub_without_parties_is_some_other_role() -> None:
    alone = Registration(
        "secret",
        "https://hub.example.com/versions",
        (RegisteredRole(role=PlatformRole.CLEARING_HOUSE, party=HUB, name="Hub"),),
    )
    wire: Any = CREDENTIALS.wire(alone)
    assert (wire["hub_party_id"], [one["role"] for one in wire["roles"]]) == ("DEHUB", ["OTHER"])
    assert CREDENTIALS.model(wire) == alone
    wire["roles"][0]["role"] = "HUB"
    assert path_of(CREDENTIALS, wire) == "Credentials.roles[0].role"
    wire["roles"][0]["role"] = "OTHER"
    assert path_of(CREDENTIALS, wire | {"hub_party_id": "?"}) == "Credentials.hub_party_id"


def test_rule_4_a_hub_behind_a_hub_is_another_role_in_client_info() -> None:
    behind = ReachableParty(HUB, PlatformRole.CLEARING_HOUSE, Reachability.CONNECTED, NOON)
    assert CLIENT_INFO.wire(behind)["role"] == "OTHER"


def test_rule_10_words_of_an_open_enum_that_nobody_told_us_are_kept_and_mean_something_else(
    example_2_3_0: Example,
) -> None:
    value = read(example_2_3_0, "locations/06_location_example")
    evse, connector = value["evses"][0], value["evses"][0]["connectors"][0]
    connector["standard"] = "ACME_PLUG"
    connector["capabilities"] = ["ISO_15118_20_PLUG_AND_CHARGE", "ACME_DANCE"]
    evse["capabilities"] = ["RESERVABLE", "ACME_SING"]
    evse["parking_restrictions"] = ["TAXIS", "ACME_FRIENDS"]
    value["parking_places"][0]["vehicle_types"] = ["VAN", "ACME_SLED"]
    value["parking_places"][0]["direction"] = "UPWARDS"
    value["facilities"] = ["ACME_SPA"]
    held = LOCATION.read(to_text(value))
    found = held.value.equipment[0]
    assert found.connectors[0].standard is ConnectorStandard.OTHER
    assert found.connectors[0].capabilities == {ConnectorCapability.ISO_15118_20_PLUG_AND_CHARGE}
    assert found.capabilities == {Capability.RESERVABLE}
    assert found.parking_restrictions == {ParkingRestriction.TAXIS}
    assert held.value.parking_places[0].vehicle_types == ("VAN", "ACME_SLED")
    later = held.value.model_copy(update={"last_updated": NOON})
    assert parse(LOCATION.rewrite(held, later).body) == value | {"last_updated": "2024-05-01T12:00:00Z"}


def test_rule_10_enums_that_are_not_open_stay_closed(example_2_3_0: Example) -> None:
    value = read(example_2_3_0, "locations/06_location_example")
    value["evses"][0]["status"] = "DANCING"
    assert path_of(LOCATION, value) == "Location.evses[0].status"
    value["evses"][0]["status"] = "AVAILABLE"
    value["evses"][0]["connectors"][0]["power_type"] = "STEAM"
    assert path_of(LOCATION, value) == "Location.evses[0].connectors[0].power_type"


def test_rule_10_connectors_and_tokens_that_this_version_brings(example_2_3_0: Example) -> None:
    value = read(example_2_3_0, "locations/06_location_example")
    value["evses"][0]["connectors"][0]["standard"] = "MCS"
    value["evses"][0]["accepted_service_providers"] = ["Home"]
    value["help_phone"] = "+49 621 123456"
    site = LOCATION.model(value)
    assert site.equipment[0].connectors[0].standard is ConnectorStandard.MCS
    assert (site.help_phone, site.equipment[0].accepted_service_providers) == ("+49 621 123456", ("Home",))
    assert [(one.place_id, one.position) for one in site.equipment[0].parking] == [("1", "LEFT"), ("2", "RIGHT")]
    assert LOCATION.wire(site) == value
    emaid = read(example_2_3_0, "tokens/04_token_example_2_full_rfid") | {"type": "EMAID"}
    assert TOKEN.model(emaid).kind is CredentialKind.EMAID
    assert TOKEN.wire(TOKEN.model(emaid)) == emaid
    assert TOKEN.model(emaid | {"type": "ACME_RING"}).kind is CredentialKind.OTHER
    assert BINDING.credential_kind("ACME_RING") is CredentialKind.OTHER


@pytest.mark.parametrize("told", list(TaxIncluded))
def test_rule_30_tax_included_is_mandatory_and_has_three_words(told: TaxIncluded, example_2_3_0: Example) -> None:
    value = read(example_2_3_0, "tariffs/04_tariff_12_025kwh_min_price") | {"tax_included": told.value}
    tariff = TARIFF.model(value)
    assert tariff.tax_included is told
    assert {one.tax_included for element in tariff.elements for one in element.components} == {told}
    assert TARIFF.wire(tariff) == value
    del value["tax_included"]
    assert path_of(TARIFF, value) == "Tariff.tax_included"
    assert path_of(TARIFF, value | {"tax_included": "MAYBE"}) == "Tariff.tax_included"


def test_rule_30_limits_are_before_and_after_taxes(example_2_3_0: Example) -> None:
    value = read(example_2_3_0, "tariffs/04_tariff_12_025kwh_min_price")
    assert TARIFF.model(value).min_price == Price(before_taxes=Decimal("0.50"), with_taxes=Decimal("0.55"))
    value["min_price"] = {"excl_vat": Decimal("0.5")}
    assert path_of(TARIFF, value) == "Tariff.min_price.before_taxes"


def test_rule_30_taxes_are_told_one_by_one_and_summed(example_2_3_0: Example) -> None:
    value = read(example_2_3_0, "sessions/04_session_example_2_short_finished")
    value["total_cost"] = {
        "before_taxes": 10,
        "taxes": [
            {"name": "GST", "account_number": "123", "percentage": 5, "amount": Decimal("0.5")},
            {"name": "QST", "percentage": Decimal("9.975"), "amount": Decimal("0.9975")},
        ],
    }
    report = SESSION.model(value)
    assert report.total_cost is not None
    assert report.total_cost.with_taxes == Decimal("11.4975")
    assert report.total_cost.taxes[0] == Tax(
        name="GST", amount=Decimal("0.5"), percent=Decimal(5), account_number="123"
    )
    assert SESSION.wire(report) == value
    value["total_cost"] = {"before_taxes": 10}
    assert SESSION.model(value).total_cost == Price(before_taxes=Decimal(10))
    del value["total_cost"]
    assert SESSION.model(value).total_cost is None


def test_rule_30_a_price_that_we_computed_keeps_both_its_figures(example_2_3_0: Example) -> None:
    report = SESSION.model(read(example_2_3_0, "sessions/04_session_example_2_short_finished"))
    for before, after in (("4.00", "4.40"), ("4.00", "4.00")):
        ours = Price(before_taxes=Decimal(before), with_taxes=Decimal(after))
        wire: Any = SESSION.wire(report.model_copy(update={"total_cost": ours}))
        assert wire["total_cost"]["taxes"] == [{"name": "VAT", "amount": ours.with_taxes - ours.before_taxes}]  # type: ignore[operator]
        again = SESSION.model(wire).total_cost
        assert again is not None
        assert (again.before_taxes, again.with_taxes) == (ours.before_taxes, ours.with_taxes)


def test_a_credit_takes_back_its_taxes(example_2_3_0: Example) -> None:
    printed = read(example_2_3_0, "cdrs/01_cdr_example")
    printed["tariffs"][0]["tax_included"] = "NO"
    sdr = CDR.model(printed)
    wire: Any = CDR.wire(sdr.model_copy(update={"cost": sdr.cost.model_copy(update={"total": -sdr.cost.total})}))
    assert wire["total_cost"] == {"before_taxes": -4, "taxes": [{"name": "VAT", "amount": Decimal("-0.40")}]}


def test_what_breaks_a_rule_is_not_written(example_2_3_0: Example) -> None:
    site = LOCATION.model(read(example_2_3_0, "locations/06_location_example"))
    place = site.parking_places[0].model_copy(update={"vehicle_types": ()})
    with pytest.raises(InvalidMember, match=r"Location\.parking_places\[0\]\.vehicle_types"):
        LOCATION.write(site.model_copy(update={"parking_places": (place,)}))
    with pytest.raises(InvalidMember, match=r"Location\.help_phone"):
        LOCATION.write(site.model_copy(update={"help_phone": "0" * 26}))
    assert LOCATION.write(site.model_copy(update={"last_updated": NOON + timedelta(seconds=1)})).version == "2.3.0"
