"""What a station makes of the visited-CSO's commands: each takes an EVSE and gives the EVSE after it, or refuses."""

from dataclasses import replace
from typing import NoReturn

from core.errors import Refused
from core.simulation.state import Evse, Reservation, Transaction, seen_connector
from core.simulation.station import EvseSpec
from core.simulation.transactions import Reports, begin_if_ready, end, release
from core.simulation.units import SECOND, to_datetime
from core.visited_cso.equipment import RefusalCode, StopReason, Suspended


def refuse(code: RefusalCode, message: str) -> NoReturn:
    """Raise the station's refusal."""
    raise Refused(message, code=code)


def _must_answer(spec: EvseSpec, evse: Evse) -> None:
    if evse.faults.silent:
        refuse(RefusalCode.TIMEOUT, f"EVSE {spec.uid} does not answer")


def _must_know_connector(spec: EvseSpec, connector_id: str | None) -> None:
    if connector_id is not None and spec.connector(connector_id) is None:
        refuse(RefusalCode.UNKNOWN_CONNECTOR, f"EVSE {spec.uid} has no connector {connector_id}")


def start(
    spec: EvseSpec, evse: Evse, now: int, transaction_id: str, connector_id: str | None, id_tag: str, reports: Reports
) -> Evse:
    """Accept a start; the transaction begins at once if a cable is seen. A repeated start changes nothing."""
    _must_answer(spec, evse)
    still_held = evse.transaction is None and evse.reservation is not None and evse.reservation.id == transaction_id
    if not still_held and transaction_id in {one.id for one in (evse.transaction, evse.finished) if one is not None}:
        return evse
    _must_know_connector(spec, connector_id)
    if evse.faults.out_of_order:
        refuse(RefusalCode.INOPERATIVE, f"EVSE {spec.uid} is out of order")
    if evse.faults.refuses_start:
        refuse(RefusalCode.REJECTED, f"EVSE {spec.uid} rejects the start")
    if not _is_free_for(spec, evse, transaction_id, connector_id, id_tag):
        refuse(RefusalCode.OCCUPIED, f"EVSE {spec.uid} is taken")
    evse = replace(evse, transaction=Transaction(transaction_id, id_tag, connector_id, now), leaves_at=None)
    return begin_if_ready(spec, evse, now, reports)


def _is_free_for(spec: EvseSpec, evse: Evse, transaction_id: str, connector_id: str | None, id_tag: str) -> bool:
    if evse.transaction is not None:
        return False
    reservation = evse.reservation
    if reservation is not None and id_tag != reservation.id_tag and transaction_id != reservation.id:
        return False
    cable = seen_connector(spec, evse)
    if cable is None or evse.plugged is None:
        return True
    if connector_id not in (None, cable.id):
        return False
    served_another = evse.plugged.served and evse.finished is not None and evse.finished.id_tag != id_tag
    return not served_another


def stop(spec: EvseSpec, evse: Evse, now: int, transaction_id: str, reports: Reports) -> Evse:
    """End the transaction if it is under way; one that is over stays over."""
    _must_answer(spec, evse)
    if evse.transaction is None or evse.transaction.id != transaction_id:
        return evse
    return end(spec, evse, now, StopReason.REMOTE, reports)


def pause_transfer(spec: EvseSpec, evse: Evse, now: int, transaction_id: str, reports: Reports) -> Evse:
    """Let no energy flow in the transaction until the pause is taken back."""
    _must_answer(spec, evse)
    if evse.faults.cannot_pause:
        refuse(RefusalCode.NOT_SUPPORTED, f"EVSE {spec.uid} can only end a transaction")
    transaction = evse.transaction
    if transaction is None or transaction.id != transaction_id or transaction.paused:
        return evse
    if transaction.started_at is not None:
        reports.append(Suspended(spec.uid, to_datetime(now), transaction.id, "remote"))
    paused = replace(transaction, paused=True, power=0, flowing_since=None, suspended_by="remote", recheck_at=None)
    return replace(evse, transaction=paused)


def resume_transfer(spec: EvseSpec, evse: Evse, transaction_id: str) -> Evse:
    """Take a pause back; the car gets its share of the site's power as after any suspension."""
    _must_answer(spec, evse)
    transaction = evse.transaction
    if transaction is None or transaction.id != transaction_id:
        refuse(RefusalCode.UNKNOWN_TRANSACTION, f"the transaction at EVSE {spec.uid} is over")
    if not transaction.paused:
        return evse
    return replace(evse, transaction=replace(transaction, paused=False, suspended_by=None))


def limit_power(spec: EvseSpec, evse: Evse, transaction_id: str, limits: tuple[tuple[int, int], ...]) -> Evse:
    """Keep to these limits in place of any before."""
    _must_answer(spec, evse)
    transaction = evse.transaction
    if transaction is None or transaction.id != transaction_id:
        refuse(RefusalCode.UNKNOWN_TRANSACTION, f"the transaction at EVSE {spec.uid} is over")
    return replace(evse, transaction=replace(transaction, limits=limits))


def unlock(spec: EvseSpec, evse: Evse, now: int, connector_id: str, reports: Reports) -> Evse:
    """Open the socket-outlet's lock, after ending a transaction on it."""
    _must_answer(spec, evse)
    _must_know_connector(spec, connector_id)
    connector = spec.connector(connector_id)
    if connector is not None and not connector.is_socket:
        refuse(RefusalCode.NOT_SUPPORTED, f"connector {connector_id} of EVSE {spec.uid} is locked by the car alone")
    if evse.faults.lock_broken:
        refuse(RefusalCode.FAILED, f"the lock of connector {connector_id} does not move")
    if evse.plugged is None or evse.plugged.connector_id != connector_id:
        return evse
    evse = replace(evse, faults=replace(evse.faults, cable_stuck=False))
    evse = release(spec, end(spec, evse, now, StopReason.UNLOCKED, reports), now, reports)
    leaves_after = spec.drivers.auto_unplug_after
    return evse if leaves_after is None else replace(evse, leaves_at=now + leaves_after * SECOND)


def reserve(spec: EvseSpec, evse: Evse, reservation: Reservation, connector_id: str | None) -> Evse:
    """Keep the EVSE for a token; the same reservation again is the newer one."""
    _must_answer(spec, evse)
    _must_know_connector(spec, connector_id)
    if evse.faults.out_of_order:
        refuse(RefusalCode.INOPERATIVE, f"EVSE {spec.uid} is out of order")
    held_by_another = evse.reservation is not None and evse.reservation.id != reservation.id
    if held_by_another or evse.transaction is not None or seen_connector(spec, evse) is not None:
        refuse(RefusalCode.OCCUPIED, f"EVSE {spec.uid} is taken")
    return replace(evse, reservation=reservation)


def cancel_reservation(spec: EvseSpec, evse: Evse) -> Evse:
    """Release the EVSE."""
    _must_answer(spec, evse)
    return replace(evse, reservation=None)
