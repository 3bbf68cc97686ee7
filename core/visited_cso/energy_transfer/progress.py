"""What stations report, applied to sessions (UC3-5, UC3-6) and to the status of the EV supply equipment (UC1-3)."""

from decimal import Decimal
from uuid import uuid4

import structlog
from sqlalchemy import Connection

from core.errors import EvroamError
from core.model.measuring import measured, parked, without_empty_end
from core.model.reservations import CancelReason
from core.model.reserving import held, run_out, used
from core.model.session import (
    ENERGY_DECREASED,
    ServiceSession,
    SessionRule,
    SessionState,
    StopReason,
    TransactionKind,
    begin_energy_transfer,
    begin_transaction,
    change,
    end_energy_transfer,
    end_transaction,
    move,
)
from core.store.alarms import raise_alarm
from core.store.sessions import KeptSession, load, load_open_at
from core.visited_cso import equipment as station
from core.visited_cso.context import Context
from core.visited_cso.energy_transfer.completion import complete
from core.visited_cso.energy_transfer.plugged import at_connector
from core.visited_cso.energy_transfer.record import keep
from core.visited_cso.energy_transfer.reserved import cancel, close_unused
from core.visited_cso.outages import status_to_tell
from core.visited_cso.sites import set_status, status_of

log = structlog.get_logger(__name__)

_REASONS = {
    station.StopReason.REMOTE: StopReason.REMOTE,
    station.StopReason.LOCAL: StopReason.LOCAL,
    station.StopReason.EV_DISCONNECTED: StopReason.EV_DISCONNECTED,
    station.StopReason.UNLOCKED: StopReason.EMERGENCY_UNLOCK,
    station.StopReason.STATION: StopReason.EQUIPMENT,
    station.StopReason.FAULT: StopReason.EQUIPMENT,
    station.StopReason.POWER_LOSS: StopReason.POWER_LOSS,
}

_SUSPENSIONS = {"ev": StopReason.EV_FULL, "evse": StopReason.EQUIPMENT, "remote": StopReason.REMOTE}


class Progress:
    """Hears the equipment. An event that comes again changes nothing: its moment is not after the last word."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def heard(self, event: station.EquipmentEvent) -> None:
        """Apply one event to the end; when this returns, it is durable.

        A transaction that starts after its session was given up is stopped: nobody would pay for it.
        """
        state = self._context.equipment.evse_state(event.evse_uid)
        kept = await self._context.store.write(lambda connection: self._apply(connection, event, state))
        if isinstance(event, station.TransactionStarted) and kept is not None and not kept.session.is_open:
            self._context.tasks.begin(self._stop(event.transaction_id))
        if isinstance(event, station.Faulted) and kept is not None and kept.session.state is SessionState.RESERVED:
            self._context.tasks.begin(self._give_up(kept.session.id))

    async def _give_up(self, session_id: str) -> None:
        await cancel(self._context, session_id, CancelReason.BROKEN_CHARGER)

    async def _stop(self, transaction_id: str) -> None:
        try:
            await self._context.equipment.stop(transaction_id)
        except EvroamError as error:
            log.error("late_start_not_stopped", transaction=transaction_id, code=error.code)

    def _apply(
        self, connection: Connection, event: station.EquipmentEvent, state: station.EvseState
    ) -> KeptSession | None:
        """The session that the event found, as it was before."""
        kept = self._session_of(connection, event)
        if kept is not None:
            try:
                self._to_session(connection, kept, event)
            except SessionRule as broken:
                self._not_applied(connection, kept.session, event, broken)
        occupied = bool(load_open_at(connection, self._context.party, event.evse_uid))
        # Dated now, not when it happened: a report that comes late must not look like old news to partners.
        now = self._context.clock.now()
        heard = status_of(state, occupied=occupied)
        told = status_to_tell(connection, self._context, event.evse_uid, heard, now)
        set_status(connection, self._context, event.evse_uid, told, now)
        return kept

    def _not_applied(
        self, connection: Connection, session: ServiceSession, event: station.EquipmentEvent, broken: SessionRule
    ) -> None:
        if broken.code == ENERGY_DECREASED:
            raise_alarm(connection, broken.code, at=event.moment, session=session.id, evse=event.evse_uid)
        else:
            log.warning("event_not_applied", event=event.kind, session=session.id, reason=broken.message)

    def _session_of(self, connection: Connection, event: station.EquipmentEvent) -> KeptSession | None:
        named = getattr(event, "transaction_id", None) or getattr(event, "reservation_id", None)
        if named is not None:
            return load(connection, self._context.party, named)
        holding = load_open_at(connection, self._context.party, event.evse_uid)
        return holding[0] if holding else None

    def _to_session(self, connection: Connection, kept: KeptSession, event: station.EquipmentEvent) -> None:
        before = kept.session
        if isinstance(event, station.TransactionStarted):
            before = at_connector(connection, self._context, before, event.connector_id)
        after = applied(before, event)
        if after is before:
            return
        if after.state is SessionState.NO_SHOW:
            close_unused(connection, self._context, after, kept.partner_id)
        elif after.state is SessionState.CLOSING:
            complete(connection, self._context, after, kept.partner_id)
        else:
            after, tell = paced(after, event)
            keep(connection, self._context, after, kept.partner_id, tell=tell)


def paced(session: ServiceSession, event: station.EquipmentEvent) -> tuple[ServiceSession, bool]:
    """The session, and whether its home-CSP is to hear of the event: of readings at the interval that it asked for."""
    if session.updates is None or not isinstance(event, station.MeterValue):
        return session, True
    if not session.updates.is_due(event.moment):
        return session, False
    return change(session, updates=session.updates.model_copy(update={"told_at": event.moment})), True


def applied(session: ServiceSession, event: station.EquipmentEvent) -> ServiceSession:
    """The session after the event; the same object where the event changes nothing. Raises SessionRule."""
    if not session.is_open:
        return session
    match event:
        case station.TransactionStarted():
            return _started(session, event)
        case station.EnergyFlowing():
            return _flowing(session, event)
        case station.MeterValue():
            return _metered(session, event)
        case station.Suspended():
            return _suspended(session, event)
        case station.TransactionStopped():
            return _stopped(session, event)
        case station.Unplugged():
            return _unplugged(session, event)
        case station.ReservationExpired() if session.reservation is not None and session.started_at is None:
            return _expired(session, event)
        case station.Offline() if session.state is SessionState.ACTIVE:
            return move(session, SessionState.SUSPECT, at=event.moment, actor="station", reason="offline")
        case station.Online() if session.state is SessionState.SUSPECT:
            return move(session, SessionState.ACTIVE, at=event.moment, actor="station", reason="online")
    return session


def _expired(session: ServiceSession, event: station.ReservationExpired) -> ServiceSession:
    return run_out(session, at=event.moment, actor="station")


def _started(session: ServiceSession, event: station.TransactionStarted) -> ServiceSession:
    if session.running(TransactionKind.ENERGY) is not None or session.meter_start is not None:
        return session
    if session.state is SessionState.RESERVED:
        session = move(session, SessionState.AUTHORISED, at=event.moment, actor="station")
    session = used(session, event.moment)
    session = move(session, SessionState.ACTIVE, at=event.moment, actor="station")
    session = change(session, meter_start=event.register_kwh, last_word_at=event.moment)
    session = begin_transaction(session, TransactionKind.ENERGY, id=str(uuid4()), at=event.moment)
    return begin_energy_transfer(session, id=str(uuid4()), at=event.moment, meter=event.register_kwh)


def _flowing(session: ServiceSession, event: station.EnergyFlowing) -> ServiceSession:
    energy = session.running(TransactionKind.ENERGY)
    if energy is None or energy.energy_transfers[-1].end is None or _came_before(session, event):
        return session
    session = measured(session, at=event.moment, energy=session.energy, charging=False)
    session = end_transaction(session, TransactionKind.PARKING, at=event.moment)
    meter = (session.meter_start or Decimal(0)) + session.energy
    return begin_energy_transfer(session, id=str(uuid4()), at=event.moment, meter=meter)


def _metered(session: ServiceSession, event: station.MeterValue) -> ServiceSession:
    if _came_before(session, event) or event.moment == session.last_word_at:
        return session
    reading = event.reading
    return measured(
        session,
        at=event.moment,
        energy=reading.session_energy_kwh,
        charging=is_transferring(session),
        power_kw=Decimal(reading.power_w) / 1000,
        current_a=reading.total_current_a,
        state_of_charge=reading.soc_percent,
    )


def _suspended(session: ServiceSession, event: station.Suspended) -> ServiceSession:
    if not is_transferring(session):
        return session
    meter = (session.meter_start or Decimal(0)) + session.energy
    reason = _SUSPENSIONS[event.by]
    session = measured(session, at=event.moment, energy=session.energy, charging=True, power_kw=Decimal(0))
    session = end_energy_transfer(session, at=event.moment, meter=meter, reason=reason)
    session = begin_transaction(session, TransactionKind.PARKING, id=str(uuid4()), at=event.moment)
    return parked(session, event.moment)


def _stopped(session: ServiceSession, event: station.TransactionStopped) -> ServiceSession:
    if session.reservation is not None and session.meter_start is None:
        return held(change(session, stop_requested_at=None), at=event.moment, actor="station")
    if event.reason is station.StopReason.CABLE_NOT_SEEN:
        return move(session, SessionState.EXPIRED, at=event.moment, actor="station", reason="cable not seen")
    if session.meter_start is None:
        return move(session, SessionState.EXPIRED, at=event.moment, actor="station", reason="stopped before it began")
    if session.running(TransactionKind.ENERGY) is None:
        return session
    reason = _REASONS[event.reason]
    session = measured(
        session,
        at=event.moment,
        energy=event.session_energy_kwh,
        charging=is_transferring(session),
        power_kw=Decimal(0),
    )
    session = end_energy_transfer(session, at=event.moment, meter=event.register_kwh, reason=reason)
    session = end_transaction(session, TransactionKind.ENERGY, at=event.moment)
    session = change(session, stop_reason=session.stop_reason or reason)
    if event.reason in {station.StopReason.EV_DISCONNECTED, station.StopReason.POWER_LOSS}:
        return _closing(session, event)
    if session.running(TransactionKind.PARKING) is None:
        session = begin_transaction(session, TransactionKind.PARKING, id=str(uuid4()), at=event.moment)
    return parked(session, event.moment)


def _unplugged(session: ServiceSession, event: station.Unplugged) -> ServiceSession:
    if session.meter_start is None or session.running(TransactionKind.ENERGY) is not None:
        return session  # not begun, or the station reports the end of the transaction itself
    session = measured(session, at=event.moment, energy=session.energy, charging=False, power_kw=Decimal(0))
    return _closing(session, event)


def _closing(session: ServiceSession, event: station.EvseEvent) -> ServiceSession:
    session = end_transaction(without_empty_end(session), TransactionKind.PARKING, at=event.moment)
    return move(session, SessionState.CLOSING, at=event.moment, actor="station", reason=session.stop_reason or "")


def is_transferring(session: ServiceSession) -> bool:
    """Whether energy flows, by the last word of the station."""
    energy = session.running(TransactionKind.ENERGY)
    return energy is not None and bool(energy.energy_transfers) and energy.energy_transfers[-1].end is None


def _came_before(session: ServiceSession, event: station.EvseEvent) -> bool:
    return session.last_word_at is not None and event.moment < session.last_word_at
