"""`evroam contract` against a home-CSP in another process."""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.simulation.mobility_pki import MobilityPki
from tests.admin.processes import Served, evroam, evroam_json


def test_a_contract_is_added_changed_listed_and_blocked(home: Served) -> None:
    at = ("--data", str(home.data))
    added = evroam_json(
        "contract", "add", "nl-xyz-c12345678", "--name", "Ada", "--pin", "2468", "--card", "04:A2:B3:C4", *at
    )
    assert (added["id"], added["driver_name"], added["status"]) == ("NL-XYZ-C12345678", "Ada", "active")
    assert added["cards"] == ["…B3C4"]
    again = evroam_json("contract", "add", added["id"], "--name", "Ada L", "--card", "DEADBEEF", *at)
    assert (again["driver_name"], again["cards"]) == ("Ada L", ["…B3C4", "…BEEF"])
    assert added["id"] in [one["id"] for one in evroam_json("contract", "list", *at)]
    assert evroam_json("contract", "block", added["id"], *at)["status"] == "blocked"
    shown = evroam("contract", "list", *at)
    assert f"{added['id']}: blocked, Ada L, cards …B3C4 …BEEF" in shown.stdout


def test_cards_have_a_policy_codes_are_typed_and_a_contract_ends(home: Served) -> None:
    at = ("--data", str(home.data))
    id = "NL-XYZ-C55555555"
    cards, last_day = ("--card", "04A2B3C5", "--whitelist", "NEVER"), ("--valid-until", "2099-12-31")
    added = evroam_json("contract", "add", id, *cards, "--code", "koffie12", *last_day, *at)
    assert (added["cards"], added["valid_until"]) == (["…B3C5"], "2100-01-01T00:00:00Z")
    with sqlite3.connect(home.data / "home-csp.sqlite") as store:
        kept = store.execute("select uid, kind, whitelist from credential where contract_id = ?", ["NLXYZC55555555"])
        assert {("04A2B3C5", "RFID", "NEVER"), ("KOFFIE12", "OTHER", "NEVER")} < set(kept)
    assert f"{id}: active until 2099-12-31, cards …B3C5" in evroam("contract", "list", *at).stdout
    blocked = evroam_json("contract", "block", id, "--no-credit", *at)
    assert (blocked["status"], blocked["valid_until"]) == ("no_credit", "2100-01-01T00:00:00Z")
    taken = evroam("contract", "add", "NL-XYZ-C66666666", "--code", "KOFFIE12", *at)
    assert (taken.exit_code, "This code is taken" in taken.stderr) == (2, True)
    assert "NL-XYZ-C66666666" not in evroam("contract", "list", *at).stdout  # nothing half-written


def test_a_vehicle_is_certified_and_no_longer(home: Served, tmp_path: Path) -> None:
    at = ("--data", str(home.data))
    added = evroam_json("contract", "add", "NL-XYZ-C77777777", *at)
    pki = MobilityPki.open(tmp_path / "pki", datetime.now(UTC))
    chain = tmp_path / "chain.pem"
    chain.write_text("".join(pki.issue(added["id"], datetime.now(UTC)).chain), "ascii")
    kept = evroam_json("contract", "certify", added["id"], str(chain), *at)
    assert kept["revoked_at"] is None and kept["contract_id"] in added["id"].replace("-", "")
    assert "not of NL-XYZ" in evroam("contract", "certify", "NL-XYZ-C12345678", str(chain), *at).stderr
    assert evroam_json("contract", "uncertify", kept["fingerprint"], *at)["revoked_at"] is not None
    assert "no such contract certificate" in evroam("contract", "uncertify", "0000", *at).stderr
    chain.write_text("nothing", "ascii")
    assert "cannot be read" in evroam("contract", "certify", added["id"], str(chain), *at).stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "NL-XYZ"), "NL-XYZ"),
        (("add", "DE-ABC-C12345678"), "not a contract of NL*XYZ"),
        (("add", "NL-XYZ-C12345678", "--pin", "12"), "4 to 12 digits"),
        (("add", "NL-XYZ-C12345678", "--card", "xyz"), "xyz"),
        (("add", "NL-XYZ-C12345678", "--name", "\x1b[31m"), "driver's name"),
        (("add", "NL-XYZ-C12345678", "--card", "04A2B3C4", "--whitelist", "MAYBE"), "MAYBE"),
        (("add", "NL-XYZ-C12345678", "--whitelist", "NEVER"), "none is named"),
        (("add", "NL-XYZ-C12345678", "--code", "12345"), "6 to 36 letters and digits"),
        (("add", "NL-XYZ-C12345678", "--valid-until", "31.12.2099"), "31.12.2099"),
        (("add", "NL-XYZ-C12345678", "--valid-until", "9999-12-31"), "9999"),
        (("add", "NL-XYZ-C12345678", "--valid-until", "2020-01-01"), "cannot end in the past"),
        (("block", "NL-XYZ-C99999999"), "There is no contract"),
        (("block", "NL-XYZ-C99999999", "--no-credit"), "There is no contract"),
        (("list", "--platform", "visited"), "is not running"),
    ],
)
def test_what_cannot_be_is_told(home: Served, arguments: tuple[str, ...], said: str) -> None:
    result = evroam("contract", *arguments, "--data", str(home.data))
    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.output and "\x1b" not in result.output


def test_without_a_running_platform_nothing_is_written(tmp_path) -> None:
    result = evroam("contract", "add", "NL-XYZ-C12345678", "--data", str(tmp_path))
    assert result.exit_code == 2
    assert "running" in result.stderr and "evroam serve home-csp" in result.stderr
    assert not list(tmp_path.glob("*.sqlite"))
