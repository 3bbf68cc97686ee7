"""A message ladder: who said what to whom, step by step, as a list of which each row can be opened.

Where it is wide, what was said stands on the arrow; where it is narrow, beside it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from app.text import Text
from app.widgets.cells import apart, fit, shown, wrapped

WIDE = 56
"""From so many cells on, words stand on the arrows."""
_PITCH = 4
_STATUS = 7
_WIDE_TAIL = 14
"""Cells behind the lanes: the status and the time."""


class StepMark(Enum):
    """How a step stands; the value is its shape, its word is in the head of the screen or beside it."""

    PASSED = "✓"
    FAILED = "✗"
    WALKED_NOW = "▸"
    AHEAD = "·"


_INK = {
    StepMark.PASSED: "$success",
    StepMark.FAILED: "bold $error",
    StepMark.WALKED_NOW: "bold $accent",
    StepMark.AHEAD: "$text-muted",
}


@dataclass(frozen=True)
class Arrow:
    """From lane to lane, counted from the left; from None where nobody knows the sender. id: what its row is called.

    said: what stands on it; status: of the answer, empty for an arrow that is no message of the log. accepted: whether
    the answer was a yes.
    """

    id: str
    start: int | None
    end: int
    said: str
    status: str = ""
    accepted: bool = True
    milliseconds: int | None = None


@dataclass(frozen=True)
class LadderStep:
    """A step with its arrows beneath it. about: the use case; remarks: what is wrong, on purpose or not."""

    id: str
    mark: StepMark
    number: int
    about: str
    what: str
    arrows: tuple[Arrow, ...] = ()
    fault: str = ""
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class LadderNote:
    """Sentences behind a step, with the messages that they are about."""

    id: str
    title: str
    sentences: tuple[str, ...]
    good: bool
    arrows: tuple[Arrow, ...] = ()


Row = LadderStep | LadderNote


class MessageLadder(OptionList, inherit_bindings=False):
    """Shows rows; the id of the one under the cursor is that of a step, a note or an arrow. Enter is the screen's."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "cursor_up", show=False),
        Binding("down", "cursor_down", show=False),
        Binding("pageup", "page_up", show=False),
        Binding("pagedown", "page_down", show=False),
        Binding("home", "first", show=False),
        Binding("end", "last", show=False),
    ]
    DEFAULT_CSS = """
    MessageLadder { height: 1fr; border: none; padding: 0; background: $background; }
    MessageLadder { scrollbar-size-vertical: 1; scrollbar-gutter: stable; }
    MessageLadder:focus { border: none; background-tint: transparent; }
    MessageLadder > .option-list--option-highlighted { text-style: none; }
    MessageLadder:focus > .option-list--option-highlighted { text-style: none; }
    """

    def __init__(self, text: Text, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self._text = text
        self._rows: tuple[Row, ...] = ()
        self._lanes = 0
        self._written_for = 0
        self._top: int | None = None

    @property
    def chosen(self) -> str | None:
        """The id of the row under the cursor."""
        return self.highlighted_option.id if self.highlighted_option is not None else None

    def show(self, rows: Sequence[Row], lanes: int, cursor: str | None = None) -> None:
        """Show rows between so many lanes, with the cursor on the row of an id and it in view, or all as it is."""
        self._rows, self._lanes = tuple(rows), lanes
        self._write(cursor)

    def on_resize(self, event: events.Resize) -> None:
        """Rows are written for a width."""
        if self.scrollable_content_region.width != self._written_for:
            self._write(self.chosen)

    def _write(self, cursor: str | None) -> None:
        self._written_for = width = self.scrollable_content_region.width
        chosen = cursor or self.chosen
        top = int(self.scroll_y) if self._top is None else self._top
        self.clear_options()
        if width <= 0:
            return
        rows = list(ladder_rows(self._rows, self._lanes, self._text, width))
        self.add_options(Option(Content("\n").join(lines), id=id) for id, lines in rows)
        self.highlighted = next((index for index, (id, _) in enumerate(rows) if id == chosen), None)
        if cursor is not None:
            heights = [(id, len(lines)) for id, lines in rows]
            top = _top_that_shows(cursor, heights, self.scrollable_content_region.height)
        self._top = top
        self.call_after_refresh(self._scroll_to_top)

    def _scroll_to_top(self) -> None:
        """Once the rows are laid out."""
        if self._top is not None:
            self.scroll_to(y=self._top, animate=False, immediate=True, force=True)
            self._top = None


def _top_that_shows(id: str, heights: Sequence[tuple[str, int]], height: int) -> int:
    """From which line on to show so many, so that a row and its arrows end the picture: what led to it is above."""
    begin = end = line = 0
    for one, lines in heights:
        if one == id:
            begin = line
        line += lines
        if one == id or one.startswith(f"{id}/"):
            end = line
    return max(0, min(begin, end - height))


def lane_heads(names: Sequence[str], width: int) -> Content:
    """The names of the lanes, each above its own; the last has the room that is left before the milliseconds."""
    pitch = _pitch(len(names), width)
    line = "".join(fit(one, pitch - 1) + " " for one in names[:-1])
    return Content.styled(line + apart(names[-1], "ms" if width >= WIDE else "", width - cell_len(line)), "$text-muted")


def ladder_rows(rows: Sequence[Row], lanes: int, text: Text, width: int) -> Iterator[tuple[str, list[Content]]]:
    """Each row with its id and its lines at a width in cells."""
    for row in rows:
        yield row.id, _note_lines(row, width) if isinstance(row, LadderNote) else _step_lines(row, text, width)
        for arrow in row.arrows:
            yield arrow.id, [arrow_line(arrow, lanes, text, width)]


def arrow_line(arrow: Arrow, lanes: int, text: Text, width: int) -> Content:
    """An arrow between its lanes, what was said, the answer's status and its time."""
    wide, pitch = width >= WIDE, _pitch(lanes, width)
    picture = _drawn(arrow, lanes, pitch, shown(arrow.said) if wide else "")
    shape = "" if not arrow.status else ("✓ " if arrow.accepted else "✗ ") + shown(arrow.status)
    ink = "$success" if arrow.accepted else "bold $error"
    ground = "$foreground" if arrow.status else "$text-muted"
    if wide:
        took = "" if arrow.milliseconds is None else str(arrow.milliseconds)
        tail = width - len(picture) - 1
        status = min(tail, _STATUS)
        return Content.assemble(
            (picture, ground), " ", (fit(shape, status), ink), (fit(took, tail - status, right=True), "$text-muted")
        )
    room = width - len(picture) - 1 - cell_len(shape)
    return Content.assemble((picture, ground), " ", (fit(arrow.said, room), ground), (shape, ink))


def _pitch(lanes: int, width: int) -> int:
    """From lane to lane."""
    return max(_PITCH, (width - _WIDE_TAIL) // max(1, lanes - 1)) if width >= WIDE else _PITCH


def _drawn(arrow: Arrow, lanes: int, pitch: int, said: str) -> str:
    cells = list(("│" + " " * (pitch - 1)) * (lanes - 1) + "│")
    here = arrow.end * pitch
    start = max(0, here - pitch + 1) if arrow.start is None else arrow.start * pitch
    line, right, left = ("─", "▶", "◀") if arrow.status else ("┄", "▷", "◁")
    low, high = sorted((start, here))
    if low == high:
        return "".join(cells)
    cells[low + 1 : high] = [line] * (high - low - 1)
    cells[start] = "?" if arrow.start is None else "├" if start < here else "┤"
    first, last = low + 1, high - 1
    if start < here:
        cells[high - 1], last = right, high - 2
    else:
        cells[low + 1], first = left, low + 2
    room = last - first + 1
    words = said if cell_len(said) <= room else said[: max(0, room - 1)] + "…" if room > 3 else ""
    begin = first + (room - cell_len(words)) // 2
    cells[begin : begin + len(words)] = list(words)
    return "".join(cells)


def _step_lines(step: LadderStep, text: Text, width: int) -> list[Content]:
    ink = _INK[step.mark]
    lead = f"{step.mark.value} {step.number:>2} {fit(step.about, 6)}"
    first, *rest = wrapped(step.what, width - len(lead))
    body = "bold" if step.mark is not StepMark.AHEAD else "$text-muted"
    lines = [Content.assemble((lead, ink), (first, body))]
    lines += [Content.styled(" " * len(lead) + line, body) for line in rest]
    if step.fault:
        words = text.say("walk.fault", name=step.fault)
        lines += [Content.styled(" " * 5 + line, "bold $warning") for line in wrapped(f"! {words}", width - 5)]
    for remark in step.remarks:
        lines += [Content.styled(" " * 5 + line, "$error") for line in wrapped(remark, width - 5)]
    return lines


def _note_lines(note: LadderNote, width: int) -> list[Content]:
    mark, ink = ("✓", "bold $success") if note.good else ("✗", "bold $error")
    head, *more = wrapped(note.title, width - 2)
    lines = [Content.styled(f"{mark} {head}", ink), *(Content.styled(f"  {line}", ink) for line in more)]
    for sentence in note.sentences:
        first, *rest = wrapped(sentence, width - 2)
        lines += [Content(f"· {first}"), *(Content(f"  {line}") for line in rest)]
    return [Content(""), *lines]
