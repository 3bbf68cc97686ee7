"""One row of a walk opened: a step with all that it looked at, or a message as it was logged."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from app.idle import Patience
from app.screens.page import Page
from app.widgets.cells import shown
from app.widgets.facts import Fact, Facts
from app.widgets.remarks import Remark, Remarks
from app.widgets.sheet import Sheet

Body = tuple[str, Sequence[str]]
"""A heading and the lines under it."""


class WalkEntry(Page):
    """Shows a title, facts, what was found, and texts as they are."""

    place: ClassVar[str] = "walk_entry"
    patience: Patience | None = None
    DEFAULT_CSS = """
    WalkEntry .section { padding: 1 0 0 0; text-style: bold; }
    WalkEntry Remarks { margin: 1 0 0 0; }
    """

    def __init__(
        self,
        heading: str,
        title: str,
        facts: Sequence[Fact],
        *,
        found: Sequence[Remark] = (),
        note: str = "",
        bodies: Sequence[Body] = (),
    ) -> None:
        super().__init__()
        self._heading, self._title, self._facts = heading, title, tuple(facts)
        self._found, self._note, self._bodies = tuple(found), note, tuple(bodies)

    def heading(self) -> str:
        """The walk that it is of."""
        return self._heading

    def body(self) -> ComposeResult:
        """Everything, beneath one another."""
        with Sheet(classes="page"):
            yield Static(Content(shown(self._title)), classes="title")
            yield Facts(self.text, self._facts)
            if self._found:
                yield Remarks(self.text, self._found)
            if self._note:
                yield Static(Content(shown(self._note)), classes="quiet")
            for heading, lines in self._bodies:
                yield Static(Content(shown(heading)), classes="section")
                yield Static(Content("\n").join(Content(shown(line)) for line in lines))
