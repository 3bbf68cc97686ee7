"""The registry: complete, in the order of the clauses, and true of the code."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from core.walks.running import SCENARIOS
from core.walks.use_case_table import with_table
from core.walks.use_cases import USE_CASES, UseCase, title_of

ROOT = Path(__file__).resolve().parents[2]


def test_there_are_twenty_in_the_order_of_their_clauses() -> None:
    assert len({one.id for one in USE_CASES}) == len({one.clause for one in USE_CASES}) == len(USE_CASES) == 20
    for one in USE_CASES:
        group, _, number = one.id.removeprefix("UC").partition("-")
        assert one.clause == f"8.{group}.{number}"
    clauses = [tuple(map(int, one.clause.split("."))) for one in USE_CASES]
    assert clauses == sorted(clauses)


@pytest.mark.parametrize("one", USE_CASES, ids=lambda one: one.id)
def test_what_it_names_is_there(one: UseCase) -> None:
    assert one.title
    assert [name for name in one.where if find_spec(name) is None] == []
    assert [path for path in one.tested if not (ROOT / path).is_file()] == []
    assert one.offered == bool(one.tested)


def test_every_step_of_a_walk_answers_to_a_clause() -> None:
    for scenario in SCENARIOS.values():
        assert title_of(scenario.clause) == scenario.title
        assert all(title_of(one.use_case) for one in scenario.steps)
        assert len({one.name for one in scenario.steps}) == len(scenario.steps)


def test_no_step_walks_a_use_case_that_is_not_offered() -> None:
    offered = {one.id for one in USE_CASES if one.offered}
    walked = {one.use_case for scenario in SCENARIOS.values() for one in scenario.steps}
    assert {one for one in walked if one.startswith("UC")} <= offered


def test_an_unknown_reference_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        title_of("UC9-9")


def test_the_readme_has_the_table_of_the_registry() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert text == with_table(text), "run: python -m core.walks.use_case_table README.md"
    assert all(f"| {one.id} | {one.clause} | {one.title} |" in text for one in USE_CASES)
    with pytest.raises(ValueError, match="markers"):
        with_table("no table here")
