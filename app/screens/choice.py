"""One of several, over the screen: ↑↓ and Enter, or a click. Esc chooses nothing."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static

from app.widgets.cells import shown


class Choice(ModalScreen[int | None]):
    """Its result is the index of what was chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", show=False)]
    DEFAULT_CSS = """
    Choice OptionList { height: auto; max-height: 60vh; border: none; background: $surface; padding: 0; }
    Choice OptionList:focus { border: none; background-tint: transparent; }
    """

    def __init__(self, title: str, options: Sequence[str]) -> None:
        super().__init__()
        self._title, self._options = title, options

    def compose(self) -> ComposeResult:
        """Title and options."""
        with Vertical(classes="dialogue"):
            yield Static(Content(shown(self._title)), classes="title")
            yield OptionList(*(Content(shown(option)) for option in self._options))

    def on_mount(self) -> None:
        """The first has the cursor."""
        self.query_one(OptionList).highlighted = 0

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Chosen."""
        self.dismiss(event.option_index)

    def action_leave(self) -> None:
        """Nothing is chosen."""
        self.dismiss(None)
