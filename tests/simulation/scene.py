"""A small world that tests drive by hand: seconds since noon, and everything its stations report."""

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from core.clock import FixedClock
from core.simulation.car import Car, Supply
from core.simulation.simulated_equipment import SimulatedEquipment
from core.simulation.station import ConnectorSpec, Drivers, EvseSpec, SiteSpec
from core.visited_cso.equipment import EquipmentEvent

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DC_50 = Supply(phases=0, voltage=500, current=200, power=50_000)
AC_22 = Supply(phases=3, voltage=230, current=32, power=22_000)
AC_7 = Supply(phases=1, voltage=230, current=32, power=7_360)
T = TypeVar("T")


def plain_car(**changes: Any) -> Car:
    """50 kWh, 50 kW at any charge and temperature, nine tenths of the energy reach the cells, no ramp to speak of."""
    plain: dict[str, Any] = {
        "name": "plain",
        "battery": 50_000,
        "charging_curve": ((0, 50_000),),
        "dc_voltage": (400, 400),
        "ac_phases": 3,
        "ac_current": 16,
        "ac_efficiency": 900,
        "dc_efficiency": 900,
        "heat_share": 0,
        "heat_capacity": 500_000,
        "temperature_curve": ((0, 1000),),
        "ramp": 1_000_000,
    }
    return Car(**(plain | changes))


def evse(uid: str, supply: Supply = DC_50, *, socket: bool = False, drivers: Drivers = Drivers()) -> EvseSpec:
    """One connector called 1, ten seconds of handshake, a new meter."""
    return EvseSpec(uid, (ConnectorSpec("1", supply, socket, handshake=10),), drivers=drivers)


class MemoryStore:
    """Keeps texts as a database would."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    async def load(self, key: str) -> str | None:
        return self.texts.get(key)

    async def save(self, key: str, json: str) -> None:
        self.texts[key] = json


class Scene:
    """Equipment on a clock that stands still, driven from plain functions."""

    def __init__(self, *equipment: EvseSpec, power_limit: int | None = None, store: MemoryStore | None = None) -> None:
        self.clock = FixedClock(NOON)
        self.store = store or MemoryStore()
        self.site = SiteSpec("XX-TST-1", equipment, power_limit)
        self.equipment = SimulatedEquipment([self.site], self.clock, self.store)
        self.events: list[EquipmentEvent] = []
        self.equipment.subscribe(self._hear)

    async def _hear(self, event: EquipmentEvent) -> None:
        self.events.append(event)

    def do(self, action: Coroutine[Any, Any, T]) -> T:
        return asyncio.run(asyncio.wait_for(action, timeout=20))

    def start(self, uid: str = "E1", transaction_id: str = "T1", *, id_tag: str = "CARD") -> None:
        self.do(self.equipment.start(uid, None, transaction_id, id_tag=id_tag))

    def plug_in(self, uid: str = "E1", car: Car | None = None, **how: int) -> None:
        self.do(self.equipment.plug_in(uid, car or plain_car(), **how))

    def at(self, seconds: float) -> "Scene":
        """So many seconds after noon."""
        self.clock.moment = NOON + timedelta(seconds=seconds)
        self.do(self.equipment.advance_to(self.clock.moment))
        return self

    def again(self) -> "Scene":
        """The same world after the program was killed and started: only the store is left."""
        other = Scene(*self.site.equipment, power_limit=self.site.power_limit, store=self.store)
        other.clock.moment = self.clock.moment
        return other

    def told(self, *, meter: bool = False) -> list[tuple[float, str]]:
        """Seconds after noon and kind of each event; periodic readings only if asked for."""
        return [
            ((event.moment - NOON).total_seconds(), event.kind)
            for event in self.events
            if meter or event.kind != "meter_value"
        ]
