"""What is heard of a station: while it is silent its reports stay with it, and they follow when it is heard again."""

from dataclasses import replace

from core.simulation.state import Evse, Remembered, SiteState, reading_of
from core.simulation.station import EvseSpec
from core.simulation.transactions import Reports
from core.simulation.units import to_datetime
from core.visited_cso.equipment import Offline, Online


def hear(spec: EvseSpec, before: Evse, evse: Evse, now: int, happened: Reports) -> tuple[Evse, Reports]:
    """The EVSE after something was done to it, and what is heard of what happened."""
    moment = to_datetime(now)
    if evse.faults.silent:
        evse = replace(evse, withheld=(*evse.withheld, *happened))
        if before.faults.silent:
            return evse, []
        return replace(evse, last_heard=_last_heard(spec, before, now)), [Offline(spec.uid, moment)]
    if before.faults.silent:
        heard = [Online(spec.uid, moment), *evse.withheld, *happened]
        return replace(evse, withheld=(), last_heard=None), heard
    return evse, happened


def _last_heard(spec: EvseSpec, evse: Evse, now: int) -> Remembered | None:
    transaction = evse.transaction
    if transaction is None:
        return None
    return Remembered(transaction.id, transaction.id_tag, reading_of(spec, evse, now))


def withhold(state: SiteState, reports: Reports) -> tuple[SiteState, Reports]:
    """Keep back the reports of silent stations; the others' are heard."""
    silent = {uid for uid, evse in state.equipment.items() if evse.faults.silent}
    if not silent or not reports:
        return state, reports
    equipment = dict(state.equipment)
    for uid in silent:
        kept = tuple(one for one in reports if one.evse_uid == uid)
        equipment[uid] = replace(equipment[uid], withheld=(*equipment[uid].withheld, *kept))
    return replace(state, equipment=equipment), [one for one in reports if one.evse_uid not in silent]
