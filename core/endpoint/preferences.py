"""The port for charging preferences (UC3-7 on plain OCPI)."""

from enum import StrEnum
from typing import Protocol

from core.endpoint.partner import Partner
from core.model.plans import PlanNeed


class PreferencesAnswer(StrEnum):
    """What becomes of a driver's preferences: taken, without a promise, or why not."""

    ACCEPTED = "ACCEPTED"
    DEPARTURE_REQUIRED = "DEPARTURE_REQUIRED"
    ENERGY_NEED_REQUIRED = "ENERGY_NEED_REQUIRED"
    NOT_POSSIBLE = "NOT_POSSIBLE"
    PROFILE_TYPE_NOT_SUPPORTED = "PROFILE_TYPE_NOT_SUPPORTED"


class PreferenceReceiver(Protocol):
    """Takes charging preferences (visited-CSO)."""

    async def charging_preferences(self, partner: Partner, session_id: str, need: PlanNeed) -> PreferencesAnswer:
        """Raises NotFound for an unknown session, Rejection (404, 2001) where the EVSE cannot take any."""
        ...
