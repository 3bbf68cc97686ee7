"""UC3-7 and UC3-10: charge plans, offered, agreed and changed."""

from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy import select

from core.driver_messages import SessionView
from core.driver_messages.plans import PlanRequest, PlanView, PlanWord
from core.endpoint.extensions import chargeplans
from core.endpoint.profile_calls import ask_active_profile, clear_profile, set_profile
from core.endpoint.profiles import ProfileAnswer
from core.errors import EvroamError
from core.model.charging_profiles import ChargingProfile, ProfilePeriod, RateUnit
from core.model.credentials import ChargingPreference
from core.model.plans import Consent, PlanNeed, PlanRefusal, PlanState, UpdateReason
from core.model.session import ServiceSession
from core.model.sites import Capability
from core.store.tables import site
from core.walks.conformance.bench import Bench, Post
from core.walks.conformance.check import Check, refused, same
from core.walks.scenario import Finding

REGULAR, FAST, GREEN = ChargingPreference.REGULAR, ChargingPreference.FAST, ChargingPreference.GREEN


def _plan(view: SessionView) -> PlanView:
    if view.plan is None:
        raise EvroamError("The session has no plan.", code="no_plan")
    return view.plan


async def _ask(bench: Bench, id: str, **wanted: object) -> PlanView:
    return _plan(await bench.driver.ask_plan(id, PlanRequest.model_validate(wanted)))


async def _say(bench: Bench, id: str, plan: PlanView, accept: bool) -> PlanView:
    word = PlanWord(plan_id=plan.id, version=plan.version, accept=accept)
    return _plan(await bench.driver.answer_plan(id, word))


def _power(bench: Bench, post: Post, id: str) -> int:
    return post.equipment.reading(bench.at_visited(post, id).id).power_w


async def _agreed(bench: Bench) -> Sequence[Finding]:
    """3 kWh in three hours are 1 kW on average: less than the car would take."""
    post = await bench.post()
    view = await bench.charge(post)
    before = _power(bench, post, view.id)
    offer = await _ask(bench, view.id, profile=REGULAR, energy_kwh=3, departure=bench.later(hours=3))
    await bench.advance(minutes=1)
    unbound = _power(bench, post, view.id)
    active = await _say(bench, view.id, offer, True)
    await bench.advance(minutes=2)
    after = _power(bench, post, view.id)
    kept = post.member.platform.plans.current(bench.home_at(post.member), bench.at_visited(post, view.id).id)
    again = await refused("another word on the same offer", _say(bench, view.id, offer, False), "plan_answered")
    return [
        same("the offer", (PlanState.OFFERED, Consent.ASKED), (offer.state, offer.consent)),
        same("an offer binds nobody: power", True, unbound >= before * 9 // 10),
        same("after the yes", (PlanState.ACTIVE, Consent.GIVEN), (active.state, active.consent)),
        same("plan at both ends", (active.id, active.version), (kept and kept.id, kept and kept.version)),
        same(f"power below {before} W, within the plan", True, 0 < after <= offer.slots[0].max_power_w < before),
        again,
    ]


async def _not_offered(bench: Bench) -> Sequence[Finding]:
    post = await bench.post()
    view = await bench.charge(post)
    soon, later, ask = bench.later(minutes=6), bench.later(hours=2), _ask
    findings = [
        await refused("no departure", ask(bench, view.id, profile=REGULAR, energy_kwh=3), "plan_departure_required"),
        await refused("no need", ask(bench, view.id, profile=REGULAR, departure=later), "plan_energy_need_required"),
        await refused(
            "too much", ask(bench, view.id, profile=FAST, energy_kwh=500, departure=soon), "plan_not_possible"
        ),
        await refused(
            "an unknown profile",
            ask(bench, view.id, profile=GREEN, energy_kwh=3, departure=later),
            "plan_profile_type_not_supported",
        ),
    ]
    calls, visited = bench.network.home.context.calls, bench.at_visited(post, view.id)
    need = PlanNeed(profile=FAST, energy_kwh=Decimal(1))
    elsewhere = await chargeplans.request_plan(calls, bench.visited(bench.other(post.member)), visited.id, need)
    return [*findings, same("at an operator that has no such session", PlanRefusal.REJECTED, elsewhere.refusal)]


async def _updated(bench: Bench) -> Sequence[Finding]:
    """The site has less power: version 2 reaches the driver, the station keeps to it; late and foreign ones do not."""
    post = await bench.post()
    view = await bench.charge(post)
    offer = await _ask(bench, view.id, profile=FAST, energy_kwh=8, departure=bench.later(hours=3))
    plan = await _say(bench, view.id, offer, True)
    planner, visited = post.member.platform.plans, bench.at_visited(post, view.id)
    limit = plan.slots[0].max_power_w // 2
    revised = await planner.revise(visited.id, UpdateReason.GRID_LIMIT, limit)
    await bench.settled()
    told = await bench.session(view.id, lambda seen: seen.plan is not None and seen.plan.version == 2)
    await bench.advance(minutes=2)
    power = _power(bench, post, view.id)
    if revised is None:
        raise EvroamError("The visited-CSO has not changed the plan.", code="no_plan")
    calls, home = post.member.platform.context.calls, bench.home_at(post.member)
    await chargeplans.put_plan(calls, home, revised.model_copy(update={"version": 1, "reason": UpdateReason.PRICE}))
    late = _plan(await bench.driver.session(view.id))
    nobodys = revised.model_copy(update={"session_id": "NOBODYS"})
    update = _plan(told)
    return [
        same("the update", (plan.id, 2, UpdateReason.GRID_LIMIT), (update.id, update.version, update.reason)),
        same("power within it", True, 0 < power <= limit),
        same("after an older version", update, late),
        await refused("a plan of no session", chargeplans.put_plan(calls, home, nobodys), "partner_does_not_know"),
    ]


def _takes_profiles(bench: Bench, post: Post) -> bool:
    with bench.network.home.context.store.read() as connection:
        body = connection.execute(select(site.c.body).where(site.c.id == post.site.id)).scalar()
    equipment = None if body is None else bench.network.home.context.reader.site(body).find_equipment(post.evse_uid)
    return equipment is not None and equipment.can(Capability.CHARGING_PROFILE_CAPABLE)


async def _by_profile(bench: Bench) -> Sequence[Finding]:
    """A ceiling of plain OCPI: the station keeps under it, until it is cleared."""
    post = await bench.post(lambda one: _takes_profiles(bench, one))
    view = await bench.charge(post)
    before = _power(bench, post, view.id)
    id, calls = bench.at_visited(post, view.id).id, bench.network.home.context.calls
    partner, other = bench.visited(post.member), bench.visited(bench.other(post.member))

    async def visited() -> ServiceSession:
        return bench.at_visited(post, view.id)

    ceiling = ChargingProfile(unit=RateUnit.WATT, periods=(ProfilePeriod(start_s=0, limit=Decimal(before // 2)),))
    taken = await set_profile(calls, partner, id, ceiling, "conformance")
    await bench.until(visited, lambda seen: seen.profile is not None)
    await bench.advance(minutes=2)
    held = _power(bench, post, view.id)
    told = await ask_active_profile(calls, partner, id, 900, "conformance")
    await clear_profile(calls, partner, id, "conformance")
    await bench.until(visited, lambda seen: bool(seen.profile and not seen.profile.ceilings))
    await bench.advance(minutes=2)
    elsewhere = await set_profile(calls, other, id, ceiling, "conformance")
    return [
        same("the answers", [ProfileAnswer.ACCEPTED] * 2, [taken.answer, told.answer]),
        same(f"power at most half of {before} W", True, 0 < held <= before // 2),
        same("power after it was cleared", True, _power(bench, post, view.id) > before // 2),
        same("at an operator that has no such session", ProfileAnswer.UNKNOWN_SESSION, elsewhere.answer),
    ]


_PLANS = "nlevr-chargeplans"
_PROFILES = "chargingprofiles"

PLANS = (
    Check(
        "UC3-7",
        "plan",
        "a plan is offered, agreed, and the station keeps to it",
        _agreed,
        frozenset({f"POST {_PLANS}"}),
    ),
    Check(
        "UC3-7",
        "plan_refused",
        "refused: no departure, no need, impossible, unknown profile, foreign session",
        _not_offered,
        frozenset({f"POST {_PLANS}"}),
    ),
    Check(
        "UC3-7",
        "profile",
        "a charging profile of plain OCPI is set, kept to, asked for and cleared; refused: a foreign session",
        _by_profile,
        frozenset({f"PUT {_PROFILES}", f"GET {_PROFILES}", f"DELETE {_PROFILES}"}),
    ),
)
"""UC3-7."""

PLAN_UPDATES = (
    Check(
        "UC3-10",
        "plan_updated",
        "less power: a new version reaches driver and station; late and unknown ones do not",
        _updated,
        frozenset({f"PUT {_PLANS}"}),
    ),
)
"""UC3-10."""
