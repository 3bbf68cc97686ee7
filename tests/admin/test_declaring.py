"""A visited-CSO declares its sites from files, and again after each start."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from core.assembly import Installation, VisitedCsoInService, following, visited_cso
from core.clock import FixedClock
from core.endpoint.serving import listen
from core.endpoint.tls import CertificateAuthority
from core.model.parties import Party, PartyRole, PlatformRole
from core.model.sites import Capability, Site, Status
from core.model.tariffs import Tariff
from core.simulation.faults import Faults
from core.simulation.station import simulate_site
from core.visited_cso.declaring import PER_KWH, declare, price_per_kwh, read_sites
from core.visited_cso.sites import load_site
from core.visited_cso.tariffs import load_tariffs

pytestmark = pytest.mark.anyio

PARTY = Party.parse("DE*MVV")
ROLE = PartyRole(role=PlatformRole.VISITED_CSO, party=PARTY, name="MVV")


@pytest.fixture(scope="module")
def sites(shared_data: Path) -> tuple[Site, ...]:
    return read_sites(shared_data / "bnetza_2019" / "locations.json.gz", PARTY).sites


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 3, 2, 10, tzinfo=UTC))


@asynccontextmanager
async def in_service(folder: Path, clock: FixedClock, sites: tuple[Site, ...]) -> AsyncIterator[VisitedCsoInService]:
    place = Installation(
        folder=folder,
        name="de-mvv",
        role=ROLE,
        clock=clock,
        authority=CertificateAuthority.open(folder / "authority"),
        listener=listen(),
        admin_listener=listen(),
    )
    async with visited_cso(place, [simulate_site(site) for site in sites]) as running:
        yield running


def tariff(price: str, clock: FixedClock) -> Tariff:
    return price_per_kwh(PARTY, Decimal(price), "EUR", None, clock.now())


def site_of(running: VisitedCsoInService, id: str) -> Site:
    context = running.platform.context
    with context.store.read() as connection:
        found = load_site(connection, context, id)
    assert found is not None
    return found


def test_the_sites_of_one_party_are_read_out_of_a_national_file(sites: tuple[Site, ...]) -> None:
    assert len(sites) == 28  # counted in the file
    assert {(site.country_code, site.party_id) for site in sites} == {("DE", "MVV")}


def test_a_party_that_only_looks_alike_is_another(tmp_path: Path, sites: tuple[Site, ...], shared_data: Path) -> None:
    record = {
        "country_code": "AT", "party_id": "mvv", "id": "L1", "publish": True, "address": "Weg 1", "city": "Ort",
        "country": "AUT", "coordinates": {"latitude": "48", "longitude": "16"}, "time_zone": "Europe/Vienna",
        "last_updated": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    (tmp_path / "sites.json").write_text(json.dumps([record, {**record, "country_code": "de"}]))
    assert [site.id for site in read_sites(tmp_path / "sites.json", PARTY).sites] == ["L1"]


async def test_every_connector_has_the_tariff_and_every_station_is_available(
    tmp_path: Path, clock: FixedClock, sites: tuple[Site, ...]
) -> None:
    async with in_service(tmp_path, clock, sites) as running:
        assert await declare(running.platform, sites, [tariff("0.49", clock)]) == 28
        for site in sites:
            now = site_of(running, site.id)
            assert (now.address, now.point, now.last_updated) == (site.address, site.point, clock.now())
            for one in now.equipment:
                assert (one.status, one.can(Capability.REMOTE_START_STOP_CAPABLE)) == (Status.AVAILABLE, True)
                assert {connector.tariff_ids for connector in one.connectors} == {(PER_KWH,)}


async def test_only_what_changed_is_told_again(tmp_path: Path, clock: FixedClock, sites: tuple[Site, ...]) -> None:
    first_declared = clock.now()
    async with in_service(tmp_path, clock, sites) as running:
        await declare(running.platform, sites, [tariff("0.49", clock)])
        async with following(running.equipment):
            broken = sites[0].equipment[0].uid
            await running.equipment.suffer(broken, Faults(out_of_order=True))
    clock.advance(3600)
    renamed = sites[1].model_copy(update={"name": "Renamed"})
    async with in_service(tmp_path, clock, sites) as running:
        # The first is as it was but for its station, the second renamed, the third gone from the file.
        assert await declare(running.platform, (sites[0], renamed, *sites[3:]), [tariff("0.59", clock)]) == 2
        kept, changed, gone, untouched = (site_of(running, site.id) for site in sites[:4])
        assert kept.equipment[0].status is Status.OUTOFORDER
        assert (changed.name, changed.last_updated) == ("Renamed", clock.now())
        assert {one.status for one in gone.equipment} == {Status.REMOVED}
        assert untouched.last_updated == first_declared
        context = running.platform.context
        with context.store.read() as connection:
            (priced,) = load_tariffs(connection, context, (PER_KWH,), clock.now())
        assert priced.elements[0].components[0].price == Decimal("0.59")
    clock.advance(3600)
    async with in_service(tmp_path, clock, sites) as running:
        assert await declare(running.platform, sites, [tariff("0.59", clock)]) == 2  # the name and the one that is back
        assert {one.status for one in site_of(running, sites[2].id).equipment} == {Status.AVAILABLE}


async def test_the_certificate_names_every_host_by_which_it_is_reached(tmp_path: Path, clock: FixedClock) -> None:
    place = Installation(
        folder=tmp_path,
        name="x",
        role=ROLE,
        clock=clock,
        authority=CertificateAuthority.open(tmp_path / "authority"),
        listener=listen(),
        admin_listener=listen(),
        public_url="https://[2001:db8::7]:8443",
    )
    with place.listener, place.admin_listener:
        issued = place.identity().certificate.read_bytes()
        assert place.identity().certificate.read_bytes() == issued  # not anew at each start
        moved = replace(place, public_url="https://roaming.example.com")
        assert moved.identity().certificate.read_bytes() != issued
