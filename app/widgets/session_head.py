"""What a session is at a glance: where, from when to when, how it stands, and how old the station's last word is."""

from dataclasses import dataclass

from rich.cells import cell_len
from textual.content import Content
from textual.reactive import reactive

from app.text import Text
from app.widgets.cells import apart, shown, wrapped
from app.widgets.paper import Paper
from app.widgets.remarks import Remark, remark_lines


@dataclass(frozen=True)
class SessionHeadValues:
    """title: the place. span: from when to when. state: how it stands. age: of the station's last word."""

    title: str
    span: str
    state: Remark
    age: str
    remarks: tuple[Remark, ...] = ()


class SessionHead(Paper):
    """Two lines, and beneath them whatever the driver has to know now."""

    values: reactive[SessionHeadValues | None] = reactive(None, layout=True)

    def __init__(self, text: Text, values: SessionHeadValues | None = None, *, id: str | None = None) -> None:
        super().__init__(text, id=id)
        self.set_reactive(SessionHead.values, values)

    def lines(self, width: int) -> list[Content]:
        """The lines at a width in cells."""
        return head_lines(self.values, width) if self.values else []


def head_lines(values: SessionHeadValues, width: int) -> list[Content]:
    """Title and span, state and age, remarks; ends of lines go below where they do not fit."""
    lines = [Content.styled(line, "bold") for line in _two_ends(values.title, values.span, width)]
    state = f"{values.state.shape} {shown(values.state.words)}"
    age = shown(values.age)
    if cell_len(state) + cell_len(age) + 2 <= width:
        gap = " " * (width - cell_len(state) - cell_len(age))
        lines.append(Content.assemble((state, values.state.ink), gap, (age, "$text-muted")))
    else:
        lines.extend(Content.styled(line, values.state.ink) for line in wrapped(state, width))
        lines.extend(Content.styled(line, "$text-muted") for line in wrapped(age, width))
    for remark in values.remarks:
        lines += [Content(""), *remark_lines(remark, width)]
    return lines


def _two_ends(left: str, right: str, width: int) -> list[str]:
    if not right or cell_len(shown(left)) + cell_len(shown(right)) + 2 <= width:
        return [apart(left, right, width)] if right else wrapped(left, width)
    return [*wrapped(left, width), *wrapped(right, width)]
