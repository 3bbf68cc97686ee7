"""What is asked and told of charging profiles (UC3-7, UC3-10 on plain OCPI), over the calls of the endpoint."""

from collections.abc import Awaitable, Callable

from core.endpoint.calls import Calls
from core.endpoint.extension import Extension
from core.endpoint.modules.charging_profiles import MODULE
from core.endpoint.ocpi.charging_profiles import (
    ACTIVE,
    PROFILE,
    ActiveChargingProfileResult,
    ChargingProfileResponse,
)
from core.endpoint.ocpi.reading import JsonObject, to_text
from core.endpoint.ocpi.shape import written
from core.endpoint.partner import Partner
from core.endpoint.partner_requests import Reply
from core.endpoint.profiles import ProfileAnswer, ProfilePurpose, ProfileReply, ProfileResult
from core.errors import InvalidInput, Unreachable
from core.model.charging_profiles import ActiveChargingProfile, ChargingProfile
from core.model.parties import ObjectKey
from core.model.services import Service

KIND = "active_profiles"
"""The kind under which the active charging profile of a session is marked in the outbox."""


async def set_profile(
    calls: Calls, partner: Partner, session_id: str, profile: ChargingProfile, request_id: str
) -> ProfileReply:
    """UC3-7: a profile in place of any before; request_id: unique and not to be guessed. Raises as `extension`."""
    url = calls.own_url(MODULE, ProfilePurpose.SET, request_id)
    body: JsonObject = {"charging_profile": PROFILE.wire(profile), "response_url": url}
    return _reply(await _ask(calls, partner, "PUT", session_id, body=to_text(body)))


async def clear_profile(calls: Calls, partner: Partner, session_id: str, request_id: str) -> ProfileReply:
    """The profile is to hold no longer. Raises as `set_profile`."""
    query = {"response_url": calls.own_url(MODULE, ProfilePurpose.CLEAR, request_id)}
    return _reply(await _ask(calls, partner, "DELETE", session_id, query=query))


async def ask_active_profile(
    calls: Calls, partner: Partner, session_id: str, duration_s: int, request_id: str
) -> ProfileReply:
    """What does the station plan for so long? Raises as `set_profile`."""
    url = calls.own_url(MODULE, ProfilePurpose.ACTIVE, request_id)
    return _reply(
        await _ask(calls, partner, "GET", session_id, query={"duration": str(duration_s), "response_url": url})
    )


async def put_active_profile(calls: Calls, partner: Partner, session_id: str, active: ActiveChargingProfile) -> None:
    """UC3-10: the station plans something else. Raises as `set_profile`."""
    service = Service.CHARGING_PREFERENCES
    await calls.extension(partner, service, "PUT", MODULE, "SENDER", session_id, body=ACTIVE.write(active))


async def post_profile_result(
    calls: Calls, partner: Partner, response_url: str, result: ProfileResult, active: ActiveChargingProfile | None
) -> None:
    """The outcome, to where it was asked for. Raises as the calls do."""
    body: JsonObject = written(ActiveChargingProfileResult.model_construct(result=result))
    await calls.respond(partner, response_url, body if active is None else {**body, "profile": ACTIVE.wire(active)})


def pushing(push: Callable[[Partner, str], Awaitable[None]]) -> Extension:
    """How a marked active charging profile is sent: by the session's id. The module itself is one of plain OCPI."""

    async def send(partner: Partner, key: ObjectKey) -> None:
        await push(partner, key.id)

    return Extension(Service.CHARGING_PREFERENCES, pushes={KIND: send})


async def _ask(
    calls: Calls,
    partner: Partner,
    method: str,
    session_id: str,
    *,
    body: str | None = None,
    query: dict[str, str] | None = None,
) -> Reply:
    service = Service.CHARGING_PREFERENCES
    return await calls.extension(partner, service, method, MODULE, "RECEIVER", session_id, body=body, query=query)


def _reply(reply: Reply) -> ProfileReply:
    try:
        shape = ChargingProfileResponse.read(reply.data)
    except InvalidInput as error:
        raise Unreachable(f"The partner's answer cannot be read: {error.message}", code="unreadable_answer") from error
    return ProfileReply(ProfileAnswer(shape.result), shape.timeout)
