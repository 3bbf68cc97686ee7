"""What the checks stand on: one embedded network with its demo driver identified, and posts used in turn.

A check may break stations and begin sessions; `tidy` mends and ends them, and says what it could not end.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from sqlalchemy import update

from core.clock import FixedClock
from core.driver_client import DriverClient
from core.driver_messages import Need, PinIdentification, QuoteRequest, QuoteView, SessionView, SiteQuery
from core.endpoint.agreement import Agreement
from core.endpoint.endpoint import Endpoint
from core.endpoint.partner import Partner
from core.endpoint.partners import Partners
from core.errors import EvroamError, NotFound
from core.home_csp.contracts import app_credential
from core.model.credentials import Credential
from core.model.identifiers import ContractId
from core.model.parties import ObjectKey
from core.model.session import ENDED, ServiceSession, SessionState
from core.network import Member, Network, Via
from core.simulation.faults import NO_FAULTS, Faults
from core.simulation.simulated_equipment import SimulatedEquipment
from core.simulation.station import Drivers
from core.simulation.typical_cars import typical_cars
from core.store.sessions import load, load_open
from core.store.tables import partner
from core.walks.ground import STARTS_AT, Ground, logs_of
from core.walks.messages import WireMessage

T = TypeVar("T")

_MINUTE = timedelta(minutes=1)
_ARRIVES_AT_PERCENT = 20
_PATIENCE_SECONDS = 15.0
_MINUTES_UNTIL_AN_UNUSED_START_ENDS = 4


@dataclass(frozen=True)
class Post:
    """One EVSE, the connector used, and whose it is."""

    site: ObjectKey
    evse_uid: str
    connector_id: str
    cable_is_fixed: bool
    member: Member

    @property
    def equipment(self) -> SimulatedEquipment:
        """The operator's stations."""
        return self.member.equipment


@dataclass
class Bench:
    """The network, its clock, and the demo driver's front end."""

    network: Network
    ground: Ground
    clock: FixedClock
    driver: DriverClient
    folder: Path
    posts: tuple[Post, ...] = ()
    _turn: int = 0
    _used: dict[str, Post] = field(default_factory=dict)
    _contracts: int = 0
    _settled_at: datetime | None = None

    # -- who there is

    @property
    def home(self) -> Endpoint:
        """The home-CSP's endpoint."""
        return self.network.home.endpoint

    def visited(self, member: Member) -> Partner:
        """A visited-CSO as the home-CSP knows it. Raises NotFound."""
        return _speaking(self.home, member.platform.endpoint, member)

    def home_at(self, member: Member) -> Partner:
        """The home-CSP as a visited-CSO knows it. Raises NotFound."""
        party = self.network.home.context.party
        found = member.platform.endpoint.partners.speaking_for(party)
        if found is None:
            raise NotFound(f"{member.operator.name} is not connected with the home-CSP.", code="not_connected")
        return found

    def other(self, member: Member) -> Member:
        """Another visited-CSO than this one."""
        return next(one for one in self.network.members if one is not member)

    def credential(self) -> Credential:
        """The demo driver's credential for the app."""
        context = self.network.home.context
        with context.store.read() as connection:
            found = app_credential(connection, context, ContractId.parse(self.network.demo.driver.contract).key)
        if found is None:
            raise NotFound("The demo driver has no credential.", code="no_credential")
        return found

    def new_contract(self) -> tuple[str, str]:
        """The id of a contract that is not there yet, and a card for it."""
        self._contracts += 1
        party = self.network.home.context.party
        number = self._contracts
        return f"{party.country_code}-{party.party_id}-C{7_000_000 + number:08d}", f"04C0FFEE{number:06X}"

    @asynccontextmanager
    async def agreed(self, member: Member, *, only_at_home: bool = False, **terms: object) -> AsyncIterator[None]:
        """Inside, the agreement with a visited-CSO has these terms, at both ends or at the home-CSP's alone."""
        ends = [(self.home.partners, self.visited(member))]
        if not only_at_home:
            ends.append((member.platform.endpoint.partners, self.home_at(member)))
        try:
            for partners, known in ends:
                await _agree(partners, known.id, known.agreement.model_copy(update=terms))
            yield
        finally:
            for partners, known in ends:
                await _agree(partners, known.id, known.agreement)

    # -- posts

    async def post(self, fits: Callable[[Post], bool] = lambda post: True) -> Post:
        """The next post in turn at which one can start. Raises NotFound where none is free."""
        for _ in self.posts:
            self._turn = (self._turn + 1) % len(self.posts)
            post = self.posts[self._turn]
            if fits(post) and await self._is_free(post):
                self._used[post.evse_uid] = post
                return post
        raise NotFound("No post is free.", code="no_free_evse")

    async def _is_free(self, post: Post) -> bool:
        view = await self.driver.site(post.site)
        return any(one.uid == post.evse_uid and one.startable for one in view.evses)

    async def suffer(self, post: Post, faults: Faults = NO_FAULTS) -> None:
        """Something is wrong with a post, or no longer."""
        self._used[post.evse_uid] = post
        await post.equipment.suffer(post.evse_uid, faults)

    async def quote(self, post: Post, kwh: int = 30) -> QuoteView:
        """The driver's quote for so many kWh."""
        wanted = QuoteRequest(
            site=post.site, evse_uid=post.evse_uid, connector_id=post.connector_id, need=Need(amount=Decimal(kwh))
        )
        return await self.driver.quote(wanted)

    # -- sessions

    async def start(self, post: Post) -> SessionView:
        """The driver starts; the session once it is authorised or has ended."""
        started = await self.driver.start((await self.quote(post)).id)
        return await self.session(started.id, lambda seen: seen.state is SessionState.AUTHORISED)

    async def plug_in(self, post: Post) -> None:
        """A car is plugged in."""
        self._used[post.evse_uid] = post
        car = typical_cars()[0]
        await post.equipment.plug_in(post.evse_uid, car, percent=_ARRIVES_AT_PERCENT, connector_id=post.connector_id)

    async def charge(self, post: Post, minutes: int = 2) -> SessionView:
        """Start, plug in and charge for so long. Raises EvroamError where that does not come about."""
        started = await self.start(post)
        if started.state is not SessionState.AUTHORISED:
            raise EvroamError(f"The start ended {started.state}.", code="not_started")
        await self.plug_in(post)
        await self.advance(minutes)
        view = await self.session(started.id, lambda seen: seen.state is SessionState.ACTIVE and seen.energy_kwh > 0)
        await self.settled()
        return view

    async def end(self, post: Post, session_id: str) -> SessionView:
        """The driver stops and drives away; the session with its receipt."""
        await self.driver.stop(session_id)
        await self.until(
            lambda: _now(post.equipment.evse_state(post.evse_uid).value), lambda state: state == "finishing"
        )
        await self.advance(1)
        await post.equipment.unplug(post.evse_uid)
        return await self.receipted(session_id)

    async def receipted(self, session_id: str) -> SessionView:
        """The session once it is billed and all that follows from it has been said."""
        view = await self.until(lambda: self.driver.session(session_id), lambda seen: seen.receipt_id is not None)
        await self.settled()
        return view

    async def session(self, id: str, wanted: Callable[[SessionView], bool]) -> SessionView:
        """A session as its driver sees it, once it is as wanted or has ended."""
        return await self.until(lambda: self.driver.session(id), lambda seen: wanted(seen) or seen.state in ENDED)

    def at_home(self, id: str) -> ServiceSession:
        """A session as the home-CSP keeps it. Raises NotFound."""
        context = self.network.home.context
        with context.store.read() as connection:
            kept = load(connection, context.party, id)
        if kept is None:
            raise NotFound("The home-CSP keeps no such session.", code="unknown_session")
        return kept.session

    def at_visited(self, post: Post, id: str) -> ServiceSession:
        """The same session as the visited-CSO keeps it. Raises NotFound."""
        context = post.member.platform.context
        with context.store.read() as connection:
            kept = load(connection, context.party, self.at_home(id).visited_session_id or "")
        if kept is None:
            raise NotFound("The visited-CSO keeps no such session.", code="unknown_session")
        return kept.session

    def open_at_home(self) -> list[ServiceSession]:
        """What is open at the home-CSP."""
        context = self.network.home.context
        with context.store.read() as connection:
            return [one.session for one in load_open(connection, context.party)]

    def open_sessions(self) -> list[str]:
        """What is open at any platform."""
        found = [(self.network.home.context.name, one) for one in self.open_at_home()]
        for member in self.network.members:
            context = member.platform.context
            with context.store.read() as connection:
                found += [(context.name, one.session) for one in load_open(connection, context.party)]
        return [f"{name}: {one.state} {one.id}" for name, one in found]

    # -- time

    async def advance(self, minutes: int = 0, seconds: int = 0) -> None:
        """Let time pass, minute by minute, and let every station report."""
        for step in [_MINUTE] * minutes + ([timedelta(seconds=seconds)] if seconds else []):
            self.clock.moment += step
            for member in self.network.members:
                await member.equipment.advance_to(self.clock.moment)

    async def until(
        self, look: Callable[[], Awaitable[T]], wanted: Callable[[T], bool], within: float = _PATIENCE_SECONDS
    ) -> T:
        """What `look` sees once it is as wanted, or at last."""
        return await self.ground.until(look, wanted, within)

    async def settled(self) -> None:
        """All that any platform has to say to another has been said."""
        house = self.network.clearing_house
        platforms = [
            *((one.platform.context.store, one.platform.endpoint.outbox) for one in self.network.members),
            *([] if house is None else [(house.context.store, house.endpoint.outbox)]),
            (self.network.home.context.store, self.home.outbox),
        ]
        if self._settled_at != self.clock.moment:
            self._settled_at = self.clock.moment
            for _, outbox in platforms:
                outbox.wake()  # what was put off may be due by now
        for _ in range(2):  # what one says may make another speak
            for store, outbox in platforms:
                await store.settled()
                await outbox.settled()

    def later(self, **time: float) -> datetime:
        """A moment ahead."""
        return self.clock.now() + timedelta(**time)

    # -- after a check

    async def heard(self) -> list[WireMessage]:
        """The messages that crossed the wire since this was last asked."""
        return await self.ground.logs.heard()

    async def tidy(self) -> list[str]:
        """Mend every post that was used, end what is open there; what could not be ended."""
        for post in self._used.values():
            await post.equipment.suffer(post.evse_uid, NO_FAULTS)
            await self._clear(post)
        if self._used:
            await self.settled()
        if self.open_sessions():
            await self._give_up()
        self._used.clear()
        await self.advance(seconds=-self.clock.now().second % 60)  # stations report by the minute
        return self.open_sessions()

    async def _clear(self, post: Post) -> None:
        """No cable is left in a post."""
        if post.equipment.car_at(post.evse_uid) is None:
            return
        try:
            await post.equipment.unplug(post.evse_uid)
        except EvroamError:  # its lock holds it
            await post.equipment.unlock(post.evse_uid, post.connector_id)
            await post.equipment.unplug(post.evse_uid)

    async def _give_up(self) -> None:
        """Cancel what is reserved, let starts that nobody uses run out."""
        for view in await self.driver.sessions():
            if view.state is SessionState.RESERVED:
                with suppress(EvroamError):
                    await self.driver.cancel_reservation(view.id)
        await self.settled()
        await self.advance(_MINUTES_UNTIL_AN_UNUSED_START_ENDS)
        await self.settled()
        await self.until(lambda: _now(self.open_sessions()), lambda left: not left, 5.0)


async def _agree(partners: Partners, partner_id: str, agreement: Agreement) -> None:
    changed = update(partner).where(partner.c.id == partner_id).values(agreement=agreement.model_dump_json())
    await partners.change(lambda connection: connection.execute(changed).rowcount)


async def _now(value: T) -> T:
    return value


def _speaking(endpoint: Endpoint, other: Endpoint, member: Member) -> Partner:
    found = endpoint.partners.speaking_for(member.platform.context.party)
    if found is None:
        raise NotFound(f"{member.operator.name} is not connected with the home-CSP.", code="not_connected")
    return found


@asynccontextmanager
async def bench(folder: Path, via: Via, wire: str) -> AsyncIterator[Bench]:
    """A bench on a fresh network in an empty folder. Raises EvroamError, OSError where it cannot stand."""
    clock = FixedClock(STARTS_AT)
    async with AsyncExitStack() as stack:
        network = await stack.enter_async_context(
            Network.running(folder, clock=clock, drivers=Drivers(), via=via, wire=wire)
        )
        driver = DriverClient(network.driver_url, network.driver_tls)
        stack.push_async_callback(driver.close)
        ground = Ground(network, clock, driver, logs_of(network), folder, 0)
        for partner in network.home.context.visited_csos():
            await network.home.synchronise(partner)
        demo = network.demo.driver
        await driver.identify(PinIdentification(contract_id=demo.contract, pin=demo.pin))
        made = Bench(network, ground, clock, driver, folder)
        made.posts = await _all_posts(network, driver)
        yield made


async def _all_posts(network: Network, driver: DriverClient) -> tuple[Post, ...]:
    """Every post at which one can start and whose price is known, the operators in turn."""
    start = network.demo.start
    query = SiteQuery(latitude=start.latitude, longitude=start.longitude, free=True, roaming=True)
    found: list[Post] = []
    for summary in (await driver.sites(query)).sites:
        member = next(one for one in network.members if one.platform.context.party == summary.key.party)
        for evse in (await driver.site(summary.key)).evses:
            priced = next((one for one in evse.connectors if one.tariff_known), None)
            if evse.startable and priced is not None:
                fixed = priced.format == "CABLE"
                found.append(Post(summary.key, evse.uid, priced.id, fixed, member))
    return tuple(found)
