"""Two counters for SDRs: drivers dispute a bill at the driver API, people judge SDRs at the admin API (UC3-9)."""

from sqlalchemy import Connection, select
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.admin_messages import SdrDecision, SdrLine, SdrList
from core.driver_messages.disputes import DisputeRequest
from core.home_csp.context import Context
from core.home_csp.identification import contract_of_request
from core.home_csp.sdr_verdicts import decide, dispute
from core.json_api import answered, json_answer, path_id, read_body
from core.model.sdr_verdicts import VerdictState
from core.sdr_keys import key_in
from core.sdr_lines import sdr_lines
from core.store.tables import sdr as table


def driver_routes(context: Context) -> list[Route]:
    """To be mounted with the driver API."""

    async def ask(request: Request) -> Response:
        contract_id, receipt_id = contract_of_request(context, request), path_id(request)
        wanted = await read_body(request, DisputeRequest)
        receipt = await context.store.write(
            lambda connection: dispute(connection, context, contract_id, receipt_id, wanted.note)
        )
        return json_answer(receipt)

    return [Route("/receipts/{id:path}/dispute", answered(ask), methods=["POST"])]


def admin_routes(context: Context) -> list[Route]:
    """To be mounted with the admin API."""
    of_partners = select(table).where(table.c.partner_id.is_not(None))

    async def all_sdrs(_request: Request) -> Response:
        lines = await context.store.read_async(lambda connection: sdr_lines(connection, of_partners))
        return json_answer(SdrList(sdrs=lines))

    def deciding(state: VerdictState) -> Route:
        async def handle(request: Request) -> Response:
            key = key_in(path_id(request))
            wanted = await read_body(request, SdrDecision)

            def write(connection: Connection) -> SdrLine:
                decide(connection, context, key, state, agent=wanted.agent, codes=wanted.codes, note=wanted.note)
                of_key = of_partners.where(
                    table.c.country_code == key.country_code, table.c.party_id == key.party_id, table.c.id == key.id
                )
                return sdr_lines(connection, of_key)[0]

            return json_answer(await context.store.write(write))

        word = "accept" if state is VerdictState.ACCEPTED else "reject"
        return Route(f"/sdrs/{{id:path}}/{word}", answered(handle), methods=["POST"])

    return [
        Route("/sdrs", answered(all_sdrs)),
        deciding(VerdictState.ACCEPTED),
        deciding(VerdictState.REJECTED),
    ]
