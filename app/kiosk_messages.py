"""What the app tells its screens."""

from textual.message import Message

from core.errors import EvroamError


class StartFailed(Message, bubble=False):
    """The start was refused."""

    def __init__(self, error: EvroamError) -> None:
        super().__init__()
        self.error = error


class LoginChanged(Message, bubble=False):
    """Somebody is identified now, or nobody any more."""
