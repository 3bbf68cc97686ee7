"""What a member makes of a clearing house's word on an SDR: the session that follows, and the payer's own word [J]."""

from datetime import datetime, timedelta

from core.model.clearing.verdict import SdrVerdict
from core.model.clearing.verdicts import UNDECIDED, Outcome
from core.model.sdr_verdicts import VerdictState, VerdictStep

LAST_CHANCE = timedelta(days=1)
"""So long before an accepted SDR stands as approved, its payer declines what it still disputes."""

_STATES = {Outcome.APPROVED: VerdictState.ACCEPTED, Outcome.DECLINED: VerdictState.REJECTED}


def step_of(verdict: SdrVerdict, actor: str) -> VerdictStep | None:
    """The verdict as one between the parties, by which the session moves; None where nothing follows from it yet.

    Accepted is no last word: the payer may still decline. One held for a person is none either.
    """
    disputed = verdict.dispute is not None and verdict.dispute.state in UNDECIDED
    state = VerdictState.DISPUTED if disputed else _STATES.get(verdict.outcome)
    if state is None:
        return None
    codes = tuple(one.kind for one in verdict.discrepancies)
    return VerdictStep(state=state, at=verdict.outcome_at, actor=actor, codes=codes)


def payers_word(verdict: SdrVerdict, ours: VerdictState | None, now: datetime) -> Outcome | None:
    """What a payer whose own verdict on the SDR is `ours` tells the clearing house; None: nothing.

    It approves only what three witnesses have been set side by side for, and lets no deadline approve what it disputes.
    """
    accepted = verdict.outcome is Outcome.ACCEPTED
    if ours is VerdictState.ACCEPTED and accepted:
        return Outcome.APPROVED
    if ours is VerdictState.REJECTED and (accepted or verdict.outcome is Outcome.NEW):
        return Outcome.DECLINED
    overdue = verdict.due_at is not None and verdict.due_at - now <= LAST_CHANCE
    return Outcome.DECLINED if ours is VerdictState.DISPUTED and accepted and overdue else None
