"""Two whole platforms over real sockets, with ports that keep what they are given in dictionaries."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import func, select

from core.clock import FixedClock
from core.endpoint.agreement import Transport
from core.endpoint.endpoint import Endpoint
from core.endpoint.exchange import Page, PageRequest
from core.endpoint.partner import Partner, PartnerStatus
from core.endpoint.partner_table import AUDIT_STREAM
from core.endpoint.ports import Held, Ports
from core.endpoint.serving import Running, listen, url_of
from core.endpoint.tls import Identity
from core.http import LOOPBACK, AddressGuard, HttpAnswer, HttpClient
from core.model.credentials import CredentialKind
from core.model.parties import ObjectKey, Party, PartyRole, PlatformRole
from core.store.engine import Store
from core.store.tables import invitation, partner

HOME = PartyRole(role=PlatformRole.HOME_CSP, party=Party.parse("NL*HOM"), name="Home")
VISITED = PartyRole(role=PlatformRole.VISITED_CSO, party=Party.parse("DE*VIS"), name="Visited")
START = datetime(2026, 11, 22, 12, tzinfo=UTC)


@dataclass
class Keeper:
    """A receiver of every kind of object."""

    objects: dict[ObjectKey, Held[Any]] = field(default_factory=dict)
    puts: int = 0

    async def held(self, partner: Partner, key: ObjectKey, kind: CredentialKind | None = None) -> str | None:
        found = self.objects.get(_typed(key, kind))
        return found.body if found else None

    async def put(self, partner: Partner, key: ObjectKey, held: Held[Any]) -> None:
        self.puts += 1
        self.objects[_typed(key, getattr(held.value, "kind", None))] = held

    async def remove(self, partner: Partner, key: ObjectKey) -> bool:
        return self.objects.pop(key, None) is not None

    async def submit(self, partner: Partner, held: Held[Any]) -> None:
        issuer = held.value.issuer
        key = ObjectKey(country_code=issuer.country_code, party_id=issuer.party_id, id=held.value.id)
        await self.put(partner, key, held)


def _typed(key: ObjectKey, kind: object) -> ObjectKey:
    return key.model_copy(update={"id": f"{key.id}/{kind}"}) if isinstance(kind, CredentialKind) else key


@dataclass
class Source:
    """A list of our own objects: (last_updated, id, JSON text)."""

    rows: list[tuple[datetime, str, str]] = field(default_factory=list)
    asked: list[PageRequest] = field(default_factory=list)

    async def page(self, partner: Partner, request: PageRequest) -> Page:
        self.asked.append(request)
        found = [
            body
            for at, _, body in sorted(self.rows)
            if (request.date_from is None or at >= request.date_from)
            and (request.date_to is None or at < request.date_to)
        ]
        return Page(tuple(found[request.offset : request.offset + request.limit]), len(found))

    async def one(self, partner: Partner, id: str) -> str | None:
        return next((body for _, known, body in self.rows if known == id), None)


@dataclass
class Platform:
    endpoint: Endpoint
    url: str
    store: Store
    clock: FixedClock

    @property
    def versions_url(self) -> str:
        return f"{self.url}/ocpi/versions"

    def only_partner(self) -> Partner:
        (partner,) = self.endpoint.partners.list()
        return partner


def rows(one: Platform) -> tuple[int, int]:
    """Living partners, open invitations."""
    with one.store.read() as connection:
        partners = connection.execute(
            select(func.count()).select_from(partner).where(partner.c.status != PartnerStatus.REMOVED)
        ).scalar_one()
        invited = connection.execute(
            select(func.count()).select_from(invitation).where(invitation.c.expires_at > one.clock.now())
        ).scalar_one()
    return partners, invited


def audited(one: Platform) -> list[str]:
    return [event.kind for event in one.store.events([AUDIT_STREAM], 0)]


@asynccontextmanager
async def platform(
    store_url: str,
    identity: Identity,
    role: PartyRole,
    ports: Ports | None = None,
    listener: Any = None,
    **options: Any,
) -> AsyncIterator[Platform]:
    store, clock, listener = await Store.open(store_url), FixedClock(START), listener or listen()
    endpoint = Endpoint(
        store=store,
        clock=clock,
        identity=identity,
        roles=(role,),
        ports=ports or Ports(),
        public_url=url_of(listener),
        **{"versions": ("2.2.1",), **options},
    )
    try:
        async with endpoint.running(listener) as running:
            yield Platform(endpoint, running.url, store, clock)
    finally:
        await store.close()


@dataclass
class Network:
    """Starts platforms on stores of one's choice."""

    home_identity: Identity
    visited_identity: Identity
    store_url: Callable[[str], str]

    def home(self, ports: Ports | None = None, **options: Any) -> Any:
        return platform(self.store_url("home"), self.home_identity, HOME, ports, **options)

    def visited(self, ports: Ports | None = None, **options: Any) -> Any:
        return platform(self.store_url("visited"), self.visited_identity, VISITED, ports, **options)

    @asynccontextmanager
    async def connected(
        self, home_ports: Ports | None = None, visited_ports: Ports | None = None, **options: Any
    ) -> AsyncIterator[tuple[Platform, Platform]]:
        async with self.home(home_ports, **options) as home, self.visited(visited_ports, **options) as visited:
            await connect(home, visited)
            yield home, visited


async def connect(one: Platform, other: Platform) -> Partner:
    """`one` registers with `other`; who `other` is to `one`."""
    token = await other.endpoint.partners.invite("invited")
    return await one.endpoint.registrar.connect(other.versions_url, token, name="connected")


def run(test: Callable[[], Awaitable[None]], seconds: float = 20) -> None:
    """Run a test's coroutine; what hangs fails."""

    async def within() -> None:
        async with asyncio.timeout(seconds):
            await test()

    asyncio.run(within())


class Client:
    """A partner that says what the test says: one identity, any token, any header."""

    def __init__(self, identity: Identity, transport: Transport = Transport.MUTUAL_TLS) -> None:
        self._client = HttpClient(identity.client_context(transport), AddressGuard(LOOPBACK))

    async def ask(
        self,
        url: str,
        token: str | None,
        method: str = "GET",
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> HttpAnswer:
        return await self.raw(url, None if token is None else encoded(token), method, body, headers)

    async def raw(
        self,
        url: str,
        authorization: str | None,
        method: str = "GET",
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> HttpAnswer:
        sent = {**({"Authorization": authorization} if authorization else {}), **(headers or {})}
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        return await self._client.send(method, url, headers=sent, body=content)

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()


def encoded(token: str) -> str:
    return "Token " + base64.b64encode(token.encode()).decode()


def code(answer: HttpAnswer) -> tuple[int, int]:
    return answer.status, json.loads(answer.body)["status_code"]


def port_of(running: Running | str) -> int:
    return urlsplit(running if isinstance(running, str) else running.url).port or 443


def files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file())


@dataclass
class Talk:
    """Two connected platforms, and raw requests from either side with its own certificate and token."""

    home: Platform
    visited: Platform
    _as_home: Client
    _as_visited: Client

    async def from_home(self, method: str, path: str, body: object = None, **options: Any) -> HttpAnswer:
        """To the visited-CSO; `path` is below its version, or an absolute URL."""
        return await _say(self._as_home, self.home, self.visited, method, path, body, options)

    async def from_visited(self, method: str, path: str, body: object = None, **options: Any) -> HttpAnswer:
        """To the home-CSP."""
        return await _say(self._as_visited, self.visited, self.home, method, path, body, options)


async def _say(
    client: Client, one: Platform, other: Platform, method: str, path: str, body: object, options: dict[str, Any]
) -> HttpAnswer:
    token = one.endpoint.partners.outgoing_token(one.only_partner().id)
    url = path if path.startswith("https:") else f"{other.url}/ocpi/2.2.1{path}"
    return await client.ask(url, token, method, body, **options)


@asynccontextmanager
async def talking(
    network: Network, home_ports: Ports | None = None, visited_ports: Ports | None = None, **options: Any
) -> AsyncIterator[Talk]:
    async with (
        network.connected(home_ports, visited_ports, **options) as (home, visited),
        Client(network.home_identity) as as_home,
        Client(network.visited_identity) as as_visited,
    ):
        yield Talk(home, visited, as_home, as_visited)
