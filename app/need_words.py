"""My session in a few words, and what a running session does in one."""

from datetime import timedelta
from decimal import Decimal

from app.text import Text
from core.driver_messages import Need, NeedKind
from core.model.session import SessionState

_STATES = {
    SessionState.AUTHORISING: "starting",
    SessionState.UNCONFIRMED: "starting",
    SessionState.AUTHORISED: "starting",
    SessionState.RESERVED: "reserved",
    SessionState.ACTIVE: "charging",
    SessionState.SUSPECT: "silent",
    SessionState.CLOSING: "ending",
}


def session_word(state: SessionState, text: Text) -> str:
    """The state as a driver needs it."""
    return text.say(f"session.{_STATES.get(state, 'over')}")


def need_words(need: Need, text: Text) -> str:
    """My session: 30 kWh; 20 % → 80 % (36 kWh); for 45 min."""
    if need.kind is NeedKind.MINUTES:
        return text.say("quote.goal_minutes", span=text.duration(timedelta(minutes=int(need.amount))))
    if need.kind is NeedKind.STATE_OF_CHARGE:
        energy = max(Decimal(0), need.amount - need.arrival_percent) * need.battery_kwh / 100
        return text.say(
            "quote.goal_percent",
            start=text.percent(need.arrival_percent),
            end=text.percent(need.amount),
            energy=text.energy(energy, 0),
        )
    return text.say("quote.goal_energy", energy=text.energy(need.amount, 0))
