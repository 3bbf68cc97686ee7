"""`evroam import`, as it is run."""

import gzip
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.commands import app


@pytest.fixture
def run(tmp_path):
    """Run `evroam import` on a file with this content, into one data folder."""

    def call(content: bytes | str, *arguments: str):
        path = tmp_path / "sites.json"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        result = CliRunner().invoke(app, ["import", str(path), "--data", str(tmp_path / "data"), *arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return call


@pytest.fixture
def locations(shared_data: Path) -> list:
    content = gzip.decompress((shared_data / "bnetza_2019" / "locations.json.gz").read_bytes())
    return json.loads(content)[:30]


def test_import_and_again(run, locations, tmp_path):
    first = run(json.dumps(locations), "--json")
    assert first.exit_code == 0
    evses = sum(len(one["evses"]) for one in locations)
    assert json.loads(first.stdout) == {
        "sites": 30, "evses": evses, "added": 30, "changed": 0, "unchanged": 0, "older": 0, "under_agreement": 0,
        "refused": 0, "refusals": [], "broken": None,
    }  # fmt: skip
    assert (tmp_path / "data" / "home-csp.sqlite").is_file()
    again = run(gzip.compress(json.dumps({"data": locations}).encode()))
    assert (again.exit_code, "30 unchanged" in again.stdout) == (0, True)


def test_bad_records_are_told_with_number_and_reason(run, locations):
    result = run(json.dumps([locations[0], {"id": "\x1b[31m"}, locations[1]]))
    assert result.exit_code == 1
    assert "2 sites" in result.stdout
    assert "record 1: " in result.stdout
    assert "\x1b" not in result.stdout + result.stderr


def test_a_broken_file_keeps_what_was_whole(run, locations):
    result = run(json.dumps(locations)[:-10], "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["added"] == 29
    assert "29 records before that place were whole" in result.stderr


def test_what_is_no_file_of_sites(run, tmp_path):
    assert run("hello").exit_code == 2
    missing = CliRunner().invoke(app, ["import", str(tmp_path / "no"), "--data", str(tmp_path)])
    assert missing.exit_code == 2
    assert "cannot be read" in missing.stderr


def test_the_data_folder_of_the_environment(run, locations, tmp_path, monkeypatch):
    monkeypatch.setenv("EVROAM_DATA", str(tmp_path / "elsewhere"))
    path = tmp_path / "one.json"
    path.write_text(json.dumps(locations[:1]))
    assert CliRunner().invoke(app, ["import", str(path)]).exit_code == 0
    assert (tmp_path / "elsewhere" / "home-csp.sqlite").is_file()
    blocked = CliRunner().invoke(app, ["import", str(path), "--data", str(path)])
    assert (blocked.exit_code, "cannot be used" in blocked.stderr) == (2, True)
