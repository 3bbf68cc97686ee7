"""A whole roaming network in one process: the embedded default (architecture, decision 4).

A home-CSP, visited-CSOs with simulated stations and a clearing house between some of them, on loopback over mutual TLS
1.3, each with a store of its own in the data folder. `Network.running` is for one's own event loop; `NetworkThread`
runs it beside Textual.
"""

import asyncio
import ssl
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import structlog
from sqlalchemy import select

from core.assembly import (
    MOBILITY_FOLDER,
    Installation,
    beside,
    clearing_house,
    following,
    front_end,
    home_csp,
    visited_cso,
)
from core.clearing_house.platform import ClearingHouse
from core.clock import Clock, DemoClock
from core.data_folder import CLEARING_HOUSE, HOME_CSP
from core.demo import DemoCard, DemoNetwork, DemoOperator, demo_network
from core.endpoint.endpoint import Endpoint
from core.endpoint.partner import Partner
from core.endpoint.serving import listen
from core.endpoint.tls import CertificateAuthority
from core.errors import EvroamError
from core.home_csp.context import Context as HomeContext
from core.home_csp.contracts import add_contract, block_contract, contracts
from core.home_csp.platform import HomeCsp
from core.home_csp.plug_and_charge import keep_certificate
from core.model.parties import PartyRole, PlatformRole
from core.model.sites import Status
from core.network_links import End, link, link_through, sign_between
from core.platform_memory import Memory
from core.simulation.faults import Faults
from core.simulation.mobility_pki import MobilityPki
from core.simulation.simulated_equipment import SimulatedEquipment
from core.simulation.state import Evse
from core.simulation.station import Drivers, simulate_site
from core.store.tables import site as site_table
from core.visited_cso.platform import VisitedCso

log = structlog.get_logger(__name__)

DEMO_DRIVERS = Drivers(auto_plug_after=8, auto_unplug_after=15 * 60)
"""In the demo, cars plug in by themselves and leave a quarter of an hour after charging has ended."""

LOOPBACK_HOST = "127.0.0.1"
_LOOK_EVERY_SECONDS = 0.5


class Via(StrEnum):
    """How a home-CSP and a visited-CSO reach one another: peer to peer, or through the clearing house (hub)."""

    P2P = "p2p"
    HUB = "hub"


def via_house(operator: DemoOperator, via: Via | None) -> bool:
    """Whether an operator is reached through the clearing house; None: as the demo says of it."""
    return operator.through_clearing_house if via is None else via is Via.HUB


@dataclass
class Member:
    """A visited-CSO of the network with its stations."""

    operator: DemoOperator
    platform: VisitedCso
    equipment: SimulatedEquipment


@dataclass
class Network:
    """The running network. `driver_url` and `driver_tls` are what a front end needs; `mobility` certifies vehicles."""

    home: HomeCsp
    members: tuple[Member, ...]
    clock: Clock
    driver_url: str
    driver_tls: ssl.SSLContext
    demo: DemoNetwork
    mobility: MobilityPki
    clearing_house: ClearingHouse | None = None
    via: Via | None = None

    def member(self, slug: str) -> Member:
        """A visited-CSO by the name of its files."""
        return next(one for one in self.members if one.operator.slug == slug)

    def is_reached_through_house(self, member: Member) -> bool:
        """Whether the home-CSP and this visited-CSO meet through the clearing house."""
        return self.clearing_house is not None and via_house(member.operator, self.via)

    def equipment_at(self, evse_uid: str) -> SimulatedEquipment:
        """The stations among which this EVSE is."""
        for one in self.members:
            if any(evse.uid == evse_uid for site in one.operator.sites() for evse in site.equipment):
                return one.equipment
        raise KeyError(evse_uid)

    def foreigners(self) -> list[Partner]:
        """Connected partners that are not of this network: they live on the wall clock."""
        own = {self.home.context.party, *(one.platform.context.party for one in self.members)}
        endpoints = [self.home.endpoint, *(one.platform.endpoint for one in self.members)]
        if self.clearing_house is not None:
            own.add(self.clearing_house.context.party)
            endpoints.append(self.clearing_house.endpoint)
        return [
            partner
            for endpoint in endpoints
            for partner in endpoint.partners.connected()
            if not any(partner.speaks_for(party) for party in own)
        ]

    async def keep_pace(self, clock: DemoClock, speed: float) -> None:
        """Let the demo clock run at `speed` while a car is at a station, so that nobody waits for it to charge.

        Else, and while a foreign partner is connected, it runs as fast as the wall clock: a price that holds for a
        quarter of an hour is to be read, and partners live on the wall clock.
        """
        while True:
            clock.run_at(speed if self.is_busy() and not self.foreigners() else 1.0)
            await asyncio.sleep(_LOOK_EVERY_SECONDS)

    def is_busy(self) -> bool:
        """Whether a car is at a station, or on its way to one."""
        return any(one.equipment.find(_has_car) is not None for one in self.members)

    @classmethod
    @asynccontextmanager
    async def running(
        cls,
        folder: Path,
        *,
        speed: float = 1.0,
        clock: Clock | None = None,
        drivers: Drivers = DEMO_DRIVERS,
        host: str = LOOPBACK_HOST,
        database: Callable[[str], str] | None = None,
        wire: str | None = None,
        via: Via | None = None,
    ) -> AsyncIterator["Network"]:
        """The embedded network over the stores in `folder`, made on first use, until the block is left.

        clock: moves stations, sessions and tariffs; by default a demo clock of this speed that goes on where it was
        left. database: the URL of a platform's store by the platform's name, by default a file in the folder.
        via: how every visited-CSO is reached; by default one directly and one through the clearing house.
        wire: the only version of OCPI that the platforms offer one another; by default they negotiate the highest.
        Raises EvroamError where a store cannot be opened, OSError where no port is free.
        """
        memory = Memory.load(folder / "network.json")
        demo = demo_network()
        async with AsyncExitStack() as stack:
            moving = clock or memory.demo_clock(speed)
            build = _Builder(folder, demo, moving, drivers, host, database, wire, memory, stack)
            members = tuple([await build.member(operator) for operator in demo.visited_csos])
            house = await build.clearing_house() if any(via_house(one, via) for one in demo.visited_csos) else None
            network = await build.home(members, house, via)
            await _seed(network)
            await _connect(network)
            await _agree(network)
            if isinstance(moving, DemoClock) and clock is None:
                await stack.enter_async_context(beside(memory.keep(moving)))
                await stack.enter_async_context(beside(network.keep_pace(moving, speed)))
            else:
                memory.save(moving.now())
            for one in members:
                await stack.enter_async_context(following(one.equipment))
            yield network


def _has_car(evse: Evse) -> bool:
    return evse.plugged is not None or evse.arrival is not None or evse.transaction is not None


@dataclass
class _Builder:
    folder: Path
    demo: DemoNetwork
    clock: Clock
    drivers: Drivers
    host: str
    database: Callable[[str], str] | None
    wire: str | None
    memory: Memory
    stack: AsyncExitStack
    authority: CertificateAuthority = field(init=False)

    def __post_init__(self) -> None:
        self.authority = CertificateAuthority.open(self.folder / "authority")

    async def member(self, operator: DemoOperator) -> Member:
        stations = [simulate_site(site, drivers=self.drivers) for site in operator.sites()]
        place = self._place(operator.slug, operator.role(PlatformRole.VISITED_CSO))
        running = await self.stack.enter_async_context(visited_cso(place, stations))
        return Member(operator, running.platform, running.equipment)

    async def clearing_house(self) -> ClearingHouse:
        place = self._place(CLEARING_HOUSE, self.demo.clearing_house.role(PlatformRole.CLEARING_HOUSE))
        return (await self.stack.enter_async_context(clearing_house(place))).platform

    async def home(self, members: tuple[Member, ...], house: ClearingHouse | None, via: Via | None) -> Network:
        demo = self.demo.home_csp
        place = self._place(HOME_CSP, demo.role(PlatformRole.HOME_CSP))
        driver_listener = self.memory.listen("driver-api", self.host)
        running = await self.stack.enter_async_context(home_csp(place, driver_listener, demo.price_lists()))
        return Network(
            home=running.platform,
            members=members,
            clock=self.clock,
            driver_url=running.driver_url,
            driver_tls=front_end(self.folder, self.authority).client_context(),
            demo=self.demo,
            mobility=MobilityPki.open(self.folder / MOBILITY_FOLDER, self.clock.now()),
            clearing_house=house,
            via=via,
        )

    def _place(self, name: str, role: PartyRole) -> Installation:
        return Installation(
            folder=self.folder,
            name=name,
            role=role,
            clock=self.clock,
            authority=self.authority,
            listener=self.memory.listen(name, self.host),
            admin_listener=listen(LOOPBACK_HOST),
            database=self.database and self.database(name),
            versions=(self.wire,) if self.wire else None,
        )


async def _seed(network: Network) -> None:
    """Publish what is not there yet, and make the demo driver's contract."""
    for member in network.members:
        context = member.platform.context
        with context.store.read() as connection:
            known = set(connection.execute(select(site_table.c.id)).scalars())
        sites = [site for site in member.operator.sites() if site.id not in known]
        if sites:
            await member.platform.publish(sites, member.operator.tariffs())
            for site in sites:
                for evse in site.equipment:
                    if evse.status is Status.OUTOFORDER:
                        await member.equipment.suffer(evse.uid, Faults(out_of_order=True))
    driver = network.demo.driver
    if not await contracts(network.home.context):
        await add_contract(
            network.home.context, driver.contract, driver_name=driver.name, pin=driver.pin, cards=driver.cards
        )
        now = network.home.context.clock.now()
        certificate = network.mobility.issue(driver.contract, now)
        await keep_certificate(network.home.context, driver.contract, certificate.chain)
        network.mobility.keep(certificate)
        for card in network.demo.cards:
            await _issue(network.home.context, card)


async def _issue(home: HomeContext, card: DemoCard) -> None:
    await add_contract(
        home,
        card.contract,
        driver_name=card.holder,
        cards=(card.uid,),
        whitelist=card.whitelist,
        valid_until=card.valid_until,
    )
    if card.revoked:
        await block_contract(home, card.contract)


async def _connect(network: Network) -> None:
    """Make the home-CSP and each visited-CSO partners, once, directly or through the clearing house."""
    demo, home = network.demo, network.home
    csp = End(home.endpoint, home.context.party, demo.home_csp.name)
    through: list[End] = []
    for member in network.members:
        cso = End(member.platform.endpoint, member.platform.context.party, member.operator.name)
        if network.is_reached_through_house(member):
            through.append(cso)
        elif (new := await link(csp, cso)) is not None:
            home.context.tasks.begin(home.synchronise(new))
    if network.clearing_house is not None:
        await link_through(network.clearing_house, csp, through)


async def _agree(network: Network) -> None:
    """Have the agreements signed: by each platform with the clearing house, then by the home-CSP and each operator."""
    home, house = network.home, network.clearing_house
    through = [one for one in network.members if network.is_reached_through_house(one)]
    if house is not None:
        platforms = [home.endpoint, *(one.platform.endpoint for one in through)]
        await asyncio.gather(*(_sign(one, house.endpoint) for one in platforms))
    await asyncio.gather(*(_agree_with(network, one) for one in network.members))


async def _agree_with(network: Network, member: Member) -> None:
    """Once signed, what passes the clearing house is reconciled there, and both sides hear of it."""
    home, visited = network.home, member.platform
    new = await _sign(home.endpoint, visited.endpoint)
    if new is not None and network.is_reached_through_house(member):
        home.context.tasks.begin(home.synchronise(new))
        await asyncio.gather(visited.reporting.round(), home.reporting.round())


async def _sign(one: Endpoint, other: Endpoint) -> Partner | None:
    try:
        return await sign_between(one, other)
    except EvroamError as error:
        log.warning("agreement_not_signed", party=str(other.roles[0].party), code=error.code, reason=error.message)
        return None


class NetworkThread:
    """Runs the embedded network in a thread of its own, so that the user interface never waits for it."""

    def __init__(self, folder: Path, *, speed: float = 1.0) -> None:
        self._folder = folder
        self._speed = speed
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._main, name="evroam-network", daemon=True)
        self.network: Network | None = None
        self.error: Exception | None = None

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def wait(self, timeout: float | None = None) -> Network:
        """The network once it stands. Raises what kept it from standing; TimeoutError where that takes longer."""
        if not self._ready.wait(timeout):
            raise TimeoutError("the network is not ready yet")
        if self.error is not None:
            raise self.error
        assert self.network is not None  # ready without an error
        return self.network

    def stop(self, timeout: float = 10.0) -> None:
        """End it and wait until everything is written."""
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(timeout)

    def _main(self) -> None:
        try:
            asyncio.run(self._run())
        except (EvroamError, OSError) as error:
            self.error = error
        finally:
            self._ready.set()

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with Network.running(self._folder, speed=self._speed) as network:
            self.network = network
            self._ready.set()
            await self._stop.wait()
