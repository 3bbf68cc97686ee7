"""What people and mishaps do to an EVSE: cables, cards, faults."""

from dataclasses import replace

from core.model.plug_and_charge import ContractEvidence
from core.simulation.commands import refuse
from core.simulation.faults import Faults
from core.simulation.state import Arrival, Evse, PluggedCar
from core.simulation.station import EvseSpec
from core.simulation.transactions import Reports, arrive, begin_if_ready, end, leave, release
from core.simulation.units import to_datetime
from core.visited_cso.equipment import (
    CardPresented,
    CodeEntered,
    ContractPresented,
    Faulted,
    PluggedIn,
    RefusalCode,
    Repaired,
    StopReason,
    Unplugged,
)


def plug_in(spec: EvseSpec, evse: Evse, now: int, plugged: PluggedCar, reports: Reports) -> Evse:
    """A driver plugs in; refused where another car stands."""
    if evse.plugged is not None:
        refuse(RefusalCode.OCCUPIED, f"a car is plugged in at EVSE {spec.uid}")
    if spec.connector(plugged.connector_id) is None:
        refuse(RefusalCode.UNKNOWN_CONNECTOR, f"EVSE {spec.uid} has no connector {plugged.connector_id}")
    return arrive(spec, replace(evse, arrival=Arrival(now, plugged)), now, reports)


def unplug(spec: EvseSpec, evse: Evse, now: int, reports: Reports) -> Evse:
    """The driver pulls the plug; refused where there is none and where it is stuck."""
    if evse.plugged is None:
        refuse(RefusalCode.REJECTED, f"no car is plugged in at EVSE {spec.uid}")
    if evse.faults.holds_plug:
        refuse(RefusalCode.FAILED, f"the plug at EVSE {spec.uid} is stuck")
    return leave(spec, evse, now, reports)


def present_card(spec: EvseSpec, evse: Evse, now: int, uid: str, reports: Reports) -> Evse:
    """A card is held to the reader: it stops its own transaction, and is reported otherwise if anyone listens."""
    if evse.transaction is not None and evse.transaction.id_tag == uid:
        return end(spec, evse, now, StopReason.LOCAL, reports)
    if not evse.faults.silent:
        reports.append(CardPresented(spec.uid, to_datetime(now), uid))
    return evse


def enter_code(spec: EvseSpec, evse: Evse, now: int, code: str, reports: Reports) -> Evse:
    """A user code is typed; nothing comes of it where nobody listens."""
    if not evse.faults.silent:
        reports.append(CodeEntered(spec.uid, to_datetime(now), code))
    return evse


def present_contract(spec: EvseSpec, evse: Evse, now: int, evidence: ContractEvidence, reports: Reports) -> Evse:
    """The car that is plugged in shows its contract, if anybody listens; refused where there is no car."""
    if evse.plugged is None:
        refuse(RefusalCode.REJECTED, f"no car is plugged in at EVSE {spec.uid}")
    if not evse.faults.silent:
        shown = ContractPresented(
            spec.uid, to_datetime(now), evse.plugged.connector_id, evidence.emaid, evidence.chain, evidence.protocol
        )
        reports.append(shown)
    return evse


def suffer(spec: EvseSpec, evse: Evse, now: int, faults: Faults, reports: Reports) -> Evse:
    """From now on the EVSE has these faults and no others."""
    before, moment = evse.faults, to_datetime(now)
    evse = replace(evse, faults=faults)
    if faults.out_of_order and not before.out_of_order:
        reports.append(Faulted(spec.uid, moment))
        evse = end(spec, evse, now, StopReason.FAULT, reports)
    if faults.no_power and not before.no_power:
        evse = end(spec, evse, now, StopReason.POWER_LOSS, reports)
    if before.out_of_order and not faults.out_of_order:
        reports.append(Repaired(spec.uid, moment))
    if evse.plugged is not None and faults.cable_not_seen != before.cable_not_seen:
        kind = Unplugged if faults.cable_not_seen else PluggedIn
        reports.append(kind(spec.uid, moment, evse.plugged.connector_id))
        if faults.cable_not_seen:
            evse = end(spec, evse, now, StopReason.EV_DISCONNECTED, reports)
    if before.holds_plug and not faults.holds_plug and evse.transaction is None:
        evse = release(spec, evse, now, reports)
    return begin_if_ready(spec, evse, now, reports)
