"""Charge plans at the home-CSP (UC3-7, UC3-10): the driver's needs go out, offers and updates come in.

A partner without the extension is held to a plan of ours by a charging profile; where it takes none, it is told the
driver's preferences, and what it makes of them it cannot say, and neither do we.
"""

from decimal import Decimal
from uuid import uuid4

import structlog
from sqlalchemy import Connection

from core.driver_messages.plans import PlanRequest, PlanView, PlanWord
from core.endpoint.extensions.chargeplans import (
    MODULE,
    PlanAnswer,
    UpdateResult,
    answer_plan,
    current_plan,
    request_plan,
)
from core.endpoint.partner import Partner
from core.endpoint.preferences import PreferencesAnswer
from core.errors import NotFound, Refused
from core.home_csp.context import Context
from core.home_csp.energy_transfer.plan_record import equipment_of, keep_plan, plans_with, refused
from core.home_csp.energy_transfer.profiles import ProfilePlans
from core.home_csp.energy_transfer.record import keep
from core.home_csp.energy_transfer.stop import partner_of
from core.model.money import Amount, Price, rounded
from core.model.plans import (
    ChargePlan,
    Consent,
    PlanNeed,
    PlanRefusal,
    PlanRule,
    PlanState,
    answered,
    follows,
    newest,
    with_consent_due,
)
from core.model.price_list import with_fees
from core.model.services import Service
from core.model.session import ServiceSession, SessionState
from core.model.sites import Capability
from core.store.plan_tables import record_plan
from core.store.sessions import KeptSession, load, load_by_visited_id

log = structlog.get_logger(__name__)


class ChargePlans:
    """Implements the endpoint's PlanReceiver, and what drivers ask."""

    def __init__(self, context: Context, profiles: ProfilePlans) -> None:
        self._context = context
        self.profiles = profiles

    async def request(self, session_id: str, contract_id: str, wanted: PlanRequest) -> None:
        """Ask the operator for an offer. Raises NotFound, Refused (plan_...), Unreachable."""
        context = self._context
        kept, partner, visited_id = self._running(session_id, contract_id)
        need = PlanNeed(profile=wanted.profile, departure=wanted.departure, energy_kwh=wanted.energy_kwh)
        if not offers_plans(partner):
            if self.profiles.offers(kept.session, partner):
                await self.profiles.offer(kept, partner, visited_id, need)
            else:
                await self._prefer(kept, partner, visited_id, need)
            return
        before = self._newest(kept.session, partner.id)
        counters = before.id if before is not None and before.state is PlanState.OFFERED else None
        answer = await request_plan(context.calls, partner, visited_id, need, counters)
        await keep_plan(context, kept, partner, _told(answer))

    async def word(self, session_id: str, contract_id: str, word: PlanWord) -> None:
        """The driver's yes or no. Raises NotFound, Refused (plan_expired, plan_answered, ...), Unreachable."""
        context = self._context
        kept, partner, visited_id = self._running(session_id, contract_id)
        with context.store.read() as connection:
            plans = plans_with(connection, kept.session, partner.id)
        found = next((one for one in plans if (one.id, one.version) == (word.plan_id, word.version)), None)
        if found is None:
            raise NotFound("There is no such plan", next_step="Ask for a new one.")
        if not found.promised and found.state is PlanState.ACTIVE and not word.accept:
            await self.profiles.withdraw(partner, visited_id, found)
            return
        try:
            after = answered(found, accepted=word.accept, at=context.clock.now())
        except PlanRule as broken:
            raise Refused(broken.message, code=broken.code, next_step="Ask for a new one.") from None
        if after is not found and not found.promised:
            await self.profiles.word(kept, partner, after)
        elif after is not found:
            answer = await answer_plan(context.calls, partner, found, accepted=word.accept)
            await keep_plan(context, kept, partner, _told(answer))

    async def updated(self, partner: Partner, plan: ChargePlan) -> UpdateResult:
        """An update by the operator; a version that was missed is fetched, one that is known changes nothing."""
        context = self._context
        held = await context.store.write(lambda connection: self._take(connection, partner, plan))
        if held is None:
            log.warning("plan_version_missed", visited_session=plan.session_id, version=plan.version)
            current = await current_plan(context.calls, partner, plan.session_id)
            held = await context.store.write(lambda connection: self._take(connection, partner, current, fetched=True))
        asked = held is not None and held.consent is Consent.ASKED
        return UpdateResult.CONSENT_ASKED if asked else UpdateResult.ACKNOWLEDGED

    def _take(
        self, connection: Connection, partner: Partner, plan: ChargePlan, *, fetched: bool = False
    ) -> ChargePlan | None:
        """A version by the operator, as it is held from now on. None where one before it was missed, unless fetched."""
        kept = load_by_visited_id(connection, plan.party, plan.session_id)
        if kept is None or kept.partner_id != partner.id:
            raise NotFound(f"There is no session {plan.session_id}.", code="unknown_session")
        plans = plans_with(connection, kept.session, partner.id)
        held = next((one for one in reversed(plans) if one.id == plan.id), None)
        if held is not None and plan.version <= held.version:
            return held
        if not fetched and not follows(held, plan):
            return None
        due = with_consent_due(plan) if plan.reason is not None else plan
        record_plan(connection, plans, due, partner.id)
        keep(connection, self._context, kept.session, kept.partner_id)
        return due

    async def _prefer(self, kept: KeptSession, partner: Partner, visited_id: str, need: PlanNeed) -> None:
        context = self._context
        if not self._takes_preferences(kept.session, partner):
            raise Refused(
                "This operator takes no charge plan", code="plan_not_offered", next_step="Go on without a plan."
            )
        try:
            answer = await context.calls.charging_preferences(partner, visited_id, need)
        except NotFound:
            answer = PreferencesAnswer.NOT_POSSIBLE
        if answer is not PreferencesAnswer.ACCEPTED:
            raise refused(PlanRefusal(answer.value))
        now, visited = context.clock.now(), kept.session.visited
        wish = ChargePlan(
            country_code=visited.country_code,
            party_id=visited.party_id,
            id=str(uuid4()),
            session_id=visited_id,
            need=need,
            state=PlanState.ACTIVE,
            consent=Consent.GIVEN,
            last_updated=now,
        )
        await keep_plan(context, kept, partner, wish)

    def _takes_preferences(self, session: ServiceSession, partner: Partner) -> bool:
        if not partner.agreement.finishes(Service.CHARGING_PREFERENCES):
            return False
        equipment = equipment_of(self._context, session)
        return bool(equipment and equipment.can(Capability.CHARGING_PREFERENCES_CAPABLE))

    def _running(self, session_id: str, contract_id: str) -> tuple[KeptSession, Partner, str]:
        with self._context.store.read() as connection:
            kept = load(connection, self._context.party, session_id)
        if kept is None or kept.session.contract_id != contract_id:
            raise NotFound("There is no such session", next_step="Look at your receipts.")
        partner = partner_of(self._context, kept)
        if kept.session.state is not SessionState.ACTIVE or partner is None or not kept.session.visited_session_id:
            raise Refused("A plan is made while charging", code="plan_not_charging", next_step="Start charging first.")
        return kept, partner, kept.session.visited_session_id

    def _newest(self, session: ServiceSession, partner_id: str) -> ChargePlan | None:
        with self._context.store.read() as connection:
            return newest(plans_with(connection, session, partner_id))


def offers_plans(partner: Partner) -> bool:
    """Whether the partner agreed to plans with prices and consent."""
    agreed = partner.agreement.finishes(Service.CHARGE_PLANS)
    return agreed and partner.endpoint(MODULE, "RECEIVER") is not None


def plan_view(connection: Connection, context: Context, kept: KeptSession) -> PlanView | None:
    """The plan of a session as its driver sees it, None without any."""
    session = kept.session
    if session.visited_session_id is None or kept.partner_id is None:
        return None
    plan = newest(plans_with(connection, session, kept.partner_id))
    if plan is None:
        return None
    effect = plan.price_effect
    return PlanView(
        id=plan.id,
        version=plan.version,
        state=plan.state,
        consent=plan.consent,
        told=bool(plan.slots),
        promised=plan.promised,
        profile=plan.need.profile,
        energy_kwh=plan.need.energy_kwh,
        departure=plan.need.departure,
        slots=plan.slots,
        expected_finish=plan.expected_finish,
        currency=plan.currency or "",
        total=_driver_price(context, session, plan, plan.total),
        unplanned=_driver_price(context, session, plan, plan.unplanned),
        valid_until=plan.valid_until,
        reason=plan.reason,
        effective_at=plan.effective_at,
        dearer_by=None if effect is None else rounded(effect, 2),
    )


def _driver_price(context: Context, session: ServiceSession, plan: ChargePlan, total: Price | None) -> Decimal | None:
    if total is None or total.with_taxes is None or plan.currency is None:
        return None
    amount = Amount(before_taxes=total.before_taxes, with_taxes=total.with_taxes)
    energy = session.energy + plan.expected_kwh
    price = with_fees(amount, energy, context.price_list(plan.currency), currency=plan.currency)
    return rounded(price.total.with_taxes, 2)


def _told(answer: PlanAnswer) -> ChargePlan:
    if answer.plan is None:
        raise refused(answer.refusal or PlanRefusal.NOT_POSSIBLE)
    return answer.plan
