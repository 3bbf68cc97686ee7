"""Import: nothing is lost, nothing is done twice, one bad record costs no other."""

import asyncio
import gzip
import json
import tracemalloc
from pathlib import Path

import pytest
from sqlalchemy import func, select

from core.catalogue.importing import import_sites
from core.catalogue.location_files import BrokenFile, LocationFile
from core.catalogue.writing import Outcome
from core.endpoint.ocpi.v2_2_1.sites import LOCATION
from core.endpoint.stored import Reader
from core.store.engine import Store
from core.store.tables import connector, evse, site
from core.store.wire_text import version_of
from tests.catalogue.sites import make_site, put

pytestmark = pytest.mark.anyio


@pytest.fixture
def location(shared_data: Path) -> dict:
    """A Location of the specification's examples."""
    examples = shared_data / "ocpi_examples" / "2.2.1" / "locations"
    return json.loads((examples / "06_location_example.json").read_text(encoding="utf-8"))


def as_file(folder: Path, records: list, name: str = "sites.json") -> Path:
    path = folder / name
    path.write_text("[" + ",\n".join(one if isinstance(one, str) else json.dumps(one) for one in records) + "]")
    return path


def changed(location: dict, **members) -> dict:
    return {**location, **members}


def test_the_real_sites_are_all_there_verbatim(real_file, real_import, real_sites):
    report = real_import[1]
    assert (report.sites, report.outcomes[Outcome.ADDED], report.evses) == (8490, 8490, 19_028)
    assert (report.refused, report.broken) == (0, None)
    assert [real_sites.scalar(select(func.count()).select_from(table)) for table in (site, evse)] == [8490, 19_028]
    source = json.loads(gzip.decompress(real_file.read_bytes()))
    assert real_sites.scalar(select(func.count()).select_from(connector)) == sum(
        len(one["connectors"]) for record in source for one in record["evses"]
    )
    stored = real_sites.execute(select(site.c.country_code, site.c.party_id, site.c.id, site.c.body)).all()
    bodies = {(country, party, key): json.loads(body) for country, party, key, body in stored}
    assert bodies == {(one["country_code"], one["party_id"], one["id"]): one for one in source}


def test_every_real_site_reads_back_from_its_stored_text(real_sites):
    for key, body in real_sites.execute(select(site.c.id, site.c.body).order_by(site.c.id).limit(300)):
        held = LOCATION.read(body)
        assert (held.value.id, held.body) == (key, body)


async def test_importing_again_changes_nothing(store, tmp_path, location):
    path = as_file(tmp_path, [changed(location, id=f"L{number}") for number in range(600)])
    first, second = await import_sites(store, path), await import_sites(store, path)
    assert first.outcomes == {Outcome.ADDED: 600}
    assert second.outcomes == {Outcome.UNCHANGED: 600}
    assert second.evses == 600 * len(location["evses"])


async def test_a_location_of_2_3_0_is_known_by_what_only_that_version_has(store, tmp_path, location):
    """MCS, a parking place and a telephone for help came with 2.3.0; both kinds of records may stand in one file."""
    megawatt = json.loads(json.dumps(changed(location, id="MCS")))
    megawatt["evses"][0]["connectors"][0]["standard"] = "MCS"
    place = {
        "id": "P1",
        "vehicle_types": ["TRUCK_WITH_TRAILER"],
        "restricted_to_type": True,
        "reservation_required": False,
    }
    parked = changed(location, id="PARKED", parking_places=[place])
    report = await import_sites(
        store, as_file(tmp_path, [location, megawatt, changed(location, id="HELP", help_phone="112"), parked])
    )
    assert (report.outcomes, report.refused) == ({Outcome.ADDED: 4}, 0)
    with store.read() as connection:
        bodies = dict(connection.execute(select(site.c.id, site.c.body)).all())
    versions = {id: version_of(body) for id, body in bodies.items()}
    assert versions == {location["id"]: "2.2.1", "MCS": "2.3.0", "HELP": "2.3.0", "PARKED": "2.3.0"}
    [kept] = Reader().site(bodies["PARKED"]).parking_places
    assert kept.vehicle_types == ("TRUCK_WITH_TRAILER",)


async def test_newer_changes_and_older_does_not(store, tmp_path, location):
    def file(moment: str, city: str) -> Path:
        return as_file(tmp_path, [changed(location, last_updated=moment, city=city)])

    def city() -> str:
        with store.read() as connection:
            return connection.scalar(select(site.c.city))

    await import_sites(store, file("2026-01-02T00:00:00Z", "Second"))
    assert (await import_sites(store, file("2026-01-01T00:00:00Z", "First"))).outcomes == {Outcome.OLDER: 1}
    assert city() == "Second"
    assert (await import_sites(store, file("2026-01-03T00:00:00Z", "Third"))).outcomes == {Outcome.CHANGED: 1}
    assert city() == "Third"


async def test_the_last_of_two_records_of_one_site_counts(store, tmp_path, location):
    records = [changed(location, last_updated=f"2026-01-0{day}T00:00:00Z", city=f"Day {day}") for day in (1, 3, 2)]
    report = await import_sites(store, as_file(tmp_path, records))
    assert report.outcomes == {Outcome.ADDED: 1, Outcome.CHANGED: 1, Outcome.OLDER: 1}
    with store.read() as connection:
        assert connection.scalars(select(site.c.city)).all() == ["Day 3"]


async def test_a_site_known_from_a_partner_is_left_as_it_is(store, tmp_path, location):
    key = {"country_code": "DE", "party_id": "ABC", "id": "S1"}
    await put(store, make_site("S1"), partner_id="partner")
    report = await import_sites(
        store, as_file(tmp_path, [changed(location, **key, last_updated="2030-01-01T00:00:00Z")])
    )
    assert report.outcomes == {Outcome.UNDER_AGREEMENT: 1}
    with store.read() as connection:
        assert connection.execute(select(site.c.partner_id, site.c.source)).one() == ("partner", "test")


async def test_bad_records_are_told_and_the_rest_goes_in(store, tmp_path, location):
    twice = changed(location, id="TWICE", evses=[location["evses"][0]] * 2)
    too_strong = json.loads(json.dumps(changed(location, id="STRONG")))
    too_strong["evses"][0]["connectors"][0]["max_electric_power"] = 2**80
    records = [
        changed(location, id="GOOD1"),
        "17",
        {"id": "only"},
        changed(location, id="OFF", coordinates={"latitude": "91.000000", "longitude": "4.0"}),
        '{"id": "\\ud800"}',
        '{"broken": nope}',
        twice,
        too_strong,
        changed(location, id="X" * 37),
        changed(location, id="ZONE", time_zone="X" * 65),
        changed(location, id="GOOD2"),
    ]
    path = as_file(tmp_path, records)
    path.write_bytes(path.read_bytes()[:-1] + b',{"name":"\xff"}]')
    report = await import_sites(store, path)
    assert report.outcomes == {Outcome.ADDED: 2}
    assert [one.index for one in report.refusals] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 11]
    assert all(one.reason for one in report.refusals)
    reasons = {one.index: one.reason for one in report.refusals}
    assert "country_code" in reasons[2]
    assert "latitude" in reasons[3]
    assert "twice" in reasons[6]
    with store.read() as connection:
        assert connection.scalars(select(site.c.id).order_by(site.c.id)).all() == ["GOOD1", "GOOD2"]


async def test_of_a_cut_off_file_what_was_whole_is_kept(store, tmp_path, real_file):
    path = tmp_path / "cut.json.gz"
    path.write_bytes(real_file.read_bytes()[:20_000])
    whole = 0
    with pytest.raises(BrokenFile):
        for _ in LocationFile(path):
            whole += 1
    report = await import_sites(store, path)
    assert report.sites == whole > 100
    assert report.broken is not None
    assert f"{whole} records before" in report.broken.message
    with store.read() as connection:
        assert connection.scalar(select(func.count()).select_from(site)) == whole


async def test_import_beside_a_running_platform(store_url, tmp_path, location):
    path = as_file(tmp_path, [changed(location, id=f"L{number}") for number in range(600)])
    running, importing = await Store.open(store_url), await Store.open(store_url)
    report, *_ = await asyncio.gather(
        import_sites(importing, path), *(put(running, make_site(f"S{number}")) for number in range(20))
    )
    await importing.close()
    assert report.sites == 600
    with running.read() as connection:
        assert connection.scalar(select(func.count()).select_from(site)) == 620
    await running.close()


def test_memory_does_not_grow_with_the_file(tmp_path):
    path = tmp_path / "file.gz"
    path.write_bytes(gzip.compress(b"[" + b",".join([b'{"id":"' + b"x" * 2000 + b'"}'] * 5000) + b"]"))
    tracemalloc.start()
    count = sum(1 for _ in LocationFile(path))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 5000
    assert peak < 3_000_000  # of ten million characters
