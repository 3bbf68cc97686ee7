"""Whether a credential that was presented at a station may charge, as a visited-CSO decides it (UC3-1, UC4-1, UC4-2).

Pure: the list of pre-distributed credentials and the answers of home-CSPs come in, a decision goes out. The use cases
are the standard's; the codes and the order of the rules are ours [J], after the practice of OCPI.
"""

from enum import StrEnum

from core.model.credentials import Credential, WhitelistPolicy


class LocalOutcome(StrEnum):
    """What became of an identification at a station; only STARTED and STOPPED are good news."""

    ASKED = "asked"
    STARTED = "started"
    STOPPED = "stopped"
    BLOCKED = "blocked"
    EXPIRED = "expired"
    NO_CREDIT = "no_credit"
    NOT_ALLOWED = "not_allowed"
    """Not at this EVSE, or the home-CSP refuses without saying why."""
    UNKNOWN = "unknown"
    """No home-CSP that we have an agreement with knows the credential."""
    AMBIGUOUS = "ambiguous"
    """Several home-CSPs claim the credential: nobody can say who pays."""
    NO_ANSWER = "no_answer"
    """The home-CSP did not answer in time, and no list may stand in for it."""
    UNREADABLE = "unreadable"
    CERTIFICATE = "certificate"
    """The vehicle's contract certificate is not to be trusted, or is of another contract."""
    LOCKED = "locked"
    """Too many wrong codes at this EVSE."""
    TOO_MANY_SESSIONS = "too_many_sessions"
    OTHER_CREDENTIAL = "other_credential"
    """A session of another credential, of no group with this one, holds the EVSE."""
    RESERVED = "reserved"
    """The EVSE is kept for somebody else."""
    INOPERATIVE = "inoperative"
    STATION_REFUSED = "station_refused"
    TOO_LATE = "too_late"
    """The station reported it so long after that nobody stands there any more."""

    @property
    def is_accepted(self) -> bool:
        """Whether the driver got what was asked for."""
        return self in {LocalOutcome.STARTED, LocalOutcome.STOPPED}


class ListDecision(StrEnum):
    """What the list says by itself."""

    ALLOWED = "allowed"
    BLOCKED = "blocked"
    ASK = "ask"


_STRICTNESS = (WhitelistPolicy.ALWAYS, WhitelistPolicy.ALLOWED, WhitelistPolicy.ALLOWED_OFFLINE, WhitelistPolicy.NEVER)


def stricter(one: WhitelistPolicy, other: WhitelistPolicy) -> WhitelistPolicy:
    """The policy of the two that leaves less to the list."""
    return max(one, other, key=_STRICTNESS.index)


def by_list(credential: Credential, most: WhitelistPolicy) -> ListDecision:
    """Whether the list decides before anybody is asked; `most`: what the identification method leaves to a list.

    ALWAYS and ALLOWED are decided at once: OCPI permits an online request for ALLOWED and does not demand it.
    ALLOWED_OFFLINE and NEVER are asked online also where the list says invalid (whitelist types of OCPI).
    """
    if stricter(credential.whitelist, most) in {WhitelistPolicy.ALLOWED_OFFLINE, WhitelistPolicy.NEVER}:
        return ListDecision.ASK
    return ListDecision.ALLOWED if credential.valid else ListDecision.BLOCKED


def without_answer(credential: Credential | None, most: WhitelistPolicy) -> LocalOutcome | None:
    """Why a credential is refused while its home-CSP does not answer; None where the list lets it charge offline."""
    if credential is None or stricter(credential.whitelist, most) is WhitelistPolicy.NEVER:
        return LocalOutcome.NO_ANSWER
    return None if credential.valid else LocalOutcome.BLOCKED
