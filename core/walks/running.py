"""Runs a scenario on a fresh embedded network and tells what came of it: at once, or step by step for who looks on."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from core.clock import WallClock
from core.errors import InvalidInput
from core.json_api import program_version
from core.network import Via
from core.walks.faults import Cast, cast, coped
from core.walks.ground import STARTS_AT, Ground, embedded
from core.walks.messages import LogEntry, WireMessage, without
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


@dataclass
class Walking:
    """A walk under way on its ground. steps: what came of those that were walked; fault: what is wrong on purpose."""

    scenario: Scenario[Ground]
    ground: Ground
    via: Via
    fault: Cast | None = None
    steps: list[StepResult] = field(default_factory=list)
    _before: dict[str, Act[Ground]] = field(default_factory=dict)
    _after: dict[str, Act[Ground]] = field(default_factory=dict)
    _started_at: datetime = field(default_factory=_WALL.now)
    _heard: list[WireMessage] = field(default_factory=list)
    _heard_before: int = 0
    _results: AsyncIterator[StepResult] = field(init=False)

    def __post_init__(self) -> None:
        self._results = walk(
            self.scenario,
            self.ground,
            self._hear,
            before=self._before,
            after=self._after,
            through=Actor.CLEARING_HOUSE if self.via is Via.HUB else None,
        )

    def inject(self, fault: str) -> None:
        """Have something wrong at a step, as `NAME@STEP`; a fault whose step is still ahead gives way to it.

        Raises InvalidInput for a fault that there is not, and where a step is over.
        """
        wrong = cast(fault, self.scenario, self.via)
        over = {one.name for one in self.steps}
        if wrong.step.name in over or (self.fault is not None and self.fault.step.name in over):
            raise InvalidInput(
                f"The fault {fault} comes too late.",
                code="step_over",
                next_step="A walk has one fault, at a step that is still ahead.",
            )
        self.without_fault()
        self.fault = wrong
        begin, lift = wrong.around()
        self._before.update(begin)
        self._after.update(lift)

    def without_fault(self) -> None:
        """Nothing is to be wrong after all."""
        if self.fault is not None:
            self._before.pop(self.fault.step.name, None)
            self._after.pop(self.fault.step.name, None)
            self.fault = None

    async def step(self) -> StepResult | None:
        """Walk the next step; None where there is none, or one has failed."""
        self._heard_before = len(self._heard)
        result = await anext(self._results, None)
        if result is not None:
            self.steps.append(result)
        return result

    async def aftermath(self) -> list[WireMessage]:
        """What was said since the last step began and is none of its messages: how the platforms helped themselves."""
        await self._hear()
        own = self.steps[-1].messages if self.steps else ()
        return [one for one in self._heard[self._heard_before :] if one not in own]

    async def _hear(self) -> Sequence[WireMessage]:
        new = await self.ground.logs.heard()
        self._heard += new
        return new

    async def log(self) -> list[LogEntry]:
        """All that was said on the wire so far, with nothing in it that names a driver or lets one in."""
        logs = self.ground.logs
        return without(logs.tokens() | logs.personal(), await logs.entries())

    async def end(self) -> Walk:
        """Lift the fault, see how the platforms cope, and sum up; steps ahead are not walked any more."""
        how_coped: tuple[str, ...] = ()
        if self.fault is not None:
            await self.fault.repair(self.ground)
            how_coped = await coped(self.ground)
        log, scenario = await self.log(), self.scenario
        failed = next((one.name for one in self.steps if not one.passed), None)
        left = scenario.steps[len(self.steps) :]
        walked = Walked(
            scenario=scenario.name,
            clause=scenario.clause,
            title=scenario.title,
            verdict=Verdict.PASS if failed is None else Verdict.FAIL,
            failed_step=failed,
            version=program_version(),
            commit=program_commit(),
            seed=self.ground.seed,
            wire=self.ground.wire,
            via=self.via,
            fault=None if self.fault is None else str(self.fault),
            coped=how_coped,
            started_at=self._started_at,
            ended_at=_WALL.now(),
            clock_started_at=STARTS_AT,
            steps=tuple(self.steps),
            not_run=tuple(UnwalkedStep(name=one.name, use_case=one.use_case, what=one.what) for one in left),
        )
        return Walk(walked, tuple(log))


@asynccontextmanager
async def walking(
    scenario: Scenario[Ground],
    folder: Path,
    *,
    seed: int = 0,
    via: Via = Via.P2P,
    wire: str | None = None,
    fault: str | None = None,
    before: Mapping[str, Act[Ground]] | None = None,
) -> AsyncIterator[Walking]:
    """A walk at its beginning, on a network in this empty folder that stands until the block is left.

    seed: the post and the car; via: how the platforms reach one another; wire: the version of OCPI, by default the
    highest; fault: `NAME@STEP`; before: what else is done just before a step, by its name. Raises InvalidInput for a
    fault that there is not, EvroamError where the network cannot stand, OSError where no port is free.
    """
    if fault is not None:
        cast(fault, scenario, via)  # a fault that there is not is told before a network is raised
    async with embedded(folder, seed, via, wire) as ground:
        begun = Walking(scenario, ground, via, _before=dict(before or {}))
        if fault is not None:
            begun.inject(fault)
        yield begun


async def walk_embedded(
    scenario: Scenario[Ground],
    folder: Path,
    *,
    seed: int = 0,
    via: Via = Via.P2P,
    wire: str | None = None,
    fault: str | None = None,
    before: Mapping[str, Act[Ground]] | None = None,
) -> Walk:
    """Walk a scenario to its end, or to the first step that fails; what is given and raised is as in `walking`."""
    async with walking(scenario, folder, seed=seed, via=via, wire=wire, fault=fault, before=before) as begun:
        while await begun.step() is not None:
            pass
        return await begun.end()
