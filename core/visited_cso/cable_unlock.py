"""Emergency cable unlocking at our stations (UC5-2, UC5-3): the interlock and the incident record.

Nothing is unlocked while current flows, nor a cable that another user's session holds. A request is executed once,
however often it comes, and goes on after the program was killed: stopping and unlocking twice is harmless.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy import Connection

from core.endpoint.extensions import emergencyunlocks
from core.endpoint.extensions.emergencyunlocks import Outcome, Reply
from core.endpoint.partner import Partner
from core.errors import NotFound, Refused
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
from core.model.session import ServiceSession, StopReason, change
from core.model.sites import ConnectorFormat
from core.store.cable_unlocks import count_since, list_unlocks, load_unlock, save_unlock
from core.store.engine import append_event
from core.store.sessions import KeptSession, load, load_by_reference, load_open_at
from core.visited_cso.context import Context
from core.visited_cso.energy_transfer.record import keep
from core.visited_cso.equipment import RefusalCode
from core.visited_cso.sites import load_site

log = structlog.get_logger(__name__)

CURRENT_GONE_WITHIN = timedelta(seconds=10)
"""After the stop, on the wall clock: energy that flows longer makes unlocking unsafe [J]."""

ANSWER_WITHIN = timedelta(seconds=30)
_LOOK_EVERY = timedelta(seconds=0.2)
_DAY = timedelta(days=1)

_CODES: dict[str, UnlockCode] = {
    RefusalCode.NOT_SUPPORTED: UnlockCode.NO_LOCK,
    RefusalCode.UNKNOWN_CONNECTOR: UnlockCode.UNKNOWN_CONNECTOR,
    RefusalCode.UNKNOWN_EVSE: UnlockCode.UNKNOWN_CONNECTOR,
    RefusalCode.TIMEOUT: UnlockCode.STATION_SILENT,
}


@dataclass(frozen=True)
class _Begun:
    """What is to be unlocked and the session that holds it; free: nobody else's does."""

    unlock: EmergencyUnlock
    session: ServiceSession | None
    free: bool = True


class CableUnlocks:
    """Implements the endpoint's UnlockReceiver over our stations."""

    def __init__(self, context: Context, *, current_gone_within: timedelta = CURRENT_GONE_WITHIN) -> None:
        self._context = context
        self.current_gone_within = current_gone_within

    async def request(self, partner: Partner, unlock: EmergencyUnlock) -> Reply:
        """Answer at once, and go on with what is accepted."""
        reply, fresh = await self._context.store.write(lambda connection: self._accept(connection, partner, unlock))
        if fresh:
            self._context.tasks.begin(self.execute(unlock.id))
        return reply

    async def outcome(self, partner: Partner, request_id: str) -> tuple[bool, Outcome | None]:
        """Whether the request came from this partner, and what came of it."""
        with self._context.store.read() as connection:
            kept = load_unlock(connection, self._context.party, request_id)
        if kept is None or kept.partner_id != partner.id:
            return False, None
        return True, Outcome(kept.unlock.state, kept.unlock.code) if kept.unlock.is_over else None

    async def push(self, partner: Partner, key: ObjectKey) -> None:
        """Send the outcome that is marked. Raises what the call raises."""
        _, outcome = await self.outcome(partner, key.id)
        if outcome is not None:
            await emergencyunlocks.send_outcome(self._context.endpoint.calls, partner, key.id, outcome)

    def resume(self) -> None:
        """Go on with what was accepted when the program ended."""
        with self._context.store.read() as connection:
            unfinished = [one.unlock for one in list_unlocks(connection, self._context.party) if not one.unlock.is_over]
        for unlock in unfinished:
            self._context.tasks.begin(self.execute(unlock.id))

    async def execute(self, request_id: str) -> None:
        """Stop the energy, wait until no current flows, unlock; the outcome is marked for the home-CSP."""
        context = self._context
        begun = await context.store.write(lambda connection: self._begin(connection, request_id))
        try:
            async with asyncio.timeout(ANSWER_WITHIN.total_seconds()):
                state, code = await self._at_the_station(begun)
        except Refused as refused:
            state, code = UnlockState.FAILED, _CODES.get(refused.code, UnlockCode.LOCK_BROKEN)
        except TimeoutError:
            state, code = UnlockState.FAILED, UnlockCode.STATION_SILENT
        await context.store.write(lambda connection: self._conclude(connection, request_id, state, code))

    async def _at_the_station(self, begun: _Begun) -> tuple[UnlockState, UnlockCode | None]:
        """Unlock, unless somebody else is there by now or the current does not cease."""
        if not begun.free:
            return UnlockState.REFUSED, UnlockCode.IN_USE_BY_ANOTHER
        if begun.session is not None and not await self._without_current(begun.session):
            return UnlockState.UNSAFE, UnlockCode.CURRENT_FLOWS
        await self._context.equipment.unlock(begun.unlock.evse_uid, begun.unlock.connector_id)
        return UnlockState.UNLOCKED, None

    async def _without_current(self, session: ServiceSession) -> bool:
        """Stop the transaction and wait for the current to cease; False where it flows on."""
        equipment = self._context.equipment
        try:
            await equipment.stop(session.id)
            async with asyncio.timeout(self.current_gone_within.total_seconds()):
                while equipment.reading(session.id).current_a > 0:  # noqa: ASYNC110 - no event tells that it ceased
                    await asyncio.sleep(_LOOK_EVERY.total_seconds())
        except NotFound:
            return True  # the station knows no such transaction (any more)
        except TimeoutError:
            return False
        return True

    def _accept(self, connection: Connection, partner: Partner, unlock: EmergencyUnlock) -> tuple[Reply, bool]:
        context = self._context
        earlier = load_unlock(connection, context.party, unlock.id)
        if earlier is not None and earlier.partner_id != partner.id:
            return Reply(accepted=False, code=UnlockCode.NOT_PARTY), False
        if earlier is not None:
            refused = earlier.unlock.state is UnlockState.REFUSED
            return self._reply(earlier.unlock.code if refused else None), False
        kept = self._proof(connection, partner, unlock)
        code = self._objection(connection, partner, unlock, kept)
        now = context.clock.now()
        home = str(partner.roles[0].party) if partner.roles else partner.name
        incident = unlock.model_copy(
            update={
                "session_id": None if kept is None else kept.session.id,
                "contract_id": None if kept is None else kept.session.contract_id,
                "state": UnlockState.RELEASED,
                "steps": (UnlockStep(state=UnlockState.RELEASED, at=now, actor=home, note=unlock.agent),),
            }
        )
        if code is not None:
            incident = advance(incident, UnlockState.REFUSED, at=now, actor=str(context.party), code=code)
        self._keep(connection, incident, partner.id)
        return self._reply(code), code is None

    def _reply(self, code: UnlockCode | None) -> Reply:
        return Reply(accepted=code is None, code=code, timeout_seconds=int(ANSWER_WITHIN.total_seconds()))

    def _proof(self, connection: Connection, partner: Partner, unlock: EmergencyUnlock) -> KeptSession | None:
        """The session or failed attempt that the request names, where it is one of this partner at this EVSE."""
        party = self._context.party
        kept = None
        if unlock.visited_session_id is not None:
            kept = load(connection, party, unlock.visited_session_id)
        elif unlock.reference is not None:
            kept = load_by_reference(connection, party, unlock.reference)
        theirs = kept is not None and kept.partner_id == partner.id and kept.session.evse_uid == unlock.evse_uid
        return kept if theirs else None

    def _objection(
        self, connection: Connection, partner: Partner, unlock: EmergencyUnlock, kept: KeptSession | None
    ) -> UnlockCode | None:
        """Why the request is refused; None where it is not."""
        now = self._context.clock.now()
        if not (unlock.user_verified and unlock.safety_confirmed and unlock.agent):
            return UnlockCode.NOT_VERIFIED
        lockable = self._lockable(connection, unlock)
        if lockable is not None:
            return lockable
        if kept is None:
            return UnlockCode.NOT_PARTY if unlock.case is UnlockCase.ACTIVATED else UnlockCode.NO_MATCHING_ATTEMPT
        if case_of(kept.session, now) is not unlock.case:
            return UnlockCode.TOO_OLD
        holders = load_open_at(connection, self._context.party, unlock.evse_uid)
        if any(one.session.id != kept.session.id for one in holders):
            return UnlockCode.IN_USE_BY_ANOTHER
        asked = count_since(
            connection, self._context.party, kept.session.contract_id, now - _DAY, besides=UnlockState.REFUSED
        )
        return UnlockCode.TOO_OFTEN if asked >= MOST_A_DAY else None

    def _lockable(self, connection: Connection, unlock: EmergencyUnlock) -> UnlockCode | None:
        if unlock.site.party != self._context.party:
            return UnlockCode.UNKNOWN_CONNECTOR
        site = load_site(connection, self._context, unlock.site.id)
        equipment = None if site is None else site.find_equipment(unlock.evse_uid)
        connectors = () if equipment is None else equipment.connectors
        connector = next((one for one in connectors if one.id == unlock.connector_id), None)
        if connector is None:
            return UnlockCode.UNKNOWN_CONNECTOR
        # The lock of a tethered cable is in the car's inlet: no station opens it.
        return UnlockCode.NO_LOCK if connector.format is ConnectorFormat.CABLE else None

    def _begin(self, connection: Connection, request_id: str) -> _Begun:
        kept = load_unlock(connection, self._context.party, request_id)
        assert kept is not None  # it was accepted
        unlock = kept.unlock
        holders = load_open_at(connection, self._context.party, unlock.evse_uid)
        if any(one.session.id != unlock.session_id for one in holders):
            return _Begun(unlock, None, free=False)
        if not holders:
            return _Begun(unlock, None)
        session = change(holders[0].session, stop_reason=StopReason.EMERGENCY_UNLOCK)
        return _Begun(unlock, keep(connection, self._context, session, holders[0].partner_id))

    def _conclude(self, connection: Connection, request_id: str, state: UnlockState, code: UnlockCode | None) -> None:
        context = self._context
        kept = load_unlock(connection, context.party, request_id)
        if kept is None or kept.unlock.is_over:
            return
        now = context.clock.now()
        unlock = advance(kept.unlock, state, at=now, actor=str(context.party), code=code)
        self._keep(connection, unlock, kept.partner_id)
        log.warning("emergency_unlock", request=request_id, state=state, code=code, evse=unlock.evse_uid)
        if kept.partner_id is not None:
            key = ObjectKey(country_code=context.party.country_code, party_id=context.party.party_id, id=request_id)
            context.outbox.mark(connection, [kept.partner_id], emergencyunlocks.KIND, key)

    def _keep(self, connection: Connection, unlock: EmergencyUnlock, partner_id: str | None) -> None:
        context, now = self._context, self._context.clock.now()
        save_unlock(connection, context.party, unlock, partner_id=partner_id, at=now)
        append_event(connection, stream=f"incident/{unlock.id}", kind="emergency_unlock", at=now, body=unlock)
