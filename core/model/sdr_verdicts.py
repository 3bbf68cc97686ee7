"""What a home-CSP says of an SDR (UC3-9): received, accepted, rejected with reasons, disputed; and what follows.

OCPI has no word for it; the exchange is an extension. The states are those of the reconstruction of the use case, the
reasons are the classes of discrepancy of SDR reconciliation (6.4.2), so that both speak of the same thing [J].
"""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from core.model.clearing.discrepancies import DiscrepancyClass
from core.model.parties import ObjectKey
from core.model.session import ServiceSession, SessionState, move


class VerdictState(StrEnum):
    """RECEIVED: kept, not judged (no session of it is known). DISPUTED: a person or a driver has to be satisfied."""

    RECEIVED = "RECEIVED"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    DISPUTED = "DISPUTED"


class VerdictStep(BaseModel):
    """One verdict in the history of an SDR: who said so, why, and a note for people."""

    model_config = ConfigDict(frozen=True)

    state: VerdictState
    at: datetime
    actor: str
    codes: tuple[DiscrepancyClass, ...] = ()
    by_driver: bool = False
    note: str = ""


class SdrVerdict(BaseModel):
    """The verdict on one SDR as it crosses the wire.

    sdr: the issuer's key of it. content_hash: SHA-256 over the canonical JSON that was judged. version: counts verdicts
    on this SDR from 1, so that a late one changes nothing. by_driver: the driver disputes the bill.
    """

    model_config = ConfigDict(frozen=True)

    sdr: ObjectKey
    content_hash: str
    version: int
    state: VerdictState
    codes: tuple[DiscrepancyClass, ...] = ()
    by_driver: bool = False
    note: str = ""
    last_updated: datetime

    @property
    def key(self) -> ObjectKey:
        """The key of the SDR, which is that of its verdict."""
        return self.sdr


_AFTER = {
    VerdictState.ACCEPTED: (SessionState.RECONCILED, {SessionState.RECORDED, SessionState.DISPUTED}),
    VerdictState.REJECTED: (SessionState.DISPUTED, {SessionState.RECORDED}),
    VerdictState.DISPUTED: (SessionState.DISPUTED, {SessionState.RECORDED}),
}


def judged(session: ServiceSession, step: VerdictStep) -> ServiceSession:
    """The session after a verdict on its SDR, at either side; the same one where nothing follows.

    One that is reconciled stays so: a later dispute of its bill ends in a credit and a new SDR.
    """
    to, possible = _AFTER.get(step.state, (None, frozenset()))
    if to is None or session.state not in possible:
        return session
    return move(session, to, at=step.at, actor=step.actor, reason=", ".join(step.codes))
