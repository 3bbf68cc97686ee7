"""Amounts in minor units of ISO 4217, which is what is paid: rounding at the line, and splits that lose nothing."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from core.model.money import rounded

_DECIMALS: Mapping[str, int] = {
    **dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF",
         "XOF", "XPF"), 0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}  # fmt: skip
"""The currencies of ISO 4217's list one that have not two."""


def decimals_of(currency: str) -> int:
    """How many decimals the currency has."""
    return _DECIMALS.get(currency, 2)


def to_minor(amount: Decimal, currency: str) -> int:
    """An amount in minor units, rounded half up (away from zero, so that a credit is the exact negative)."""
    places = decimals_of(currency)
    return int(rounded(amount, places).scaleb(places))


def from_minor(units: int, currency: str) -> Decimal:
    """Minor units as an amount with all its decimals."""
    return Decimal(units).scaleb(-decimals_of(currency))


def split(units: int, weights: Sequence[int]) -> list[int]:
    """A non-negative amount divided in proportion to weights, none negative, by the largest remainder; sums to `units`.

    Equal remainders: the earlier one first. Raises ValueError where there is nothing to divide by.
    """
    whole = sum(weights)
    if units < 0 or whole <= 0 or min(weights) < 0:
        raise ValueError("only a non-negative amount can be split, by weights of which one is positive")
    shares = [units * weight // whole for weight in weights]
    remainders = [units * weight % whole for weight in weights]
    for place in sorted(range(len(weights)), key=lambda at: (-remainders[at], at))[: units - sum(shares)]:
        shares[place] += 1
    return shares
