"""My session: how much energy, how full or how long; the same dialogue wherever a price is shown."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal

from app.screens.adjust import AdjustDialog, Knob
from app.text import Text
from core.driver_messages import Need, NeedKind

_STEPS: dict[NeedKind, tuple[Decimal, Decimal, Decimal, Decimal]] = {
    NeedKind.ENERGY: (Decimal(30), Decimal(5), Decimal(5), Decimal(150)),
    NeedKind.STATE_OF_CHARGE: (Decimal(80), Decimal(5), Decimal(10), Decimal(100)),
    NeedKind.MINUTES: (Decimal(45), Decimal(15), Decimal(15), Decimal(720)),
}
"""A goal to begin with, the step, the least and the most: kWh, percent, minutes."""
_BATTERIES = tuple(Decimal(kwh) for kwh in (20, 30, 40, 50, 60, 70, 77, 90, 100, 120))
_STAYS: tuple[int | None, ...] = (None, 30, 60, 90, 120, 180, 240, 360, 480, 720)


def turned_goal(need: Need, by: int) -> Need:
    """The need with so many steps more or less, within what makes sense."""
    _, step, least, most = _STEPS[need.kind]
    if need.kind is NeedKind.STATE_OF_CHARGE:
        least = max(least, need.arrival_percent + step)
    return need.model_copy(update={"amount": min(most, max(least, need.amount + by * step))})


def need_dialog(need: Need, text: Text) -> AdjustDialog[Need]:
    """The dialogue."""
    return AdjustDialog(text, text.say("need.title"), _knobs(text), need)


def _knobs(text: Text) -> Sequence[Knob[Need]]:
    full = NeedKind.STATE_OF_CHARGE
    return (
        Knob(text.say("need.kind"), lambda need: text.say(f"need.kind.{need.kind}"), _turned_kind),
        Knob(text.say("need.amount"), lambda need: _goal(need, text), turned_goal),
        Knob(
            text.say("need.battery"),
            lambda need: text.energy(need.battery_kwh, 0),
            _one_of("battery_kwh", _BATTERIES),
            lambda need: need.kind is full,
        ),
        Knob(
            text.say("need.arrival"),
            lambda need: text.percent(need.arrival_percent),
            _turned_arrival,
            lambda need: need.kind is full,
        ),
        Knob(text.say("need.stay"), lambda need: _stay(need, text), _one_of("stay_minutes", _STAYS)),
    )


def _turned_kind(need: Need, by: int) -> Need:
    kinds = list(NeedKind)
    kind = kinds[(kinds.index(need.kind) + by) % len(kinds)]
    return turned_goal(need.model_copy(update={"kind": kind, "amount": _STEPS[kind][0]}), 0)


def _turned_arrival(need: Need, by: int) -> Need:
    arrival = min(Decimal(90), max(Decimal(0), need.arrival_percent + by * 5))
    return turned_goal(need.model_copy(update={"arrival_percent": arrival}), 0)


def _one_of(member: str, values: Sequence[Decimal | None] | Sequence[int | None]) -> Callable[[Need, int], Need]:
    def turn(need: Need, by: int) -> Need:
        present = getattr(need, member)
        place = values.index(present) if present in values else 0
        return need.model_copy(update={member: values[min(len(values) - 1, max(0, place + by))]})

    return turn


def _goal(need: Need, text: Text) -> str:
    if need.kind is NeedKind.MINUTES:
        return text.duration(timedelta(minutes=int(need.amount)))
    return text.percent(need.amount) if need.kind is NeedKind.STATE_OF_CHARGE else text.energy(need.amount, 0)


def _stay(need: Need, text: Text) -> str:
    if need.stay_minutes is None:
        return text.say("need.stay.until_done")
    return text.duration(timedelta(minutes=need.stay_minutes))
