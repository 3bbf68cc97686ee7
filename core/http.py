"""The one module that speaks httpx: pooled clients over given TLS contexts, hard limits, and the address guard.

A URL that somebody else chose (a partner's endpoints, a response_url, the Link of a next page) is looked up once,
judged by the addresses it names and connected to exactly there: a name that changes its mind meanwhile gains nothing.
"""

import asyncio
import contextlib
import ipaddress
import socket
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

import httpx
import httpx_sse

from core.errors import NotAllowed, Unreachable

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
LOOPBACK: tuple[Network, ...] = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
_MEGABYTE = 1 << 20
_BEFORE_THE_REQUEST = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""What goes wrong while there is no connection yet on which a request could leave."""


@dataclass(frozen=True)
class HttpAnswer:
    """An answer, whole: header names in lower case, the body as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class ServerEvent:
    """One server-sent event."""

    id: str
    kind: str
    data: str


class AddressGuard:
    """Judges where a connection may go: public addresses, and the networks named here (loopback, a local network)."""

    def __init__(self, networks: Sequence[Network] = ()) -> None:
        self._networks = tuple(networks)

    def check(self, url: str, hosts: Collection[str] | None = None) -> SplitResult:
        """Refuse all but https URLs without user information; where hosts are given, the host must be one of them.

        Raises NotAllowed.
        """
        try:
            parts = urlsplit(url)
            _ = parts.port
        except ValueError as error:
            raise _not_allowed("is not a URL") from error
        if parts.scheme != "https" or not parts.hostname:
            raise _not_allowed("is not an https address")
        if parts.username is not None or parts.password is not None:
            raise _not_allowed("carries a user name")
        if hosts is not None and parts.hostname not in hosts:
            raise _not_allowed(f"leads to {parts.hostname[:80]}, which is no host of this partner")
        return parts

    async def addresses(self, host: str, port: int) -> tuple[str, ...]:
        """The addresses of a host, in the order to try. Raises NotAllowed where one is barred, else Unreachable."""
        try:
            found = [ipaddress.ip_address(host)]
        except ValueError:
            found = await self._look_up(host, port)
        for address in found:
            if not self._admits(address):
                raise _not_allowed(f"leads to {address}, which is not open to partners")
        return tuple(map(str, found))

    async def _look_up(self, host: str, port: int) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
        try:
            answers = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise Unreachable(f"The name {host[:80]} cannot be resolved.") from error
        return [ipaddress.ip_address(str(answer[4][0]).partition("%")[0]) for answer in answers]

    def _admits(self, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
        mapped = getattr(address, "ipv4_mapped", None)
        if mapped is not None:
            return self._admits(mapped)
        if any(address.version == network.version and address in network for network in self._networks):
            return True
        return address.is_global and not address.is_multicast


class HttpClient:
    """Requests over one TLS context, pooled a host; no redirects, no cookies, no proxies, no compression."""

    def __init__(self, context: ssl.SSLContext, guard: AddressGuard) -> None:
        self._context = context
        self._clients: dict[str, httpx.AsyncClient] = {}
        self.guard = guard

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        timeout: float = 30.0,
        limit: int = 32 * _MEGABYTE,
        hosts: Collection[str] | None = None,
    ) -> HttpAnswer:
        """Send one request and read the whole answer, within `timeout` seconds and `limit` bytes.

        Redirects are answers like others. Raises NotAllowed by the address guard, Unreachable without a whole answer:
        unreachable where the request never left; no_answer_in_time, connection_lost, unreadable_answer and
        answer_too_large where it may have been carried out.
        """
        parts = self.guard.check(url, hosts)
        with _typed_errors(parts.hostname or "", timeout):
            async with asyncio.timeout(timeout), self._open(method, parts, headers or {}, body) as response:
                content = bytearray()
                async for chunk in response.aiter_raw():
                    content += chunk
                    if len(content) > limit:
                        raise Unreachable(
                            f"The answer of {parts.hostname} is longer than {limit // 1024} kB.",
                            code="answer_too_large",
                        )
                return HttpAnswer(response.status_code, dict(response.headers), bytes(content))

    @contextlib.asynccontextmanager
    async def events(
        self, url: str, *, headers: Mapping[str, str] | None = None, timeout: float = 10.0
    ) -> AsyncIterator[AsyncIterator[ServerEvent]]:
        """Open a stream of server-sent events within `timeout` seconds. Raises Unreachable, also when it breaks."""
        parts = self.guard.check(url)
        wanted = {**(headers or {}), "Accept": "text/event-stream", "Cache-Control": "no-store"}
        async with contextlib.AsyncExitStack() as stack:
            with _typed_errors(parts.hostname or "", timeout):
                async with asyncio.timeout(timeout):
                    response = await stack.enter_async_context(self._open("GET", parts, wanted, None))
                if response.status_code != 200:
                    raise Unreachable(f"The event stream answers HTTP {response.status_code}.", code="no_event_stream")
            events = await stack.enter_async_context(contextlib.aclosing(_events(response, parts.hostname or "")))
            # First of all, so that nothing is left to wait for in the generators of httpx: nobody but a collector
            # closes those, in tasks that may outlive the loop.
            stack.push_async_callback(response.aclose)
            yield events

    async def close(self) -> None:
        """Close all connections."""
        clients = list(self._clients.values())
        self._clients.clear()
        for client in clients:
            await client.aclose()

    @contextlib.asynccontextmanager
    async def _open(
        self, method: str, parts: SplitResult, headers: Mapping[str, str], body: bytes | None
    ) -> AsyncIterator[httpx.Response]:
        host, port = parts.hostname or "", parts.port or 443
        addresses = await self.guard.addresses(host, port)
        client = self._client(host)
        for last, address in zip([*[False] * (len(addresses) - 1), True], addresses, strict=True):
            request = client.build_request(
                method,
                _at_address(parts, address, port),
                headers={**headers, "Host": parts.netloc, "Accept-Encoding": "identity"},
                content=body,
                extensions={} if _is_address(host) else {"sni_hostname": host},
            )
            try:
                response = await client.send(request, stream=True)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                if last:
                    raise
                continue
            try:
                if response.headers.get("content-encoding", "identity") != "identity":
                    raise Unreachable(
                        f"{host} compresses its answer although it was asked not to.", code="unreadable_answer"
                    )
                yield response
            finally:
                await response.aclose()
            return

    def _client(self, host: str) -> httpx.AsyncClient:
        # A pool a host: connections are made to bare addresses, and two hosts may share one.
        if host not in self._clients:
            self._clients[host] = httpx.AsyncClient(
                verify=self._context,
                trust_env=False,
                follow_redirects=False,
                timeout=httpx.Timeout(None, connect=10.0),
                limits=httpx.Limits(max_connections=32, max_keepalive_connections=16, keepalive_expiry=30.0),
            )
        return self._clients[host]


async def _events(response: httpx.Response, host: str) -> AsyncGenerator[ServerEvent, None]:
    with _typed_errors(host, None):
        try:
            async with contextlib.aclosing(httpx_sse.EventSource(response).aiter_sse()) as events:
                async for event in events:
                    yield ServerEvent(event.id, event.event, event.data)
        except httpx_sse.SSEError as error:
            raise Unreachable(f"{host} does not answer with an event stream.", code="no_event_stream") from error


@contextlib.contextmanager
def _typed_errors(host: str, timeout: float | None) -> Iterator[None]:
    try:
        yield
    except _BEFORE_THE_REQUEST as error:
        raise Unreachable(f"{host} cannot be reached: {error}") from error
    except (TimeoutError, httpx.TimeoutException) as error:
        within = f" within {timeout:g} s" if timeout else ""
        raise Unreachable(f"{host} did not answer{within}.", code="no_answer_in_time") from error
    except httpx.HTTPError as error:
        raise Unreachable(f"{host} broke the connection before its answer: {error}", code="connection_lost") from error
    except httpx.InvalidURL as error:
        raise _not_allowed("is not a URL") from error


def _not_allowed(why: str) -> NotAllowed:
    return NotAllowed(f"The address {why}.", code="address_not_allowed")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _at_address(parts: SplitResult, address: str, port: int) -> str:
    host = f"[{address}]" if ":" in address else address
    query = f"?{parts.query}" if parts.query else ""
    return f"https://{host}:{port}{parts.path or '/'}{query}"
