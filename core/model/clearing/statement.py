"""The statement of a batch: every line gross, the taxes by country and rate, and what is paid after netting."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from core.model.clearing.batches import BatchState, Obligation, VatLine
from core.model.money import CurrencyCode
from core.model.parties import Party


class NettedPayment(BaseModel):
    """What a party pays (negative) or is paid after netting with all others; minor units, and how much is done."""

    model_config = ConfigDict(frozen=True)

    netting_id: str
    party: Party
    currency: CurrencyCode
    units: int
    settled_units: int
    state: str


class Statement(BaseModel):
    """A batch from creditor's and debtor's side alike; amounts in minor units.

    lines: none where a statement is only listed; line_count counts them. held_back: ids of SDRs of this pair that are
    approved and left out because they are disputed. payments: what the two pay and are paid, which nets this batch with
    others; none where it is not netted yet.
    """

    model_config = ConfigDict(frozen=True)

    batch_id: str
    agreement_id: str
    creditor: Party
    debtor: Party
    currency: CurrencyCode
    cut_off: datetime
    time_zone: str
    state: BatchState
    confirm_by: datetime | None = None
    creditor_confirmed_at: datetime | None = None
    debtor_confirmed_at: datetime | None = None
    root: str | None = None
    line_count: int
    lines: tuple[Obligation, ...] = ()
    vat: tuple[VatLine, ...]
    net: int
    gross: int
    held_back: tuple[str, ...] = ()
    payments: tuple[NettedPayment, ...] = ()
