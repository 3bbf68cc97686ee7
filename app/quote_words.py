"""A quote in the driver's words: what my session costs, what it is made of, what standing costs, how long it holds."""

from datetime import datetime, timedelta
from decimal import Decimal

from babel.numbers import get_currency_precision
from textual.content import Content

from app.need_words import need_words
from app.notice_words import notice_remark
from app.text import Text
from app.widgets.cells import apart, fit, shown, wrapped
from app.widgets.idle_clock import IdleFee, idle_sentence
from app.widgets.remarks import remark_lines
from app.zones import zone_of
from core.driver_messages import Money, NeedKind, QuoteView
from core.model.tariff_description import RowKind

_WIDE = 60


def session_lines(quote: QuoteView, now: datetime, text: Text, width: int) -> list[Content]:
    """My session at this connector, over a width in cells."""
    goal, expected = f"◂ {need_words(quote.need, text)} ▸", _expected(quote, text)
    lines = [Content.styled(apart(goal, expected, width), "bold")]
    lines += [Content(""), *_prices(quote, text, width), *_parts(quote, text, width), *_idle(quote, now, text, width)]
    zone = zone_of(quote.time_zone)
    return [*lines, *(line for one in quote.notices for line in remark_lines(notice_remark(one, zone, text), width))]


def holds_words(quote: QuoteView, text: Text) -> str:
    """Until when the price holds, and its number; whether the operator is bound to it or its tariff was read."""
    words = "quote.bound_until" if quote.binding else "quote.estimate_until"
    return text.say(words, time=text.time(quote.valid_until, zone_of(quote.time_zone)), id=quote.id)


def _money(money: Money, text: Text) -> str:
    return text.money(money.amount, money.currency)


def _expected(quote: QuoteView, text: Text) -> str:
    span = text.duration(timedelta(minutes=quote.minutes))
    if quote.need.kind is NeedKind.ENERGY:
        return text.say("quote.duration", span=span)
    return text.say("quote.energy", energy=text.energy(quote.energy_kwh, 1), span=span)


def _prices(quote: QuoteView, text: Text, width: int) -> list[Content]:
    """The likely price, which the eye shall find; the least and the most beside it."""
    beside = []
    if quote.low is not None and quote.low.amount < quote.likely.amount:
        beside.append(text.say("quote.low", price=_money(quote.low, text)))
    most = text.say("quote.no_most")
    if quote.most is not None:
        most = text.say("quote.most", price=_money(quote.most, text))
        if quote.need.kind is not NeedKind.MINUTES:
            most += f" ({text.say('quote.we_stop', goal=text.energy(quote.energy_kwh, 1))})"
    likely = text.say("quote.likely", price=_money(quote.likely, text))
    words = " · ".join([*beside, most])
    if len(likely) + 4 + len(words) <= width:
        return [Content.assemble((shown(likely), "bold $accent"), "    ", shown(words))]
    return [Content.styled(shown(likely), "bold $accent"), *(Content(line) for line in wrapped(words, width))]


def _parts(quote: QuoteView, text: Text, width: int) -> list[Content]:
    """What the likely price is made of: the operator's part, the home-CSP's fees, the tax in it."""
    words = []
    for name, money in quote.lines:
        kind, _, operator = name.partition(":")
        who = operator if kind == "operator" else text.say("quote.part.fee")
        words.append(f"{who} {_money(money, text)}")
    sentence = " + ".join(words)
    if quote.tax_included is not None and quote.tax_included.amount:
        sentence += " · " + text.say("quote.tax", price=_money(quote.tax_included, text))
    sentences = (sentence, " · ".join(_billing(quote, text)))
    return [Content.styled(line, "$text-muted") for one in sentences if one for line in wrapped(one, width)]


def _billing(quote: QuoteView, text: Text) -> list[str]:
    """In which steps energy is billed, where all its prices agree on them, and how the sum is rounded."""
    steps = {row.step for row in quote.connector.operator_rows if row.kind is RowKind.PER_KWH}
    words = [text.say("tariff.step", step=f"{text.number(step)} Wh") for step in steps if step and len(steps) == 1]
    if quote.rounding:
        unit = text.money(Decimal(1).scaleb(-get_currency_precision(quote.likely.currency)), quote.likely.currency)
        words.append(text.say("tariff.rounded_lines" if quote.rounding == "lines" else "tariff.rounded", unit=unit))
    return words


def _idle(quote: QuoteView, now: datetime, text: Text, width: int) -> list[Content]:
    lines = []
    if quote.idle is not None:
        per_minute = quote.idle.then_per_minute
        fee = IdleFee(
            known=True,
            free_until=quote.idle.free_until,
            per_minute=per_minute.amount if per_minute else IdleFee.per_minute,
            currency=per_minute.currency if per_minute else quote.likely.currency,
            zone=zone_of(quote.time_zone),
        )
        shape, sentence, ink = idle_sentence(fee, now, text)
        first, *rest = wrapped(sentence, max(1, width - 2))
        lines = [Content.assemble((f"{shape} ", ink), (first, ink)), *(Content.styled("  " + one, ink) for one in rest)]
    if quote.idle_after_stay is not None and quote.need.stay_minutes is not None:
        until = text.time(now + timedelta(minutes=quote.need.stay_minutes), zone_of(quote.time_zone))
        stay = text.say("quote.if_you_stay", time=until, price=f"+ {_money(quote.idle_after_stay, text)}")
        lines.append(Content(fit(stay, width)))
    return lines
