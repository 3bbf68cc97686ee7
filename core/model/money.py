"""Money: exact decimals, a price before and with taxes, and rounding that is never implicit.

Amounts are `Decimal` in the main unit of a currency (euro, not cent) and stay unrounded until an agreement says how
they are rounded: neither IEC 63119-2 nor the tariff text of OCPI gives a rounding rule.
"""

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Context, Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

CurrencyCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
"""An ISO 4217 code in capitals."""

ZERO = Decimal(0)
_WIDE = Context(prec=60)


class RoundingMode(StrEnum):
    """Which neighbour an amount is rounded to."""

    HALF_UP = "half_up"
    HALF_EVEN = "half_even"
    DOWN = "down"
    UP = "up"


_DECIMAL_MODES = {
    RoundingMode.HALF_UP: ROUND_HALF_UP,
    RoundingMode.HALF_EVEN: ROUND_HALF_EVEN,
    RoundingMode.DOWN: ROUND_DOWN,
    RoundingMode.UP: ROUND_UP,
}


def rounded(amount: Decimal, decimals: int, mode: RoundingMode = RoundingMode.HALF_UP) -> Decimal:
    """`amount` with exactly `decimals` digits after the point."""
    return amount.quantize(Decimal(1).scaleb(-decimals), rounding=_DECIMAL_MODES[mode], context=_WIDE)


def plain(amount: Decimal, min_decimals: int = 2) -> str:
    """`amount` in digits without exponent or superfluous zeros, with at least `min_decimals` decimals."""
    digits = format(amount.normalize(_WIDE), "f")
    whole, _, fraction = digits.partition(".")
    fraction = fraction.ljust(min_decimals, "0")
    return f"{whole}.{fraction}" if fraction else whole


class Tax(BaseModel):
    """One tax in an amount, as its sender names it; percent and account_number (of who remits it) where it tells."""

    model_config = ConfigDict(frozen=True)

    name: str
    amount: Decimal
    percent: Decimal | None = None
    account_number: str | None = None

    def __neg__(self) -> "Tax":
        return self.model_copy(update={"amount": -self.amount})


class Price(BaseModel):
    """An amount before taxes and, where it is known, with taxes; the two are independent figures.

    taxes: what lies between the two, where its sender tells them one by one.

    `with_taxes` is None where the source gives none: it is never derived from `before_taxes`, because the
    components of a price may bear different rates.
    """

    model_config = ConfigDict(frozen=True)

    before_taxes: Decimal
    with_taxes: Decimal | None = None
    taxes: tuple[Tax, ...] = ()

    def __neg__(self) -> "Price":
        return Price(
            before_taxes=-self.before_taxes,
            with_taxes=None if self.with_taxes is None else -self.with_taxes,
            taxes=tuple(-one for one in self.taxes),
        )


class Amount(BaseModel):
    """An amount of which both figures are known, as every computed price is."""

    model_config = ConfigDict(frozen=True)

    before_taxes: Decimal = ZERO
    with_taxes: Decimal = ZERO

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(
            before_taxes=self.before_taxes + other.before_taxes, with_taxes=self.with_taxes + other.with_taxes
        )

    def __neg__(self) -> "Amount":
        return Amount(before_taxes=-self.before_taxes, with_taxes=-self.with_taxes)

    def rounded(self, decimals: int, mode: RoundingMode = RoundingMode.HALF_UP) -> "Amount":
        """Both figures rounded, each by itself."""
        return Amount(
            before_taxes=rounded(self.before_taxes, decimals, mode),
            with_taxes=rounded(self.with_taxes, decimals, mode),
        )


def total_of(amounts: "list[Amount] | tuple[Amount, ...]") -> Amount:
    """The sum of amounts in one currency; nothing for none."""
    return sum(amounts, Amount())
