"""The top line of every screen: the place, the mode, the time, and the connection with its age."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import Enum

from rich.cells import cell_len
from textual.content import Content
from textual.reactive import reactive

from app.text import Text
from app.widgets.cells import fit, shown
from app.widgets.paper import Paper


class Connection(Enum):
    """How the home platform is reached; the value is the shape."""

    LIVE = "●"
    SLOW = "◐"
    LOST = "✕"

    @property
    def word(self) -> str:
        """The key of its word in `app.text`."""
        return f"connection.{self.name.lower()}"


_INK = {Connection.LIVE: "$success", Connection.SLOW: "$warning", Connection.LOST: "bold $error"}


@dataclass(frozen=True)
class StatusLineValues:
    """Place, connection and age of its last word, the time there, and a mode such as "demo ×60", empty for none."""

    place: str
    connection: Connection
    now: datetime
    heard: timedelta | None = None
    mode: str = ""
    zone: tzinfo = UTC


class StatusLine(Paper):
    """One line; on a narrow screen the mode goes first, then the name of the product."""

    DEFAULT_CSS = """
    StatusLine { dock: top; height: 1; padding: 0 1; background: $panel; }
    """

    values: reactive[StatusLineValues | None] = reactive(None)

    def __init__(self, text: Text, values: StatusLineValues | None = None, *, id: str | None = None) -> None:
        super().__init__(text, id=id)
        self.set_reactive(StatusLine.values, values)

    def lines(self, width: int) -> list[Content]:
        """The line at a width in cells."""
        return [status_line(self.values, self.text, width)] if self.values else [Content("")]


def status_line(values: StatusLineValues, text: Text, width: int) -> Content:
    """The line at a width in cells."""
    age = text.duration(values.heard) if values.heard is not None else ""
    connection = f"{values.connection.value} {text.say(values.connection.word)} {age}".rstrip()
    if width < 60:
        connection = f"{values.connection.value} {age or text.say(values.connection.word)}"
    parts = [(text.time(values.now, values.zone), ""), (connection, _INK[values.connection])]
    if values.mode and width >= 72:
        parts.insert(0, (shown(values.mode), "$text-muted"))
    right = sum(cell_len(words) + 3 for words, _ in parts) - 3
    name = "evroam · " if width >= 60 else ""
    return Content.assemble(
        (name, "$text-muted"),
        (fit(values.place, max(0, width - right - len(name) - 2)), "bold"),
        "  ",
        *(piece for index, part in enumerate(parts) for piece in (("   " if index else "", ""), part)),
    )
