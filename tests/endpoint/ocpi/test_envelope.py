"""Answers are written as the text says and read as partners send them, broken ones included."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.endpoint.ocpi.envelope import StatusCode, envelope_text, list_text, read_envelope, status_name
from core.endpoint.ocpi.reading import NotJson, Unreadable
from core.errors import Refused

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


def test_an_answer_is_written_with_its_data_spliced_in() -> None:
    text = envelope_text(list_text(['{"id": "1"}', '{ "id":"2" }']), NOON)
    assert json.loads(text) == {
        "data": [{"id": "1"}, {"id": "2"}],
        "status_code": 1000,
        "status_message": "Success",
        "timestamp": "2024-05-01T12:00:00Z",
    }
    assert '{ "id":"2" }' in text


def test_an_error_is_written_without_data_and_its_message_escaped() -> None:
    text = envelope_text(None, NOON, StatusCode.UNKNOWN_TOKEN, 'no "token"\n')
    assert json.loads(text) == {
        "status_code": 2004,
        "status_message": 'no "token"\n',
        "timestamp": "2024-05-01T12:00:00Z",
    }


def test_rule_6_no_code_is_of_the_ranges_for_custom_modules() -> None:
    assert {code // 100 % 10 for code in StatusCode} == {0}


def test_what_is_written_is_read_again_each_item_with_its_own_text() -> None:
    read = read_envelope(envelope_text(' [ {"id":1.50} , {"id": 2} ] ', NOON))
    assert (read.status_code, read.timestamp, read.succeeded) == (1000, NOON, True)
    assert read.items is not None
    assert [item.text for item in read.items] == ['{"id":1.50}', '{"id": 2}']
    assert read.data == [item.value for item in read.items]
    assert read.require_success() is read


def test_data_that_is_no_list_has_no_items() -> None:
    assert read_envelope('{"status_code": 1000, "data": {"a": []}}').items is None
    assert read_envelope('{"status_code": 1000, "data": []}').items == ()


@pytest.mark.parametrize(
    ("body", "http_status", "code", "message"),
    [
        ('{"detail": "Not authenticated"}', 403, 2000, "Not authenticated"),
        ('{"detail": [{"loc": ["body"], "msg": "x"}]}', 422, 2000, '[{"loc":["body"],"msg":"x"}]'),
        ('{"detail": "oops"}', 500, 3000, "oops"),
        ('{"detail": "oops"}', 200, 3000, "oops"),
        ('{"status_code": 3000, "status_message": "down", "timestamp": "2024-05-01T12:00:00Z"}', 200, 3000, "down"),
        ('{"status_code": 1000, "data": []}', 500, 3000, None),
        ('{"status_code": 2004}', 404, 2004, None),
        ('{"status_code": "1000", "data": []}', 200, 1000, None),
        ('{"status_code": 1000.0, "data": []}', 200, 1000, None),
        ('{"status_code": true, "data": []}', 200, 1000, None),
        ('{"data": []}', 200, 1000, None),
        ("{}", 200, 3000, None),
        ("[]", 200, 3000, None),
        ('"gateway"', 502, 3000, None),
        ('{"status_code": 2999, "status_message": "\\u001b[31m"}', 200, 2999, "\\x1b[31m"),
    ],
)
def test_broken_answers_say_what_they_can(body: str, http_status: int, code: int, message: str | None) -> None:
    read = read_envelope(body, http_status)
    assert (read.status_code, read.status_message) == (code, message)


@pytest.mark.parametrize("timestamp", ['"soon"', "12", "null"])
def test_a_missing_or_wrong_timestamp_is_no_fault(timestamp: str) -> None:
    assert read_envelope(f'{{"status_code": 1000, "data": 1, "timestamp": {timestamp}}}').timestamp is None


@pytest.mark.parametrize(
    ("code", "name", "error"),
    [
        (2004, "UNKNOWN_TOKEN", "unknown_token"),
        (2950, "CLIENT_ERROR", "client_error"),
        (4003, "CONNECTION_PROBLEM", "connection_problem"),
    ],
)
def test_a_refusal_bears_the_name_of_its_status(code: int, name: str, error: str) -> None:
    assert status_name(code) == name
    with pytest.raises(Refused, match=f"{code} {name}: no") as refusal:
        read_envelope(f'{{"status_code": {code}, "status_message": "no"}}').require_success()
    assert refusal.value.code == error


@pytest.mark.parametrize(
    ("body", "line", "column"),
    [
        ('{"data": [1,]}', 1, 13),
        ('{"data": [1 2]}', 1, 13),
        ('{"a": 1,}', 1, 9),
        ('{"a"}', 1, 5),
        ("{a: 1}", 1, 2),
        ('{"a": 1} {', 1, 10),
        ('{\n"data": [', 2, 10),
        ("<html>", 1, 1),
    ],
)
def test_what_is_not_json_is_named_by_its_place(body: str, line: int, column: int) -> None:
    with pytest.raises(NotJson) as refusal:
        read_envelope(body)
    assert (refusal.value.line, refusal.value.column) == (line, column)


def test_limits_hold_for_answers_too() -> None:
    for body in ('{"data": [' + "[" * 100_000, '{"data": 1, "data": 2}', '{"data": [NaN]}'):
        with pytest.raises(Unreadable):
            read_envelope(body)
    with pytest.raises(Unreadable):
        read_envelope("{}", max_bytes=1)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text('ab"\\', max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["data", "status_code", "x"]), inner),
    max_leaves=8,
)


@given(JSON, st.sampled_from([None, 1, "\t"]), st.integers(200, 599))
def test_any_answer_is_read(value: object, indent: int | str | None, http_status: int) -> None:
    read = read_envelope(json.dumps(value, indent=indent), http_status)
    assert 1000 <= read.status_code <= 9999
    assert read.data == (value.get("data") if isinstance(value, dict) else value)


@given(st.text(alphabet='{}[]":,data 012', max_size=25))
def test_any_text_is_read_or_refused_with_the_typed_error(text: str) -> None:
    try:
        accepted = read_envelope("{" + text) is not None
    except Unreadable:
        accepted = False
    try:
        json.loads("{" + text)
        valid = len(set(dict(json.loads("{" + text)))) >= 0
    except json.JSONDecodeError:
        valid = False
    assert not accepted or valid
