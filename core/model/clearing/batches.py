"""Batches: what is settled together under one agreement, in one currency, up to one cut-off; and the states of each."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from core.errors import Refused
from core.model.clearing.minor_units import to_minor
from core.model.money import CurrencyCode
from core.model.parties import Party


class BatchState(StrEnum):
    """From OPEN it takes what is approved; from CUT on nothing of it changes but its state."""

    OPEN = "OPEN"
    CUT = "CUT"
    CALCULATED = "CALCULATED"
    CONFIRMED = "CONFIRMED"
    INSTRUCTED = "INSTRUCTED"
    PAID = "PAID"
    PARTIAL = "PARTIAL"
    FAILED = "FAILED"
    CLOSED = "CLOSED"


_S = BatchState
NEXT_BATCH_STATES: dict[BatchState, frozenset[BatchState]] = {
    _S.OPEN: frozenset({_S.CUT}),
    _S.CUT: frozenset({_S.CALCULATED}),
    _S.CALCULATED: frozenset({_S.CONFIRMED}),
    _S.CONFIRMED: frozenset({_S.INSTRUCTED}),
    _S.INSTRUCTED: frozenset({_S.PAID, _S.PARTIAL, _S.FAILED}),
    _S.PARTIAL: frozenset({_S.PAID}),
    _S.FAILED: frozenset({_S.PAID, _S.PARTIAL}),
    _S.PAID: frozenset({_S.CLOSED}),
    _S.CLOSED: frozenset(),
}


def next_state(state: BatchState, to: BatchState) -> BatchState:
    """The state moved to. Raises Refused (wrong_state)."""
    if to is not state and to not in NEXT_BATCH_STATES[state]:
        raise Refused(f"The batch is {state} and cannot become {to}.", code="wrong_state")
    return to


class TaxPart(BaseModel):
    """A base and its tax in minor units. rate: percent; None where the SDR states an amount and no rate."""

    model_config = ConfigDict(frozen=True)

    rate: Decimal | None = None
    base: int
    tax: int


class Obligation(BaseModel):
    """What the debtor owes the creditor for one SDR, or gets back for a credit (negative), in minor units.

    id: the SDR's, or that of a credit that a dispute ended with. original: the SDR that a credit is for. country:
    where the service was given (ISO 3166 alpha-3). energy in kWh.
    """

    model_config = ConfigDict(frozen=True)

    creditor: Party
    debtor: Party
    id: str
    original: str | None = None
    currency: CurrencyCode
    country: str
    ended_at: datetime
    energy: Decimal
    net: int
    gross: int
    taxes: tuple[TaxPart, ...]

    @property
    def tax(self) -> int:
        """Taxes in minor units."""
        return self.gross - self.net


def obligation_amounts(
    before_taxes: Decimal, with_taxes: Decimal | None, rates: Iterable[tuple[Decimal, Decimal, Decimal]], currency: str
) -> tuple[int, int, tuple[TaxPart, ...]]:
    """Net, gross and tax parts of one line, each rounded half up; the parts are taken only where they sum to the tax.

    with_taxes None: no tax is stated, and none is made up. rates: percent, base, tax.
    """
    net = to_minor(before_taxes, currency)
    gross = net if with_taxes is None else to_minor(with_taxes, currency)
    parts = tuple(
        TaxPart(rate=rate, base=to_minor(base, currency), tax=to_minor(tax, currency)) for rate, base, tax in rates
    )
    if not parts or sum(part.tax for part in parts) != gross - net or sum(part.base for part in parts) != net:
        parts = (TaxPart(rate=None, base=net, tax=gross - net),)
    return net, gross, parts


class VatLine(BaseModel):
    """What one supplier invoices in one country at one rate, gross: nothing that it owes others is taken off it."""

    model_config = ConfigDict(frozen=True)

    supplier: Party
    customer: Party
    country: str
    currency: CurrencyCode
    rate: Decimal | None = None
    base: int
    tax: int


def vat_lines(obligations: Iterable[Obligation]) -> list[VatLine]:
    """Taxes by supplier, customer, country and rate."""
    sums: dict[tuple[Party, Party, str, str, Decimal | None], list[int]] = defaultdict(lambda: [0, 0])
    for one in obligations:
        for part in one.taxes:
            sums_of = sums[one.creditor, one.debtor, one.country, one.currency, part.rate]
            sums_of[0] += part.base
            sums_of[1] += part.tax
    found = [
        VatLine(supplier=supplier, customer=customer, country=country, currency=currency, rate=rate, base=base, tax=tax)
        for (supplier, customer, country, currency, rate), (base, tax) in sums.items()
    ]
    return sorted(found, key=_in_order)


def _in_order(one: VatLine) -> tuple[str, str, str, str, Decimal]:
    rate = Decimal(-1) if one.rate is None else one.rate
    return str(one.supplier), str(one.customer), one.country, one.currency, rate
