"""What matching has found, in words: both figures, what the clearing house itself saw, and how heavy it weighs."""

from collections.abc import Callable
from decimal import Decimal

from core.clearing_house.clearing import moment_of
from core.clearing_house.matching import Found
from core.clearing_house.signed_meter import MeterEvidence
from core.model.clearing.discrepancies import Discrepancy, DiscrepancyClass, Severity, discrepancy
from core.model.clearing.terms import ClearingTerms
from core.model.sdr import Sdr

_D = DiscrepancyClass
_SCALE = 4


def worded(found: Found, currency: str = "") -> Discrepancy:
    """A finding of the matching as a discrepancy."""
    return discrepancy(found.kind, _WORDS[found.kind](found, currency))


def meter_discrepancies(sdr: Sdr, evidence: MeterEvidence, terms: ClearingTerms) -> list[Discrepancy]:
    """What the signed readings say against the SDR: no proof (D10), or other energy (D09), which then is exact.

    Where the agreement asks for no signature, a missing one is nothing and a wrong one is looked at by a person.
    """
    found = []
    if evidence.problem and (terms.signed_meter or (sdr.signed_data is not None and evidence.readable)):
        severity = Severity.BLOCK if terms.signed_meter and evidence.readable else Severity.HOLD
        found.append(discrepancy(_D.D10, f"{evidence.problem[0].upper()}{evidence.problem[1:]}.", severity))
    if not evidence.problem and evidence.start is not None and evidence.end is not None:
        measured = evidence.end - evidence.start
        if measured != sdr.total_energy:
            reason = f"The SDR bills {sdr.total_energy} kWh, its signed readings measure {measured} kWh."
            found.append(discrepancy(_D.D09, reason))
    return found


def _seen(found: Found, show: Callable[[int], str]) -> str:
    """What the third witness has to say, where two differ."""
    if found.hub is None or found.ours is None or found.theirs is None:
        return ""
    nearer = "operator" if abs(found.hub - found.ours) < abs(found.hub - found.theirs) else "provider"
    return f" The clearing house saw {show(found.hub)}, nearer to what the {nearer} says."


def _moment(micros: int) -> str:
    return f"{moment_of(micros):%Y-%m-%d %H:%M:%S}Z"


def _kwh(units: int) -> str:
    return f"{Decimal(units).scaleb(-_SCALE)} kWh"


def _money(units: int | None, currency: str) -> str:
    return "nothing" if units is None else f"{Decimal(units).scaleb(-_SCALE)} {currency}"


def _late(one: Found, _: str) -> str:
    days = ((one.ours or 0) - (one.theirs or 0)) // 86_400_000_000
    return f"The SDR came {days} days after the session ended."


def _orphan(one: Found, _: str) -> str:
    seen = "the clearing house saw it" if one.hub else "the clearing house did not see it either"
    candidate = f" {one.other} may be it: same EVSE, overlapping times, like energy." if one.other else ""
    return f"The provider has no such session; {seen}.{candidate}"


def _missing(one: Found, _: str) -> str:
    hours = (one.theirs or 0) // 3_600_000_000
    return f"The session ended on {_moment(one.ours or 0)}, and no SDR has come within {hours} hours."


def _gap(one: Found, _: str) -> str:
    if one.other is None:
        return f"The meter reads {_kwh(one.ours or 0)} at the end and {_kwh(one.theirs or 0)} at the start."
    before = f"the session before, {one.other}, ended with {_kwh(one.theirs or 0)}"
    return f"The meter starts with {_kwh(one.ours or 0)}, but {before}."


def _credit(one: Found, currency: str) -> str:
    if one.theirs is None:
        return "The SDR that it takes back is not known."
    if one.other is not None:
        return f"The SDR has been taken back by {one.other} already."
    return (
        f"It credits {_money(one.ours, currency)}, the SDR bills {_money(one.theirs, currency)}: "
        "not the exact negative in total, currency and payer."
    )


_WORDS: dict[DiscrepancyClass, Callable[[Found, str], str]] = {
    _D.D01: lambda one, _: f"The session is billed by {one.other} already.",
    _D.D02: _orphan,
    _D.D03: _missing,
    _D.D04: _late,
    _D.D05: lambda one, _: f"The session belongs to {one.other}.",
    _D.D06: lambda one, _: f"The session {one.other or ''} was never granted.".replace("  ", " "),
    _D.D07: lambda one, _: (
        f"It started at {_moment(one.ours or 0)}, the credential was revoked at {_moment(one.theirs or 0)}."
    ),
    _D.D08: lambda one, _: (
        f"The operator says {_moment(one.ours or 0)}, the provider {_moment(one.theirs or 0)}." + _seen(one, _moment)
    ),
    _D.D09: lambda one, _: (
        f"The operator says {_kwh(one.ours or 0)}, the provider {_kwh(one.theirs or 0)}." + _seen(one, _kwh)
    ),
    _D.D11: _gap,
    _D.D14: lambda one, currency: (
        f"It bills {_money(one.ours, currency)}, the quote allows {_money(one.theirs, currency)} before taxes."
    ),
    _D.D15: lambda one, currency: f"{currency} is no currency of the agreement.",
    _D.D16: lambda one, _: (
        f"It started at {_moment(one.ours or 0)}, and {one.other} went on until {_moment(one.theirs or 0)}."
    ),
    _D.D17: lambda one, _: f"{_kwh(one.ours or 0)} are more than the {_kwh(one.theirs or 0)} that fit into the time.",
    _D.D20: lambda one, currency: f"It bills {_money(one.theirs, currency)} without any energy.",
    _D.D21: _credit,
    _D.D22: lambda one, _: f"The EVSE was out of order from {_moment(one.ours or 0)} to {_moment(one.theirs or 0)}.",
}
