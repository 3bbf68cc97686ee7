"""What the clearing house tells both sides of one SDR: its outcome, what is wrong with it, and its dispute."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from core.model.clearing.discrepancies import Discrepancy
from core.model.clearing.verdicts import Dispute, Outcome
from core.model.parties import Party


class SdrVerdict(BaseModel):
    """Where an SDR stands. due_at: when it stands as approved. matched_with: the payer's record of the session."""

    model_config = ConfigDict(frozen=True)

    issuer: Party
    payer: Party
    id: str
    content_hash: str
    outcome: Outcome
    outcome_at: datetime
    outcome_by: str
    due_at: datetime | None = None
    matched_with: str | None = None
    discrepancies: tuple[Discrepancy, ...] = ()
    remarks: tuple[str, ...] = ()
    dispute: Dispute | None = None
    batch_id: str | None = None


class DisputeAct(StrEnum):
    """What a side does in a dispute. ACCEPT: the payer takes the answer or offer, the operator the claim."""

    OPEN = "OPEN"
    RESPOND = "RESPOND"
    ACCEPT = "ACCEPT"
    ESCALATE = "ESCALATE"


class DisputeMove(BaseModel):
    """One act, with its words. claim, offer: before taxes, in the currency of the SDR."""

    model_config = ConfigDict(frozen=True)

    act: DisputeAct
    text: str = Field(default="", max_length=1000)
    claim: Decimal | None = Field(default=None, gt=0, lt=10**12)
    offer: Decimal | None = Field(default=None, gt=0, lt=10**12)


class VerdictMove(BaseModel):
    """The payer approves or declines, or the operator gives its claim up (rejected)."""

    model_config = ConfigDict(frozen=True)

    outcome: Outcome
