"""What becomes of an SDR and of a dispute about it: states, who may move them, and what the clock does [J].

The outcomes follow the flow of OCHP's CDRs (new, accepted, approved or declined, revised, rejected); no clause of the
standard that is public names any.
"""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from core.errors import Refused
from core.model.clearing.discrepancies import Discrepancy, DiscrepancyClass, Severity
from core.model.clearing.terms import Windows


class Outcome(StrEnum):
    """Where an SDR stands. NEW: not judged, or held for a person. REJECTED: its operator gave the claim up."""

    NEW = "new"
    ACCEPTED = "accepted"
    APPROVED = "approved"
    DECLINED = "declined"
    REVISED = "revised"
    REJECTED = "rejected"


NEXT_OUTCOMES: dict[Outcome, frozenset[Outcome]] = {
    Outcome.NEW: frozenset({Outcome.ACCEPTED, Outcome.DECLINED, Outcome.REJECTED}),
    Outcome.ACCEPTED: frozenset({Outcome.NEW, Outcome.APPROVED, Outcome.DECLINED, Outcome.REJECTED}),
    Outcome.APPROVED: frozenset(),
    Outcome.DECLINED: frozenset({Outcome.NEW, Outcome.ACCEPTED, Outcome.REVISED, Outcome.REJECTED}),
    Outcome.REVISED: frozenset(),
    Outcome.REJECTED: frozenset(),
}
"""Declined and accepted ones are judged again while evidence comes in; what is approved is corrected by a credit."""


def moved(outcome: Outcome, to: Outcome) -> Outcome:
    """The next outcome. Raises Refused (wrong_state)."""
    if to is not outcome and to not in NEXT_OUTCOMES[outcome]:
        raise Refused(f"The SDR is {outcome} and cannot become {to}.", code="wrong_state")
    return to


def judged(found: tuple[Discrepancy, ...], released: frozenset[DiscrepancyClass]) -> Outcome:
    """What the discrepancies make of an SDR; released: holds that a person has looked at and lifted."""
    if any(one.severity is Severity.BLOCK for one in found):
        return Outcome.DECLINED
    if any(one.severity is Severity.HOLD and one.kind not in released for one in found):
        return Outcome.NEW
    return Outcome.ACCEPTED


class DisputeState(StrEnum):
    """Where a dispute stands. UPHELD: the payer is right and gets a credit. SPLIT: for a part of it."""

    OPEN = "OPEN"
    RESPONDED = "RESPONDED"
    UPHELD = "UPHELD"
    REJECTED = "REJECTED"
    SPLIT = "SPLIT"
    ESCALATED = "ESCALATED"


UNDECIDED = frozenset({DisputeState.OPEN, DisputeState.RESPONDED, DisputeState.ESCALATED})
"""While it stands so, its SDR is not settled."""

NEXT_DISPUTE_STATES: dict[DisputeState, frozenset[DisputeState]] = {
    DisputeState.OPEN: frozenset(
        {DisputeState.RESPONDED, DisputeState.UPHELD, DisputeState.REJECTED, DisputeState.ESCALATED}
    ),
    DisputeState.RESPONDED: frozenset(
        {DisputeState.UPHELD, DisputeState.REJECTED, DisputeState.SPLIT, DisputeState.ESCALATED}
    ),
    DisputeState.ESCALATED: frozenset({DisputeState.UPHELD, DisputeState.REJECTED, DisputeState.SPLIT}),
    DisputeState.UPHELD: frozenset(),
    DisputeState.REJECTED: frozenset(),
    DisputeState.SPLIT: frozenset(),
}


class Dispute(BaseModel):
    """A dispute about one SDR. claim: what the payer wants back, before taxes; offer: what the operator concedes.

    due_at: when the clock decides by itself; None once decided, and while a person of the clearing house has it.
    """

    model_config = ConfigDict(frozen=True)

    state: DisputeState
    reason: str
    claim: Decimal
    offer: Decimal | None = None
    response: str = ""
    opened_at: datetime
    due_at: datetime | None = None
    decided_at: datetime | None = None
    decided_by: str = ""

    @property
    def credit(self) -> Decimal:
        """What is credited once it is decided, before taxes."""
        match self.state:
            case DisputeState.UPHELD:
                return self.claim
            case DisputeState.SPLIT:
                return self.offer or Decimal(0)
        return Decimal(0)


def opened(reason: str, claim: Decimal, received_at: datetime, now: datetime, windows: Windows) -> Dispute:
    """A new dispute. Raises Refused (window_closed) after the window from the receipt of the SDR."""
    if now > received_at + windows.dispute:
        raise Refused(
            f"The window for disputes closed on {received_at + windows.dispute:%Y-%m-%d}.", code="window_closed"
        )
    return Dispute(state=DisputeState.OPEN, reason=reason, claim=claim, opened_at=now, due_at=now + windows.respond)


def responded(dispute: Dispute, text: str, offer: Decimal | None, now: datetime, windows: Windows) -> Dispute:
    """The operator's answer, with a part that it concedes or without. Raises Refused."""
    if offer is not None and not 0 < offer <= dispute.claim:
        raise Refused("An offer is above zero and at most what is claimed.", code="invalid_offer")
    _require(dispute, DisputeState.RESPONDED)
    return dispute.model_copy(
        update={
            "state": DisputeState.RESPONDED,
            "response": text,
            "offer": offer,
            "due_at": now + windows.decide,
        }
    )


def escalated(dispute: Dispute) -> Dispute:
    """Put before a person of the clearing house; no clock runs. Raises Refused."""
    _require(dispute, DisputeState.ESCALATED)
    return dispute.model_copy(update={"state": DisputeState.ESCALATED, "due_at": None})


def decided(dispute: Dispute, state: DisputeState, by: str, now: datetime, part: Decimal | None = None) -> Dispute:
    """The end of a dispute; part: what a person splits off for the payer. Raises Refused."""
    _require(dispute, state)
    offer = dispute.offer if part is None else part
    if state is DisputeState.SPLIT and (offer is None or not 0 < offer <= dispute.claim):
        raise Refused("To split, a part above zero and at most the claim is needed.", code="invalid_offer")
    return dispute.model_copy(
        update={"state": state, "offer": offer, "due_at": None, "decided_at": now, "decided_by": by}
    )


def at_deadline(dispute: Dispute, now: datetime) -> Dispute:
    """What the clock makes of it: who says nothing in time agrees with the other side."""
    if dispute.due_at is None or now < dispute.due_at:
        return dispute
    if dispute.state is DisputeState.OPEN:
        return decided(dispute, DisputeState.UPHELD, "deadline", now)
    by_offer = DisputeState.SPLIT if dispute.offer else DisputeState.REJECTED
    return decided(dispute, by_offer, "deadline", now)


def _require(dispute: Dispute, to: DisputeState) -> None:
    if to not in NEXT_DISPUTE_STATES[dispute.state]:
        raise Refused(f"The dispute is {dispute.state} and cannot become {to}.", code="wrong_state")
