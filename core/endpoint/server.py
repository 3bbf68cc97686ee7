"""The door of a platform: authentication, routing headers, envelope, errors, limits and log around every module."""

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.types import Receive, Scope, Send

from core.clock import Clock
from core.endpoint.exchange import Answer, Request
from core.endpoint.message_log import Message, MessageLog, correlation
from core.endpoint.ocpi.envelope import StatusCode, envelope_text
from core.endpoint.ocpi.reading import MAX_BYTES
from core.endpoint.partner import CONFIGURATION_MODULES, Partner, PartnerStatus
from core.endpoint.partners import Caller, Partners
from core.endpoint.rejection import TELLABLE, Rejection, answer_to
from core.endpoint.routing import Found, Routing
from core.endpoint.serving import client_certificate
from core.endpoint.tls import PeerCertificate
from core.errors import InvalidInput
from core.model.parties import Party, PlatformRole

_BODY_WITHIN_SECONDS = 30
_LONGEST_ID = 64
_T = TypeVar("_T")
_log = logging.getLogger(__name__)
logging.getLogger("core").addHandler(logging.NullHandler())


@dataclass(frozen=True)
class ConfigurationRequest:
    """A request to versions or credentials: the sender may be no partner yet."""

    caller: Caller
    token_header: str
    certificate: PeerCertificate | None
    body: bytes


ConfigurationHandler = Callable[[ConfigurationRequest], Awaitable[Answer]]


@dataclass
class _Exchange:
    """One request on its way, as far as it is known."""

    http: HttpRequest
    headers: Mapping[str, str]
    request_id: str
    correlation_id: str
    caller: Caller | None = None
    body: bytes = b""
    shown_path: str = ""
    from_party: Party | None = None
    to_party: Party | None = None


class Server:
    """An ASGI app. configuration: handlers by path and method; routing: the functional modules.

    parties: for whom we take requests; passes_on: those for others are not refused, but found beyond our own routes.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        partners: Partners,
        log: MessageLog,
        parties: frozenset[Party],
        base_url: str,
        configuration: Mapping[str, Mapping[str, ConfigurationHandler]],
        routing: Routing,
        passes_on: bool = False,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._clock = clock
        self._partners = partners
        self._message_log = log
        self._parties = parties
        self._base_url = base_url
        self._configuration = configuration
        self._routing = routing
        self._passes_on = passes_on
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        http = HttpRequest(scope, receive)
        # Of a header that is given twice the first counts.
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(scope["headers"])}
        exchange = _Exchange(http, headers, _id(headers, "x-request-id"), _id(headers, "x-correlation-id"))
        correlation.set(exchange.correlation_id)
        at, started = self._clock.now(), time.monotonic()
        try:
            answer = await self._answered(exchange)
        except ClientDisconnect:
            return
        body = answer.whole
        if body is None:
            now = self._clock.now()
            body = envelope_text(answer.data, now, answer.status_code, answer.status_message).encode()
        lines = {
            "Content-Type": "application/json",
            **self._headers(exchange, answer),
            "Content-Length": str(len(body)),
        }
        raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in lines.items()]
        await send({"type": "http.response.start", "status": answer.http_status, "headers": raw})
        await send({"type": "http.response.body", "body": body})
        self._message_log.record(
            Message(
                at=at,
                direction="in",
                partner_id=exchange.caller.id if isinstance(exchange.caller, Partner) else None,
                method=http.method,
                path=exchange.shown_path or http.url.path[:200],
                http_status=answer.http_status,
                status_code=answer.status_code,
                request_id=exchange.request_id,
                correlation_id=exchange.correlation_id,
                milliseconds=round((time.monotonic() - started) * 1000),
                request_body=exchange.body,
                response_body=body,
            )
        )

    async def _answered(self, exchange: _Exchange) -> Answer:
        try:
            return await self._handle(exchange)
        except TELLABLE as error:
            return answer_to(error)
        except (ClientDisconnect, asyncio.CancelledError):
            raise
        except Exception:  # noqa: BLE001  # the last line of defence: a partner learns nothing of it, the log file all
            _log.exception("request %s failed", exchange.request_id)
            return Answer(None, StatusCode.SERVER_ERROR, "Something went wrong here.", 500)

    async def _handle(self, exchange: _Exchange) -> Answer:
        http = exchange.http
        certificate = client_certificate(http.scope)
        header = exchange.headers.get("authorization", "")
        address = http.client.host if http.client else ""
        exchange.caller = await self._partners.authenticate(header, certificate, address)
        raw_path = http.scope["raw_path"].decode("ascii", "replace")
        configured = self._configuration.get(raw_path.rstrip("/"))
        if configured is not None:
            handler = _by_method(configured, http.method)
            exchange.body = await self._body(exchange)
            return await handler(ConfigurationRequest(exchange.caller, header, certificate, exchange.body))
        if not isinstance(exchange.caller, Partner):
            raise Rejection("This token is for versions and credentials only.", 401)
        exchange.to_party = _party(exchange.headers, "to")
        for_another = exchange.to_party is not None and exchange.to_party not in self._parties
        found = self._routing.find(raw_path, ours=not (self._passes_on and for_another))
        if found is None:
            raise Rejection("There is nothing at this address.", 404)
        exchange.shown_path = found.shown
        route = _by_method(found.methods, http.method)
        partner = self._sender(exchange, exchange.caller, route.module, found.values)
        exchange.body = await self._body(exchange)
        return await route.handler(self._request(exchange, partner, found))

    def _request(self, exchange: _Exchange, partner: Partner, found: Found) -> Request:
        raw_query = exchange.http.scope["query_string"].decode("utf-8", "replace")
        return Request(
            partner=partner,
            method=exchange.http.method,
            url=self._base_url + exchange.http.scope["raw_path"].decode("ascii", "replace").rstrip("/"),
            path=found.values,
            query=dict(parse_qsl(raw_query, keep_blank_values=True)),
            body=exchange.body,
            received_at=self._clock.now(),
            from_party=exchange.from_party,
            to_party=exchange.to_party,
            request_id=exchange.request_id,
            correlation_id=exchange.correlation_id,
            raw_query=raw_query,
        )

    def _sender(self, exchange: _Exchange, caller: Partner, module: str, path: Mapping[str, str]) -> Partner:
        """The partner that the request comes from: who calls, or who stands behind the clearing house that calls."""
        given = exchange.from_party = _party(exchange.headers, "from")
        if exchange.to_party is not None and exchange.to_party not in self._parties and not self._passes_on:
            raise Rejection("The party in OCPI-to is none of this platform.", 200, StatusCode.INVALID_PARAMETERS)
        if module in CONFIGURATION_MODULES or not caller.plays(PlatformRole.CLEARING_HOUSE):
            sender = caller if given is None or caller.speaks_for(given) else None
        elif given is None or caller.speaks_for(given):
            # In a Broadcast Push the clearing house is the sender, while the path keeps the owner of the object.
            owner = _owner(path)
            sender = (owner and self._partners.behind(caller, owner)) or caller
        else:
            sender = self._partners.behind(caller, given)
        if sender is None:
            raise Rejection("You do not speak for the party in OCPI-from.", 403, StatusCode.INVALID_PARAMETERS)
        if sender.status is PartnerStatus.SUSPENDED:
            raise Rejection("The exchange with this party is suspended.", 403)
        return sender

    async def _body(self, exchange: _Exchange) -> bytes:
        length = exchange.headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self._max_bytes:
            raise self._too_large()
        if length == "0" and "transfer-encoding" not in exchange.headers:
            return b""
        body = bytearray()
        try:
            async with asyncio.timeout(_BODY_WITHIN_SECONDS):
                async for chunk in exchange.http.stream():
                    body += chunk
                    if len(body) > self._max_bytes:
                        raise self._too_large()
        except TimeoutError:
            raise Rejection("The body did not arrive in time.", 408, headers={"Connection": "close"}) from None
        return bytes(body)

    def _too_large(self) -> Rejection:
        return Rejection(
            f"A body may have {self._max_bytes} bytes.", 413, StatusCode.INVALID_PARAMETERS, {"Connection": "close"}
        )

    def _headers(self, exchange: _Exchange, answer: Answer) -> dict[str, str]:
        headers = {
            "X-Request-ID": exchange.request_id,
            "X-Correlation-ID": exchange.correlation_id,
            "Cache-Control": "no-store",
            **answer.headers,
        }
        for direction, party in (("to", exchange.from_party), ("from", exchange.to_party)):
            if party is not None:
                headers[f"OCPI-{direction}-country-code"] = party.country_code
                headers[f"OCPI-{direction}-party-id"] = party.party_id
        return headers


def _by_method(methods: Mapping[str, _T], method: str) -> _T:
    if method not in methods:
        raise Rejection("This method is not offered here.", 405, headers={"Allow": ", ".join(sorted(methods))})
    return methods[method]


def _id(headers: Mapping[str, str], name: str) -> str:
    given = headers.get(name, "")
    return given if 0 < len(given) <= _LONGEST_ID and given.isascii() and given.isprintable() else str(uuid.uuid4())


def _owner(path: Mapping[str, str]) -> Party | None:
    """The owner of the object that a path names, where it names one."""
    try:
        return Party.parse(f"{path['country_code']}{path['party_id']}")
    except (KeyError, InvalidInput):
        return None


def _party(headers: Mapping[str, str], direction: str) -> Party | None:
    country_code = headers.get(f"ocpi-{direction}-country-code")
    party_id = headers.get(f"ocpi-{direction}-party-id")
    if country_code is None and party_id is None:
        return None
    if len(country_code or "") != 2 or len(party_id or "") != 3:
        raise Rejection(f"The headers OCPI-{direction} name no party.", 200, StatusCode.INVALID_PARAMETERS)
    return Party.parse(f"{country_code}{party_id}")
