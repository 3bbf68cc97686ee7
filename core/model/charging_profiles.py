"""Charging profiles (UC3-7 as plain OCPI has it): a ceiling of power or current by time, without price or consent.

A profile is what a home-CSP sets; the active charging profile is what the station plans, with all other limits in it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum
from itertools import pairwise
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from core.model.connector_power import capacity, watts_per_ampere
from core.model.plans import ChargePlan, PlanSlot, UpdateReason
from core.model.sites import Connector

MOST_PERIODS = 500
_LONGEST_S = 366 * 24 * 3600
_J_PER_KWH = Decimal(3_600_000)


class RateUnit(StrEnum):
    """Watts in all, or amperes in each phase."""

    WATT = "W"
    AMPERE = "A"


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class ProfilePeriod(_Value):
    """From so many seconds after the start of the profile on, no more than so much."""

    start_s: Annotated[int, Field(ge=0, le=_LONGEST_S)]
    limit: Annotated[Decimal, Field(ge=0, lt=10**9)]


class ChargingProfile(_Value):
    """start: None means the start of charging. duration_s: None means that the last period has no end."""

    unit: RateUnit
    start: AwareDatetime | None = None
    duration_s: Annotated[int, Field(ge=0, le=_LONGEST_S)] | None = None
    least_rate: Decimal | None = None
    periods: Annotated[tuple[ProfilePeriod, ...], Field(max_length=MOST_PERIODS)] = ()


class ActiveChargingProfile(_Value):
    """What the station plans. All times within it count from the moment at which it was calculated."""

    calculated_at: AwareDatetime
    profile: ChargingProfile


class Ceiling(_Value):
    """From a moment on no more than so many watts."""

    start: AwareDatetime
    watts: int


class SetProfile(_Value):
    """What a home-CSP has set on a session; without ceilings it was cleared, or something else took its place.

    site_w: what the site could give when the active charging profile was last told.
    """

    ceilings: tuple[Ceiling, ...] = ()
    site_w: int


def ceilings(
    profile: ChargingProfile, *, charging_since: datetime, ampere_w: Decimal, most_w: int
) -> tuple[Ceiling, ...]:
    """The profile as ceilings in watts, in order; where it ends, most_w holds again.

    ampere_w: watts of one ampere in each phase that carries current.
    """
    start = profile.start or charging_since
    factor = ampere_w if profile.unit is RateUnit.AMPERE else Decimal(1)
    end_s = profile.duration_s
    found = [
        Ceiling(start=start + timedelta(seconds=one.start_s), watts=min(most_w, int(one.limit * factor)))
        for one in sorted(profile.periods, key=lambda one: one.start_s)
        if end_s is None or one.start_s < end_s
    ]
    if end_s is not None and found:
        found.append(Ceiling(start=start + timedelta(seconds=end_s), watts=most_w))
    return tuple(found)


def ceiling_at(given: Sequence[Ceiling], moment: datetime) -> int | None:
    """The watts that hold at a moment, None before the first ceiling and without any."""
    return next((one.watts for one in reversed(given) if one.start <= moment), None)


def active_profile(given: Sequence[Ceiling], now: datetime, duration_s: int, *, most_w: int) -> ActiveChargingProfile:
    """What the station plans for so long; most_w: what it could give without any ceiling."""
    end = now + timedelta(seconds=duration_s)
    moments = [now, *(one.start for one in given if now < one.start < end)]
    periods: list[ProfilePeriod] = []
    for moment in moments:
        told = ceiling_at(given, moment)
        limit = Decimal(most_w if told is None else min(told, most_w))
        if not periods or periods[-1].limit != limit:
            periods.append(ProfilePeriod(start_s=int((moment - now).total_seconds()), limit=limit))
    profile = ChargingProfile(unit=RateUnit.WATT, start=now, duration_s=duration_s, periods=tuple(periods))
    return ActiveChargingProfile(calculated_at=now, profile=profile)


def profile_of(plan: ChargePlan) -> ChargingProfile:
    """The profile that holds a session to a plan; from its last slot on there is no limit."""
    start = plan.slots[0].start
    return ChargingProfile(
        unit=RateUnit.WATT,
        start=start,
        duration_s=int((plan.slots[-1].end - start).total_seconds()),
        periods=tuple(
            ProfilePeriod(start_s=int((one.start - start).total_seconds()), limit=Decimal(one.max_power_w))
            for one in plan.slots
        ),
    )


def under(plan: ChargePlan, active: ActiveChargingProfile, connector: Connector, at: datetime) -> ChargePlan:
    """The plan as it stands under what the station plans; the same object where it fits.

    Slots of which the station gives less bring as much less. What it costs then is not known: an operator that tells
    profiles tells no prices.
    """
    given = ceilings(
        active.profile,
        charging_since=active.calculated_at,
        ampere_w=Decimal(watts_per_ampere(connector)),
        most_w=capacity(connector),
    )
    told_until = None if active.profile.duration_s is None else given and given[-1].start
    slots = tuple(
        piece for slot in plan.slots for piece in _pieces(slot, [one for one in given if one.start != told_until])
    )
    if all(one.max_power_w == _slot_at(plan, one).max_power_w for one in slots):
        return plan
    return plan.model_copy(
        update={
            "version": plan.version + 1,
            "slots": slots,
            "total": None,
            "unplanned": None,
            "reason": UpdateReason.SITE_LIMIT,
            "effective_at": active.calculated_at,
            "last_updated": max(at, plan.last_updated),
        }
    )


def _pieces(slot: PlanSlot, given: Sequence[Ceiling]) -> list[PlanSlot]:
    moments = [slot.start, *(one.start for one in given if slot.start < one.start < slot.end), slot.end]
    pieces = []
    for start, end in pairwise(moments):
        told, seconds = ceiling_at(given, start), int((end - start).total_seconds())
        if seconds <= 0:
            continue
        watts = slot.max_power_w if told is None else min(told, slot.max_power_w)
        share = slot.expected_kwh * seconds / slot.duration_s
        kwh = min(share, Decimal(watts) * seconds / _J_PER_KWH).quantize(Decimal("0.0001"), ROUND_DOWN)
        price = slot.price if watts == slot.max_power_w and seconds == slot.duration_s else None
        pieces.append(PlanSlot(start=start, duration_s=seconds, max_power_w=watts, expected_kwh=kwh, price=price))
    return pieces


def _slot_at(plan: ChargePlan, piece: PlanSlot) -> PlanSlot:
    return next(one for one in plan.slots if one.start <= piece.start < one.end)
