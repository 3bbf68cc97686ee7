"""Charge plans as a driver asks for them and sees them (UC3-7, UC3-10)."""

from datetime import datetime
from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field

from core.driver_messages.base import AskedMoment
from core.model.credentials import ChargingPreference
from core.model.plans import Consent, PlanSlot, PlanState, UpdateReason


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True)


class PlanRequest(_Message):
    """What the driver wants from now on; while an offer is open it is a counter to it."""

    profile: ChargingPreference = ChargingPreference.REGULAR
    energy_kwh: Decimal | None = Field(default=None, gt=0, le=10_000)
    departure: AskedMoment | None = None


class PlanWord(_Message):
    """The driver's word on a version: of an offer yes or no, of an update that costs more likewise."""

    plan_id: str
    version: int
    accept: bool


class PlanView(_Message):
    """A plan as its driver sees it; prices are of the whole session, taxes and fees included.

    promised: False where the home-CSP made the plan and the operator keeps to its power alone: its price is an
    estimate. told: False where the operator took the wish without telling what it makes of it (plain OCPI).
    unplanned: what the session would cost without a plan. reason, effective_at, dearer_by: of an update by the
    operator.
    """

    id: str
    version: int
    state: PlanState
    consent: Consent
    told: bool
    promised: bool = True
    profile: ChargingPreference
    energy_kwh: Decimal | None = None
    departure: datetime | None = None
    slots: tuple[PlanSlot, ...] = ()
    expected_finish: datetime | None = None
    currency: str = ""
    total: Decimal | None = None
    unplanned: Decimal | None = None
    valid_until: datetime | None = None
    reason: UpdateReason | None = None
    effective_at: datetime | None = None
    dearer_by: Decimal | None = None
