"""Every example of the specification is read as the list of its faults says, and nothing of a valid one is lost."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from core.endpoint.ocpi.codec import Codec
from core.endpoint.ocpi.energy_mix import EnergyMix, energy_mix, energy_mix_of
from core.endpoint.ocpi.envelope import read_envelope
from core.endpoint.ocpi.locations import Hours
from core.endpoint.ocpi.reading import NotJson, parse
from core.endpoint.ocpi.shape import InvalidMember, to_wire
from core.endpoint.ocpi.sites import hours, opening_times_of
from core.endpoint.ocpi.types import DisplayText
from core.endpoint.ocpi.v2_2_1.credentials import CREDENTIALS
from core.endpoint.ocpi.v2_2_1.hubclientinfo import CLIENT_INFO
from core.endpoint.ocpi.v2_2_1.sdrs import CDR
from core.endpoint.ocpi.v2_2_1.sessions import SESSION
from core.endpoint.ocpi.v2_2_1.sites import CONNECTOR, EVSE, LOCATION
from core.endpoint.ocpi.v2_2_1.tariffs import TARIFF
from core.endpoint.ocpi.v2_2_1.tokens import TOKEN
from core.endpoint.ocpi.versions import endpoints_of, version_details, versions, versions_of
from tests.endpoint.ocpi.conftest import Example, require_no_loss, require_unknown_kept

NOW = datetime(2024, 5, 1, tzinfo=UTC)

WHOLE: dict[str, tuple[Codec[Any, Any], list[str]]] = {
    "cdrs": (CDR, ["01_cdr_example"]),
    "credentials": (
        CREDENTIALS,
        [
            "01_credentials_example",
            "02_credentials_example2",
            "03_credentials_example3",
            "04_credentials_example4",
        ],
    ),
    "locations": (
        LOCATION,
        [
            "06_location_example",
            "07_location_example_uc2_destination_charger",
            "08_location_example_uc3_destination_charger_not_published",
            "09_location_example_uc4_limited_visibility",
            "10_location_example_uc5_home_charge_point",
            "11_location_example_parking_garage_opening_hours",
        ],
    ),
    "sessions": (SESSION, ["03_session_example_1_simple_start", "04_session_example_2_short_finished"]),
    "tokens": (TOKEN, ["01_token_put_example", "03_token_example_1_app_user", "04_token_example_2_full_rfid"]),
    "tariffs": (
        TARIFF,
        [
            "02_tariff_8_simple_025kwh",
            "03_tariff_9_025kwh_start",
            "04_tariff_12_025kwh_min_price",
            "05_tariff_10_025kwh_parking_start",
            "06_tariff_6_025kwh_start_max_price",
            "07_tariff_1_simple_2hour",
            "08_tariff_13_simple_3hour_5parking",
            "09_tariff_2_alt_text",
            "10_tariff_11_not_possible_alt_text",
            "11_tariff_3_alt_url",
            "12_tariff_4_complex",
            "13_tariff_5_free_of_charge",
            "14_tariff_15_reservation_5_euro_per_hour",
            "15_tariff_16_reservation_2_euro_fee_5_euro_per_hour",
            "16_tariff_17_reservation_with_expire_fee",
            "17_tariff_18_reservation_with_expire_time",
            "18_tariff_14_step_size",
            "19_tariffrestriction_example_max_power",
            "20_tariffrestriction_example_max_duration",
        ],
    ),
}
VALID = [(f"{folder}/{name}", codec) for folder, (codec, names) in WHOLE.items() for name in names]
PATCHES: list[tuple[str, Codec[Any, Any]]] = [
    ("sessions/01_session_patch_example_total_cost", SESSION),
    ("sessions/02_session_patch_example_charging_period", SESSION),
    ("tokens/02_token_patch_example", TOKEN),
]
ELSEWHERE = {
    *(f"locations/{name}" for name in ("01_location_put_example_add_evse", "02_location_patch_example_status")),
    *(f"locations/{name}" for name in ("03_location_patch_example_location", "04_location_patch_example_tariff")),
    "locations/05_location_patch_example_remove_evse",
    "locations/12_location_hours_247_open_exception_closing",
    "locations/13_location_hours_opening_hours_with_exceptional_closing",
    "locations/14_location_hours_opening_hours_with_exceptional_opening",
    "_unreferenced/location_regularhours_example",
    *(f"_unreferenced/location_energymix_example_{name}" for name in ("complete", "energy_provider", "simple")),
    "tariffs/01_tariff_put_example",
    "hubclientinfo/01_inline_example_put_a_new_clientinfo_object",
    "types/01_type_displaytext_example",
    *(f"versions/{name}" for name in ("01_versions_info_example", "02_version_details_example")),
    "versions/03_version_details_example2",
    *(f"transport/0{i}_transport_and_format_{n}_example" for i, n in ((1, "version_info"), (2, "version_details"))),
    *(f"transport/0{i}_transport_and_format_{n}_example" for i, n in ((3, "get_token"), (4, "get_token_list"))),
    "transport/05_inline_example_response_with_an_error_contains_no_data_field",
}
"""Examples with a test of their own below."""


def test_no_example_is_left_out(shared_data: Path) -> None:
    folder = shared_data / "ocpi_examples" / "2.2.1"
    found = {str(path.relative_to(folder).with_suffix("")) for path in folder.rglob("*.json")}
    assert found == {path for path, _ in VALID} | {path for path, _ in PATCHES} | ELSEWHERE


@pytest.mark.parametrize(("path", "codec"), VALID, ids=[path for path, _ in VALID])
def test_a_valid_example_goes_to_the_model_and_back_without_loss(
    path: str, codec: Codec[Any, Any], example: Example
) -> None:
    require_no_loss(codec, example(path))


@pytest.mark.parametrize(("path", "codec"), VALID, ids=[path for path, _ in VALID])
def test_unknown_members_at_any_depth_are_kept(path: str, codec: Codec[Any, Any], example: Example) -> None:
    require_unknown_kept(codec, example(path))


@pytest.mark.parametrize(("path", "codec"), PATCHES, ids=[path for path, _ in PATCHES])
def test_a_patch_is_read_as_one(path: str, codec: Codec[Any, Any], example: Example) -> None:
    patch = codec.read_patch(example(path))
    assert patch.changes == parse(example(path))
    with pytest.raises(InvalidMember, match="country_code: Field required"):
        codec.read(example(path))


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("02_location_patch_example_status", EVSE),
        ("03_location_patch_example_location", LOCATION),
        ("04_location_patch_example_tariff", CONNECTOR),
        ("05_location_patch_example_remove_evse", EVSE),
    ],
)
def test_patches_of_a_location_and_its_parts(name: str, codec: Codec[Any, Any], example: Example) -> None:
    assert codec.read_patch(example(f"locations/{name}")).changes == parse(example(f"locations/{name}"))


def test_the_evse_put_breaks_its_table_in_each_place_that_is_listed(example: Example) -> None:
    with pytest.raises(InvalidMember) as refusal:
        EVSE.read_put(example("locations/01_location_put_example_add_evse"), NOW)
    assert {fault.path for fault in refusal.value.faults} == {
        "EVSE.connectors[0].power_type",
        "EVSE.connectors[0].max_voltage",
        "EVSE.connectors[0].max_amperage",
        "EVSE.connectors[0].last_updated",
        "EVSE.physical_reference",
    }


def test_a_put_without_last_updated_gets_the_moment_of_its_receipt(example: Example) -> None:
    body = example("tariffs/01_tariff_put_example")
    with pytest.raises(InvalidMember, match=r"Tariff\.last_updated: Field required"):
        TARIFF.read(body)
    held = TARIFF.read_put(body, NOW)
    assert held.value.last_updated == NOW
    assert parse(held.body) == {**parse(body), "last_updated": "2024-05-01T00:00:00Z"}


def test_the_client_info_that_is_not_json_is_named_by_its_place(example: Example) -> None:
    with pytest.raises(NotJson) as refusal:
        CLIENT_INFO.read(example("hubclientinfo/01_inline_example_put_a_new_clientinfo_object"))
    assert (refusal.value.line, refusal.value.column) == (6, 1)


@pytest.mark.parametrize(
    "name",
    [
        "12_location_hours_247_open_exception_closing",
        "13_location_hours_opening_hours_with_exceptional_closing",
        "14_location_hours_opening_hours_with_exceptional_opening",
    ],
)
def test_opening_times(name: str, example: Example) -> None:
    _hours_survive(parse(example(f"locations/{name}")))


def test_regular_hours(example: Example) -> None:
    _hours_survive(parse(example("_unreferenced/location_regularhours_example"))["opening_times"])


def _hours_survive(original: Any) -> None:
    assert to_wire(hours(opening_times_of(Hours.read(original)))) == original


@pytest.mark.parametrize("name", ["complete", "energy_provider", "simple"])
def test_energy_mix(name: str, example: Example) -> None:
    original = parse(example(f"_unreferenced/location_energymix_example_{name}"))["energy_mix"]
    mix = energy_mix(energy_mix_of(EnergyMix.read(original)))
    assert mix is not None
    assert to_wire(mix) == original


def test_display_text(example: Example) -> None:
    original = parse(example("types/01_type_displaytext_example"))
    assert to_wire(DisplayText.read(original)) == original


def test_versions(example: Example) -> None:
    original = parse(example("versions/01_versions_info_example"))
    assert versions(versions_of(original)) == original
    for name in ("02_version_details_example", "03_version_details_example2"):
        original = parse(example(f"versions/{name}"))
        assert version_details("2.2", endpoints_of(original)) == original


def test_answers(example: Example) -> None:
    listed = read_envelope(example("transport/01_transport_and_format_version_info_example"))
    assert versions_of(listed.data)["2.2"] == "https://example.com/ocpi/cpo/2.2"
    details = read_envelope(example("transport/02_transport_and_format_version_details_example"))
    assert [one.module for one in endpoints_of(details.data)] == ["credentials", "locations"]
    one = read_envelope(example("transport/03_transport_and_format_get_token_example"))
    assert TOKEN.model(one.data).uid == "012345678"
    page = read_envelope(example("transport/04_transport_and_format_get_token_list_example"))
    assert page.items is not None
    assert [TOKEN.read(item.text).value.uid for item in page.items] == ["100012", "100013", "100014"]
    assert [parse(item.text) for item in page.items] == page.data
    error = read_envelope(example("transport/05_inline_example_response_with_an_error_contains_no_data_field"))
    assert (error.status_code, error.data, error.succeeded) == (2001, None, False)
