"""The one registry of actions: what a key does where, what it is called, and what help says of it.

Bindings, the key line, the help screen and the on-screen keys are made from it. Terminals and browsers keep F3, F5 to
F7 and F10 to F12 for themselves, and a single letter would be typed by scanners and by elbows (architecture, decision
15).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from textual.binding import Binding

from app.text import Text

ALLOWED_KEYS = (
    "enter",
    "up",
    "down",
    "left",
    "right",
    "pageup",
    "pagedown",
    "tab",
    "shift+tab",
    "f2",
    "f4",
    "f8",
    "f9",
    "f1",
    "escape",
)
"""In the order in which the key line shows them: the next step first, the way out last."""

EVERYWHERE = "everywhere"
_KEY_NAMES = {
    "enter": "Enter", "escape": "Esc", "up": "↑", "down": "↓", "left": "←", "right": "→",
    "pageup": "PgUp", "pagedown": "PgDn", "tab": "Tab", "shift+tab": "⇧Tab",
}  # fmt: skip


@dataclass(frozen=True)
class Action:
    """One thing that a key does at some places.

    name: the Textual action, `filters` for `action_filters`. label_key and help_key: sentences of `app.text`.
    where: the screens by name, or EVERYWHERE. next_step: the one that the eye shall find.
    """

    key: str
    name: str
    where: frozenset[str]
    next_step: bool = False

    @property
    def label_key(self) -> str:
        """The sentence of the key line."""
        return f"action.{self.name}.label"

    @property
    def help_key(self) -> str:
        """The sentence of the help screen."""
        return f"action.{self.name}.help"

    @property
    def key_name(self) -> str:
        """What is printed on the key."""
        return key_name(self.key)


def key_name(key: str) -> str:
    """What is printed on a key."""
    return _KEY_NAMES.get(key, key.upper())


def _action(key: str, name: str, *where: str, next_step: bool = False) -> Action:
    return Action(key, name, frozenset(where), next_step)


ACTIONS: tuple[Action, ...] = (
    _action("enter", "begin", "welcome", next_step=True),
    _action("enter", "open_site", "find", next_step=True),
    _action("enter", "quote", "site", next_step=True),
    _action("enter", "consent", "quote", next_step=True),
    _action("enter", "new_price", "expired_quote", next_step=True),
    _action("enter", "identify", "identify", next_step=True),
    _action("enter", "use_code", "scan", next_step=True),
    _action("enter", "reserve_now", "reserve", next_step=True),
    _action("enter", "start_reserved", "reserved", next_step=True),
    _action("enter", "settle_plan", "plan", next_step=True),
    _action("enter", "next_step", "walk", next_step=True),
    _action("enter", "open_receipt", "history", next_step=True),
    _action("enter", "go_on", "charging", next_step=True),
    _action("left", "previous_session", "charging"),
    _action("right", "next_session", "charging"),
    _action("left", "less", "quote", "plan", "reserve"),
    _action("right", "more", "quote", "plan", "reserve"),
    _action("f2", "language", "welcome"),
    _action("f2", "filters", "find"),
    _action("f2", "notices", "site"),
    _action("f2", "typed_id", "scan"),
    _action("f2", "export_json", "receipt"),
    _action("f2", "open_message", "walk"),
    _action("f2", "period", "history"),
    _action("f2", "cable_coach", "help"),
    _action("f4", "accessibility", "welcome"),
    _action("f2", "my_session", "quote"),
    _action("f2", "reserve_when", "reserve"),
    _action("f4", "my_session", "find"),
    _action("f4", "reserve", "quote"),
    _action("f4", "image_file", "scan"),
    _action("f4", "change_plan", "charging"),
    _action("f4", "export_csv", "receipt", "history"),
    _action("f4", "inject_fault", "walk"),
    _action("f4", "report_fault", "help"),
    _action("f8", "ask_unlock", "help"),
    _action("f8", "favourite", "find", "site"),
    _action("f8", "charge_plan", "quote"),
    _action("f8", "reject_plan", "plan"),
    _action("f8", "report_sticker", "scan"),
    _action("f8", "stop", "ladder", "charging"),
    _action("f8", "dispute", "receipt"),
    _action("f8", "cancel_reservation", "reserved"),
    _action("f8", "run_to_end", "walk"),
    _action("f9", "to_phone", "ladder", "charging", "receipt"),
    _action("f9", "evidence_pack", "walk"),
    _action("f9", "field_test", "help"),
    _action("f8", "past_sessions", "welcome"),
    _action("f9", "to_session", "welcome", "find", "site"),
    _action("tab", "around", "find"),
    _action("f1", "help", EVERYWHERE),
    _action("escape", "done", "receipt", next_step=True),
    _action("escape", "leave", "charging"),
    _action("escape", "quit", "welcome"),
    _action("escape", "back", "find", "site", "quote", "identify", "scan", "reserve", "plan", "history", "help"),
    _action("escape", "back", "reserved"),
    _action("escape", "back", "walk", "walk_entry", "settings"),
)  # fmt: skip


def actions_for(place: str) -> tuple[Action, ...]:
    """The actions of a screen, those of everywhere among them, in the order of the key line."""
    here = (action for action in ACTIONS if place in action.where or EVERYWHERE in action.where)
    return tuple(sorted(here, key=lambda action: ALLOWED_KEYS.index(action.key)))


def bindings_for(place: str, text: Text) -> list[Binding]:
    """The actions of a screen as Textual bindings, described in the driver's language."""
    return [
        Binding(action.key, action.name, text.say(action.label_key), show=False, key_display=action.key_name)
        for action in actions_for(place)
    ]


def places() -> Iterable[str]:
    """Every screen that has an action of its own, in alphabetical order."""
    return sorted({place for action in ACTIONS for place in action.where} - {EVERYWHERE})
