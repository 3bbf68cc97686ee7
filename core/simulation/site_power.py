"""How a site's power is shared: everyone gets an equal share, and what one does not want goes to the others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Claim:
    """Watts that a charging car wants, and watts below which it cannot charge at all.

    held_back: it wants more than nothing, but a limit of its own leaves it less than the least.
    """

    wanted: int
    least: int
    held_back: bool = False


def share(limit: int | None, claims: Mapping[str, Claim]) -> dict[str, int]:
    """Watts for each claimant; claims come in the order in which their charging started, limit None is no limit.

    Where equal shares would leave someone below the least, the one who came last waits with nothing [J].
    """
    if limit is None:
        return {one: claim.wanted for one, claim in claims.items()}
    admitted = list(claims)
    while admitted:
        shares = _equal_shares(limit, {one: claims[one].wanted for one in admitted})
        if all(shares[one] >= min(claims[one].least, claims[one].wanted) for one in admitted):
            return dict.fromkeys(claims, 0) | shares
        admitted.pop()
    return dict.fromkeys(claims, 0)


def _equal_shares(limit: int, wanted: Mapping[str, int]) -> dict[str, int]:
    shares: dict[str, int] = {}
    left = limit
    in_rising_order: Sequence[str] = sorted(wanted, key=lambda one: wanted[one])
    for waiting, one in zip(range(len(wanted), 0, -1), in_rising_order, strict=True):
        shares[one] = min(wanted[one], left // waiting)
        left -= shares[one]
    return shares
