"""The extension module `dynamicinformation` (UC3-6): how often a home-CSP is told of a session, and how it stands now.

OCPI leaves the pace of session updates to the operator and has no GET of one session at its owner. The updates
themselves stay plain OCPI: a partner without the agreement is told of its sessions at the operator's own pace.
"""

from datetime import timedelta
from typing import Protocol

from core.endpoint.calls import Calls
from core.endpoint.exchange import Answer, Request, Route
from core.endpoint.extension import Extension, module_id
from core.endpoint.ocpi.kinds import Count
from core.endpoint.ocpi.reading import parse, to_text
from core.endpoint.ocpi.shape import Shape, written
from core.endpoint.partner import Partner
from core.endpoint.ports import Held
from core.endpoint.stored import Kind, in_version
from core.errors import InvalidInput, Unreachable
from core.model.services import Service
from core.model.session_report import SessionReport
from core.model.session_updates import LONGEST_INTERVAL

MODULE = module_id("dynamicinformation")
_SUBSCRIPTION = "subscription"


class Subscription(Shape):
    """The interval, in seconds: asked for, and in the answer granted."""

    interval: Count


class UpdateSource(Protocol):
    """Tells of sessions (visited-CSO)."""

    async def subscribe(self, partner: Partner, session_id: str, interval: timedelta) -> timedelta:
        """The interval at which readings are told from now on. Raises NotFound, Refused for a session that is over."""
        ...

    def current(self, partner: Partner, session_id: str) -> str:
        """The session's text as it stands. Raises NotFound, Rejection (429) where it is asked for too often."""
        ...


def telling(source: UpdateSource) -> Extension:
    """The visited-CSO's side."""

    async def subscribe(request: Request) -> Answer:
        interval = _interval_of(Subscription.read(parse(request.body)))
        granted = await source.subscribe(request.partner, request.path["session_id"], interval)
        return Answer(_subscription_text(granted))

    async def current(request: Request) -> Answer:
        text = source.current(request.partner, request.path["session_id"])
        return Answer(in_version(text, Kind.SESSION, request.partner.version or ""))

    routes = (
        Route(MODULE, "SENDER", "PUT", f"/{{session_id}}/{_SUBSCRIPTION}", subscribe),
        Route(MODULE, "SENDER", "GET", "/{session_id}", current),
    )
    return Extension(Service.DYNAMIC_INFORMATION, routes)


async def subscribe(calls: Calls, partner: Partner, session_id: str, interval: timedelta) -> timedelta:
    """Ask for an interval; the one that is granted. Raises as `Calls.extension`."""
    reply = await calls.extension(
        partner,
        Service.DYNAMIC_INFORMATION,
        "PUT",
        MODULE,
        "SENDER",
        session_id,
        _SUBSCRIPTION,
        body=_subscription_text(interval),
    )
    try:
        return _interval_of(Subscription.read(reply.data))
    except InvalidInput as error:
        raise Unreachable(f"The partner's answer cannot be read: {error.message}", code="unreadable_answer") from error


async def current_session(calls: Calls, partner: Partner, session_id: str) -> Held[SessionReport]:
    """A session as it stands. Raises as `Calls.extension`, TooOften."""
    reply = await calls.extension(partner, Service.DYNAMIC_INFORMATION, "GET", MODULE, "SENDER", session_id)
    held = calls.session_in(partner, reply.data)
    if held.value.id.casefold() != session_id.casefold():
        raise Unreachable("The partner answered with another session.", code="unreadable_answer")
    return held


def _interval_of(shape: Subscription) -> timedelta:
    if not 1 <= shape.interval <= LONGEST_INTERVAL.total_seconds():
        raise InvalidInput(f"interval has to be 1 to {LONGEST_INTERVAL.total_seconds():.0f} seconds.")
    return timedelta(seconds=shape.interval)


def _subscription_text(interval: timedelta) -> str:
    return to_text(written(Subscription.model_construct(interval=round(interval.total_seconds()))))
