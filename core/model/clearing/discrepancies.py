"""The classes of discrepancy between witnesses of one session, how heavy each weighs, and what to do about it [J]."""

from dataclasses import dataclass
from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Severity(StrEnum):
    """BLOCK: the SDR is declined. HOLD: a person decides. NOTE: it is written down and stands."""

    BLOCK = "BLOCK"
    HOLD = "HOLD"
    NOTE = "NOTE"


class DiscrepancyClass(StrEnum):
    """What may be wrong with an SDR, or with a session that has none (D03)."""

    D01 = "D01"
    D02 = "D02"
    D03 = "D03"
    D04 = "D04"
    D05 = "D05"
    D06 = "D06"
    D07 = "D07"
    D08 = "D08"
    D09 = "D09"
    D10 = "D10"
    D11 = "D11"
    D12 = "D12"
    D13 = "D13"
    D14 = "D14"
    D15 = "D15"
    D16 = "D16"
    D17 = "D17"
    D18 = "D18"
    D19 = "D19"
    D20 = "D20"
    D21 = "D21"
    D22 = "D22"


@dataclass(frozen=True)
class Meaning:
    """A class in words: what it is called, its weight, and who does what next."""

    title: str
    severity: Severity
    next_step: str


_D = DiscrepancyClass
_B, _H, _N = Severity.BLOCK, Severity.HOLD, Severity.NOTE
MEANINGS: dict[DiscrepancyClass, Meaning] = {
    _D.D01: Meaning("duplicate", _B, "The operator credits one of the two SDRs or gives this one up."),
    _D.D02: Meaning("SDR without session", _H, "The provider looks for the session; a person pairs or declines it."),
    _D.D03: Meaning("session without SDR", _H, "The operator sends the SDR or says that nothing is billed."),
    _D.D04: Meaning("late", _N, "The operator sends SDRs sooner."),
    _D.D05: Meaning("wrong payer", _B, "The operator sends the SDR to the provider that holds the session."),
    _D.D06: Meaning("not authorised", _B, "The operator shows the authorisation or gives the claim up."),
    _D.D07: Meaning("credential revoked", _H, "A person sets the start beside the moment of revocation."),
    _D.D08: Meaning("times differ", _H, "Both sides check their clocks; a person decides."),
    _D.D09: Meaning("energy differs", _H, "The operator shows the meter's readings; a person decides."),
    _D.D10: Meaning("meter signature missing or invalid", _B, "The operator sends signed readings that verify."),
    _D.D11: Meaning("meter not continuous", _H, "The operator explains the meter's readings."),
    _D.D12: Meaning("tariff unknown or not in force", _H, "The operator shows the tariff that was in force."),
    _D.D13: Meaning("price differs from its tariff", _H, "The operator corrects the price by credit and new SDR."),
    _D.D14: Meaning("quote exceeded", _H, "The operator keeps to its quote by credit and new SDR."),
    _D.D15: Meaning("currency or tax wrong", _B, "The operator bills in an agreed currency, with taxes that add up."),
    _D.D16: Meaning("overlaps another session", _H, "The operator says which of the two took place."),
    _D.D17: Meaning("physically impossible", _H, "The operator checks meter and times."),
    _D.D18: Meaning("identifier invalid", _B, "The operator corrects the identifier in a new SDR."),
    _D.D19: Meaning("parking or reservation fee against the terms", _H, "The operator takes the fee back."),
    _D.D20: Meaning("charged without energy", _N, "The provider may dispute it within the window."),
    _D.D21: Meaning("credit that fits no SDR", _B, "The operator sends a credit of the exact negative total."),
    _D.D22: Meaning("charged during an outage", _H, "The operator takes back what fell into the outage."),
}
"""Severities of D03, D07, D12, D19 and D22 are ours as all the others, and stand in no source."""


class Discrepancy(BaseModel):
    """One thing that is wrong, in words for a person."""

    model_config = ConfigDict(frozen=True)

    kind: DiscrepancyClass
    severity: Severity
    reason: str
    next_step: str


def discrepancy(kind: DiscrepancyClass, reason: str, severity: Severity | None = None) -> Discrepancy:
    """A discrepancy with the weight and next step of its class, unless the agreement gives it another weight."""
    meaning = MEANINGS[kind]
    return Discrepancy(kind=kind, severity=severity or meaning.severity, reason=reason, next_step=meaning.next_step)
