"""`evroam scan`: verdict, exit code, and input that cannot be used."""

import gzip
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app.commands import app as evroam

TRUST = {
    "templates": [
        {
            "template": "https://qr.mycsms.example/{station}/{evse}/{totp}?v=v1",
            "one_time_password": {"length": 8, "secret": "mysharedsecret"},
            "stations": {"CS-1": {"1": "DE*GEF*E12345678*1"}},
        }
    ]
}


def scan(*arguments: str) -> Result:
    return CliRunner().invoke(evroam, ["scan", *arguments])


def test_a_trusted_code_exits_with_0() -> None:
    result = scan("https://m.intercharge.eu/qr?evseid=de%2aabc%2ae123%2a1", "--no-catalogue", "--json")
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    assert (answer["verdict"], answer["evse_id"], answer["code"]) == ("trusted", "DE*ABC*E123*1", None)
    assert answer["host"]["trusted"] is True


def test_a_refused_code_exits_with_3() -> None:
    result = scan("https://evil.example/?evseid=DE*ABC*E123*1", "--no-catalogue", "--json")
    assert result.exit_code == 3
    answer = json.loads(result.stdout)
    assert (answer["verdict"], answer["evse_id"], answer["code"]) == ("refused", None, "untrusted_host")
    assert answer["reason"]


def test_a_person_reads_the_host_and_what_to_do() -> None:
    result = scan("https://m.intercharge.eu.pay-ev.example/", "--no-catalogue")
    assert "refused: untrusted_host" in result.stdout
    assert "m.intercharge.eu.pay-ev.example (not trusted, imitating m.intercharge.eu)" in result.stdout
    assert "report the sticker" in result.stdout


@pytest.mark.parametrize(
    "moment", ["1700000000", "2023-11-14T22:13:20Z", "2023-11-14T23:13:20+01:00", "2023-11-14T22:13:20"]
)
def test_a_dynamic_code_is_judged_at_the_given_moment(tmp_path: Path, moment: str) -> None:
    trust = tmp_path / "trust.json"
    trust.write_text(json.dumps(TRUST), encoding="utf-8")
    arguments = ("https://qr.mycsms.example/CS-1/1/Mrc351Gu?v=v1", "--no-catalogue", "--trust", str(trust), "--json")
    answer = json.loads(scan(*arguments, "--at", moment).stdout)
    assert (answer["evse_id"], answer["one_time_password"]) == ("DE*GEF*E12345678*1", "verified")
    later = scan(*arguments, "--at", "1700000060")
    assert (later.exit_code, json.loads(later.stdout)["code"]) == (3, "invalid_totp")


def test_a_payload_may_begin_with_hyphens() -> None:
    result = scan("-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----", "--no-catalogue", "--json")
    assert json.loads(result.stdout)["code"] == "meter_public_key"


def test_nothing_of_an_escape_sequence_is_echoed() -> None:
    result = scan("\x1b]0;pwned\x07DE*ABC*E123*1", "--no-catalogue")
    assert result.exit_code == 3
    assert "\x1b" not in result.output and "pwned" not in result.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["DE*ABC*E1", "--no-catalogue", "--at", "noon"], "noon is not a moment"),
        (["DE*ABC*E1", "--no-catalogue", "--at", "9" * 30], "is not a moment"),
        (["DE*ABC*E1", "--no-catalogue", "--trust", "/nowhere/trust.json"], "No such file"),
    ],
)
def test_unusable_options_are_named(arguments: list[str], words: str) -> None:
    result = scan(*arguments)
    assert result.exit_code == 2
    assert words in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff", b'{"hosts": [{"host": "a b", "id_in": "query"}]}'])
def test_a_broken_trust_file_is_named(tmp_path: Path, content: bytes) -> None:
    trust = tmp_path / "trust.json"
    trust.write_bytes(content)
    result = scan("DE*ABC*E1", "--no-catalogue", "--trust", str(trust))
    assert result.exit_code == 2
    assert "trust file" in result.stderr


def test_an_id_is_looked_up_in_the_imported_catalogue(tmp_path: Path, shared_data: Path) -> None:
    with gzip.open(shared_data / "bnetza_2019" / "locations.json.gz") as file:
        known = json.load(file)[0]
    (tmp_path / "one.json").write_text(json.dumps([known]), "utf-8")
    data = ["--data", str(tmp_path / "data")]
    runner = CliRunner()
    assert runner.invoke(evroam, ["import", str(tmp_path / "one.json"), *data]).exit_code == 0
    found = runner.invoke(evroam, ["scan", known["evses"][0]["evse_id"].replace("*", ""), *data, "--json"])
    assert (found.exit_code, json.loads(found.stdout)["verdict"]) == (0, "trusted")
    unknown = runner.invoke(evroam, ["scan", "DE*MVV*E999999*9", *data, "--json"])
    assert (unknown.exit_code, json.loads(unknown.stdout)["code"]) == (3, "unknown_evse")
