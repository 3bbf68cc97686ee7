"""Several sessions at once: one field each, the shown one marked. Each is a button for mouse and touch as well."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive

from app.text import Text
from app.widgets.cells import fit, shown
from app.widgets.paper import Paper

_GAP = 2
_NARROWEST = 12


@dataclass(frozen=True)
class SessionTab:
    """A session by its id, the shape of its state, and what tells it from the others."""

    id: str
    shape: str
    words: str


class SessionTabs(Paper):
    """Shows the fields in one line; nothing where there is but one session. Posts `Chosen` for a click."""

    class Chosen(Message):
        """A field was clicked or touched."""

        def __init__(self, id: str) -> None:
            super().__init__()
            self.id = id

    tabs: reactive[tuple[SessionTab, ...]] = reactive((), layout=True)
    chosen: reactive[str] = reactive("")

    def __init__(self, text: Text, *, id: str | None = None) -> None:
        super().__init__(text, id=id)

    def lines(self, width: int) -> list[Content]:
        """The fields, and an empty line."""
        if len(self.tabs) < 2:
            return []
        parts: list[tuple[str, str]] = []
        for start, tab in placed(self.tabs, self.chosen, width):
            here = tab.id == self.chosen
            parts.append((" " * (start - sum(cell_len(words) for words, _ in parts)), ""))
            parts.append((_written(tab, here, width), "bold $accent on $surface" if here else "$text-muted"))
        return [Content.assemble(*parts).truncate(width, ellipsis=True), Content("")]

    def on_click(self, event: events.Click) -> None:
        """Find the field under the pointer."""
        offset = event.get_content_offset(self)
        if offset is None or offset.y != 0:
            return
        width = self.content_size.width
        for start, tab in placed(self.tabs, self.chosen, width):
            if start <= offset.x < start + cell_len(_written(tab, tab.id == self.chosen, width)):
                self.post_message(self.Chosen(tab.id))


def placed(tabs: Sequence[SessionTab], chosen: str, width: int) -> list[tuple[int, SessionTab]]:
    """Each field with the cell it begins at; those before the chosen one go where it could not be seen otherwise."""
    for first in range(len(tabs)):
        row = _in_a_row(tabs[first:], chosen, width)
        if any(tab.id == chosen and end <= width for _, end, tab in row):
            break
    return [(start, tab) for start, _, tab in row]


def _in_a_row(tabs: Sequence[SessionTab], chosen: str, width: int) -> list[tuple[int, int, SessionTab]]:
    """Each field with the cells it begins at and ends before."""
    row: list[tuple[int, int, SessionTab]] = []
    end = -_GAP
    for tab in tabs:
        start = end + _GAP
        end = start + cell_len(_written(tab, tab.id == chosen, width))
        row.append((start, end, tab))
    return row


def _written(tab: SessionTab, here: bool, width: int) -> str:
    words = f" {'▸' if here else ' '}{tab.shape} {shown(tab.words)} "
    return fit(words, min(cell_len(words), max(_NARROWEST, width - _NARROWEST)))
