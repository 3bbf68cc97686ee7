"""Reservation of EV supply equipment (UC3-8): its terms, and what a session makes of it.

The use case's title is the standard's; terms, times and fees are this project's judgement on top of OCPI. A reservation
is the first transaction of a service session: the same credential, or one of its group, turns it into charging.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict

from core.errors import Refused

LONGEST = timedelta(minutes=30)
"""How long equipment is held at most (OCHP advises 30 minutes); what an operator's own terms say goes before it [J]."""


class CancelReason(StrEnum):
    """Why a reservation was given up, as OCPI's bookings tell it."""

    POWER_OUTAGE = "POWER_OUTAGE"
    BROKEN_CHARGER = "BROKEN_CHARGER"
    FULL = "FULL"
    BLOCKED = "BLOCKED"
    TRAFFIC = "TRAFFIC"
    BROKEN_VEHICLE = "BROKEN_VEHICLE"
    NO_CANCELED = "NO_CANCELED"
    """The driver gave no reason."""
    UNKNOWN = "UNKNOWN"


class Canceller(StrEnum):
    """Which side gave a reservation up."""

    HOME_CSP = "home_csp"
    VISITED_CSO = "visited_cso"


class Reservation(BaseModel):
    """The terms of a reservation.

    id: as the home-CSP named it; the station never sees it. start, until: the time for which the equipment is held.
    booked: made beforehand, by the module of bookings. group_id: credentials of this group may use it as well.
    use_requested_at: when the driver asked last to start on it; use_problem: code of what that start ran into.
    reason: why it was given up, message: in the other side's words.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    start: AwareDatetime
    until: AwareDatetime
    booked: bool = False
    group_id: str | None = None
    use_requested_at: AwareDatetime | None = None
    use_problem: str = ""
    cancel_requested_at: AwareDatetime | None = None
    cancel_problem: str = ""
    cancelled_by: Canceller | None = None
    reason: CancelReason | None = None
    message: str = ""

    def overlaps(self, start: datetime, until: datetime) -> bool:
        """Whether the two times have a moment in common; one may begin when the other ends."""
        return self.start < until and start < self.until


def check_time(start: datetime, until: datetime, *, now: datetime, longest: timedelta = LONGEST) -> None:
    """Raises Refused where a reservation would end before it begins, lie in the past, or last too long."""
    if until <= max(start, now):
        raise Refused("a reservation ends after it begins, and not in the past", code="reservation_over")
    if until - start > longest:
        minutes = int(longest.total_seconds() // 60)
        raise Refused(f"equipment is held for {minutes} minutes at most", code="reservation_too_long")
