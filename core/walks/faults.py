"""Faults cast upon one step of a walk: which there are where, and how the platforms stand when one is over."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from core.driver_messages import Problem
from core.endpoint.endpoint import Endpoint
from core.errors import EvroamError, InvalidInput
from core.model.session import SessionState
from core.network import Via
from core.simulation.faults import NO_FAULTS, Faults
from core.walks.disturbance import TREATMENTS, Disturbance
from core.walks.fault_names import FAULTS
from core.walks.ground import Ground
from core.walks.scenario import Act, Actor, Scenario, Step

_THROUGH_HOUSE = "clearing-house-5xx"
_STATION = {
    "station-offline": Faults(offline=True),
    "station-out-of-order": Faults(out_of_order=True),
    "station-refuses": Faults(refuses_start=True),
    "cable-not-seen": Faults(cable_not_seen=True),
    "cable-stuck": Faults(cable_stuck=True),
}
_RECOVERS_WITHIN_SECONDS = 45.0
_RECOVERS_MINUTES = 2
_UNDECIDED = {SessionState.AUTHORISING, SessionState.UNCONFIRMED}


@dataclass
class Cast:
    """A fault at a step. Its acts go just before and just after that step, and before what is found at the end."""

    name: str
    step: Step[Ground, object]
    _disturbances: list[Disturbance] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.name}@{self.step.name}"

    async def begin(self, ground: Ground) -> None:
        """The fault is there."""
        if self.name in _STATION:
            await ground.equipment.suffer(ground.post.evse_uid, _STATION[self.name])
            return
        actor = Actor.CLEARING_HOUSE if self.name == _THROUGH_HOUSE else self.step.receiver
        for endpoint in _endpoints(ground, actor):
            disturbance = Disturbance(endpoint, self.step.wire, TREATMENTS[self.name])
            disturbance.begin()
            self._disturbances.append(disturbance)

    async def lift(self, ground: Ground) -> None:
        """The wire is as it should be again."""
        while self._disturbances:
            self._disturbances.pop().lift()

    async def repair(self, ground: Ground) -> None:
        """Nothing is wrong any more."""
        await self.lift(ground)
        if self.name in _STATION and hasattr(ground, "post"):
            await ground.equipment.suffer(ground.post.evse_uid, NO_FAULTS)

    def around(self) -> tuple[dict[str, Act[Ground]], dict[str, Act[Ground]]]:
        """What is done before and after the step, by its name."""
        return {self.step.name: self.begin}, {self.step.name: self.lift}


def cast(text: str, scenario: Scenario[Ground], via: Via) -> Cast:
    """The fault that `NAME@STEP` says. Raises InvalidInput with what there is."""
    name, _, step_name = text.partition("@")
    if name not in FAULTS:
        raise InvalidInput(
            f"There is no fault “{name[:40]}”.",
            code="unknown_fault",
            next_step=f"Say NAME@STEP, NAME being one of: {', '.join(FAULTS)}.",
        )
    step = next((one for one in scenario.steps if one.name == step_name), None)
    possible = ", ".join(one.name for one in scenario.steps if can_be_cast(name, one, via)) or "none of this walk"
    if step is None:
        raise InvalidInput(
            f"The walk {scenario.name} has no step “{step_name[:40]}”.",
            code="unknown_step",
            next_step=f"The fault {name} can be at: {possible}.",
        )
    if not can_be_cast(name, step, via):
        raise InvalidInput(
            f"The fault {name} ({FAULTS[name]}) cannot be at the step {step_name}.",
            code="fault_not_there",
            next_step=f"It can be at: {possible}.",
        )
    return Cast(name, step)


def can_be_cast(name: str, step: Step[Ground, object], via: Via) -> bool:
    """Whether a fault can show at a step."""
    if name in _STATION:
        return step.at_post
    return step.crosses and (name != _THROUGH_HOUSE or via is Via.HUB)


async def coped(ground: Ground) -> tuple[str, ...]:
    """How the platforms stand once the fault is over and some time has passed: a sentence each."""
    for endpoint in _endpoints(ground, *Actor):
        endpoint.outbox.wake()
    with suppress(EvroamError):
        await ground.advance(_RECOVERS_MINUTES)
    for endpoint in _endpoints(ground, *Actor):
        endpoint.outbox.wake()

    async def waiting() -> int:
        return sum(sum(one.outbox.backlog().values()) for one in _endpoints(ground, *Actor))

    left = await ground.until(waiting, lambda seen: seen == 0, within=_RECOVERS_WITHIN_SECONDS)
    words = [f"Objects that still wait to be sent: {left or 'none'}."]
    return (*words, *(await _session_words(ground))) if hasattr(ground, "session_id") else tuple(words)


async def _session_words(ground: Ground) -> list[str]:
    """What became of the session, and what its driver reads."""
    view = await ground.until(
        ground.session,
        lambda seen: seen.state not in _UNDECIDED,
        within=_RECOVERS_WITHIN_SECONDS,
    )
    here, there = (await ground.both()).states
    told = view.problem or view.stop_problem
    return [
        f"The session is {here} at the home-CSP, {there or 'unknown'} at the visited-CSO.",
        f"The driver reads: {_in_full(told)}" if told else "The driver is told of no problem.",
        *(
            ["If the cable is held, the driver may ask for an emergency unlock (UC5-2, UC5-3)."]
            if view.may_ask_unlock
            else []
        ),
        "There is a receipt." if view.receipt_id else "Nothing is billed so far.",
    ]


def _in_full(told: Problem) -> str:
    """What is wrong and what to do, each ended as a sentence is."""
    said = (one.rstrip(".") + "." for one in (told.message, told.next_step) if one)
    return " ".join(said)


def _endpoints(ground: Ground, *actors: Actor) -> Iterator[Endpoint]:
    network = ground.network
    if Actor.HOME_CSP in actors:
        yield network.home.endpoint
    if Actor.VISITED_CSO in actors:
        yield from (one.platform.endpoint for one in network.members)
    if Actor.CLEARING_HOUSE in actors and network.clearing_house is not None:
        yield network.clearing_house.endpoint
