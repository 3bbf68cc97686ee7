"""Sending on what passed the switch: within the sender's time, and not again and again to who does not answer."""

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.clearing_house.addresses import Address
from core.clearing_house.aliases import End
from core.clearing_house.context import Context
from core.endpoint.ocpi.envelope import StatusCode
from core.endpoint.rejection import Rejection
from core.errors import NotAllowed, Unreachable
from core.http import HttpAnswer
from core.model.display import printable

_FAILURES_ALLOWED = 3
_FIRST_PAUSE = timedelta(seconds=10)
_LONGEST_PAUSE = timedelta(minutes=5)


class HubError(Rejection):
    """An answer of the switch itself: HTTP 200 with a code from 4000 to 4003."""

    code = "hub_error"

    def __init__(self, message: str, status_code: int = StatusCode.HUB_ERROR) -> None:
        super().__init__(message, 200, status_code)


@dataclass(frozen=True)
class Outgoing:
    """One request as it goes on: the URL is the receiver's own, the body is the sender's."""

    address: Address
    method: str
    url: str
    body: bytes | None
    sender: End
    receiver: End
    deadline: float

    def seconds_left(self) -> float:
        """Of the sender's time, on the clock of the event loop."""
        return self.deadline - asyncio.get_running_loop().time()


@dataclass(frozen=True)
class Delivered:
    """What the receiver answered, as it came. onward_id: the X-Request-ID that it saw."""

    answer: HttpAnswer
    status_code: int | None
    onward_id: str

    @property
    def succeeded(self) -> bool:
        """Whether the receiver took it."""
        return self.answer.status < 300 and self.status_code is not None and 1000 <= self.status_code < 2000


class Breaker:
    """Leaves a partner alone that failed three times running: for ten seconds, then longer; one request tries again."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._failures: dict[str, int] = {}
        self._open_until: dict[str, datetime] = {}

    def admits(self, partner_id: str) -> bool:
        """Whether a request may go there; the first one after a pause may, the others wait for what becomes of it."""
        until = self._open_until.get(partner_id)
        if until is None:
            return True
        if self._now() < until:
            return False
        self._open_until[partner_id] = self._now() + _FIRST_PAUSE
        return True

    def failed(self, partner_id: str) -> bool:
        """Count a failure; whether the partner is left alone now."""
        failures = self._failures[partner_id] = self._failures.get(partner_id, 0) + 1
        if failures < _FAILURES_ALLOWED:
            return False
        pause = min(_FIRST_PAUSE * 2 ** min(failures - _FAILURES_ALLOWED, 10), _LONGEST_PAUSE)
        self._open_until[partner_id] = self._now() + pause
        return True

    def answered(self, partner_id: str) -> None:
        """It is there."""
        self._failures.pop(partner_id, None)
        self._open_until.pop(partner_id, None)


class Onward:
    """Sends on. lost, heard: told of partners that stop and that start to answer."""

    def __init__(self, context: Context, lost: Callable[[str], None], heard: Callable[[str], None]) -> None:
        self._context = context
        self._lost = lost
        self._heard = heard
        self.breaker = Breaker(context.wire_clock.now)

    async def send(self, outgoing: Outgoing) -> Delivered:
        """The receiver's answer. Raises HubError: 4002 where it did not come in time, 4003 without a connection."""
        partner = outgoing.receiver.partner
        left = outgoing.seconds_left()
        if left <= 0:
            raise HubError("Its time was over before it could go on.", StatusCode.TIMEOUT)
        if not self.breaker.admits(partner.id):
            raise HubError(f"{outgoing.receiver.party} does not answer at present.", StatusCode.CONNECTION_PROBLEM)
        onward_id = str(uuid.uuid4())
        try:
            answer, status_code = await self._context.endpoint.requests.pass_on(
                partner,
                outgoing.method,
                outgoing.url,
                outgoing.body,
                sender=outgoing.sender.party,
                receiver=outgoing.receiver.party,
                request_id=onward_id,
                timeout=left,
                logged_path=outgoing.address.shown,
            )
        except Unreachable as error:
            raise self._failed(outgoing, error) from error
        except NotAllowed as error:
            raise HubError(printable(error.message)[:300], StatusCode.CONNECTION_PROBLEM) from error
        self.breaker.answered(partner.id)
        self._heard(partner.id)
        return Delivered(answer, status_code, onward_id)

    def _failed(self, outgoing: Outgoing, error: Unreachable) -> HubError:
        party = outgoing.receiver.party
        if error.code in {"unreadable_answer", "answer_too_large"}:
            return HubError(f"The answer of {party} cannot be passed on: {printable(error.message)[:200]}")
        if self.breaker.failed(outgoing.receiver.partner.id):
            self._lost(outgoing.receiver.partner.id)
        if not error.never_arrived:
            # OCPI's 4002 is a message that was sent on and not answered; after a 4003 it may come again.
            return HubError(f"{party} has not answered: {printable(error.message)[:200]}", StatusCode.TIMEOUT)
        return HubError(f"{party} cannot be reached.", StatusCode.CONNECTION_PROBLEM)


def deadline_of(context: Context, address: Address) -> float:
    """Until when a request that has just come must be answered, on the clock of the event loop."""
    within = context.within
    seconds = within.identification if address.asks_identification else within.request
    return asyncio.get_running_loop().time() + seconds
