"""The ports for charging profiles (UC3-7 and UC3-10 on plain OCPI): set, cleared, asked for; the outcome follows."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from core.endpoint.partner import Partner
from core.model.charging_profiles import ActiveChargingProfile, ChargingProfile


class ProfileAnswer(StrEnum):
    """The immediate answer of the visited-CSO; not what the station says."""

    ACCEPTED = "ACCEPTED"
    NOT_SUPPORTED = "NOT_SUPPORTED"
    REJECTED = "REJECTED"
    TOO_OFTEN = "TOO_OFTEN"
    UNKNOWN_SESSION = "UNKNOWN_SESSION"


class ProfileResult(StrEnum):
    """What the station says, later. UNKNOWN: it has no profile that could be meant."""

    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    UNKNOWN = "UNKNOWN"


class ProfilePurpose(StrEnum):
    """What was asked: names the outcome in our own response_url."""

    SET = "set"
    CLEAR = "clear"
    ACTIVE = "active"


@dataclass(frozen=True)
class ProfileReply:
    """The immediate answer, with the seconds after which the outcome is overdue."""

    answer: ProfileAnswer
    timeout_seconds: int


class ProfileReceiver(Protocol):
    """Takes charging profiles (visited-CSO). Each answers at once and posts the outcome to the response_url."""

    async def set_profile(
        self, partner: Partner, session_id: str, profile: ChargingProfile, response_url: str
    ) -> ProfileReply:
        """A profile in place of any before."""
        ...

    async def clear_profile(self, partner: Partner, session_id: str, response_url: str) -> ProfileReply:
        """The profile that was set is to hold no longer."""
        ...

    async def active_profile(
        self, partner: Partner, session_id: str, duration_s: int, response_url: str
    ) -> ProfileReply:
        """What does the station plan for so long?"""
        ...


class ProfileResultReceiver(Protocol):
    """Takes outcomes and changes (home-CSP); `request_id` is the last part of our own response_url."""

    async def profile_result(
        self,
        partner: Partner,
        purpose: ProfilePurpose,
        request_id: str,
        result: ProfileResult,
        active: ActiveChargingProfile | None,
    ) -> bool:
        """False where this partner was asked no such thing. The same again changes nothing."""
        ...

    async def profile_changed(self, partner: Partner, session_id: str, active: ActiveChargingProfile) -> None:
        """The station plans something else. Raises NotFound for a session that is not ours with this partner."""
        ...
