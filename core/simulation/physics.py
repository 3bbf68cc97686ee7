"""How a site goes on by itself: energy flows, timers run out, cars fill up.

Power is constant between marks, and energy is watts times microseconds, so integration is exact. A mark is a timer, or
a moment on a grid that is aligned to 1970 and not to the question: every 10 s while charging, every second while the
power still ramps up. Marks follow from the state alone. That is why `advance` gives the same result, event by event
and µJ by µJ, however an interval is cut.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from core.simulation.car import charge, demand, least_power, remaining
from core.simulation.hearing import withhold
from core.simulation.site_power import Claim, share
from core.simulation.state import Evse, PluggedCar, SiteState, Transaction, reading_of, supply_of
from core.simulation.station import EvseSpec, SiteSpec
from core.simulation.transactions import Reports, arrive, end, leave
from core.simulation.units import SECOND, WATT_HOUR, to_datetime
from core.visited_cso.equipment import (
    EnergyFlowing,
    EquipmentEvent,
    MeterValue,
    ReservationExpired,
    StopReason,
    Suspended,
)

_GRID = 10 * SECOND
_RAMP_GRID = SECOND


def advance(site: SiteSpec, state: SiteState, until: int) -> tuple[SiteState, list[EquipmentEvent]]:
    """The site at `until` (µs) and what its stations report on the way there, in order; an earlier moment is no step.

    What stations that are not heard would report stays with them in the state.
    """
    reports: Reports = []
    while state.moment < until:
        mark = next_mark(site, state)
        if mark is None or mark > until:
            state = _let_flow(site, state, until)
        else:
            state = settle(site, _let_flow(site, state, mark), reports)
            _report_meters(site, state, reports)
    return withhold(state, reports)


def next_mark(site: SiteSpec, state: SiteState) -> int | None:
    """The next moment (µs) at which something may change by itself; None when nothing will until somebody acts."""
    marks = [mark for spec in site.equipment for mark in _marks(spec, state.equipment[spec.uid], state.moment)]
    return max(min(marks), state.moment + 1) if marks else None


def _marks(spec: EvseSpec, evse: Evse, now: int) -> Iterator[int]:
    if evse.reservation is not None and evse.transaction is None:
        yield evse.reservation.until
    if evse.arrival is not None:
        yield evse.arrival.at
    if evse.leaves_at is not None:
        yield evse.leaves_at
    transaction = evse.transaction
    if transaction is None:
        return
    if transaction.started_at is None:
        yield transaction.accepted_at + spec.connection_timeout * SECOND
        return
    yield _after(now, spec.meter_interval * SECOND)
    if (limit := next((start for start, _ in transaction.limits if start > now), None)) is not None:
        yield limit
    if evse.faults.stops_after_seconds is not None:
        yield transaction.started_at + evse.faults.stops_after_seconds * SECOND
    if now < transaction.flows_from:
        yield transaction.flows_from
    if transaction.recheck_at is not None:
        yield transaction.recheck_at
    if transaction.power and evse.plugged is not None:
        yield now + _until_full(spec, evse.plugged, transaction.power)
        if evse.faults.stops_after_energy is not None:
            yield now - _energy_left(evse, transaction, evse.faults.stops_after_energy) // -transaction.power


def _after(now: int, grid: int) -> int:
    return (now // grid + 1) * grid


def _until_full(spec: EvseSpec, plugged: PluggedCar, power: int) -> int:
    gain = power * plugged.car.efficiency(supply_of(spec, plugged))
    return -(-remaining(plugged.car, plugged.battery) // gain)


def _energy_left(evse: Evse, transaction: Transaction, limit: int) -> int:
    return limit * WATT_HOUR - (evse.register - transaction.start_register)


def _let_flow(site: SiteSpec, state: SiteState, until: int) -> SiteState:
    equipment = state.equipment
    for spec in site.equipment:
        evse = equipment[spec.uid]
        if evse.transaction is None or not evse.transaction.power or evse.plugged is None:
            continue
        if equipment is state.equipment:
            equipment = dict(equipment)
        plugged, energy = evse.plugged, evse.transaction.power * (until - state.moment)
        battery = charge(plugged.car, plugged.battery, supply_of(spec, plugged), energy)
        equipment[spec.uid] = replace(evse, register=evse.register + energy, plugged=replace(plugged, battery=battery))
    return replace(state, moment=until, equipment=equipment)


def settle(site: SiteSpec, state: SiteState, reports: Reports) -> SiteState:
    """Let everything happen that is due at the state's moment, and share out the power anew."""
    now, equipment = state.moment, dict(state.equipment)
    for spec in site.equipment:
        equipment[spec.uid] = _happen(spec, equipment[spec.uid], now, reports)
    claims = dict(claims_of(site, equipment, now))
    shares = share(limit_of(site, state), claims)
    for spec in site.equipment:
        if spec.uid in claims:
            claim, power = claims[spec.uid], shares[spec.uid]
            equipment[spec.uid] = _feed(spec, equipment[spec.uid], now, claim, power, reports)
    return replace(state, equipment=equipment)


def limit_of(site: SiteSpec, state: SiteState) -> int | None:
    """Watts that the site may draw at present, None for as much as it likes."""
    return min((one for one in (site.power_limit, state.power_limit) if one is not None), default=None)


def _report_meters(site: SiteSpec, state: SiteState, reports: Reports) -> None:
    now = state.moment
    for spec in site.equipment:
        evse = state.equipment[spec.uid]
        transaction = evse.transaction
        on_time = now % (spec.meter_interval * SECOND) == 0
        if on_time and transaction is not None and transaction.started_at is not None:
            reports.append(MeterValue(spec.uid, to_datetime(now), transaction.id, reading_of(spec, evse, now)))


def _happen(spec: EvseSpec, evse: Evse, now: int, reports: Reports) -> Evse:
    if evse.arrival is not None and evse.arrival.at <= now:
        evse = arrive(spec, evse, now, reports)
    if evse.transaction is not None:
        evse = _end_if_due(spec, evse, evse.transaction, now, reports)
    if evse.transaction is None and evse.reservation is not None and evse.reservation.until <= now:
        reports.append(ReservationExpired(spec.uid, to_datetime(now), evse.reservation.id))
        evse = replace(evse, reservation=None)
    if evse.leaves_at is not None and evse.leaves_at <= now:
        evse = leave(spec, evse, now, reports)
    return evse


def _end_if_due(spec: EvseSpec, evse: Evse, transaction: Transaction, now: int, reports: Reports) -> Evse:
    if transaction.started_at is None:
        late = transaction.accepted_at + spec.connection_timeout * SECOND <= now
        return end(spec, evse, now, StopReason.CABLE_NOT_SEEN, reports) if late else evse
    faults = evse.faults
    too_long = (
        faults.stops_after_seconds is not None and transaction.started_at + faults.stops_after_seconds * SECOND <= now
    )
    too_much = faults.stops_after_energy is not None and _energy_left(evse, transaction, faults.stops_after_energy) <= 0
    return end(spec, evse, now, StopReason.STATION, reports) if too_long or too_much else evse


def claims_of(site: SiteSpec, equipment: dict[str, Evse], now: int) -> Iterator[tuple[str, Claim]]:
    """What each car that is ready wants, in the order in which transactions started."""
    ready: list[tuple[int, EvseSpec, PluggedCar, Transaction]] = []
    for spec in site.equipment:
        transaction, plugged = equipment[spec.uid].transaction, equipment[spec.uid].plugged
        if transaction is None or plugged is None or transaction.started_at is None or transaction.flows_from > now:
            continue
        if transaction.paused:
            continue
        ready.append((transaction.started_at, spec, plugged, transaction))
    for _, spec, plugged, transaction in sorted(ready, key=lambda one: one[0]):
        supply = supply_of(spec, plugged)
        wanted = demand(plugged.car, plugged.battery, supply)
        # Before energy flows, a car claims all it would take, so that it is let in only if it can go on.
        if transaction.flowing_since is not None:
            wanted = min(wanted, _ramp(plugged, transaction.flowing_since, now))
        least, limit = least_power(plugged.car, supply), transaction.limit_at(now)
        held_back = limit is not None and limit < min(wanted, least)
        if limit is not None:
            wanted = 0 if held_back else min(wanted, limit)
        yield spec.uid, Claim(wanted, least, held_back)


def _ramp(plugged: PluggedCar, flowing_since: int, now: int) -> int:
    return plugged.car.ramp * (1 + (now - flowing_since) // SECOND)


def _feed(spec: EvseSpec, evse: Evse, now: int, claim: Claim, power: int, reports: Reports) -> Evse:
    transaction, plugged = evse.transaction, evse.plugged
    if transaction is None or plugged is None:
        return evse
    if power == 0:
        by: Literal["ev", "evse"] = "evse" if claim.wanted or claim.held_back else "ev"
        return replace(evse, transaction=_suspend(spec, transaction, now, by, reports))
    if transaction.flowing_since is None:
        reports.append(EnergyFlowing(spec.uid, to_datetime(now), transaction.id))
        transaction = replace(transaction, flowing_since=now, suspended_by=None)
    ramp = _ramp(plugged, transaction.flowing_since or now, now)
    grid = _RAMP_GRID if ramp <= power else _GRID
    return replace(evse, transaction=replace(transaction, power=min(power, ramp), recheck_at=_after(now, grid)))


def _suspend(
    spec: EvseSpec, transaction: Transaction, now: int, by: Literal["ev", "evse"], reports: Reports
) -> Transaction:
    if transaction.suspended_by != by:
        reports.append(Suspended(spec.uid, to_datetime(now), transaction.id, by))
    # A car that is full stays so; a car that waits for power asks again.
    recheck_at = _after(now, _GRID) if by == "evse" else None
    return replace(transaction, power=0, flowing_since=None, suspended_by=by, recheck_at=recheck_at)
