"""Emergency cable unlocking for our drivers (UC5-2, UC5-3): asked for by the driver, released or refused by a person.

A driver's request never reaches the visited-CSO by itself, and never becomes a plain UNLOCK_CONNECTOR: where the
agreement does not cover emergency unlocks, the person at the desk learns so and calls the operator.
"""

import asyncio
from datetime import timedelta

import structlog
from sqlalchemy import Connection

from core.endpoint.extensions import emergencyunlocks
from core.endpoint.extensions.emergencyunlocks import Outcome, Reply
from core.endpoint.partner import Partner
from core.errors import EvroamError, NotFound, Refused, Unreachable
from core.home_csp.context import Context
from core.home_csp.energy_transfer.record import stream_of
from core.model.cable_unlock import (
    MOST_A_DAY,
    EmergencyUnlock,
    UnlockCase,
    UnlockCode,
    UnlockState,
    UnlockStep,
    advance,
    case_of,
)
from core.model.parties import ObjectKey
from core.model.services import Service
from core.store.cable_unlocks import KeptUnlock, count_since, latest_of_session, list_unlocks, load_unlock, save_unlock
from core.store.engine import append_event
from core.store.sessions import load

log = structlog.get_logger(__name__)

_DAY = timedelta(days=1)
_GRACE_SECONDS = 5.0
_LONGEST_WAIT_SECONDS = 120
"""Whatever the partner says: a driver stands there."""


class CableUnlocks:
    """The help desk of the home-CSP, and the endpoint's OutcomeReceiver."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def ask(self, contract_id: str, session_id: str, request_id: str, reason: str) -> EmergencyUnlock:
        """A driver asks for help at a session or failed attempt of hers. The same request again changes nothing.

        Raises NotFound, Refused (unlock_not_here, unlock_too_often).
        """
        return await self._context.store.write(
            lambda connection: self._ask(connection, contract_id, session_id, request_id, reason)
        )

    async def release(self, request_id: str, *, agent: str, user_verified: bool, safety_confirmed: bool) -> KeptUnlock:
        """A person has spoken with the driver and lets the request go to the visited-CSO.

        Raises NotFound, Refused: unlock_over; not_verified; not_agreed, where nothing is sent; the partner's refusal.
        """
        if not (user_verified and safety_confirmed):
            raise Refused(
                "Nothing is released before the driver is known and the place is safe.",
                code="not_verified",
                next_step="Ask for the contract and the post's label, and that nobody touches the cable's pins.",
            )
        kept, partner = await self._context.store.write(lambda connection: self._release(connection, request_id, agent))
        try:
            reply = await emergencyunlocks.send_request(self._context.calls, partner, kept.unlock)
        except EvroamError as error:
            # Without an answer it may have been executed: the outcome is asked for, nothing is sent again.
            log.warning("unlock_not_answered", request=request_id, code=error.code)
            if error.code == "not_offered" or (isinstance(error, Unreachable) and error.never_arrived):
                await self._conclude(request_id, Outcome(UnlockState.FAILED, UnlockCode.UNREACHABLE))
                raise
            reply = Reply(accepted=True, timeout_seconds=30)
        if not reply.accepted:
            await self._conclude(request_id, Outcome(UnlockState.REFUSED, reply.code))
        else:
            self._context.tasks.begin(self._look_after(partner, request_id, reply.timeout_seconds))
        return self._kept(request_id)

    async def refuse(self, request_id: str, *, agent: str, note: str) -> KeptUnlock:
        """A person says no. Raises NotFound, Refused (unlock_over)."""

        def write(connection: Connection) -> None:
            kept = self._load(connection, request_id)
            now = self._context.clock.now()
            refused = advance(kept.unlock, UnlockState.REFUSED, at=now, actor=agent, code=UnlockCode.DESK, note=note)
            self._keep(connection, refused, kept.partner_id)

        await self._context.store.write(write)
        return self._kept(request_id)

    async def outcome(self, partner: Partner, request_id: str, outcome: Outcome) -> bool:
        """What a visited-CSO says came of a request of ours."""
        with self._context.store.read() as connection:
            kept = load_unlock(connection, self._context.party, request_id)
        if kept is None or kept.partner_id != partner.id:
            return False
        await self._conclude(request_id, outcome)
        return True

    def all(self) -> list[KeptUnlock]:
        """Requests, those that wait first."""
        with self._context.store.read() as connection:
            return list_unlocks(connection, self._context.party)

    def resume(self) -> None:
        """The program ended while an outcome was awaited: ask for it."""
        partners = {one.id: one for one in self._context.visited_csos()}
        for kept in self.all():
            if kept.unlock.state is UnlockState.RELEASED and kept.partner_id in partners:
                self._context.tasks.begin(self._look_after(partners[kept.partner_id], kept.unlock.id, 0))

    def _ask(
        self, connection: Connection, contract_id: str, session_id: str, request_id: str, reason: str
    ) -> EmergencyUnlock:
        context, now = self._context, self._context.clock.now()
        earlier = load_unlock(connection, context.party, request_id)
        if earlier is not None and earlier.unlock.contract_id == contract_id:
            return earlier.unlock
        kept = load(connection, context.party, session_id)
        if earlier is not None or kept is None or kept.session.contract_id != contract_id:
            raise NotFound("There is no such session", next_step="Look at your receipts.")
        waiting = latest_of_session(connection, context.party, session_id)
        if waiting is not None and not waiting.is_over:
            return waiting
        session = kept.session
        case = case_of(session, now)
        if case is None:
            raise Refused(
                "No cable of yours can be held there any more",
                code="unlock_not_here",
                next_step="Call the number on the post.",
            )
        if count_since(connection, context.party, contract_id, now - _DAY) >= MOST_A_DAY:
            raise Refused(
                "You have asked too often today", code="unlock_too_often", next_step="Call the number on the post."
            )
        visited = session.visited
        unlock = EmergencyUnlock(
            id=request_id,
            case=case,
            site=ObjectKey(country_code=visited.country_code, party_id=visited.party_id, id=session.site_id),
            evse_uid=session.evse_uid,
            connector_id=session.connector_id,
            reference=session.authorization_reference,
            session_id=session.id,
            visited_session_id=session.visited_session_id if case is UnlockCase.ACTIVATED else None,
            contract_id=contract_id,
            reason=reason,
            requested_at=now,
            steps=(UnlockStep(state=UnlockState.REQUESTED, at=now, actor="driver", note=reason),),
        )
        self._keep(connection, unlock, kept.partner_id)
        return unlock

    def _release(self, connection: Connection, request_id: str, agent: str) -> tuple[KeptUnlock, Partner]:
        kept, now = self._load(connection, request_id), self._context.clock.now()
        partner = next((one for one in self._context.visited_csos() if one.id == kept.partner_id), None)
        agreed = partner is not None and partner.agreement.finishes(Service.EMERGENCY_UNLOCK)
        released = advance(kept.unlock, UnlockState.RELEASED, at=now, actor=agent)
        if partner is None or not agreed:
            raise Refused(
                "The agreement with this operator does not cover emergency unlocks; nothing was sent.",
                code="not_agreed",
                next_step="Call the operator, tell it the post and the session, and refuse the request here.",
            )
        released = released.model_copy(update={"agent": agent, "user_verified": True, "safety_confirmed": True})
        self._keep(connection, released, kept.partner_id)
        return KeptUnlock(released, kept.partner_id), partner

    async def _look_after(self, partner: Partner, request_id: str, seconds: int) -> None:
        """The outcome comes by itself; where it does not, ask once, and else tell the driver that nothing is known."""
        await asyncio.sleep(min(seconds, _LONGEST_WAIT_SECONDS) + _GRACE_SECONDS if seconds else 0)
        if self._kept(request_id).unlock.is_over:
            return
        try:
            found = await emergencyunlocks.ask_outcome(self._context.calls, partner, request_id)
        except EvroamError as error:
            log.warning("unlock_outcome_unknown", request=request_id, code=error.code)
            found = None
        await self._conclude(request_id, found or Outcome(UnlockState.FAILED, UnlockCode.STATION_SILENT))

    async def _conclude(self, request_id: str, outcome: Outcome) -> None:
        def write(connection: Connection) -> None:
            kept, now = self._load(connection, request_id), self._context.clock.now()
            if kept.unlock.is_over:
                return
            ended = advance(kept.unlock, outcome.state, at=now, actor="operator", code=outcome.code)
            self._keep(connection, ended, kept.partner_id)

        await self._context.store.write(write)

    def _load(self, connection: Connection, request_id: str) -> KeptUnlock:
        kept = load_unlock(connection, self._context.party, request_id)
        if kept is None:
            raise NotFound("There is no such request for an emergency unlock.", code="unknown_unlock")
        return kept

    def _kept(self, request_id: str) -> KeptUnlock:
        with self._context.store.read() as connection:
            return self._load(connection, request_id)

    def _keep(self, connection: Connection, unlock: EmergencyUnlock, partner_id: str | None) -> None:
        context, now = self._context, self._context.clock.now()
        save_unlock(connection, context.party, unlock, partner_id=partner_id, at=now)
        append_event(connection, stream=f"incident/{unlock.id}", kind="emergency_unlock", at=now, body=unlock)
        if unlock.contract_id is not None and unlock.session_id is not None:
            append_event(
                connection,
                stream=stream_of(unlock.contract_id),
                kind="session",
                at=now,
                body={"session": unlock.session_id},
            )
