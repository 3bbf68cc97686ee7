"""Lines of the OCPI text that implementers get wrong, by number: sites, tariffs, parties.

References are to the modules of OCPI 2.2.1 (branch release-2.2.1-bugfixes).
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

import pytest
from pydantic import TypeAdapter, ValidationError

from core.endpoint.extensions.chargeplans import Plan
from core.endpoint.extensions.sdrs import Verdict
from core.endpoint.extensions.servicenotices import ServiceNotice
from core.endpoint.ocpi import site_parts
from core.endpoint.ocpi.codec import Codec, Patch
from core.endpoint.ocpi.kinds import write_timestamp
from core.endpoint.ocpi.reading import JsonObject, parse, to_text
from core.endpoint.ocpi.shape import InvalidMember, Shape, members
from core.endpoint.ocpi.v2_2_1.credentials import CREDENTIALS
from core.endpoint.ocpi.v2_2_1.hubclientinfo import CLIENT_INFO
from core.endpoint.ocpi.v2_2_1.sdrs import CDR
from core.endpoint.ocpi.v2_2_1.sessions import SESSION
from core.endpoint.ocpi.v2_2_1.sites import EVSE, LOCATION
from core.endpoint.ocpi.v2_2_1.tariffs import TARIFF
from core.endpoint.ocpi.v2_2_1.tokens import TOKEN
from core.errors import NotFound
from core.model.session_report import ReportedStatus
from core.model.sites import Capability, Status
from tests.endpoint.ocpi.conftest import NOON, Example, path_of, read_of


def test_rule_3_a_platform_has_several_roles_and_the_standards_are_kept(example: Example) -> None:
    value = read_of(example, "credentials/02_credentials_example2")
    assert len(CREDENTIALS.model(value).roles) == 2
    value["roles"].append({**value["roles"][0], "role": "NAP"})  # type: ignore[union-attr, index, dict-item]  # a list
    assert len(CREDENTIALS.model(value).roles) == 2
    value["roles"][0]["role"] = "MSP"  # type: ignore[index, call-overload]  # a list
    assert path_of(CREDENTIALS, value) == "Credentials.roles[0].role"


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("2015-06-29T20:39:09Z", datetime(2015, 6, 29, 20, 39, 9, tzinfo=UTC)),
        ("2015-06-29t20:39:09z", datetime(2015, 6, 29, 20, 39, 9, tzinfo=UTC)),
        ("2015-06-29T20:39:09", datetime(2015, 6, 29, 20, 39, 9, tzinfo=UTC)),
        ("2016-12-29T17:45:09.2Z", datetime(2016, 12, 29, 17, 45, 9, 200_000, tzinfo=UTC)),
        ("2018-01-01T01:08:01.123", datetime(2018, 1, 1, 1, 8, 1, 123_000, tzinfo=UTC)),
        ("2015-06-29T20:39:09+00:00", datetime(2015, 6, 29, 20, 39, 9, tzinfo=UTC)),
        ("2015-06-29T22:39:09+02:00", datetime(2015, 6, 29, 20, 39, 9, tzinfo=UTC)),
    ],
)
def test_rule_9_timestamps_are_utc_with_z_or_nothing(given: str, meant: datetime, example: Example) -> None:
    value = {**read_of(example, "tokens/01_token_put_example"), "last_updated": given}
    held = TOKEN.read(to_text(value))
    assert held.value.last_updated == meant
    assert given in held.body
    assert str(TOKEN.wire(held.value)["last_updated"]).endswith("Z")


@pytest.mark.parametrize(
    "given", ["2015-06-29", "yesterday", "2015-13-29T20:39:09Z", "20150629T203909Z", 1435610349, "2015-W01-1T00:00:00Z"]
)
def test_rule_9_what_is_no_timestamp_is_named(given: object, example: Example) -> None:
    value = {**read_of(example, "tokens/01_token_put_example"), "last_updated": given}
    assert path_of(TOKEN, value) == "Token.last_updated"  # type: ignore[arg-type]  # JSON


def test_rule_9_timestamps_are_written_with_z() -> None:
    assert write_timestamp(datetime(2024, 5, 1, 12, 0, 0, 123_456, tzinfo=UTC)) == "2024-05-01T12:00:00.123Z"
    assert write_timestamp(NOON) == "2024-05-01T12:00:00Z"


def test_rule_9_ci_strings_are_compared_caselessly_and_echoed_as_received(example: Example) -> None:
    location = read_of(example, "locations/06_location_example")
    held = LOCATION.read(to_text({**location, "id": "Loc1"}))
    assert held.value.id == "Loc1"
    assert LOCATION.wire(held.value)["id"] == "Loc1"
    uid = held.value.equipment[0].uid
    assert held.value.find_equipment(uid.upper()) == held.value.equipment[0]


def test_rule_9_numbers_have_four_decimals_when_written_and_all_when_read(example: Example) -> None:
    value = {**read_of(example, "sessions/03_session_example_1_simple_start"), "kwh": Decimal("1.234567")}
    held = SESSION.read(to_text(value))
    assert held.value.energy == Decimal("1.234567")
    assert SESSION.wire(held.value)["kwh"] == Decimal("1.2346")
    assert '"kwh":1.234567' in SESSION.rewrite(held, held.value).body
    assert '"kwh":12,' in SESSION.write(held.value.model_copy(update={"energy": Decimal(12)}))


def test_rule_9_not_available_stands_only_where_data_may_not_exist(example: Example) -> None:
    value = {**read_of(example, "sessions/03_session_example_1_simple_start"), "evse_uid": "#NA", "connector_id": "#NA"}
    report = SESSION.read(to_text(value)).value
    assert (report.evse_uid, report.connector_id) == (None, None)
    assert SESSION.wire(report)["evse_uid"] == "#NA"
    with pytest.raises(InvalidMember, match=r"Session\.location_id: may not be #NA"):
        SESSION.wire(report.model_copy(update={"site_id": "#NA"}))
    with pytest.raises(InvalidMember, match=r"Session\.evse_uid"):
        SESSION.wire(report.model_copy(update={"status": ReportedStatus.ACTIVE}))


def test_rule_10_unknown_words_of_harmless_enums_are_kept_and_ignored(example: Example) -> None:
    value: Any = read_of(example, "locations/06_location_example")
    value["evses"][0]["capabilities"] = ["RESERVABLE", "ISO_15118_2_PLUG_AND_CHARGE"]
    value["facilities"] = ["WIFI", "SPACEPORT"]
    value["parking_type"] = "ON_THE_MOON"
    held = LOCATION.read(to_text(value))
    assert held.value.equipment[0].capabilities == {Capability.RESERVABLE}
    assert held.value.facilities == {"WIFI"}
    assert held.value.parking_type is None
    later = held.value.model_copy(update={"last_updated": NOON})
    assert parse(LOCATION.rewrite(held, later).body) == {**value, "last_updated": "2024-05-01T12:00:00Z"}


def test_rule_10_unknown_words_on_pictures_and_preferences_are_ignored(example: Example) -> None:
    image = {"url": "https://example.com/a.png", "category": "HOLOGRAM", "type": "png"}
    location = read_of(example, "locations/06_location_example") | {"images": [image]}
    assert LOCATION.model(location).images[0].category == "OTHER"
    token = read_of(example, "tokens/04_token_example_2_full_rfid") | {"default_profile_type": "HASTY"}
    assert TOKEN.model(token).default_preference is None


def test_rule_10_wrong_types_and_figures_are_named(example: Example) -> None:
    value: Any = read_of(example, "locations/06_location_example")
    connector = value["evses"][0]["connectors"][0]
    for wrong in (Decimal("220.5"), "220", True, 10**15, [220]):
        connector["max_voltage"] = wrong
        assert path_of(LOCATION, value) == "Location.evses[0].connectors[0].max_voltage"
    connector["max_voltage"] = Decimal("220.0")
    assert LOCATION.model(value).equipment[0].connectors[0].max_voltage == 220


@pytest.mark.parametrize("shape", [Plan, Verdict, ServiceNotice])
def test_versions_of_our_own_modules_fit_what_every_store_holds(shape: type[Shape]) -> None:
    kind = next(one.kind for one in members(shape) if one.name == "version")
    version = TypeAdapter(Annotated[int, kind])
    assert version.validate_python(999_999_999) == 999_999_999
    for wrong in (0, -1, 2**31, 10**15):
        with pytest.raises(ValidationError):
            version.validate_python(wrong)


def test_rule_10_an_identifier_too_long_is_refused_and_a_long_text_is_read(example: Example) -> None:
    value = read_of(example, "locations/06_location_example") | {"city": "C" * 400}
    assert LOCATION.model(value).city == "C" * 400
    for member, word in (("city", "C" * 20_000), ("parking_type", "X" * 20_000)):
        with pytest.raises(InvalidMember) as beyond:
            LOCATION.model(value | {member: word})
        assert (beyond.value.code, beyond.value.faults[0].path) == ("invalid_length", f"Location.{member}")
    with pytest.raises(InvalidMember) as refusal:
        LOCATION.model(value | {"id": "L" * 37})
    assert (refusal.value.code, refusal.value.faults[0].path) == ("invalid_length", "Location.id")


@pytest.mark.parametrize(
    ("codec", "path", "member", "at"),
    [
        (LOCATION, "locations/06_location_example", ("evses", 0, "status"), "Location.evses[0].status"),
        (
            LOCATION,
            "locations/06_location_example",
            ("evses", 0, "connectors", 0, "standard"),
            "Location.evses[0].connectors[0].standard",
        ),
        (TOKEN, "tokens/01_token_put_example", ("type",), "Token.type"),
        (TOKEN, "tokens/01_token_put_example", ("whitelist",), "Token.whitelist"),
        (SESSION, "sessions/04_session_example_2_short_finished", ("status",), "Session.status"),
        (
            CDR,
            "cdrs/01_cdr_example",
            ("charging_periods", 0, "dimensions", 0, "type"),
            "CDR.charging_periods[0].dimensions[0].type",
        ),
        (
            TARIFF,
            "tariffs/02_tariff_8_simple_025kwh",
            ("elements", 0, "price_components", 0, "type"),
            "Tariff.elements[0].price_components[0].type",
        ),
    ],
)
def test_rule_10_unknown_words_that_bear_meaning_are_named(
    codec: Codec[Any, Any], path: str, member: tuple[Any, ...], at: str, example: Example
) -> None:
    value: Any = read_of(example, path)
    place = value
    for step in member[:-1]:
        place = place[step]
    place[member[-1]] = "SOMETHING_NEW"
    assert path_of(codec, value) == at


def test_rule_10_nulls_and_a_list_of_one_object_are_accepted(example: Example) -> None:
    value: Any = read_of(example, "locations/06_location_example")
    plain = LOCATION.read(to_text(value)).value
    value |= {"state": None, "images": None, "suboperator": None, "coordinates": [value["coordinates"]]}
    held = LOCATION.read(to_text(value))
    assert held.value == plain
    assert parse(held.body) == value
    value["publish"] = None
    assert path_of(LOCATION, value) == "Location.publish"


def test_rule_10_a_blank_identifier_that_is_optional_is_absent(example: Example) -> None:
    value = read_of(example, "sessions/03_session_example_1_simple_start") | {"authorization_reference": ""}
    held = SESSION.read(to_text(value))
    assert held.value.authorization_reference is None
    assert parse(held.body) == value
    assert path_of(SESSION, value | {"id": ""}) == "Session.id"


def test_rule_11_coordinates_are_strings_with_five_to_seven_decimals(example: Example) -> None:
    value: Any = read_of(example, "locations/06_location_example")
    for given, written in [("51.0", "51.00000"), ("51.123456789", "51.1234568"), ("-0.1234567", "-0.1234567")]:
        value["coordinates"]["latitude"] = given
        assert LOCATION.wire(LOCATION.model(value))["coordinates"]["latitude"] == written  # type: ignore[index, call-overload]  # an object
    for wrong in (Decimal("51.04759"), "91.00000", "51,04759", "", "NaN"):
        value["coordinates"]["latitude"] = wrong
        assert path_of(LOCATION, value) == "Location.coordinates.latitude"


def test_rule_11_evse_id_is_optional_and_uid_is_the_key(example: Example) -> None:
    value: Any = read_of(example, "locations/06_location_example")
    del value["evses"][0]["evse_id"]
    assert LOCATION.model(value).equipment[0].evse_id is None
    del value["evses"][0]["uid"]
    assert path_of(LOCATION, value) == "Location.evses[0].uid"


def test_rule_11_a_cdr_location_takes_45_characters_of_a_longer_address(example: Example) -> None:
    sdr = CDR.read(example("cdrs/01_cdr_example")).value
    place = sdr.place.model_copy(update={"address": "L" * 60, "state": "S" * 30})
    wire: Any = CDR.wire(sdr.model_copy(update={"place": place}))
    assert wire["cdr_location"]["address"] == "L" * 44 + "…"
    assert wire["cdr_location"]["state"] == "S" * 19 + "…"


def evse_of(location: JsonObject, index: int = 0) -> Any:
    return location["evses"][index]  # type: ignore[index, call-overload]  # a list


def test_rule_12_a_change_of_an_evse_moves_its_location(example: Example) -> None:
    location = read_of(example, "locations/06_location_example")
    evse_of(location)["uid"] = "Pole-7a"
    patch = EVSE.read_patch('{"status":"CHARGING","last_updated":"2024-05-01T12:00:00Z"}')
    changed = site_parts.with_evse_patched(location, "POLE-7A", patch)
    site = LOCATION.model(changed)
    assert (site.equipment[0].status, site.equipment[0].last_updated, site.last_updated) == (
        Status.CHARGING,
        NOON,
        NOON,
    )
    assert evse_of(changed)["connectors"] == evse_of(location)["connectors"]
    assert evse_of(location)["status"] == "AVAILABLE"


def test_rule_12_a_change_of_a_connector_moves_both_its_parents(example: Example) -> None:
    location = read_of(example, "locations/06_location_example")
    evse = evse_of(location)
    patch = Patch({"tariff_ids": ["15"], "last_updated": "2024-05-01T12:00:00Z"}, NOON)
    site = LOCATION.model(site_parts.with_connector_patched(location, evse["uid"], evse["connectors"][0]["id"], patch))
    assert site.equipment[0].connectors[0].tariff_ids == ("15",)
    assert {site.last_updated, site.equipment[0].last_updated, site.equipment[0].connectors[0].last_updated} == {NOON}
    assert site.equipment[1].last_updated < NOON


def test_rule_12_an_older_part_does_not_turn_its_parents_back(example: Example) -> None:
    location = {**read_of(example, "locations/06_location_example"), "last_updated": "2024-05-01T12:00:00"}
    changed = site_parts.with_evse(location, {**evse_of(location), "last_updated": "2020-01-01T00:00:00Z"})
    assert changed["last_updated"] == "2024-05-01T12:00:00"


def test_rule_12_a_new_part_is_added_and_an_unknown_one_is_not_found(example: Example) -> None:
    location = read_of(example, "locations/06_location_example")
    count = len(LOCATION.model(location).equipment)
    assert (
        len(LOCATION.model(site_parts.with_evse(location, {**evse_of(location), "uid": "new"})).equipment) == count + 1
    )
    with pytest.raises(NotFound):
        site_parts.with_connector(location, "nowhere", {"id": "1"})
    with pytest.raises(NotFound):
        site_parts.with_evse_patched({**location, "evses": None}, "3256", Patch({}, NOON))


@pytest.mark.parametrize("codec", [LOCATION, EVSE, SESSION, TOKEN], ids=lambda codec: codec.shape.__name__)
@pytest.mark.parametrize("body", ["{}", '{"last_updated": null}'])
def test_rule_12_a_patch_carries_last_updated(codec: Codec[Any, Any], body: str) -> None:
    with pytest.raises(InvalidMember) as refusal:
        codec.read_patch(body)
    assert refusal.value.faults[0].path == f"{codec.shape.__name__}.last_updated"


def test_rule_12_a_patch_cannot_remove_a_member(example: Example) -> None:
    patch = LOCATION.read_patch('{"name": null, "city": "Gent", "last_updated": "2024-05-01T12:00:00Z"}')
    changed = LOCATION.patch(example("locations/06_location_example").decode(), patch)
    assert (changed.value.name, changed.value.city) == ("Gent Zuid", "Gent")


def test_rule_12_a_patch_names_its_wrong_members(example: Example) -> None:
    with pytest.raises(InvalidMember) as refusal:
        LOCATION.read_patch('{"publish": "yes", "evses": [{"uid": 1}], "last_updated": "2024-05-01T12:00:00Z"}')
    assert {fault.path for fault in refusal.value.faults} >= {"Location.publish", "Location.evses[0].uid"}


@pytest.mark.parametrize(
    ("rule", "shown"),
    [
        ({"uid": "12345678905880", "type": "RFID"}, True),
        ({"uid": "12345678905880", "type": "APP_USER"}, False),
        ({"uid": "other", "type": "RFID", "group_id": "dF000-2001-8999"}, False),
        ({"group_id": "dF000-2001-8999"}, True),
        ({"visual_number": "DF000-2001-8999-1", "issuer": "TheNewMotion"}, True),
        ({"visual_number": "DF000-2001-8999-1", "issuer": "Another"}, False),
        ({"issuer": "TheNewMotion"}, False),
        ({}, False),
    ],
)
def test_rule_13_publish_rules_decide_who_may_see_a_private_site(
    rule: dict[str, str], shown: bool, example: Example
) -> None:
    value = read_of(example, "locations/06_location_example") | {"publish": False, "publish_allowed_to": [rule]}
    site = LOCATION.model(value)
    credential = TOKEN.read(example("tokens/04_token_example_2_full_rfid")).value
    assert site.may_be_shown_to(credential) is shown
    assert not site.may_be_shown_to(None)
    assert site.model_copy(update={"publish": True}).may_be_shown_to(None)


@pytest.mark.parametrize(("given", "meant"), [(None, True), (True, True), (False, False)])
def test_rule_13_charging_goes_on_when_closed_unless_it_is_denied(
    given: bool | None, meant: bool, example: Example
) -> None:
    value = read_of(example, "locations/06_location_example") | {"charging_when_closed": given}
    assert LOCATION.model(value).charges_when_closed is meant


def test_rule_28_a_connector_without_tariffs_says_nothing_of_the_price(example: Example) -> None:
    value: Any = read_of(example, "locations/06_location_example")
    value["evses"][0]["connectors"][0].pop("tariff_ids", None)
    assert LOCATION.model(value).equipment[0].connectors[0].tariff_ids == ()


def test_rule_31_a_night_window_ends_after_midnight(example: Example) -> None:
    value: Any = read_of(example, "tariffs/02_tariff_8_simple_025kwh")
    value["elements"][0]["restrictions"] = {"start_time": "22:00", "end_time": "24:00"}
    restrictions = TARIFF.model(value).elements[0].restrictions
    assert (str(restrictions.start_time), str(restrictions.end_time)) == ("22:00:00", "00:00:00")


def test_rule_4_parties_behind_a_hub() -> None:
    value = {
        "party_id": "ALL",
        "country_code": "NL",
        "role": "CPO",
        "status": "PLANNED",
        "last_updated": "2024-05-01T12:00:00Z",
    }
    party = CLIENT_INFO.read(to_text(value)).value  # type: ignore[arg-type]  # JSON
    assert str(party.party) == "NL*ALL"
    assert CLIENT_INFO.wire(party) == value
