"""Charging profiles (UC3-7, UC3-10): taken at the visited-CSO, their outcome and their changes at the home-CSP."""

from collections.abc import Callable, Iterator

from core.endpoint.exchange import Answer, Request, Route
from core.endpoint.ocpi.charging_profiles import (
    ACTIVE,
    PROFILE,
    ActiveChargingProfileResult,
    ChargingProfileResponse,
    SetChargingProfile,
)
from core.endpoint.ocpi.reading import parse, to_text
from core.endpoint.ocpi.shape import written
from core.endpoint.partner import Partner
from core.endpoint.ports import Ports
from core.endpoint.profiles import ProfilePurpose, ProfileReceiver, ProfileReply, ProfileResult, ProfileResultReceiver
from core.endpoint.rejection import Rejection
from core.errors import InvalidInput, NotAllowed

MODULE = "chargingprofiles"
_LONGEST_DURATION_S = 366 * 24 * 3600

CheckUrl = Callable[[Partner, str], None]


def routes(ports: Ports, check_url: CheckUrl) -> Iterator[Route]:
    """A response_url has to lead to its sender, in a body and in a query alike."""
    if ports.profiles is not None:
        receiving = _Receiving(ports.profiles, check_url)
        yield Route(MODULE, "RECEIVER", "PUT", "/{session_id}", receiving.put)
        yield Route(MODULE, "RECEIVER", "GET", "/{session_id}", receiving.get)
        yield Route(MODULE, "RECEIVER", "DELETE", "/{session_id}", receiving.delete)
    if ports.profile_results is not None:
        results = _Results(ports.profile_results)
        yield Route(MODULE, "SENDER", "PUT", "/{session_id}", results.put)
        yield Route(MODULE, "SENDER", "POST", "/{purpose}/{request_id}", results.post)


class _Receiving:
    def __init__(self, port: ProfileReceiver, check_url: CheckUrl) -> None:
        self._port = port
        self._check_url = check_url

    async def put(self, request: Request) -> Answer:
        shape = SetChargingProfile.read(parse(request.body))
        url = self._checked(request, shape.response_url)
        profile = PROFILE.of(shape.charging_profile)
        return _answer(await self._port.set_profile(request.partner, request.path["session_id"], profile, url))

    async def get(self, request: Request) -> Answer:
        url = self._checked(request, request.query.get("response_url"))
        duration = _duration(request.query.get("duration", ""))
        return _answer(await self._port.active_profile(request.partner, request.path["session_id"], duration, url))

    async def delete(self, request: Request) -> Answer:
        url = self._checked(request, request.query.get("response_url"))
        return _answer(await self._port.clear_profile(request.partner, request.path["session_id"], url))

    def _checked(self, request: Request, url: str | None) -> str:
        if not url:
            raise InvalidInput("response_url is required here.")
        try:
            self._check_url(request.partner, url)
        except NotAllowed as error:
            raise InvalidInput(f"response_url: {error.message}") from error
        return url


class _Results:
    def __init__(self, port: ProfileResultReceiver) -> None:
        self._port = port

    async def put(self, request: Request) -> Answer:
        active = ACTIVE.read(request.body).value
        await self._port.profile_changed(request.partner, request.path["session_id"], active)
        return Answer()

    async def post(self, request: Request) -> Answer:
        # The results of setting and clearing are this one without a profile.
        shape = ActiveChargingProfileResult.read(parse(request.body))
        active = None if shape.profile is None else ACTIVE.of(shape.profile)
        purpose, id = _purpose(request.path["purpose"]), request.path["request_id"]
        known = purpose is not None and await self._port.profile_result(
            request.partner, purpose, id, ProfileResult(shape.result), active
        )
        if not known:
            raise Rejection("No such request was sent to you.", 404)
        return Answer()


def _answer(reply: ProfileReply) -> Answer:
    shape = ChargingProfileResponse.model_construct(result=reply.answer, timeout=reply.timeout_seconds)
    return Answer(to_text(written(shape)))


def _duration(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 12 and 0 < int(text) <= _LONGEST_DURATION_S):
        raise InvalidInput("duration has to be a number of seconds.")
    return int(text)


def _purpose(text: str) -> ProfilePurpose | None:
    return ProfilePurpose(text) if text in set(ProfilePurpose) else None
