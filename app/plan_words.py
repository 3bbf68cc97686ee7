"""A charge plan in the driver's words: the wish, what the operator offers against now, and what it changed."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from textual.content import Content

from app.screens.adjust import Knob
from app.text import Text
from app.widgets.cells import fit, wrapped
from app.widgets.remarks import Remark
from app.zones import zone_of
from core.driver_messages import SessionView
from core.driver_messages.plans import PlanView
from core.model.credentials import ChargingPreference
from core.model.plans import Consent, PlanState

_ENERGIES = (Decimal(5), Decimal(150), Decimal(5))
_LEAVES = (15, 24 * 60, 15)
_TWO_HOURS = 120
_ORDER = (
    ChargingPreference.REGULAR,
    ChargingPreference.CHEAP,
    ChargingPreference.FAST,
    ChargingPreference.GREEN,
)
_MOST_SLOTS = 6


@dataclass(frozen=True)
class Wish:
    """What the driver sets: the kind of plan, kWh from now on, minutes until departure."""

    profile: ChargingPreference = ChargingPreference.REGULAR
    energy_kwh: Decimal = Decimal(10)
    leave_in: int = _TWO_HOURS


def wish_of(view: SessionView, now: datetime) -> Wish:
    """The wish to begin with: what the goal of the session still lacks, evenly.

    Within two hours, or in the time that it takes anyhow and a quarter more, so that there is something to plan.
    """
    earliest, latest, quarter = _LEAVES
    anyhow = 0 if view.expected_end is None else int((view.expected_end - now).total_seconds() * 1.25 / 60)
    leave_in = min(latest, max(_TWO_HOURS, -(-anyhow // quarter) * quarter, earliest))
    left = Decimal(10) if view.goal_kwh is None else view.goal_kwh - view.energy_kwh
    least, most, step = _ENERGIES
    return Wish(energy_kwh=min(most, max(least, (left / step).to_integral_value() * step)), leave_in=leave_in)


def wish_knobs(view: SessionView, now: datetime, text: Text) -> tuple[Knob[Wish], ...]:
    """Kind, energy, departure."""
    zone = zone_of(view.time_zone)

    def leave(wish: Wish) -> str:
        span = timedelta(minutes=wish.leave_in)
        return text.say("plan.leave_at", time=text.time(now + span, zone), span=text.duration(span))

    return (
        Knob(text.say("plan.kind"), lambda wish: text.say(f"plan.kind.{wish.profile}"), _turned_kind),
        Knob(text.say("plan.energy"), lambda wish: text.energy(wish.energy_kwh, 0), _turned_energy),
        Knob(text.say("plan.leave"), leave, _turned_leave),
    )


def _turned_kind(wish: Wish, by: int) -> Wish:
    return replace(wish, profile=_ORDER[(_ORDER.index(wish.profile) + by) % len(_ORDER)])


def _turned_energy(wish: Wish, by: int) -> Wish:
    least, most, step = _ENERGIES
    return replace(wish, energy_kwh=min(most, max(least, wish.energy_kwh + by * step)))


def _turned_leave(wish: Wish, by: int) -> Wish:
    least, most, step = _LEAVES
    return replace(wish, leave_in=min(most, max(least, wish.leave_in + by * step)))


def is_open(plan: PlanView | None, now: datetime) -> bool:
    """Whether the driver's word is waited for: an offer that holds, or a change that costs more."""
    if plan is None or plan.consent is not Consent.ASKED:
        return False
    if plan.state is PlanState.OFFERED:
        return plan.valid_until is None or now <= plan.valid_until
    return plan.state is PlanState.ACTIVE


def may_end(plan: PlanView | None) -> bool:
    """Whether the driver may end a plan that holds: one that the operator promised nothing for."""
    return plan is not None and plan.state is PlanState.ACTIVE and not plan.promised


def plan_lines(plan: PlanView | None, zone_name: str, now: datetime, text: Text, width: int) -> list[Content]:
    """The plan: its price against now, its slots, and what can be said to it."""
    say = text.say
    if plan is None:
        return [Content.styled(line, "$text-muted") for line in wrapped(say("plan.none"), width)]
    lines = _headline(plan, zone_name, text, width)
    if not plan.told:
        return lines + [Content.styled(line, "$text-muted") for line in wrapped(say("plan.untold"), width)]
    lines += [Content(""), *_slots(plan, zone_name, text, width), Content("")]
    shape, words, ink = _standing(plan, zone_name, now, text)
    first, *rest = wrapped(words, max(1, width - 2))
    lines += [Content.styled(f"{shape} {first}", ink), *(Content.styled(f"  {one}", ink) for one in rest)]
    if not plan.promised:
        lines += [Content.styled(line, "$text-muted") for line in wrapped(say("plan.unpromised"), width)]
    return lines


def _headline(plan: PlanView, zone_name: str, text: Text, width: int) -> list[Content]:
    say, parts = text.say, []
    if plan.total is not None:
        price = "plan.price" if plan.promised else "plan.price_estimated"
        parts.append(say(price, price=text.money(plan.total, plan.currency)))
        if plan.unplanned is not None and plan.unplanned != plan.total:
            parts.append(say("plan.instead", price=text.money(plan.unplanned, plan.currency)))
    if plan.expected_finish is not None:
        parts.append(say("plan.done_at", time=text.time(plan.expected_finish, zone_of(zone_name))))
    return [Content.styled(line, "bold $accent") for line in wrapped(" · ".join(parts), width)] if parts else []


def _slots(plan: PlanView, zone_name: str, text: Text, width: int) -> list[Content]:
    zone, lines = zone_of(zone_name), []
    for one in plan.slots[:_MOST_SLOTS]:
        times = f"{text.time(one.start, zone)} – {text.time(one.end, zone)}"
        what = text.say("plan.waits")
        if one.max_power_w:
            power = text.power((Decimal(one.max_power_w) / 1000).quantize(Decimal("0.1")))
            what = f"≤ {power} · {text.energy(one.expected_kwh, 1)}"
        lines.append(Content(fit(f"{times}   {what}", width)))
    if len(plan.slots) > _MOST_SLOTS:
        lines.append(Content.styled("…", "$text-muted"))
    return lines


def _standing(plan: PlanView, zone_name: str, now: datetime, text: Text) -> tuple[str, str, str]:
    say = text.say
    if plan.state is PlanState.OFFERED and plan.consent is Consent.GIVEN:
        waits = plan.valid_until is None or now <= plan.valid_until
        return ("▸", say("plan.asking_station"), "$accent") if waits else ("△", say("plan.unconfirmed"), "$warning")
    if plan.state is PlanState.OFFERED:
        if not is_open(plan, now):
            return "○", say("plan.expired"), "$warning"
        until = text.time(plan.valid_until, zone_of(zone_name)) if plan.valid_until else "–"
        return "▸", say("plan.holds", time=until), "$accent"
    if plan.state is PlanState.REPLACED:
        return "–", say("plan.over"), "$text-muted"
    if plan.state is not PlanState.ACTIVE:
        by_station = plan.consent is Consent.GIVEN
        return "–", say("plan.station_refused" if by_station else "plan.rejected"), "$text-muted"
    if plan.reason is None:
        words = say("plan.active") if plan.promised else f"{say('plan.active')} {say('plan.may_end')}"
        return "✓", words, "$success"
    return "△", " ".join(_change(plan, zone_name, text, "plan.ask_consent_here")), "$warning"


def _change(plan: PlanView, zone_name: str, text: Text, asking: str) -> list[str]:
    """What the operator changed, and what the driver has to say to it; asking: the sentence that asks."""
    say = text.say
    words = [say("plan.changed", change=say(f"plan.reason.{plan.reason}"))]
    if plan.expected_finish is not None:
        words[0] += f" ({say('plan.done_at', time=text.time(plan.expected_finish, zone_of(zone_name)))})."
    if plan.consent is Consent.ASKED and plan.dearer_by is not None:
        words.append(say(asking, price=text.money(plan.dearer_by, plan.currency or "EUR")))
    elif plan.consent is Consent.REFUSED:
        words.append(say("plan.refused"))
    return words


def plan_remarks(view: SessionView, now: datetime, text: Text) -> list[Remark]:
    """What the plan means for the charging that is shown: a change by the operator, or that it waits by plan."""
    plan = view.plan
    if plan is None or plan.state is not PlanState.ACTIVE:
        return []
    remarks = []
    if plan.reason is not None:
        said, *to_say = _change(plan, view.time_zone, text, "plan.ask_consent")
        remarks.append(Remark("△", said, "$warning", " ".join(to_say)))
    slot = next((one for one in plan.slots if one.start <= now < one.end), None)
    if slot is not None and not slot.max_power_w:
        until = text.time(slot.end, zone_of(view.time_zone))
        remarks.append(Remark("‖", text.say("charge.plan_waits", time=until), "$foreground"))
    return remarks
