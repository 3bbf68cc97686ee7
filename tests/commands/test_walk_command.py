"""`evroam walk`, as it is run."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app.commands import app
from core.walks.evidence import FILES
from core.walks.fault_names import FAULTS
from core.walks.ground import Ground
from core.walks.running import SCENARIOS
from core.walks.scenario import Actor, Finding, Step


@pytest.fixture
def nothing_to_walk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scenario of one step that finds something else than it expects."""

    async def perform(ground: Ground) -> int:
        return len(ground.network.members)

    def check(seen: int) -> Sequence[Finding]:
        return [Finding(expected="no operator", actual=f"{seen} operators", holds=False)]

    step = Step(
        name="alone", use_case="UC1-1", what="Nobody is there", sender=Actor.HOME_CSP, receiver=Actor.VISITED_CSO,
        expected="no operator", perform=perform, check=check,
    )  # fmt: skip
    monkeypatch.setitem(SCENARIOS, "qr", replace(SCENARIOS["qr"], steps=(step,)))


def walk(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["walk", *map(str, arguments)])


def test_the_walk_passes_with_exit_code_0_one_document_and_its_evidence(tmp_path: Path) -> None:
    result = walk("qr", "--json", "--seed", 2, "--evidence", tmp_path / "pack", "--data", tmp_path / "data")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert (document["scenario"], document["verdict"], document["seed"]) == ("qr", "pass", 2)
    assert {one["verdict"] for one in document["steps"]} == {"pass"}
    assert {one.name for one in (tmp_path / "pack").iterdir()} == set(FILES)
    assert json.loads((tmp_path / "pack" / "steps.json").read_text("utf-8")) == document
    assert (tmp_path / "data" / "home-csp.sqlite").is_file()


@pytest.mark.usefixtures("nothing_to_walk")
def test_a_failing_step_is_named_with_exit_code_1() -> None:
    result = walk("qr")
    assert result.exit_code == 1
    assert "✗ fail  UC1-1  Nobody is there" in result.stdout
    assert "Step 1 of 1, alone (UC1-1), failed: expected no operator, found 2 operators." in result.stdout


@pytest.mark.usefixtures("nothing_to_walk")
def test_a_failed_walk_leaves_evidence_too(tmp_path: Path) -> None:
    result = walk("qr", "--json", "--evidence", tmp_path)
    assert result.exit_code == 1
    assert json.loads(result.stdout)["failed_step"] == "alone"
    assert "<failure" in (tmp_path / "junit.xml").read_text("utf-8")


@pytest.mark.parametrize("option", ["--data", "--evidence"])
def test_a_folder_with_something_in_it_is_refused_before_anything_is_walked(tmp_path: Path, option: str) -> None:
    (tmp_path / "letter.txt").write_text("keep me")
    result = walk("qr", option, tmp_path)
    assert result.exit_code == 2
    assert "is not empty" in result.stderr and "Name a new or empty folder" in result.stderr
    assert result.stdout == ""
    assert [one.name for one in tmp_path.iterdir()] == ["letter.txt"]


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = walk("qr", "--data", tmp_path / "file" / "data")
    assert result.exit_code == 2
    assert "cannot be used" in result.stderr


@pytest.mark.parametrize("arguments", [[], ["hitchhiking"], ["qr", "--seed", "-1"], ["qr", "--wire", "2.1.1"]])
def test_wrong_usage_is_told(arguments: list[str]) -> None:
    assert walk(*arguments).exit_code == 2


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("ghost@start", "There is no fault “ghost”. Say NAME@STEP, NAME being one of: silent, slow,"),
        ("silent", "has no step “”. The fault silent can be at: authenticate, sites,"),
        ("cable-stuck@quote", "cannot be at the step quote. It can be at: start, active, progress, stop, complete."),
        ("clearing-house-5xx@start", "It can be at: none of this walk."),
    ],
)
def test_a_fault_that_cannot_be_is_refused_with_what_there_is(fault: str, words: str) -> None:
    for result in (walk("qr", "--fault", fault), walk("qr", "--screen", "--fault", fault)):
        assert result.exit_code == 2
        assert words in " ".join(result.stderr.split())


def test_the_help_lists_the_faults() -> None:
    told = "".join(one for one in walk("--help").stdout if one not in "│ \n")
    assert all(name in told for name in FAULTS)
