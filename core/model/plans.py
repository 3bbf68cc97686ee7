"""Charge plans (UC3-7, UC3-10): how much power when, what it costs, and who agreed to it. The form is ours [J].

A plan is a limit, not a target: the vehicle may draw less. It has versions: an offer is version 1, and every update by
the visited-CSO is one more. A version once sent is never changed but for its state and consent.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from core.errors import EvroamError
from core.model.credentials import ChargingPreference
from core.model.money import Price
from core.model.parties import ObjectKey, Party

_LONGEST_SLOT_S = 366 * 24 * 3600


class PlanRule(EvroamError):
    """A step that the state of a plan forbids."""

    code = "plan_rule"


class PlanRefusal(StrEnum):
    """Why there is no plan; the first four are those of OCPI's charging preferences."""

    DEPARTURE_REQUIRED = "DEPARTURE_REQUIRED"
    ENERGY_NEED_REQUIRED = "ENERGY_NEED_REQUIRED"
    NOT_POSSIBLE = "NOT_POSSIBLE"
    PROFILE_TYPE_NOT_SUPPORTED = "PROFILE_TYPE_NOT_SUPPORTED"
    REJECTED = "REJECTED"
    """No right on the session."""
    TOO_OFTEN = "TOO_OFTEN"


class PlanState(StrEnum):
    """Where a version of a plan stands."""

    OFFERED = "OFFERED"
    ACTIVE = "ACTIVE"
    REJECTED = "REJECTED"
    REPLACED = "REPLACED"


class Consent(StrEnum):
    """Whether the driver agreed to a version. An update that costs no more needs none."""

    GIVEN = "GIVEN"
    ASKED = "ASKED"
    REFUSED = "REFUSED"


class UpdateReason(StrEnum):
    """Why the visited-CSO changes a plan."""

    GRID_LIMIT = "GRID_LIMIT"
    SITE_LIMIT = "SITE_LIMIT"
    VEHICLE = "VEHICLE"
    PRICE = "PRICE"
    OUTAGE = "OUTAGE"


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class PlanNeed(_Value):
    """What the driver wants from now on: so many kWh until departure; max_cost before taxes, for the whole session."""

    profile: ChargingPreference
    departure: AwareDatetime | None = None
    energy_kwh: Annotated[Decimal, Field(gt=0)] | None = None
    max_cost: Decimal | None = None
    discharge_allowed: bool = False


class PlanSlot(_Value):
    """A stretch of equal power. price: what it adds to the session's total before taxes, None where no tariff holds."""

    start: AwareDatetime
    duration_s: Annotated[int, Field(gt=0, le=_LONGEST_SLOT_S)]
    max_power_w: Annotated[int, Field(ge=0)]
    expected_kwh: Decimal
    price: Decimal | None = None

    @property
    def end(self) -> datetime:
        """When it is over."""
        return self.start + timedelta(seconds=self.duration_s)


class ChargePlan(_Value):
    """One version of a plan. total: expected of the whole session; unplanned: the same, were there no plan.

    reason, effective_at, price_effect (before taxes): of an update. A plan without slots is a wish that the visited-CSO
    took (charging preferences of plain OCPI): what it makes of it is not told. promised: False where the home-CSP made
    the plan itself and the operator only keeps to its power (a charging profile of plain OCPI): no price is promised.
    An offer of that kind that has the driver's consent waits for the station until valid_until.
    """

    country_code: str
    party_id: str
    id: str
    version: int = 1
    session_id: str
    need: PlanNeed
    slots: tuple[PlanSlot, ...] = ()
    expected_finish: AwareDatetime | None = None
    currency: str | None = None
    total: Price | None = None
    unplanned: Price | None = None
    valid_until: AwareDatetime | None = None
    state: PlanState
    consent: Consent = Consent.ASKED
    reason: UpdateReason | None = None
    effective_at: AwareDatetime | None = None
    price_effect: Decimal | None = None
    promised: bool = True
    last_updated: AwareDatetime

    @property
    def party(self) -> Party:
        """The visited-CSO. Raises InvalidInput."""
        return Party.of(self.country_code, self.party_id)

    @property
    def key(self) -> ObjectKey:
        """Its key on the wire: the session's, which has one plan at a time."""
        return ObjectKey(country_code=self.country_code, party_id=self.party_id, id=self.session_id)

    @property
    def expected_kwh(self) -> Decimal:
        """Of all slots."""
        return sum((one.expected_kwh for one in self.slots), Decimal(0))

    def slot_at(self, moment: datetime) -> PlanSlot | None:
        """The slot that holds now."""
        return next((one for one in self.slots if one.start <= moment < one.end), None)


def newest(plans: Sequence[ChargePlan]) -> ChargePlan | None:
    """The one that matters now of a session's plans: what is on offer, else what is in force, else the last."""
    for state in (PlanState.OFFERED, PlanState.ACTIVE):
        found = next((one for one in reversed(plans) if one.state is state), None)
        if found is not None:
            return found
    return plans[-1] if plans else None


def answered(plan: ChargePlan, *, accepted: bool, at: datetime) -> ChargePlan:
    """The plan after the driver's word; the same word again changes nothing. Raises PlanRule.

    An offer becomes active or rejected. An update is in force already: it tells of a limit that holds anyway, so a no
    is put on record and leaves the driver free to end the session.
    """
    consent = Consent.GIVEN if accepted else Consent.REFUSED
    if plan.consent is consent:
        return plan
    if plan.consent is not Consent.ASKED:
        raise PlanRule("this plan has been answered already", code="plan_answered")
    if plan.state is PlanState.OFFERED:
        if plan.valid_until is not None and plan.valid_until < at:
            raise PlanRule("this offer has expired", code="plan_expired", next_step="Ask for a new one.")
        state = PlanState.ACTIVE if accepted else PlanState.REJECTED
        return plan.model_copy(update={"state": state, "consent": consent, "last_updated": at})
    if plan.state is not PlanState.ACTIVE:
        raise PlanRule("this plan is no longer on offer", code="plan_over")
    return plan.model_copy(update={"consent": consent, "last_updated": at})


def recorded(held: Sequence[ChargePlan], plan: ChargePlan) -> tuple[ChargePlan, ...]:
    """What changes among a session's plans when a version is put on record: those whose place it takes, then itself.

    What is offered takes the place of any other offer, what is in force also that of what was in force before. A
    version that was overtaken on its way by a later one of its plan is on record as replaced, and takes no place.
    """
    if any(one.id == plan.id and one.version > plan.version for one in held):
        return (plan.model_copy(update={"state": PlanState.REPLACED}),)
    gives_way = {PlanState.OFFERED: {PlanState.OFFERED}, PlanState.ACTIVE: {PlanState.OFFERED, PlanState.ACTIVE}}
    replaced = (
        one.model_copy(update={"state": PlanState.REPLACED})
        for one in held
        if one.state in gives_way.get(plan.state, ()) and (one.id, one.version) != (plan.id, plan.version)
    )
    return (*replaced, plan)


def follows(held: ChargePlan | None, update: ChargePlan) -> bool:
    """Whether an update is the next version of what is held; if not, a version was missed."""
    return held is not None and held.id == update.id and update.version == held.version + 1


def with_consent_due(update: ChargePlan) -> ChargePlan:
    """An update as it is received: one that costs more needs the driver's word, another does not."""
    dearer = update.price_effect is not None and update.price_effect > 0
    return update.model_copy(update={"consent": Consent.ASKED if dearer else Consent.GIVEN})
