"""Plug and charge (UC3-3, 8.3.3): a vehicle proves a contract with its contract certificate (ISO 15118).

The use case is the standard's; the codes and the order in which they are found are this project's judgement. OCPI
leaves certificates out.
"""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class CertificateStatus(StrEnum):
    """What is known of a contract certificate; only GOOD may charge."""

    GOOD = "GOOD"
    MALFORMED = "MALFORMED"
    UNTRUSTED = "UNTRUSTED"
    """Its chain does not end at a root that is trusted."""
    EXPIRED = "EXPIRED"
    """Past its end, or before its begin."""
    REVOKED = "REVOKED"
    WRONG_EMAID = "WRONG_EMAID"
    """It names another EMAID than the vehicle said, or one whose check character is wrong."""
    STALE = "STALE"
    """Nobody could say lately whether it is revoked."""
    UNKNOWN = "UNKNOWN"
    """The home-CSP has issued no such certificate for this contract."""


class ContractEvidence(BaseModel):
    """What a vehicle showed: the EMAID that it said, and its chain, leaf first, each certificate as PEM.

    protocol: `ISO15118-2` or `ISO15118-20`.
    """

    model_config = ConfigDict(frozen=True)

    emaid: str
    chain: tuple[str, ...]
    protocol: str = "ISO15118-2"
