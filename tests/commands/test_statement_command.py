"""`evroam statement` against a home-CSP in another process; settlement itself is tested over the wire elsewhere."""

import pytest

from tests.admin.processes import Served, evroam, evroam_json


def test_there_is_nothing_to_settle_without_a_clearing_house(home: Served) -> None:
    at = ("--data", str(home.data))
    assert evroam_json("statement", "fetch", *at) == evroam_json("statement", "list", *at) == []
    assert "settled anything" in evroam("statement", "list", *at).stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", "no/such batch"), "There is no batch no/such batch of ours"),
        (("confirm", "unknown"), "evroam statement fetch"),
        (("dispute", "DE*KPF/unknown"), "Add --text"),
        (("dispute", "DE*KPF/unknown", "--text", "why"), "No clearing house has judged DE*KPF/unknown"),
        (("dispute", "DE*KPF/unknown", "--text", "\x1b[31m"), "cannot be kept"),
        (("dispute", "unknown", "--text", "why"), "names no SDR"),
        (("respond", "DE*KPF/unknown", "--offer", "-1"), "Write it like 12.50"),
    ],
)
def test_what_cannot_be_is_told(home: Served, arguments: tuple[str, ...], said: str) -> None:
    result = evroam("statement", *arguments, "--data", str(home.data))
    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.output and "\x1b" not in result.output
