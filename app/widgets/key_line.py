"""The bottom line of every screen: the few keys that matter here. Each is a button for mouse and touch as well."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive

from app.actions import Action
from app.text import Text
from app.widgets.cells import fit, shown
from app.widgets.paper import Paper

_GAP = 2
MOST_ROWS = 2
_ALWAYS = ("f1", "escape")


@dataclass(frozen=True)
class KeyHint:
    """A key, what is printed on it, what it does, the Textual action behind it, and whether it is the next step."""

    key: str
    key_name: str
    label: str
    action: str
    next_step: bool = False


def hints_for(actions: Sequence[Action], text: Text) -> tuple[KeyHint, ...]:
    """The hints of registered actions, in the driver's language."""
    return tuple(
        KeyHint(action.key, action.key_name, text.say(action.label_key), action.name, action.next_step)
        for action in actions
    )


class KeyLine(Paper):
    """Shows hints over two lines at most. Posts `Pressed` for a click: run its action as the key would.

    Where they do not all fit, the later ones go, but never the next step, help and the way out; help shows every key.
    """

    DEFAULT_CSS = """
    KeyLine { dock: bottom; padding: 0 1; background: $panel; }
    """

    class Pressed(Message):
        """A hint was clicked or touched."""

        def __init__(self, hint: KeyHint) -> None:
            super().__init__()
            self.hint = hint

    hints: reactive[tuple[KeyHint, ...]] = reactive((), layout=True)
    remark: reactive[str] = reactive("", layout=True)

    def __init__(self, text: Text, hints: Sequence[KeyHint] = (), remark: str = "", *, id: str | None = None) -> None:
        super().__init__(text, id=id)
        self.set_reactive(KeyLine.hints, tuple(hints))
        self.set_reactive(KeyLine.remark, remark)

    def lines(self, width: int) -> list[Content]:
        """The hints, and the remark at the end of the last line or on one of its own."""
        rows = key_rows(fitting(self.hints, width), width)
        lines = [_row_content(row, width) for row in rows] or [Content("")]
        remark = shown(self.remark)
        if not remark:
            return lines
        space = width - lines[-1].cell_length - _GAP
        if cell_len(remark) <= space:
            lines[-1] = Content.assemble(lines[-1], " " * (space - cell_len(remark) + _GAP), (remark, "$text-muted"))
        elif len(lines) < MOST_ROWS:
            lines.append(Content.styled(fit(remark, width), "$text-muted"))
        return lines

    def on_click(self, event: events.Click) -> None:
        """Find the hint under the pointer."""
        offset = event.get_content_offset(self)
        width = self.content_size.width
        rows = key_rows(fitting(self.hints, width), width)
        if offset is None or offset.y >= len(rows):
            return
        for start, hint in rows[offset.y]:
            if start <= offset.x < start + _width(hint):
                self.post_message(self.Pressed(hint))


def fitting(hints: Sequence[KeyHint], width: int) -> tuple[KeyHint, ...]:
    """The hints that fit on the lines there are."""
    shown_hints = list(hints)
    spare = [hint for hint in hints if not hint.next_step and hint.key not in _ALWAYS]
    while spare and len(key_rows(shown_hints, width)) > MOST_ROWS:
        shown_hints.remove(spare.pop())
    return tuple(shown_hints)


def key_rows(hints: Sequence[KeyHint], width: int) -> list[list[tuple[int, KeyHint]]]:
    """The hints over rows of a width in cells, each with the cell it begins at."""
    rows: list[list[tuple[int, KeyHint]]] = []
    end = 0
    for hint in hints:
        if not rows or end + _GAP + _width(hint) > width:
            rows.append([(0, hint)])
            end = _width(hint)
        else:
            rows[-1].append((end + _GAP, hint))
            end += _GAP + _width(hint)
    return rows


def _width(hint: KeyHint) -> int:
    return cell_len(f" {hint.key_name} ") + 1 + cell_len(shown(hint.label))


def _row_content(row: Sequence[tuple[int, KeyHint]], width: int) -> Content:
    parts: list[tuple[str, str]] = []
    end = 0
    for start, hint in row:
        key = f" {hint.key_name} "
        parts.append((" " * (start - end), ""))
        parts.append(
            (key, "bold $button-color-foreground on $accent" if hint.next_step else "bold $accent on $surface")
        )
        parts.append((" " + shown(hint.label), "bold" if hint.next_step else ""))
        end = start + _width(hint)
    return Content.assemble(*parts).truncate(width, ellipsis=True)
