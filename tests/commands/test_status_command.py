"""`evroam status` of platforms in other processes."""

from pathlib import Path

from core.store.migrations import HEAD
from tests.admin.processes import Served, evroam, evroam_json


def test_a_platform_tells_how_it_is(home: Served) -> None:
    (status,) = evroam_json("status", "--data", str(home.data))
    assert status["platform"] == "home-csp"
    assert status["role"] == {
        "role": "home-CSP",
        "party": {"country_code": "NL", "party_id": "XYZ"},
        "name": "Home X",
    }
    assert status["healthy"] is True
    assert status["pid"] == home.process.pid
    assert status["versions_url"] == home.addresses["versions_url"]
    assert status["store"] == {
        "place": f"sqlite:///{home.data}/home-csp.sqlite",
        "schema_revision": HEAD,
        "problem": None,
    }
    shown = evroam("status", "--data", str(home.data), "--platform", "home-csp")
    assert shown.exit_code == 0
    assert f"healthy, running since {status['started_at'][:10]}" in shown.stdout


def test_no_platform_runs(tmp_path: Path) -> None:
    result = evroam("status", "--data", str(tmp_path))
    assert result.exit_code == 2
    assert "No platform is running" in result.stderr


def test_a_file_that_a_crash_left_is_not_believed(tmp_path: Path, home: Served) -> None:
    left = (home.data / "administration" / "home-csp.json").read_text()
    (tmp_path / "administration").mkdir()
    # Port 9 (discard) is closed here, the process is there: and the other way round.
    for stale in (
        left.replace(home.addresses["admin_url"], "https://127.0.0.1:9"),
        left.replace(f'"pid":{home.process.pid}', '"pid":2147483647'),
        "{",
    ):
        (tmp_path / "administration" / "home-csp.json").write_text(stale)
        assert evroam("status", "--data", str(tmp_path)).exit_code == 2


def test_another_folders_secret_opens_nothing(tmp_path: Path, home: Served) -> None:
    (tmp_path / "administration").mkdir()
    (tmp_path / "administration" / "home-csp.json").write_text(
        (home.data / "administration" / "home-csp.json").read_text()
    )
    result = evroam("status", "--data", str(tmp_path))
    assert result.exit_code == 2
    assert "cannot be reached" in result.stderr  # its certificate is not of this folder's authority
