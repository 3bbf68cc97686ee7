"""The simulated sites in time with a clock: what has happened until now, what happens next, what is remembered."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

import structlog

from core.clock import Clock
from core.errors import InvalidInput, NotFound
from core.simulation.delivery import Delivery, StateStore
from core.simulation.hearing import hear, withhold
from core.simulation.physics import advance, claims_of, limit_of, next_mark, settle
from core.simulation.site_power import Claim, share
from core.simulation.state import Evse, SiteState, from_json, new_site, to_json
from core.simulation.station import EvseSpec, SiteSpec
from core.simulation.transactions import Reports
from core.simulation.units import to_microseconds
from core.visited_cso.equipment import Listener

_log = structlog.get_logger(__name__)

Transition = Callable[[EvseSpec, Evse, int, Reports], Evse]
"""What is done to an EVSE at a moment (µs): gives the EVSE after it, reports what happened, or raises `Refused`."""


class World:
    """Sites that live on a clock. Uids are caseless; of one that two sites use, the first site has it.

    A site's state is saved at each report. What lies between the last save and a sudden end happens again in the same
    way, for the physics is exact; commands are saved before they return.
    """

    def __init__(self, sites: Iterable[SiteSpec], clock: Clock, store: StateStore) -> None:
        self._clock = clock
        self._store = store
        self._sites = {site.key: site for site in sites}
        self._places: dict[str, tuple[SiteSpec, EvseSpec]] = {}
        for site in self._sites.values():
            for spec in site.equipment:
                self._places.setdefault(spec.uid.casefold(), (site, spec))
        self._states: dict[str, SiteState] = {}
        self._marks: dict[str, int] = {}
        self._delivery = Delivery(store)

    def subscribe(self, listener: Listener) -> None:
        """Hear every event from now on."""
        self._delivery.subscribe(listener)

    async def resume(self) -> None:
        """Take up every site where it was left, and report what has happened there since, each with its moment."""
        for key, site in self._sites.items():
            text = await self._store.load(_store_key(key))
            if text is None:
                continue
            try:
                self._keep(site, from_json(site, text))
            except InvalidInput as error:
                _log.warning("a simulated site starts anew", site=key, reason=error.message)
        await self.advance_to(self._clock.now())

    async def run(self, interval: float = 1.0) -> None:
        """Follow the clock, looking every so many seconds of the wall clock; ends by being cancelled."""
        while True:
            await self.advance_to(self._clock.now())
            await asyncio.sleep(interval)

    async def advance_to(self, moment: datetime) -> None:
        """Let the world go on until this moment and deliver what is reported."""
        until = to_microseconds(moment)
        events: Reports = []
        states: dict[str, str] = {}
        for key in [key for key, mark in self._marks.items() if mark <= until]:
            if reports := self._move(self._sites[key], until):
                events.extend(reports)
                states[_store_key(key)] = to_json(self._states[key])
        if events:
            self._delivery.put(sorted(events, key=lambda event: event.moment), states)
        await self._delivery.flush()

    async def act(self, evse_uid: str, transition: Transition) -> Evse:
        """Do something to an EVSE now; returns when it is reported and saved. Raises `NotFound` and `Refused`."""
        site, spec = self._place(evse_uid)
        before = self._bring_to_now(site).equipment[spec.uid]
        state = self._states[site.key]
        reports: Reports = []
        evse, heard = hear(spec, before, transition(spec, before, state.moment, reports), state.moment, reports)
        consequences: Reports = []
        state = replace(state, equipment={**state.equipment, spec.uid: evse})
        state, heard_after = withhold(settle(site, state, consequences), consequences)
        self._keep(site, state)
        self._delivery.put([*heard, *heard_after], {_store_key(site.key): to_json(state)})
        await self._delivery.flush()
        return evse

    async def limit_site(self, evse_uid: str, watts: int | None) -> None:
        """From now on the site of an EVSE may draw no more than so many watts; None lifts it. Raises `NotFound`."""
        site, _ = self._place(evse_uid)
        reports: Reports = []
        state = replace(self._bring_to_now(site), power_limit=watts)
        state, heard = withhold(settle(site, state, reports), reports)
        self._keep(site, state)
        self._delivery.put(heard, {_store_key(site.key): to_json(state)})
        await self._delivery.flush()

    def could_draw(self, evse_uid: str, claim: Claim) -> int:
        """Watts that the site would give an EVSE whose car wanted this, everyone else as they are."""
        site, spec = self._place(evse_uid)
        state = self._bring_to_now(site)
        claims = {**dict(claims_of(site, state.equipment, state.moment)), spec.uid: claim}
        return share(limit_of(site, state), claims)[spec.uid]

    def look(self, evse_uid: str) -> tuple[EvseSpec, Evse, int]:
        """An EVSE as it is now, and that moment (µs); raises `NotFound`."""
        site, spec = self._place(evse_uid)
        state = self._bring_to_now(site)
        return spec, state.equipment[spec.uid], state.moment

    def find(self, wanted: Callable[[Evse], bool]) -> str | None:
        """The uid of an EVSE that is as wanted."""
        for key, state in self._states.items():
            for spec in self._sites[key].equipment:
                if wanted(state.equipment[spec.uid]):
                    return spec.uid
        return None

    def _place(self, evse_uid: str) -> tuple[SiteSpec, EvseSpec]:
        place = self._places.get(evse_uid.casefold())
        if place is None:
            raise NotFound(f"there is no EVSE {evse_uid}", code="unknown_evse")
        return place

    def _bring_to_now(self, site: SiteSpec) -> SiteState:
        now = to_microseconds(self._clock.now())
        if site.key not in self._states:
            self._keep(site, new_site(site, now))
        elif reports := self._move(site, now):
            self._delivery.put(reports, {_store_key(site.key): to_json(self._states[site.key])})
        return self._states[site.key]

    def _move(self, site: SiteSpec, until: int) -> Reports:
        state, reports = advance(site, self._states[site.key], until)
        self._keep(site, state)
        return reports

    def _keep(self, site: SiteSpec, state: SiteState) -> None:
        self._states[site.key] = state
        mark = next_mark(site, state)
        if mark is None:
            self._marks.pop(site.key, None)
        else:
            self._marks[site.key] = mark


def _store_key(site_key: str) -> str:
    return f"simulation/{site_key}"
