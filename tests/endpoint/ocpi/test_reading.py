"""JSON text is read within limits and without loss, and nothing but the typed error ever comes of foreign text."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.endpoint.ocpi.reading import MAX_DEPTH, NotJson, Unreadable, parse, parse_object, to_text


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ('{\n  "status": "PLANNED",\n}', 3, 1),
        ("", 1, 1),
        ('{"a": 1} x', 1, 10),
        ('{"a" 1}', 1, 6),
        ('{"a": "tab\there"}', 1, 11),
        ('["open', 1, 2),
    ],
)
def test_what_is_not_json_is_named_by_line_and_column(text: str, line: int, column: int) -> None:
    with pytest.raises(NotJson) as refusal:
        parse(text)
    assert (refusal.value.line, refusal.value.column) == (line, column)
    assert f"line {line}, column {column}" in str(refusal.value)


def test_bytes_that_are_not_utf_8_are_named_by_line_and_column() -> None:
    with pytest.raises(NotJson) as refusal:
        parse(b'{\n "name": "\xff"}')
    assert (refusal.value.line, refusal.value.column) == (2, 11)


def test_a_byte_order_mark_is_no_fault() -> None:
    assert parse(b'\xef\xbb\xbf{"a":1}') == {"a": 1}


def test_numbers_keep_their_digits_and_are_never_floats() -> None:
    value = parse_object('{"price": 0.10, "energy": 15.3420, "exponent": 1.5e3, "whole": 12}')
    assert value["price"] == Decimal("0.10")
    assert not any(isinstance(member, float) for member in value.values())
    assert to_text(value) == '{"price":0.10,"energy":15.3420,"exponent":1500,"whole":12}'


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"a": 1, "a": 2}', "duplicate_key"),
        ('{"outer": {"b": 1, "b": 1}}', "duplicate_key"),
        ("[NaN]", "not_json"),
        ("[-Infinity]", "not_json"),
        ("[1e400]", "number_out_of_range"),
        ("[1e-400]", "number_out_of_range"),
        ("[1e999999999999999999999]", "number_out_of_range"),
        (f"[{'9' * 5000}]", "number_out_of_range"),
        ("[" * 100_000, "too_deep"),
        ('{"a":' * 100_000 + "1" + "}" * 100_000, "too_deep"),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "too_deep"),
        ('["\\u0000"]', "invalid_character"),
        ('{"\\ud800": 1}', "invalid_character"),
        ('[[{"a": ["\\uDEAD"]}]]', "invalid_character"),
    ],
)
def test_what_breaks_a_limit_is_refused(text: str, code: str) -> None:
    with pytest.raises(Unreadable) as refusal:
        parse(text)
    assert refusal.value.code == code


def test_nesting_up_to_the_limit_and_brackets_in_strings_are_fine() -> None:
    parse("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    assert parse('["' + "[" * 1000 + '\\"[{"]') == ["[" * 1000 + '"[{']
    assert parse('["\\ud83d\\ude00"]') == ["😀"]


def test_a_body_larger_than_the_limit_is_refused() -> None:
    with pytest.raises(Unreadable, match="larger than 10 bytes"):
        parse(b'{"a": "0123456789"}', max_bytes=10)


def test_unclosed_strings_and_stray_quotes_cost_no_time() -> None:
    with pytest.raises(Unreadable):
        parse('\\"' * 500_000)


def test_only_an_object_is_an_object() -> None:
    with pytest.raises(Unreadable, match="object was expected"):
        parse_object("[]")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=15,
)


@given(_JSON)
def test_writing_what_was_read_gives_the_same_value(value: object) -> None:
    text = json.dumps(value)
    try:
        read = parse(text)
    except Unreadable as refusal:
        assert refusal.code == "invalid_character"
        return
    assert read == value
    assert parse(to_text(read)) == read
    assert json.loads(to_text(read)) == value


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**12), max_value=10**12))
def test_every_digit_of_a_number_survives(number: Decimal) -> None:
    text = format(number, "f")
    assert to_text(parse(f"[{text}]")) == f"[{text}]"


@given(st.binary(max_size=60) | st.text(alphabet='{}[]":,\\u0123456789eE+-.ntfalsru ', max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused_with_the_typed_error(body: bytes) -> None:
    try:
        parse(body)
    except Unreadable as refusal:
        assert refusal.code
