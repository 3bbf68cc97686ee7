"""Netting: gross flows to one bilateral balance a pair, then to one position a party, per currency and never across.

Only payments are netted. Taxes never are: a supplier's invoices stay gross.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from core.model.parties import Party


@dataclass(frozen=True)
class Flow:
    """What a debtor owes a creditor, in minor units; negative where credits outweigh."""

    debtor: Party
    creditor: Party
    currency: str
    units: int


@dataclass(frozen=True)
class Position:
    """What a party is to get (positive) or to pay (negative) in a currency."""

    party: Party
    currency: str
    units: int


def bilateral(flows: Iterable[Flow]) -> list[Flow]:
    """One flow a pair and currency, from the one who owes more; balanced pairs are left out."""
    sums: dict[tuple[str, str, str], int] = defaultdict(int)
    parties: dict[str, Party] = {}
    for flow in flows:
        first, second = sorted((flow.debtor, flow.creditor), key=str)
        parties |= {str(first): first, str(second): second}
        sums[str(first), str(second), flow.currency] += flow.units if flow.debtor == first else -flow.units
    return [
        Flow(parties[first], parties[second], currency, units)
        if units > 0
        else Flow(parties[second], parties[first], currency, -units)
        for (first, second, currency), units in sorted(sums.items())
        if units
    ]


def multilateral(flows: Iterable[Flow]) -> list[Position]:
    """One position a party and currency, by currency and party; zero positions are kept, so that all are told."""
    sums: dict[tuple[str, str], int] = defaultdict(int)
    parties: dict[str, Party] = {}
    for flow in flows:
        parties |= {str(flow.debtor): flow.debtor, str(flow.creditor): flow.creditor}
        sums[flow.currency, str(flow.debtor)] -= flow.units
        sums[flow.currency, str(flow.creditor)] += flow.units
    return [Position(parties[name], currency, units) for (currency, name), units in sorted(sums.items())]
