"""Simulated charging stations as the visited-CSO's equipment, with the hands of drivers and the mishaps of stations."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import replace
from datetime import datetime

from core.clock import Clock
from core.errors import NotFound
from core.model.plug_and_charge import ContractEvidence
from core.simulation import commands, surroundings
from core.simulation.car import Car, battery_at, demand, least_power
from core.simulation.delivery import StateStore
from core.simulation.display import Displays, Shown
from core.simulation.faults import Faults
from core.simulation.site_power import Claim
from core.simulation.state import Arrival, Evse, PluggedCar, Reservation, reading_of, reported_state, supply_of
from core.simulation.station import EvseSpec, SiteSpec
from core.simulation.transactions import Reports
from core.simulation.typical_cars import car_for
from core.simulation.units import SECOND, to_microseconds
from core.simulation.world import Transition, World
from core.visited_cso.equipment import Equipment, EvseState, MeterReading, PowerBounds, PowerLimit, RefusalCode

_LOOKS_FOR_SECONDS = 40.0
"""How long somebody stands before a display: longer than the station and the platforms may take."""


class SimulatedEquipment(World, Equipment):
    """Implements `Equipment` over simulated sites; moments come from the clock that the world lives on.

    Subscribe, call `resume` once, then keep `run` going as a task or drive it with `advance_to`.
    """

    def __init__(self, sites: Iterable[SiteSpec], clock: Clock, store: StateStore) -> None:
        super().__init__(sites, clock, store)
        self.displays = Displays()

    async def start(self, evse_uid: str, connector_id: str | None, transaction_id: str, *, id_tag: str) -> None:
        """As `Equipment.start`; where drivers plug in by themselves, one is now on the way."""

        def transition(spec: EvseSpec, evse: Evse, now: int, reports: Reports) -> Evse:
            evse = commands.start(spec, evse, now, transaction_id, connector_id, id_tag, reports)
            return _driver_comes(spec, evse, now)

        evse = await self._command(evse_uid, transition)
        if evse.faults.answer_lost:
            commands.refuse(RefusalCode.TIMEOUT, f"the answer of EVSE {evse_uid} is lost")

    async def stop(self, transaction_id: str) -> None:
        """As `Equipment.stop`."""
        await self.act(
            self._evse_of(transaction_id),
            lambda spec, evse, now, reports: commands.stop(spec, evse, now, transaction_id, reports),
        )

    async def pause_transfer(self, transaction_id: str) -> None:
        """As `Equipment.pause_transfer`."""
        await self.act(
            self._evse_of(transaction_id),
            lambda spec, evse, now, reports: commands.pause_transfer(spec, evse, now, transaction_id, reports),
        )

    async def resume_transfer(self, transaction_id: str) -> None:
        """As `Equipment.resume_transfer`."""
        await self.act(
            self._evse_of(transaction_id),
            lambda spec, evse, now, reports: commands.resume_transfer(spec, evse, transaction_id),
        )

    async def unlock(self, evse_uid: str, connector_id: str) -> None:
        """As `Equipment.unlock`."""
        await self._command(
            evse_uid, lambda spec, evse, now, reports: commands.unlock(spec, evse, now, connector_id, reports)
        )

    async def reserve(
        self, evse_uid: str, reservation_id: str, *, until: datetime, id_tag: str, connector_id: str | None = None
    ) -> None:
        """As `Equipment.reserve`."""
        reservation = Reservation(reservation_id, id_tag, to_microseconds(until))
        await self._command(
            evse_uid, lambda spec, evse, now, reports: commands.reserve(spec, evse, reservation, connector_id)
        )

    async def cancel_reservation(self, reservation_id: str) -> None:
        """As `Equipment.cancel_reservation`."""
        evse_uid = self.find(lambda evse: evse.reservation is not None and evse.reservation.id == reservation_id)
        if evse_uid is None:
            commands.refuse(RefusalCode.UNKNOWN_RESERVATION, f"no station knows reservation {reservation_id}")
        await self.act(evse_uid, lambda spec, evse, now, reports: commands.cancel_reservation(spec, evse))

    def reading(self, transaction_id: str) -> MeterReading:
        """As `Equipment.reading`; of a station that is not heard, what was heard last."""
        evse_uid = self.find(_knows(transaction_id))
        if evse_uid is None:
            raise NotFound(f"no station knows transaction {transaction_id}", code=RefusalCode.UNKNOWN_TRANSACTION)
        spec, evse, now = self.look(evse_uid)
        for remembered in (evse.last_heard, evse.finished):
            if remembered is not None and remembered.id == transaction_id:
                return remembered.reading
        return reading_of(spec, evse, now)

    def evse_state(self, evse_uid: str) -> EvseState:
        """As `Equipment.evse_state`."""
        spec, evse, _ = self.look(evse_uid)
        return reported_state(spec, evse)

    async def plug_in(
        self, evse_uid: str, car: Car, *, percent: int = 20, temperature: int = 200, connector_id: str | None = None
    ) -> None:
        """A driver plugs in a car charged to so many percent, its battery at a temperature in 0.1 °C.

        connector_id None is the first. Raises `Refused`: occupied, unknown_connector.
        """

        def transition(spec: EvseSpec, evse: Evse, now: int, reports: Reports) -> Evse:
            plugged = PluggedCar(car, battery_at(car, percent, temperature), connector_id or spec.connectors[0].id)
            return surroundings.plug_in(spec, evse, now, plugged, reports)

        await self.act(evse_uid, transition)

    async def unplug(self, evse_uid: str) -> None:
        """The driver pulls the plug and so ends a transaction. Raises `Refused`: rejected (no plug), failed (stuck)."""
        await self.act(evse_uid, surroundings.unplug)

    async def present_card(self, evse_uid: str, uid: str) -> None:
        """A card is held to the reader: it stops its own transaction, and is reported otherwise."""
        before = self.look(evse_uid)[1].transaction
        after = await self.act(
            evse_uid, lambda spec, evse, now, reports: surroundings.present_card(spec, evse, now, uid, reports)
        )
        if before is not None and after.transaction is None:
            self.displays.show(evse_uid, Shown("stopped", accepted=True))

    async def tap(self, evse_uid: str, uid: str) -> Shown:
        """Hold a card to the reader and wait for what the station shows. Raises TimeoutError where it shows nothing."""
        return await self._shown_after(evse_uid, self.present_card(evse_uid, uid))

    async def enter_code(self, evse_uid: str, code: str) -> Shown:
        """Type a user code and wait for what the station shows. Raises TimeoutError where it shows nothing."""

        async def enter() -> None:
            await self.act(
                evse_uid, lambda spec, evse, now, reports: surroundings.enter_code(spec, evse, now, code, reports)
            )

        return await self._shown_after(evse_uid, enter())

    async def present_contract(self, evse_uid: str, evidence: ContractEvidence) -> Shown:
        """The car that is plugged in shows its contract; what the station shows then. Raises as `enter_code`."""

        async def present() -> None:
            await self.act(
                evse_uid,
                lambda spec, evse, now, reports: surroundings.present_contract(spec, evse, now, evidence, reports),
            )

        return await self._shown_after(evse_uid, present())

    async def answer(self, evse_uid: str, verdict: str, *, accepted: bool) -> None:
        """As `Equipment.answer`; a station that is not heard shows nothing."""
        if not self.faults_of(evse_uid).silent:
            self.displays.show(evse_uid, Shown(verdict, accepted))

    async def _shown_after(self, evse_uid: str, act: Coroutine[None, None, None]) -> Shown:
        shown = self.displays.look(evse_uid)
        await act
        async with asyncio.timeout(_LOOKS_FOR_SECONDS):
            return await shown

    async def suffer(self, evse_uid: str, faults: Faults) -> None:
        """From now on the EVSE has these faults and no others."""
        await self.act(evse_uid, lambda spec, evse, now, reports: surroundings.suffer(spec, evse, now, faults, reports))

    def faults_of(self, evse_uid: str) -> Faults:
        """What is wrong with the EVSE."""
        return self.look(evse_uid)[1].faults

    def car_at(self, evse_uid: str) -> PluggedCar | None:
        """The car that is plugged in, as only its driver knows it."""
        return self.look(evse_uid)[1].plugged

    async def limit_power(self, transaction_id: str, limits: tuple[PowerLimit, ...]) -> None:
        """As `Equipment.limit_power`."""
        steps = tuple((to_microseconds(one.start), one.max_power_w) for one in limits)
        await self.act(
            self._evse_of(transaction_id),
            lambda spec, evse, now, reports: commands.limit_power(spec, evse, transaction_id, steps),
        )

    def power_bounds(self, transaction_id: str) -> PowerBounds:
        """As `Equipment.power_bounds`; before a car is seen, what the connector could give."""
        evse_uid = self.find(lambda evse: evse.transaction is not None and evse.transaction.id == transaction_id)
        if evse_uid is None:
            raise NotFound(f"transaction {transaction_id} is not under way", code=RefusalCode.UNKNOWN_TRANSACTION)
        spec, evse, _ = self.look(evse_uid)
        if evse.plugged is None:
            supply = spec.connectors[0].supply
            return PowerBounds(0, self.could_draw(evse_uid, Claim(supply.power, 0)), supply.power)
        supply = supply_of(spec, evse.plugged)
        least = least_power(evse.plugged.car, supply)
        site = self.could_draw(evse_uid, Claim(supply.power, least))
        return PowerBounds(least, site, demand(evse.plugged.car, evse.plugged.battery, supply))

    def _evse_of(self, transaction_id: str) -> str:
        evse_uid = self.find(_knows(transaction_id))
        if evse_uid is None:
            commands.refuse(RefusalCode.UNKNOWN_TRANSACTION, f"no station knows transaction {transaction_id}")
        return evse_uid

    async def _command(self, evse_uid: str, transition: Transition) -> Evse:
        try:
            return await self.act(evse_uid, transition)
        except NotFound as error:
            commands.refuse(RefusalCode.UNKNOWN_EVSE, error.message)


def _driver_comes(spec: EvseSpec, evse: Evse, now: int) -> Evse:
    comes_after = spec.drivers.auto_plug_after
    if comes_after is None or evse.plugged or evse.arrival or evse.transaction is None:
        return evse
    car = car_for(evse.transaction.id, evse.transaction.connector_id or spec.connectors[0].id)
    return replace(evse, arrival=Arrival(now + comes_after * SECOND, car))


def _knows(transaction_id: str) -> Callable[[Evse], bool]:
    def knows(evse: Evse) -> bool:
        known = (evse.transaction, evse.last_heard, evse.finished)
        return any(one is not None and one.id == transaction_id for one in known)

    return knows
