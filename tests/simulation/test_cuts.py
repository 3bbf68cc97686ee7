"""However an interval is cut, the same things happen; what must never happen never does."""

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import Refused
from core.simulation.faults import Faults
from core.simulation.state import Evse
from core.simulation.station import Drivers
from core.simulation.typical_cars import typical_cars
from tests.simulation.scene import AC_7, AC_22, DC_50, Scene, evse

UIDS = ("E1", "E2", "E3")
LIMIT = 45_000
HOUR = 3_600

FAULTS = st.builds(
    Faults,
    offline=st.booleans(),
    no_power=st.booleans(),
    cable_not_seen=st.booleans(),
    cable_stuck=st.booleans(),
    stops_after_seconds=st.none() | st.integers(1, HOUR),
    stops_after_energy=st.none() | st.integers(1, 5_000),
)
ACTIONS = st.one_of(
    st.tuples(st.just("start"), st.sampled_from(UIDS)),
    st.tuples(st.just("plug_in"), st.sampled_from(UIDS), st.integers(0, 5), st.integers(0, 100)),
    st.tuples(st.just("unplug"), st.sampled_from(UIDS)),
    st.tuples(st.just("stop"), st.just("E1"), st.integers(0, 10)),
    st.tuples(st.just("unlock"), st.sampled_from(UIDS)),
    st.tuples(st.just("suffer"), st.sampled_from(UIDS), FAULTS),
)
ANY_CAR = st.tuples(st.just("plug_in"), st.just("E2"), st.integers(0, 5), st.integers(0, 100))
BUSY = ((0.5, ("plug_in", "E1", 2, 60)), (3.5, ("start", "E1")), (30.000001, ("start", "E3")), (90.0, ("start", "E2")))
MOMENTS = st.floats(0, 2 * HOUR).map(lambda seconds: round(seconds, 6))


def act(scene: Scene, number: int, action: Sequence) -> None:
    name, uid, *rest = action
    equipment = scene.equipment
    todo = {
        "start": lambda: equipment.start(uid, None, f"T{number}", id_tag="CARD"),
        "plug_in": lambda index, percent: equipment.plug_in(
            uid, typical_cars()[index], percent=percent, temperature=30
        ),
        "unplug": lambda: equipment.unplug(uid),
        "stop": lambda earlier: equipment.stop(f"T{earlier}"),
        "unlock": lambda: equipment.unlock(uid, "1"),
        "suffer": lambda faults: equipment.suffer(uid, faults),
    }[name]
    try:
        scene.do(todo(*rest))
    except Refused as refusal:
        scene.events.append(refusal.code)  # type: ignore[arg-type]  refusals belong to the story that is compared


def live(actions: Sequence[tuple[float, Sequence]], cuts: list[float]) -> tuple[Scene, list[Evse]]:
    drivers = Drivers(auto_plug_after=7, auto_unplug_after=90)
    specs = (evse("E1", DC_50), evse("E2", AC_22, socket=True), evse("E3", AC_7, socket=True, drivers=drivers))
    scene = Scene(*specs, power_limit=LIMIT)
    registers = [0, 0, 0]
    timeline = [(moment, 1, number, action) for number, (moment, action) in enumerate(actions)]
    timeline += [(moment, 0, 0, None) for moment in cuts]
    for moment, _, number, action in sorted(timeline, key=lambda one: one[:3]):
        scene.at(moment)
        if action is not None:
            act(scene, number, action)
        else:
            now = [scene.equipment.look(uid)[1] for uid in UIDS]
            assert sum(one.transaction.power for one in now if one.transaction) <= LIMIT
            assert all(before <= one.register for before, one in zip(registers, now, strict=True))
            registers = [one.register for one in now]
    scene.at(3 * HOUR)
    return scene, [scene.equipment.look(uid)[1] for uid in UIDS]


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    st.tuples(st.floats(91, 150).map(lambda seconds: round(seconds, 6)), ANY_CAR),
    st.lists(st.tuples(MOMENTS, ACTIONS), max_size=9),
    st.lists(MOMENTS | MOMENTS.map(lambda seconds: float(int(seconds))), max_size=25),
)
def test_the_same_things_happen_however_the_time_is_cut(arrival, surprises, cuts) -> None:
    actions = [*BUSY, arrival, *surprises]
    at_once, state_at_once = live(actions, [])
    in_pieces, state_in_pieces = live(actions, cuts)
    assert in_pieces.events == at_once.events
    assert state_in_pieces == state_at_once


def test_ten_minutes_at_once_are_six_hundred_seconds_one_by_one() -> None:
    at_once, state_at_once = live(BUSY, [])
    second_by_second, state_second_by_second = live(BUSY, [float(second) for second in range(601)])
    assert second_by_second.events == at_once.events
    assert state_second_by_second == state_at_once
    assert state_at_once[0].register > 0 < state_at_once[2].register


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.lists(st.tuples(MOMENTS, ACTIONS), max_size=9))
def test_readings_rise_and_no_transaction_stops_twice(surprises) -> None:
    scene, _ = live([*BUSY, *surprises], [])
    for uid in UIDS:
        told = [event for event in scene.events if getattr(event, "evse_uid", None) == uid]
        registers = [
            event.reading.register_kwh if event.kind == "meter_value" else event.register_kwh
            for event in told
            if event.kind in {"transaction_started", "meter_value", "transaction_stopped"}
        ]
        assert all(before <= after for before, after in pairwise(registers))
        stopped = [event.transaction_id for event in told if event.kind == "transaction_stopped"]
        assert len(stopped) == len(set(stopped))
