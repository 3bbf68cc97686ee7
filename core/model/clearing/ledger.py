"""Double entry: every posting moves units from accounts to accounts and sums to zero in its currency."""

from collections import defaultdict
from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, model_validator

from core.model.money import CurrencyCode
from core.model.parties import Party

SETTLEMENT_ACCOUNT = "settlement"
"""The clearing house's own account, through which all payments go."""


def account_of(party: Party) -> str:
    """The account of a party with the clearing house: positive is what it is to get."""
    return f"party/{party}"


class Line(BaseModel):
    """Minor units to (positive) or from (negative) an account."""

    model_config = ConfigDict(frozen=True)

    account: str
    units: int


class Posting(BaseModel):
    """One booking. `reason` says what it books, and is booked once: a posting with the same reason is the same one."""

    model_config = ConfigDict(frozen=True)

    reason: str
    currency: CurrencyCode
    lines: tuple[Line, ...]

    @model_validator(mode="after")
    def _balanced(self) -> "Posting":
        if len(self.lines) < 2 or sum(line.units for line in self.lines) != 0:
            raise ValueError("a posting has two lines at least, and they sum to zero")
        return self


def transfer(reason: str, currency: str, source: str, target: str, units: int) -> Posting:
    """A posting that moves units from one account to another."""
    return Posting(
        reason=reason, currency=currency, lines=(Line(account=source, units=-units), Line(account=target, units=units))
    )


def balances(postings: Iterable[Posting]) -> dict[tuple[str, str], int]:
    """Minor units by account and currency."""
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for posting in postings:
        for line in posting.lines:
            sums[line.account, posting.currency] += line.units
    return dict(sums)
