"""Power over time: each report tells the average since the one before it, and its bar is as wide as that time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal

from rich.cells import cell_len
from textual.content import Content
from textual.reactive import reactive

from app.text import Text
from app.widgets.cells import fit
from app.widgets.paper import Paper

_EIGHTHS = " ▁▂▃▄▅▆▇█"


@dataclass(frozen=True)
class PowerSample:
    """What a report came to: its moment, aware, and the average kW since the report before it."""

    at: datetime
    kilowatts: Decimal


@dataclass(frozen=True)
class CurveMark:
    """A moment worth a line: 80 % reached, the price changes, idle time begins. The label is short."""

    at: datetime
    label: str


@dataclass(frozen=True)
class PowerCurveValues:
    """A curve from start to end (when the session is expected to end), with the place's time zone for the axis."""

    start: datetime
    end: datetime
    samples: tuple[PowerSample, ...] = ()
    marks: tuple[CurveMark, ...] = ()
    zone: tzinfo = UTC


class PowerCurve(Paper):
    """Draws the curve in a number of rows; after the last report nothing is made up."""

    values: reactive[PowerCurveValues | None] = reactive(None, layout=True)

    def __init__(
        self, text: Text, values: PowerCurveValues | None = None, *, rows: int = 5, id: str | None = None
    ) -> None:
        super().__init__(text, id=id)
        self.rows = rows
        self.set_reactive(PowerCurve.values, values)

    def lines(self, width: int) -> list[Content]:
        """The curve at a width in cells."""
        return curve_lines(self.values, self.text, width, self.rows) if self.values else []


def slots(values: PowerCurveValues, columns: int) -> list[Decimal | None]:
    """The power in each of so many equal spans of time, by the report it belongs to; None after the last one."""
    span = (values.end - values.start) / columns
    powers: list[Decimal | None] = [None] * columns
    since = 0
    for sample in sorted(values.samples, key=lambda sample: sample.at):
        if span and values.start <= sample.at <= values.end:
            column = min(columns - 1, int((sample.at - values.start) / span))
            first = min(since, column)
            powers[first : column + 1] = [sample.kilowatts] * (column + 1 - first)
            since = column + 1
    return powers


def nice_ceiling(kilowatts: Decimal) -> Decimal:
    """The next of 1, 2, 4, 5 and 10 times a power of ten: both it and its half are round numbers."""
    ceiling = Decimal(1)
    while ceiling * 10 < kilowatts:
        ceiling *= 10
    return next((ceiling * step for step in (1, 2, 4, 5) if ceiling * step >= kilowatts), ceiling * 10)


def curve_lines(values: PowerCurveValues, text: Text, width: int, rows: int) -> list[Content]:
    """Rows of bars over a time axis; beneath it the times, and above it the labels of the marks."""
    top = nice_ceiling(max((sample.kilowatts for sample in values.samples), default=Decimal(1)))
    labels = {0: text.number(top), rows // 2: text.number(top / 2)} if rows >= 4 else {0: text.number(top)}
    margin = max(cell_len(label) for label in labels.values()) + 1
    columns = max(1, width - margin - 2)
    powers, marks = slots(values, columns), _mark_columns(values, columns)
    lines = _mark_labels(marks, columns, margin)
    for row in range(rows):
        axis = fit(labels.get(row, ""), margin, right=True) + (" ┤" if row in labels else " │")
        lines.append(Content.assemble((axis, "$text-muted"), *_bars(powers, marks, top, rows, row)))
    lines.append(Content.styled(fit("0", margin, right=True) + " └" + "─" * columns, "$text-muted"))
    start, end = text.time(values.start, values.zone), text.time(values.end, values.zone)
    lines.append(
        Content.styled(
            fit(" " * (margin + 2) + start + " " * max(1, columns - len(start) - len(end)) + end, width), "$text-muted"
        )
    )
    return lines


def _mark_columns(values: PowerCurveValues, columns: int) -> dict[int, str]:
    whole = values.end - values.start
    return {
        min(columns - 1, int((mark.at - values.start) / whole * columns)): mark.label
        for mark in values.marks
        if whole and values.start <= mark.at <= values.end
    }


def _mark_labels(marks: dict[int, str], columns: int, margin: int) -> list[Content]:
    if not marks:
        return []
    line = " " * columns
    for column, label in sorted(marks.items()):
        words = f"╎{label}" if column + cell_len(label) < columns else f"{label}╎"
        at = column if words.startswith("╎") else max(0, column - cell_len(label))
        if not line[at : at + len(words)].strip():
            line = line[:at] + words + line[at + len(words) :]
    return [Content.assemble(" " * (margin + 2), (line[:columns], "$foreground"))]


def _bars(
    powers: Sequence[Decimal | None], marks: dict[int, str], top: Decimal, rows: int, row: int
) -> list[tuple[str, str]]:
    cells: list[tuple[str, str]] = []
    for column, power in enumerate(powers):
        eighths = 0 if power is None else int(power / top * rows * 8 + Decimal("0.5"))
        if power is not None and eighths == 0 and row == rows - 1:
            eighths = 1
        filled = max(0, min(8, eighths - (rows - 1 - row) * 8))
        if filled:
            cells.append((_EIGHTHS[filled], "$accent"))
        else:
            cells.append(("╎" if column in marks else " ", "$text-muted"))
    return cells
