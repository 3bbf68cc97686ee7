"""The charge plan of one session: a wish, the operator's offer with its price against now, the driver's yes or no."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from app.live import SessionChanged
from app.plan_words import Wish, is_open, may_end, plan_lines, wish_knobs, wish_of
from app.screens.adjust import KnobList
from app.screens.page import Failed
from app.screens.session_page import SessionPage, SessionTold
from app.text import Text
from app.widgets.paper import Paper
from app.widgets.sheet import Sheet
from core.driver_client import DriverClient
from core.driver_messages import SessionView
from core.driver_messages.plans import PlanRequest, PlanView, PlanWord


class PlanCard(Paper):
    """Shows the plan that there is."""

    def __init__(self, text: Text, screen: "PlanScreen") -> None:
        super().__init__(text)
        self._screen = screen

    def lines(self, width: int) -> list[Content]:
        """The plan, or that the operator is asked."""
        if self._screen.asking:
            return [Content.styled(self.text.say("plan.asking"), "$text-muted")]
        view, now = self._screen.view, self._screen.kiosk.live.now()
        return plan_lines(self._screen.plan, "UTC" if view is None else view.time_zone, now, self.text, width)


class PlanScreen(SessionPage):
    """Enter asks for an offer to the wish; once there is one, Enter accepts it, and another wish is a counter."""

    place: ClassVar[str] = "plan"
    AUTO_FOCUS = "KnobList"
    CSS = """
    PlanScreen KnobList { height: auto; margin: 0 0 1 0; }
    PlanScreen.-small .page { padding: 0 1; }
    """

    def __init__(self, session_id: str) -> None:
        super().__init__(session_id)
        self._asked_for: Wish | None = None
        self.asking = False

    @property
    def plan(self) -> PlanView | None:
        """Its plan."""
        return None if self.view is None else self.view.plan

    def body(self) -> ComposeResult:
        """The wish above, the plan below."""
        view = self.view
        with Sheet(classes="page"):
            yield Static(Content(self.text.say("plan.title")), classes="title")
            if view is not None:
                now = self.kiosk.live.now()
                yield KnobList(self.text, wish_knobs(view, now, self.text), wish_of(view, now))
            with Vertical(classes="card -next"):
                yield PlanCard(self.text, self)

    @property
    def _answers(self) -> bool:
        """Whether Enter is a yes: the driver's word is waited for, and the wish is still that of the offer."""
        if not is_open(self.plan, self.kiosk.live.now()):
            return False
        wish = self._wish()
        return self._asked_for is None or wish is None or wish == self._asked_for

    def can(self, name: str) -> bool:
        """One says yes or no to what is open, and asks while charging."""
        match name:
            case "settle_plan":
                return not self.asking and self.view is not None
            case "reject_plan":
                said = is_open(self.plan, self.kiosk.live.now()) or may_end(self.plan)
                return said and not self.asking
        return super().can(name)

    def tick(self) -> None:
        """An offer expires."""
        super().tick()
        self._show()

    def action_settle_plan(self) -> None:
        """Yes to what is open; else, or with another wish, the operator is asked for an offer."""
        if not self.can("settle_plan"):
            return
        if self._answers:
            self._say(accept=True)
        else:
            self._ask_offer()

    def _ask_offer(self) -> None:
        wish = self._wish()
        if wish is None:
            return
        self.clear_error()
        self._asked_for = wish
        departure = self.kiosk.live.now() + timedelta(minutes=wish.leave_in)
        wanted = PlanRequest(profile=wish.profile, energy_kwh=wish.energy_kwh, departure=departure)
        self._ask_home(lambda client: client.ask_plan(self.session_id, wanted))

    def action_reject_plan(self) -> None:
        """No to an offer, to a change that costs more, or to a plan that may be ended."""
        if self.can("reject_plan"):
            self._say(accept=False)

    def _say(self, *, accept: bool) -> None:
        plan = self.plan
        if plan is None:
            return
        self.clear_error()
        word = PlanWord(plan_id=plan.id, version=plan.version, accept=accept)
        self._ask_home(lambda client: client.answer_plan(self.session_id, word))

    def _ask_home(self, question: Callable[[DriverClient], Awaitable[SessionView]]) -> None:
        self.asking = True
        self.ask(question, SessionTold, group="plan")
        self._show()

    def _wish(self) -> Wish | None:
        knobs = self.query(KnobList)
        return knobs.first().value if knobs else None

    def _show(self) -> None:
        for card in self.query(PlanCard):
            card.refresh(layout=True)
        self.refresh_keys()

    @on(SessionTold)
    def _told(self, event: SessionTold) -> None:
        self.asking = False
        self.kiosk.live.take(event.view)
        self._show()

    @on(Failed)
    def _not_told(self) -> None:
        self.asking = False
        self._show()

    @on(SessionChanged)
    def _changed(self) -> None:
        self._show()

    @on(KnobList.Kept)
    def _kept(self) -> None:
        self.action_settle_plan()

    @on(KnobList.Turned)
    def _turned(self) -> None:
        self._show()
