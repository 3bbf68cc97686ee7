"""JSON at rest: exact numbers, the field's names, nothing that is not JSON."""

from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field
from pydantic_core import PydanticSerializationError

from core.store.json_text import json_text, json_value


class Colour(Enum):
    GREEN = "green"


class Price(BaseModel):
    amount: Decimal = Field(alias="excl_vat")
    at: datetime
    lines: tuple[Decimal, ...] = ()


def test_decimals_are_numbers_digit_for_digit() -> None:
    value = {
        "a": Decimal("0.10"),
        "b": [Decimal("1E+2"), Decimal("-0.0000001")],
        "c": 7,
        "d": None,
        "e": True,
        "f": 0.5,
    }
    assert json_text(value) == '{"a":0.10,"b":[1E+2,-1E-7],"c":7,"d":null,"e":true,"f":0.5}'


def test_a_model_goes_by_its_aliases_with_its_numbers_exact() -> None:
    price = Price(excl_vat=Decimal("0.3000"), at=datetime(2026, 6, 1, 12, tzinfo=UTC), lines=(Decimal("0.1"),))
    assert json_text({"price": price}) == '{"price":{"excl_vat":0.3000,"at":"2026-06-01T12:00:00Z","lines":[0.1]}}'


def test_enumerations_identifiers_and_other_keys_become_text() -> None:
    value = {Colour.GREEN: UUID(int=1), 3: 'ü\n"\u2028'}
    assert json_text(value) == '{"green":"00000000-0000-0000-0000-000000000001","3":"ü\\n\\"\u2028"}'


def test_half_a_surrogate_pair_is_kept_escaped() -> None:
    assert json_text({"\ud800": "ä\udfff"}) == '{"\\ud800":"\\u00e4\\udfff"}'


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity"), float("nan"), float("-inf")])
def test_a_number_that_is_not_finite_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="not finite"):
        json_text({"a": value})


def test_what_json_cannot_hold_is_refused() -> None:
    with pytest.raises(PydanticSerializationError):
        json_text({"a": object()})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.decimals(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(max_examples=60, derandomize=True, database=None, deadline=None)
@given(JSON)
def test_what_is_written_comes_back_equal(value: object) -> None:
    assert json_value(json_text(value)) == value
