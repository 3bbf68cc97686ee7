"""The guide of the Walk screen: Annex A's scenarios on a network of their own, told in the screen's values."""

import asyncio
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from tempfile import TemporaryDirectory

from app.receipt_files import export_folder
from app.walk_values import (
    Found,
    Lane,
    LoggedText,
    Outcome,
    PlannedStep,
    Route,
    Said,
    Situation,
    WalkedStep,
)
from core.driver_client import DriverClient
from core.errors import NotFound
from core.network import Via
from core.walks.evidence import evidence_folder, write_evidence
from core.walks.fault_names import FAULTS
from core.walks.faults import can_be_cast, cast
from core.walks.messages import LogEntry, WireMessage
from core.walks.running import SCENARIOS, Walk, Walking, walking
from core.walks.scenario import Actor, StepResult
from core.walks.thread import WalkThread

_LANES = {
    Actor.DRIVER: Lane.DRIVER,
    Actor.HOME_CSP: Lane.HOME_CSP,
    Actor.CLEARING_HOUSE: Lane.CLEARING_HOUSE,
    Actor.VISITED_CSO: Lane.VISITED_CSO,
}


class EmbeddedGuide:
    """Leads through one walk. Implements `app.walk_values.Guide`.

    folder: where the network is kept, thrown away where there is none; evidence: where the pack goes, by default into
    a folder of its own beside the user's downloads; fault: `NAME@STEP`. Raises InvalidInput for a fault that there is
    not.
    """

    def __init__(
        self,
        route: Route,
        *,
        folder: Path | None = None,
        evidence: Path | None = None,
        fault: str | None = None,
        seed: int = 0,
    ) -> None:
        self.route = route
        self.done: Walk | None = None
        self._scenario, self._via = SCENARIOS[route.scenario], Via(route.via)
        if fault is not None:
            cast(fault, self._scenario, self._via)  # told before a screen is opened
        self._folder, self._evidence, self._seed, self._first_fault = folder, evidence, seed, fault
        self._thrown_away: TemporaryDirectory[str] | None = None
        self._thread = WalkThread(self._standing)
        self._walking: Walking | None = None

    @property
    def clause(self) -> str:
        """Where the standard has the scenario."""
        return self._scenario.clause

    @property
    def plan(self) -> tuple[PlannedStep, ...]:
        """All steps, in their order."""
        return tuple(
            PlannedStep(
                name=one.name,
                use_case=one.use_case,
                sender=_LANES[one.sender],
                receiver=_LANES[one.receiver],
                expected=one.expected,
                faults=tuple(name for name in FAULTS if can_be_cast(name, one, self._via)),
            )
            for one in self._scenario.steps
        )

    @property
    def saves_at_end(self) -> bool:
        """Whether a place for the evidence was named."""
        return self._evidence is not None

    @property
    def fault(self) -> tuple[str, str] | None:
        """What is wrong on purpose, and at which step."""
        wrong = self._walking.fault if self._walking is not None else None
        return None if wrong is None else (wrong.name, wrong.step.name)

    async def begin(self) -> str:
        """Raise the network; the version of OCPI that it speaks."""
        if self._folder is None:
            self._thrown_away = TemporaryDirectory(prefix="evroam-walk-", ignore_cleanup_errors=True)
            self._folder = Path(self._thrown_away.name)
        self._thread.start()
        self._walking = await self._thread.ready()
        return self._walking.ground.version

    async def connect(self) -> DriverClient:
        """A client for a front end of the walk's driver."""
        network = (await self._thread.ready()).ground.network
        return DriverClient(network.driver_url, network.driver_tls)

    def situation(self) -> Situation:
        """How far the driver has come."""
        if self._walking is None:
            return Situation()
        ground = self._walking.ground
        post = getattr(ground, "post", None)
        return Situation(
            login=ground.client.login,
            site=post and post.site,
            evse_uid=post and post.evse_uid,
            quote=getattr(ground, "quote", None),
            session_id=getattr(ground, "session_id", None),
        )

    def inject(self, fault: str | None, step: str) -> None:
        """Have a fault at a step that is still ahead, or none."""
        if self._walking is None:
            return
        if fault is None:
            self._walking.without_fault()
        else:
            self._walking.inject(f"{fault}@{step}")

    async def step(self) -> WalkedStep | None:
        """Walk the next step."""
        result = await self._thread.call(Walking.step)
        return None if result is None else _walked(result)

    async def end(self) -> Outcome:
        """See how the platforms cope, and sum up."""

        async def end(begun: Walking) -> tuple[Walk, list[WireMessage]]:
            return await begun.end(), await begun.aftermath()

        done, said = await self._thread.call(end)
        self.done, walked = done, done.walked
        told = not walked.passed or walked.fault is not None
        afterwards = tuple(_said(one) for one in said) if told else ()
        return Outcome(walked.passed, walked.sentence, walked.coped, afterwards)

    async def text_of(self, said: Said) -> LoggedText:
        """A message in full, as the one who sent it has logged it, or else the one who took it."""
        log = await self._thread.call(Walking.log)
        rows = [one for one in log if said.request_id is not None and one.request_id == said.request_id]
        if not rows:
            raise NotFound("the message is not in the log any more", code="not_logged")
        sent = next((one for one in rows if one.direction == "out"), rows[0])
        return LoggedText(sent.correlation_id, *_bodies(rows, sent))

    async def save_evidence(self, screens: Mapping[str, str]) -> Path:
        """Write the evidence pack."""
        done = self.done
        if done is None:
            raise NotFound("the walk has not ended", code="no_evidence")
        wanted = self._evidence or export_folder() / f"evroam-walk-{self.route.scenario}"

        def write() -> Path:
            folder = evidence_folder(wanted)
            write_evidence(folder, done, screens)
            return folder

        return await asyncio.to_thread(write)

    async def close(self) -> None:
        """Take the network down, and throw away what is not to be kept."""
        await asyncio.to_thread(self.stop)

    def stop(self) -> None:
        """The same, for who may wait."""
        self._thread.stop()
        if self._thrown_away is not None:
            self._thrown_away.cleanup()
            self._thrown_away = None

    def _standing(self) -> AbstractAsyncContextManager[Walking]:
        assert self._folder is not None  # made in `begin`
        return walking(
            self._scenario,
            self._folder,
            seed=self._seed,
            via=self._via,
            wire=self.route.wire,
            fault=self._first_fault,
        )


def _bodies(rows: list[LogEntry], sent: LogEntry) -> tuple[str, str]:
    """Request and answer; an answer that got lost is in the log of the one who gave it."""
    answered = next((one.response_body for one in (sent, *rows) if one.response_body), "")
    return sent.request_body or "", answered or ""


def _walked(result: StepResult) -> WalkedStep:
    return WalkedStep(
        name=result.name,
        passed=result.passed,
        reason=result.reason,
        found=tuple(Found(one.expected, one.actual, one.holds) for one in result.findings),
        messages=tuple(_said(one) for one in result.messages),
        seconds=result.seconds,
    )


def _said(message: WireMessage) -> Said:
    return Said(
        request_id=message.request_id,
        at=message.at,
        sender=_lane_of(message.sender),
        receiver=_lane_of(message.receiver),
        sender_name=message.sender,
        receiver_name=message.receiver,
        method=message.method,
        path=message.path,
        kind=message.kind,
        http_status=message.http_status,
        ocpi_status=message.ocpi_status,
        milliseconds=message.milliseconds,
    )


def _lane_of(name: str) -> Lane | None:
    """Where one stands who is named by role and party (`home-CSP NL*EVR`)."""
    return next((lane for actor, lane in _LANES.items() if name.startswith(actor)), None)
