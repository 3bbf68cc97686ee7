"""What the work of a walk tells its screen; none of them bubbles."""

from textual.message import Message

from app.walk_values import LoggedText, Outcome, PlannedStep, Said, WalkedStep
from core.errors import EvroamError


class Begun(Message, bubble=False):
    """The network stands. version: of OCPI, as it was negotiated."""

    def __init__(self, version: str) -> None:
        super().__init__()
        self.version = version


class StepBegins(Message, bubble=False):
    """A step is being walked from now on."""

    def __init__(self, step: PlannedStep) -> None:
        super().__init__()
        self.step = step


class StepDone(Message, bubble=False):
    """A step was walked."""

    def __init__(self, result: WalkedStep) -> None:
        super().__init__()
        self.result = result


class Ended(Message, bubble=False):
    """The walk is over."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


class Rests(Message, bubble=False):
    """What was asked for is done; it is the tester's turn."""


class Stuck(Message, bubble=False):
    """The walk cannot go on."""

    def __init__(self, error: EvroamError) -> None:
        super().__init__()
        self.error = error


class Opened(Message, bubble=False):
    """A message was fetched from the log."""

    def __init__(self, said: Said, logged: LoggedText) -> None:
        super().__init__()
        self.said, self.logged = said, logged


class Saved(Message, bubble=False):
    """The evidence pack lies there."""

    def __init__(self, folder: str) -> None:
        super().__init__()
        self.folder = folder
