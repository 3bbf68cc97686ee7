"""Platforms served one by one: a home-CSP, a visited-CSO with simulated stations or a clearing house."""

import ipaddress
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from core.assembly import Installation, beside, checked_public_url, clearing_house, following, home_csp, visited_cso
from core.data_folder import CLEARING_HOUSE, HOME_CSP
from core.endpoint.tls import CertificateAuthority
from core.errors import InvalidInput
from core.http import Network
from core.model.parties import PartyRole, PlatformRole
from core.model.sites import Site
from core.model.tariffs import Tariff
from core.platform_memory import Memory
from core.running_platforms import refuse_second
from core.simulation.station import Drivers, simulate_site
from core.visited_cso.declaring import declare

DRIVERS = Drivers(auto_plug_after=8, auto_unplug_after=15 * 60)
"""At simulated stations, a car plugs in by itself after a remote start and leaves when it is done."""


@dataclass(frozen=True)
class Serving:
    """How one platform is served.

    Ports None: the one it had before, at first a free one; 0: a free one. database: URL of its store, by default a
    SQLite file in the folder. public_url: where partners reach it, needed where `host` is no address of its own.
    networks: private networks where partners may be. wire: the only version of OCPI that it offers, by
    default all. speed: seconds of its clock a second.
    """

    folder: Path
    role: PartyRole
    host: str = "127.0.0.1"
    port: int | None = None
    admin_host: str = "127.0.0.1"
    admin_port: int | None = None
    public_url: str | None = None
    database: str | None = None
    networks: Sequence[Network] = ()
    server_tls: bool = False
    wire: str | None = None
    speed: float = 1.0

    @property
    def name(self) -> str:
        """The name of its files in the data folder; of a visited-CSO, as there may be several, such as `de-mvv`."""
        party = self.role.party
        own = f"{party.country_code}-{party.party_id}".lower()
        return {PlatformRole.HOME_CSP: HOME_CSP, PlatformRole.CLEARING_HOUSE: CLEARING_HOUSE}.get(self.role.role, own)


class Addresses(BaseModel):
    """Where a platform in service is reached."""

    model_config = ConfigDict(frozen=True)

    platform: str
    party: str
    versions_url: str
    driver_url: str | None = None
    admin_url: str
    sites: int | None = None


def networks_named(texts: Sequence[str]) -> tuple[Network, ...]:
    """Networks written as CIDR. Raises InvalidInput."""
    try:
        return tuple(ipaddress.ip_network(text, strict=False) for text in texts)
    except ValueError as error:
        raise InvalidInput(
            f"--allow-network: {error}.", code="network", next_step="Write a network like 10.20.0.0/16 or fd00::/8."
        ) from error


@asynccontextmanager
async def serve_home_csp(serving: Serving, driver_port: int | None = None) -> AsyncIterator[Addresses]:
    """Run a home-CSP until the block is left. Raises InvalidInput (port_taken, ...), Refused, StoreError."""
    async with _installed(serving) as (place, memory):
        driver_listener = memory.listen_at("driver-api", serving.host, driver_port)
        async with home_csp(place, driver_listener, {}) as running, beside(memory.keep(place.clock)):
            yield Addresses(
                platform=place.name,
                party=str(serving.role.party),
                versions_url=running.platform.endpoint.versions_url,
                driver_url=running.driver_url,
                admin_url=running.admin_url,
            )


@asynccontextmanager
async def serve_visited_cso(
    serving: Serving, sites: Sequence[Site], tariffs: Sequence[Tariff]
) -> AsyncIterator[Addresses]:
    """Run a visited-CSO with these sites, their stations simulated, until the block is left. Raises as the other."""
    async with _installed(serving) as (place, memory):
        stations = [simulate_site(site, drivers=DRIVERS) for site in sites]
        async with visited_cso(place, stations) as running, beside(memory.keep(place.clock)):
            await declare(running.platform, sites, tariffs)
            async with following(running.equipment):
                yield Addresses(
                    platform=place.name,
                    party=str(serving.role.party),
                    versions_url=running.platform.endpoint.versions_url,
                    admin_url=running.admin_url,
                    sites=len(sites),
                )


@asynccontextmanager
async def serve_clearing_house(serving: Serving) -> AsyncIterator[Addresses]:
    """Run a clearing house until the block is left. Raises as `serve_home_csp`."""
    async with (
        _installed(serving) as (place, memory),
        clearing_house(place) as running,
        beside(memory.keep(place.clock)),
    ):
        yield Addresses(
            platform=place.name,
            party=str(serving.role.party),
            versions_url=running.platform.endpoint.versions_url,
            admin_url=running.admin_url,
        )


@asynccontextmanager
async def _installed(serving: Serving) -> AsyncIterator[tuple[Installation, Memory]]:
    name = serving.name
    refuse_second(serving.folder, name)
    public_url = None if serving.public_url is None else checked_public_url(serving.public_url)
    memory = Memory.load(serving.folder / f"{name}.json")
    with (
        memory.listen_at(name, serving.host, serving.port) as listener,
        memory.listen_at("admin-api", serving.admin_host, serving.admin_port) as admin_listener,
    ):
        if public_url is None and ipaddress.ip_address(listener.getsockname()[0]).is_unspecified:
            raise InvalidInput(
                f"Listening at every address ({serving.host}), the platform cannot tell partners where it is.",
                code="public_url",
                next_step="Add --public-url with the address by which partners reach it.",
            )
        place = Installation(
            folder=serving.folder,
            name=name,
            role=serving.role,
            clock=memory.clock(serving.speed),
            authority=CertificateAuthority.open(serving.folder / "authority"),
            listener=listener,
            admin_listener=admin_listener,
            database=serving.database,
            public_url=public_url,
            networks=serving.networks,
            server_tls=serving.server_tls,
            versions=(serving.wire,) if serving.wire else None,
        )
        yield place, memory
