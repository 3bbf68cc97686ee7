"""A feasible charge plan (UC3-7): power by time for a need, within bounds, at its price. The strategies are ours [J].

FAST takes all the power there is. REGULAR spreads the energy evenly until departure. CHEAP takes whichever of these,
and of charging in the cheapest quarters of an hour only, costs least in all. GREEN would need a forecast of the
energy mix, which a tariff does not give.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from math import ceil
from zoneinfo import ZoneInfo

from core.errors import EvroamError
from core.model.credentials import ChargingPreference
from core.model.money import Amount
from core.model.plans import PlanNeed, PlanRefusal, PlanSlot
from core.model.pricing.course import price_course
from core.model.pricing.forecast import ExpectedStay, PowerStep, expected_session, forecast
from core.model.pricing.measured import MeasuredSession
from core.model.session import ServiceSession
from core.model.tariffs import Tariff

_QUARTER = timedelta(minutes=15)
_J_PER_KWH = Decimal(3_600_000)
_W_PER_KW = Decimal(1000)
_LONGEST = timedelta(days=2)

Steps = list[tuple[datetime, int, int]]
"""Start, seconds, watts."""


class NoPlan(EvroamError):
    """There is no plan; `refusal` says why."""

    def __init__(self, refusal: PlanRefusal, message: str) -> None:
        super().__init__(message, code=refusal.lower())
        self.refusal = refusal


@dataclass(frozen=True)
class Prices:
    """What prices a plan: the session's tariff, the site's zone, what was measured so far."""

    tariff: Tariff
    zone: ZoneInfo
    so_far: MeasuredSession | None


def prices_of(session: ServiceSession, now: datetime, tariffs: Sequence[Tariff]) -> Prices | None:
    """What prices a plan for a session that is under way; None without a tariff."""
    if not tariffs:
        return None
    tariff, so_far = tariffs[0], None
    if session.periods and session.started_at is not None:
        named = tuple(one.model_copy(update={"tariff_id": tariff.id}) for one in session.periods if one.start <= now)
        so_far = MeasuredSession(start=session.started_at, end=now, periods=named)
    return Prices(tariff, ZoneInfo(session.time_zone), so_far)


@dataclass(frozen=True)
class Planned:
    """Slots until the energy is there, the totals of the session with them and without a plan."""

    slots: tuple[PlanSlot, ...]
    total: Amount | None
    unplanned: Amount | None


def plan(need: PlanNeed, now: datetime, *, least_w: int, most_w: int, prices: Prices | None) -> Planned:
    """A plan from now on; most_w: what connector, site and vehicle allow, least_w: below it nothing flows.

    Raises NoPlan.
    """
    energy = _checked(need, now, most_w)
    fast = _fast(now, energy, most_w)
    chosen = min(
        _candidates(need, now, energy, least_w, most_w, prices),
        key=lambda steps: _cost(steps, need, energy, prices),
    )
    slots = _slots(chosen, energy, prices)
    total, unplanned = (_total(steps, need, energy, prices) for steps in (chosen, fast))
    if need.max_cost is not None and (total is None or total.before_taxes > need.max_cost):
        raise NoPlan(PlanRefusal.NOT_POSSIBLE, "it would cost more than is allowed")
    return Planned(slots, total, unplanned)


def _checked(need: PlanNeed, now: datetime, most_w: int) -> Decimal:
    if need.profile is ChargingPreference.GREEN:
        raise NoPlan(PlanRefusal.PROFILE_TYPE_NOT_SUPPORTED, "there is no forecast of the energy mix")
    if need.energy_kwh is None:
        raise NoPlan(PlanRefusal.ENERGY_NEED_REQUIRED, "a plan needs to know how much energy")
    if need.departure is None:
        if need.profile is not ChargingPreference.FAST:
            raise NoPlan(PlanRefusal.DEPARTURE_REQUIRED, "this profile needs to know the departure")
    elif not now < need.departure <= now + _LONGEST:
        raise NoPlan(PlanRefusal.NOT_POSSIBLE, "the departure has to lie within the next two days")
    if most_w <= 0:
        raise NoPlan(PlanRefusal.NOT_POSSIBLE, "there is no power at present")
    if need.departure is not None and _seconds(need.energy_kwh, most_w) > (need.departure - now).total_seconds():
        raise NoPlan(PlanRefusal.NOT_POSSIBLE, "so much energy does not fit until departure")
    return need.energy_kwh


def _candidates(
    need: PlanNeed, now: datetime, energy: Decimal, least_w: int, most_w: int, prices: Prices | None
) -> Sequence[Steps]:
    fast = _fast(now, energy, most_w)
    if need.profile is ChargingPreference.FAST or need.departure is None:
        return [fast]
    even = _even(now, need.departure, energy, least_w, most_w)
    if need.profile is ChargingPreference.REGULAR or prices is None:
        return [even]
    return [fast, even, _cheapest_quarters(now, need.departure, energy, most_w, prices)]


def _seconds(energy: Decimal, watts: int) -> int:
    return ceil(energy * _J_PER_KWH / watts)


def _fast(now: datetime, energy: Decimal, most_w: int) -> Steps:
    return [(now, _seconds(energy, most_w), most_w)]


def _even(now: datetime, departure: datetime, energy: Decimal, least_w: int, most_w: int) -> Steps:
    seconds = int((departure - now).total_seconds())
    watts = min(most_w, max(least_w, ceil(energy * _J_PER_KWH / max(seconds, 1))))
    return [(now, min(seconds, _seconds(energy, watts)), watts)]


def _cheapest_quarters(now: datetime, departure: datetime, energy: Decimal, most_w: int, prices: Prices) -> Steps:
    """Full power in the cheapest quarters, the earlier of equal ones first, nothing in the others."""
    quarters: Steps = []
    start = now
    while start < departure:
        end = min(start + _QUARTER, departure)
        quarters.append((start, int((end - start).total_seconds()), most_w))
        start = end
    price_at = _price_at(now, departure, most_w, prices)
    left, taken = _seconds(energy, most_w), set()
    for one in sorted(quarters, key=lambda one: (price_at(one[0]), one[0])):
        if left <= 0:
            break
        taken.add(one[0])
        left -= one[1]
    return _joined([(start, seconds, watts if start in taken else 0) for start, seconds, watts in quarters])


def _joined(steps: Steps) -> Steps:
    joined: Steps = []
    for start, seconds, watts in steps:
        if joined and joined[-1][2] == watts:
            joined[-1] = (joined[-1][0], joined[-1][1] + seconds, watts)
        elif seconds:
            joined.append((start, seconds, watts))
    return joined[:-1] if joined and joined[-1][2] == 0 else joined


def _price_at(now: datetime, departure: datetime, most_w: int, prices: Prices) -> Callable[[datetime], Decimal]:
    """What a kWh costs at a moment, the time it takes included."""
    power = Decimal(most_w) / _W_PER_KW
    stay = ExpectedStay(start=now, end=departure, power=(PowerStep(after_s=0, power_kw=power),))
    course = price_course(
        expected_session(stay, prices.tariff.id, prices.so_far), (prices.tariff,), time_zone=prices.zone
    )

    def price_at(moment: datetime) -> Decimal:
        segment = next((one for one in course if one.start <= moment < one.end and one.charging), None)
        return Decimal(0) if segment is None else segment.per_minute.before_taxes

    return price_at


def _stay(steps: Steps, energy: Decimal, end: datetime) -> ExpectedStay:
    start = steps[0][0]
    power = tuple(
        PowerStep(after_s=int((at - start).total_seconds()), power_kw=Decimal(watts) / _W_PER_KW)
        for at, _, watts in steps
    )
    return ExpectedStay(start=start, end=end, power=power, energy_goal_kwh=energy)


def _finish(steps: Steps) -> datetime:
    start, seconds, _ = steps[-1]
    return start + timedelta(seconds=seconds)


def _total(steps: Steps, need: PlanNeed, energy: Decimal, prices: Prices | None) -> Amount | None:
    """Of the whole session, plugged in until departure."""
    return _priced(steps, energy, max(need.departure or _finish(steps), _finish(steps)), prices)


def _cost(steps: Steps, need: PlanNeed, energy: Decimal, prices: Prices | None) -> Decimal:
    total = _total(steps, need, energy, prices)
    return Decimal(0) if total is None else total.before_taxes


def _priced(steps: Steps, energy: Decimal, end: datetime, prices: Prices | None) -> Amount | None:
    if prices is None:
        return None
    session = expected_session(_stay(steps, energy, end), prices.tariff.id, prices.so_far)
    return forecast(session, (prices.tariff,), time_zone=prices.zone).total


def _slots(steps: Steps, energy: Decimal, prices: Prices | None) -> tuple[PlanSlot, ...]:
    slots: list[PlanSlot] = []
    left = energy
    before = _before(steps, prices)
    for start, seconds, watts in steps:
        gained = min(left, Decimal(watts) * seconds / _J_PER_KWH)
        end = start + timedelta(seconds=seconds)
        until = _priced(steps, energy, end, prices)
        slots.append(
            PlanSlot(
                start=start,
                duration_s=seconds,
                max_power_w=watts,
                expected_kwh=gained.quantize(Decimal("0.0001")),
                price=None if until is None else (until.before_taxes - before).quantize(Decimal("0.0001")),
            )
        )
        before = Decimal(0) if until is None else until.before_taxes
        left -= gained
    return tuple(slots)


def _before(steps: Steps, prices: Prices | None) -> Decimal:
    """What the session has cost when the plan begins."""
    if prices is None or prices.so_far is None:
        return Decimal(0)
    so_far = prices.so_far.model_copy(update={"end": steps[0][0]})
    return forecast(so_far, (prices.tariff,), time_zone=prices.zone).total.before_taxes
