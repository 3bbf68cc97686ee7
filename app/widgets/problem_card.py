"""Something went wrong: what, what to do, and a way on. Nothing is shown while nothing is wrong."""

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Static

from app.text import Text
from app.widgets.cells import shown


class ProblemCard(Vertical):
    """A sentence, a next step, and a button to try again where that can help. Posts `Again`."""

    DEFAULT_CSS = """
    ProblemCard { height: auto; display: none; padding: 1 3 0 3; }
    ProblemCard.-shown { display: block; }
    ProblemCard #problem { height: auto; padding: 0 2; background: $surface; border-left: outer $error; }
    ProblemCard Static { height: auto; }
    ProblemCard Button { margin: 1 0 0 0; }
    .-small ProblemCard { padding: 0 1; }
    .-short ProblemCard Button, .-low ProblemCard Button { margin: 0; }
    """

    class Again(Message):
        """The driver wants to try again."""

    def __init__(self, text: Text, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.text = text

    def compose(self) -> ComposeResult:
        """Two lines and a button."""
        with Vertical(id="problem"):
            yield Static(id="problem-why", classes="bad")
            yield Static(id="problem-next")
            yield Button(self.text.say("error.again"), id="problem-again")

    def tell(self, why: str, next_step: str, *, again: bool) -> None:
        """Show a problem."""
        self.query_one("#problem-why", Static).update(Content.styled(f"✕ {shown(why)}", "bold"))
        step = self.query_one("#problem-next", Static)
        step.update(Content(shown(next_step)))
        step.display = bool(next_step)
        self.query_one(Button).display = again
        self.add_class("-shown")

    def clear(self) -> None:
        """Nothing is wrong any more."""
        self.remove_class("-shown")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Try again."""
        event.stop()
        self.post_message(self.Again())
