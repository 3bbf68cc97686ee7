"""One platform put together from where it is installed: store, identity, role, admin API, and the file that names it.

The embedded network (`core.network`) and a platform that is served by itself are made of the same parts.
"""

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Collection, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from starlette.routing import Route

from core.clearing_house.admin_api import clearing_routes
from core.clearing_house.platform import ClearingHouse
from core.clearing_house.switch_admin import switch_routes
from core.clock import Clock
from core.data_folder import store_url
from core.endpoint.admin_api import Administered, serve_admin_api
from core.endpoint.contract_certificates import TrustAnchors
from core.endpoint.endpoint import Endpoint
from core.endpoint.newcomers import Pull, welcome
from core.endpoint.serving import url_of
from core.endpoint.statement_desk import statement_routes
from core.endpoint.tls import LOOPBACK_HOSTS, CertificateAuthority, Identity
from core.errors import InvalidInput
from core.home_csp import cable_unlock_desk, sdr_desk
from core.home_csp.admin_api import contract_routes
from core.home_csp.platform import HomeCsp
from core.http import Network
from core.model.parties import PartyRole
from core.model.price_list import PriceList
from core.running_platforms import announced, refuse_second, secret_of
from core.simulation.kept_state import KeptState
from core.simulation.mobility_pki import anchors_in
from core.simulation.simulated_equipment import SimulatedEquipment
from core.simulation.station import SiteSpec
from core.store.engine import Store
from core.tasks import Tasks
from core.visited_cso.admin_api import visited_routes
from core.visited_cso.platform import VisitedCso

_TICK_SECONDS = 0.5

MOBILITY_FOLDER = "mobility"
"""Of the data folder: roots and revocation lists of plug and charge."""


@dataclass(frozen=True)
class Installation:
    """Where one platform keeps its things and how it is reached.

    name: of its files in the data folder. database: the URL of its store, a SQLite file in the folder by default.
    public_url: where partners reach it if not at the address of `listener`. networks, server_tls and versions: as
    `Endpoint`.
    The listeners are sockets of `serving.listen`; they are closed with the platform.
    """

    folder: Path
    name: str
    role: PartyRole
    clock: Clock
    authority: CertificateAuthority
    listener: socket.socket
    admin_listener: socket.socket
    database: str | None = None
    public_url: str | None = None
    networks: Sequence[Network] = ()
    server_tls: bool = False
    versions: Collection[str] | None = None

    @property
    def base_url(self) -> str:
        """Where partners reach it, without a path."""
        return self.public_url or url_of(self.listener)

    @property
    def store_url(self) -> str:
        """The URL of its store."""
        return self.database or store_url(self.folder, self.name)

    def url_of(self, listener: socket.socket) -> str:
        """The base URL of another port of the platform, at the host by which it is known."""
        if self.public_url is None:
            return url_of(listener)
        host = urlsplit(self.public_url).hostname or ""
        return f"https://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"

    def identity(self) -> Identity:
        """Its identity, naming party, role and every host by which it is reached."""
        hosts = [*LOOPBACK_HOSTS, *(urlsplit(url).hostname or "" for url in (self.base_url, self._admin_url()))]
        folder = self.folder / "identities" / self.name
        return self.authority.identity(folder, (self.role,), tuple(dict.fromkeys(hosts)))

    def mobility_anchors(self) -> TrustAnchors:
        """What contract certificates of vehicles have to lead to; nothing unless the folder has a mobility PKI."""
        return anchors_in(self.folder / MOBILITY_FOLDER)

    def _admin_url(self) -> str:
        return admin_url(self.admin_listener)


@dataclass(frozen=True)
class HomeCspInService:
    """A home-CSP that runs, and where front ends and its administrator reach it."""

    platform: HomeCsp
    driver_url: str
    admin_url: str


@dataclass(frozen=True)
class VisitedCsoInService:
    """A visited-CSO that runs, its simulated stations, and where its administrator reaches it."""

    platform: VisitedCso
    equipment: SimulatedEquipment
    admin_url: str


@dataclass(frozen=True)
class ClearingHouseInService:
    """A clearing house that runs, and where its administrator reaches it."""

    platform: ClearingHouse
    admin_url: str


@asynccontextmanager
async def home_csp(
    place: Installation, driver_listener: socket.socket, price_lists: Mapping[str, PriceList]
) -> AsyncIterator[HomeCspInService]:
    """Run a home-CSP until the block is left. Raises Refused where it runs already, StoreError."""
    async with _store(place) as store:
        identity = place.identity()
        platform = HomeCsp(
            role=place.role,
            store=store,
            clock=place.clock,
            identity=identity,
            public_url=place.base_url,
            price_lists=price_lists,
            networks=place.networks,
            server_tls=place.server_tls,
            versions=place.versions,
            anchors=place.mobility_anchors,
        )
        context = platform.context
        async with (
            platform.running(place.listener, driver_listener),
            _administered(
                place,
                store,
                identity,
                platform.endpoint,
                context.tasks,
                platform.synchronise,
                [
                    *contract_routes(context),
                    *cable_unlock_desk.admin_routes(context, platform.unlocks),
                    *sdr_desk.admin_routes(context),
                    *statement_routes(platform.reporting, store),
                ],
            ) as reached_at,
        ):
            yield HomeCspInService(platform, place.url_of(driver_listener), reached_at)


@asynccontextmanager
async def visited_cso(place: Installation, stations: Sequence[SiteSpec]) -> AsyncIterator[VisitedCsoInService]:
    """Run a visited-CSO until the block is left; its stations stand still until `following`. Raises as `home_csp`."""
    async with _store(place) as store:
        identity = place.identity()
        equipment = SimulatedEquipment(stations, place.clock, KeptState(store))
        platform = VisitedCso(
            role=place.role,
            store=store,
            clock=place.clock,
            identity=identity,
            public_url=place.base_url,
            equipment=equipment,
            networks=place.networks,
            server_tls=place.server_tls,
            versions=place.versions,
            anchors=place.mobility_anchors,
        )
        endpoint = platform.endpoint
        await equipment.resume()  # before anybody commands it
        async with (
            platform.running(place.listener),
            _administered(
                place,
                store,
                identity,
                endpoint,
                platform.context.tasks,
                lambda one: endpoint.synchronisation.pull(one),
                [*visited_routes(platform.context), *statement_routes(platform.reporting, store)],
            ) as reached_at,
        ):
            yield VisitedCsoInService(platform, equipment, reached_at)


@asynccontextmanager
async def clearing_house(place: Installation) -> AsyncIterator[ClearingHouseInService]:
    """Run a clearing house until the block is left. Raises as `home_csp`."""
    async with _store(place) as store:
        identity = place.identity()
        platform = ClearingHouse(
            role=place.role,
            store=store,
            clock=place.clock,
            identity=identity,
            public_url=place.base_url,
            networks=place.networks,
            server_tls=place.server_tls,
            versions=place.versions,
        )
        endpoint, tasks = platform.endpoint, platform.context.tasks
        async with (
            platform.running(place.listener),
            _administered(
                place,
                store,
                identity,
                endpoint,
                tasks,
                lambda one: endpoint.synchronisation.pull(one),
                [*switch_routes(platform), *clearing_routes(platform.clearing)],
            ) as reached_at,
        ):
            yield ClearingHouseInService(platform, reached_at)


@asynccontextmanager
async def following(equipment: SimulatedEquipment) -> AsyncIterator[None]:
    """Let the stations follow their clock until the block is left."""
    async with beside(equipment.run(_TICK_SECONDS)):
        yield


@asynccontextmanager
async def beside(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Run something beside the block and cancel it after."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def front_end(folder: Path, authority: CertificateAuthority) -> Identity:
    """The identity of a front end of this data folder's home-CSP: it names no party."""
    return authority.identity(folder / "identities" / "front-end", ())


def checked_public_url(text: str) -> str:
    """A URL by which partners reach a platform: https, a host, no path. Raises InvalidInput."""
    try:
        parts = urlsplit(text)
        usable = parts.scheme == "https" and bool(parts.hostname) and (parts.port or 443) > 0
    except ValueError:
        parts, usable = urlsplit(""), False
    if not usable or parts.path.strip("/") or parts.query or parts.fragment or parts.username or parts.password:
        raise InvalidInput(
            f"“{text[:200]}” is not a public URL.",
            code="public_url",
            next_step="Write the address by which partners reach this platform, like https://roaming.example.com:8443.",
        )
    return text.rstrip("/")


def admin_url(listener: socket.socket) -> str:
    """Where an administrator on this machine reaches a port, also one that listens on every address."""
    url = url_of(listener)
    host = urlsplit(url).hostname or ""
    if not ipaddress.ip_address(host).is_unspecified:
        return url
    return f"https://{'[::1]' if ':' in host else '127.0.0.1'}:{listener.getsockname()[1]}"


@asynccontextmanager
async def _store(place: Installation) -> AsyncIterator[Store]:
    refuse_second(place.folder, place.name)
    store = await Store.open(place.store_url)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def _administered(
    place: Installation,
    store: Store,
    identity: Identity,
    endpoint: Endpoint,
    tasks: Tasks,
    pull: Pull,
    routes: Sequence[Route] = (),
) -> AsyncIterator[str]:
    administered = Administered(
        name=place.name,
        role=place.role,
        endpoint=endpoint,
        store=store,
        database=place.store_url,
        clock=place.clock,
        identity=identity,
        secret=secret_of(place.folder, place.name),
    )
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(beside(welcome(store, endpoint.partners, tasks, pull)))
        await stack.enter_async_context(serve_admin_api(administered, place.admin_listener, routes))
        running = stack.enter_context(announced(place.folder, place.name, admin_url(place.admin_listener)))
        yield running.admin_url
