"""The baseline of the way to the station: two platforms that do nothing but pass on what they get.

Starlette apps over the same mutual TLS with the same client and as many hops as evroam has: the front end asks the home
platform, which answers at once and sends the command; the visited platform answers at once, asks the station and sends
the outcome; the home platform tells it to the front end in an event stream. No store, no models, no tokens, no log.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from core.endpoint.serving import listen, serve, stopping, url_of
from core.endpoint.tls import Identity
from core.http import LOOPBACK, AddressGuard, HttpClient

JSON = {"Content-Type": "application/json"}


@dataclass
class Bare:
    """Both platforms; `arrived` holds when the station was asked, by session."""

    home_url: str
    visited_url: str
    home: HttpClient
    visited: HttpClient
    arrived: dict[str, float] = field(default_factory=dict)
    told: "asyncio.Queue[str]" = field(default_factory=asyncio.Queue)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self, request: Request) -> JSONResponse:
        """At the home platform: the driver's start."""
        given = await request.json()
        self._begin(self._command(given["session"]))
        return JSONResponse({"session": given["session"], "state": "AUTHORISING"})

    async def command(self, request: Request) -> JSONResponse:
        """At the visited platform: the command."""
        given = await request.json()
        self._begin(self._station(given["session"]))
        return JSONResponse({"data": {"result": "ACCEPTED", "timeout": 30}, "status_code": 1000})

    async def outcome(self, request: Request) -> JSONResponse:
        """At the home platform: what the station said."""
        given = await request.json()
        self.told.put_nowait(given["session"])
        return JSONResponse({"status_code": 1000})

    async def events(self, request: Request) -> StreamingResponse:
        """At the home platform: the stream of one driver."""
        ended = stopping(request.scope)

        async def stream() -> AsyncIterator[str]:
            while not ended.is_set():
                try:
                    session = await asyncio.wait_for(self.told.get(), 1)
                except TimeoutError:
                    continue
                yield f"data: {json.dumps({'session': session, 'state': 'AUTHORISED'})}\n\n"

        return StreamingResponse(stream(), media_type="text/event-stream")

    async def _command(self, session: str) -> None:
        await _post(self.home, f"{self.visited_url}/command", session)

    async def _station(self, session: str) -> None:
        self.arrived[session] = time.perf_counter()
        await _post(self.visited, f"{self.home_url}/outcome", session)

    def _begin(self, work: object) -> None:
        assert asyncio.iscoroutine(work)
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


async def _post(client: HttpClient, url: str, session: str) -> None:
    answer = await client.send("POST", url, headers=JSON, body=json.dumps({"session": session}).encode())
    assert answer.status == 200


@asynccontextmanager
async def bare_platforms(home: Identity, visited: Identity) -> AsyncIterator[Bare]:
    """Both, running."""
    listener, visited_listener = listen(), listen()
    guard = AddressGuard(LOOPBACK)
    clients = HttpClient(home.client_context(), guard), HttpClient(visited.client_context(), guard)
    bare = Bare(url_of(listener), url_of(visited_listener), *clients)
    home_app = Starlette(
        routes=[
            Route("/start", bare.start, methods=["POST"]),
            Route("/outcome", bare.outcome, methods=["POST"]),
            Route("/events", bare.events),
        ]
    )
    visited_app = Starlette(routes=[Route("/command", bare.command, methods=["POST"])])
    async with (
        serve(home_app, home.server_context(), listener),
        serve(visited_app, visited.server_context(), visited_listener),
    ):
        yield bare
    for client in clients:
        await client.close()
