"""The start ladder: who has to answer before energy flows, how far it has come, and what the driver can do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import Enum

from rich.cells import cell_len
from textual.content import Content
from textual.reactive import reactive

from app.text import Text
from app.widgets.cells import apart, fit, wrapped
from app.widgets.paper import Paper


class RungState(Enum):
    """How far a rung has come: the value is its shape; a word stands beside it."""

    DONE = "✓"
    WAITING = "▸"
    NEXT = "·"
    FAILED = "✗"
    NOT_REPORTED = "–"

    @property
    def word(self) -> str:
        """The key of its word in `app.text`."""
        return f"ladder.{self.name.lower()}"


_INK = {
    RungState.DONE: "$success",
    RungState.WAITING: "bold $accent",
    RungState.NEXT: "$text-muted",
    RungState.FAILED: "bold $error",
    RungState.NOT_REPORTED: "$text-muted",
}


@dataclass(frozen=True)
class Rung:
    """One step from the driver to the energy.

    name: who or what it is, in the driver's words ("MVV Energie", "cable"). elapsed: from "sent" until this was known.
    left: how long it is still waited for. remark: what the driver can do ("plug in now") or why it failed.
    """

    name: str
    state: RungState
    elapsed: timedelta | None = None
    left: timedelta | None = None
    remark: str = ""


class StartLadder(Paper):
    """Shows rungs from top to bottom, and beneath them one sentence that says who is being waited for."""

    rungs: reactive[tuple[Rung, ...]] = reactive((), layout=True)
    verdict: reactive[str] = reactive("", layout=True)

    def __init__(self, text: Text, rungs: Sequence[Rung] = (), verdict: str = "", *, id: str | None = None) -> None:
        super().__init__(text, id=id)
        self.set_reactive(StartLadder.rungs, tuple(rungs))
        self.set_reactive(StartLadder.verdict, verdict)

    def lines(self, width: int) -> list[Content]:
        """The ladder at a width in cells."""
        return ladder_lines(self.rungs, self.verdict, self.text, width)


def ladder_lines(rungs: Sequence[Rung], verdict: str, text: Text, width: int) -> list[Content]:
    """A line a rung, a second one where it has a remark, and the verdict wrapped beneath."""
    lines: list[Content] = []
    for rung in rungs:
        lines.extend(_rung_lines(rung, text, width))
    if verdict:
        lines.append(Content(""))
        lines.extend(Content.styled(line, "bold") for line in wrapped(verdict, width))
    return lines


def _rung_lines(rung: Rung, text: Text, width: int) -> list[Content]:
    ink = _INK[rung.state]
    state = text.say(rung.state.word)
    if rung.left is not None:
        state = f"{state} · " + text.say("ladder.left", span=text.duration(rung.left))
    elif rung.elapsed is not None and rung.state in (RungState.DONE, RungState.FAILED):
        state = f"{state} · {_seconds(rung.elapsed, text)}"
    if rung.state is RungState.DONE and cell_len(rung.name) + cell_len(state) > width - 4:
        state = "" if rung.elapsed is None else _seconds(rung.elapsed, text)
    body = apart(rung.name, state, width - 2)
    name = body[: len(body) - len(state)] if cell_len(state) < width - 3 else ""
    strong = "bold" if rung.state in (RungState.WAITING, RungState.FAILED) else ""
    lines = [
        Content.assemble((rung.state.value + " ", ink), (name, strong), (state if name else fit(state, width - 2), ink))
    ]
    lines.extend(
        Content.assemble("  ", (line, ink if rung.state in (RungState.WAITING, RungState.FAILED) else "$text-muted"))
        for line in (wrapped(rung.remark, width - 2) if rung.remark else ())
    )
    return lines


def _seconds(span: timedelta, text: Text) -> str:
    if span >= timedelta(minutes=1):
        return text.duration(span)
    hundredths = round(span / timedelta(milliseconds=10))
    return f"{text.number(Decimal(hundredths).scaleb(-2), 2)} {text.say('unit.second')}"
