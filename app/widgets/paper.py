"""A widget that writes lines: it is asked for its lines at a width, and has as many rows as there are lines."""

from abc import ABCMeta, abstractmethod

from textual.app import RenderResult
from textual.content import Content
from textual.geometry import Size
from textual.message_pump import _MessagePumpMeta
from textual.reactive import reactive
from textual.widget import Widget

from app.text import Text


class _AbstractWidget(_MessagePumpMeta, ABCMeta):
    """Textual's widgets have a metaclass of their own, and so have abstract classes."""


class Paper(Widget, metaclass=_AbstractWidget):
    """The base of the widgets that are text: `lines(width)` is all that a subclass writes.

    The same lines serve the linear mode, by `plain(width)`.
    """

    DEFAULT_CSS = """
    Paper { height: auto; width: 1fr; }
    """

    text: reactive[Text] = reactive(Text, layout=True)

    def __init__(self, text: Text, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.set_reactive(Paper.text, text)

    @abstractmethod
    def lines(self, width: int) -> list[Content]:
        """The lines at a width in cells, none longer than it."""

    def plain(self, width: int) -> list[str]:
        """The lines without colour, for a terminal that is read aloud or by touch."""
        return [line.plain.rstrip() for line in self.lines(width)]

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many rows as lines."""
        return len(self.lines(width)) if width else 0

    def get_content_width(self, container: Size, viewport: Size) -> int:
        """All the width there is."""
        return container.width

    def render(self) -> RenderResult:
        """The lines at the present width."""
        return Content("\n").join(self.lines(self.content_size.width)) if self.content_size.width else Content("")
