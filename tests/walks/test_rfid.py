"""Scenario 3: cards unknown, revoked, decided by the list and asked about, over both topologies and both wires."""

import asyncio
from pathlib import Path

import pytest

from core.network import Via
from core.walks.rfid import RFID
from core.walks.running import walk_embedded
from core.walks.scenario import StepResult, Verdict

ORDER = [
    ("authenticate", "UC1-1"),
    ("sites", "UC1-2"),
    ("tariffs", "UC2-1"),
    ("cards", "UC4-2"),
    ("unknown", "UC4-1"),
    ("revoked", "UC4-2"),
    ("offline", "UC4-2"),
    ("identify", "5.6"),
    ("tap", "UC3-1"),
    ("active", "UC3-2"),
    ("progress", "UC3-6"),
    ("stop", "UC3-1"),
    ("complete", "UC3-5"),
    ("sdr", "UC3-9"),
    ("bill", "UC3-9"),
    ("resubmit", "UC3-9"),
    ("privacy", "5.4.3"),
]


@pytest.mark.parametrize(("via", "wire"), [(Via.P2P, "2.3.0"), (Via.HUB, "2.2.1")])
def test_cards_start_or_not_as_they_should(tmp_path: Path, via: Via, wire: str) -> None:
    walked = asyncio.run(walk_embedded(RFID, tmp_path, via=via, wire=wire)).walked
    assert walked.verdict is Verdict.PASS, walked.sentence
    assert [(one.name, one.use_case) for one in walked.steps] == ORDER
    assert f"OCPI {wire}" in walked.wire
    steps = {one.name: one for one in walked.steps}
    # Asked about and unknown: 404 as OCPI's tokens module says; the home-CSP away: no answer that could be used.
    assert {404} <= http(steps["unknown"])
    assert {503} <= http(steps["offline"]) or {502} <= http(steps["offline"])
    assert 404 not in http(steps["tap"])


def http(step: StepResult) -> set[int | None]:
    return {one.http_status for one in step.messages}


def test_a_refused_question_stops_the_walk_at_the_tap(tmp_path: Path) -> None:
    walked = asyncio.run(walk_embedded(RFID, tmp_path, fault="5xx@tap")).walked
    assert walked.failed_step == "tap"
    assert "the post shows “no_answer”" in walked.sentence
    assert walked.coped == ("Objects that still wait to be sent: none.",)
