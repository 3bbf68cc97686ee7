"""Commands, cables and cards in every order, and the reports that follow."""

from datetime import timedelta
from decimal import Decimal

import pytest

from core.errors import NotFound, Refused
from core.simulation.station import ConnectorSpec, Drivers, EvseSpec
from core.visited_cso.equipment import CardPresented, EvseState, RefusalCode, StopReason, TransactionStopped
from tests.simulation.scene import AC_22, DC_50, NOON, Scene, evse, plain_car


def refused(scene: Scene, action) -> str:
    with pytest.raises(Refused) as refusal:
        scene.do(action)
    return refusal.value.code


def last_stop(scene: Scene) -> TransactionStopped:
    return next(event for event in reversed(scene.events) if isinstance(event, TransactionStopped))


def state(scene: Scene, uid: str = "E1") -> EvseState:
    return scene.equipment.evse_state(uid)


def test_plug_then_start() -> None:
    scene = Scene(evse("E1"))
    assert state(scene) is EvseState.AVAILABLE
    scene.at(5).plug_in()
    assert state(scene) is EvseState.PREPARING
    scene.at(8).start()
    scene.at(100)
    assert scene.told() == [(5, "plugged_in"), (8, "transaction_started"), (18, "energy_flowing")]
    assert state(scene) is EvseState.CHARGING


def test_start_then_plug() -> None:
    scene = Scene(evse("E1"))
    scene.at(5).start()
    assert state(scene) is EvseState.PREPARING
    assert scene.equipment.reading("T1").session_energy_kwh == 0
    scene.at(40).plug_in()
    scene.at(100)
    assert scene.told() == [(40, "plugged_in"), (40, "transaction_started"), (50, "energy_flowing")]


def test_a_start_without_a_cable_ends_at_the_connection_timeout_to_the_second() -> None:
    scene = Scene(evse("E1"))
    scene.at(5).start()
    assert scene.at(64.999999).told() == []
    assert scene.at(65).told() == [(65, "transaction_stopped")]
    assert last_stop(scene).reason is StopReason.CABLE_NOT_SEEN
    assert state(scene) is EvseState.AVAILABLE


def test_periodic_readings_come_on_whole_minutes() -> None:
    scene = Scene(evse("E1"))
    scene.at(5).plug_in()
    scene.start()
    scene.at(185)
    assert [moment for moment, kind in scene.told(meter=True) if kind == "meter_value"] == [60, 120, 180]


def test_stop_ends_the_flow_and_tells_the_final_register() -> None:
    scene = Scene(evse("E1"))
    scene.plug_in()
    scene.start()
    scene.do(scene.at(730).equipment.stop("T1"))
    scene.at(900)
    # 50 kW for 720 s.
    assert last_stop(scene) == TransactionStopped(
        "E1", NOON + timedelta(seconds=730), "T1", StopReason.REMOTE, Decimal("10.0000"), Decimal("10.0000")
    )
    assert state(scene) is EvseState.FINISHING
    reading = scene.equipment.reading("T1")
    assert (reading.moment, reading.power_w) == (NOON + timedelta(seconds=730), 0)
    scene.do(scene.equipment.unplug("E1"))
    assert state(scene) is EvseState.AVAILABLE


def test_repeated_commands_do_their_work_once() -> None:
    scene = Scene(evse("E1"))
    scene.plug_in()
    scene.start()
    scene.start()
    scene.do(scene.at(60).equipment.stop("T1"))
    scene.do(scene.equipment.stop("T1"))
    scene.start()
    assert [kind for _, kind in scene.told()].count("transaction_started") == 1
    assert [kind for _, kind in scene.told()].count("transaction_stopped") == 1


def test_the_session_energy_of_a_second_transaction_starts_at_nought() -> None:
    scene = Scene(evse("E1"))
    scene.plug_in()
    scene.start()
    scene.do(scene.at(730).equipment.stop("T1"))
    scene.start("E1", "T2")
    reading = scene.at(740 + 72).equipment.reading("T2")
    assert (reading.register_kwh, reading.session_energy_kwh) == (Decimal("11.0000"), Decimal("1.0000"))


def test_pulling_the_plug_ends_the_transaction() -> None:
    scene = Scene(evse("E1"))
    scene.plug_in()
    scene.start()
    scene.do(scene.at(730).equipment.unplug("E1"))
    assert last_stop(scene).reason is StopReason.EV_DISCONNECTED
    assert last_stop(scene).session_energy_kwh == Decimal("10.0000")
    assert scene.told()[-1] == (730, "unplugged")
    assert refused(scene, scene.equipment.unplug("E1")) == "rejected"


def test_the_card_that_started_stops_and_another_is_reported() -> None:
    scene = Scene(evse("E1"))
    scene.plug_in()
    scene.start(id_tag="MINE")
    scene.do(scene.at(20).equipment.present_card("E1", "OTHER"))
    assert scene.events[-1] == CardPresented("E1", NOON + timedelta(seconds=20), "OTHER")
    scene.do(scene.at(30).equipment.present_card("E1", "MINE"))
    assert last_stop(scene).reason is StopReason.LOCAL


def test_a_socket_outlet_locks_for_the_transaction_and_opens_after_it() -> None:
    scene = Scene(evse("E1", AC_22, socket=True))
    scene.plug_in()
    scene.start()
    scene.do(scene.at(60).equipment.stop("T1"))
    assert scene.told() == [
        (0, "plugged_in"),
        (0, "transaction_started"),
        (0, "connector_locked"),
        (10, "energy_flowing"),
        (60, "transaction_stopped"),
        (60, "connector_unlocked"),
    ]


def test_unlock_ends_the_transaction_on_the_connector() -> None:
    scene = Scene(evse("E1", AC_22, socket=True), evse("E2"))
    scene.plug_in()
    scene.start()
    scene.do(scene.at(60).equipment.unlock("E1", "1"))
    assert last_stop(scene).reason is StopReason.UNLOCKED
    assert refused(scene, scene.equipment.unlock("E2", "1")) == RefusalCode.NOT_SUPPORTED


def test_refusals_have_codes() -> None:
    scene = Scene(evse("E1"))
    equipment = scene.equipment
    assert refused(scene, equipment.start("E9", None, "T1", id_tag="A")) == RefusalCode.UNKNOWN_EVSE
    assert refused(scene, equipment.start("E1", "9", "T1", id_tag="A")) == RefusalCode.UNKNOWN_CONNECTOR
    assert refused(scene, equipment.stop("T1")) == RefusalCode.UNKNOWN_TRANSACTION
    assert refused(scene, equipment.unlock("E1", "9")) == RefusalCode.UNKNOWN_CONNECTOR
    assert refused(scene, equipment.cancel_reservation("R1")) == RefusalCode.UNKNOWN_RESERVATION
    scene.start("e1", "T1", id_tag="A")  # uids are caseless
    assert refused(scene, equipment.start("E1", None, "T2", id_tag="A")) == RefusalCode.OCCUPIED
    for question in (lambda: equipment.reading("T9"), lambda: equipment.evse_state("E9")):
        with pytest.raises(NotFound):
            question()


def test_another_drivers_car_that_has_had_its_turn_occupies_the_place() -> None:
    scene = Scene(evse("E1"))
    scene.plug_in()
    scene.start(id_tag="MINE")
    scene.do(scene.at(60).equipment.stop("T1"))
    assert refused(scene, scene.equipment.start("E1", None, "T2", id_tag="OTHER")) == RefusalCode.OCCUPIED
    assert refused(scene, scene.equipment.plug_in("E1", plain_car())) == RefusalCode.OCCUPIED


def test_a_reservation_keeps_others_out_and_is_used_up_by_its_own() -> None:
    scene = Scene(evse("E1"))
    until = NOON + timedelta(seconds=900)
    scene.do(scene.equipment.reserve("E1", "R1", until=until, id_tag="MINE"))
    assert state(scene) is EvseState.RESERVED
    assert refused(scene, scene.equipment.start("E1", None, "T1", id_tag="OTHER")) == RefusalCode.OCCUPIED
    other = scene.equipment.reserve("E1", "R2", until=until, id_tag="OTHER")
    assert refused(scene, other) == RefusalCode.OCCUPIED
    scene.start(id_tag="MINE")
    scene.plug_in()
    assert refused(scene, scene.equipment.cancel_reservation("R1")) == RefusalCode.UNKNOWN_RESERVATION


def test_a_start_on_a_reservation_that_nobody_plugs_in_for_leaves_it_held() -> None:
    scene = Scene(evse("E1"))
    until = NOON + timedelta(seconds=900)
    scene.do(scene.equipment.reserve("E1", "R1", until=until, id_tag="MINE"))
    scene.start(transaction_id="R1", id_tag="FAMILY")  # the visited-CSO has looked: a token of the same group
    scene.at(100)
    assert (scene.told(), state(scene)) == ([(60, "transaction_stopped")], EvseState.RESERVED)
    scene.start(transaction_id="R1", id_tag="FAMILY")
    scene.at(899)
    scene.start(transaction_id="R1", id_tag="FAMILY")
    assert scene.at(1000).told()[-2:] == [(959, "transaction_stopped"), (959, "reservation_expired")]


def test_a_reservation_can_be_prolonged_cancelled_and_runs_out() -> None:
    scene = Scene(evse("E1"))
    for seconds in (900, 1800):
        until = NOON + timedelta(seconds=seconds)
        scene.do(scene.equipment.reserve("E1", "R1", until=until, id_tag="MINE"))
    assert scene.at(2000).told() == [(1800, "reservation_expired")]
    scene.do(scene.equipment.reserve("E1", "R2", until=NOON + timedelta(hours=1), id_tag="MINE"))
    scene.do(scene.equipment.cancel_reservation("R2"))
    assert state(scene) is EvseState.AVAILABLE
    assert len(scene.at(4000).told()) == 1


def test_drivers_who_act_by_themselves_plug_in_and_leave() -> None:
    scene = Scene(evse("E1", drivers=Drivers(auto_plug_after=8, auto_unplug_after=120)))
    scene.start()
    scene.do(scene.at(300).equipment.stop("T1"))
    scene.at(1000)
    assert scene.told() == [
        (8, "plugged_in"),
        (8, "transaction_started"),
        (18, "energy_flowing"),
        (300, "transaction_stopped"),
        (420, "unplugged"),
    ]


def test_a_start_for_one_connector_does_not_begin_at_the_other() -> None:
    both = (ConnectorSpec("1", DC_50, False, handshake=10), ConnectorSpec("2", AC_22, True, handshake=4))
    scene = Scene(EvseSpec("E1", both))
    scene.do(scene.equipment.start("E1", "1", "T1", id_tag="CARD"))
    scene.do(scene.at(5).equipment.plug_in("E1", plain_car(), connector_id="2"))
    assert scene.at(100).told() == [(5, "plugged_in"), (60, "transaction_stopped")]
    assert refused(scene, scene.equipment.start("E1", "1", "T2", id_tag="CARD")) == RefusalCode.OCCUPIED
    scene.do(scene.equipment.unplug("E1"))
    scene.do(scene.equipment.plug_in("E1", plain_car(), connector_id="2"))
    scene.do(scene.equipment.start("E1", "2", "T3", id_tag="CARD"))
    # The other connector is alternating current: 3 × 230 V × 16 A after its own handshake of 4 s.
    assert scene.at(104).equipment.reading("T3").power_w == 11_040
