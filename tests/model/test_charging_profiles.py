"""Charging profiles worked by hand: ceilings in watts, what the station plans, a plan under less power."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from core.model.charging_profiles import (
    ActiveChargingProfile,
    Ceiling,
    ChargingProfile,
    ProfilePeriod,
    RateUnit,
    active_profile,
    ceilings,
    profile_of,
    under,
)
from core.model.connector_power import capacity, watts_per_ampere
from core.model.credentials import ChargingPreference
from core.model.plans import ChargePlan, Consent, PlanNeed, PlanSlot, PlanState, UpdateReason
from core.model.sites import Connector, ConnectorFormat, ConnectorStandard, PowerType

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
CONNECTOR = Connector(
    id="1",
    standard=ConnectorStandard.IEC_62196_T2,
    format=ConnectorFormat.SOCKET,
    power_type=PowerType.AC_3_PHASE,
    max_voltage=230,
    max_current=16,
    last_updated=NOON,
)


def at(seconds: int) -> datetime:
    return NOON + timedelta(seconds=seconds)


def profile(unit: RateUnit, *periods: tuple[int, str], start: datetime | None = None, **more: int) -> ChargingProfile:
    steps = tuple(ProfilePeriod(start_s=one, limit=Decimal(limit)) for one, limit in periods)
    return ChargingProfile.model_validate({"unit": unit, "start": start, "periods": steps} | more)


def steps(given: tuple[Ceiling, ...]) -> list[tuple[int, int]]:
    return [(int((one.start - NOON).total_seconds()), one.watts) for one in given]


def test_amperes_count_in_each_phase_and_a_profile_without_a_start_begins_with_charging() -> None:
    """230 V: an ampere in three phases is 690 W, 16 of them 11 040 W; in one phase 8.1 A are 1 863 W."""
    assert (watts_per_ampere(CONNECTOR), capacity(CONNECTOR)) == (690, 11_040)
    published = CONNECTOR.model_copy(update={"max_voltage": 400})
    assert watts_per_ampere(published) == 690, "400 V between two phases are 230 V to neutral"
    wanted = profile(RateUnit.AMPERE, (600, "6"), (0, "8.1"), (1200, "99"))
    since = {"charging_since": NOON, "most_w": 11_040}
    assert steps(ceilings(wanted, ampere_w=Decimal(690), **since)) == [(0, 5589), (600, 4140), (1200, 11_040)]  # type: ignore[arg-type]  # both are what they are
    assert steps(ceilings(wanted, ampere_w=Decimal(230), **since)) == [(0, 1863), (600, 1380), (1200, 11_040)]  # type: ignore[arg-type]


def test_a_profile_ends_with_its_duration_and_without_one_never() -> None:
    """From 12:10 on for ten minutes; what begins at its end is no part of it."""
    wanted = profile(RateUnit.WATT, (0, "2000"), (600, "9"), start=at(600), duration_s=600)
    assert steps(ceilings(wanted, charging_since=NOON, ampere_w=Decimal(1), most_w=5000)) == [(600, 2000), (1200, 5000)]
    endless = wanted.model_copy(update={"duration_s": None})
    assert steps(ceilings(endless, charging_since=NOON, ampere_w=Decimal(1), most_w=5000)) == [(600, 2000), (1200, 9)]


def test_what_the_station_plans_counts_from_now_and_has_all_limits_in_it() -> None:
    """At 12:05 for 20 minutes: 2 kW until 12:10, then 7 kW of which the site gives 4, which goes on after 12:15."""
    given = (Ceiling(start=NOON, watts=2000), Ceiling(start=at(600), watts=7000), Ceiling(start=at(900), watts=5000))
    active = active_profile(given, at(300), 1200, most_w=4000)
    assert active.calculated_at == active.profile.start == at(300)
    assert [(one.start_s, one.limit) for one in active.profile.periods] == [(0, 2000), (300, 4000)]
    assert active.profile.duration_s == 1200
    assert [one.limit for one in active_profile((), NOON, 60, most_w=4000).profile.periods] == [4000]


def test_a_plan_becomes_a_profile_and_less_power_a_new_version() -> None:
    """Two hours at 2 kW, of which the site gives 1 kW from the second on: 2 kWh and 1 kWh."""
    slot = PlanSlot(start=NOON, duration_s=7200, max_power_w=2000, expected_kwh=Decimal(4), price=Decimal("1.2"))
    plan = ChargePlan(
        country_code="DE",
        party_id="VIS",
        id="P",
        session_id="S",
        need=PlanNeed(profile=ChargingPreference.REGULAR),
        slots=(slot,),
        state=PlanState.ACTIVE,
        consent=Consent.GIVEN,
        promised=False,
        last_updated=NOON,
    )
    assert profile_of(plan) == profile(RateUnit.WATT, (0, "2000"), start=NOON, duration_s=7200)

    def told(*periods: tuple[int, str], unit: RateUnit = RateUnit.WATT) -> ActiveChargingProfile:
        return ActiveChargingProfile(calculated_at=NOON, profile=profile(unit, *periods, start=NOON, duration_s=7200))

    assert under(plan, told((0, "2000"), (7000, "2500")), CONNECTOR, NOON) is plan
    assert under(plan, told((0, "3"), unit=RateUnit.AMPERE), CONNECTOR, NOON) is plan, "3 A are 2 070 W"
    less = under(plan, told((0, "11040"), (3600, "1000")), CONNECTOR, NOON)
    assert [(one.max_power_w, one.duration_s, one.expected_kwh) for one in less.slots] == [
        (2000, 3600, 2),
        (1000, 3600, 1),
    ]
    assert (less.version, less.reason, less.state, less.total) == (2, UpdateReason.SITE_LIMIT, PlanState.ACTIVE, None)
    assert under(less, told((0, "11040"), (3600, "1000")), CONNECTOR, NOON) is less, "told again it is no news"
