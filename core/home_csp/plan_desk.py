"""The desk of the driver API for charge plans (UC3-7, UC3-10)."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.driver_messages.plans import PlanRequest, PlanWord
from core.home_csp.context import Context
from core.home_csp.energy_transfer.plans import ChargePlans
from core.home_csp.identification import contract_of_request
from core.home_csp.session_views import load_view
from core.json_api import answered, json_answer, path_id, read_body


def plan_routes(context: Context, plans: ChargePlans) -> Sequence[Route]:
    """Ask for a plan, and say yes or no to one; both answer with the session, which holds the plan."""

    async def ask(request: Request) -> Response:
        contract_id, id = contract_of_request(context, request), path_id(request)
        await plans.request(id, contract_id, await read_body(request, PlanRequest))
        return view(id, contract_id)

    async def answer(request: Request) -> Response:
        contract_id, id = contract_of_request(context, request), path_id(request)
        await plans.word(id, contract_id, await read_body(request, PlanWord))
        return view(id, contract_id)

    def view(id: str, contract_id: str) -> Response:
        with context.store.read() as connection:
            return json_answer(load_view(connection, context, id, contract_id))

    return (
        Route("/sessions/{id}/plan", answered(ask), methods=["POST"]),
        Route("/sessions/{id}/plan/answer", answered(answer), methods=["POST"]),
    )
