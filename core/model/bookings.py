"""Bookings: reservations that begin later (UC3-8), as a home-CSP asks for them and the visited-CSO tells them."""

from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict

from core.model.credentials import CredentialReference
from core.model.parties import ObjectKey, Party
from core.model.reservations import Canceller, CancelReason
from core.model.session import ServiceSession, SessionState

AHEAD = timedelta(days=7)
"""How far ahead equipment can be booked [J]."""


class BookingStatus(StrEnum):
    """Where a booking stands; all but the first two are final."""

    PENDING = "PENDING"
    RESERVED = "RESERVED"
    REJECTED = "REJECTED"
    FAILED = "FAILED"
    FULFILLED = "FULFILLED"
    CANCELED = "CANCELED"
    NO_SHOW = "NO_SHOW"
    UNKNOWN = "UNKNOWN"


class BookingWish(BaseModel):
    """What a home-CSP asks for. request_id names the booking in every later change; cancelled: it is given up.

    location_id: what is booked, of that which the visited-CSO publishes for bookings; None where it published nothing.
    """

    model_config = ConfigDict(frozen=True)

    home: Party
    request_id: str
    site_id: str
    location_id: str | None = None
    evse_uid: str | None = None
    credential: CredentialReference | None = None
    start: AwareDatetime
    until: AwareDatetime
    authorization_reference: str
    cancelled: CancelReason | None = None


class Booking(BaseModel):
    """A booking as its visited-CSO tells it."""

    model_config = ConfigDict(frozen=True)

    country_code: str
    party_id: str
    id: str
    wish: BookingWish
    status: BookingStatus
    cancelled_by: Canceller | None = None
    reason: CancelReason | None = None
    tariff_ids: tuple[str, ...] = ()
    last_updated: datetime

    @property
    def key(self) -> ObjectKey:
        """Its key on the wire."""
        return ObjectKey(country_code=self.country_code, party_id=self.party_id, id=self.id)


def status_of(session: ServiceSession) -> BookingStatus:
    """Where the booking stands with which a session began."""
    reached = {one.to_state for one in session.transitions}
    if session.started_at is not None:
        return BookingStatus.FULFILLED
    for state, status in (
        (SessionState.REJECTED, BookingStatus.REJECTED),
        (SessionState.NO_SHOW, BookingStatus.NO_SHOW),
        (SessionState.CANCELLED, BookingStatus.CANCELED),
        (SessionState.RESERVED, BookingStatus.RESERVED),
    ):
        if state in reached:
            return status
    return BookingStatus.PENDING
