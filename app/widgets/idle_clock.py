"""The idle-fee clock: until when standing costs nothing, and what it costs then; from minute one."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal

from textual.content import Content
from textual.reactive import reactive

from app.text import Text
from app.widgets.cells import wrapped
from app.widgets.paper import Paper

SOON = timedelta(minutes=10)
"""This long before the fee begins the driver is warned."""


@dataclass(frozen=True)
class IdleFee:
    """What standing will cost.

    known: whether the tariff says anything about it. free_until: None where standing never costs anything. per_minute:
    the price from then on. so_far: what idle time has cost already, None where that is not told apart. most: where a
    maximum price ends it.
    """

    known: bool = True
    free_until: datetime | None = None
    per_minute: Decimal = Decimal(0)
    currency: str = "EUR"
    so_far: Decimal | None = Decimal(0)
    most: Decimal | None = None
    zone: tzinfo = UTC


class IdleFeeClock(Paper):
    """Says it in one sentence; `now` is handed in by whoever keeps the time."""

    fee: reactive[IdleFee] = reactive(IdleFee, layout=True)
    now: reactive[datetime | None] = reactive(None, layout=True)

    def __init__(self, text: Text, fee: IdleFee, now: datetime, *, id: str | None = None) -> None:
        super().__init__(text, id=id)
        self.set_reactive(IdleFeeClock.fee, fee)
        self.set_reactive(IdleFeeClock.now, now)

    def lines(self, width: int) -> list[Content]:
        """The sentence, wrapped."""
        assert self.now is not None
        shape, sentence, ink = idle_sentence(self.fee, self.now, self.text)
        first, *rest = wrapped(sentence, width - 2)
        return [
            Content.assemble((shape + " ", ink), (first, ink)),
            *(Content.styled("  " + line, ink) for line in rest),
        ]


def idle_sentence(fee: IdleFee, now: datetime, text: Text) -> tuple[str, str, str]:
    """Shape, sentence and colour: unknown, never, free until, soon, or running."""
    if not fee.known:
        return "?", text.say("idle.unknown"), "$text-muted"
    if fee.free_until is None:
        return "✓", text.say("idle.never"), "$success"
    until = text.time(fee.free_until, fee.zone)
    price = text.unit_price(fee.per_minute, fee.currency, text.say("unit.minute"))
    if now >= fee.free_until:
        running = text.say("idle.running_since", until=until, price=price)
        if fee.so_far is not None:
            cost = text.money(fee.so_far, fee.currency)
            running = text.say("idle.running", until=until, price=price, cost=cost)
        if fee.most is not None:
            running += " " + text.say("idle.most", most=text.money(fee.most, fee.currency))
        return "▲", running, "bold $error"
    if fee.free_until - now <= SOON:
        return (
            "△",
            text.say("idle.soon", until=until, price=price, span=text.duration(fee.free_until - now)),
            "bold $warning",
        )
    return "○", text.say("idle.free_until", until=until, price=price), "$foreground"
