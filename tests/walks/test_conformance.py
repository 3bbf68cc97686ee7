"""The conformance run: all of it on two networks, and how it judges what it finds."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.commands import app
from core.network import Via
from core.walks.conformance.bench import Bench
from core.walks.conformance.check import Check, NotOffered
from core.walks.conformance.checks import CHECKS
from core.walks.conformance.report import ConformanceRun, Outcome, as_lines
from core.walks.conformance.running import Combination, combinations, run_embedded
from core.walks.scenario import Finding
from core.walks.use_cases import USE_CASES

pytestmark = pytest.mark.anyio

HOLDS = Finding(expected="one", actual="one", holds=True)


@pytest.mark.parametrize("on", [Combination(Via.P2P, "2.2.1"), Combination(Via.HUB, "2.3.0")], ids=str)
async def test_every_use_case_conforms(on: Combination, tmp_path: Path) -> None:
    run = await run_embedded([on], tmp_path)
    assert [f"{one.use_case} {one.name}: {one.reason}" for one in run.results if one.verdict is Outcome.FAIL] == []
    assert {one.use_case for one in run.results if one.verdict is Outcome.PASS} == {one.id for one in USE_CASES}
    assert run.passed


def test_every_use_case_has_its_checks_in_the_order_of_the_clauses() -> None:
    order = list(dict.fromkeys(one.use_case for one in CHECKS))
    assert order == [one.id for one in USE_CASES]
    assert len({one.name for one in CHECKS}) == len(CHECKS)
    # Each but one, whose success and refusals one check has together, is looked at from both sides.
    alone = {one for one in order if sum(check.use_case == one for check in CHECKS) == 1}
    assert alone == {"UC3-10"}


def test_there_are_four_networks_to_run_on() -> None:
    assert len(combinations()) == 4
    assert combinations(Via.HUB, "2.2.1") == [Combination(Via.HUB, "2.2.1")]


async def _nothing_holds(bench: Bench) -> Sequence[Finding]:
    return [HOLDS, Finding(expected="two", actual="one", holds=False)]


async def _nothing(bench: Bench) -> Sequence[Finding]:
    return []


async def _breaks(bench: Bench) -> Sequence[Finding]:
    await bench.driver.session("nobodys")
    return [HOLDS]


async def _missing(bench: Bench) -> Sequence[Finding]:
    raise NotOffered("There is no such module.")


async def _silent(bench: Bench) -> Sequence[Finding]:
    return [HOLDS]


async def _leaves_open(bench: Bench) -> Sequence[Finding]:
    post = await bench.post()
    await bench.charge(post)
    bench._used.clear()  # the bench forgets where it was, so that its tidying cannot help
    return [HOLDS]


async def test_what_does_not_hold_is_not_passed(tmp_path: Path) -> None:
    wire = frozenset({"POST START_SESSION"})
    checks = [
        Check("UC1-1", "finding", "", _nothing_holds),
        Check("UC1-1", "nothing", "", _nothing),
        Check("UC1-1", "error", "", _breaks),
        Check("UC1-1", "missing", "", _missing),
        Check("UC1-1", "no_message", "", _silent, wire),
        Check("UC1-1", "good", "", _silent),
        Check("UC3-2", "open", "", _leaves_open, wire),
    ]
    run = await run_embedded([Combination(Via.P2P, "2.3.0")], tmp_path, checks=checks)
    verdicts = {one.name: (one.verdict, one.reason) for one in run.results}
    assert verdicts["finding"] == (Outcome.FAIL, "expected two, found one")
    assert verdicts["nothing"] == (Outcome.FAIL, "nothing was looked at")
    assert verdicts["error"][0] is Outcome.FAIL and "no such session" in verdicts["error"][1]
    assert verdicts["missing"] == (Outcome.NOT_OFFERED, "There is no such module.")
    assert verdicts["no_message"][0] is Outcome.FAIL and "POST START_SESSION" in verdicts["no_message"][1]
    assert verdicts["good"] == (Outcome.PASS, "")
    assert verdicts["open"][0] is Outcome.FAIL and "nothing left open" in verdicts["open"][1]
    assert not run.passed
    assert "✗ fail" in "\n".join(as_lines(run)) and "5 fail" in run.sentence


def _run_with(*verdicts: Outcome) -> ConformanceRun:
    from datetime import UTC, datetime

    from core.walks.conformance.running import result_of

    findings = {Outcome.PASS: [HOLDS], Outcome.FAIL: [], Outcome.NOT_OFFERED: []}
    now = datetime(2026, 3, 2, tzinfo=UTC)
    results = [
        result_of(
            Check("UC1-1", str(at), "something", _nothing),
            findings[one],
            NotOffered("not there") if one is Outcome.NOT_OFFERED else None,
            via="p2p",
            wire="2.3.0",
            messages=1,
            seconds=0.5,
        )
        for at, one in enumerate(verdicts)
    ]
    return ConformanceRun(version="1", commit="c", started_at=now, ended_at=now, results=tuple(results))


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ((Outcome.PASS, Outcome.NOT_OFFERED), 0),
        ((Outcome.PASS, Outcome.FAIL), 1),
        ((Outcome.NOT_OFFERED,), 1),
    ],
    ids=["passed", "failed", "nothing checked"],
)
def test_the_command_tells_in_json_and_by_its_exit_code(
    verdicts: tuple[Outcome, ...], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run itself is tested above; here it has happened."""

    async def ran(*_: object, **__: object) -> ConformanceRun:
        return _run_with(*verdicts)

    monkeypatch.setattr("core.walks.conformance.running.run_embedded", ran)
    result = CliRunner().invoke(app, ["conformance", "--json", "--via", "p2p"])
    assert result.exit_code == code
    document = json.loads(result.stdout)
    assert [one["verdict"] for one in document["results"]] == [str(one) for one in verdicts]
    assert {"use_case", "clause", "what", "verdict", "seconds"} <= document["results"][0].keys()
