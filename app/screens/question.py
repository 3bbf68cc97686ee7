"""A question over the screen, answered by one of a few buttons. The harmless answer has the focus, Esc is that."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from app.widgets.cells import shown

T = TypeVar("T")


@dataclass(frozen=True)
class Answer(Generic[T]):
    """A button: its id, what it says, what it means."""

    id: str
    words: str
    value: T


class AnswerDialog(ModalScreen[T]):
    """Asks; its result is the value of the answer chosen. The first answer is the harmless one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "harmless", show=False),
        Binding("left,up", "app.focus_previous", show=False),
        Binding("right,down", "app.focus_next", show=False),
    ]
    CSS = """
    AnswerDialog .answers { height: auto; margin: 1 0 0 0; layout: horizontal; }
    AnswerDialog.-small .answers.-many { layout: vertical; }
    AnswerDialog.-small .answers.-many Button { border: none; height: 1; }
    """

    def __init__(self, title: str, sentence: str, answers: Sequence[Answer[T]]) -> None:
        super().__init__()
        self._title, self._sentence, self._answers = title, sentence, tuple(answers)

    def compose(self) -> ComposeResult:
        """The question and its buttons."""
        with Vertical(classes="dialogue"):
            yield Static(Content(shown(self._title)), classes="title")
            yield Static(Content(shown(self._sentence)))
            with Container(classes="answers -many" if len(self._answers) > 2 else "answers"):
                for answer in self._answers:
                    yield Button(answer.words, id=answer.id)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answered."""
        self.dismiss(next(one.value for one in self._answers if one.id == event.button.id))

    def action_harmless(self) -> None:
        """Left without an answer."""
        self.dismiss(self._answers[0].value)


class Question(AnswerDialog[bool]):
    """Asks yes or no."""

    def __init__(self, title: str, sentence: str, *, yes: str, no: str) -> None:
        super().__init__(title, sentence, (Answer("no", no, False), Answer("yes", yes, True)))
