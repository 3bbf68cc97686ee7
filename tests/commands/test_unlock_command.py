"""`evroam unlock` against a home-CSP in another process; what a release does is tested over the wire elsewhere."""

import pytest

from tests.admin.processes import Served, evroam, evroam_json


def test_the_desk_is_empty_where_nobody_has_asked(home: Served) -> None:
    at = ("--data", str(home.data))
    assert evroam_json("unlock", "list", *at) == []
    assert "Nobody has asked" in evroam("unlock", "list", *at).stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("release", "unknown", "--driver-known", "--place-safe"), "There is no such request"),
        (("release", "unknown"), "before the driver is known and the place is safe"),
        (("refuse", "unknown"), "There is no such request"),
        (("refuse", "unknown", "--agent", "\x1b[31m"), "who decides"),
        (("refuse", "unknown", "--note", "\x1b[31m"), "kept as a reason"),
        (("refuse", "\x1b[31m"), "nothing of this id"),
    ],
)
def test_what_cannot_be_is_told(home: Served, arguments: tuple[str, ...], said: str) -> None:
    result = evroam("unlock", *arguments, "--data", str(home.data))
    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.output and "\x1b" not in result.output
