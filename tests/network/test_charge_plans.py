"""Charge plans over the real wire (UC3-7, UC3-10): offered, answered, countered, kept to, updated, refused."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from core.driver_client import DriverClient
from core.driver_messages.plans import PlanRequest, PlanView, PlanWord
from core.endpoint.extensions import chargeplans
from core.endpoint.preferences import PreferencesAnswer
from core.errors import NotFound, Refused
from core.model.credentials import ChargingPreference
from core.model.plans import Consent, PlanNeed, PlanRefusal, PlanState, UpdateReason, with_consent_due
from core.model.services import PLAIN, Service
from core.network import Network
from core.visited_cso.energy_transfer.plans import MOST_IN_FIVE_MINUTES
from core.visited_cso.equipment import PowerLimit
from tests.network.charging import Charging, agree, charge, free_posts, home_at, visited_at
from tests.networks import advance, until

pytestmark = pytest.mark.anyio

REGULAR, FAST, CHEAP = ChargingPreference.REGULAR, ChargingPreference.FAST, ChargingPreference.CHEAP


@pytest.fixture
async def charging(network: Network, driver: DriverClient) -> AsyncIterator[Charging]:
    yield await charge(network, driver, (await free_posts(network, driver))[0], minutes=5)


def in_hours(network: Network, hours: float) -> datetime:
    return network.clock.now() + timedelta(hours=hours)


async def asked(charging: Charging, **wanted: object) -> PlanView:
    view = await charging.driver.ask_plan(charging.id, PlanRequest.model_validate(wanted))
    assert view.plan is not None
    return view.plan


async def said(charging: Charging, plan: PlanView, accept: bool) -> PlanView:
    word = PlanWord(plan_id=plan.id, version=plan.version, accept=accept)
    view = await charging.driver.answer_plan(charging.id, word)
    assert view.plan is not None
    return view.plan


async def code_of(charging: Charging, **wanted: object) -> str:
    with pytest.raises(Refused) as refused:
        await asked(charging, **wanted)
    return refused.value.code


async def code_of_word(charging: Charging, plan: PlanView) -> str:
    with pytest.raises(Refused) as refused:
        await said(charging, plan, True)
    return refused.value.code


async def power(network: Network, charging: Charging, minutes: int = 3) -> int:
    """Watts at the station, so many minutes later."""
    await advance(network, minutes=minutes)
    return charging.post.member.equipment.reading(charging.visited.id).power_w


async def test_an_offer_is_accepted_and_the_station_keeps_to_it(network: Network, charging: Charging) -> None:
    """3 kWh in three hours are 1 kW on average; less than the car can charge with at all is not planned."""
    before = await power(network, charging, 1)
    offer = await asked(charging, profile=REGULAR, energy_kwh=3, departure=in_hours(network, 3))
    assert (offer.state, offer.version, offer.consent, offer.told) == (PlanState.OFFERED, 1, Consent.ASKED, True)
    assert offer.total is not None and offer.unplanned is not None and offer.valid_until is not None
    [slot] = offer.slots
    assert 0 < slot.max_power_w < before and slot.expected_kwh == 3
    assert await power(network, charging) == before, "an offer binds nobody"

    active = await said(charging, offer, True)
    assert (active.state, active.consent) == (PlanState.ACTIVE, Consent.GIVEN)
    assert 0 < await power(network, charging) <= slot.max_power_w < before
    assert await said(charging, offer, True) == active, "the same word again changes nothing"
    with pytest.raises(Refused) as twice:
        await said(charging, offer, False)
    assert twice.value.code == "plan_answered"

    counter = await asked(charging, profile=FAST, energy_kwh=3)
    assert counter.id != offer.id and counter.state is PlanState.OFFERED
    another = await asked(charging, profile=FAST, energy_kwh=2)
    assert await code_of_word(charging, counter) == "plan_over"
    rejected = await said(charging, another, False)
    assert rejected.id == offer.id and rejected.state is PlanState.ACTIVE, "the plan in force stays in force"
    assert await power(network, charging) <= slot.max_power_w


async def test_an_offer_that_is_overtaken_while_the_station_is_told_does_not_take_the_place_of_the_newer_one(
    network: Network, charging: Charging, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow station: the driver asks anew before it has taken the limits of the offer that was accepted."""
    before = await power(network, charging, 1)
    offer = await asked(charging, profile=REGULAR, energy_kwh=3, departure=in_hours(network, 3))
    equipment, newer = charging.post.member.equipment, []
    limit_power = equipment.limit_power

    async def slowly(transaction_id: str, limits: tuple[PowerLimit, ...]) -> None:
        if not newer:
            newer.append(await asked(charging, profile=FAST, energy_kwh=2))
        await limit_power(transaction_id, limits)

    monkeypatch.setattr(equipment, "limit_power", slowly)
    assert await code_of_word(charging, offer) == "plan_not_possible"
    shown = (await charging.driver.session(charging.id)).plan
    assert shown is not None and (shown.id, shown.state) == (newer[0].id, PlanState.OFFERED)
    assert await power(network, charging) == before, "no plan is in force"
    assert (await said(charging, shown, True)).state is PlanState.ACTIVE


async def test_what_is_refused_and_why(network: Network, driver: DriverClient, charging: Charging) -> None:
    soon, later = in_hours(network, 0.1), in_hours(network, 2)
    assert await code_of(charging, profile=REGULAR, energy_kwh=3) == "plan_departure_required"
    assert await code_of(charging, profile=REGULAR, departure=later) == "plan_energy_need_required"
    assert await code_of(charging, profile=FAST, energy_kwh=500, departure=soon) == "plan_not_possible"
    green = {"profile": ChargingPreference.GREEN, "energy_kwh": 3, "departure": later}
    assert await code_of(charging, **green) == "plan_profile_type_not_supported"

    offer = await asked(charging, profile=CHEAP, energy_kwh=2, departure=later)
    assert offer.total is not None and offer.unplanned is not None and offer.total <= offer.unplanned
    await advance(network, minutes=6)
    assert await code_of_word(charging, offer) == "plan_expired"

    home, member = network.home.context, charging.post.member
    other = next(one for one in home.visited_csos() if one.id != visited_at(network, member).id)
    need = PlanNeed(profile=FAST, energy_kwh=Decimal(1))
    foreign = await chargeplans.request_plan(home.calls, other, charging.visited.id, need)
    assert foreign.refusal is PlanRefusal.REJECTED
    stranger = home_at(member).model_copy(update={"id": "stranger"})
    mine = await member.platform.plans.request(stranger, charging.visited.id, need, None)
    assert mine.refusal is PlanRefusal.REJECTED
    capped = await chargeplans.request_plan(
        home.calls, visited_at(network, member), charging.visited.id, need.model_copy(update={"max_cost": Decimal(0)})
    )
    assert capped.refusal is PlanRefusal.NOT_POSSIBLE
    for _ in range(MOST_IN_FIVE_MINUTES):
        try:
            await asked(charging, profile=FAST, energy_kwh=1)
        except Refused as refused:
            assert refused.code == "plan_too_often"
            break
    else:
        pytest.fail("plans may be asked for without end")


async def test_the_site_has_less_power_and_the_driver_is_asked_where_it_costs_more(
    network: Network, driver: DriverClient, charging: Charging
) -> None:
    equipment, evse_uid = charging.post.member.equipment, charging.post.evse_uid
    plan = await said(charging, await asked(charging, profile=FAST, energy_kwh=8, departure=in_hours(network, 3)), True)
    before = plan.slots[0].max_power_w
    await equipment.limit_site(evse_uid, before // 2)
    await advance(network, minutes=1)
    told = await until(
        charging.events, lambda event: bool(event.session and event.session.plan and event.session.plan.version == 2)
    )
    assert told.session is not None and told.session.plan is not None
    update = told.session.plan
    assert (update.id, update.reason, update.state) == (plan.id, UpdateReason.SITE_LIMIT, PlanState.ACTIVE)
    assert update.effective_at is not None and max(one.max_power_w for one in update.slots) <= before // 2
    expected = Consent.ASKED if (update.dearer_by or 0) > 0 else Consent.GIVEN
    assert update.consent is expected
    assert await power(network, charging) <= before // 2

    # A version that was missed is fetched; one that is known, or older, changes nothing.
    planner, partner = charging.post.member.platform.plans, visited_at(network, charging.post.member)
    revised = await planner.revise(charging.visited.id, UpdateReason.GRID_LIMIT, before // 4)
    assert revised is not None
    await charging.post.member.platform.endpoint.outbox.settled()
    held = (await driver.session(charging.id)).plan
    assert held is not None and (held.version, held.reason) == (3, UpdateReason.GRID_LIMIT)
    receiver = network.home.plans
    await receiver.updated(partner, revised.model_copy(update={"version": 2, "slots": ()}))
    await receiver.updated(partner, revised.model_copy(update={"version": 9, "slots": ()}))
    again = (await driver.session(charging.id)).plan
    assert again == held
    with pytest.raises(NotFound):
        await receiver.updated(partner, revised.model_copy(update={"session_id": "nobodys"}))


async def test_an_update_that_costs_more_asks_and_a_no_leaves_the_driver_free_to_end(
    network: Network, driver: DriverClient, charging: Charging
) -> None:
    plan = await said(charging, await asked(charging, profile=FAST, energy_kwh=2, departure=in_hours(network, 2)), True)
    member, partner = charging.post.member, visited_at(network, charging.post.member)
    planner = member.platform.plans
    current = planner.current(home_at(member), charging.visited.id)
    assert current is not None and current.total is not None
    dearer = with_consent_due(
        current.model_copy(
            update={
                "version": 2,
                "reason": UpdateReason.PRICE,
                "effective_at": network.clock.now(),
                "price_effect": Decimal("1.5"),
            }
        )
    )
    await planner._keep(dearer, home_at(member).id)
    assert await chargeplans.put_plan(member.platform.context.calls, home_at(member), dearer) == "CONSENT_ASKED"
    view = (await driver.session(charging.id)).plan
    assert view is not None and (view.consent, view.dearer_by) == (Consent.ASKED, Decimal("1.50"))
    refused = await said(charging, view, False)
    assert refused.consent is Consent.REFUSED and refused.version == 2 and plan.id == refused.id
    assert partner.name
    receipt = await charging.end()
    assert receipt.energy_kwh == charging.visited.energy


async def test_with_a_plain_partner_the_wish_is_told_and_nothing_more_is_claimed(
    network: Network, driver: DriverClient, charging: Charging
) -> None:
    member, home = charging.post.member, network.home.context
    partner = visited_at(network, member)
    await agree(network, member, PLAIN)
    before = await power(network, charging, 1)
    plan = await asked(charging, profile=REGULAR, energy_kwh=3, departure=in_hours(network, 3))
    assert (plan.state, plan.told, plan.slots, plan.total) == (PlanState.ACTIVE, False, (), None)
    assert await power(network, charging) < before
    assert await code_of(charging, profile=REGULAR, energy_kwh=3) == "plan_departure_required"
    need = PlanNeed(profile=FAST, energy_kwh=Decimal(1))
    assert await home.calls.charging_preferences(partner, charging.visited.id, need) is PreferencesAnswer.ACCEPTED
    with pytest.raises(NotFound):
        await home.calls.charging_preferences(partner, "nobodys", need)
    await agree(network, member, PLAIN - {Service.CHARGING_PREFERENCES})
    assert await code_of(charging, profile=FAST, energy_kwh=1) == "plan_not_offered"
    await charging.end()
    assert await code_of(charging, profile=FAST, energy_kwh=1) == "plan_not_charging"
