"""The ground of a walk: the embedded network on a clock that only the walk moves, and what the driver came by so far.

Everything that a step looks at is read here from where it is true: the driver API, the stores of both platforms, the
stations and the message logs.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from sqlalchemy import select

from core.clock import FixedClock
from core.driver_client import DriverClient
from core.driver_messages import DriverEvent, QuoteView, SessionView
from core.errors import NotFound
from core.home_csp.quoting import KeptQuote, load_quote
from core.model.parties import ObjectKey, PlatformRole
from core.model.session import ENDED, ServiceSession, SessionState
from core.model.tariffs import Tariff
from core.network import Member, Network, Via
from core.simulation.simulated_equipment import SimulatedEquipment
from core.simulation.station import Drivers
from core.store.sessions import load_by_visited_id
from core.store.tables import service_session
from core.visited_cso.tariffs import load_tariffs
from core.walks.messages import MessageLogs, PlatformLog

T = TypeVar("T")

STARTS_AT = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
"""The walk's own time begins on a Monday morning."""

_LOOK_EVERY_SECONDS = 0.02
_PATIENCE_SECONDS = 10.0
_STEP = timedelta(minutes=1)


async def look_until(look: Callable[[], Awaitable[T]], holds: Callable[[T], bool], within: float) -> T:
    """What `look` sees once it holds, or at the latest after so many seconds of the wall clock."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    while True:
        seen = await look()
        if holds(seen) or loop.time() > deadline:
            return seen
        await asyncio.sleep(_LOOK_EVERY_SECONDS)


@dataclass(frozen=True)
class Post:
    """Where the driver stands: one EVSE and the connector used."""

    site: ObjectKey
    evse_uid: str
    evse_id: str
    connector_id: str


@dataclass(frozen=True)
class Both:
    """One session as the home-CSP and the visited-CSO keep it; None while the two are not tied together."""

    home: ServiceSession
    operator: ServiceSession | None

    @property
    def states(self) -> tuple[SessionState | None, SessionState | None]:
        """Its state here and there."""
        return self.home.state, self.operator.state if self.operator else None


@dataclass
class Ground:
    """The network under the walk; `post`, `quote` and `session_id` are there once their step has passed."""

    network: Network
    clock: FixedClock
    client: DriverClient
    logs: MessageLogs
    folder: Path
    seed: int
    events: list[DriverEvent] = field(default_factory=list)
    post: Post = field(init=False)
    quote: QuoteView = field(init=False)
    session_id: str = field(init=False)
    _listening: "asyncio.Task[None] | None" = None

    # -- who there is

    @property
    def member(self) -> Member:
        """The visited-CSO whose post it is."""
        return self.member_at(self.post)

    def member_at(self, post: Post) -> Member:
        """The visited-CSO of a post."""
        return next(one for one in self.network.members if one.platform.context.party == post.site.party)

    @property
    def equipment(self) -> SimulatedEquipment:
        """Its stations."""
        return self.member.equipment

    @property
    def version(self) -> str:
        """The version of OCPI, or the versions, that the home-CSP has negotiated."""
        partners = self.network.home.context.visited_csos()
        return ", ".join(sorted({one.version or "?" for one in partners}))

    @property
    def wire(self) -> str:
        """How the platforms speak with one another, as they have negotiated it."""
        return f"OCPI {self.version} over HTTPS, mutual TLS 1.3"

    # -- what is true

    async def session(self) -> SessionView:
        """The session as its driver sees it."""
        return await self.client.session(self.session_id)

    async def both(self) -> "Both":
        """The session as each platform keeps it."""
        columns, context = service_session.c, self.network.home.context
        with context.store.read() as connection:
            body = connection.execute(select(columns.body).where(columns.id == self.session_id)).scalar_one()
        home = ServiceSession.model_validate_json(body)
        context_there = self.member.platform.context
        with context_there.store.read() as connection:
            kept = load_by_visited_id(connection, context_there.party, home.visited_session_id or "")
        return Both(home, kept.session if kept else None)

    def frozen_quote(self) -> KeptQuote:
        """The quote as the home-CSP froze it. Raises NotFound."""
        context = self.network.home.context
        with context.store.read() as connection:
            kept = load_quote(connection, context, self.quote.id)
        if kept is None:
            raise NotFound(f"the home-CSP knows no quote {self.quote.id}", code="unknown_quote")
        return kept

    def published_tariffs(self, ids: Iterable[str]) -> tuple[Tariff, ...]:
        """The operator's tariffs with these ids as it has them now, in this order."""
        context = self.member.platform.context
        with context.store.read() as connection:
            return load_tariffs(connection, context, tuple(ids), self.clock.now())

    # -- time

    async def advance(self, minutes: int) -> None:
        """Let time pass, minute by minute, and let every station report."""
        for _ in range(minutes):
            self.clock.moment += _STEP
            for member in self.network.members:
                await member.equipment.advance_to(self.clock.moment)

    async def until(
        self, look: Callable[[], Awaitable[T]], holds: Callable[[T], bool], within: float = _PATIENCE_SECONDS
    ) -> T:
        """What `look` sees once it holds, or at the latest after so many seconds of the wall clock.

        What does not hold in time is for the check to say.
        """
        return await look_until(look, holds, within)

    async def session_until(self, holds: Callable[[SessionView], bool]) -> SessionView:
        """The session as its driver sees it once it holds or has ended."""
        return await self.until(self.session, lambda seen: holds(seen) or seen.state in ENDED)

    # -- live events

    def listen(self) -> None:
        """Hear the driver's live events from the beginning on."""

        async def hear() -> None:
            async with aclosing(self.client.events(0)) as events:
                async for event in events:
                    if event is not None:
                        self.events.append(event)

        self._listening = asyncio.create_task(hear())

    async def close(self) -> None:
        """Hear no more, and close the connections of the front end."""
        if self._listening is not None:
            self._listening.cancel()
            with suppress(asyncio.CancelledError):
                await self._listening
        await self.client.close()


@asynccontextmanager
async def embedded(folder: Path, seed: int, via: Via = Via.P2P, wire: str | None = None) -> AsyncIterator[Ground]:
    """A fresh embedded network in an empty folder, its stations and drivers told what to do by the walk alone.

    via: whether the visited-CSOs are reached peer to peer or through the clearing house. wire: the only version
    of OCPI that the platforms speak, by default the highest.

    Raises EvroamError where a store cannot be opened, OSError where no port is free.
    """
    clock = FixedClock(STARTS_AT)
    async with Network.running(folder, clock=clock, drivers=Drivers(), via=via, wire=wire) as network:
        client = DriverClient(network.driver_url, network.driver_tls)
        ground = Ground(network, clock, client, logs_of(network), folder, seed)
        try:
            yield ground
        finally:
            await ground.close()


def logs_of(network: Network) -> MessageLogs:
    """The message logs of all platforms of a network."""
    home = PlatformLog(
        network.demo.home_csp.role(PlatformRole.HOME_CSP), network.home.endpoint, network.home.context.store
    )
    operators = [
        PlatformLog(one.operator.role(PlatformRole.VISITED_CSO), one.platform.endpoint, one.platform.context.store)
        for one in network.members
    ]
    house = network.clearing_house
    role = network.demo.clearing_house.role(PlatformRole.CLEARING_HOUSE)
    between = [] if house is None else [PlatformLog(role, house.endpoint, house.context.store)]
    return MessageLogs([home, *between, *operators])
