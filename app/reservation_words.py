"""A reservation in the driver's words: what it costs before consent, how long it holds, what became of it."""

from datetime import datetime, timedelta

from textual.content import Content

from app.problems import problem_words
from app.text import Text
from app.widgets.cells import apart, shown, wrapped
from app.widgets.facts import Fact
from app.widgets.remarks import Remark
from app.zones import zone_of
from core.driver_messages import Money, Problem, SessionView
from core.driver_messages.reservations import ReservationOffer
from core.model.session import SessionState

S = SessionState
_NOT_CHARGING = {S.AUTHORISING, S.UNCONFIRMED, S.RESERVED, S.REJECTED, S.CANCELLED, S.NO_SHOW}

_TOLD_REASONS = {"POWER_OUTAGE", "BROKEN_CHARGER", "FULL", "BLOCKED"}
"""What an operator may give as its reason; the others say nothing to a driver."""


def is_reservation(view: SessionView) -> bool:
    """Whether a session is a reservation still, or never became more: it has a screen of its own."""
    return view.reservation is not None and view.started_at is None and view.state in _NOT_CHARGING


def offer_facts(offer: ReservationOffer, text: Text) -> tuple[Fact, ...]:
    """What the driver agrees to: what coming, not coming, cancelling and charging cost."""
    say = text.say
    used = say("reserve.nothing") if not offer.used.amount else say("reserve.at_most", price=_money(offer.used, text))
    unused = say("reserve.nothing") if not offer.unused.amount else _money(offer.unused, text)
    return (
        (say("reserve.fact.come"), used),
        (say("reserve.fact.stay_away"), unused),
        (say("reserve.fact.cancel"), say("reserve.nothing") if not offer.used.amount else say("reserve.until_then")),
        (say("reserve.fact.charging"), say("reserve.as_quoted", price=_money(offer.charging, text))),
    )


def offer_lines(minutes: int, offer: ReservationOffer | None, text: Text, width: int) -> list[Content]:
    """For how long, and until when once that is known."""
    goal = f"◂ {text.duration(timedelta(minutes=minutes))} ▸"
    if offer is None:
        return [Content.styled(shown(goal), "bold")]
    zone = zone_of(offer.time_zone)
    span = f"{text.time(offer.starts_at, zone)} – {text.time(offer.until, zone)}"
    return [Content.styled(apart(goal, span, width), "bold")]


def held_lines(view: SessionView, now: datetime, text: Text, width: int) -> list[Content]:
    """Held until when, and the countdown; what is under way instead of it."""
    held = view.reservation
    if held is None:
        return []
    say, zone = text.say, zone_of(view.time_zone)
    match view.state:
        case S.RESERVED if held.until > now:
            ahead = held.starts_at > now
            left = say("reserve.left", span=countdown(held.until - now))
            words = say("reserve.held_until", time=text.time(held.until, zone))
            if ahead:
                left = say("reserve.begins_in", span=countdown(held.starts_at - now))
                start, until = text.time(held.starts_at, zone), text.time(held.until, zone)
                words = say("reserve.booked", start=start, until=until)
            row = apart(words, left, width - 2) if len(words) + len(left) + 4 <= width - 2 else words
            below = [] if row != words else [Content.styled(f"  {shown(left)}", "bold")]
            return [Content.styled(f"○ {shown(row)}", "bold $accent"), *below]
        case S.RESERVED:
            return [Content.styled(f"○ {shown(say('reserve.over'))}", "bold")]
        case S.AUTHORISING | S.UNCONFIRMED:
            return [Content.styled(f"▸ {shown(say('reserve.asking', name=view.operator))}", "bold $accent")]
        case S.CANCELLED if held.cancelled_by == "visited_cso":
            return [Content.styled(f"△ {shown(say('reserve.taken_back'))}", "bold $warning")]
        case S.CANCELLED:
            return [Content.styled(f"– {shown(say('reserve.cancelled'))}", "bold")]
        case S.NO_SHOW:
            return [Content.styled(f"– {shown(say('reserve.not_used'))}", "bold")]
    return [Content.styled(f"✕ {shown(say('reserve.not_held'))}", "bold $error")]


def held_facts(view: SessionView, text: Text) -> tuple[Fact, ...]:
    """What it costs, as agreed."""
    held = view.reservation
    if held is None or held.used is None or held.unused is None or view.state not in {S.AUTHORISING, S.RESERVED}:
        return ()
    say = text.say
    free = say("reserve.nothing")
    return (
        (
            say("reserve.fact.come"),
            say("reserve.at_most", price=_money(held.used, text)) if held.used.amount else free,
        ),
        (say("reserve.fact.stay_away"), _money(held.unused, text) if held.unused.amount else free),
        (say("reserve.fact.cancel"), say("reserve.until_then") if held.used.amount else free),
    )


def held_remarks(view: SessionView, text: Text) -> tuple[Remark, ...]:
    """What the driver has to know now, each with what to do."""
    held, say = view.reservation, text.say
    if held is None:
        return ()
    remarks = []
    if view.problem is not None:
        remarks.append(_told(view.problem, text))
    if held.cancelled_by == "visited_cso" and held.message:
        remarks.append(Remark("·", say("reserve.operator_says", words=held.message), "$foreground"))
    elif held.cancelled_by == "visited_cso" and held.reason in _TOLD_REASONS:
        remarks.append(Remark("·", say(f"reserve.reason.{held.reason.lower()}"), "$foreground"))
    if view.state is S.RESERVED:
        remarks += [_told(one, text) for one in (held.start_problem, held.cancel_problem) if one is not None]
        if held.cancel_requested_at is not None and held.cancel_problem is None:
            remarks.append(Remark("▸", say("reserve.cancelling"), "bold $accent"))
        elif held.start_requested_at is not None:
            remarks.append(Remark("▸", say("reserve.starting"), "bold $accent"))
        elif not remarks:
            remarks.append(Remark("·", say("reserve.come"), "$foreground"))
    if view.state in {S.CANCELLED, S.NO_SHOW} and held.cancelled_by != "visited_cso" and held.used and held.used.amount:
        remarks.append(Remark("·", say("reserve.bill_follows"), "$foreground"))
    return tuple(remarks)


def countdown(left: timedelta) -> str:
    """Minutes and seconds that are left."""
    seconds = max(0, int(left.total_seconds()))
    return f"{seconds // 60}:{seconds % 60:02}"


def strip_words(view: SessionView, now: datetime | None, text: Text) -> str:
    """A reservation in a few words: until when, and how long that is."""
    held = view.reservation
    if held is None or view.state is not S.RESERVED:
        return ""
    zone = zone_of(view.time_zone)
    if now is not None and held.starts_at > now:
        return f"{text.time(held.starts_at, zone)} – {text.time(held.until, zone)}"
    until = text.say("reserve.until", time=text.time(held.until, zone))
    return until if now is None or held.until <= now else f"{until} ({countdown(held.until - now)})"


def _told(problem: Problem, text: Text) -> Remark:
    code = problem.code.removeprefix("result_").removeprefix("answer_")
    why, what = problem_words(text, code, problem.message, problem.next_step)
    return Remark("✕", why, "bold $error", what)


def _money(money: Money, text: Text) -> str:
    return text.money(money.amount, money.currency)


def question_lines(sentence: str, pays: str, width: int) -> list[Content]:
    """The question that Enter answers, and who pays."""
    lines = [Content.styled(line, "bold $accent") for line in wrapped(sentence, width)] if sentence else []
    return lines + [Content.styled(line, "$text-muted") for line in (wrapped(pays, width) if pays else ())]
