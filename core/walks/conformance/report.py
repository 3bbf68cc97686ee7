"""What came of a conformance run: the document for programs, and the table for people."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from core.model.display import printable
from core.walks.report import aligned
from core.walks.scenario import Finding


class Outcome(StrEnum):
    """How a check ended."""

    PASS = "pass"  # noqa: S105  # the word, no password
    FAIL = "fail"
    NOT_OFFERED = "not offered"
    NOT_CHECKED = "not checked"


_SHAPES = {Outcome.PASS: "✓", Outcome.FAIL: "✗", Outcome.NOT_OFFERED: "·", Outcome.NOT_CHECKED: "–"}


class CheckResult(BaseModel):
    """How a check went. via, wire: of the network it ran on; reason: why it did not pass, empty where it did.

    messages: how many crossed the wire meanwhile.
    """

    model_config = ConfigDict(frozen=True)

    use_case: str
    clause: str
    name: str
    what: str
    via: str
    wire: str
    verdict: Outcome
    reason: str = ""
    findings: tuple[Finding, ...] = ()
    messages: int
    seconds: float


class ConformanceRun(BaseModel):
    """A run that has ended. started_at, ended_at: wall clock; partner: the foreign one, None on embedded networks."""

    model_config = ConfigDict(frozen=True)

    version: str
    commit: str
    started_at: datetime
    ended_at: datetime
    partner: str | None = None
    results: tuple[CheckResult, ...]

    @property
    def passed(self) -> bool:
        """Whether something was checked and nothing failed."""
        verdicts = {one.verdict for one in self.results}
        return Outcome.PASS in verdicts and Outcome.FAIL not in verdicts

    @property
    def sentence(self) -> str:
        """The outcome in one sentence."""
        counts = {outcome: sum(one.verdict is outcome for one in self.results) for outcome in Outcome}
        told = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
        return f"{len(self.results)} checks of {len({one.use_case for one in self.results})} use cases: {told}."


def as_lines(run: ConformanceRun) -> list[str]:
    """The run for a person at a terminal: a table a network, what was wrong, and the sum."""
    lines = [f"version {run.version}, commit {run.commit}" + (f", partner {run.partner}" if run.partner else "")]
    for via, wire in dict.fromkeys((one.via, one.wire) for one in run.results):
        lines += ["", f"{via}, OCPI {wire}", *_table(one for one in run.results if (one.via, one.wire) == (via, wire))]
    return [*lines, "", run.sentence]


def _table(results: Iterable[CheckResult]) -> list[str]:
    ran = list(results)
    rows = [("use case", "clause", "checked", "verdict", "time"), *map(_row, ran)]
    reasons = [f"  {one.use_case} {one.name}: {printable(one.reason)}" for one in ran if one.reason]
    return [*aligned(rows), *reasons]


def _row(one: CheckResult) -> Sequence[str]:
    verdict = f"{_SHAPES[one.verdict]} {one.verdict}"
    return one.use_case, one.clause, one.what, verdict, f"{one.seconds:.2f} s"
