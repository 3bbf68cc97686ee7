"""The sessions that run, a line each: bay, energy, cost, and what it does. Nothing is shown while nothing runs."""

from collections.abc import Sequence
from datetime import datetime

from textual import events
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive

from app.need_words import session_word
from app.reservation_words import strip_words
from app.text import Text
from app.widgets.cells import apart
from app.widgets.paper import Paper
from core.driver_messages import SessionView

MOST = 3


class RunningStrip(Paper):
    """Shows three sessions at most, and how many more there are. Posts `Chosen` for a click."""

    DEFAULT_CSS = """
    RunningStrip { display: none; background: $surface; border-left: outer $accent; padding: 0 1; }
    RunningStrip.-shown { display: block; }
    """

    class Chosen(Message):
        """This session is wanted."""

        def __init__(self, id: str) -> None:
            super().__init__()
            self.id = id

    sessions: reactive[tuple[SessionView, ...]] = reactive((), layout=True)
    now: reactive[datetime | None] = reactive(None)

    def __init__(self, text: Text, sessions: Sequence[SessionView] = (), *, id: str | None = None) -> None:
        super().__init__(text, id=id)
        self.set_reactive(RunningStrip.sessions, tuple(sessions))
        self.set_class(bool(sessions), "-shown")

    def show(self, sessions: Sequence[SessionView]) -> None:
        """Show these."""
        self.sessions = tuple(sessions)
        self.set_class(bool(sessions), "-shown")

    def lines(self, width: int) -> list[Content]:
        """A line a session."""
        lines = [Content(session_line(one, self.text, width, self.now)) for one in self.sessions[:MOST]]
        if len(self.sessions) > MOST:
            more = self.text.say("strip.more", count=len(self.sessions) - MOST)
            lines.append(Content.styled(more, "$text-muted"))
        return lines

    def on_click(self, event: events.Click) -> None:
        """Take the session under the pointer."""
        offset = event.get_content_offset(self)
        if offset is not None and offset.y < min(MOST, len(self.sessions)):
            self.post_message(self.Chosen(self.sessions[offset.y].id))


def session_line(view: SessionView, text: Text, width: int, now: datetime | None = None) -> str:
    """Where at one end; state, energy and cost at the other, or until when the post is held."""
    held = strip_words(view, now, text)
    if held:
        place = text.say("strip.bay", bay=view.label or view.evse_id, site=view.site_name)
        return apart(place, f"{session_word(view.state, text)} {held}", width)
    cost = "" if view.cost is None else text.money(view.cost.amount, view.cost.currency)
    figures = [session_word(view.state, text), text.energy(view.energy_kwh), cost]
    right = "   ".join(figure for figure in figures if figure)
    return apart(text.say("strip.bay", bay=view.label or view.evse_id, site=view.site_name), right, width)
