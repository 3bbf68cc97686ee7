"""Charging profiles (UC3-7, UC3-10) and their mapping to the model; the module is alike in every version."""

from typing import Annotated

from core.endpoint.ocpi.codec import Codec
from core.endpoint.ocpi.kinds import Address, Closed, Count, Digits, Moment
from core.endpoint.ocpi.shape import Shape
from core.model import charging_profiles as model

CHARGING_PROFILE_RESPONSE_TYPE = ("ACCEPTED", "NOT_SUPPORTED", "REJECTED", "TOO_OFTEN", "UNKNOWN_SESSION")
CHARGING_PROFILE_RESULT_TYPE = ("ACCEPTED", "REJECTED", "UNKNOWN")


class ChargingProfilePeriod(Shape):
    """A limit from so many seconds on."""

    start_period: Count
    limit: Digits


class ChargingProfile(Shape):
    """Limits over time, in watts or in amperes a phase."""

    start_date_time: Moment | None = None
    duration: Count | None = None
    charging_rate_unit: Annotated[str, Closed(tuple(model.RateUnit))]
    min_charging_rate: Digits | None = None
    charging_profile_period: tuple[ChargingProfilePeriod, ...] = ()


class SetChargingProfile(Shape):
    """A profile to set, and where its result goes."""

    charging_profile: ChargingProfile
    response_url: Address


class ActiveChargingProfile(Shape):
    """What the station plans."""

    start_date_time: Moment
    charging_profile: ChargingProfile


class ChargingProfileResponse(Shape):
    """The immediate answer."""

    result: Annotated[str, Closed(CHARGING_PROFILE_RESPONSE_TYPE)]
    timeout: Count


class ChargingProfileResult(Shape):
    """What the station says to a profile."""

    result: Annotated[str, Closed(CHARGING_PROFILE_RESULT_TYPE)]


class ClearProfileResult(Shape):
    """What the station says to the removal of one."""

    result: Annotated[str, Closed(CHARGING_PROFILE_RESULT_TYPE)]


class ActiveChargingProfileResult(Shape):
    """What the station says to the question what it plans."""

    result: Annotated[str, Closed(CHARGING_PROFILE_RESULT_TYPE)]
    profile: ActiveChargingProfile | None = None


def _profile_of(shape: ChargingProfile) -> model.ChargingProfile:
    return model.ChargingProfile(
        unit=model.RateUnit(shape.charging_rate_unit),
        start=shape.start_date_time,
        duration_s=shape.duration,
        least_rate=shape.min_charging_rate,
        periods=tuple(
            model.ProfilePeriod(start_s=one.start_period, limit=one.limit) for one in shape.charging_profile_period
        ),
    )


def _profile(value: model.ChargingProfile) -> ChargingProfile:
    return ChargingProfile.model_construct(
        start_date_time=value.start,
        duration=value.duration_s,
        charging_rate_unit=value.unit,
        min_charging_rate=value.least_rate,
        charging_profile_period=tuple(
            ChargingProfilePeriod.model_construct(start_period=one.start_s, limit=one.limit) for one in value.periods
        ),
    )


def _active_of(shape: ActiveChargingProfile) -> model.ActiveChargingProfile:
    return model.ActiveChargingProfile(calculated_at=shape.start_date_time, profile=PROFILE.of(shape.charging_profile))


def _active(value: model.ActiveChargingProfile) -> ActiveChargingProfile:
    return ActiveChargingProfile.model_construct(
        start_date_time=value.calculated_at, charging_profile=_profile(value.profile)
    )


PROFILE: Codec[ChargingProfile, model.ChargingProfile] = Codec(ChargingProfile, _profile_of, _profile)
ACTIVE: Codec[ActiveChargingProfile, model.ActiveChargingProfile] = Codec(ActiveChargingProfile, _active_of, _active)
