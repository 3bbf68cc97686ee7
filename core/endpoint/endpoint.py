"""The roaming endpoint of one platform, assembled: what it serves, whom it knows, what it asks and pushes."""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from core.clock import Clock
from core.endpoint.agreed import within_agreement
from core.endpoint.agreements import Agreements
from core.endpoint.binding import Binding
from core.endpoint.bindings import bindings_of, version_order
from core.endpoint.calls import Calls
from core.endpoint.configuration import configuration
from core.endpoint.exchange import Route
from core.endpoint.extension import Extension, agreed_routes, services_by_module
from core.endpoint.gates import gated
from core.endpoint.message_log import MessageLog
from core.endpoint.modules import hubclientinfo, routes
from core.endpoint.ocpi.registration import Reachability, ReachableParty, RegisteredRole
from core.endpoint.outbox import Outbox
from core.endpoint.partner import Partner, PartnerEndpoint
from core.endpoint.partner_requests import PartnerRequests, hosts_of
from core.endpoint.partners import Partners
from core.endpoint.ports import Held, Ports
from core.endpoint.pushing import Load, Pusher, Taken
from core.endpoint.reachable_parties import ReachableParties
from core.endpoint.registration import Registrar
from core.endpoint.routing import Routing
from core.endpoint.server import Server
from core.endpoint.serving import Running, serve
from core.endpoint.switching import Switch
from core.endpoint.synchronisation import Synchronisation, is_only_hub
from core.endpoint.tls import Identity
from core.http import LOOPBACK, AddressGuard, Network
from core.model.parties import ObjectKey, PartyRole, PlatformRole
from core.store.engine import Store

PAGE_LIMIT = 250
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Endpoint:
    """One platform on the wire.

    public_url: where partners reach us, without a path. networks: beside public addresses, where partners may be;
    loopback if we are on it. server_tls: whether partners with server-side TLS only are admitted. required: module
    interfaces that every partner must offer. versions: of the wire that we offer, by default all; who is connected
    already keeps the one it has until one of the two renews. Ports that need `calls` or `outbox` themselves are given
    by `offer`.
    """

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        identity: Identity,
        roles: Sequence[PartyRole],
        public_url: str,
        ports: Ports | None = None,
        load: Load | None = None,
        networks: Sequence[Network] = (),
        server_tls: bool = False,
        required: Collection[tuple[str, str]] = (),
        versions: Collection[str] | None = None,
        keep_bodies: bool = True,
        page_limit: int = PAGE_LIMIT,
    ) -> None:
        base_url = self._base_url = public_url.rstrip("/")
        self._store, self._clock, self.roles, self._page_limit = store, clock, tuple(roles), page_limit
        self.bindings = bindings_of(versions)
        guard = AddressGuard([*networks, *(LOOPBACK if is_loopback(base_url) else ())])
        self.versions_url = f"{base_url}/ocpi/versions"
        self._context = identity.server_context(ssl.CERT_OPTIONAL if server_tls else ssl.CERT_REQUIRED)
        self.log = MessageLog(store, keep_bodies=keep_bodies)
        self.partners = Partners(store, clock, identity.token_key, server_tls=server_tls)
        self.requests = PartnerRequests(identity, guard, clock, self.log, self.partners)
        self.calls = Calls(self.requests, self.bindings, self.roles, base_url, clock)
        self.registrar = Registrar(
            store=store,
            clock=clock,
            partners=self.partners,
            requests=self.requests,
            roles=self.roles,
            versions_url=self.versions_url,
            bindings=self.bindings,
            required=required,
        )
        self.outbox = Outbox(store, clock, self.partners, self._push, self._repair)
        ours = (role.party for role in self.roles)
        self.reachable = ReachableParties(self.partners, clock, self.outbox.wake, ours)
        self.registrar.met_hub = self._met_hub
        self.agreements = Agreements(
            store=store,
            clock=clock,
            partners=self.partners,
            identity=identity,
            roles=self.roles,
            calls=self.calls,
            outbox=self.outbox,
            registrar=self.registrar,
        )
        self._repairs: set[asyncio.Task[dict[str, str]]] = set()
        self.offer(ports or Ports(), load)

    def offer(
        self,
        ports: Ports,
        load: Load | None = None,
        extensions: Sequence[Extension] = (),
        switch: Switch | None = None,
        taken: Taken | None = None,
    ) -> None:
        """What we offer from now on, and where the objects that we push come from; it may change while we run.

        switch: passes on to other partners what is none of ours. taken: told what a partner has taken.
        """
        ports = within_agreement(ports)
        extensions = (*extensions, self.agreements.extension())
        pushes = {kind: push for extension in extensions for kind, push in extension.pushes.items()}
        if switch is not None:
            pushes |= switch.pushes
        self._pusher = Pusher(self.calls, load or _nothing_to_push, pushes, taken)
        self.synchronisation = Synchronisation(self._store, self._clock, self.calls, ports, extensions, self.reachable)
        base_url = self._base_url
        extended = tuple(agreed_routes(extensions))
        by_version = {
            version: (*self._routes(ports, binding, switch), *extended) for version, binding in self.bindings.items()
        }
        offered = {version: _offered(base_url, version, served) for version, served in by_version.items()}
        services = services_by_module(extensions)
        if switch is not None:
            services |= switch.services
            offered = {version: (*own, *switch.offered(version)) for version, own in offered.items()}
        self.app: ASGIApp = Server(
            clock=self._clock,
            partners=self.partners,
            log=self.log,
            parties=frozenset(role.party for role in self.roles),
            passes_on=switch is not None,
            base_url=base_url,
            configuration=configuration(base_url, self.bindings, offered, services, self.registrar),
            routing=Routing(
                ((_module_path(version, route), route) for version, served in by_version.items() for route in served),
                switch.find if switch is not None else None,
            ),
        )

    def _routes(self, ports: Ports, binding: Binding, switch: Switch | None) -> Iterator[Route]:
        yield from gated(routes(ports, binding, self._page_limit, self._check_url))
        if switch is None:
            yield from hubclientinfo.routes(self.reachable, self._store, binding)
        else:
            yield from switch.routes(binding, self._page_limit)

    @asynccontextmanager
    async def running(self, listener: socket.socket) -> AsyncIterator[Running]:
        """Serve partners on this socket (`serving.listen`), push what is marked and write the log, until left."""
        work = [asyncio.create_task(self.log.run()), asyncio.create_task(self.outbox.run())]
        try:
            async with serve(self._answer, self._context, listener) as running:
                yield running
        finally:
            for task in (*work, *self._repairs):
                task.cancel()
            await asyncio.gather(*work, *self._repairs, return_exceptions=True)
            await self.requests.close()
            await self.log.flush()

    @property
    def highest_version(self) -> str:
        """The version of the wire on which two platforms like this one meet."""
        return max(self.bindings, key=version_order)

    def now(self) -> datetime:
        """The moment by which agreements hold or have ended: the wire's, not that of a faster demo clock."""
        return self._clock.now()

    async def repaired(self) -> None:
        """Wait for the pulls that began because a partner answers again."""
        await asyncio.gather(*self._repairs)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)

    async def _push(self, partner: Partner, kind: str, key: ObjectKey) -> None:
        await self._pusher.push(partner, kind, key)

    async def _met_hub(self, hub: Partner, roles: tuple[RegisteredRole, ...]) -> None:
        """The parties that the credentials of a clearing house name are there, unless HubClientInfo says otherwise."""
        if not is_only_hub(hub):
            return
        for one in roles:
            if one.role is not PlatformRole.CLEARING_HOUSE:
                value = ReachableParty(one.party, one.role, Reachability.CONNECTED, _LONG_AGO)
                body = self.bindings[hub.version or ""].client_info.write(value)
                await self.reachable.put(hub, Held(value, body), one.name)

    def _repair(self, partner: Partner) -> None:
        task = asyncio.create_task(self.synchronisation.pull(partner))
        self._repairs.add(task)
        task.add_done_callback(self._repairs.discard)

    def _check_url(self, partner: Partner, url: str) -> None:
        self.requests.guard.check(url, hosts_of(partner))


def _module_path(version: str, route: Route) -> str:
    return f"/ocpi/{version}/{route.interface.lower()}/{route.module}"


def _offered(base_url: str, version: str, served: Sequence[Route]) -> tuple[PartnerEndpoint, ...]:
    interfaces = dict.fromkeys((route.module, route.interface, _module_path(version, route)) for route in served)
    return tuple(
        PartnerEndpoint(module=module, interface=interface, url=base_url + path)
        for module, interface, path in interfaces
    )


def is_loopback(url: str) -> bool:
    """Whether a URL names this machine by its loopback address."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _nothing_to_push(kind: str, key: ObjectKey) -> Held[object] | None:
    return None
