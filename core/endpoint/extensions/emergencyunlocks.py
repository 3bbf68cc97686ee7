"""The extension module `emergencyunlocks` (UC5-2, UC5-3): a released request, answered at once, its outcome later.

OCPI's UNLOCK_CONNECTOR names no session, no person and no reason, so this is never sent as one. New names of commands
are legal in 2.3.0 only; a module of its own is the same on every version.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Protocol

from core.endpoint.calls import Calls
from core.endpoint.exchange import Answer, Request
from core.endpoint.exchange import Route as ModuleRoute
from core.endpoint.extension import Extension, module_id
from core.endpoint.ocpi.kinds import CiString, Closed, Count, Moment, Text, YesNo
from core.endpoint.ocpi.reading import Json, parse, to_text
from core.endpoint.ocpi.shape import Shape, written
from core.endpoint.partner import Partner
from core.endpoint.rejection import Rejection
from core.model.cable_unlock import EmergencyUnlock, UnlockCase, UnlockCode, UnlockState
from core.model.parties import ObjectKey
from core.model.services import Service

MODULE = module_id("emergencyunlocks")
KIND = "unlock_outcomes"
"""The kind under which an outcome is marked in the outbox."""

_OUTCOMES = (UnlockState.UNLOCKED, UnlockState.REFUSED, UnlockState.UNSAFE, UnlockState.FAILED)
_WITHIN_SECONDS = 30.0


class UnlockRequest(Shape):
    """A request on the wire. reference: of the authorisation; session_id: the visited-CSO's own."""

    request_id: Annotated[str, CiString(36)]
    case: Annotated[str, Closed(tuple(UnlockCase))]
    country_code: Annotated[str, CiString(2)]
    party_id: Annotated[str, CiString(3)]
    location_id: Annotated[str, CiString(36)]
    evse_uid: Annotated[str, CiString(36)]
    connector_id: Annotated[str, CiString(36)]
    session_id: Annotated[str, CiString(36)] | None = None
    reference: Annotated[str, CiString(36)] | None = None
    reason: Annotated[str, Text(200)] | None = None
    agent_id: Annotated[str, Text(64)]
    user_verified: YesNo
    safety_confirmed: YesNo
    requested_at: Moment


class UnlockReply(Shape):
    """The immediate answer: whether the visited-CSO tries, and the seconds within which the outcome follows."""

    accepted: YesNo
    code: Annotated[str, Closed(tuple(UnlockCode))] | None = None
    timeout: Count


class UnlockOutcome(Shape):
    """What came of a request; state None: nothing yet."""

    state: Annotated[str, Closed(tuple(_OUTCOMES))] | None = None
    code: Annotated[str, Closed(tuple(UnlockCode))] | None = None


@dataclass(frozen=True)
class Reply:
    """The immediate answer in the model's words."""

    accepted: bool
    code: UnlockCode | None = None
    timeout_seconds: int = 0


@dataclass(frozen=True)
class Outcome:
    """What came of a request."""

    state: UnlockState
    code: UnlockCode | None = None


class UnlockReceiver(Protocol):
    """Takes released requests (visited-CSO)."""

    async def request(self, partner: Partner, unlock: EmergencyUnlock) -> Reply:
        """Answer at once; the same request again is answered alike and executed once."""
        ...

    async def outcome(self, partner: Partner, request_id: str) -> tuple[bool, Outcome | None]:
        """Whether the partner sent this request, and what came of it so far."""
        ...


class OutcomeReceiver(Protocol):
    """Takes outcomes (home-CSP)."""

    async def outcome(self, partner: Partner, request_id: str, outcome: Outcome) -> bool:
        """False where no such request was sent to this partner; the same outcome again changes nothing."""
        ...


def unlocking(receiver: UnlockReceiver, push: Callable[[Partner, ObjectKey], Awaitable[None]]) -> Extension:
    """The visited-CSO's side; `push` sends an outcome that is marked."""
    desk = _Unlocking(receiver)
    routes = (
        ModuleRoute(MODULE, "RECEIVER", "POST", "", desk.post),
        ModuleRoute(MODULE, "RECEIVER", "GET", "/{request_id}", desk.get),
    )
    return Extension(Service.EMERGENCY_UNLOCK, routes, pushes={KIND: push})


def requesting(receiver: OutcomeReceiver) -> Extension:
    """The home-CSP's side."""

    async def post(request: Request) -> Answer:
        outcome = _outcome(parse(request.body))
        if outcome is None:
            raise Rejection("An outcome needs its state.", 200, 2001)
        if not await receiver.outcome(request.partner, request.path["request_id"], outcome):
            raise Rejection("No such request was sent to you.", 404)
        return Answer()

    return Extension(Service.EMERGENCY_UNLOCK, (ModuleRoute(MODULE, "SENDER", "POST", "/{request_id}", post),))


async def send_request(calls: Calls, partner: Partner, unlock: EmergencyUnlock) -> Reply:
    """Ask the visited-CSO, once. Raises as `Calls.extension`."""
    shape = UnlockRequest.model_construct(
        request_id=unlock.id,
        case=unlock.case,
        country_code=unlock.site.country_code,
        party_id=unlock.site.party_id,
        location_id=unlock.site.id,
        evse_uid=unlock.evse_uid,
        connector_id=unlock.connector_id,
        session_id=unlock.visited_session_id,
        reference=unlock.reference,
        reason=unlock.reason or None,
        agent_id=unlock.agent,
        user_verified=unlock.user_verified,
        safety_confirmed=unlock.safety_confirmed,
        requested_at=unlock.requested_at,
    )
    answer = await calls.extension(
        partner,
        Service.EMERGENCY_UNLOCK,
        "POST",
        MODULE,
        "RECEIVER",
        body=to_text(written(shape)),
        timeout=_WITHIN_SECONDS,
    )
    reply = UnlockReply.read(answer.data)
    return Reply(reply.accepted, _code(reply.code), reply.timeout)


async def ask_outcome(calls: Calls, partner: Partner, request_id: str) -> Outcome | None:
    """What came of a request, None while nothing has. Raises as `Calls.extension`."""
    answer = await calls.extension(partner, Service.EMERGENCY_UNLOCK, "GET", MODULE, "RECEIVER", request_id)
    return _outcome(answer.data)


async def send_outcome(calls: Calls, partner: Partner, request_id: str, outcome: Outcome) -> None:
    """Tell the home-CSP what came of its request. Raises as `Calls.extension`."""
    body = to_text(written(UnlockOutcome.model_construct(state=outcome.state, code=outcome.code)))
    await calls.extension(partner, Service.EMERGENCY_UNLOCK, "POST", MODULE, "SENDER", request_id, body=body)


class _Unlocking:
    def __init__(self, receiver: UnlockReceiver) -> None:
        self._receiver = receiver

    async def post(self, request: Request) -> Answer:
        unlock = _unlock(UnlockRequest.read(parse(request.body)))
        reply = await self._receiver.request(request.partner, unlock)
        shape = UnlockReply.model_construct(accepted=reply.accepted, code=reply.code, timeout=reply.timeout_seconds)
        return Answer(to_text(written(shape)))

    async def get(self, request: Request) -> Answer:
        known, outcome = await self._receiver.outcome(request.partner, request.path["request_id"])
        if not known:
            raise Rejection("No such request came from you.", 404)
        state, code = (outcome.state, outcome.code) if outcome else (None, None)
        return Answer(to_text(written(UnlockOutcome.model_construct(state=state, code=code))))


def _unlock(shape: UnlockRequest) -> EmergencyUnlock:
    return EmergencyUnlock(
        id=shape.request_id,
        case=UnlockCase(shape.case),
        site=ObjectKey(country_code=shape.country_code, party_id=shape.party_id, id=shape.location_id),
        evse_uid=shape.evse_uid,
        connector_id=shape.connector_id,
        visited_session_id=shape.session_id,
        reference=shape.reference,
        reason=shape.reason or "",
        agent=shape.agent_id,
        user_verified=shape.user_verified,
        safety_confirmed=shape.safety_confirmed,
        requested_at=shape.requested_at,
    )


def _outcome(value: Json) -> Outcome | None:
    shape = UnlockOutcome.read(value)
    return None if shape.state is None else Outcome(UnlockState(shape.state), _code(shape.code))


def _code(text: str | None) -> UnlockCode | None:
    return None if text is None else UnlockCode(text)
