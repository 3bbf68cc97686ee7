"""`evroam near`, as it is run."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.commands import app


def location(number: int, latitude: str, name: str, standard: str, power: int) -> dict:
    return {
        "country_code": "DE", "party_id": "ABC", "id": f"L{number}", "publish": True, "name": name,
        "address": f"Street {number}", "city": "Mannheim", "postal_code": "68159", "country": "DEU",
        "coordinates": {"latitude": latitude, "longitude": "8.466000"}, "operator": {"name": "Städtische Werke"},
        "time_zone": "Europe/Berlin", "last_updated": "2026-01-01T00:00:00Z",
        "evses": [{
            "uid": f"E{number}", "status": "AVAILABLE", "last_updated": "2026-01-01T00:00:00Z",
            "connectors": [{
                "id": "1", "standard": standard, "format": "SOCKET", "power_type": "AC_3_PHASE", "max_voltage": 230,
                "max_amperage": 32, "max_electric_power": power, "last_updated": "2026-01-01T00:00:00Z",
            }],
        }],
    }  # fmt: skip


SITES = [
    location(1, "49.487500", "Here", "IEC_62196_T2", 22_000),
    location(2, "49.497500", "\x1b]0;owned\x07北北北" + "x" * 60, "IEC_62196_T2_COMBO", 150_000),
    location(3, "49.587500", "Far", "IEC_62196_T2_COMBO", 50_000),
]


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """A data folder with three sites."""
    folder = tmp_path_factory.mktemp("near")
    path = folder / "sites.json"
    path.write_text(json.dumps(SITES))
    assert CliRunner().invoke(app, ["import", str(path), "--data", str(folder)]).exit_code == 0
    return folder


@pytest.fixture
def run(data):
    def call(*arguments: str):
        result = CliRunner().invoke(app, ["near", *arguments, "--data", str(data)])
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return call


def ids(result) -> list[str]:
    assert result.exit_code == 0, result.stderr
    return [one["id"] for one in json.loads(result.stdout)]


def test_near_as_json(run):
    rows = json.loads(run("49.4875,8.466", "--json").stdout)
    assert rows[0] == {
        "country_code": "DE", "party_id": "ABC", "id": "L1", "name": "Here", "address": "Street 1",
        "postal_code": "68159", "city": "Mannheim", "operator": "Städtische Werke", "latitude": 49.4875,
        "longitude": 8.466, "distance_m": 0.0, "evses": 1, "free": 0, "unknown": 1, "max_kw": 22.0,
        "connectors": ["IEC_62196_T2"], "roaming": False, "source": "import:sites.json",
    }  # fmt: skip
    # 0.01° and 0.1° of latitude: 6,371,008.8 m * pi / 180 = 111,195.080 m a degree
    assert [row["distance_m"] for row in rows] == pytest.approx([0, 1111.951, 11119.508], abs=0.01)


def test_filters(run):
    here = ("49.4875, 8.466", "--json")
    assert ids(run(*here, "--connector", "ccs")) == ["L2", "L3"]
    assert ids(run(*here, "--connector", "CCS", "--min-kw", "50.001")) == ["L2"]
    assert ids(run(*here, "--radius", "1.2")) == ["L1", "L2"]
    assert ids(run(*here, "--radius", "0")) == ["L1"]
    assert ids(run(*here, "--limit", "1")) == ["L1"]
    assert ids(run(*here, "--free")) == []  # said so months ago


def test_a_table_for_people_is_aligned_and_escaped(run):
    result = run("mannheim")
    title, heading, *rows = result.stdout.splitlines()
    assert title == "Near Mannheim, DE"
    assert len(rows) == 3
    assert "\x1b" not in result.stdout
    assert "\x07" not in result.stdout
    column = heading.index("place")
    for row in rows:
        shown = row.replace("北", "北 ")  # as wide as two letters
        assert shown[column:].startswith("68159 Mannheim")


def test_southern_latitudes_are_no_options(run):
    assert ids(run("-33.9,-151.2", "--json")) == ["L3", "L2", "L1"]


def test_what_cannot_be_used(run, tmp_path):
    for arguments, word in [
        (("91,0",), "globe"),
        (("Nowhereatall",), "known"),
        (("mannheim", "--connector", "plug"), "connector"),
        (("mannheim", "--min-kw", "nan"), "--min-kw"),
        (("mannheim", "--radius", "-1"), "--radius"),
        (("mannheim", "--limit", "0"), "limit"),
    ]:
        result = run(*arguments)
        assert result.exit_code == 2, arguments
        assert word in result.stderr
    empty = CliRunner().invoke(app, ["near", "mannheim", "--data", str(tmp_path)])
    assert (empty.exit_code, "evroam import" in empty.stderr) == (2, True)
    assert not list(tmp_path.iterdir())


def test_names_of_near_spelling(run):
    assert "Mannheim" in run("Manheim").stderr


def test_nothing_fits(run):
    assert "no site fits" in run("mannheim", "--min-kw", "400").stdout
