"""How a transaction on one EVSE begins and ends, whoever causes it: command, card, cable, fault or time."""

from dataclasses import replace
from decimal import Decimal

from core.simulation.state import Evse, Remembered, reading_of, seen_connector, session_energy
from core.simulation.station import EvseSpec
from core.simulation.units import SECOND, kilowatt_hours, to_datetime
from core.visited_cso.equipment import (
    ConnectorLocked,
    ConnectorUnlocked,
    EquipmentEvent,
    PluggedIn,
    StopReason,
    TransactionStarted,
    TransactionStopped,
    Unplugged,
)

Reports = list[EquipmentEvent]
"""Takes what a transition reports, in order."""


def begin_if_ready(spec: EvseSpec, evse: Evse, now: int, reports: Reports) -> Evse:
    """Start the accepted transaction if the station sees a cable where it may be."""
    transaction, connector = evse.transaction, seen_connector(spec, evse)
    if transaction is None or transaction.started_at is not None or connector is None:
        return evse
    if transaction.connector_id not in (None, connector.id):
        return evse
    reports.append(
        TransactionStarted(spec.uid, to_datetime(now), transaction.id, connector.id, kilowatt_hours(evse.register))
    )
    transaction = replace(
        transaction, started_at=now, start_register=evse.register, flows_from=now + connector.handshake * SECOND
    )
    evse = replace(evse, transaction=transaction, reservation=None)
    return lock(spec, evse, now, reports) if connector.is_socket else evse


def end(spec: EvseSpec, evse: Evse, now: int, reason: StopReason, reports: Reports) -> Evse:
    """End the transaction under way, if there is one; the lock opens unless it is stuck."""
    transaction = evse.transaction
    if transaction is None:
        return evse
    reading = reading_of(spec, evse, now)
    if not evse.faults.contactor_welded:
        reading = replace(reading, power_w=0, current_a=Decimal(0))
    reports.append(
        TransactionStopped(
            spec.uid, to_datetime(now), transaction.id, reason, reading.register_kwh, session_energy(evse)
        )
    )
    leaves_after = spec.drivers.auto_unplug_after
    evse = replace(
        evse,
        transaction=None,
        finished=Remembered(transaction.id, transaction.id_tag, reading),
        plugged=replace(evse.plugged, served=True) if evse.plugged else None,
        arrival=None,
        leaves_at=now + leaves_after * SECOND if evse.plugged and leaves_after is not None else None,
    )
    return evse if evse.faults.holds_plug else release(spec, evse, now, reports)


def arrive(spec: EvseSpec, evse: Evse, now: int, reports: Reports) -> Evse:
    """The driver who was about to plug in does so."""
    if evse.arrival is None:
        return evse
    evse = replace(evse, plugged=evse.arrival.plugged, arrival=None)
    connector = seen_connector(spec, evse)
    if connector is None:
        return evse
    reports.append(PluggedIn(spec.uid, to_datetime(now), connector.id))
    if connector.is_socket and evse.faults.cable_stuck:
        evse = lock(spec, evse, now, reports)
    return begin_if_ready(spec, evse, now, reports)


def leave(spec: EvseSpec, evse: Evse, now: int, reports: Reports) -> Evse:
    """The driver pulls the plug, ending the transaction under way; a stuck plug stays where it is."""
    evse = replace(evse, leaves_at=None)
    if evse.plugged is None or evse.faults.holds_plug:
        return evse
    was_seen = seen_connector(spec, evse)
    if evse.transaction is not None and evse.transaction.started_at is not None:
        evse = end(spec, evse, now, StopReason.EV_DISCONNECTED, reports)
    evse = replace(evse, plugged=None, leaves_at=None)
    if was_seen is not None:
        reports.append(Unplugged(spec.uid, to_datetime(now), was_seen.id))
    return evse


def lock(spec: EvseSpec, evse: Evse, now: int, reports: Reports) -> Evse:
    """The socket-outlet holds the plug."""
    if evse.locked or evse.plugged is None:
        return evse
    reports.append(ConnectorLocked(spec.uid, to_datetime(now), evse.plugged.connector_id))
    return replace(evse, locked=True)


def release(spec: EvseSpec, evse: Evse, now: int, reports: Reports) -> Evse:
    """The socket-outlet lets go of the plug."""
    if not evse.locked or evse.plugged is None:
        return evse
    reports.append(ConnectorUnlocked(spec.uid, to_datetime(now), evse.plugged.connector_id))
    return replace(evse, locked=False)
