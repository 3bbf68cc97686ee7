"""The driver API's desk of reservations (UC3-8): what one costs, consent, arrive and start, cancel."""

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.driver_messages import SessionView
from core.driver_messages.reservations import ReservationWish, ReserveRequest
from core.home_csp.context import Context
from core.home_csp.energy_transfer.reservations import Reserver
from core.home_csp.identification import contract_of_request
from core.home_csp.reservation_offers import make_offer
from core.home_csp.session_views import load_view
from core.json_api import answered, json_answer, path_id, read_body


def reservation_routes(context: Context, reserver: Reserver) -> tuple[Route, ...]:
    """Routes beside the driver API's own."""
    desk = _Desk(context, reserver)
    return (
        Route("/reservations/offer", answered(desk.offer), methods=["POST"]),
        Route("/reservations", answered(desk.reserve), methods=["POST"]),
        Route("/reservations/{id}/start", answered(desk.start), methods=["POST"]),
        Route("/reservations/{id}/cancel", answered(desk.cancel), methods=["POST"]),
    )


class _Desk:
    def __init__(self, context: Context, reserver: Reserver) -> None:
        self._context = context
        self._reserver = reserver

    async def offer(self, request: Request) -> Response:
        contract_id = contract_of_request(self._context, request) if "authorization" in request.headers else None
        wish = await read_body(request, ReservationWish)
        return json_answer(
            await self._context.store.write(lambda connection: make_offer(connection, self._context, wish, contract_id))
        )

    async def reserve(self, request: Request) -> Response:
        contract_id = contract_of_request(self._context, request)
        session_id = await self._reserver.reserve(contract_id, await read_body(request, ReserveRequest))
        return json_answer(self._view(session_id, contract_id))

    async def start(self, request: Request) -> Response:
        contract_id, id = contract_of_request(self._context, request), path_id(request)
        await self._reserver.use(id, contract_id)
        return json_answer(self._view(id, contract_id))

    async def cancel(self, request: Request) -> Response:
        contract_id, id = contract_of_request(self._context, request), path_id(request)
        await self._reserver.cancel(id, contract_id)
        return json_answer(self._view(id, contract_id))

    def _view(self, session_id: str, contract_id: str) -> SessionView:
        def look(connection: Connection) -> SessionView:
            return load_view(connection, self._context, session_id, contract_id)

        with self._context.store.read() as connection:
            return look(connection)
