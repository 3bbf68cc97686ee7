"""Charging profiles over the real wire, through the clearing house: a plan with an operator that knows no plans."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from core.driver_client import DriverClient
from core.driver_messages.plans import PlanRequest, PlanView, PlanWord
from core.endpoint.profile_calls import clear_profile, set_profile
from core.endpoint.profiles import ProfileAnswer
from core.errors import NotFound, Refused
from core.model.charging_profiles import ActiveChargingProfile, ChargingProfile, ProfilePeriod, RateUnit
from core.model.credentials import ChargingPreference
from core.model.plans import Consent, PlanNeed, PlanState, UpdateReason
from core.model.services import PLAIN, Service
from core.model.sites import Capability
from core.network import Network
from core.store.tables import message_log
from core.visited_cso.energy_transfer.profiles import MOST_IN_FIVE_MINUTES
from core.visited_cso.sites import load_site
from tests.network.charging import Charging, agree, charge, home_at, post_of_each, visited_at
from tests.networks import advance, until
from tests.stores import until_stored

pytestmark = pytest.mark.anyio

REGULAR = ChargingPreference.REGULAR


@pytest.fixture
async def charging(network: Network, driver: DriverClient) -> AsyncIterator[Charging]:
    """At a post of an operator that is reached through the clearing house and knows profiles, but no charge plans."""
    post = next(one for one in await post_of_each(network, driver) if network.is_reached_through_house(one.member))
    await agree(network, post.member, PLAIN)
    yield await charge(network, driver, post, minutes=5)


async def asked(charging: Charging, **wanted: object) -> PlanView:
    view = await charging.driver.ask_plan(charging.id, PlanRequest.model_validate(wanted))
    assert view.plan is not None
    return view.plan


async def said(charging: Charging, plan: PlanView, accept: bool) -> None:
    await charging.driver.answer_plan(charging.id, PlanWord(plan_id=plan.id, version=plan.version, accept=accept))


async def until_plan(charging: Charging, **wanted: object) -> PlanView:
    """The plan once it is so, as the driver's screen hears of it."""

    def fits(plan: PlanView | None) -> bool:
        return plan is not None and all(getattr(plan, name) == value for name, value in wanted.items())

    current = (await charging.driver.session(charging.id)).plan
    if fits(current):
        assert current is not None
        return current
    event = await until(charging.events, lambda one: bool(one.session and fits(one.session.plan)), timeout=60)
    assert event.session is not None and event.session.plan is not None
    return event.session.plan


async def power(charging: Charging, minutes: int = 2) -> int:
    await advance(charging.network, minutes=minutes)
    return charging.post.member.equipment.reading(charging.visited.id).power_w


@pytest.mark.parametrize("wire", ["2.2.1"])
async def test_a_plan_of_ours_is_kept_to_cut_when_the_site_has_less_and_ended(
    network: Network, driver: DriverClient, charging: Charging
) -> None:
    """6 kWh in an hour and a half are 4 kW on average; the operator promises no price, and that is said."""
    member, partner = charging.post.member, visited_at(network, charging.post.member)
    before = await power(charging, 1)
    departure = network.clock.now() + timedelta(hours=1.5)
    offer = await asked(charging, profile=REGULAR, energy_kwh=6, departure=departure)
    assert (offer.state, offer.consent, offer.promised, offer.told) == (PlanState.OFFERED, Consent.ASKED, False, True)
    assert offer.total is not None and offer.unplanned is not None
    [slot] = offer.slots
    assert slot.max_power_w < before and slot.expected_kwh == 6
    assert await power(charging) == before and charging.visited.profile is None, "an offer binds nobody"

    await said(charging, offer, True)
    plan = await until_plan(charging, state=PlanState.ACTIVE)
    assert (plan.id, plan.version, plan.consent) == (offer.id, 1, Consent.GIVEN)
    assert 0 < await power(charging) <= slot.max_power_w, "the station obeys the profile"

    # The site has less: the active charging profile is pushed, and our plan has a new version.
    await member.equipment.limit_site(charging.post.evse_uid, slot.max_power_w // 2)
    await advance(network, minutes=1)
    cut = await until_plan(charging, version=2)
    assert (cut.reason, cut.state, cut.total) == (UpdateReason.SITE_LIMIT, PlanState.ACTIVE, None)
    later = [one for one in cut.slots if one.end > network.clock.now()]
    assert later and all(one.max_power_w <= slot.max_power_w // 2 for one in later)
    assert await power(charging) <= slot.max_power_w // 2
    assert cut.consent is Consent.GIVEN, "no price was promised, so none is dearer"

    # The driver ends it: the profile is cleared, and what the site has flows.
    await member.equipment.limit_site(charging.post.evse_uid, None)
    await said(charging, cut, False)
    await until_plan(charging, state=PlanState.REPLACED)
    assert charging.visited.profile is not None and charging.visited.profile.ceilings == ()
    assert await power(charging) > slot.max_power_w

    # A profile that came to hold after its plan was over is lifted again.
    calls = network.home.context.calls
    endless = ChargingProfile(unit=RateUnit.WATT, periods=(ProfilePeriod(start_s=0, limit=Decimal(1000)),))
    await set_profile(calls, partner, charging.visited.id, endless, plan.id)
    lifted = select(message_log.c.sequence).where(message_log.c.direction == "out", message_log.c.method == "DELETE")
    await until_stored(
        network.home.context.store, lambda connection: len(connection.execute(lifted).all()) == 2, within=60
    )
    await charging.end()
    assert charging.visited.profile.ceilings == ()

    await network.home.endpoint.log.flush()
    asked_for = select(message_log.c.method, message_log.c.http_status).where(
        message_log.c.direction == "out", message_log.c.path.contains("/chargingprofiles/")
    )
    with network.home.context.store.read() as connection:
        told = [tuple(row) for row in connection.execute(asked_for)]
    assert told == [(method, 200) for method in ("PUT", "GET", "DELETE", "PUT", "DELETE")]
    assert (await set_profile(calls, partner, charging.visited.id, endless, "r")).answer is ProfileAnswer.REJECTED
    assert charging.visited.profile.ceilings == ()


async def test_what_is_refused_and_who_is_told(network: Network, charging: Charging) -> None:
    member, calls = charging.post.member, network.home.context.calls
    partner, id = visited_at(network, member), charging.visited.id
    profiles, outbox = member.platform.profiles, member.platform.endpoint.outbox
    endless = ChargingProfile(unit=RateUnit.AMPERE, periods=(ProfilePeriod(start_s=0, limit=Decimal(8)),))

    async def answer(session_id: str, who: str | None = None) -> ProfileAnswer:
        sender = home_at(member) if who is None else home_at(member).model_copy(update={"id": who})
        return (await profiles.set_profile(sender, session_id, endless, "https://127.0.0.1/x")).answer

    assert await answer("nobodys") is ProfileAnswer.UNKNOWN_SESSION
    assert await answer(id, "stranger") is ProfileAnswer.REJECTED
    other = next(one for one in network.home.context.visited_csos() if one.id != partner.id)
    assert (await clear_profile(calls, other, id, "r")).answer is ProfileAnswer.UNKNOWN_SESSION

    # Nothing is told of the station's plans to a home-CSP that has never set a profile.
    await member.equipment.limit_site(charging.post.evse_uid, 3000)
    await advance(network, minutes=2)
    await outbox.settled()
    assert charging.visited.profile is None
    active = ActiveChargingProfile(calculated_at=network.clock.now(), profile=endless)
    await network.home.plans.profiles.profile_changed(partner, id, active)  # of a session without a plan: no harm
    with pytest.raises(NotFound):
        await network.home.plans.profiles.profile_changed(partner, "nobodys", active)
    with pytest.raises(NotFound):
        await network.home.plans.profiles.profile_changed(other, id, active)

    # 8 A in each phase that the car uses, whatever the connector could give.
    await member.equipment.limit_site(charging.post.evse_uid, None)
    await power(charging, 1)
    assert await answer(id) is ProfileAnswer.ACCEPTED
    await until_stored(member.platform.context.store, lambda _: charging.visited.profile is not None)
    await advance(network, minutes=2)
    reading = member.equipment.reading(id)
    assert 0 < reading.current_a <= Decimal("8.05")
    [ceiling] = charging.visited.profile.ceilings if charging.visited.profile else ()
    assert ceiling.watts == int(8 * reading.voltage_v * reading.phases)
    in_one_phase = replace(reading, power_w=1840, current_a=Decimal(8), voltage_v=Decimal(230))
    assert (in_one_phase.phases, replace(in_one_phase, power_w=5520).phases) == (1, 3)

    for _ in range(MOST_IN_FIVE_MINUTES):
        last = await answer(id)
    assert last is ProfileAnswer.TOO_OFTEN

    # An EVSE that can do neither: profiles are not supported, preferences are HTTP 404 with 2001 (ocpi_rules, line 24).
    context = member.platform.context
    with context.store.read() as connection:
        site = load_site(connection, context, charging.post.site.id)
    assert site is not None
    unable = {Capability.CHARGING_PROFILE_CAPABLE, Capability.CHARGING_PREFERENCES_CAPABLE}
    evses = tuple(one.model_copy(update={"capabilities": one.capabilities - unable}) for one in site.equipment)
    later = {"equipment": evses, "last_updated": network.clock.now()}
    await member.platform.publish([site.model_copy(update=later)], [])
    assert await answer(id) is ProfileAnswer.NOT_SUPPORTED
    with pytest.raises(NotFound):
        await calls.charging_preferences(partner, id, PlanNeed(profile=ChargingPreference.FAST, energy_kwh=Decimal(1)))
    await network.home.endpoint.log.flush()
    last = select(message_log.c.http_status, message_log.c.status_code).where(
        message_log.c.path.contains("preferences")
    )
    with network.home.context.store.read() as connection:
        assert [tuple(row) for row in connection.execute(last)] == [(404, 2001)]

    await agree(network, member, PLAIN - {Service.CHARGING_PREFERENCES})
    with pytest.raises(Refused) as refused:
        await asked(charging, profile=REGULAR, energy_kwh=3)
    assert refused.value.code == "plan_not_offered"
