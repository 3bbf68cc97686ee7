"""Help at a place: its keys, whom to call and what to tell them, a cable that is stuck, and why things are refused."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from app.actions import EVERYWHERE, Action, actions_for
from app.live import SessionChanged
from app.screens.choice import Choice
from app.screens.page import Page
from app.screens.question import Question
from app.screens.walk_choice import choose_walk
from app.text import Text, messages
from app.unlock_words import unlock_remark
from app.widgets.cells import shown
from app.widgets.facts import Fact, Facts
from app.widgets.remarks import Remark, Remarks
from app.widgets.sheet import Sheet
from app.zones import zone_of
from core.driver_client import DriverClient
from core.driver_messages import SessionView

REFUSALS = (
    "identification_refused",
    "pin_locked",
    "no_agreement",
    "agreement_ended",
    "not_agreed",
    "no_tariff",
    "quote_expired",
    "evse_occupied",
    "out_of_order",
    "no_remote_start",
    "operator_unreachable",
    "rejected",
    "not_plugged_in",
    "not_confirmed",
    "stop_timeout",
    "unreachable",
)
"""The refusals that drivers meet, in the order of the way through."""

CABLE_STEPS = ("cable_car", "cable_stop", "cable_pull", "cable_post", "cable_call")


class UnlockAsked(Message, bubble=False):
    """The home platform has taken the request; the session as it tells it now."""

    def __init__(self, view: SessionView) -> None:
        super().__init__()
        self.view = view


class HelpScreen(Page):
    """Says what can be done at the place it was asked at."""

    place: ClassVar[str] = "help"
    AUTO_FOCUS = "Sheet"
    DEFAULT_CSS = """
    HelpScreen .section { padding: 1 0 0 0; text-style: bold; }
    HelpScreen #keys { padding: 0; }
    """

    def __init__(self, place: str) -> None:
        super().__init__()
        self._asked_at = place

    def heading(self) -> str:
        """Help, whatever it is for."""
        return self.text.say("help.title")

    def body(self) -> ComposeResult:
        """Keys, support, cable, refusals."""
        text = self.text
        with Sheet(classes="page"):
            yield Static(Content(text.say("help.keys")), classes="section", id="keys")
            yield Facts(text, key_facts(self._actions_there(), text))
            yield Static(Content(text.say("help.cable_stuck")), classes="section", id="cable")
            yield Static(Content(text.say("help.cable_which")), classes="quiet")
            yield Remarks(text, (*cable_steps(text), *self._unlocks()), id="steps")
            yield Static(Content(text.say("help.support")), classes="section")
            yield Static(Content(text.say("help.support_how")))
            running = tuple(session_fact(one, text) for one in self.kiosk.live.running())
            yield Facts(text, running or (("·", text.say("help.support_nothing")),))
            yield Static(Content(text.say("help.refusals")), classes="section")
            yield Remarks(text, refusals(text))

    def _actions_there(self) -> tuple[Action, ...]:
        """What the screen that asked can do; where it is no longer there, what can be done everywhere."""
        asked = [one for one in self.app.screen_stack if isinstance(one, Page) and one.place == self._asked_at]
        return asked[-1].actions() if asked else actions_for(EVERYWHERE)

    def can(self, name: str) -> bool:
        """An unlock is asked for where a session of the driver's, or a start that failed, may hold a cable.

        A field tester walks on a terminal of one's own only.
        """
        if name == "field_test":
            return self.kiosk.walks is not None and self.kiosk.mode == "driver"
        return bool(self._unlockable()) if name == "ask_unlock" else super().can(name)

    def _unlockable(self) -> list[SessionView]:
        return [one for one in self.kiosk.live.sessions.values() if one.may_ask_unlock]

    def _unlocks(self) -> list[Remark]:
        """What became of the unlocks that were asked for."""
        asked = (one for one in self.kiosk.live.sessions.values() if one.unlock is not None)
        return [unlock_remark(one.unlock, zone_of(one.time_zone), self.text) for one in asked if one.unlock]

    @on(SessionChanged)
    def _changed(self) -> None:
        self.query_one("#steps", Remarks).remarks = (*cable_steps(self.text), *self._unlocks())
        self.refresh_keys()

    def action_ask_unlock(self) -> None:
        """Ask a person to release the cable; where several posts may hold one, ask first which."""
        found = self._unlockable()
        if len(found) == 1:
            self._confirm(found[0])
        elif found:
            posts = [f"{one.label or one.evse_id} · {one.site_name}" for one in found]
            self.app.push_screen(
                Choice(self.text.say("unlock.which"), posts),
                lambda index: None if index is None else self._confirm(found[index]),
            )

    def _confirm(self, view: SessionView) -> None:
        say = self.text.say
        question = Question(
            say("unlock.ask", bay=view.label or view.evse_id),
            say("unlock.ask_what"),
            yes=say("unlock.ask_yes"),
            no=say("unlock.ask_no"),
        )
        self.app.push_screen(question, lambda wanted: self._request(view.id) if wanted else None)

    def _request(self, session_id: str) -> None:
        async def ask(client: DriverClient) -> SessionView:
            await client.ask_unlock(session_id)
            return await client.session(session_id)

        self.ask(ask, UnlockAsked, group="unlock")

    @on(UnlockAsked)
    def _asked(self, event: UnlockAsked) -> None:
        self.kiosk.live.take(event.view)
        self._changed()
        self.action_cable_coach()

    def action_field_test(self) -> None:
        """Walk a scenario of the standard's Annex A."""
        if self.kiosk.walks is not None and self.can("field_test"):
            choose_walk(self, self.kiosk.walks)

    def action_cable_coach(self) -> None:
        """To the steps for a cable that is stuck."""
        self.query_one(Sheet).scroll_to_widget(self.query_one("#cable"), animate=False, top=True)


def key_facts(actions: tuple[Action, ...], text: Text) -> tuple[Fact, ...]:
    """Each key with what it does: those of the place first, that of help last."""
    ordered = sorted(actions, key=lambda one: EVERYWHERE in one.where)
    return tuple((one.key_name, f"{text.say(one.label_key)}: {text.say(one.help_key)}") for one in ordered)


def cable_steps(text: Text) -> tuple[Remark, ...]:
    """What to do, one after the other: the car's lock first, for it is mostly that one."""
    return tuple(Remark(" ", text.say(f"help.{step}"), "$foreground") for step in CABLE_STEPS)


def session_fact(view: SessionView, text: Text) -> Fact:
    """What the person on the telephone needs to know of a session."""
    return shown(view.label or view.site_name), text.say("help.session", evse=view.evse_id, id=view.id)


def refusals(text: Text) -> tuple[Remark, ...]:
    """Why something is refused, and what to do."""
    known = messages(text.language)
    return tuple(
        Remark("✕", text.say(f"problem.{code}.why"), "bold", text.say(f"problem.{code}.next"))
        for code in REFUSALS
        if f"problem.{code}.why" in known
    )
