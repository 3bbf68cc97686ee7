"""`evroam partner` against a home-CSP in another process; with partners, see tests/admin and the serve command."""

import pytest

from tests.admin.processes import Served, evroam, evroam_json


@pytest.mark.parametrize("transport", ["mutual-tls", "server-tls"])
def test_an_invitation_tells_token_and_address(home: Served, transport: str) -> None:
    invited = evroam_json("partner", "invite", "Operator", "--transport", transport, "--data", str(home.data))
    assert invited["versions_url"] == home.addresses["versions_url"]
    assert len(invited["token"]) >= 43  # 256 bits in base 64
    assert invited["transport"] == transport
    shown = evroam("partner", "invite", "Operator", "--data", str(home.data))
    assert shown.exit_code == 0
    assert f"versions url: {invited['versions_url']}" in shown.stdout
    assert invited["token"] not in shown.stdout


def test_no_partners_yet(home: Served) -> None:
    assert evroam_json("partner", "list", "--data", str(home.data)) == []
    assert "evroam partner invite" in evroam("partner", "list", "--data", str(home.data)).stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("invite", " "), "cannot be the name"),
        (("invite", "x" * 101), "cannot be the name"),
        (("invite", "X", "--transport", "carrier-pigeon"), "carrier-pigeon"),
        (("connect", "http://127.0.0.1/ocpi/versions", "t"), "not an https address"),
        (("connect", "https://127.0.0.1:9/ocpi/versions", ""), "token is missing"),
        (("connect", "https://127.0.0.1:9/ocpi/versions", "t"), "evroam certificates export"),
        (("connect", "https://10.1.2.3/ocpi/versions", "t"), "--allow-network"),
        (("connect", "https://user@127.0.0.1/", "t"), "user name"),
        (("suspend", "Nobody"), "There is no partner"),
        (("pull", "Nobody"), "There is no partner"),
        (("resume", "DE*ABC"), "There is no partner"),
        (("remove", "../../status"), "There is no partner"),
    ],
)
def test_what_cannot_be_is_told(home: Served, arguments: tuple[str, ...], said: str) -> None:
    result = evroam("partner", *arguments, "--data", str(home.data))
    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.output


def test_a_token_can_come_from_the_standard_input(home: Served) -> None:
    result = evroam("partner", "connect", "https://127.0.0.1:9/", "-", "--data", str(home.data), input="secret\n")
    assert result.exit_code == 2
    assert "cannot be reached" in result.stderr
    assert "secret" not in result.output
