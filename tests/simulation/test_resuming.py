"""The program is killed and started again; listeners and stores fail: nothing that happened is lost."""

import asyncio
import time
from datetime import timedelta
from decimal import Decimal

from core.clock import FixedClock
from core.simulation.faults import NO_FAULTS, Faults
from core.simulation.simulated_equipment import SimulatedEquipment
from core.simulation.station import SiteSpec
from core.simulation.typical_cars import typical_cars
from core.visited_cso.equipment import EquipmentEvent, EvseState
from tests.simulation.scene import AC_22, NOON, MemoryStore, Scene, evse


def test_a_session_goes_on_where_physics_has_brought_it() -> None:
    killed = Scene(evse("E1"), evse("E2", AC_22))
    killed.plug_in(percent=20)
    killed.start()
    killed.at(125)
    again = killed.again()
    again.clock.moment = NOON + timedelta(seconds=730)
    again.do(again.equipment.resume())
    reading = again.equipment.reading("T1")
    assert (reading.session_energy_kwh, reading.power_w) == (Decimal("10.0000"), 50_000)
    assert again.equipment.evse_state("E1") is EvseState.CHARGING
    # The reading of 12:02 was delivered and saved; those since come now, each with its moment.
    assert again.told(meter=True) == [(second, "meter_value") for second in range(180, 721, 60)]


def test_an_absence_is_lived_as_if_there_had_been_none() -> None:
    stayed = Scene(evse("E1"))
    stayed.plug_in(car=typical_cars()[2])
    stayed.start()
    killed = Scene(evse("E1"))
    killed.plug_in(car=typical_cars()[2])
    killed.start()
    killed.at(77.7)
    again = killed.again()
    again.clock.moment = NOON + timedelta(hours=2)
    again.do(again.equipment.resume())
    stayed.at(7200)
    assert [*killed.events, *again.events] == stayed.events
    assert again.equipment.look("E1") == stayed.equipment.look("E1")


def test_what_ended_during_the_absence_is_told_with_its_moments_and_in_order() -> None:
    killed = Scene(evse("E1"), evse("E2"))
    killed.plug_in("E1", percent=82)
    killed.start("E1", "T1")
    killed.start("E2", "T2")
    again = killed.again()
    again.clock.moment = NOON + timedelta(hours=1)
    again.do(again.equipment.resume())
    # E2 waits 60 s for a cable; E1 is full after 720 s of 50 kW.
    assert again.told() == [(10, "energy_flowing"), (60, "transaction_stopped"), (730, "suspended")]
    moments = [event.moment for event in again.events]
    assert moments == sorted(moments)


def test_reports_of_a_silent_station_survive() -> None:
    killed = Scene(evse("E1"))
    killed.plug_in()
    killed.start()
    killed.do(killed.at(60).equipment.suffer("E1", Faults(offline=True)))
    killed.do(killed.at(90).equipment.unplug("E1"))
    again = killed.again()
    again.do(again.equipment.resume())
    again.do(again.equipment.suffer("E1", NO_FAULTS))
    assert again.told() == [(90, "online"), (90, "transaction_stopped"), (90, "unplugged")]


def test_equipment_may_come_and_go_between_two_lives() -> None:
    killed = Scene(evse("E1"), evse("E2"))
    killed.plug_in("E1")
    killed.start("E1", "T1")
    other = Scene(evse("E1"), evse("E3"), store=killed.store)
    other.do(other.equipment.resume())
    other.at(60)
    assert other.equipment.evse_state("E1") is EvseState.CHARGING
    assert other.equipment.evse_state("E3") is EvseState.AVAILABLE


def test_a_damaged_text_makes_the_site_new() -> None:
    for text in ("", "{", '{"moment": "x"}', '{"moment": 1, "equipment": {"E1": {"register": "a"}}}'):
        store = MemoryStore()
        store.texts["simulation/XX-TST-1"] = text
        scene = Scene(evse("E1"), store=store)
        scene.do(scene.equipment.resume())
        scene.start()
        assert scene.equipment.evse_state("E1") is EvseState.PREPARING


def test_a_failing_listener_hears_the_event_again_and_nothing_is_saved_before_it_has() -> None:
    scene = Scene(evse("E1"))
    failures = [RuntimeError("the database is away")]

    async def fail_once(event: EquipmentEvent) -> None:
        if failures:
            raise failures.pop()

    scene.equipment.subscribe(fail_once)
    scene.plug_in()
    assert scene.store.texts == {}
    scene.at(1)
    assert [kind for _, kind in scene.told()] == ["plugged_in", "plugged_in"]
    assert list(scene.store.texts) == ["simulation/XX-TST-1"]


def test_a_listener_may_command_the_equipment() -> None:
    scene = Scene(evse("E1"))

    async def start_at_card(event: EquipmentEvent) -> None:
        if event.kind == "card_presented":
            await scene.equipment.start(event.evse_uid, None, "T1", id_tag=event.uid)

    scene.equipment.subscribe(start_at_card)
    scene.plug_in()
    scene.do(scene.at(5).equipment.present_card("E1", "CARD"))
    assert scene.at(20).told() == [
        (0, "plugged_in"),
        (5, "card_presented"),
        (5, "transaction_started"),
        (15, "energy_flowing"),
    ]


def test_the_running_task_follows_a_clock_that_runs_sixty_times_as_fast() -> None:
    class Hasty(FixedClock):
        def now(self):
            self.moment += timedelta(seconds=60)
            return self.moment

    site = SiteSpec("XX-TST-1", (evse("E1"),))
    told: list[EquipmentEvent] = []

    async def live() -> None:
        equipment = SimulatedEquipment([site], Hasty(NOON), MemoryStore())
        full = asyncio.Event()

        async def hear(event: EquipmentEvent) -> None:
            told.append(event)
            if event.kind == "suspended":
                full.set()

        equipment.subscribe(hear)
        await equipment.plug_in("E1", typical_cars()[0], percent=90)
        await equipment.start("E1", None, "T1", id_tag="CARD")
        running = asyncio.create_task(equipment.run(interval=0))
        await full.wait()
        running.cancel()

    asyncio.run(live())
    by_kind = {event.kind: event.moment for event in told}
    # Plugged in at 12:01, started at 12:02 by this clock, ten seconds of handshake.
    assert (by_kind["energy_flowing"] - NOON).total_seconds() == 130


def test_two_hours_of_one_car_take_well_under_a_tenth_of_a_second() -> None:
    scene = Scene(evse("E1"))
    scene.plug_in(car=typical_cars()[5], percent=0)
    scene.start()
    began = time.process_time()
    scene.at(7200)
    assert time.process_time() - began < 0.1
