"""Facts as label and value: in two columns where there is room, so that an id is never cut before it must be."""

from collections.abc import Sequence

from rich.cells import cell_len
from textual.content import Content
from textual.reactive import reactive

from app.text import Text
from app.widgets.cells import fit, shown, wrapped
from app.widgets.paper import Paper

_TWO_COLUMNS = 110
_GAP = 3

Fact = tuple[str, str]


class Facts(Paper):
    """Shows facts beneath one another."""

    facts: reactive[tuple[Fact, ...]] = reactive((), layout=True)

    def __init__(self, text: Text, facts: Sequence[Fact] = (), *, id: str | None = None) -> None:
        super().__init__(text, id=id)
        self.set_reactive(Facts.facts, tuple(facts))

    def lines(self, width: int) -> list[Content]:
        """The facts at a width in cells."""
        return fact_lines(self.facts, width)


def fact_lines(facts: Sequence[Fact], width: int) -> list[Content]:
    """Labels in a column of their own; long values go on beneath themselves."""
    if not facts:
        return []
    if width < _TWO_COLUMNS or len(facts) < 2:
        return _column(facts, width)
    half = (width - _GAP) // 2
    middle = -(-len(facts) // 2)
    left, right = _column(facts[:middle], half), _column(facts[middle:], half)
    rows = max(len(left), len(right))
    left += [Content("")] * (rows - len(left))
    right += [Content("")] * (rows - len(right))
    return [
        Content.assemble(one, " " * (half + _GAP - one.cell_length), other)
        for one, other in zip(left, right, strict=True)
    ]


def _column(facts: Sequence[Fact], width: int) -> list[Content]:
    label_width = min(max(cell_len(shown(label)) for label, _ in facts), width // 2) + 2
    lines: list[Content] = []
    for label, value in facts:
        first, *rest = wrapped(value, width - label_width)
        lines.append(Content.assemble((fit(label, label_width), "$text-muted"), first))
        lines.extend(Content(" " * label_width + line) for line in rest)
    return lines
