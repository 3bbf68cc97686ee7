"""Control totals: how many SDRs, how much energy and money, and the root over their hashes, for a pair and day."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field

from core.model.clearing.merkle import root_of
from core.model.money import CurrencyCode
from core.model.parties import Party

_LARGEST = 9 * 10**14
"""What a store holds as a whole number with four decimals."""


class ControlTotals(BaseModel):
    """Totals of the SDRs of one pair that ended on one local day of their agreement, in one currency.

    energy in kWh, money before taxes; credits count as SDRs and with their negative total, and their energy is not
    counted, as it was not given back.
    """

    model_config = ConfigDict(frozen=True)

    visited: Party
    home: Party
    day: date = Field(ge=date(1000, 1, 1), lt=date(9000, 1, 1))
    currency: CurrencyCode
    count: int = Field(ge=0, lt=10**12)
    energy: Decimal = Field(gt=-_LARGEST, lt=_LARGEST)
    money: Decimal = Field(gt=-_LARGEST, lt=_LARGEST)
    root: str = Field(pattern=r"^[0-9a-f]{64}$")

    def differences(self, other: "ControlTotals") -> tuple[str, ...]:
        """Which figures differ, by name; empty where both have the same SDRs."""
        return tuple(
            name for name in ("count", "energy", "money", "root") if getattr(self, name) != getattr(other, name)
        )


class Counted(BaseModel):
    """What of an SDR goes into a total."""

    model_config = ConfigDict(frozen=True)

    content_hash: str
    energy: Decimal
    money: Decimal


def totals_of(visited: Party, home: Party, day: date, currency: str, sdrs: Iterable[Counted]) -> ControlTotals:
    """The totals of these SDRs."""
    counted = tuple(sdrs)
    return ControlTotals(
        visited=visited,
        home=home,
        day=day,
        currency=currency,
        count=len(counted),
        energy=sum((one.energy for one in counted), Decimal(0)),
        money=sum((one.money for one in counted), Decimal(0)),
        root=root_of(one.content_hash for one in counted),
    )
