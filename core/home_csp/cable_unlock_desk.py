"""The two counters of emergency unlocking: drivers ask at the driver API, the help desk decides at the admin API."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.admin_messages import UnlockDecision, UnlockList, UnlockRefusal, UnlockRequestView
from core.driver_messages.cable_unlock import UnlockAsked, UnlockView
from core.home_csp.cable_unlock import CableUnlocks
from core.home_csp.context import Context
from core.home_csp.identification import contract_of_request
from core.json_api import answered, json_answer, path_id, read_body
from core.model.cable_unlock import EmergencyUnlock
from core.model.display import last_four
from core.store.cable_unlocks import KeptUnlock


def driver_routes(context: Context, unlocks: CableUnlocks) -> list[Route]:
    """To be mounted with the driver API."""

    async def ask(request: Request) -> Response:
        contract_id, session_id = contract_of_request(context, request), path_id(request)
        asked = await read_body(request, UnlockAsked)
        return json_answer(unlock_view(await unlocks.ask(contract_id, session_id, asked.request_id, asked.reason)))

    return [Route("/sessions/{id}/unlock", answered(ask), methods=["POST"])]


def admin_routes(context: Context, unlocks: CableUnlocks) -> list[Route]:
    """To be mounted with the admin API."""

    async def all_requests(_request: Request) -> Response:
        return json_answer(UnlockList(unlocks=tuple(_desk_view(context, one) for one in unlocks.all())))

    async def release(request: Request) -> Response:
        wanted = await read_body(request, UnlockDecision)
        kept = await unlocks.release(
            path_id(request),
            agent=wanted.agent,
            user_verified=wanted.user_verified,
            safety_confirmed=wanted.safety_confirmed,
        )
        return json_answer(_desk_view(context, kept))

    async def refuse(request: Request) -> Response:
        wanted = await read_body(request, UnlockRefusal)
        kept = await unlocks.refuse(path_id(request), agent=wanted.agent, note=wanted.note)
        return json_answer(_desk_view(context, kept))

    return [
        Route("/unlocks", answered(all_requests)),
        Route("/unlocks/{id}/release", answered(release), methods=["POST"]),
        Route("/unlocks/{id}/refuse", answered(refuse), methods=["POST"]),
    ]


def unlock_view(unlock: EmergencyUnlock) -> UnlockView:
    """A request as its driver sees it."""
    return UnlockView(
        id=unlock.id,
        state=unlock.state,
        code=unlock.code,
        requested_at=unlock.requested_at,
        at=unlock.steps[-1].at if unlock.steps else unlock.requested_at,
    )


def _desk_view(context: Context, kept: KeptUnlock) -> UnlockRequestView:
    unlock = kept.unlock
    partner = next((one.name for one in context.partners.list() if one.id == kept.partner_id), str(unlock.site.party))
    return UnlockRequestView(
        id=unlock.id,
        case=unlock.case,
        operator=partner,
        site=str(unlock.site),
        evse_uid=unlock.evse_uid,
        connector_id=unlock.connector_id,
        session=unlock.session_id or "",
        contract=last_four(unlock.contract_id or ""),
        reason=unlock.reason,
        requested_at=unlock.requested_at,
        state=unlock.state,
        code=unlock.code,
        steps=unlock.steps,
    )
