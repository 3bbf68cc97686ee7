"""Scenario 2: searched, read, reserved, arrived, over both topologies and both wires."""

import asyncio
from pathlib import Path

import pytest

from core.network import Via
from core.walks.navigation import NAVIGATION
from core.walks.running import walk_embedded
from core.walks.scenario import Verdict

ORDER = [
    ("authenticate", "UC1-1"),
    ("sites", "UC1-2"),
    ("tariffs", "UC2-1"),
    ("search", "A.2"),
    ("status", "UC1-3"),
    ("age", "UC1-3"),
    ("notice", "UC5-1"),
    ("identify", "5.6"),
    ("quote", "UC2-2"),
    ("reserve", "UC3-8"),
    ("arrive", "UC3-2"),
    ("active", "UC3-2"),
    ("progress", "UC3-6"),
    ("stop", "UC3-4"),
    ("complete", "UC3-5"),
    ("sdr", "UC3-9"),
    ("bill", "UC3-9"),
    ("resubmit", "UC3-9"),
    ("privacy", "5.4.3"),
]


@pytest.mark.parametrize(("via", "wire", "seed"), [(Via.P2P, "2.3.0", 0), (Via.HUB, "2.2.1", 1)])
def test_a_site_is_found_reserved_and_charged_at(tmp_path: Path, via: Via, wire: str, seed: int) -> None:
    walked = asyncio.run(walk_embedded(NAVIGATION, tmp_path, via=via, wire=wire, seed=seed)).walked
    assert walked.verdict is Verdict.PASS, walked.sentence
    assert [(one.name, one.use_case) for one in walked.steps] == ORDER
    assert f"OCPI {wire}" in walked.wire
    steps = {one.name: one for one in walked.steps}
    assert "PUT nlevr-servicenotices" in {one.kind for one in steps["notice"].messages}
    between = {one.through for one in walked.steps if one.name in {"notice", "reserve", "arrive"}}
    assert between == ({"clearing house"} if via is Via.HUB else {None})


def test_a_reservation_that_the_operator_refuses_is_told(tmp_path: Path) -> None:
    walked = asyncio.run(walk_embedded(NAVIGATION, tmp_path, fault="refused@reserve")).walked
    assert walked.failed_step == "reserve"
    assert walked.coped == (
        "Objects that still wait to be sent: none.",
        "The session is REJECTED at the home-CSP, unknown at the visited-CSO.",
        "The driver reads: The operator refused the reservation. Choose another time or another post.",
        "Nothing is billed so far.",
    ), "and nobody was to plug in for it: no cable can be held"
