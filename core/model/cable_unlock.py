"""Emergency cable unlocking (UC5-2 and UC5-3, clauses 8.5.2 and 8.5.3): asked by a driver, released by a person.

The use cases are the standard's; who may release, the proofs, limits and codes are this project's judgement. OCPI lets
nobody but an operator at a help desk unlock a connector (ocpi UNLOCK_CONNECTOR), and so does this.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from core.errors import Refused
from core.model.parties import ObjectKey
from core.model.session import ServiceSession, SessionState

ATTEMPT_COUNTS_FOR = timedelta(minutes=15)
"""How long after its end a session, or an attempt that failed, is a proof of who stands at the post [J]."""

MOST_A_DAY = 3
"""How many emergency unlocks one contract may ask for within a day [J]."""


class UnlockCase(StrEnum):
    """Which of the two use cases: with a session, or after an activation that failed."""

    ACTIVATED = "UC5-2"
    ACTIVATION_FAILED = "UC5-3"


class UnlockState(StrEnum):
    """Where a request stands. RELEASED: a person of the home-CSP has let it go to the visited-CSO."""

    REQUESTED = "REQUESTED"
    RELEASED = "RELEASED"
    UNLOCKED = "UNLOCKED"
    REFUSED = "REFUSED"
    UNSAFE = "UNSAFE"
    FAILED = "FAILED"


_NEXT = {
    UnlockState.REQUESTED: {UnlockState.RELEASED, UnlockState.REFUSED},
    UnlockState.RELEASED: {UnlockState.UNLOCKED, UnlockState.REFUSED, UnlockState.UNSAFE, UnlockState.FAILED},
}


class UnlockCode(StrEnum):
    """Why an unlock did not come about."""

    NOT_AGREED = "NOT_AGREED"
    NOT_PARTY = "NOT_PARTY"
    NOT_VERIFIED = "NOT_VERIFIED"
    UNKNOWN_CONNECTOR = "UNKNOWN_CONNECTOR"
    NO_LOCK = "NO_LOCK"
    NO_MATCHING_ATTEMPT = "NO_MATCHING_ATTEMPT"
    TOO_OLD = "TOO_OLD"
    IN_USE_BY_ANOTHER = "IN_USE_BY_ANOTHER"
    TOO_OFTEN = "TOO_OFTEN"
    CURRENT_FLOWS = "CURRENT_FLOWS"
    STATION_SILENT = "STATION_SILENT"
    LOCK_BROKEN = "LOCK_BROKEN"
    UNREACHABLE = "UNREACHABLE"
    DESK = "DESK"
    """The person at the help desk of the home-CSP said no."""


class UnlockStep(BaseModel):
    """One step of the incident record: who, when, to what, why."""

    model_config = ConfigDict(frozen=True)

    state: UnlockState
    at: datetime
    actor: str
    code: UnlockCode | None = None
    note: str = ""


class EmergencyUnlock(BaseModel):
    """A request with its incident record, the same on both sides.

    session_id: the home-CSP's own session or failed attempt (at the visited-CSO its own, None for an attempt of which
    it kept no session). reference: the authorisation reference of session or attempt. agent: who released it.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    case: UnlockCase
    site: ObjectKey
    evse_uid: str
    connector_id: str
    reference: str | None
    session_id: str | None = None
    visited_session_id: str | None = None
    contract_id: str | None = None
    reason: str = ""
    requested_at: datetime
    agent: str = ""
    user_verified: bool = False
    safety_confirmed: bool = False
    state: UnlockState = UnlockState.REQUESTED
    code: UnlockCode | None = None
    steps: tuple[UnlockStep, ...] = ()

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes of it."""
        return self.state not in _NEXT


def advance(
    unlock: EmergencyUnlock,
    to: UnlockState,
    *,
    at: datetime,
    actor: str,
    code: UnlockCode | None = None,
    note: str = "",
) -> EmergencyUnlock:
    """The request in its next state, the step on record. Raises Refused (unlock_over) where there is no such step."""
    if to not in _NEXT.get(unlock.state, set()):
        raise Refused(f"This emergency unlock is {unlock.state.lower()} already.", code="unlock_over")
    step = UnlockStep(state=to, at=at, actor=actor, code=code, note=note)
    return unlock.model_copy(update={"state": to, "code": code, "steps": (*unlock.steps, step)})


def case_of(session: ServiceSession, at: datetime) -> UnlockCase | None:
    """Which case a session or failed attempt proves at this moment; None where it proves nothing (any more).

    A reservation that came to nothing is no attempt to start: no cable was to be plugged in for it.
    """
    unused = session.reservation is not None and session.reservation.use_requested_at is None
    if unused and session.state in {SessionState.UNCONFIRMED, SessionState.REJECTED}:
        return None
    match session.state:
        case SessionState.AUTHORISED | SessionState.ACTIVE | SessionState.SUSPECT:
            return UnlockCase.ACTIVATED
        case SessionState.UNCONFIRMED:
            return UnlockCase.ACTIVATION_FAILED
        case SessionState.AUTHORISING | SessionState.RESERVED | SessionState.CANCELLED | SessionState.NO_SHOW:
            return None
    if at - (session.ended_at or session.opened_at) > ATTEMPT_COUNTS_FOR:
        return None
    failed = session.state in {SessionState.REJECTED, SessionState.EXPIRED}
    return UnlockCase.ACTIVATION_FAILED if failed else UnlockCase.ACTIVATED
