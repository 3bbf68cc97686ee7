"""A clearing house between whole platforms over real sockets: one visited-CSO, two home-CSPs, and what each heard."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.clearing_house.agreements import HubAgreement
from core.clearing_house.context import Within
from core.clearing_house.log import Kind, Passed, passed
from core.clearing_house.platform import ClearingHouse
from core.clock import FixedClock
from core.endpoint.agreement import Agreement
from core.endpoint.exchange import Answer, Request, Route
from core.endpoint.extension import Extension
from core.endpoint.ocpi.v2_2_1.tokens import TOKEN
from core.endpoint.partner import Partner
from core.endpoint.ports import (
    Authorisation,
    AuthorisationRequest,
    AuthorisationVerdict,
    Command,
    CommandAnswer,
    CommandKind,
    CommandReply,
    CommandResult,
    Held,
    Ports,
)
from core.endpoint.serving import listen, url_of
from core.endpoint.tls import CertificateAuthority
from core.http import HttpAnswer
from core.model.agreement_terms import SwitchTerms
from core.model.parties import Party, PartyRole, PlatformRole
from core.model.services import Service
from core.store.engine import Store
from tests.endpoint.platforms import HOME, START, VISITED, Client, Keeper, Platform, Source, platform, port_of
from tests.endpoint.wire_objects import token

SECOND = PartyRole(role=PlatformRole.HOME_CSP, party=Party.parse("NL*SEC"), name="Second")
HUB = PartyRole(role=PlatformRole.CLEARING_HOUSE, party=Party.parse("NL*HUB"), name="Hub")
THINGS = "nlxyz-things"
EVERYTHING = frozenset(Service) - {Service.AGREEMENTS}
"""All that can be agreed without a signature: the clearing house's operator sets the terms of pairs."""


@dataclass
class Things:
    """A module that none of us knows: it writes down what it gets and answers as it is told."""

    requests: list[Request] = field(default_factory=list)
    answer: Answer = field(default_factory=Answer)

    async def handle(self, request: Request) -> Answer:
        self.requests.append(request)
        return self.answer

    def extension(self) -> Extension:
        routes = [
            Route(THINGS, interface, method, path, self.handle)
            for interface in ("SENDER", "RECEIVER")
            for method in ("GET", "PUT", "POST")
            for path in ("", "/{id}")
        ]
        return Extension(Service.NOTICES, tuple(routes))


@dataclass
class Desk:
    """Takes commands and their outcomes, and knows cards."""

    commands: list[tuple[Partner, Command]] = field(default_factory=list)
    results: list[tuple[Partner, CommandKind, str, CommandResult]] = field(default_factory=list)
    cards: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: int = 0

    async def command(self, partner: Partner, command: Command) -> CommandReply:
        self.commands.append((partner, command))
        return CommandReply(CommandAnswer.ACCEPTED, 30)

    async def command_result(
        self, partner: Partner, kind: CommandKind, command_id: str, result: CommandResult, message: str | None
    ) -> bool:
        self.results.append((partner, kind, command_id, result))
        return True

    async def authorise(self, partner: Partner, request: AuthorisationRequest) -> Authorisation | None:
        self.asked += 1
        card = self.cards.get(request.uid)
        if card is None:
            return None
        held: Held[Any] = TOKEN.read(json.dumps(card))
        return Authorisation(AuthorisationVerdict.ALLOWED, held, authorization_reference=f"ref-{request.uid}")


@dataclass
class Member:
    """A platform behind the hub, what it was given, and raw requests from it."""

    role: PartyRole
    platform: Platform
    keeper: Keeper
    sdrs: Keeper
    desk: Desk
    things: Things
    source: Source
    client: Client
    hub_url: str
    wire: str = "2.2.1"

    @property
    def partners(self) -> dict[Party, Partner]:
        return {role.party: one for one in self.platform.endpoint.partners.list() for role in one.roles}

    async def say(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        to: Party | None = None,
        sender: Party | None = None,
        headers: dict[str, str] | None = None,
    ) -> HttpAnswer:
        """To the hub, with its token; `path` is below its version, or an absolute URL."""
        sent = {**_named("from", sender or self.role.party), **(_named("to", to) if to else {}), **(headers or {})}
        hub = self.partners[HUB.party]
        token = self.platform.endpoint.partners.outgoing_token(hub.id)
        url = path if path.startswith("https:") else f"{self.hub_url}/ocpi/{self.wire}{path}"
        return await self.client.ask(url, token, method, body, sent)


@dataclass
class Behind:
    """The hub and its members, on clocks that stand still."""

    house: ClearingHouse
    clock: FixedClock
    store: Store
    visited: Member
    home: Member
    second: Member
    url: str
    _stacks: dict[str, AsyncExitStack]
    _authority: CertificateAuthority
    _folder: Path

    async def stop(self, name: str) -> None:
        """Take a member down; nobody answers at its port."""
        await self._stacks[name].aclose()

    async def start(self, name: str) -> Member:
        """Bring a member up again, over its store and at its port."""
        before: Member = getattr(self, name)
        listener = listen("127.0.0.1", port_of(before.platform.url))
        member = await self._stacks[name].enter_async_context(
            _member(self._authority, self._folder, name, before.role, self.url, listener)
        )
        setattr(self, name, member)
        return member

    async def restart_house(self) -> None:
        """The clearing house ends and begins again, over its store and at its port."""
        await self._stacks["hub"].aclose()
        listener = listen("127.0.0.1", port_of(self.url))
        self.house, self.clock, self.store, _ = await self._stacks["hub"].enter_async_context(
            house_over(f"sqlite:///{self._folder / 'hub.db'}", self._authority, self._folder, listener)
        )

    async def told(self) -> None:
        """Wait until members have heard of every change."""
        await self.house.context.tasks.settled()
        await self.house.endpoint.outbox.settled()

    def log(self, **asked: Any) -> list[Passed]:
        with self.store.read() as connection:
            return passed(connection, **asked)

    def kinds(self) -> list[Kind]:
        return [one.entry.kind for one in self.log()]


def _named(direction: str, party: Party) -> dict[str, str]:
    return {f"OCPI-{direction}-country-code": party.country_code, f"OCPI-{direction}-party-id": party.party_id}


@asynccontextmanager
async def house_over(
    store_url: str, authority: CertificateAuthority, folder: Path, listener: Any = None, within: Within | None = None
) -> AsyncIterator[tuple[ClearingHouse, FixedClock, Store, str]]:
    """A clearing house over a store, also one that it had before."""
    store, clock, listener = await Store.open(store_url), FixedClock(START), listener or listen()
    identity = authority.identity(folder / "hub", [HUB])
    house = ClearingHouse(
        role=HUB,
        store=store,
        clock=clock,
        identity=identity,
        public_url=url_of(listener),
        wire_clock=clock,
        within=within,
    )
    try:
        async with house.running(listener) as running:
            yield house, clock, store, running.url
    finally:
        await store.close()


@asynccontextmanager
async def behind_hub(
    authority: CertificateAuthority,
    folder: Path,
    *,
    agreements: Sequence[HubAgreement] | None = None,
    within: Within | None = None,
    wires: Mapping[str, str] | None = None,
    told: bool = True,
) -> AsyncIterator[Behind]:
    """A hub with three members; by default all parties have agreed on everything.

    wires: the version of members that are not on 2.2.1. told: whether members have asked who is there.
    """
    async with AsyncExitStack() as stack:
        stacks = {"hub": await stack.enter_async_context(AsyncExitStack())}
        house, clock, store, url = await stacks["hub"].enter_async_context(
            house_over(f"sqlite:///{folder / 'hub.db'}", authority, folder, within=within)
        )
        members = {}
        for name, role in (("visited", VISITED), ("home", HOME), ("second", SECOND)):
            own = stacks[name] = await stack.enter_async_context(AsyncExitStack())
            members[name] = await own.enter_async_context(
                _member(authority, folder, name, role, url, wire=(wires or {}).get(name, "2.2.1"))
            )
            await connect_to(members[name], house)
        for agreement in agreements if agreements is not None else everything():
            await house.agree(agreement)
        for member in members.values() if told else ():
            await _told(member)
        yield Behind(house, clock, store, **members, url=url, _stacks=stacks, _authority=authority, _folder=folder)


def everything(prefixes_bind: bool = False, **switch: Any) -> list[HubAgreement]:
    """Each home-CSP has agreed on all services with the visited-CSO, and on the strangers' module."""
    terms = Agreement(
        services=EVERYTHING,
        prefixes_bind=prefixes_bind,
        switch=SwitchTerms(modules=frozenset({THINGS}), **switch),
    )
    return [HubAgreement(one=VISITED.party, other=one.party, terms=terms) for one in (HOME, SECOND)]


async def connect_to(member: Member, house: ClearingHouse) -> None:
    """The member registers with the hub."""
    agreement = Agreement(services=EVERYTHING)
    invited = await house.endpoint.partners.invite(member.role.name, agreement)
    await member.platform.endpoint.registrar.connect(house.endpoint.versions_url, invited, agreement, "Hub")


async def _told(member: Member) -> None:
    hub = member.partners[HUB.party]
    assert await member.platform.endpoint.synchronisation.pull(hub) == {}


@asynccontextmanager
async def _member(
    authority: CertificateAuthority,
    folder: Path,
    name: str,
    role: PartyRole,
    hub_url: str,
    listener: Any = None,
    wire: str = "2.2.1",
) -> AsyncIterator[Member]:
    identity = authority.identity(folder / name, [role])
    keeper, sdrs, desk, things, source = Keeper(), Keeper(), Desk(), Things(), Source()
    ports = (
        Ports(commands=desk, credentials=keeper, site_source=Source(), session_source=source)
        if role is VISITED
        else Ports(
            sites=keeper,
            tariffs=keeper,
            sessions=keeper,
            sdrs=sdrs,
            command_results=desk,
            authoriser=desk,
            credential_source=source,
        )
    )
    own = platform(f"sqlite:///{folder / name}.db", identity, role, listener=listener, versions=(wire,))
    async with own as running, Client(identity) as client:
        running.endpoint.offer(ports, extensions=[things.extension()])
        yield Member(role, running, keeper, sdrs, desk, things, source, client, hub_url, wire)


def card(uid: str, owner: PartyRole = HOME) -> dict[str, Any]:
    """A card of a home-CSP."""
    party = owner.party
    return token(uid=uid, country_code=party.country_code, party_id=party.party_id)
