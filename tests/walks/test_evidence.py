"""The evidence pack: what is in it, what is not, and that it never overwrites another."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from core.demo import demo_network
from core.errors import InvalidInput
from core.walks.evidence import FILES, evidence_folder, junit, summary, write_evidence
from core.walks.provenance import UNPACKAGED, program_commit
from core.walks.report import UnwalkedStep, Walked, as_lines
from core.walks.running import Walk
from core.walks.scenario import Verdict


@pytest.fixture
def pack(undisturbed: Walk, tmp_path: Path) -> Path:
    folder = evidence_folder(tmp_path / "new" / "pack")
    write_evidence(folder, undisturbed)
    return folder


@pytest.fixture
def failed(undisturbed: Walk) -> Walked:
    """The walk as if the refusal of a stop had ended it; the reason holds what a terminal or a table must not obey."""
    walked = undisturbed.walked
    reason = "expected a, found <b>|\x1b[31m\n`c`"
    stop = walked.steps[10].model_copy(update={"verdict": Verdict.FAIL, "reason": reason, "actual": reason})
    left = tuple(UnwalkedStep(name=one.name, use_case=one.use_case, what=one.what) for one in walked.steps[11:])
    return walked.model_copy(
        update={
            "verdict": Verdict.FAIL, "failed_step": "stop", "steps": (*walked.steps[:10], stop), "not_run": left,
        }
    )  # fmt: skip


def test_it_has_its_four_files(pack: Path) -> None:
    assert {one.name for one in pack.iterdir()} == set(FILES)


def test_the_summary_says_how_it_went_and_with_what(pack: Path, undisturbed: Walk) -> None:
    text, walked = (pack / "summary.md").read_text("utf-8"), undisturbed.walked
    assert text.startswith("# ✓ pass: Peer-to-peer roaming by QR code scanning\n\nAll 16 steps passed.")
    for fact in ("OCPI 2.3.0 over HTTPS, mutual TLS 1.3", walked.version, walked.commit, f"{walked.started_at:%H:%M}"):
        assert fact in text
    assert text.count("✓ pass") == 17
    assert "POST /ocpi/2.3.0/receiver/commands/START\\_SESSION" in text


def test_steps_are_the_document_of_the_command(pack: Path) -> None:
    document = json.loads((pack / "steps.json").read_text("utf-8"))
    assert document["wire"] == "OCPI 2.3.0 over HTTPS, mutual TLS 1.3"
    assert {"scenario", "version", "commit", "seed", "started_at", "verdict", "failed_step"} <= document.keys()
    for one in document["steps"]:
        assert {"use_case", "what", "from", "to", "expected", "actual", "verdict", "messages"} <= one.keys()
        assert one["actual"] and one["expected"]


def test_the_messages_of_all_platforms_are_there_and_name_nobody(pack: Path) -> None:
    text = (pack / "messages.jsonl").read_text("utf-8")
    rows = [json.loads(line) for line in text.splitlines()]
    assert {row["platform"] for row in rows} == {"home-CSP NL*EVR", "visited-CSO DE*KPF", "visited-CSO CH*ALP"}
    assert any("START_SESSION" in row["path"] and '"uid":"***"' in (row["request_body"] or "") for row in rows)
    driver = demo_network().driver
    for secret in (*driver.cards, driver.contract, driver.contract.replace("-", "")[:-1], f'"{driver.pin}"'):
        assert not any(secret in (pack / name).read_text("utf-8") for name in FILES)


def test_junit_has_a_case_a_step(pack: Path, failed: Walked) -> None:
    suite = ElementTree.fromstring((pack / "junit.xml").read_text("utf-8"))
    assert (suite.attrib["tests"], suite.attrib["failures"], suite.attrib["skipped"]) == ("16", "0", "0")
    assert len(suite.findall("testcase")) == 16
    suite = ElementTree.fromstring(junit(failed))
    assert (suite.attrib["tests"], suite.attrib["failures"], suite.attrib["skipped"]) == ("16", "1", "5")
    broken = [case for case in suite.findall("testcase") if case.find("failure") is not None]
    assert [case.attrib["name"] for case in broken] == ["stop: The driver stops"]
    assert len(suite.findall("testcase/skipped")) == 5


def test_a_failed_walk_names_its_step_and_what_was_not_run(failed: Walked) -> None:
    text = summary(failed)
    assert "Step 11 of 16, stop (UC3-4), failed: expected a, found" in text
    assert (text.count("✗ fail"), text.count("· not run")) == (2, 5)
    assert "\x1b" not in text and "<b>" not in text
    table = next(line for line in text.splitlines() if line.startswith("| 11 |"))
    assert table.replace("\\|", "").count("|") == 7


def test_the_table_for_people_is_aligned_and_says_verdicts_by_shape_and_word(failed: Walked) -> None:
    lines = as_lines(failed)
    rows = [line for line in lines if line.startswith(("✓", "✗", "·"))]
    assert [row.split("  ")[0].strip() for row in rows] == ["✓ pass"] * 10 + ["✗ fail"] + ["· not run"] * 5
    starts = {row.index(step.use_case) for row, step in zip(rows, failed.steps, strict=False)}
    assert len(starts) == 1
    assert "\x1b" not in "".join(lines)


def test_a_second_pack_gets_a_number_of_its_own(undisturbed: Walk, pack: Path) -> None:
    before = {name: (pack / name).read_bytes() for name in FILES}
    for number in ("2", "3"):
        folder = evidence_folder(pack)
        assert folder == pack / number
        write_evidence(folder, undisturbed)
    assert before == {name: (pack / name).read_bytes() for name in FILES}


def test_a_folder_of_others_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("keep me")
    with pytest.raises(InvalidInput) as refused:
        evidence_folder(tmp_path)
    assert refused.value.next_step
    assert [one.name for one in tmp_path.iterdir()] == ["letter.txt"]
    with pytest.raises(InvalidInput):
        evidence_folder(tmp_path / "letter.txt")


def test_the_commit_is_known_in_a_work_tree_only(tmp_path: Path) -> None:
    assert program_commit(tmp_path) == UNPACKAGED
    (tmp_path / ".git").mkdir()
    assert program_commit(tmp_path) == UNPACKAGED
