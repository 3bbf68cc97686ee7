"""Runs ASGI apps on uvicorn, several in one event loop; touches neither signals nor the terminal."""

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Generator
from dataclasses import dataclass
from typing import cast

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from core.endpoint.tls import PeerCertificate

_KEEP_ALIVE_SECONDS = 75
_FIRST_WORD_SECONDS = 10
_GRACE_SECONDS = 2.0
_BACKLOG = 2048
_LONGEST_HEAD = 64 * 1024

# Without a handler of its own, Python prints warnings to the terminal, where the kiosk's screen is.
logging.getLogger("uvicorn").addHandler(logging.NullHandler())


@dataclass(frozen=True)
class Running:
    """A server that answers: its base URL, and the event that long answers watch so as to end when it stops."""

    url: str
    stopping: asyncio.Event


def client_certificate(scope: Scope) -> PeerCertificate | None:
    """The verified certificate of the client, None where it showed none."""
    return cast("PeerCertificate | None", scope.get("client_certificate"))


def stopping(scope: Scope) -> asyncio.Event:
    """Set when the server stops: an open event stream must end then."""
    return cast("asyncio.Event", scope["stopping"])


def listen(host: str = "127.0.0.1", port: int = 0) -> socket.socket:
    """A socket that listens already: its port is known, and held, before anything is served. Port 0 takes a free one.

    Raises OSError where the port is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off only where the socket says that it is TCP.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        # While it is only bound, Linux may give the same port to another that is bound with SO_REUSEADDR.
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def url_of(listener: socket.socket) -> str:
    """The base URL of what listens there, without a path."""
    host, port = listener.getsockname()[:2]
    return f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"


@contextlib.asynccontextmanager
async def serve(app: ASGIApp, context: ssl.SSLContext, listener: socket.socket) -> AsyncIterator[Running]:
    """Serve on this socket until the block is left, and close it then."""
    with listener:
        running = Running(url_of(listener), asyncio.Event())
        server = _Server(app, context, running)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        ready = asyncio.create_task(server.ready.wait())
        try:
            await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                task.result()
            yield running
        finally:
            ready.cancel()
            server.stop()
            await task


class _Corked:
    """A transport that can gather what is written and send it at once: as one TLS record, in one call of the system."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._gathered: list[bytes] | None = None

    def write(self, data: bytes) -> None:
        if self._gathered is None:
            self._transport.write(data)
        else:
            self._gathered.append(data)

    def cork(self) -> None:
        self._gathered = []

    def uncork(self) -> None:
        gathered, self._gathered = self._gathered, None
        if gathered and not self._transport.is_closing():
            self._transport.write(b"".join(gathered))

    def close(self) -> None:
        self.uncork()
        self._transport.close()

    def __getattr__(self, name: str) -> object:
        return getattr(self._transport, name)


class _Protocol(HttpToolsProtocol):
    """Reads the client's certificate once a connection, drops who says nothing, and bounds a request's head."""

    certificate: PeerCertificate | None = None
    _messages = 0
    _in_head = False
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn itself
        super().connection_made(transport)
        tls = transport.get_extra_info("ssl_object")
        der = tls.getpeercert(binary_form=True) if tls else None
        self.certificate = PeerCertificate.read(der) if der else None
        corked = _Corked(transport)
        self.transport = cast(asyncio.Transport, corked)
        app = self.app

        async def with_certificate(scope: Scope, receive: Receive, send: Send) -> None:
            scope["client_certificate"] = self.certificate
            await cast(ASGIApp, app)(scope, receive, _at_once(send, corked))

        self.app = with_certificate
        self.timeout_keep_alive_task = self.loop.call_later(_FIRST_WORD_SECONDS, self.timeout_keep_alive_handler)

    def data_received(self, data: bytes) -> None:
        """The parser would keep a head without end: what belongs wholly to one that is not whole yet is counted."""
        begun = self._messages if self._in_head else None
        super().data_received(data)
        if self._in_head and begun == self._messages and not self.transport.is_closing():
            self._head_bytes += len(data)
            if self._head_bytes > _LONGEST_HEAD:
                self.send_400_response("The head of the request is too long.")

    def on_message_begin(self) -> None:
        self._messages, self._in_head, self._head_bytes = self._messages + 1, True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()


def _at_once(send: Send, transport: _Corked) -> Send:
    """Sends the head of an answer of known length together with its body; a stream's head goes ahead of it."""
    head: Message | None = None

    async def together(message: Message) -> None:
        nonlocal head
        if message["type"] == "http.response.start" and any(
            name == b"content-length" for name, _ in message["headers"]
        ):
            head = message
        elif head is None:
            await send(message)
        else:
            first, head = head, None
            transport.cork()
            try:
                await send(first)
                await send(message)
            finally:
                transport.uncork()

    return together


class _Server(uvicorn.Server):
    def __init__(self, app: ASGIApp, context: ssl.SSLContext, running: Running) -> None:
        self.ready = asyncio.Event()
        self._stop = asyncio.Event()
        self._running = running

        async def with_stopping(scope: Scope, receive: Receive, send: Send) -> None:
            scope["stopping"] = running.stopping
            await app(scope, receive, send)

        super().__init__(
            uvicorn.Config(
                with_stopping,
                ssl_context_factory=lambda _config, _default: context,
                http=_Protocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Signals belong to the process, not to one of its servers."""
        yield

    def stop(self) -> None:
        self._stop.set()

    async def main_loop(self) -> None:
        counter = 0
        while not self._stop.is_set():
            await self.on_tick(counter)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), 1)
            counter += 10

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let answers under way finish, then close what is left, open streams and idle connections alike."""
        for server in self.servers:
            server.close()
        self._running.stopping.set()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        if tasks := set(self.server_state.tasks):
            _, late = await asyncio.wait(tasks, timeout=_GRACE_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for connection in list(self.server_state.connections):
            if connection.transport is not None:
                connection.transport.abort()
