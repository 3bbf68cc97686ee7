"""Bodies of the admin API of a clearing house for reconciliation and settlement (6.4.2, 6.4.3)."""

from datetime import date
from decimal import Decimal

from pydantic import Field

from core.admin_messages import AdminMessage
from core.model.clearing.batches import BatchState
from core.model.clearing.discrepancies import Discrepancy
from core.model.clearing.statement import NettedPayment, Statement
from core.model.clearing.terms import ClearingTerms
from core.model.clearing.totals import ControlTotals
from core.model.clearing.verdicts import Dispute, DisputeState, Outcome
from core.model.parties import ObjectKey, Party

MOST_SHOWN = 500
"""SDRs and sessions that a report names; it counts all."""


class ReconcileRequest(AdminMessage):
    """Judge what is not final: SDRs that ended on this local day of their agreement, or all."""

    day: date | None = None


class JudgedSdr(AdminMessage):
    """An SDR of which something is to be told: findings, or a remark."""

    sdr: str
    outcome: Outcome
    discrepancies: tuple[Discrepancy, ...]
    remarks: tuple[str, ...]


class MissingSdr(AdminMessage):
    """A session that has no SDR."""

    session: str
    discrepancy: Discrepancy


class ComparedTotals(AdminMessage):
    """Our control totals; where a side has reported its own, which figures differ."""

    totals: ControlTotals
    reported_by: Party | None = None
    differences: tuple[str, ...] = ()


class ReconcileReport(AdminMessage):
    """What a run came to. matched: SDRs by the number of the key that matched them; outcomes: how many stand how."""

    judged: int
    matched: dict[int, int]
    outcomes: dict[Outcome, int]
    sdrs: tuple[JudgedSdr, ...]
    missing: tuple[MissingSdr, ...]
    missing_count: int
    approved: tuple[str, ...]
    totals: tuple[ComparedTotals, ...]


class ReleaseRequest(AdminMessage):
    """A person has looked at an SDR: what holds it now holds it no longer."""

    sdr: ObjectKey


class RuleRequest(AdminMessage):
    """A person decides a dispute; part: what a SPLIT gives back, before taxes."""

    sdr: ObjectKey
    state: DisputeState
    part: Decimal | None = Field(default=None, gt=0)


class RuledDispute(AdminMessage):
    """A dispute as it was decided."""

    sdr: ObjectKey
    dispute: Dispute


class Released(AdminMessage):
    """What was lifted."""

    sdr: ObjectKey
    kinds: tuple[str, ...]


class SettleRequest(AdminMessage):
    """Take every step that is due; cut_off: cut-offs after the beginning of this local day wait."""

    cut_off: date | None = None


class BatchStep(AdminMessage):
    """A batch that a run moved."""

    batch: str
    state: BatchState


class Balance(AdminMessage):
    """What stands on an account of the ledger, minor units."""

    account: str
    currency: str
    units: int


class SettleReport(AdminMessage):
    """What a run did, and how all open batches, payments and accounts stand after it."""

    approved: tuple[str, ...]
    decided: tuple[str, ...]
    moved: tuple[BatchStep, ...]
    batches: tuple[Statement, ...]
    payments: tuple[NettedPayment, ...]
    balances: tuple[Balance, ...]


class FundsRequest(AdminMessage):
    """A bank line: a debtor's funds for a netting, in the main unit; the reference counts once."""

    netting_id: str = Field(min_length=1, max_length=64)
    party: Party
    amount: Decimal = Field(gt=0, lt=10**12)
    reference: str = Field(min_length=1, max_length=100)


class FailedRequest(AdminMessage):
    """A debtor does not pay the rest of what it owes in a netting."""

    netting_id: str = Field(min_length=1, max_length=64)
    party: Party


class FundsView(AdminMessage):
    """What the batches of a netting have become; None while other funds are awaited."""

    netting_id: str
    state: BatchState | None
    payments: tuple[NettedPayment, ...]


class TermsList(AdminMessage):
    """The terms of every pair."""

    terms: tuple[ClearingTerms, ...]
