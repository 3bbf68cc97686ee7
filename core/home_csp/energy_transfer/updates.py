"""Dynamic charging information (UC3-6): sessions are followed at an interval, and asked for where they fall silent.

A partner without the agreement tells of its sessions at its own pace, which is left to it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from core.endpoint.extensions.dynamicinformation import MODULE, current_session, subscribe
from core.endpoint.partner import Partner
from core.endpoint.partner_requests import TooOften
from core.endpoint.ports import Held
from core.errors import EvroamError, Unreachable
from core.home_csp.context import Context
from core.home_csp.energy_transfer.progress import SessionReceiver
from core.model.parties import ObjectKey
from core.model.services import Service
from core.model.session import ServiceSession, SessionState
from core.model.session_report import SessionReport
from core.model.session_updates import UPDATE_INTERVAL

log = structlog.get_logger(__name__)

SILENT_AFTER = 2
"""Intervals without a word after which a session is asked for [J]."""


@dataclass
class _Followed:
    """interval: as granted, None while it is not. ask_at: when the session is asked for if nothing is heard."""

    partner: Partner
    visited_id: str
    interval: timedelta | None = None
    ask_at: datetime | None = None

    def heard(self, now: datetime) -> None:
        if self.interval is not None:
            silent_at = now + SILENT_AFTER * self.interval
            self.ask_at = silent_at if self.ask_at is None else max(self.ask_at, silent_at)


class SessionUpdates:
    """Implements the endpoint's receiver of session reports: applies each, and follows the session that it is of."""

    def __init__(self, context: Context, receiver: SessionReceiver) -> None:
        self._context = context
        self._receiver = receiver
        self._followed: dict[str, _Followed] = {}

    async def held(self, partner: Partner, key: ObjectKey) -> str | None:
        """As `SessionReceiver.held`."""
        return await self._receiver.held(partner, key)

    async def put(self, partner: Partner, key: ObjectKey, held: Held[SessionReport]) -> None:
        """As `SessionReceiver.put`."""
        self.follow(partner, await self._receiver.applied(partner, held))

    def follow(self, partner: Partner, session: ServiceSession) -> None:
        """Ask for the interval once energy flows; from then on note that something was heard."""
        known = self._followed.get(session.id)
        if not session.is_open:
            self._followed.pop(session.id, None)
        elif known is not None:
            known.heard(self._context.clock.now())
        elif session.state is SessionState.ACTIVE and session.visited_session_id and _tells_when_asked(partner):
            followed = self._followed[session.id] = _Followed(partner, session.visited_session_id)
            self._context.tasks.begin(self._subscribe(session.id, followed))

    async def ask_silent(self) -> None:
        """Ask for each session of which nothing was heard for two intervals, no sooner than its operator allows."""
        now = self._context.clock.now()
        for followed in list(self._followed.values()):
            if followed.ask_at is not None and followed.ask_at <= now:
                await self._ask(followed, now)

    async def _subscribe(self, session_id: str, followed: _Followed) -> None:
        wanted = max(UPDATE_INTERVAL, followed.partner.agreement.update_interval)
        try:
            followed.interval = await subscribe(self._context.calls, followed.partner, followed.visited_id, wanted)
        except Unreachable as error:
            self._followed.pop(session_id, None)  # its next report is a reason to try again
            log.warning("not_subscribed", session=session_id, code=error.code)
        except EvroamError as error:
            log.warning("not_subscribed", session=session_id, code=error.code)
        else:
            followed.heard(self._context.clock.now())

    async def _ask(self, followed: _Followed, now: datetime) -> None:
        followed.ask_at = None
        try:
            held = await current_session(self._context.calls, followed.partner, followed.visited_id)
            report = held.value
            key = ObjectKey(country_code=report.country_code, party_id=report.party_id, id=report.id)
            await self.put(followed.partner, key, held)
        except TooOften as error:
            followed.ask_at = now + error.retry_after
        except EvroamError as error:
            log.warning("silent_session_not_asked_for", session=followed.visited_id, code=error.code)
            followed.heard(now)


def _tells_when_asked(partner: Partner) -> bool:
    agreed = partner.agreement.finishes(Service.DYNAMIC_INFORMATION)
    return agreed and partner.endpoint(MODULE, "SENDER") is not None
