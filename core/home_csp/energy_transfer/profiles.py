"""Charge plans with operators that know charging profiles only (UC3-7, UC3-10 on plain OCPI).

The plan is then the home-CSP's own: made from what is published of the connector, what the car was seen to take and the
tariff that is frozen. The operator holds the station to its power; it promises no price, and what its site gives less
becomes a new version. What a profile cannot say is told to the driver: `promised` is False.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from math import ceil
from uuid import uuid4

import structlog
from sqlalchemy import Connection

from core.endpoint.modules.charging_profiles import MODULE
from core.endpoint.partner import Partner
from core.endpoint.profile_calls import ask_active_profile, clear_profile, set_profile
from core.endpoint.profiles import ProfileAnswer, ProfilePurpose, ProfileResult
from core.errors import EvroamError, NotFound, Unreachable
from core.home_csp.context import Context
from core.home_csp.energy_transfer.plan_record import equipment_of, keep_plan, keep_version, plans_with, refused
from core.home_csp.energy_transfer.terms import terms_of
from core.home_csp.quoting import load_quote
from core.model.charge_planning import NoPlan, Planned, plan, prices_of
from core.model.charging_profiles import ActiveChargingProfile, profile_of, under
from core.model.connector_power import capacity, phases, watts_per_ampere
from core.model.money import Amount, Price
from core.model.plans import ChargePlan, Consent, PlanNeed, PlanRefusal, PlanState
from core.model.services import Service
from core.model.session import ServiceSession
from core.model.sites import Capability, Connector
from core.store.plan_tables import newest_version
from core.store.sessions import KeptSession, load_by_visited_id

log = structlog.get_logger(__name__)

VALID_FOR = timedelta(minutes=5)
"""How long our own offer waits for its answer [J]."""
STATION_WITHIN = timedelta(minutes=2)
"""On the wall clock: after that nobody counts on the station's word any more [J]; a later one still holds."""
LEAST_AMPERE = 6
"""No car charges with less alternating current (IEC 61851-1)."""

_REFUSALS = {
    ProfileAnswer.NOT_SUPPORTED: PlanRefusal.NOT_POSSIBLE,
    ProfileAnswer.REJECTED: PlanRefusal.REJECTED,
    ProfileAnswer.UNKNOWN_SESSION: PlanRefusal.REJECTED,
    ProfileAnswer.TOO_OFTEN: PlanRefusal.TOO_OFTEN,
}


class ProfilePlans:
    """Makes plans of our own, has operators keep to them, and implements the endpoint's ProfileResultReceiver.

    The plan's id is the request id of all that is asked for it.
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    def offers(self, session: ServiceSession, partner: Partner) -> bool:
        """Whether the operator takes profiles at this EVSE."""
        agreed = partner.agreement.finishes(Service.CHARGING_PREFERENCES)
        if not agreed or partner.endpoint(MODULE, "RECEIVER") is None:
            return False
        equipment = equipment_of(self._context, session)
        return bool(equipment and equipment.can(Capability.CHARGING_PROFILE_CAPABLE))

    async def offer(self, kept: KeptSession, partner: Partner, visited_id: str, need: PlanNeed) -> None:
        """A plan that waits for the driver's word. Raises Refused (plan_...)."""
        context, session = self._context, kept.session
        now = context.clock.now().replace(microsecond=0)
        try:
            planned, currency = self._planned(session, need, now)
        except NoPlan as none:
            raise refused(none.refusal) from none
        made = ChargePlan(
            country_code=session.visited.country_code,
            party_id=session.visited.party_id,
            id=str(uuid4()),
            session_id=visited_id,
            need=need,
            slots=planned.slots,
            expected_finish=planned.slots[-1].end,
            currency=currency if planned.total is not None else None,
            total=_price(planned.total),
            unplanned=_price(planned.unplanned),
            valid_until=now + VALID_FOR,
            state=PlanState.OFFERED,
            promised=False,
            last_updated=now,
        )
        await keep_plan(context, kept, partner, made)

    async def word(self, kept: KeptSession, partner: Partner, after: ChargePlan) -> None:
        """The driver's word on an offer. With a yes the operator is asked; the plan holds once the station took it.

        Raises Refused (plan_...), Unreachable.
        """
        context = self._context
        if after.state is not PlanState.ACTIVE:
            await keep_plan(context, kept, partner, after)
            return
        overdue = context.clock.now() + STATION_WITHIN * context.clock.fastest
        asked = after.model_copy(update={"state": PlanState.OFFERED, "valid_until": overdue})
        await keep_plan(context, kept, partner, asked)
        try:
            reply = await set_profile(context.calls, partner, after.session_id, profile_of(after), after.id)
        except Unreachable as error:
            if error.never_arrived:
                await keep_plan(context, kept, partner, after.model_copy(update={"state": PlanState.REJECTED}))
            raise
        if reply.answer is not ProfileAnswer.ACCEPTED:
            await keep_plan(context, kept, partner, after.model_copy(update={"state": PlanState.REJECTED}))
            raise refused(_REFUSALS[reply.answer])

    async def withdraw(self, partner: Partner, visited_id: str, held: ChargePlan) -> None:
        """The driver wants no plan any more; it is over once the station says so. Raises Refused, Unreachable."""
        reply = await clear_profile(self._context.calls, partner, visited_id, held.id)
        if reply.answer is not ProfileAnswer.ACCEPTED:
            raise refused(_REFUSALS[reply.answer])

    async def profile_result(
        self,
        partner: Partner,
        purpose: ProfilePurpose,
        request_id: str,
        result: ProfileResult,
        active: ActiveChargingProfile | None,
    ) -> bool:
        """What the station says; False where this partner was asked no such thing."""
        context = self._context

        def write(connection: Connection) -> tuple[ChargePlan, ProfilePurpose | None] | None:
            found = newest_version(connection, request_id, partner.id)
            kept = None if found is None else load_by_visited_id(connection, found.party, found.session_id)
            if found is None or kept is None or found.promised:
                return None
            state = _state_after(found, purpose, result)
            if state is not found.state:
                keep_version(connection, context, kept, partner, found.model_copy(update={"state": state}))
            elif purpose is ProfilePurpose.ACTIVE and active is not None:
                self._fit(connection, kept, partner, active)
            return found, _next_step(
                purpose, result, found.state, state, plans_with(connection, kept.session, partner.id)
            )

        known = await context.store.write(write)
        if known is not None and known[1] is not None:
            context.tasks.begin(self._follow_up(partner, *known))
        return known is not None

    async def profile_changed(self, partner: Partner, session_id: str, active: ActiveChargingProfile) -> None:
        """The station plans something else: where that is less than our plan, the plan has a new version."""

        def write(connection: Connection) -> None:
            own = (load_by_visited_id(connection, role.party, session_id) for role in partner.roles)
            kept = next((one for one in own if one is not None and one.partner_id == partner.id), None)
            if kept is None:
                raise NotFound("There is no such session.", code="unknown_session")
            self._fit(connection, kept, partner, active)

        await self._context.store.write(write)

    def _fit(self, connection: Connection, kept: KeptSession, partner: Partner, active: ActiveChargingProfile) -> None:
        plans = plans_with(connection, kept.session, partner.id)
        held = next((one for one in reversed(plans) if one.state is PlanState.ACTIVE and not one.promised), None)
        if held is None:
            return
        after = under(held, active, self._connector(kept.session), self._context.clock.now())
        if after is not held:
            log.info("plan_under_less_power", session=kept.session.id, version=after.version)
            keep_version(connection, self._context, kept, partner, after)

    async def _follow_up(self, partner: Partner, held: ChargePlan, purpose: ProfilePurpose | None) -> None:
        """Ask what the station plans for as long as our plan lasts, as what is pushed covers an hour at most; or lift
        a profile that came to hold after its plan was over.
        """
        calls, session_id = self._context.calls, held.session_id
        duration = held.slots[-1].end - held.slots[0].start
        try:
            if purpose is ProfilePurpose.ACTIVE:
                await ask_active_profile(calls, partner, session_id, int(duration.total_seconds()), held.id)
            else:
                await clear_profile(calls, partner, session_id, held.id)
        except EvroamError as error:
            log.warning("profile_not_followed_up", session=session_id, step=purpose, code=error.code)

    def _planned(self, session: ServiceSession, need: PlanNeed, now: datetime) -> tuple[Planned, str | None]:
        """The plan and the currency of its price. Raises NoPlan."""
        context, connector = self._context, self._connector(session)
        least = LEAST_AMPERE * watts_per_ampere(connector) if phases(connector) else 0
        taken = max((one.power_kw for one in session.readings if one.power_kw is not None), default=Decimal(0))
        most = min(capacity(connector), ceil(taken * 1000)) if taken else capacity(connector)
        with context.store.read() as connection:
            terms = terms_of(context, session, load_quote(connection, context, session.quote_id))
        prices = prices_of(session, now, terms.tariffs if terms else ())
        planned = plan(need, now, least_w=min(least, most), most_w=most, prices=prices)
        return planned, terms.currency if terms else None

    def _connector(self, session: ServiceSession) -> Connector:
        equipment = equipment_of(self._context, session)
        if equipment is None:
            raise refused(PlanRefusal.NOT_POSSIBLE)
        named = (one for one in equipment.connectors if one.id == session.connector_id)
        return next(named, equipment.connectors[0])


def _state_after(plan: ChargePlan, purpose: ProfilePurpose, result: ProfileResult) -> PlanState:
    """Of a plan that waits for the station's word, or is to end; the same word again changes nothing."""
    if purpose is ProfilePurpose.SET and plan.state is PlanState.OFFERED and plan.consent is Consent.GIVEN:
        return PlanState.ACTIVE if result is ProfileResult.ACCEPTED else PlanState.REJECTED
    if purpose is ProfilePurpose.CLEAR and plan.state is PlanState.ACTIVE and result is not ProfileResult.REJECTED:
        return PlanState.REPLACED
    return plan.state


def _next_step(
    purpose: ProfilePurpose, result: ProfileResult, before: PlanState, after: PlanState, plans: Sequence[ChargePlan]
) -> ProfilePurpose | None:
    """What is to be asked once a station has taken a profile: None where nothing is."""
    if purpose is not ProfilePurpose.SET or result is not ProfileResult.ACCEPTED:
        return None
    if after is not before:
        return ProfilePurpose.ACTIVE
    over = after in {PlanState.REPLACED, PlanState.REJECTED}
    return ProfilePurpose.CLEAR if over and all(one.state is not PlanState.ACTIVE for one in plans) else None


def _price(amount: Amount | None) -> Price | None:
    return None if amount is None else Price(before_taxes=amount.before_taxes, with_taxes=amount.with_taxes)
