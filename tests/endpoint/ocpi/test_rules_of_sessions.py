"""Lines of the OCPI text that implementers get wrong, by number: from identification to SDR.

References are to the modules of OCPI 2.2.1 (branch release-2.2.1-bugfixes).
"""

from decimal import Decimal
from typing import Any

import pytest
import rfc8785
from hypothesis import example as example_of
from hypothesis import given
from hypothesis import strategies as st

from core.endpoint.ocpi import commands, tokens
from core.endpoint.ocpi.content_hash import canonical_json, content_hash, sdr_hash, text_hash
from core.endpoint.ocpi.reading import Json, parse, parse_object, to_text
from core.endpoint.ocpi.shape import InvalidMember
from core.endpoint.ocpi.v2_2_1.commands import COMMANDS
from core.endpoint.ocpi.v2_2_1.sdrs import CDR
from core.endpoint.ocpi.v2_2_1.sessions import SESSION
from core.endpoint.ocpi.v2_2_1.tokens import AUTHORISATIONS, TOKEN
from core.endpoint.ports import Authorisation, AuthorisationRequest, AuthorisationVerdict, Command, CommandKind
from core.model.credentials import CredentialKind
from core.model.money import Price
from core.model.sdr import SdrKind, credit_of, takes_back
from core.model.session_report import ReportedStatus
from tests.endpoint.ocpi.conftest import NOON, Example, path_of, read_of


def test_rule_16_authorization_info_holds_the_whole_token(example: Example) -> None:
    credential = TOKEN.read(to_text({**read_of(example, "tokens/04_token_example_2_full_rfid"), "nltnm_colour": "red"}))
    answer = Authorisation(AuthorisationVerdict.ALLOWED, credential, "AUTH-1", "Welcome")
    place = AuthorisationRequest("12345678905880", CredentialKind.RFID, "LOC1", ("3256",))
    wire = AUTHORISATIONS.write(answer, place)
    assert wire["token"] == parse(credential.body)
    assert wire["location"] == {"location_id": "LOC1", "evse_uids": ["3256"]}
    assert wire["info"] == {"language": "en", "text": "Welcome"}
    assert AUTHORISATIONS.read(parse(to_text(wire))) == Authorisation(
        AuthorisationVerdict.ALLOWED, TOKEN.inside(wire["token"]), "AUTH-1", "Welcome", ("3256",)
    )


def test_rule_16_the_place_of_an_identification_request_is_optional() -> None:
    bare = tokens.authorisation_request("012345678", CredentialKind.RFID, None)
    assert bare.site_id is None
    assert tokens.location_references(bare) is None
    asked = tokens.authorisation_request("012345678", CredentialKind.RFID, {"location_id": "LOC1"})
    assert tokens.location_references(asked) == {"location_id": "LOC1"}
    with pytest.raises(InvalidMember, match=r"LocationReferences\.location_id"):
        tokens.authorisation_request("012345678", CredentialKind.RFID, {})


def test_rule_18_the_answer_to_a_command_and_its_outcome_have_enums_of_their_own() -> None:
    assert commands.command_reply({"result": "UNKNOWN_SESSION", "timeout": 0}).answer == "UNKNOWN_SESSION"
    with pytest.raises(InvalidMember, match=r"CommandResponse\.result"):
        commands.command_reply({"result": "EVSE_OCCUPIED", "timeout": 30})
    assert commands.command_result('{"result": "EVSE_OCCUPIED"}') == ("EVSE_OCCUPIED", None)
    with pytest.raises(InvalidMember, match=r"CommandResultBody\.result"):
        commands.command_result('{"result": "UNKNOWN_SESSION"}')


def test_rule_19_a_connector_is_named_within_an_evse(example: Example) -> None:
    value = {
        "response_url": "https://example.com/r/1",
        "token": read_of(example, "tokens/01_token_put_example"),
        "location_id": "LOC1",
        "connector_id": "1",
    }
    with pytest.raises(InvalidMember, match=r"StartSession\.evse_uid"):
        COMMANDS.read(CommandKind.START_SESSION, to_text(value))
    held = TOKEN.read(example("tokens/01_token_put_example"))
    command = Command(CommandKind.START_SESSION, "https://example.com/r/1", held, "LOC1", connector_id="1")
    with pytest.raises(InvalidMember, match=r"StartSession\.evse_uid"):
        COMMANDS.write(command)


def test_rule_19_the_token_of_a_command_is_kept_whole(example: Example) -> None:
    token = {**read_of(example, "tokens/01_token_put_example"), "nltnm_colour": "red"}
    held = TOKEN.read(to_text(token))
    command = Command(CommandKind.START_SESSION, "https://example.com/r/1", held, "LOC1", "3256", "1", "AUTH-1")
    body = COMMANDS.write(command)
    assert body["token"] == token
    assert COMMANDS.read(CommandKind.START_SESSION, to_text(body)).credential == TOKEN.inside(token)


def test_rule_22_a_patch_appends_charging_periods_once(example: Example) -> None:
    stored = example("sessions/04_session_example_2_short_finished").decode()
    patch = SESSION.read_patch(example("sessions/02_session_patch_example_charging_period"))
    once = SESSION.patch(stored, patch)
    twice = SESSION.patch(once.body, patch)
    assert len(SESSION.read(stored).value.periods) == 3
    assert len(once.value.periods) == 4
    assert twice == once
    assert once.value.energy == 15


def test_rule_22_an_empty_list_in_a_patch_appends_nothing_and_a_put_replaces(example: Example) -> None:
    stored = example("sessions/04_session_example_2_short_finished").decode()
    patch = SESSION.read_patch('{"charging_periods": [], "last_updated": "2024-05-01T12:00:00Z"}')
    assert len(SESSION.patch(stored, patch).value.periods) == 3
    put = SESSION.read_put(to_text({**parse_object(stored), "charging_periods": []}), NOON)
    assert put.value.periods == ()


def test_rule_23_a_missing_total_cost_is_not_free(example: Example) -> None:
    value = read_of(example, "sessions/03_session_example_1_simple_start")
    value.pop("total_cost", None)
    assert SESSION.model(value).total_cost is None
    free = SESSION.model({**value, "total_cost": {"excl_vat": 0}}).total_cost
    assert free == Price(before_taxes=Decimal(0))


def test_rule_23_a_reservation_is_called_so_on_the_wire(example: Example) -> None:
    value = {**read_of(example, "sessions/03_session_example_1_simple_start"), "status": "RESERVATION"}
    report = SESSION.model(value)
    assert report.status is ReportedStatus.RESERVED
    assert SESSION.wire(report)["status"] == "RESERVATION"
    assert path_of(SESSION, {**value, "status": "RESERVED"}) == "Session.status"


def test_rule_25_a_credit_negates_the_total_cost_alone(example: Example) -> None:
    original = CDR.read(example("cdrs/01_cdr_example")).value
    credit = credit_of(original, NOON)
    wire = CDR.wire(credit)
    assert wire == {
        **read_of(example, "cdrs/01_cdr_example"),
        "id": "12345-C",
        "total_cost": {"excl_vat": Decimal("-4.00"), "incl_vat": Decimal("-4.40")},
        "credit": True,
        "credit_reference_id": "12345",
        "last_updated": "2024-05-01T12:00:00Z",
    }
    again = CDR.read(to_text(wire)).value
    assert again.kind is SdrKind.CREDIT
    assert takes_back(again, original)
    assert not takes_back(again, credit)


def test_rule_25_only_the_id_of_a_credit_may_have_39_characters(example: Example) -> None:
    original = CDR.read(example("cdrs/01_cdr_example")).value
    long = original.model_copy(update={"id": "1" * 37})
    with pytest.raises(InvalidMember, match=r"CDR\.id"):
        CDR.wire(long)
    assert CDR.wire(credit_of(original, NOON, "1" * 39))["id"] == "1" * 39
    with pytest.raises(InvalidMember) as refusal:
        CDR.wire(credit_of(original, NOON, "1" * 40))
    assert refusal.value.code == "invalid_length"


def test_rule_25_a_credit_names_what_it_takes_back(example: Example) -> None:
    value = {**read_of(example, "cdrs/01_cdr_example"), "credit": True}
    assert path_of(CDR, value) == "CDR.credit_reference_id"


def test_rule_25_the_same_content_has_the_same_hash(example: Example) -> None:
    value = read_of(example, "cdrs/01_cdr_example")
    same = dict(reversed(list(value.items()))) | {"total_energy": Decimal("15.3420")}
    assert content_hash(value) == content_hash(same) == text_hash(to_text(same))
    assert sdr_hash(CDR.model(value)) == sdr_hash(CDR.model(same))
    other = value | {"total_energy": Decimal("15.3421")}
    assert content_hash(value) != content_hash(other)
    assert sdr_hash(CDR.model(value)) != sdr_hash(CDR.model(other))


@given(st.recursive(st.none() | st.booleans() | st.text(), lambda one: st.lists(one) | st.dictionaries(st.text(), one)))
@example_of({"\ue000": "z", "\U0001f50c": 'a"\\\n\x00\x1f\x7f\u2028/'})
def test_rule_25_what_is_hashed_is_the_canonical_json_of_rfc_8785(value: Json) -> None:
    assert canonical_json(value) == rfc8785.dumps(value)


def test_rule_26_the_period_names_its_tariff_and_readings_their_nature(example: Example) -> None:
    value: Any = read_of(example, "cdrs/01_cdr_example")
    signed = [{"nature": nature, "plain_data": "1", "signed_data": "2"} for nature in ("Start", "Intermediate", "End")]
    value["signed_data"] = {"encoding_method": "Alfen Eichrecht", "encoding_method_version": 1, "signed_values": signed}
    sdr = CDR.model(value)
    assert sdr.periods[0].tariff_id == "12"
    assert sdr.signed_data is not None
    assert [one.nature for one in sdr.signed_data.values] == ["Start", "Intermediate", "End"]
    assert CDR.wire(sdr) == value


def test_rule_26_costs_of_parking_and_reservation_stand_beside_the_fixed_one(example: Example) -> None:
    value = read_of(example, "cdrs/01_cdr_example") | {
        "total_fixed_cost": {"excl_vat": 1},
        "total_parking_cost": {"excl_vat": 2, "incl_vat": Decimal("2.2")},
        "total_reservation_cost": {"excl_vat": 3},
    }
    cost = CDR.model(value).cost
    assert (cost.fixed, cost.reservation) == (Price(before_taxes=Decimal(1)), Price(before_taxes=Decimal(3)))
    assert CDR.wire(CDR.model(value)) == value
