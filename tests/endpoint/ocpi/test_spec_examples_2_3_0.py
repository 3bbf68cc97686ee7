"""Every example of OCPI 2.3.0 is read as the list of its faults says, and nothing of a valid one is lost."""

from pathlib import Path
from typing import Any

import pytest

from core.endpoint.ocpi.codec import Codec
from core.endpoint.ocpi.envelope import read_envelope
from core.endpoint.ocpi.reading import NotJson, parse
from core.endpoint.ocpi.shape import InvalidMember
from core.endpoint.ocpi.v2_3_0.credentials import CREDENTIALS
from core.endpoint.ocpi.v2_3_0.hubclientinfo import CLIENT_INFO
from core.endpoint.ocpi.v2_3_0.sdrs import CDR
from core.endpoint.ocpi.v2_3_0.sessions import SESSION
from core.endpoint.ocpi.v2_3_0.sites import CONNECTOR, EVSE, LOCATION
from core.endpoint.ocpi.v2_3_0.tariffs import TARIFF
from core.endpoint.ocpi.v2_3_0.tokens import TOKEN
from core.endpoint.ocpi.versions import endpoints_of, version_details, versions, versions_of
from core.model.money import Price, Tax
from tests.endpoint.ocpi.conftest import NOON, Example, path_of, require_no_loss, require_unknown_kept
from tests.endpoint.ocpi.test_spec_examples import ELSEWHERE, WHOLE

CODECS = {"credentials": CREDENTIALS, "locations": LOCATION, "sessions": SESSION, "tokens": TOKEN}
TARIFFS = [
    "02_tariff_8_simple_025kwh",
    "03_tariff_9_025kwh_start",
    "04_tariff_12_025kwh_min_price",
    "05_tariff_10_025kwh_parking_start",
    "06_tariff_6_025kwh_start_max_price",
    "07_tariff_1_simple_2hour",
    "08_tariff_19_simple_north_american_exclusive",
    "09_tariff_20_simple_north_american_inclusive",
    "10_tariff_13_simple_3hour_5parking",
    "11_tariff_2_alt_text",
    "12_tariff_11_not_possible_alt_text",
    "13_tariff_3_alt_url",
    "14_tariff_4_complex",
    "15_tariff_5_free_of_charge",
    "16_tariff_15_reservation_5_euro_per_hour",
    "17_tariff_16_reservation_2_euro_fee_5_euro_per_hour",
    "18_tariff_17_reservation_with_expire_fee",
    "19_tariff_18_reservation_with_expire_time",
    "20_tariff_14_step_size",
    "21_tariffrestriction_example_max_power",
    "22_tariffrestriction_example_max_duration",
]
VALID: list[tuple[str, Codec[Any, Any]]] = [
    *((f"{folder}/{name}", codec) for folder, codec in CODECS.items() for name in WHOLE[folder][1]),
    *((f"tariffs/{name}", TARIFF) for name in TARIFFS),
]
PATCHES: list[tuple[str, Codec[Any, Any]]] = [
    ("sessions/01_session_patch_example_total_cost", SESSION),
    ("sessions/02_session_patch_example_charging_period", SESSION),
    ("tokens/02_token_patch_example", TOKEN),
    ("locations/02_location_patch_example_status", EVSE),
    ("locations/03_location_patch_example_location", LOCATION),
    ("locations/04_location_patch_example_tariff", CONNECTOR),
    ("locations/05_location_patch_example_remove_evse", EVSE),
]
THE_SAME_IN_2_2_1 = {
    path
    for path in ELSEWHERE
    if path.startswith(("_unreferenced/", "types/", "locations/12", "locations/13", "locations/14"))
}
"""Their shapes are shared, and these files are byte for byte those of 2.2.1, which have their tests."""


def test_no_example_is_left_out(shared_data: Path) -> None:
    folder = shared_data / "ocpi_examples" / "2.3.0"
    found = {str(path.relative_to(folder).with_suffix("")) for path in folder.rglob("*.json")}
    assert found == {path for path, _ in VALID} | {path for path, _ in PATCHES} | ELSEWHERE | {"cdrs/01_cdr_example"}
    for path in THE_SAME_IN_2_2_1:
        other = shared_data / "ocpi_examples" / "2.2.1" / f"{path}.json"
        assert (folder / f"{path}.json").read_bytes() == other.read_bytes()


@pytest.mark.parametrize(("path", "codec"), VALID, ids=[path for path, _ in VALID])
def test_a_valid_example_goes_to_the_model_and_back_without_loss(
    path: str, codec: Codec[Any, Any], example_2_3_0: Example
) -> None:
    require_no_loss(codec, example_2_3_0(path))


@pytest.mark.parametrize(("path", "codec"), VALID, ids=[path for path, _ in VALID])
def test_rule_10_unknown_members_are_never_refused_and_are_kept(
    path: str, codec: Codec[Any, Any], example_2_3_0: Example
) -> None:
    require_unknown_kept(codec, example_2_3_0(path))


@pytest.mark.parametrize(("path", "codec"), PATCHES, ids=[path for path, _ in PATCHES])
def test_a_patch_is_read_as_one(path: str, codec: Codec[Any, Any], example_2_3_0: Example) -> None:
    assert codec.read_patch(example_2_3_0(path)).changes == parse(example_2_3_0(path))
    with pytest.raises(InvalidMember, match="Field required"):
        codec.read(example_2_3_0(path))


def test_a_cdr_whose_tariff_does_not_say_whether_tax_is_included_is_refused_at_that_member(
    example_2_3_0: Example,
) -> None:
    printed: Any = parse(example_2_3_0("cdrs/01_cdr_example"))
    assert path_of(CDR, printed) == "CDR.tariffs[0].tax_included"
    printed["tariffs"][0]["tax_included"] = "NO"
    sdr = CDR.model(printed)
    assert sdr.cost.total == Price(before_taxes="4.00", with_taxes="4.40", taxes=(Tax(name="VAT", amount="0.40"),))
    assert CDR.wire(sdr) == printed


def test_the_evse_put_breaks_its_table_in_each_place_that_is_listed(example_2_3_0: Example) -> None:
    with pytest.raises(InvalidMember) as refusal:
        EVSE.read_put(example_2_3_0("locations/01_location_put_example_add_evse"), NOON)
    assert {fault.path for fault in refusal.value.faults} == {
        "EVSE.connectors[0].power_type",
        "EVSE.connectors[0].max_voltage",
        "EVSE.connectors[0].max_amperage",
        "EVSE.connectors[0].last_updated",
        "EVSE.physical_reference",
    }


def test_a_put_without_last_updated_gets_the_moment_of_its_receipt(example_2_3_0: Example) -> None:
    body = example_2_3_0("tariffs/01_tariff_put_example")
    with pytest.raises(InvalidMember, match=r"Tariff\.last_updated: Field required"):
        TARIFF.read(body)
    assert parse(TARIFF.read_put(body, NOON).body) == {**parse(body), "last_updated": "2024-05-01T12:00:00Z"}  # type: ignore[dict-item]


def test_the_client_info_that_is_not_json_is_named_by_its_place(example_2_3_0: Example) -> None:
    with pytest.raises(NotJson) as refusal:
        CLIENT_INFO.read(example_2_3_0("hubclientinfo/01_inline_example_put_a_new_clientinfo_object"))
    assert (refusal.value.line, refusal.value.column) == (6, 1)


def test_versions_and_answers(example_2_3_0: Example) -> None:
    original = parse(example_2_3_0("versions/01_versions_info_example"))
    assert versions(versions_of(original)) == original
    for name in ("02_version_details_example", "03_version_details_example2"):
        original = parse(example_2_3_0(f"versions/{name}"))
        assert isinstance(original, dict)
        assert version_details(str(original["version"]), endpoints_of(original)) == original
    listed = read_envelope(example_2_3_0("transport/01_transport_and_format_version_info_example"))
    assert versions_of(listed.data)
    details = read_envelope(example_2_3_0("transport/02_transport_and_format_version_details_example"))
    assert [one.module for one in endpoints_of(details.data)] == ["credentials", "locations"]
    one = read_envelope(example_2_3_0("transport/03_transport_and_format_get_token_example"))
    assert TOKEN.model(one.data).uid == "012345678"
    page = read_envelope(example_2_3_0("transport/04_transport_and_format_get_token_list_example"))
    assert page.items is not None
    assert [TOKEN.read(item.text).value.uid for item in page.items] == ["100012", "100013", "100014"]
    error = read_envelope(example_2_3_0("transport/05_inline_example_response_with_an_error_contains_no_data_field"))
    assert (error.status_code, error.data, error.succeeded) == (2001, None, False)
