"""Charge plans of the visited-CSO: offered, applied and kept to (UC3-7), and updated when the site changes (UC3-10)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from functools import partial
from uuid import uuid4

import structlog
from sqlalchemy import Connection

from core.clock import WallClock
from core.endpoint.extensions.chargeplans import KIND, PlanAnswer, put_plan
from core.endpoint.ocpi.envelope import StatusCode
from core.endpoint.partner import Partner
from core.endpoint.preferences import PreferencesAnswer
from core.endpoint.rejection import Rejection
from core.errors import EvroamError, NotFound, Refused
from core.model.charge_planning import NoPlan, Planned, Prices, plan, prices_of
from core.model.credentials import ChargingPreference
from core.model.money import Price
from core.model.plans import (
    ChargePlan,
    Consent,
    PlanNeed,
    PlanRefusal,
    PlanRule,
    PlanSlot,
    PlanState,
    UpdateReason,
    answered,
    newest,
    with_consent_due,
)
from core.model.session import ServiceSession, SessionState
from core.model.sites import Capability
from core.store.plan_tables import plans_of, record_plan
from core.store.sessions import KeptSession, load
from core.visited_cso.context import Context
from core.visited_cso.energy_transfer.profiles import in_force, with_profile
from core.visited_cso.energy_transfer.record import price
from core.visited_cso.equipment import EquipmentEvent, MeterValue, PowerBounds, PowerLimit
from core.visited_cso.rate import RateLimit
from core.visited_cso.sites import load_site

log = structlog.get_logger(__name__)

VALID_FOR = timedelta(minutes=5)
"""How long an offer waits for its answer [J]."""
MOST_IN_FIVE_MINUTES = 20
"""Requests for one session, on the wall clock [J]."""

_wall = WallClock()


class ChargePlans:
    """Implements the endpoint's Planner and PreferenceReceiver."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._limit = RateLimit(MOST_IN_FIVE_MINUTES, timedelta(minutes=5))

    async def request(self, partner: Partner, session_id: str, need: PlanNeed, counters: str | None) -> PlanAnswer:
        """An offer that waits for its answer, or why there is none. It takes the place of any offer before it."""
        offered = await self._offer(partner, session_id, need, PlanState.OFFERED)
        log.info("plan_offered", session=session_id, counters=counters, refusal=offered.refusal)
        return offered

    async def answer(self, partner: Partner, session_id: str, id: str, version: int, accepted: bool) -> PlanAnswer:
        """The driver's word. An offer that is accepted holds at the station before this returns."""
        context = self._context
        word = partial(self._after_word, partner.id, session_id, (id, version), accepted, context.clock.now())

        def write(connection: Connection) -> ChargePlan:
            plans, found, said = word(connection)
            return found if said is found else self._record(connection, plans, said, partner.id)

        try:
            with context.store.read() as connection:
                _, found, said = word(connection)
        except (NotFound, PlanRule) as error:
            return _not_taken(error)
        applied = found.state is PlanState.OFFERED and accepted
        if applied and (refused := await self._apply(session_id, said.slots)) is not None:
            return PlanAnswer(None, PlanRefusal.NOT_POSSIBLE, refused)
        try:
            return PlanAnswer(await context.store.write(write))
        except (NotFound, PlanRule) as error:
            if applied:  # overtaken while the station was told
                await self._apply_what_is_in_force(session_id)
            return _not_taken(error)

    def current(self, partner: Partner, session_id: str) -> ChargePlan | None:
        """The newest version of the session's plan."""
        with self._context.store.read() as connection:
            plans = plans_of(connection, self._context.party, session_id, partner.id)
        return newest(plans)

    async def push(self, partner: Partner, session_id: str) -> None:
        """Tell the home-CSP of the newest version. Raises as the calls do."""
        current = self.current(partner, session_id)
        if current is not None:
            result = await put_plan(self._context.calls, partner, current)
            log.info("plan_update_told", session=session_id, version=current.version, result=result)

    async def charging_preferences(self, partner: Partner, session_id: str, need: PlanNeed) -> PreferencesAnswer:
        """Preferences of plain OCPI: planned for and applied at once, as OCPI knows neither offer nor price."""
        with self._context.store.read() as connection:
            kept = load(connection, self._context.party, session_id)
            if kept is None or kept.partner_id != partner.id:
                raise NotFound("There is no such session.", code="unknown_session")
            if not self._capable(connection, kept.session):
                raise Rejection("This EVSE takes no charging preferences.", 404, StatusCode.INVALID_PARAMETERS)
        made = await self._offer(partner, session_id, need, PlanState.ACTIVE)
        if made.refusal is not None:
            plain = made.refusal.value in {one.value for one in PreferencesAnswer}
            return PreferencesAnswer(made.refusal.value) if plain else PreferencesAnswer.NOT_POSSIBLE
        return PreferencesAnswer.ACCEPTED

    async def heard(self, event: EquipmentEvent) -> None:
        """With every reading: does the site still give what the plan in force needs?"""
        if not isinstance(event, MeterValue):
            return
        kept, held = self._in_force(event.transaction_id)
        bounds = self._bounds(event.transaction_id)
        slot = None if held is None else held.slot_at(event.moment)
        if kept is None or slot is None or bounds is None:
            return
        if bounds.site_w < min(slot.max_power_w, bounds.car_w):
            self._context.tasks.begin(self._follow_site(event.transaction_id))

    async def _follow_site(self, session_id: str) -> None:
        update = await self.revise(session_id, UpdateReason.SITE_LIMIT)
        log.info("plan_updated", session=session_id, version=None if update is None else update.version)

    async def revise(self, session_id: str, reason: UpdateReason, most_w: int | None = None) -> ChargePlan | None:
        """Update the plan in force to what is possible now, most_w at most, and tell the home-CSP (UC3-10).

        Where the energy no longer fits until departure, the plan brings as much as fits. None without a plan in force.
        """
        kept, held = self._in_force(session_id)
        bounds = self._bounds(session_id)
        if kept is None or held is None or bounds is None or kept.partner_id is None:
            return None
        most = min(bounds.site_w, bounds.car_w, *(() if most_w is None else (most_w,)))
        update = self._next_version(kept.session, held, bounds.least_w, most, reason)
        if update is None or await self._apply(session_id, update.slots) is not None:
            return None
        context, partner_id = self._context, kept.partner_id

        def write(connection: Connection) -> ChargePlan | None:
            plans = plans_of(connection, context.party, session_id, partner_id)
            in_force = {(one.id, one.version) for one in plans if one.state is PlanState.ACTIVE}
            if (held.id, held.version) not in in_force:
                return None
            context.outbox.mark(connection, [partner_id], KIND, update.key)
            return self._record(connection, plans, update, partner_id)

        revised = await context.store.write(write)
        if revised is None:  # overtaken while the station was told
            await self._apply_what_is_in_force(session_id)
        return revised

    async def _offer(self, partner: Partner, session_id: str, need: PlanNeed, state: PlanState) -> PlanAnswer:
        with self._context.store.read() as connection:
            kept = load(connection, self._context.party, session_id)
            if kept is None or kept.partner_id != partner.id or kept.session.state is not SessionState.ACTIVE:
                return PlanAnswer(None, PlanRefusal.REJECTED, "there is no such session under way")
            capable = self._capable(connection, kept.session)
        if not self._limit.take(session_id, _wall.now()):
            return PlanAnswer(None, PlanRefusal.TOO_OFTEN, f"at most {MOST_IN_FIVE_MINUTES} requests in five minutes")
        bounds = self._bounds(session_id)
        if bounds is None or not capable:
            return PlanAnswer(None, PlanRefusal.NOT_POSSIBLE, "this EVSE cannot keep to a plan")
        try:
            made = self._made(kept.session, need, bounds, state)
        except NoPlan as none:
            return PlanAnswer(None, none.refusal, none.message)
        if state is PlanState.ACTIVE and (refused := await self._apply(session_id, made.slots)) is not None:
            return PlanAnswer(None, PlanRefusal.NOT_POSSIBLE, refused)
        return PlanAnswer(await self._keep(made, partner.id))

    def _made(self, session: ServiceSession, need: PlanNeed, bounds: PowerBounds, state: PlanState) -> ChargePlan:
        now = self._context.clock.now().replace(microsecond=0)
        most = min(bounds.site_w, bounds.car_w)
        planned = plan(need, now, least_w=bounds.least_w, most_w=most, prices=prices_of(session, now, session.tariffs))
        return ChargePlan(
            country_code=self._context.party.country_code,
            party_id=self._context.party.party_id,
            id=str(uuid4()),
            session_id=session.id,
            need=need,
            **_planned(planned, session),
            valid_until=now + VALID_FOR,
            state=state,
            consent=Consent.ASKED if state is PlanState.OFFERED else Consent.GIVEN,
            last_updated=now,
        )

    def _next_version(
        self, session: ServiceSession, held: ChargePlan, least_w: int, most_w: int, reason: UpdateReason
    ) -> ChargePlan | None:
        now = self._context.clock.now().replace(microsecond=0)
        left = _left(held, now)
        need = held.need.model_copy(update={"energy_kwh": left or None, "max_cost": None})
        try:
            planned = _possible(need, now, least_w, most_w, prices_of(session, now, session.tariffs))
        except NoPlan as none:
            log.warning("plan_not_updated", session=session.id, reason=none.message)
            return None
        members = _planned(planned, session)
        total = members["total"]
        effect = None
        if isinstance(total, Price) and held.total is not None:
            effect = (total.before_taxes - held.total.before_taxes).quantize(Decimal("0.0001"))
        update = held.model_copy(
            update={
                **members,
                "version": held.version + 1,
                "valid_until": None,
                "reason": reason,
                "effective_at": now,
                "price_effect": effect,
                "last_updated": max(now, held.last_updated),
            }
        )
        return with_consent_due(update)

    def _record(
        self, connection: Connection, plans: Sequence[ChargePlan], plan: ChargePlan, partner_id: str
    ) -> ChargePlan:
        """A plan that comes into force takes the place of a charging profile, too."""
        recorded = record_plan(connection, plans, plan, partner_id)
        if recorded.state is PlanState.ACTIVE:
            with_profile(connection, self._context, plan.session_id, None)
        return recorded

    async def _apply_what_is_in_force(self, session_id: str) -> None:
        with self._context.store.read() as connection:
            kept = load(connection, self._context.party, session_id)
            held = () if kept is None else in_force(connection, self._context, kept)
        limits = tuple(PowerLimit(one.start, one.watts) for one in held)
        log.info("plan_overtaken", session=session_id, refusal=await self._hold_to(session_id, limits))

    async def _apply(self, session_id: str, slots: tuple[PlanSlot, ...]) -> str | None:
        """Have the station keep to a plan; why it does not, None where it does."""
        return await self._hold_to(session_id, tuple(PowerLimit(one.start, one.max_power_w) for one in slots))

    async def _hold_to(self, session_id: str, limits: tuple[PowerLimit, ...]) -> str | None:
        try:
            await self._context.equipment.limit_power(session_id, limits)
        except (Refused, NotFound) as error:
            return error.message
        return None

    async def _keep(self, made: ChargePlan, partner_id: str) -> ChargePlan:
        context = self._context

        def write(connection: Connection) -> ChargePlan:
            plans = plans_of(connection, context.party, made.session_id, partner_id)
            return self._record(connection, plans, made, partner_id)

        return await context.store.write(write)

    def _after_word(
        self,
        partner_id: str,
        session_id: str,
        version: tuple[str, int],
        accepted: bool,
        at: datetime,
        connection: Connection,
    ) -> tuple[list[ChargePlan], ChargePlan, ChargePlan]:
        """A session's plans, the version that is answered, and that version after it. Raises NotFound, PlanRule."""
        plans = plans_of(connection, self._context.party, session_id, partner_id)
        found = next((one for one in plans if (one.id, one.version) == version), None)
        if found is None:
            raise NotFound("there is no such plan")
        return plans, found, answered(found, accepted=accepted, at=at)

    def _in_force(self, session_id: str) -> tuple[KeptSession | None, ChargePlan | None]:
        with self._context.store.read() as connection:
            kept = load(connection, self._context.party, session_id)
            if kept is None or kept.partner_id is None or kept.session.state is not SessionState.ACTIVE:
                return None, None
            plans = plans_of(connection, self._context.party, session_id, kept.partner_id)
        return kept, next((one for one in reversed(plans) if one.state is PlanState.ACTIVE), None)

    def _bounds(self, session_id: str) -> PowerBounds | None:
        try:
            return self._context.equipment.power_bounds(session_id)
        except EvroamError:
            return None

    def _capable(self, connection: Connection, session: ServiceSession) -> bool:
        site = load_site(connection, self._context, session.site_id)
        equipment = site and site.find_equipment(session.evse_uid)
        return bool(equipment and equipment.can(Capability.CHARGING_PREFERENCES_CAPABLE))


def _not_taken(error: NotFound | PlanRule) -> PlanAnswer:
    refusal = PlanRefusal.REJECTED if isinstance(error, NotFound) else PlanRefusal.NOT_POSSIBLE
    return PlanAnswer(None, refusal, error.message)


def _possible(need: PlanNeed, now: datetime, least_w: int, most_w: int, prices: Prices | None) -> Planned:
    """A plan for the need, or for as much of it as fits until departure. Raises NoPlan."""
    try:
        return plan(need, now, least_w=least_w, most_w=most_w, prices=prices)
    except NoPlan as none:
        if none.refusal is not PlanRefusal.NOT_POSSIBLE or need.departure is None or most_w <= 0:
            raise
        fits = Decimal(most_w) * int((need.departure - now).total_seconds()) / 3_600_000
        less = need.model_copy(
            update={"profile": ChargingPreference.FAST, "energy_kwh": fits.quantize(Decimal("0.001"), ROUND_DOWN)}
        )
        return plan(less, now, least_w=least_w, most_w=most_w, prices=prices)


def _planned(planned: Planned, session: ServiceSession) -> dict[str, object]:
    return {
        "slots": planned.slots,
        "expected_finish": planned.slots[-1].end,
        "currency": session.currency if planned.total is not None else None,
        "total": None if planned.total is None else price(planned.total),
        "unplanned": None if planned.unplanned is None else price(planned.unplanned),
    }


def _left(held: ChargePlan, now: datetime) -> Decimal:
    """kWh that the plan still has to bring."""
    left = Decimal(0)
    for one in held.slots:
        if one.end > now:
            share = Decimal(int((one.end - max(one.start, now)).total_seconds())) / one.duration_s
            left += one.expected_kwh * share
    return left.quantize(Decimal("0.001"))
