"""`evroam sdr` against a home-CSP in another process; verdicts and corrections are tested over the wire elsewhere."""

import pytest

from tests.admin.processes import Served, evroam, evroam_json


def test_there_is_nothing_to_judge_where_nothing_was_charged(home: Served) -> None:
    at = ("--data", str(home.data))
    assert evroam_json("sdr", "list", *at) == []
    assert "no service detail records" in evroam("sdr", "list", *at).stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("accept", "DE*KPF/unknown"), "There is no such SDR"),
        (("accept", "unknown"), "names no SDR"),
        (("reject", "DE*KPF/unknown"), "D13 price differs from its tariff"),
        (("reject", "DE*KPF/unknown", "--code", "D13"), "There is no such SDR"),
        (("accept", "DE*KPF/unknown", "--note", "\x1b[31m"), "cannot be kept"),
    ],
)
def test_what_cannot_be_is_told(home: Served, arguments: tuple[str, ...], said: str) -> None:
    result = evroam("sdr", *arguments, "--data", str(home.data))
    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.output and "\x1b" not in result.output
