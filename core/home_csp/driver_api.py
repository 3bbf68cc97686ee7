"""The driver API: HTTPS and server-sent events between a front end and its home-CSP.

Every front end speaks it, also the embedded one on loopback. Bodies are those of `core.driver_messages`.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import TypeVar

from pydantic import BaseModel
from sqlalchemy import Connection, delete, func, select
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Mount, Route, Router

from core.driver_messages import (
    CardIdentification,
    DriverEvent,
    EventKind,
    Health,
    PinIdentification,
    QuoteRequest,
    SiteQuery,
    StartRequest,
)
from core.driver_messages.stopping import StopRequest
from core.endpoint.serving import stopping
from core.errors import NotAllowed
from core.home_csp.binding_quotes import ask_operator
from core.home_csp.context import Context
from core.home_csp.energy_transfer.record import stream_of
from core.home_csp.energy_transfer.reservations import Reserver
from core.home_csp.energy_transfer.start import Starter
from core.home_csp.energy_transfer.stop import Stopper
from core.home_csp.evse_look_up import find_evse
from core.home_csp.finding import find_places, find_sites, open_site
from core.home_csp.identification import contract_of_request, identify_by_card, identify_by_pin
from core.home_csp.quoting import make_quote, session_price
from core.home_csp.reservation_desk import reservation_routes
from core.home_csp.session_views import history, load_receipt, load_view, recent_views
from core.json_api import NOT_ROUTED, answered, json_answer, path_id, program_version, read_body
from core.model.parties import ObjectKey
from core.store.engine import Event, upsert
from core.store.tables import event as events_table
from core.store.tables import favourite, site

HEARTBEAT_SECONDS = 5.0

T = TypeVar("T")


def driver_api(
    context: Context, starter: Starter, stopper: Stopper, reserver: Reserver, more: Sequence[Route] = ()
) -> Starlette:
    """The ASGI app, mounted at /driver/v1. more: routes of use cases that have a desk of their own."""
    desk = _Desk(context, starter, stopper, reserver)
    key = "/{country_code}/{party_id}/{id:path}"
    routes = [
        Route("/health", answered(desk.health)),
        Route("/sites", answered(desk.sites), methods=["POST"]),
        Route(f"/sites{key}", answered(desk.site)),
        Route("/evses/{evse_id:path}", answered(desk.evse)),
        Route("/places", answered(desk.places)),
        Route("/quotes", answered(desk.quote), methods=["POST"]),
        Route("/identify/card", answered(desk.by_card), methods=["POST"]),
        Route("/identify/pin", answered(desk.by_pin), methods=["POST"]),
        Route("/sessions", answered(desk.start), methods=["POST"]),
        Route("/sessions", answered(desk.sessions)),
        Route("/sessions/{id}", answered(desk.session)),
        Route("/sessions/{id}/stop", answered(desk.stop), methods=["POST"]),
        Route("/sessions/{id}/resume", answered(desk.resume), methods=["POST"]),
        Route("/receipts", answered(desk.receipts)),
        Route("/receipts/{id:path}", answered(desk.receipt)),
        Route(f"/favourites{key}", answered(desk.favour), methods=["PUT", "DELETE"]),
        Route("/events", answered(desk.events)),
        *reservation_routes(context, reserver),
        *more,
    ]
    app = Starlette(
        routes=[Mount("/driver/v1", app=Router(routes, redirect_slashes=False))], exception_handlers=NOT_ROUTED
    )
    app.router.redirect_slashes = False
    return app


class _Desk:
    def __init__(self, context: Context, starter: Starter, stopper: Stopper, reserver: Reserver) -> None:
        self._context = context
        self._reserver = reserver
        self._starter = starter
        self._stopper = stopper

    async def health(self, _request: Request) -> Response:
        partners = self._context.partners.list()
        connected = self._context.visited_csos()
        with self._context.store.read() as connection:
            sites = connection.execute(select(func.count()).select_from(site)).scalar_one()
        return json_answer(
            Health(
                platform="home-CSP",
                name=self._context.name,
                version=program_version(),
                at=self._context.clock.now(),
                demo_speed=self._context.clock.speed,
                partners=len(partners),
                connected=len(connected),
                sites=sites,
            )
        )

    async def sites(self, request: Request) -> Response:
        query = await read_body(request, SiteQuery)
        contract_id = self._optional_contract(request)
        found = await self._context.store.read_async(
            lambda connection: find_sites(connection, self._context, query, contract_id, session_price)
        )
        return json_answer(found)

    async def site(self, request: Request) -> Response:
        contract_id = self._optional_contract(request)
        return json_answer(
            self._read(lambda connection: open_site(connection, self._context, _key(request), contract_id))
        )

    async def evse(self, request: Request) -> Response:
        contract_id, evse_id = self._optional_contract(request), path_id(request, "evse_id")
        return json_answer(self._read(lambda connection: find_evse(connection, self._context, evse_id, contract_id)))

    async def places(self, request: Request) -> Response:
        text = request.query_params.get("q", "")[:100]
        found = await self._context.store.read_async(lambda connection: find_places(connection, text))
        return _json_list(found)

    async def quote(self, request: Request) -> Response:
        asked, contract_id = await read_body(request, QuoteRequest), self._optional_contract(request)
        offer = await ask_operator(self._context, asked, contract_id)
        made = await self._context.store.write(
            lambda connection: make_quote(connection, self._context, asked, contract_id, offer)
        )
        return json_answer(made)

    async def by_card(self, request: Request) -> Response:
        return json_answer(
            await identify_by_card(self._context, (await read_body(request, CardIdentification)).card_uid)
        )

    async def by_pin(self, request: Request) -> Response:
        given = await read_body(request, PinIdentification)
        return json_answer(await identify_by_pin(self._context, given.contract_id, given.pin))

    async def start(self, request: Request) -> Response:
        contract_id = self._contract(request)
        wanted = await read_body(request, StartRequest)
        session_id = await self._reserver.start_if_held(contract_id, wanted.quote_id)
        if session_id is None:
            session_id = await self._starter.start(contract_id, wanted.quote_id, wanted.request_id)
        return json_answer(self._read(lambda connection: load_view(connection, self._context, session_id, contract_id)))

    async def sessions(self, request: Request) -> Response:
        contract_id = self._contract(request)
        return _json_list(self._read(lambda connection: recent_views(connection, self._context, contract_id)))

    async def session(self, request: Request) -> Response:
        contract_id, id = self._contract(request), path_id(request)
        return json_answer(self._read(lambda connection: load_view(connection, self._context, id, contract_id)))

    async def stop(self, request: Request) -> Response:
        contract_id, id = self._contract(request), path_id(request)
        wanted = await read_body(request, StopRequest)
        await self._stopper.stop(id, contract_id, wanted.scope)
        return json_answer(self._read(lambda connection: load_view(connection, self._context, id, contract_id)))

    async def resume(self, request: Request) -> Response:
        contract_id, id = self._contract(request), path_id(request)
        await self._stopper.resume_transfer(id, contract_id)
        return json_answer(self._read(lambda connection: load_view(connection, self._context, id, contract_id)))

    async def receipts(self, request: Request) -> Response:
        contract_id = self._contract(request)
        return json_answer(self._read(lambda connection: history(connection, contract_id)))

    async def receipt(self, request: Request) -> Response:
        contract_id, id = self._contract(request), path_id(request)
        return json_answer(self._read(lambda connection: load_receipt(connection, id, contract_id)))

    async def favour(self, request: Request) -> Response:
        contract_id, key = self._contract(request), _key(request)
        values = {
            "country_code": key.country_code,
            "party_id": key.party_id,
            "site_id": key.id,
            "contract_id": contract_id,
        }

        def write(connection: Connection) -> None:
            if request.method == "PUT":
                open_site(connection, self._context, key, contract_id)  # a favourite is one that the driver can see
                upsert(connection, favourite, values, unless_older=None)
            else:
                connection.execute(delete(favourite).filter_by(**values))

        await self._context.store.write(write)
        return Response(status_code=204)

    async def events(self, request: Request) -> Response:
        contract_id = self._contract(request)
        after = _last_event_id(request)
        still_there = partial(self._contract, request)
        stream = self._stream(
            contract_id, self._latest() if after is None else after, stopping(request.scope), still_there
        )
        return StreamingResponse(stream, media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    async def _stream(
        self, contract_id: str, after: int, stopped: asyncio.Event, still_there: Callable[[], object]
    ) -> AsyncIterator[str]:
        """Events as they are committed, and a heartbeat, so that the front end knows the age of the connection.

        The first beat says where the stream begins, and none names an event that was not sent: a front end may resume
        after any of them. `still_there` raises NotAllowed when the identification has ended, and the stream ends.
        """
        yield _beat(after)
        following = self._context.store.follow([stream_of(contract_id)], after)
        next_event = asyncio.ensure_future(anext(following))
        end = asyncio.ensure_future(stopped.wait())
        try:
            while not stopped.is_set():
                done, _ = await asyncio.wait(
                    {next_event, end}, timeout=HEARTBEAT_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
                still_there()
                if next_event in done:
                    found = next_event.result()
                    next_event = asyncio.ensure_future(anext(following))
                    after = found.sequence
                    yield self._sent(found, contract_id)
                elif not done:
                    yield _beat(after)
        except (StopAsyncIteration, NotAllowed):
            return
        finally:
            end.cancel()
            next_event.cancel()
            with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration):
                await next_event
            await following.aclose()

    def _sent(self, found: Event, contract_id: str) -> str:
        event = self._read(lambda connection: self._event(connection, found, contract_id))
        return f"id: {found.sequence}\nevent: {found.kind}\ndata: {event.model_dump_json()}\n\n"

    def _event(self, connection: Connection, found: Event, contract_id: str) -> DriverEvent:
        if found.kind == EventKind.RECEIPT:
            receipt = load_receipt(connection, found.body["receipt"], contract_id)
            return DriverEvent(id=found.sequence, kind=EventKind.RECEIPT, receipt=receipt)
        view = load_view(connection, self._context, found.body["session"], contract_id)
        return DriverEvent(id=found.sequence, kind=EventKind.SESSION, session=view)

    def _latest(self) -> int:
        with self._context.store.read() as connection:
            return connection.execute(select(func.max(events_table.c.sequence))).scalar() or 0

    def _contract(self, request: Request) -> str:
        return contract_of_request(self._context, request)

    def _optional_contract(self, request: Request) -> str | None:
        return self._contract(request) if "authorization" in request.headers else None

    def _read(self, query: Callable[[Connection], T]) -> T:
        with self._context.store.read() as connection:
            return query(connection)


def _key(request: Request) -> ObjectKey:
    return ObjectKey(**{name: path_id(request, name) for name in ("country_code", "party_id", "id")})


def _last_event_id(request: Request) -> int | None:
    text = request.headers.get("last-event-id", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _beat(after: int) -> str:
    return f"event: {EventKind.BEAT}\ndata: {DriverEvent(id=after, kind=EventKind.BEAT).model_dump_json()}\n\n"


def _json_list(bodies: tuple[BaseModel, ...]) -> Response:
    text = "[" + ",".join(one.model_dump_json() for one in bodies) + "]"
    return Response(text, media_type="application/json")
