"""What the screens about one session share: which it is, what was last told of it, and the site above."""

from textual.message import Message
from textual.reactive import reactive

from app.screens.page import Page
from core.driver_messages import SessionView


class SessionTold(Message, bubble=False):
    """The home platform answered with a session."""

    def __init__(self, view: SessionView) -> None:
        super().__init__()
        self.view = view


class SessionPage(Page):
    """A screen about one session."""

    session_id: reactive[str] = reactive("", init=False)

    def __init__(self, session_id: str) -> None:
        super().__init__()
        self.set_reactive(SessionPage.session_id, session_id)

    @property
    def view(self) -> SessionView | None:
        """The session as last told."""
        return self.kiosk.live.sessions.get(self.session_id)

    def heading(self) -> str:
        """The site of the session."""
        return self.view.site_name if self.view else super().heading()
