"""A network whose platforms can be stopped and started one by one, on clocks of their own."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Generic, TypeVar

from core.assembly import (
    MOBILITY_FOLDER,
    ClearingHouseInService,
    HomeCspInService,
    Installation,
    VisitedCsoInService,
    clearing_house,
    front_end,
    home_csp,
    visited_cso,
)
from core.clock import FixedClock
from core.data_folder import CLEARING_HOUSE, HOME_CSP
from core.demo import demo_network
from core.driver_client import DriverClient
from core.driver_messages import Login, PinIdentification
from core.endpoint.serving import listen
from core.endpoint.tls import CertificateAuthority
from core.model.parties import PartyRole, PlatformRole
from core.network import DEMO_DRIVERS, LOOPBACK_HOST, Member, Network
from core.platform_memory import Memory
from core.simulation.mobility_pki import MobilityPki
from core.simulation.station import simulate_site

T = TypeVar("T")

NEXT_CENTURY = datetime(2099, 3, 2, 10, 0, tzinfo=UTC)
"""A Monday after every wall clock: what a partner is asked for at first begins a day before the wall clock's now."""


class Platform(Generic[T]):
    """A platform that is up or down."""

    def __init__(self, run: Callable[[], AbstractAsyncContextManager[T]]) -> None:
        self._run = run
        self._stack = AsyncExitStack()

    async def start(self) -> T:
        """Bring it up, as after its program was started again."""
        return await self._stack.enter_async_context(self._run())

    async def stop(self) -> None:
        """Take it down; nobody answers at its port."""
        await self._stack.aclose()


class Ground:
    """The demo network over a data folder in which it has run once; each platform has a clock that stands still."""

    def __init__(self, folder: Path, behind: timedelta) -> None:
        self._folder = folder
        self._memory = Memory.load(folder / "network.json")
        self._authority = CertificateAuthority.open(folder / "authority")
        self._login: Login | None = None
        self.demo = demo_network()
        self.home_clock = FixedClock(NEXT_CENTURY)
        self.visited_clock = FixedClock(NEXT_CENTURY - behind)
        self.home: Platform[HomeCspInService] = Platform(self._home)
        self.house: Platform[ClearingHouseInService] = Platform(self._house)
        self.operators: dict[str, Platform[VisitedCsoInService]] = {
            one.slug: Platform(lambda slug=one.slug: self._operator(slug))  # type: ignore[misc]  # a default as a closure
            for one in self.demo.visited_csos
        }
        self.network: Network

    async def start(self) -> Network:
        """Bring all up; the network as tests know it, its clock the home-CSP's."""
        self._house_up = await self.house.start()
        members = tuple([await self.start_operator(one.slug) for one in self.demo.visited_csos])
        await self.start_home(members)
        return self.network

    async def start_home(self, members: tuple[Member, ...] | None = None) -> None:
        """Bring the home-CSP up (again)."""
        home = await self.home.start()
        self.network = Network(
            home=home.platform,
            members=members or self.network.members,
            clock=self.home_clock,
            driver_url=home.driver_url,
            driver_tls=front_end(self._folder, self._authority).client_context(),
            demo=self.demo,
            mobility=MobilityPki.open(self._folder / MOBILITY_FOLDER, self.home_clock.now()),
            clearing_house=self._house_up.platform,
        )

    async def start_operator(self, slug: str) -> Member:
        """Bring a visited-CSO up (again), its stations where physics has brought them meanwhile."""
        operator = next(one for one in self.demo.visited_csos if one.slug == slug)
        running = await self.operators[slug].start()
        new = Member(operator, running.platform, running.equipment)
        if hasattr(self, "network"):
            others = [one for one in self.network.members if one.operator.slug != slug]
            self.network.members = (*others, new)
        return new

    async def stop(self) -> None:
        """Take all down."""
        for platform in (self.home, *self.operators.values(), self.house):
            await platform.stop()

    async def advance(self, **time: float) -> None:
        """Let time pass for everybody, minute by minute; stations of a platform that is down live on unseen."""
        left = timedelta(**time)
        while left > timedelta():
            step = min(left, timedelta(minutes=1))
            left -= step
            self.home_clock.moment += step
            self.visited_clock.moment += step
            for member in self.network.members:
                await member.equipment.advance_to(self.visited_clock.moment)

    async def driver(self) -> DriverClient:
        """A front end of the demo driver."""
        client = DriverClient(self.network.driver_url, self.network.driver_tls)
        if self._login is None:
            demo = self.demo.driver
            self._login = await client.identify(PinIdentification(contract_id=demo.contract, pin=demo.pin))
        client.resume(self._login)
        return client

    def _home(self) -> AbstractAsyncContextManager[HomeCspInService]:
        demo = self.demo.home_csp
        place = self._place(HOME_CSP, demo.role(PlatformRole.HOME_CSP), self.home_clock)
        return home_csp(place, self._memory.listen("driver-api", LOOPBACK_HOST), demo.price_lists())

    def _house(self) -> AbstractAsyncContextManager[ClearingHouseInService]:
        role = self.demo.clearing_house.role(PlatformRole.CLEARING_HOUSE)
        return clearing_house(self._place(CLEARING_HOUSE, role, self.home_clock))

    def _operator(self, slug: str) -> AbstractAsyncContextManager[VisitedCsoInService]:
        operator = next(one for one in self.demo.visited_csos if one.slug == slug)
        stations = [simulate_site(site, drivers=DEMO_DRIVERS) for site in operator.sites()]
        return visited_cso(self._place(slug, operator.role(PlatformRole.VISITED_CSO), self.visited_clock), stations)

    def _place(self, name: str, role: PartyRole, clock: FixedClock) -> Installation:
        return Installation(
            folder=self._folder,
            name=name,
            role=role,
            clock=clock,
            authority=self._authority,
            listener=self._memory.listen(name, LOOPBACK_HOST),
            admin_listener=listen(LOOPBACK_HOST),
        )


@asynccontextmanager
async def ground_in(folder: Path, *, behind: timedelta = timedelta()) -> AsyncIterator[Ground]:
    """A ground that is up; `behind`: how far the clock of the visited-CSOs lies behind the home-CSP's."""
    ground = Ground(folder, behind)
    try:
        await ground.start()
        for partner in ground.network.home.context.visited_csos():
            await ground.network.home.synchronise(partner)
        yield ground
    finally:
        await ground.stop()
