"""Some knobs over the screen, each a line: ↑↓ choose one, ←→ turn it, Enter keeps all, Esc none."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from app.text import Text
from app.widgets.cells import fit, shown
from app.widgets.paper import Paper

S = TypeVar("S")


@dataclass(frozen=True)
class Knob(Generic[S]):
    """One thing to adjust of a value: its name, what it is at present, the value with it turned by one step.

    there: whether it has a meaning for the value.
    """

    label: str
    value: Callable[[S], str]
    turn: Callable[[S, int], S]
    there: Callable[[S], bool] = lambda _value: True


class KnobList(Paper, Generic[S], can_focus=True):
    """The knobs as lines. Posts `Kept` for Enter."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("left", "turn(-1)", show=False),
        Binding("right,space", "turn(1)", show=False),
        Binding("enter", "keep", show=False),
    ]

    class Kept(Message):
        """The driver is content."""

    class Turned(Message):
        """A knob was turned."""

    state: reactive[S | None] = reactive(None, layout=True)
    cursor: reactive[int] = reactive(0)

    def __init__(self, text: Text, knobs: Sequence[Knob[S]], state: S) -> None:
        super().__init__(text)
        self._knobs = tuple(knobs)
        self.value = state

    @property
    def there(self) -> tuple[Knob[S], ...]:
        """The knobs that have a meaning at present."""
        return tuple(knob for knob in self._knobs if knob.there(self.value))

    def lines(self, width: int) -> list[Content]:
        """A line a knob: name, value between the two arrows that turn it."""
        longest = max(cell_len(shown(knob.label)) for knob in self._knobs)
        label = min(longest + 2, width // 2)
        return [self._line(index, knob, label, width) for index, knob in enumerate(self.there)]

    def _line(self, index: int, knob: Knob[S], label: int, width: int) -> Content:
        here = index == self.cursor
        words = fit(knob.value(self.value), max(1, width - label - 7)).rstrip()
        line = Content.assemble(
            ("▶ " if here else "  ", "bold $accent"),
            (fit(knob.label, label), "bold" if here else ""),
            ("◂ ", "$accent"),
            (words, "bold" if here else ""),
            (" ▸", "$accent"),
        )
        padded = line.pad_right(max(0, width - line.cell_length))
        return padded.stylize("on $block-cursor-background") if here else padded

    def action_move(self, by: int) -> None:
        """To another knob."""
        self.cursor = (self.cursor + by) % len(self.there)

    def action_turn(self, by: int) -> None:
        """Turn the knob of the cursor."""
        self.value = self.there[self.cursor].turn(self.value, by)
        self.cursor = min(self.cursor, len(self.there) - 1)
        self.refresh(layout=True)
        self.post_message(self.Turned())

    def action_keep(self) -> None:
        """Content."""
        self.post_message(self.Kept())

    def on_click(self, event: events.Click) -> None:
        """A click takes the knob; on its value it turns it on, on the left arrow back."""
        offset = event.get_content_offset(self)
        if offset is None or offset.y >= len(self.there):
            return
        self.cursor = offset.y
        line = self.lines(self.content_size.width)[offset.y].plain
        left = line.find("◂")
        if offset.x >= left:
            self.action_turn(-1 if offset.x <= left + 1 else 1)


class AdjustDialog(ModalScreen[S | None], Generic[S]):
    """Adjusts a value; its result is the value as kept, or None where nothing is to change."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", show=False),
        Binding("f2,f4", "keep", show=False),
    ]
    DEFAULT_CSS = """
    AdjustDialog KnobList { margin: 0 0 1 0; }
    AdjustDialog Button { margin: 1 0 0 0; }
    """

    def __init__(self, text: Text, title: str, knobs: Sequence[Knob[S]], state: S) -> None:
        super().__init__()
        self._text, self._title, self._knobs, self._state = text, title, knobs, state

    def compose(self) -> ComposeResult:
        """Title, knobs, how to."""
        with Vertical(classes="dialogue"):
            yield Static(Content(shown(self._title)), classes="title")
            yield KnobList(self._text, self._knobs, self._state)
            yield Static(Content(self._text.say("adjust.how")), classes="quiet")
            yield Button(self._text.say("common.done"), variant="primary")

    def on_mount(self) -> None:
        """The knobs have the keys."""
        self.query_one(KnobList).focus()

    def on_button_pressed(self) -> None:
        """Content."""
        self.action_keep()

    def on_knob_list_kept(self) -> None:
        """Content."""
        self.action_keep()

    def action_keep(self) -> None:
        """Keep what is adjusted."""
        self.dismiss(self.query_one(KnobList).value)

    def action_leave(self) -> None:
        """Keep nothing."""
        self.dismiss(None)
