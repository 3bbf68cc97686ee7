"""Requests to partners: their token, the routing headers, the envelope, the log; and what their answers mean."""

import time
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from core.clock import Clock
from core.endpoint.agreement import Transport
from core.endpoint.message_log import Message, MessageLog, correlation
from core.endpoint.ocpi.envelope import Envelope, StatusCode, read_envelope
from core.endpoint.ocpi.reading import Json, Unreadable
from core.endpoint.ocpi.registration import Reachability
from core.endpoint.partner import Partner
from core.endpoint.partners import Partners
from core.endpoint.tls import Identity
from core.endpoint.tokens import authorization
from core.errors import NotAllowed, NotFound, Refused, Unreachable
from core.http import AddressGuard, HttpAnswer, HttpClient
from core.model.parties import Party

_RETRY_AFTER_SECONDS, _LONGEST_RETRY_AFTER_SECONDS = 60, 86_400
_NOT_PASSED_ON = {StatusCode.TIMEOUT, StatusCode.CONNECTION_PROBLEM}


class TooOften(Unreachable):
    """HTTP 429: the partner was asked too often and did nothing. retry_after: when it may be asked again."""

    code = "too_often"

    def __init__(self, message: str, retry_after: timedelta) -> None:
        super().__init__(message)
        self.retry_after = retry_after


@dataclass(frozen=True)
class Reply:
    """A successful answer."""

    headers: Mapping[str, str]
    envelope: Envelope

    @property
    def data(self) -> Json:
        """What it brings."""
        return self.envelope.data


def hosts_of(partner: Partner) -> frozenset[str]:
    """The hosts that a partner registered; no request for it goes anywhere else."""
    urls = [partner.versions_url or "", *(endpoint.url for endpoint in partner.endpoints)]
    return frozenset(host for host in (urlsplit(url).hostname for url in urls) if host)


class PartnerRequests:
    """Sends requests to partners, one pool of connections a transport."""

    def __init__(
        self, identity: Identity, guard: AddressGuard, clock: Clock, log: MessageLog, partners: Partners
    ) -> None:
        self._identity = identity
        self._clients: dict[Transport, HttpClient] = {}
        self._clock = clock
        self._log = log
        self._partners = partners
        self.guard = guard

    async def to_partner(
        self,
        partner: Partner,
        method: str,
        url: str,
        body: str | None = None,
        *,
        sender: Party | None = None,
        receiver: Party | None = None,
        timeout: float = 30.0,
        logged_path: str | None = None,
    ) -> Reply:
        """Send a request to a connected partner; sender and receiver become the routing headers.

        Raises Unreachable without a usable answer, NotFound, Refused (its code tells why), NotAllowed for a partner
        that is not connected or a URL that is none of its own.
        """
        token = self._partners.outgoing_token(partner.id, only_connected=True)
        if token is None:
            raise NotAllowed(f"{partner.name} is not connected.", code="partner_not_connected")
        if partner.reachability is not Reachability.CONNECTED:
            raise Unreachable(f"The clearing house tells that {partner.name} is {partner.reachability.lower()}.")
        headers = {**_party_headers("from", sender), **_party_headers("to", receiver)}
        return await self.with_token(
            token,
            partner.agreement.transport,
            method,
            url,
            body,
            headers=headers,
            hosts=hosts_of(partner),
            partner_id=partner.via or partner.id,
            timeout=timeout,
            logged_path=logged_path,
        )

    async def with_token(
        self,
        token: str,
        transport: Transport,
        method: str,
        url: str,
        body: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        hosts: Collection[str] | None = None,
        partner_id: str | None = None,
        timeout: float = 30.0,
        logged_path: str | None = None,
    ) -> Reply:
        """Send a request with a token, to one who need not be a partner yet. Raises as `to_partner`."""
        content = body.encode() if body is not None else None
        answer, envelope = await self._exchange(
            transport,
            method,
            url,
            content,
            {**(headers or {}), "Authorization": authorization(token)},
            hosts,
            partner_id,
            timeout,
            logged_path,
        )
        return _judged(answer, envelope)

    async def pass_on(
        self,
        partner: Partner,
        method: str,
        url: str,
        body: bytes | None,
        *,
        sender: Party,
        receiver: Party,
        request_id: str,
        timeout: float,
        logged_path: str,
    ) -> tuple[HttpAnswer, int | None]:
        """Pass on a request of another partner, byte for byte; the answer as it came, and its status code if any.

        Raises Unreachable without an answer, NotAllowed for a partner that is not connected or a URL not its own.
        """
        token = self._partners.outgoing_token(partner.id, only_connected=True)
        if token is None:
            raise NotAllowed(f"{partner.name} is not connected.", code="partner_not_connected")
        headers = {
            "Authorization": authorization(token),
            "X-Request-ID": request_id,
            **_party_headers("from", sender),
            **_party_headers("to", receiver),
        }
        answer, envelope = await self._exchange(
            partner.agreement.transport, method, url, body, headers, hosts_of(partner), partner.id, timeout, logged_path
        )
        return answer, envelope.status_code if envelope else None

    async def _exchange(
        self,
        transport: Transport,
        method: str,
        url: str,
        body: bytes | None,
        headers: Mapping[str, str],
        hosts: Collection[str] | None,
        partner_id: str | None,
        timeout: float,
        logged_path: str | None,
    ) -> tuple[HttpAnswer, Envelope | None]:
        """Send it and log it, whatever comes of it."""
        sent = {
            "X-Request-ID": str(uuid.uuid4()),
            "X-Correlation-ID": correlation.get() or str(uuid.uuid4()),
            "Accept": "application/json",
            **headers,
            **({"Content-Type": "application/json"} if body is not None else {}),
        }
        at, started = self._clock.now(), time.monotonic()
        answer: HttpAnswer | None = None
        envelope: Envelope | None = None
        try:
            answer = await self._client(transport).send(
                method, url, headers=sent, body=body, timeout=timeout, hosts=hosts
            )
            envelope = _read(answer, method)
        finally:
            self._log.record(
                Message(
                    at=at,
                    direction="out",
                    partner_id=partner_id,
                    method=method,
                    path=logged_path or urlsplit(url).path,
                    http_status=answer.status if answer else None,
                    status_code=envelope.status_code if envelope else None,
                    request_id=sent["X-Request-ID"],
                    correlation_id=sent["X-Correlation-ID"],
                    milliseconds=round((time.monotonic() - started) * 1000),
                    request_body=body,
                    response_body=answer.body if answer else None,
                )
            )
        return answer, envelope

    async def close(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.close()

    def _client(self, transport: Transport) -> HttpClient:
        if transport not in self._clients:
            self._clients[transport] = HttpClient(self._identity.client_context(transport), self.guard)
        return self._clients[transport]


def _read(answer: HttpAnswer, method: str) -> Envelope | None:
    """The envelope; None where the HTTP status alone has to speak.

    Nothing but a success, as some servers answer what brings no data, is taken for one [J].
    """
    if method != "GET" and 200 <= answer.status < 300 and not answer.body.strip():
        return Envelope(StatusCode.SUCCESS, None, None, None)
    try:
        return read_envelope(answer.body, answer.status)
    except Unreadable as error:
        if answer.status < 300:
            raise Unreachable(
                f"The partner's answer cannot be read: {error.message}", code="unreadable_answer"
            ) from error
        return None


def _judged(answer: HttpAnswer, envelope: Envelope | None) -> Reply:
    said = (envelope.status_message or "").strip().removesuffix(".") if envelope else ""
    told = f": {said}" if said else ""
    match answer.status:
        case 404:
            raise NotFound(f"The partner does not know this{told}.", code="partner_does_not_know")
        case 401 | 403:
            raise Refused(f"The partner does not let us in{told}.", code="not_authorised")
        case 405:
            raise Refused(f"The partner does not take this method here{told}.", code="method_not_allowed")
        case 429:
            raise TooOften(f"The partner was asked too often{told}.", _retry_after(answer.headers))
        case status if status >= 500:
            raise Unreachable(f"The partner's platform fails (HTTP {status}){told}.", code="partner_fails")
    if envelope is None or answer.status >= 300:
        raise Refused(f"The partner answered HTTP {answer.status}{told}.", code="refused")
    if envelope.status_code in _NOT_PASSED_ON:
        # What became of a request that a clearing house could not hand over in time is as open as without any answer.
        raise Unreachable(f"The clearing house did not reach the partner{told}.", code="not_passed_on")
    return Reply(answer.headers, envelope.require_success())


def _retry_after(headers: Mapping[str, str]) -> timedelta:
    """Of a header in seconds; one that is missing, or a date, is a minute [J]."""
    given = headers.get("retry-after", "")
    seconds = int(given) if given.isascii() and given.isdigit() and len(given) < 10 else _RETRY_AFTER_SECONDS
    return timedelta(seconds=min(seconds, _LONGEST_RETRY_AFTER_SECONDS))


def _party_headers(direction: str, party: Party | None) -> dict[str, str]:
    if party is None:
        return {}
    return {f"OCPI-{direction}-country-code": party.country_code, f"OCPI-{direction}-party-id": party.party_id}
