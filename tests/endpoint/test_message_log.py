"""What the message log keeps of a body: everything but tokens and what names a driver's credential."""

import json

import pytest

from core.endpoint.message_log import masked

TOKEN = {"uid": "04A2B3C4D5E680", "type": "RFID", "contract_id": "NL-EVR-C1", "visual_number": "77 1", "group_id": "G1"}


@pytest.mark.parametrize(
    "body",
    [
        TOKEN,
        {"data": [TOKEN]},
        {"cdr_token": TOKEN, "evse_uid": "E1"},
        {"id": "L1", "publish_allowed_to": [{"uid": "04A2B3C4D5E680", "type": "RFID"}]},
    ],
)
def test_nothing_names_a_credential(body: dict[str, object]) -> None:
    text = masked(json.dumps(body))
    assert not any(value in text for value in ("04A2B3C4D5E680", "NL-EVR-C1", "77 1", "G1"))
    assert json.loads(text).keys() == body.keys()


def test_an_evse_keeps_its_uid_and_the_text_its_digits() -> None:
    text = '{"evses": [{"uid": "E1", "evse_id": "DE*ABC*E1"}], "kwh": 1.500}'
    assert masked(text) == text


def test_a_token_in_credentials_is_masked_and_a_token_object_is_not_lost() -> None:
    assert masked('{"token": "se\\"cret", "url": "u"}') == '{"token": "***", "url": "u"}'
    assert json.loads(masked(json.dumps({"token": TOKEN})))["token"]["type"] == "RFID"


def test_a_uid_written_with_escapes_is_masked() -> None:
    assert masked(r'{"uid": "\u0030AB", "type": "RFID"}') == '{"uid": "***", "type": "RFID"}'


def test_a_vehicle_s_contract_and_its_certificate_are_masked() -> None:
    shown = masked('{"emaid": "NL-EVR-C1", "contract_certificate_chain": ["TUlJQg", "TUlJQw"], "protocol": "x"}')
    assert shown == '{"emaid": "***", "contract_certificate_chain": ["***"], "protocol": "x"}'
    assert masked('{"contract_certificate_chain": ["TUlJ') == '{"contract_certificate_chain": ["***"]'


def test_in_text_that_is_no_json_every_uid_is_masked() -> None:
    assert masked('{"uid": "04A2", "type": "RFID"') == '{"uid": "***", "type": "RFID"'
    assert masked("[" * 100_000 + '"uid": "04A2"').endswith('"uid": "***"')


def test_a_body_that_was_cut_within_a_secret_is_masked_to_its_end() -> None:
    assert masked('{"url": "u", "token": "se\\"cr') == '{"url": "u", "token": "***"'
    assert masked('{"token": {"uid": "04A2\\') == '{"token": {"uid": "***"'
