"""What a session at a connector will probably look like: energy, power over time, how long it takes.

The vehicle is not known before it is plugged in, so a middling one is assumed [J]: up to 11 kW on AC and 150 kW on DC,
full power to 60 % of its battery, then less and less.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from math import ceil

from pydantic import BaseModel, ConfigDict

from core.driver_messages import Need, NeedKind
from core.model.meter import DimensionKind
from core.model.money import ZERO
from core.model.pricing.forecast import ExpectedStay, PowerStep, expected_session

_AC_KW = Decimal(11)
_DC_KW = Decimal(150)
_TAPER = ((60, Decimal(1)), (80, Decimal("0.6")), (90, Decimal("0.3")), (100, Decimal("0.12")))
"""Up to which percent of the battery which share of the power is taken."""
_HOUR = Decimal(3600)
_PERCENT = Decimal(100)
_WH = Decimal("0.001")

_Stages = list[tuple[Decimal, Decimal | None]]


class Expectation(BaseModel):
    """An expected session: kWh, seconds, and power by time. goal: kWh at which charging ends, None: with the stay.

    volts: as `ExpectedStay` has it.
    """

    model_config = ConfigDict(frozen=True)

    energy: Decimal
    seconds: int
    power: tuple[PowerStep, ...]
    goal: Decimal | None
    volts: int | None = None

    @property
    def minutes(self) -> int:
        """Minutes, rounded up."""
        return -(-self.seconds // 60)

    def stay(self, start: datetime, seconds: int | None = None) -> ExpectedStay:
        """Plugged in from `start` for so many seconds, by default until the moment in which charging is done."""
        end = start + timedelta(seconds=self.seconds if seconds is None else seconds)
        stay = ExpectedStay(start=start, end=end, power=self.power, energy_goal_kwh=self.goal, volts=self.volts)
        if seconds is not None or self.goal is None:
            return stay
        last = expected_session(stay, "").periods[-1:]
        parked = [one.start for one in last if one.volume(DimensionKind.PARKING_TIME)]
        return stay.model_copy(update={"end": parked[0]}) if parked else stay


def expected(need: Need, max_kw: Decimal, *, direct_current: bool, tapering: bool = True) -> Expectation:
    """The session to expect at a connector of so many kW; without taper at full power throughout."""
    power = min(max_kw, _DC_KW if direct_current else _AC_KW)
    stages = _stages(need, power, flat=not (tapering and direct_current))
    match need.kind:
        case NeedKind.MINUTES:
            return _of_minutes(int(need.amount * 60), _room(need), stages)
        case NeedKind.STATE_OF_CHARGE:
            return _of_energy(max(need.amount - need.arrival_percent, ZERO) * need.battery_kwh / _PERCENT, stages)
        case NeedKind.ENERGY:
            return _of_energy(need.amount, stages)


def stay_seconds(need: Need, likely: Expectation) -> int | None:
    """How long the driver stays, never less than charging takes; None: until charging is done."""
    if need.stay_minutes is not None:
        return max(need.stay_minutes * 60, likely.seconds)
    return likely.seconds if need.kind is NeedKind.MINUTES else None


def _of_energy(energy: Decimal, stages: _Stages) -> Expectation:
    energy = energy.quantize(_WH)
    steps: list[PowerStep] = []
    elapsed, left = 0, energy
    for kw, room in stages:
        part = left if room is None else min(left, room)
        if part <= 0:
            continue
        steps.append(PowerStep(after_s=elapsed, power_kw=kw))
        lasts = ceil(part * _HOUR / kw)
        elapsed += lasts
        left -= kw * lasts / _HOUR
    return Expectation(energy=energy, seconds=elapsed, power=tuple(steps), goal=energy)


def _of_minutes(seconds: int, room: Decimal, stages: _Stages) -> Expectation:
    steps: list[PowerStep] = []
    elapsed, energy = 0, ZERO
    for kw, stage in stages:
        left = seconds - elapsed
        lasts = left if stage is None else min(left, ceil(stage * _HOUR / kw))
        if lasts <= 0:
            continue
        steps.append(PowerStep(after_s=elapsed, power_kw=kw))
        elapsed += lasts
        energy += kw * lasts / _HOUR
    goal = room.quantize(_WH) if energy > room else None
    return Expectation(energy=goal or energy.quantize(_WH), seconds=seconds, power=tuple(steps), goal=goal)


def _room(need: Need) -> Decimal:
    return need.battery_kwh * (_PERCENT - need.arrival_percent) / _PERCENT


def _stages(need: Need, power: Decimal, *, flat: bool) -> _Stages:
    """Power and how many kWh the battery takes at it, from arrival on; None for the rest."""
    if flat:
        return [(power, None)]
    stages: _Stages = []
    at = need.arrival_percent
    for until, share in _TAPER:
        room = max(Decimal(until) - at, ZERO) * need.battery_kwh / _PERCENT
        at = max(at, Decimal(until))
        stages.append((power * share, room if until < _PERCENT else None))
    return stages
