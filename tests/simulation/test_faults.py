"""Each fault, as the visited-CSO meets it."""

from decimal import Decimal

import pytest

from core.errors import Refused
from core.simulation.faults import NO_FAULTS, Faults
from core.simulation.station import Drivers
from core.visited_cso.equipment import EvseState, RefusalCode, StopReason, TransactionStopped
from tests.simulation.scene import AC_22, Scene, evse


def refused(scene: Scene, action) -> str:
    with pytest.raises(Refused) as refusal:
        scene.do(action)
    return refusal.value.code


def charging(**kind) -> Scene:
    scene = Scene(evse("E1", **kind))
    scene.plug_in()
    scene.start()
    return scene


def suffer(scene: Scene, faults: Faults) -> None:
    scene.do(scene.equipment.suffer("E1", faults))


def stop_of(scene: Scene) -> TransactionStopped:
    return next(event for event in scene.events if isinstance(event, TransactionStopped))


def test_offline_goes_on_charging_and_tells_later_what_happened_with_its_moments() -> None:
    scene = charging()
    suffer(scene.at(370), Faults(offline=True))
    scene.at(500)
    assert scene.equipment.evse_state("E1") is EvseState.OFFLINE
    # What was heard last: 50 kW for 360 s.
    assert scene.equipment.reading("T1").session_energy_kwh == Decimal("5.0000")
    assert refused(scene, scene.equipment.stop("T1")) == RefusalCode.TIMEOUT
    assert refused(scene, scene.equipment.start("E1", None, "T2", id_tag="A")) == RefusalCode.TIMEOUT
    assert refused(scene, scene.equipment.unlock("E1", "1")) == RefusalCode.TIMEOUT
    scene.do(scene.at(730).equipment.present_card("E1", "STRANGER"))
    scene.do(scene.equipment.unplug("E1"))
    assert scene.told()[-1] == (370, "offline")
    suffer(scene.at(900), NO_FAULTS)
    assert scene.told()[-4:] == [(370, "offline"), (900, "online"), (730, "transaction_stopped"), (730, "unplugged")]
    assert stop_of(scene).session_energy_kwh == Decimal("10.0000")
    assert scene.equipment.evse_state("E1") is EvseState.AVAILABLE


def test_lost_power_ends_the_transaction_at_its_last_register() -> None:
    scene = charging(supply=AC_22, socket=True)
    suffer(scene.at(370), Faults(no_power=True))
    scene.at(800)
    assert scene.equipment.evse_state("E1") is EvseState.OFFLINE
    assert not any(isinstance(event, TransactionStopped) for event in scene.events)
    suffer(scene.at(900), NO_FAULTS)
    assert scene.told()[-3:] == [(900, "online"), (370, "transaction_stopped"), (370, "connector_unlocked")]
    # 11.04 kW for 360 s.
    assert (stop_of(scene).reason, stop_of(scene).register_kwh) == (StopReason.POWER_LOSS, Decimal("1.1040"))


def test_out_of_order_ends_the_transaction_and_refuses_until_repaired() -> None:
    scene = charging()
    suffer(scene.at(60), Faults(out_of_order=True))
    assert stop_of(scene).reason is StopReason.FAULT
    assert scene.equipment.evse_state("E1") is EvseState.FAULTED
    assert refused(scene, scene.equipment.start("E1", None, "T2", id_tag="CARD")) == RefusalCode.INOPERATIVE
    suffer(scene, NO_FAULTS)
    assert scene.told()[-1] == (60, "repaired")
    scene.start("E1", "T2")


def test_a_rejected_start_starts_nothing() -> None:
    scene = Scene(evse("E1"))
    scene.plug_in()
    suffer(scene, Faults(refuses_start=True))
    assert refused(scene, scene.equipment.start("E1", None, "T1", id_tag="A")) == RefusalCode.REJECTED
    assert scene.at(100).told() == [(0, "plugged_in")]


def test_a_start_whose_answer_is_lost_charges_all_the_same() -> None:
    scene = Scene(evse("E1"))
    scene.plug_in()
    suffer(scene, Faults(answer_lost=True))
    assert refused(scene, scene.equipment.start("E1", None, "T1", id_tag="A")) == RefusalCode.TIMEOUT
    assert scene.at(100).told()[-1] == (10, "energy_flowing")


def test_a_cable_that_is_not_seen_leads_to_the_connection_timeout() -> None:
    scene = Scene(evse("E1"))
    suffer(scene, Faults(cable_not_seen=True))
    scene.start()
    scene.at(10).plug_in()
    assert scene.equipment.evse_state("E1") is EvseState.PREPARING
    scene.at(100)
    assert scene.told() == [(60, "transaction_stopped")]
    assert stop_of(scene).reason is StopReason.CABLE_NOT_SEEN


def test_a_cable_seen_after_all_begins_the_transaction() -> None:
    scene = Scene(evse("E1"))
    suffer(scene, Faults(cable_not_seen=True))
    scene.start()
    scene.at(10).plug_in()
    suffer(scene.at(30), NO_FAULTS)
    assert scene.at(60).told() == [(30, "plugged_in"), (30, "transaction_started"), (40, "energy_flowing")]


@pytest.mark.parametrize(
    ("faults", "second", "energy"),
    [
        (Faults(stops_after_seconds=370), 370, "5.0000"),  # ten seconds of handshake, 360 s of 50 kW
        (Faults(stops_after_energy=2_500), 190, "2.5000"),  # 180 s of 50 kW
    ],
)
def test_a_station_that_stops_by_itself(faults: Faults, second: int, energy: str) -> None:
    scene = charging()
    suffer(scene, faults)
    scene.at(1_000)
    assert scene.told()[-1] == (second, "transaction_stopped")
    assert (stop_of(scene).reason, stop_of(scene).session_energy_kwh) == (StopReason.STATION, Decimal(energy))


def test_a_stuck_plug_stays_until_it_is_unlocked() -> None:
    scene = charging(supply=AC_22, socket=True, drivers=Drivers(auto_unplug_after=30))
    suffer(scene.at(60), Faults(cable_stuck=True))
    scene.do(scene.equipment.stop("T1"))
    assert scene.at(200).told()[-1] == (60, "transaction_stopped")
    assert refused(scene, scene.equipment.unplug("E1")) == RefusalCode.FAILED
    scene.do(scene.equipment.unlock("E1", "1"))
    assert scene.at(300).told()[-2:] == [(200, "connector_unlocked"), (230, "unplugged")]


def test_a_plug_can_stick_although_the_start_was_refused() -> None:
    # IEC 63119-2, 8.5.3: activation has failed and there is no session, but the cable is held.
    scene = Scene(evse("E1", AC_22, socket=True))
    suffer(scene, Faults(cable_stuck=True, refuses_start=True))
    scene.plug_in()
    assert refused(scene, scene.equipment.start("E1", None, "T1", id_tag="A")) == RefusalCode.REJECTED
    assert refused(scene, scene.equipment.unplug("E1")) == RefusalCode.FAILED
    scene.do(scene.equipment.unlock("E1", "1"))
    scene.do(scene.equipment.unplug("E1"))
    assert [kind for _, kind in scene.told()] == ["plugged_in", "connector_locked", "connector_unlocked", "unplugged"]


def test_a_broken_lock_stays_shut_until_it_is_repaired() -> None:
    scene = charging(supply=AC_22, socket=True)
    suffer(scene.at(60), Faults(cable_stuck=True, lock_broken=True))
    assert refused(scene, scene.equipment.unlock("E1", "1")) == RefusalCode.FAILED
    scene.do(scene.equipment.stop("T1"))
    suffer(scene, NO_FAULTS)
    scene.do(scene.equipment.unplug("E1"))
    assert scene.told()[-2:] == [(60, "connector_unlocked"), (60, "unplugged")]
