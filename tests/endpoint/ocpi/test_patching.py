"""Changes are laid over verbatim JSON without losing what we do not know."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from core.endpoint.ocpi.patching import merge, overlay

JSON = st.recursive(
    st.none() | st.integers(0, 3) | st.sampled_from("abc"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


def test_members_of_a_patch_replace_whole_members() -> None:
    stored = {"operator": {"name": "A", "website": "https://a"}, "city": "Gent", "list": [1]}
    changes = {"operator": {"name": "B"}, "list": [2], "new": 1}
    assert merge(stored, changes) == {"operator": {"name": "B"}, "city": "Gent", "list": [2], "new": 1}
    assert stored["city"] == "Gent"


def test_an_appended_list_grows_by_what_it_does_not_hold() -> None:
    stored = {"periods": [{"volume": Decimal("1.0")}]}
    assert merge(stored, {"periods": [{"volume": 1}, {"volume": 2}]}, ["periods"]) == {
        "periods": [{"volume": Decimal("1.0")}, {"volume": 2}]
    }
    assert merge({}, {"periods": [1]}, ["periods"]) == {"periods": [1]}


def test_only_what_changed_is_replaced() -> None:
    verbatim = {"at": "2024-01-01T00:00:00", "extra": 1, "inner": {"a": 1, "extra": None}, "gone": 1}
    before = {"at": "2024-01-01T00:00:00Z", "inner": {"a": 1}, "gone": 1}
    after = {"at": "2024-01-01T00:00:00Z", "inner": {"a": 2}, "new": True}
    assert overlay(verbatim, before, after) == {
        "at": "2024-01-01T00:00:00",
        "extra": 1,
        "inner": {"a": 2, "extra": None},
        "new": True,
    }


def test_items_of_a_list_keep_their_unknown_members() -> None:
    verbatim = [{"id": 1, "x": 1}, {"id": 2, "x": 2}]
    before = [{"id": 1}, {"id": 2}]
    assert overlay(verbatim, before, [{"id": 2}]) == [{"id": 2, "x": 2}]
    assert overlay(verbatim, before, [{"id": 1}, {"id": 2, "y": 0}, {"id": 3}]) == [
        {"id": 1, "x": 1},
        {"id": 2, "x": 2, "y": 0},
        {"id": 3},
    ]


def test_one_object_in_a_list_stands_for_the_object() -> None:
    assert overlay([{"a": 1, "x": 1}], {"a": 1}, {"a": 2}) == {"a": 2, "x": 1}


@given(JSON, JSON)
def test_laid_over_itself_a_change_comes_out(before: object, after: object) -> None:
    assert overlay(before, before, before) == before  # type: ignore[arg-type]  # JSON
    assert overlay(before, before, after) == after  # type: ignore[arg-type]  # JSON
