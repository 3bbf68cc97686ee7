"""`evroam notice` against a visited-CSO in another process (UC5-1)."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.admin.processes import Served, evroam, evroam_json, served

SITE = {
    "country_code": "DE",
    "party_id": "XYZ",
    "id": "YARD",
    "publish": True,
    "address": "Hofstraße 1",
    "city": "Mannheim",
    "country": "DEU",
    "coordinates": {"latitude": "49.48000", "longitude": "8.47000"},
    "time_zone": "Europe/Berlin",
    "last_updated": "2026-01-01T00:00:00Z",
    "evses": [
        {
            "uid": "1",
            "evse_id": "DE*XYZ*E1",
            "status": "AVAILABLE",
            "last_updated": "2026-01-01T00:00:00Z",
            "connectors": [
                {
                    "id": "1",
                    "standard": "IEC_62196_T2",
                    "format": "SOCKET",
                    "power_type": "AC_3_PHASE",
                    "max_voltage": 230,
                    "max_amperage": 32,
                    "last_updated": "2026-01-01T00:00:00Z",
                }
            ],
        }
    ],
}


@pytest.fixture(scope="module")
def visited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    data: Path = tmp_path_factory.mktemp("visited")
    catalogue = data / "sites.json"
    catalogue.write_text(json.dumps([SITE]), "utf-8")
    options = ("--party", "DE*XYZ", "--catalogue", str(catalogue), "--price-per-kwh", "0.40", "--currency", "EUR")
    with served(data, "visited-cso", *options) as platform:
        yield platform


def test_an_outage_is_announced_changed_listed_and_ended(visited: Served) -> None:
    at = ("--data", str(visited.data))
    told = evroam_json(
        "notice", "post", "outage", "--site", "YARD", "--evse", "1", "--cause", "fault", "--text", "en=Broken", *at
    )
    assert (told["kind"], told["version"], told["evse_uids"]) == ("UNPLANNED_OUTAGE", 1, ["1"])
    assert told["reservations"] == "KEPT"
    until = ("--cancel-reservations", "--until", "2099-01-01T12:00Z")
    changed = evroam_json("notice", "post", "outage", "--site", "YARD", "--id", told["id"], *until, *at)
    assert (changed["version"], changed["expected_end"]) == (2, "2099-01-01T12:00:00Z")
    assert changed["reservations"] == "CANCELLED"
    listed = evroam("notice", "list", *at).stdout
    assert f"{told['id']}  version 2  unplanned outage  YARD" in listed and "until 2099-01-01 12:00 UTC" in listed
    assert evroam_json("notice", "end", told["id"], *at)["kind"] == "RESTORED"
    assert "Nothing is announced" in evroam("notice", "list", *at).stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("post", "party", "--site", "YARD"), "maintenance, outage, restriction"),
        (("post", "outage", "--site", "NOWHERE"), "no such site"),
        (("post", "outage", "--site", "YARD", "--evse", "9"), "no such EVSE"),
        (("post", "outage", "--site", "YARD", "--evse", "1", "--connector", "9"), "no such connector"),
        (("post", "outage", "--evse", "1"), "together with its site"),
        (("post", "outage", "--site", "YARD", "--until", "2001-01-01T00:00Z"), "ends after it begins"),
        (("post", "outage", "--site", "YARD", "--text", "broken"), "language"),
        (("end", "nothing"), "no such notice"),
        (("end", "\x1b[31m"), "nothing of this id"),
    ],
)
def test_what_cannot_be_is_told(visited: Served, arguments: tuple[str, ...], said: str) -> None:
    result = evroam("notice", *arguments, "--data", str(visited.data))
    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.output and "\x1b" not in result.output
