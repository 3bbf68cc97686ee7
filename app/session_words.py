"""A session in words and shapes: from the home platform's view of it to what the widgets of the screen show.

`now` is always the home platform's time.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from app.notice_words import notice_remark
from app.plan_words import plan_remarks
from app.problems import problem_words
from app.text import Text, messages
from app.unlock_words import unlock_remark
from app.widgets.cells import fit
from app.widgets.idle_clock import IdleFee
from app.widgets.power_curve import CurveMark, PowerCurveValues, PowerSample
from app.widgets.remarks import Remark
from app.widgets.session_figures import Figure
from app.widgets.session_head import SessionHeadValues
from app.widgets.session_tabs import SessionTab
from app.widgets.start_ladder import Rung, RungState
from app.zones import zone_of
from core.driver_messages import Problem, SessionView
from core.driver_messages import Rung as ReportedRung
from core.driver_messages import RungState as Reported
from core.model.session import OPEN, STARTING, SessionState, StopScope

NO_ANSWER_AFTER = timedelta(seconds=15)
"""So long, on the wall clock, a stop may go unanswered before the driver is told how else to end it [J]."""

FULL = Decimal(100)
LAST_STRETCH = Decimal(80)
"""The state of charge, in percent, from which most cars charge ever more slowly."""

_TAB_SITE = 16
"""Cells of a site's name among several sessions."""

REFUSED = frozenset({SessionState.REJECTED, SessionState.EXPIRED})

_STATES = {
    Reported.DONE: RungState.DONE,
    Reported.WAITING: RungState.WAITING,
    Reported.PENDING: RungState.NEXT,
    Reported.FAILED: RungState.FAILED,
    Reported.NOT_REPORTED: RungState.NOT_REPORTED,
}


def bay(view: SessionView) -> str:
    """What the label on the post says, else the EVSE id."""
    return view.label or view.evse_id


def is_starting(view: SessionView) -> bool:
    """Whether the ladder is what matters: nothing has been charged yet, or nothing ever was."""
    return view.state in REFUSED or (view.state in STARTING | {SessionState.ACTIVE} and not view.energy_kwh)


def can_stop(view: SessionView) -> bool:
    """Whether a stop can be asked for: not twice, unless the first ran into a problem or left the session open."""
    asked = view.stop_requested_at is not None and view.stop_problem is None
    return view.state in OPEN and (not asked or is_paused(view))


def is_paused(view: SessionView) -> bool:
    """Whether the energy transfer alone was stopped: the session is open, and it may go on."""
    return view.state in OPEN and view.stop_scope is StopScope.ENERGY_TRANSFER and _is_at_rest(view)


def rungs_of(view: SessionView, now: datetime, text: Text) -> tuple[Rung, ...]:
    """The start ladder, timed from "sent" on; after a refusal nothing is still to come."""
    hidden = Reported.PENDING if view.state in REFUSED else None
    return tuple(_rung(one, view, now, text) for one in view.rungs if one.state is not hidden)


def _rung(rung: ReportedRung, view: SessionView, now: datetime, text: Text) -> Rung:
    waiting = rung.state is Reported.WAITING
    left = rung.until - now if waiting and rung.until is not None and rung.until > now else None
    remark = ""
    if waiting and rung.name in {"cable", "energy"}:
        remark = text.say("ladder.plug_in") if rung.name == "cable" else text.say("charge.car_decides")
    return Rung(
        name=_rung_name(rung.name, view, text),
        state=_STATES[rung.state],
        elapsed=None if rung.at is None else max(timedelta(), rung.at - view.opened_at),
        left=left,
        remark=remark,
    )


def _rung_name(name: str, view: SessionView, text: Text) -> str:
    match name:
        case "card":
            return text.say("ladder.card")
        case "sent":
            return text.say("ladder.sent")
        case "home_platform":
            return text.say("ladder.home_platform")
        case "clearing_house":
            return text.say("ladder.clearing_house")
        case "operator":
            return text.say("ladder.operator", name=view.operator)
        case "station":
            return text.say("ladder.station", label=bay(view))
        case "cable":
            return text.say("ladder.cable")
        case "energy":
            return text.say("ladder.energy")
    return name


def ladder_verdict(view: SessionView, text: Text) -> str:
    """Who is being waited for, or that energy flows; a refusal is told by the remarks of the head."""
    if view.state not in STARTING | {SessionState.ACTIVE} or view.state is SessionState.UNCONFIRMED:
        return ""
    waiting = next((one for one in view.rungs if one.state is Reported.WAITING), None)
    if waiting is None:
        return text.say("ladder.charging") if view.power_kw else ""
    match waiting.name:
        case "cable":
            return text.say("ladder.wait_you")
        case "energy":
            return text.say("charge.wait_car")
    return text.say("ladder.wait_for", name=_rung_name(waiting.name, view, text))


def head_of(view: SessionView, now: datetime, speed: float, text: Text) -> SessionHeadValues:
    """Place, times, state, age of the station's last word, and what the driver has to know now."""
    zone = zone_of(view.time_zone)
    span = ""
    if view.started_at is not None and view.ended_at is not None:
        span = f"{text.time(view.started_at, zone)} – {text.time(view.ended_at, zone)}"
    elif view.started_at is not None and view.expected_end is not None:
        start, end = text.time(view.started_at, zone), text.time(view.expected_end, zone)
        span = text.say("charging.until", start=start, end=end)
    elif view.started_at is not None:
        span = text.say("charge.since", start=text.time(view.started_at, zone))
    age = text.say("charge.no_word", label=bay(view))
    if view.last_word_at is not None:
        age = text.say("charging.last_word", label=bay(view), span=text.ago(now - view.last_word_at))
    return SessionHeadValues(
        title=text.say("charging.title", bay=bay(view), site=view.site_name),
        span=span,
        state=_state(view, text),
        age=age,
        remarks=tuple(_remarks(view, now, speed, text)),
    )


def _state(view: SessionView, text: Text) -> Remark:
    say = text.say
    match view.state:
        case SessionState.UNCONFIRMED:
            return Remark("△", say("charge.state.unconfirmed"), "bold $warning")
        case SessionState.REJECTED | SessionState.EXPIRED:
            return Remark("✕", say("charge.state.refused"), "bold $error")
        case SessionState.AUTHORISING | SessionState.AUTHORISED:
            return Remark("▸", say("ladder.title"), "bold $accent")
        case SessionState.RESERVED:
            return Remark("○", say("status.reserved"), "bold")
        case SessionState.CANCELLED | SessionState.NO_SHOW:
            return Remark("–", say("charge.state.cancelled"), "bold")
        case SessionState.SUSPECT:
            return Remark("?", say("charge.state.silent"), "bold $warning")
        case SessionState.ACTIVE:
            return _running_state(view, text)
    return Remark("✓", say("stop.done"), "bold $success")


def _running_state(view: SessionView, text: Text) -> Remark:
    if not view.energy_kwh:
        return Remark("▸", text.say("ladder.title"), "bold $accent")
    if is_paused(view):
        return Remark("‖", text.say("charge.state.paused"), "bold $warning")
    if _is_at_rest(view):
        if view.stop_requested_at is not None:
            return Remark("✓", text.say("stop.done"), "bold $success")
        if view.state_of_charge is not None and view.state_of_charge >= FULL:
            return Remark("✓", text.say("charging.full"), "bold $success")
        return Remark("○", text.say("charging.paused"), "bold $warning")
    return Remark("●", text.say("charging.charging"), "bold $success")


def _is_at_rest(view: SessionView) -> bool:
    """Whether energy has flowed and flows no more."""
    return bool(view.energy_kwh) and view.power_kw is not None and not view.power_kw


def _remarks(view: SessionView, now: datetime, speed: float, text: Text) -> list[Remark]:
    if view.problem is not None:
        ink = "bold $error" if view.state in REFUSED else "bold $warning"
        told = _told(view.problem, "✕" if view.state in REFUSED else "△", ink, text)
        return [told, *_unlocking(view, text)]
    remarks = _unlocking(view, text)
    if view.state is SessionState.SUSPECT and view.last_word_at is not None:
        remarks.append(
            Remark("?", text.say("charging.silent", span=text.duration(now - view.last_word_at)), "$warning")
        )
    remarks += [notice_remark(one, zone_of(view.time_zone), text) for one in view.notices]
    if view.state in OPEN and view.stop_requested_at is not None and not _is_at_rest(view):
        remarks.append(_stopping(view, view.stop_requested_at, now, speed, text))
    remarks += plan_remarks(view, now, text)
    if is_paused(view):
        remarks.append(Remark("‖", text.say("charge.paused"), "$foreground"))
    if view.receipt_id is not None:
        remarks.append(Remark("✓", text.say("charge.receipt_there"), "$success"))
    elif view.state is SessionState.CLOSING:
        remarks.append(Remark("○", text.say("receipt.pending"), "$foreground"))
    return remarks


def _unlocking(view: SessionView, text: Text) -> list[Remark]:
    return [] if view.unlock is None else [unlock_remark(view.unlock, zone_of(view.time_zone), text)]


def _stopping(view: SessionView, asked: datetime, now: datetime, speed: float, text: Text) -> Remark:
    if view.stop_problem is not None:
        return _told(view.stop_problem, "✕", "bold $error", text)
    if now - asked >= NO_ANSWER_AFTER * speed:
        return Remark("△", text.say("stop.no_answer"), "bold $warning", text.say("charge.post_button"))
    pending = text.say("stop.pending")
    return Remark("▸", f"{pending} ({text.ago(now - asked)})", "bold $accent")


def _told(problem: Problem, shape: str, ink: str, text: Text) -> Remark:
    why, what = problem_words(text, _sentence_code(problem.code, text), problem.message, problem.next_step)
    return Remark(shape, why, ink, what)


def _sentence_code(code: str, text: Text) -> str:
    """The code under which there is a sentence: operators answer at once or later in the same words."""
    code = code.replace(" ", "_")
    for short in (code, code.removeprefix("result_").removeprefix("answer_")):
        if f"problem.{short}.why" in messages(text.language):
            return short
    return "stop_failed" if code.startswith("stop_") else "refused"


def figures_of(view: SessionView, now: datetime, text: Text) -> tuple[Figure, ...]:
    """Power, energy, cost, battery, time and the price of the next kWh: as reported, nothing made up."""
    say = text.say
    running = view.state in OPEN
    figures = []
    if running:
        figures.append(Figure("–" if view.power_kw is None else text.power(view.power_kw), say("charge.power")))
    goal = None if view.goal_kwh is None else text.energy(view.goal_kwh.normalize(), _digits(view.goal_kwh))
    figures.append(
        Figure(text.energy(view.energy_kwh), say("charge.energy_of", goal=goal) if goal else say("charge.energy"))
    )
    if view.cost is not None:
        quoted = text.money(view.quoted.amount, view.quoted.currency) if view.quoted else ""
        label = say("charge.cost_quoted", quoted=quoted) if quoted else say("charge.cost")
        figures.append(Figure(text.money(view.cost.amount, view.cost.currency), label))
    if view.state_of_charge is not None:
        figures.append(Figure(text.percent(view.state_of_charge), say("charge.battery")))
    if view.started_at is not None:
        end = view.ended_at or now
        figures.append(Figure(text.duration(end - view.started_at), say("charge.time")))
    if running and view.next_kwh is not None:
        price = text.unit_price(view.next_kwh.amount, view.next_kwh.currency, say("unit.kwh"))
        figures.append(Figure(price, say("charge.next_kwh")))
    return tuple(figures)


def _digits(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return min(2, max(0, -exponent)) if isinstance(exponent, int) else 0


def fee_of(view: SessionView) -> IdleFee:
    """The idle-fee clock; what standing has cost already is part of the cost and not told apart."""
    idle, zone = view.idle, zone_of(view.time_zone)
    if idle is None:
        return IdleFee(known=False, zone=zone)
    if idle.free_until is None or idle.then_per_minute is None:
        return IdleFee(zone=zone)
    price = idle.then_per_minute
    return IdleFee(free_until=idle.free_until, per_minute=price.amount, currency=price.currency, so_far=None, zone=zone)


def curve_of(view: SessionView, last_stretch_at: datetime | None, text: Text) -> PowerCurveValues | None:
    """The curve from the start to the expected end, with marks; None before the first report.

    last_stretch_at: when 80 % was first reported. The start of the idle fee is marked where it is not far beyond the
    rest.
    """
    if view.started_at is None or not view.curve:
        return None
    start = view.started_at
    end = max(view.curve[-1].at, view.ended_at or start, (view.expected_end if view.state in OPEN else None) or start)
    idle_at = view.idle.free_until if view.idle else None
    if idle_at is not None and end < idle_at <= end + (end - start) / 2:
        end = idle_at
    marks = []
    if last_stretch_at is not None:
        marks.append(CurveMark(last_stretch_at, text.percent(LAST_STRETCH)))
    if idle_at is not None and start <= idle_at <= end:
        marks.append(CurveMark(idle_at, text.say("curve.idle")))
    return PowerCurveValues(
        start=start,
        end=max(end, start + timedelta(minutes=1)),
        samples=tuple(PowerSample(one.at, one.kw) for one in view.curve),
        marks=tuple(marks),
        zone=zone_of(view.time_zone),
    )


def tabs_of(views: Sequence[SessionView], text: Text) -> tuple[SessionTab, ...]:
    """Sessions side by side: bay, energy, cost so far; the site too where posts elsewhere bear the same label."""
    bays = Counter(bay(view) for view in views)
    return tuple(_tab(view, bays[bay(view)] > 1, text) for view in views)


def _tab(view: SessionView, ambiguous: bool, text: Text) -> SessionTab:
    place = f"{bay(view)}, {fit(view.site_name, _TAB_SITE).rstrip()}" if ambiguous and view.site_name else bay(view)
    parts = [place, text.energy(view.energy_kwh)]
    if view.cost is not None:
        parts.append(text.money(view.cost.amount, view.cost.currency))
    return SessionTab(view.id, _state(view, text).shape, " · ".join(parts))
