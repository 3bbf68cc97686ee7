"""What came of a walk: the document for programs, and the words for people."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from core.model.display import printable
from core.walks.scenario import StepResult, Verdict

NOT_RUN = "not run"

_SHAPES = {Verdict.PASS: "✓", Verdict.FAIL: "✗"}


class UnwalkedStep(BaseModel):
    """A step that was not reached."""

    model_config = ConfigDict(frozen=True)

    name: str
    use_case: str
    what: str


class Walked(BaseModel):
    """A walk that has ended. started_at, ended_at: wall clock; clock_started_at: of the network that was walked.

    failed_step: the name of the step that failed, None where all passed; not_run: the steps behind it. via: `p2p` or
    `hub`. fault: what was wrong on purpose, as `NAME@STEP`; coped: how the platforms stood when it was over.
    """

    model_config = ConfigDict(frozen=True)

    scenario: str
    clause: str
    title: str
    verdict: Verdict
    failed_step: str | None
    version: str
    commit: str
    seed: int
    wire: str
    via: str
    fault: str | None = None
    coped: tuple[str, ...] = ()
    started_at: datetime
    ended_at: datetime
    clock_started_at: datetime
    steps: tuple[StepResult, ...]
    not_run: tuple[UnwalkedStep, ...]

    @property
    def passed(self) -> bool:
        """Whether every step of the scenario has passed."""
        return self.verdict is Verdict.PASS

    @property
    def failed(self) -> StepResult | None:
        """The step that failed."""
        return next((one for one in self.steps if not one.passed), None)

    @property
    def topology(self) -> str:
        """How the platforms reached one another."""
        return "through the clearing house" if self.via == "hub" else "peer to peer"

    @property
    def sentence(self) -> str:
        """The outcome in one sentence."""
        failed, total = self.failed, len(self.steps) + len(self.not_run)
        if failed is None:
            return f"All {total} steps passed."
        return f"Step {len(self.steps)} of {total}, {failed.name} ({failed.use_case}), failed: {failed.reason}."


def said(verdict: Verdict) -> str:
    """A verdict by shape and word."""
    return f"{_SHAPES[verdict]} {verdict}"


def as_lines(walked: Walked) -> list[str]:
    """The walk for a person at a terminal: a table, and what was wrong."""
    rows = [
        *((said(one.verdict), one.use_case, one.what, one.way) for one in walked.steps),
        *((f"· {NOT_RUN}", one.use_case, one.what, "") for one in walked.not_run),
    ]
    return [
        f"Annex {walked.clause}: {walked.title}",
        f"{walked.wire}, {walked.topology}; version {walked.version}, commit {walked.commit}, seed {walked.seed}",
        "",
        *aligned(rows),
        "",
        printable(walked.sentence),
        *([] if walked.fault is None else [f"Fault {walked.fault}; when it was over:"]),
        *(f"  {printable(one)}" for one in walked.coped),
    ]


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of plain cells as lines with aligned columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
