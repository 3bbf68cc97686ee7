"""Emergency unlocks in the driver's words (UC5-2, UC5-3)."""

from datetime import tzinfo

from app.text import Text, messages
from app.widgets.remarks import Remark
from core.driver_messages.cable_unlock import UnlockView
from core.model.cable_unlock import UnlockState

_SHAPES = {
    UnlockState.REQUESTED: ("▸", "bold $accent"),
    UnlockState.RELEASED: ("▸", "bold $accent"),
    UnlockState.UNLOCKED: ("✓", "bold $success"),
    UnlockState.UNSAFE: ("✕", "bold $error"),
}


def unlock_remark(unlock: UnlockView, zone: tzinfo, text: Text) -> Remark:
    """Where the request stands, and what to do: the reason why not, where there is a sentence for it."""
    shape, ink = _SHAPES.get(unlock.state, ("△", "bold $warning"))
    word = f"unlock.{(unlock.code or unlock.state).lower()}"
    if word not in messages(text.language):
        word = f"unlock.{unlock.state.lower()}"
    given = {"time": text.time(unlock.requested_at, zone)} if unlock.state is UnlockState.REQUESTED else {}
    return Remark(shape, text.say(word, **given), ink, text.say(f"{word}.next"))
