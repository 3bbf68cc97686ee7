"""The steps from the driver's consent to the stop (Annex A.1, steps 3, 4 and 6)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

from core.driver_messages import CurvePoint, Problem, RungState, SessionView
from core.endpoint.ports import CommandAnswer, CommandKind, CommandResult
from core.home_csp.energy_transfer.commands import SentCommand, sent
from core.model.session import ENDED, SessionState, TransactionKind
from core.simulation.typical_cars import typical_cars
from core.visited_cso.equipment import EvseState
from core.walks.ground import Both, Ground
from core.walks.scenario import Actor, Finding, Step

_ARRIVES_AT_PERCENT = 20
_CHARGES_MINUTES = 5

# -- UC3-2: the command


@dataclass(frozen=True)
class Started:
    """The start as both platforms recorded it; problem: what the driver was told, if anything."""

    command: SentCommand | None
    both: Both
    problem: Problem | None
    quote_id: str


async def _start(ground: Ground) -> Started:
    ground.session_id = (await ground.client.start(ground.quote.id)).id
    view = await ground.session_until(lambda seen: seen.state is SessionState.AUTHORISED)
    if view.state in ENDED:
        both = await ground.both()
    else:
        both = await ground.until(ground.both, lambda seen: seen.operator is not None)
    return Started(command_sent(ground, CommandKind.START_SESSION), both, view.problem, ground.quote.id)


def command_sent(ground: Ground, kind: CommandKind) -> SentCommand | None:
    """The last command of this kind for the session, and what came back."""
    context = ground.network.home.context
    with context.store.read() as connection:
        return sent(connection, context, ground.session_id, kind)


def _check_started(seen: Started) -> Sequence[Finding]:
    home, operator = seen.both.home, seen.both.operator
    told = f" ({seen.problem.code}: {seen.problem.message})" if seen.problem else ""
    return [
        accepted(seen.command, told),
        Finding(
            expected=f"the session stands on quote {seen.quote_id}",
            actual=f"the session stands on quote {home.quote_id}",
            holds=home.quote_id == seen.quote_id,
        ),
        Finding(
            expected="one authorization reference at both platforms",
            actual=f"{home.authorization_reference} at the home-CSP, "
            f"{operator.authorization_reference if operator else 'none'} at the visited-CSO",
            holds=operator is not None
            and home.authorization_reference is not None
            and home.authorization_reference == operator.authorization_reference,
        ),
    ]


def accepted(command: SentCommand | None, told: str = "") -> Finding:
    """Whether the operator took the command and the station did it; told: what the driver was told of it."""
    answer, result = (command.answer, command.result) if command else (None, None)
    return Finding(
        expected="answer ACCEPTED, then result ACCEPTED",
        actual=f"answer {answer or 'none'}, result {result or 'none'}{told}",
        holds=answer == CommandAnswer.ACCEPTED and result == CommandResult.ACCEPTED,
    )


# -- UC3-2: the session becomes active


@dataclass(frozen=True)
class Active:
    """The session a minute after the cable was plugged in."""

    view: SessionView
    both: Both


async def _plug_in(ground: Ground) -> Active:
    cars = typical_cars()
    await ground.equipment.plug_in(
        ground.post.evse_uid,
        cars[ground.seed % len(cars)],
        percent=_ARRIVES_AT_PERCENT,
        connector_id=ground.post.connector_id,
    )
    await ground.advance(1)
    view = await ground.session_until(lambda seen: seen.state is SessionState.ACTIVE and seen.energy_kwh > 0)
    return Active(view, await ground.both())


def _check_active(seen: Active) -> Sequence[Finding]:
    home, operator = seen.both.home, seen.both.operator
    rungs = {rung.name: rung.state for rung in seen.view.rungs}
    return [
        states(seen.both, SessionState.ACTIVE, SessionState.ACTIVE),
        Finding(
            expected="one session id and one start at both platforms",
            actual=f"{home.visited_session_id} since {home.started_at:%H:%M:%S}"
            if home.started_at
            else "the session has no start",
            holds=operator is not None
            and home.visited_session_id == operator.id
            and home.started_at is not None
            and home.started_at == operator.started_at,
        ),
        Finding(
            expected="every rung of the start done",
            actual=", ".join(f"{name} {state}" for name, state in rungs.items()),
            holds=bool(rungs) and set(rungs.values()) == {RungState.DONE},
        ),
    ]


def states(both: Both, home: SessionState, operator: SessionState) -> Finding:
    """Whether the session is in these states at the two platforms."""
    return Finding(
        expected=f"{home} at the home-CSP, {operator} at the visited-CSO",
        actual=f"{both.states[0]} at the home-CSP, {both.states[1] or 'unknown'} at the visited-CSO",
        holds=both.states == (home, operator),
    )


# -- UC3-6


@dataclass(frozen=True)
class Word:
    """One minute: energy as the station's meter, the visited-CSO and the driver's front end have it; cost so far."""

    at: datetime
    meter_kwh: Decimal
    operator_kwh: Decimal
    driver_kwh: Decimal
    cost: Decimal | None


@dataclass(frozen=True)
class Progressed:
    """Minute by minute, the curve, and the energies that came as live events."""

    words: tuple[Word, ...]
    curve: tuple[CurvePoint, ...]
    live_kwh: tuple[Decimal, ...]


async def _progress(ground: Ground) -> Progressed:
    words = []
    for _ in range(_CHARGES_MINUTES):
        await ground.advance(1)
        words.append(await _word(ground))
        if words[-1].driver_kwh != words[-1].meter_kwh:
            break
    view = await ground.session()

    async def live() -> tuple[Decimal, ...]:
        return tuple(
            one.session.energy_kwh
            for one in ground.events
            if one.session is not None and one.session.id == ground.session_id
        )

    heard = await ground.until(live, lambda seen: bool(seen) and seen[-1] == words[-1].driver_kwh)
    return Progressed(tuple(words), view.curve, heard)


async def _word(ground: Ground) -> Word:
    meter = ground.equipment.reading((await ground.both()).home.visited_session_id or "").session_energy_kwh
    view = await ground.session_until(lambda seen: seen.energy_kwh == meter)
    operator = (await ground.both()).operator
    return Word(
        at=ground.clock.now(),
        meter_kwh=meter,
        operator_kwh=operator.energy if operator else Decimal(0),
        driver_kwh=view.energy_kwh,
        cost=view.cost.amount if view.cost else None,
    )


def _check_progress(seen: Progressed) -> Sequence[Finding]:
    energies = [one.driver_kwh for one in seen.words]
    costs = [one.cost for one in seen.words if one.cost is not None]
    return [
        Finding(
            expected="the driver's kWh are those of the station's meter and of the visited-CSO, minute by minute",
            actual=", ".join(f"{one.driver_kwh:f}" for one in seen.words)
            + f" kWh; meter at last {seen.words[-1].meter_kwh:f}, visited-CSO {seen.words[-1].operator_kwh:f}",
            holds=all(one.driver_kwh == one.meter_kwh == one.operator_kwh for one in seen.words),
        ),
        Finding(
            expected="energy grows every minute",
            actual="it grows" if _grows(energies) else "it does not",
            holds=_grows(energies) and energies[0] > 0,
        ),
        Finding(
            expected="a cost so far every minute, never falling",
            actual=", ".join(f"{one:f}" for one in costs) or "no cost",
            holds=len(costs) == len(seen.words) and costs == sorted(costs) and costs[-1] > 0,
        ),
        Finding(
            expected=f"a power curve of {len(seen.words)} points or more",
            actual=f"{len(seen.curve)} points",
            holds=len(seen.curve) >= len(seen.words),
        ),
        Finding(
            expected="live events that never fall back and end at the same energy",
            actual=f"{len(seen.live_kwh)} events, the last of {seen.live_kwh[-1] if seen.live_kwh else 'nothing'} kWh",
            holds=bool(seen.live_kwh)
            and list(seen.live_kwh) == sorted(seen.live_kwh)
            and seen.live_kwh[-1] == energies[-1],
        ),
    ]


def _grows(figures: Sequence[Decimal]) -> bool:
    return all(before < after for before, after in pairwise(figures))


# -- UC3-4


@dataclass(frozen=True)
class Stopped:
    """After the stop, with the cable still plugged in."""

    command: SentCommand | None
    station: EvseState
    problem: Problem | None
    both: Both
    energy_before: Decimal


async def _stop(ground: Ground) -> Stopped:
    before = (await ground.session()).energy_kwh
    await ground.client.stop(ground.session_id)

    async def look() -> Stopped:
        return Stopped(
            command_sent(ground, CommandKind.STOP_SESSION),
            ground.equipment.evse_state(ground.post.evse_uid),
            (await ground.session()).stop_problem,
            await ground.both(),
            before,
        )

    return await ground.until(
        look,
        lambda seen: (
            seen.problem is not None
            or (seen.station is EvseState.FINISHING and seen.command is not None and seen.command.result is not None)
        ),
    )


def _check_stopped(seen: Stopped) -> Sequence[Finding]:
    operator = seen.both.operator
    told = f" ({seen.problem.code}: {seen.problem.message})" if seen.problem else ""
    ended = [
        transfer.end
        for one in (operator.transactions if operator else ())
        for transfer in one.energy_transfers
        if one.kind is TransactionKind.ENERGY
    ]
    return [
        accepted(seen.command, told),
        Finding(
            expected="the station has ended the transfer and still sees the cable",
            actual=f"the station is {seen.station}",
            holds=seen.station is EvseState.FINISHING,
        ),
        Finding(
            expected="the energy transfer session has ended at the visited-CSO",
            actual=f"{sum(end is not None for end in ended)} of {len(ended)} energy transfer sessions ended",
            holds=bool(ended) and all(end is not None for end in ended),
        ),
        states(seen.both, SessionState.ACTIVE, SessionState.ACTIVE),
    ]


COMMANDS = frozenset({"POST commands"})
"""By which a home-CSP commands, and is told the result."""
SESSIONS = frozenset({"PUT sessions", "PATCH sessions"})
"""By which a visited-CSO reports a session."""

CHARGING = (
    Step(
        name="start",
        use_case="UC3-2",
        what="The driver agrees; the home-CSP starts remotely",
        sender=Actor.HOME_CSP,
        receiver=Actor.VISITED_CSO,
        expected="the command is answered, its result is ACCEPTED; both hold one authorization reference",
        perform=_start,
        check=_check_started,
        wire=COMMANDS,
        at_post=True,
    ),
    Step(
        name="active",
        use_case="UC3-2",
        what="The cable is plugged in; the session becomes active",
        sender=Actor.VISITED_CSO,
        receiver=Actor.HOME_CSP,
        expected="ACTIVE at both platforms under one session id",
        perform=_plug_in,
        check=_check_active,
        wire=SESSIONS,
        at_post=True,
    ),
    Step(
        name="progress",
        use_case="UC3-6",
        what="Progress reaches the driver",
        sender=Actor.VISITED_CSO,
        receiver=Actor.HOME_CSP,
        expected="energy grows as the meter says, with the cost so far and the power curve",
        perform=_progress,
        check=_check_progress,
        wire=SESSIONS,
        at_post=True,
    ),
    Step(
        name="stop",
        use_case="UC3-4",
        what="The driver stops",
        sender=Actor.HOME_CSP,
        receiver=Actor.VISITED_CSO,
        expected="energy transfer ends; the service session stays open while the cable is plugged in",
        perform=_stop,
        check=_check_stopped,
        wire=COMMANDS,
        at_post=True,
    ),
)
"""In the order in which they happen; completion and billing follow."""

START, ACTIVE, PROGRESS, STOP = CHARGING
