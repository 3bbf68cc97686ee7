"""The admin API, as far as it is the same for every role: partners, certificates, status (UC1-1, 5.4).

An own port with an own credential: whoever can read the secret in the data folder administers the platform. The
certificates of partners and front ends open nothing here.
"""

import os
import secrets
import ssl
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from socket import socket

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from core.admin_messages import (
    CertificateBundle,
    ConnectRequest,
    InvitationRequest,
    InvitationView,
    PartnerList,
    PlatformStatus,
    TrustedAuthority,
)
from core.clock import Clock, WallClock
from core.driver_messages import Problem
from core.endpoint.admin_views import log_tail, partner_view, partner_views, store_state
from core.endpoint.agreement_desk import agreement_routes
from core.endpoint.endpoint import Endpoint
from core.endpoint.meeting import meet
from core.endpoint.partner import Partner
from core.endpoint.partner_naming import find_partner
from core.endpoint.serving import Running, serve
from core.endpoint.tls import Identity
from core.errors import EvroamError
from core.json_api import answered, json_answer, program_version, read_body
from core.model.parties import PartyRole
from core.store.engine import Store

_WALL = WallClock()
_NO_ADMINISTRATOR = Problem(
    code="not_the_administrator",
    message="The credential of the platform's administrator is missing or wrong.",
    next_step="Name the data folder of the running platform with --data.",
)
_NO_SUCH_OPERATION = Problem(
    code="no_such_operation",
    message="A platform of this role or version cannot do that.",
    next_step="Name the platform with --platform: contracts are the home-CSP's, settlement is the clearing house's.",
)


@dataclass(frozen=True)
class Administered:
    """A platform as its admin API sees it: `database` is the URL of its store, `clock` moves its sessions."""

    name: str
    role: PartyRole
    endpoint: Endpoint
    store: Store
    database: str
    clock: Clock
    identity: Identity
    secret: str
    started_at: datetime = field(default_factory=_WALL.now)


def serve_admin_api(
    platform: Administered, listener: socket, more: Sequence[Route] = ()
) -> AbstractAsyncContextManager[Running]:
    """Serve the admin API on this socket until the block is left; `more` are the routes of the role."""
    return serve(admin_api(platform, more), platform.identity.server_context(ssl.CERT_NONE), listener)


def admin_api(platform: Administered, more: Sequence[Route] = ()) -> ASGIApp:
    """The ASGI app, mounted at /admin/v1."""
    desk = _Desk(platform)
    common = [
        Route("/status", answered(desk.status)),
        Route("/partners", answered(desk.partners)),
        Route("/partners", answered(desk.connect), methods=["POST"]),
        Route("/invitations", answered(desk.invite), methods=["POST"]),
        Route("/partners/{partner:path}/suspend", answered(desk.suspend), methods=["POST"]),
        Route("/partners/{partner:path}/resume", answered(desk.resume), methods=["POST"]),
        Route("/partners/{partner:path}/remove", answered(desk.remove), methods=["POST"]),
        Route("/partners/{partner:path}/pull", answered(desk.pull), methods=["POST"]),
        Route("/certificates", answered(desk.export)),
        Route("/certificates", answered(desk.trust), methods=["POST"]),
    ]
    mounted = Mount("/admin/v1", routes=[*common, *agreement_routes(platform.endpoint), *more])
    return _for_holders_of(platform.secret, Starlette(routes=[mounted], exception_handlers={404: _no_such_operation}))


async def _no_such_operation(_request: Request, _error: Exception) -> Response:
    return json_answer(_NO_SUCH_OPERATION, 404)


def _for_holders_of(secret: str, app: ASGIApp) -> ASGIApp:
    expected = f"Bearer {secret}".encode()

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        given = Headers(scope=scope).get("authorization", "").encode("utf-8", "surrogatepass")
        known = secrets.compare_digest(given, expected)
        await (app if known else json_answer(_NO_ADMINISTRATOR, 401))(scope, receive, send)

    return guarded


class _Desk:
    def __init__(self, platform: Administered) -> None:
        self._platform = platform
        self._endpoint = platform.endpoint

    async def status(self, _request: Request) -> Response:
        platform, partners = self._platform, self._endpoint.partners
        store = await store_state(platform.store, platform.database)
        broken = store.problem is not None
        return json_answer(
            PlatformStatus(
                platform=platform.name,
                role=platform.role,
                version=program_version(),
                pid=os.getpid(),
                healthy=not broken,
                at=_WALL.now(),
                started_at=platform.started_at,
                demo_speed=platform.clock.speed,
                versions_url=self._endpoint.versions_url,
                store=store,
                partners=() if broken else partner_views(platform.store, partners),
                messages=() if broken else log_tail(platform.store),
            )
        )

    async def partners(self, _request: Request) -> Response:
        return json_answer(PartnerList(partners=partner_views(self._platform.store, self._endpoint.partners)))

    async def invite(self, request: Request) -> Response:
        wanted = await read_body(request, InvitationRequest)
        token = await self._endpoint.partners.invite(wanted.name, wanted.agreement())
        transport = wanted.agreement().transport
        return json_answer(
            InvitationView(token=token, versions_url=self._endpoint.versions_url, transport=transport), 201
        )

    async def connect(self, request: Request) -> Response:
        wanted = await read_body(request, ConnectRequest)
        new = await meet(self._endpoint.registrar, wanted.url, wanted.token, wanted.agreement(), wanted.name)
        with suppress(EvroamError):  # what keeps it from being signed stands beside the agreement
            await self._endpoint.agreements.conclude(new)
        return json_answer(partner_view(new), 201)

    async def suspend(self, request: Request) -> Response:
        partner = self._named(request)
        await self._endpoint.partners.suspend(partner.id)
        return self._as_it_is(partner)

    async def resume(self, request: Request) -> Response:
        partner = self._named(request)
        await self._endpoint.partners.resume(partner.id)
        self._endpoint.outbox.wake()
        return self._as_it_is(partner)

    async def remove(self, request: Request) -> Response:
        partner = self._named(request)
        await self._endpoint.registrar.disconnect(partner.id)
        return self._as_it_is(partner)

    async def pull(self, request: Request) -> Response:
        partner = self._named(request)
        await self._endpoint.synchronisation.pull(partner)
        views = partner_views(self._platform.store, self._endpoint.partners)
        return json_answer(next(one for one in views if one.id == partner.id))

    async def export(self, _request: Request) -> Response:
        return json_answer(CertificateBundle(pem=self._platform.identity.authority.export().decode("ascii")))

    async def trust(self, request: Request) -> Response:
        bundle = await read_body(request, CertificateBundle)
        fingerprint = self._platform.identity.authority.trust(bundle.pem.encode("utf-8", "surrogatepass"))
        return json_answer(TrustedAuthority(fingerprint=fingerprint), 201)

    def _named(self, request: Request) -> Partner:
        return find_partner(self._endpoint.partners.list(), request.path_params["partner"])

    def _as_it_is(self, partner: Partner) -> Response:
        return json_answer(partner_view(self._endpoint.partners.get(partner.id)))
