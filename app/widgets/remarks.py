"""Sentences that the driver has to know now: a shape, what is so, and what can be done."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content
from textual.reactive import reactive

from app.text import Text
from app.widgets.cells import wrapped
from app.widgets.paper import Paper


@dataclass(frozen=True)
class Remark:
    """A sentence with its shape and colour, and what the driver can do."""

    shape: str
    words: str
    ink: str
    next_step: str = ""


class Remarks(Paper):
    """Shows remarks beneath one another."""

    remarks: reactive[tuple[Remark, ...]] = reactive((), layout=True)

    def __init__(self, text: Text, remarks: Sequence[Remark] = (), *, id: str | None = None) -> None:
        super().__init__(text, id=id)
        self.set_reactive(Remarks.remarks, tuple(remarks))

    def lines(self, width: int) -> list[Content]:
        """The remarks at a width in cells."""
        return [line for remark in self.remarks for line in remark_lines(remark, width)]


def remark_lines(remark: Remark, width: int) -> list[Content]:
    """The sentence in its colour, wrapped beside its shape, then what to do."""
    first, *rest = wrapped(remark.words, width - 2)
    return [
        Content.styled(f"{remark.shape} {first}", remark.ink),
        *(Content.styled("  " + line, remark.ink) for line in rest),
        *(Content("  " + line) for line in (wrapped(remark.next_step, width - 2) if remark.next_step else ())),
    ]
