"""The figures of a session, side by side: each a value that the eye finds from a distance, and what it is beneath."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual.content import Content
from textual.reactive import reactive

from app.text import Text
from app.widgets.cells import fit
from app.widgets.paper import Paper

_LABELLED = 56
"""From this width on there is room to say what each figure is; below, values must speak by their units."""
_GAP = 3


@dataclass(frozen=True)
class Figure:
    """A value with its unit, and what it is."""

    value: str
    label: str


class SessionFigures(Paper):
    """Shows figures in as many columns as fit."""

    figures: reactive[tuple[Figure, ...]] = reactive((), layout=True)

    def __init__(self, text: Text, figures: Sequence[Figure] = (), *, id: str | None = None) -> None:
        super().__init__(text, id=id)
        self.set_reactive(SessionFigures.figures, tuple(figures))

    def lines(self, width: int) -> list[Content]:
        """The figures at a width in cells."""
        return figure_lines(self.figures, width)


def figure_lines(figures: Sequence[Figure], width: int) -> list[Content]:
    """Rows of values, each with its row of labels where there is room for them."""
    if not figures:
        return []
    labelled = width >= _LABELLED
    widest = max(max(cell_len(one.value), cell_len(one.label) if labelled else 0) for one in figures)
    columns = max(1, min(len(figures), (width + _GAP) // (widest + _GAP)))
    rows = -(-len(figures) // columns)
    columns = -(-len(figures) // rows)
    cell = width // columns
    lines: list[Content] = []
    for row in range(rows):
        part = figures[row * columns : (row + 1) * columns]
        if row and labelled:
            lines.append(Content(""))
        lines.append(Content.styled("".join(fit(one.value, cell) for one in part), "bold"))
        if labelled:
            lines.append(Content.styled("".join(fit(one.label, cell) for one in part), "$text-muted"))
    return lines
