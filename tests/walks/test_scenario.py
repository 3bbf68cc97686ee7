"""The runner, on steps that do next to nothing."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from core.errors import Unreachable
from core.walks.messages import WireMessage
from core.walks.scenario import Act, Actor, Finding, Scenario, Step, StepResult, Verdict, walk

pytestmark = pytest.mark.anyio

Ground = list[str]


def message(path: str) -> WireMessage:
    return WireMessage(
        at=datetime(2026, 3, 2, tzinfo=UTC), sender="a", receiver="b", method="PUT", path=path,
        http_status=200, ocpi_status=1000, milliseconds=1, request_id=path,
    )  # fmt: skip


def step(name: str, *, holds: bool = True, error: Exception | None = None, finds: int = 1) -> Step[Ground, int]:
    async def perform(ground: Ground) -> int:
        ground.append(name)
        if error is not None:
            raise error
        return len(ground)

    def check(seen: int) -> Sequence[Finding]:
        return [Finding(expected="it holds", actual=f"{seen} done", holds=holds)] * finds

    return Step(
        name=name, use_case="UC1-1", what=name, sender=Actor.HOME_CSP, receiver=Actor.VISITED_CSO,
        expected="all well", perform=perform, check=check, wire=frozenset({f"PUT {name}"}),
    )  # fmt: skip


async def walked(
    *steps: Step[Ground, int], heard: Sequence[Sequence[str]] = (), before: dict[str, Act[Ground]] | None = None
) -> tuple[Ground, list[StepResult]]:
    calls, ground = iter(heard), Ground()

    async def hear() -> Sequence[WireMessage]:
        return [message(f"/ocpi/2.2.1/receiver/{module}/x") for module in next(calls, ())]

    scenario = Scenario("s", "A.1", "title", steps)
    return ground, [one async for one in walk(scenario, ground, hear, before=before)]


async def test_it_ends_at_the_first_step_that_fails() -> None:
    ground, results = await walked(step("a"), step("b", holds=False), step("c"))
    assert [one.verdict for one in results] == [Verdict.PASS, Verdict.FAIL]
    assert ground == ["a", "b"]
    assert results[1].reason == "expected it holds, found 2 done"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Unreachable("nobody there", code="gone"), "gone: nobody there"),
        (TimeoutError("late"), "TimeoutError: late"),
        (ConnectionResetError("reset"), "ConnectionResetError: reset"),
    ],
)
async def test_an_act_that_ends_in_an_error_is_a_step_that_fails(error: Exception, words: str) -> None:
    _, results = await walked(step("a", error=error), step("b"))
    assert [(one.verdict, one.reason) for one in results] == [(Verdict.FAIL, f"expected all well, found {words}")]


async def test_a_check_that_looks_at_nothing_does_not_pass() -> None:
    _, results = await walked(step("a", finds=0))
    assert (results[0].verdict, results[0].reason) == (Verdict.FAIL, "nothing was looked at")


async def test_what_is_done_before_a_step_is_done_just_before_it() -> None:
    async def fault(ground: Ground) -> None:
        ground.append("fault")

    ground, _ = await walked(step("a"), step("b"), before={"b": fault})
    assert ground == ["a", "fault", "b"]


async def test_a_step_has_its_own_messages_late_ones_included_and_no_older_ones() -> None:
    _, results = await walked(step("a"), step("b"), step("c"), heard=[["a", "b", "c"], ["x"], ["c"]])
    assert [[one.kind for one in result.messages] for result in results] == [["PUT a"], ["PUT b"], ["PUT c"]]


async def test_the_document_says_from_and_to() -> None:
    _, results = await walked(step("a"))
    written = results[0].model_dump(mode="json", by_alias=True)
    assert (written["from"], written["to"], written["verdict"]) == ("home-CSP", "visited-CSO", "pass")
