"""Runs a scenario on a fresh embedded network and tells what came of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from core.clock import WallClock
from core.json_api import program_version
from core.network import Via
from core.walks.faults import cast, coped
from core.walks.ground import STARTS_AT, Ground, embedded
from core.walks.messages import LogEntry, without
from core.walks.navigation import NAVIGATION
from core.walks.provenance import program_commit
from core.walks.qr import QR
from core.walks.report import UnwalkedStep, Walked
from core.walks.rfid import RFID
from core.walks.scenario import Act, Actor, Scenario, StepResult, Verdict, walk

SCENARIOS: dict[str, Scenario[Ground]] = {one.name: one for one in (QR, NAVIGATION, RFID)}
"""The scenarios that can be walked, by name."""

_WALL = WallClock()


@dataclass(frozen=True)
class Walk:
    """What came of a walk, and all that was said on the wire, with nothing in it that names a driver or lets one in."""

    walked: Walked
    log: tuple[LogEntry, ...]


async def walk_embedded(
    scenario: Scenario[Ground],
    folder: Path,
    *,
    seed: int = 0,
    via: Via = Via.P2P,
    wire: str | None = None,
    fault: str | None = None,
    before: Mapping[str, Act[Ground]] | None = None,
    on_step: Callable[[StepResult], None] | None = None,
) -> Walk:
    """Walk a scenario on a network in this empty folder.

    seed: the post and the car; via: how the platforms reach one another; wire: the version of OCPI, by default the
    highest; fault: `NAME@STEP`; before: what else is done just before a step, by its name. Raises InvalidInput for a
    fault that there is not, EvroamError where the network cannot stand, OSError where no port is free.
    """
    wrong = None if fault is None else cast(fault, scenario, via)
    begin, lift = wrong.around() if wrong else ({}, {})
    house = Actor.CLEARING_HOUSE if via is Via.HUB else None
    started_at, steps = _WALL.now(), []
    how_coped: tuple[str, ...] = ()
    async with embedded(folder, seed, via, wire) as ground:
        async for result in walk(
            scenario, ground, ground.logs.heard, before={**(before or {}), **begin}, after=lift, through=house
        ):
            steps.append(result)
            if on_step is not None:
                on_step(result)
        if wrong is not None:
            await wrong.repair(ground)
            how_coped = await coped(ground)
        log = without(ground.logs.tokens() | ground.logs.personal(), await ground.logs.entries())
        spoken = ground.wire
    failed = next((one.name for one in steps if not one.passed), None)
    walked = Walked(
        scenario=scenario.name,
        clause=scenario.clause,
        title=scenario.title,
        verdict=Verdict.PASS if failed is None else Verdict.FAIL,
        failed_step=failed,
        version=program_version(),
        commit=program_commit(),
        seed=seed,
        wire=spoken,
        via=via,
        fault=fault,
        coped=how_coped,
        started_at=started_at,
        ended_at=_WALL.now(),
        clock_started_at=STARTS_AT,
        steps=tuple(steps),
        not_run=tuple(
            UnwalkedStep(name=one.name, use_case=one.use_case, what=one.what) for one in scenario.steps[len(steps) :]
        ),
    )
    return Walk(walked, tuple(log))
