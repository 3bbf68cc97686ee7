"""What a visited-CSO last said of a session (UC3-5, UC3-6): its word, not yet our own state of the session."""

from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from core.model.credentials import CredentialReference, IdentificationMethod
from core.model.meter import ChargingPeriod, DimensionKind
from core.model.money import Price


class ReportedStatus(StrEnum):
    """The partner's word for where the session stands."""

    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    RESERVED = "RESERVED"
    COMPLETED = "COMPLETED"
    INVALID = "INVALID"


class SessionReport(BaseModel):
    """A session as its visited-CSO reports it; (country_code, party_id, id) is its key.

    start: while PENDING, when the session was made; then when it became ACTIVE. energy: kWh so far. evse_uid and
    connector_id are None while a reservation has no EVSE assigned. total_cost None means not told, never free.
    """

    model_config = ConfigDict(frozen=True)

    country_code: str
    party_id: str
    id: str
    start: datetime
    end: datetime | None = None
    energy: Decimal
    credential: CredentialReference
    identification: IdentificationMethod
    authorization_reference: str | None = None
    site_id: str
    evse_uid: str | None
    connector_id: str | None
    meter_id: str | None = None
    currency: str
    periods: tuple[ChargingPeriod, ...] = ()
    total_cost: Price | None = None
    status: ReportedStatus
    last_updated: datetime

    @property
    def measured_at(self) -> datetime:
        """When the energy was read: at the end of the last period where its time tells that, else with the report."""
        if not self.periods:
            return self.last_updated
        last = self.periods[-1]
        hours = sum(last.volume(kind) for kind in _LASTING)
        return min(last.start + timedelta(hours=float(hours)), self.last_updated) if hours else self.last_updated


_LASTING = (DimensionKind.TIME, DimensionKind.PARKING_TIME, DimensionKind.RESERVATION_TIME)
