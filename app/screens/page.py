"""What all screens share: the status line on top, the keys at the bottom, and questions to the home platform.

A screen never waits: a question runs in a worker and its answer comes as a message. An error comes as `Failed` and is
shown with a way on; what failed because nobody answered is asked again as soon as somebody does.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from textual import events, on
from textual.app import ComposeResult
from textual.message import Message
from textual.screen import Screen
from textual.worker import Worker

from app.actions import Action, actions_for, bindings_for
from app.idle import BROWSING, Patience
from app.live import ConnectionChanged
from app.problems import error_words
from app.text import Text
from app.widgets.key_line import KeyLine, hints_for
from app.widgets.problem_card import ProblemCard
from app.widgets.status_line import Connection, StatusLine, StatusLineValues
from core.driver_client import DriverClient
from core.errors import EvroamError, Unreachable

if TYPE_CHECKING:
    from app.kiosk import Kiosk

T = TypeVar("T")

NOT_IDENTIFIED = "not_identified"
"""The code of a home platform that takes the identification no longer."""


class Failed(Message, bubble=False):
    """A question to the home platform failed. group: which one."""

    def __init__(self, error: EvroamError, group: str) -> None:
        super().__init__()
        self.error, self.group = error, group


class Page(Screen[None]):
    """A screen with its place among the actions; a subclass writes `body` and one `action_NAME` for each it can do.

    A key is shown only where the screen has the action's method. patience: how long nobody needs to do anything on a
    public machine, None for ever.
    """

    AUTO_FOCUS: ClassVar[str | None] = "Sheet"
    place: ClassVar[str] = ""
    patience: Patience | None = BROWSING

    def __init_subclass__(cls, **arguments: Any) -> None:  # Textual's own arguments, passed through
        if "place" in vars(cls):
            cls.BINDINGS = [*bindings_for(cls.place, Text()), *vars(cls).get("BINDINGS", ())]
        super().__init_subclass__(**arguments)

    def __init__(self) -> None:
        super().__init__()
        self._questions: dict[str, Callable[[], Worker[None]]] = {}
        self._failed: dict[str, EvroamError] = {}

    @property
    def kiosk(self) -> "Kiosk":
        """The app."""
        return cast("Kiosk", self.app)

    @property
    def text(self) -> Text:
        """The driver's language."""
        return self.kiosk.text

    def compose(self) -> ComposeResult:
        """Status line, problem if there is one, the screen's own body, keys."""
        yield StatusLine(self.text, self._status())
        yield ProblemCard(self.text)
        yield from self.body()
        yield KeyLine(self.text, hints_for(self.actions(), self.text), self.remark())

    def body(self) -> ComposeResult:
        """What the screen shows between the two lines."""
        yield from ()

    def heading(self) -> str:
        """The place that the status line names."""
        return self.kiosk.standpoint.name

    def remark(self) -> str:
        """What stands at the end of the key line."""
        return ""

    def actions(self) -> tuple[Action, ...]:
        """The actions that the screen can do at present, in the order of the key line."""
        return tuple(one for one in actions_for(self.place) if self.can(one.name))

    def can(self, name: str) -> bool:
        """Whether an action can be done here and now."""
        return hasattr(self, f"action_{name}")

    def tick(self) -> None:
        """A second has passed: ages and countdowns move."""
        for line in self.query(StatusLine):
            line.values = self._status()

    def refresh_keys(self) -> None:
        """Other actions can be done than before."""
        for line in self.query(KeyLine):
            line.hints = hints_for(self.actions(), self.text)
            line.remark = self.remark()

    def ask(
        self, question: Callable[[DriverClient], Awaitable[T]], answer: Callable[[T], Message], *, group: str = "ask"
    ) -> None:
        """Ask the home platform in a worker; a later question of the same group replaces an earlier one."""

        def begin() -> Worker[None]:
            return self.run_worker(partial(self._ask, question, answer, group), group=group, exclusive=True)

        self._questions[group] = begin
        begin()

    def ask_again(self) -> None:
        """Ask once more whatever failed."""
        failed, self._failed = self._failed, {}
        for group in failed:
            self._questions[group]()

    def ask_anew(self) -> None:
        """Ask everything once more: what is shown may be otherwise by now."""
        for begin in tuple(self._questions.values()):
            begin()

    def show_error(self, error: EvroamError, *, again: bool = False) -> None:
        """Say what went wrong and what to do."""
        self.query_one(ProblemCard).tell(*error_words(self.text, error), again=again)

    def clear_error(self) -> None:
        """Nothing is wrong any more."""
        for card in self.query(ProblemCard):
            card.clear()

    async def _ask(
        self, question: Callable[[DriverClient], Awaitable[T]], answer: Callable[[T], Message], group: str
    ) -> None:
        try:
            answered = await question(self.kiosk.client)
        except EvroamError as error:
            self.post_message(Failed(error, group))
            return
        if self._failed.pop(group, None) is not None and not self._failed:
            self.clear_error()
        self.kiosk.live.heard()
        self.post_message(answer(answered))

    def _status(self) -> StatusLineValues:
        live = self.kiosk.live
        mode = self.text.say("common.demo", speed=int(live.speed)) if live.speed > 1 else ""
        return StatusLineValues(self.heading(), live.connection, live.now(), live.age, mode, self.kiosk.standpoint.zone)

    @on(Failed)
    def _show_failed(self, event: Failed) -> None:
        if event.error.code == NOT_IDENTIFIED and self.kiosk.login is not None:
            self.kiosk.sign_out()
            self._questions[event.group]()  # much is told to nobody in particular, too
            return
        self._failed[event.group] = event.error
        self.show_error(event.error, again=isinstance(event.error, Unreachable))
        if isinstance(event.error, Unreachable):
            self.kiosk.live.failed()

    @on(ProblemCard.Again)
    def _again(self) -> None:
        self.clear_error()
        self.ask_again()

    @on(ConnectionChanged)
    def _connection_changed(self, event: ConnectionChanged) -> None:
        self.tick()
        if event.connection is Connection.LIVE and any(isinstance(one, Unreachable) for one in self._failed.values()):
            self._again()

    @on(KeyLine.Pressed)
    async def _key_pressed(self, event: KeyLine.Pressed) -> None:
        await self.run_action(event.hint.action)

    def on_paste(self, event: events.Paste) -> None:
        """What is pasted into no field is taken for a code."""
        event.stop()
        self.kiosk.open_scan(event.text)

    def action_back(self) -> None:
        """To the screen before."""
        self.kiosk.go_back()

    def action_help(self) -> None:
        """What every key does here."""
        self.kiosk.open_help(self.place)
