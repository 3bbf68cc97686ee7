"""Maintenance and outage notices (UC5-1, 8.5.1): what a visited-CSO announces about its EV supply equipment.

The use case is the standard's; the members and rules below are this project's judgement.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from core.model.parties import ObjectKey, Party
from core.model.sites import LocalisedText, Status


class NoticeKind(StrEnum):
    """What is announced; RESTORED ends the notice of the same id."""

    PLANNED_MAINTENANCE = "PLANNED_MAINTENANCE"
    UNPLANNED_OUTAGE = "UNPLANNED_OUTAGE"
    RESTRICTION = "RESTRICTION"
    RESTORED = "RESTORED"


class NoticeCause(StrEnum):
    """Why."""

    MAINTENANCE = "MAINTENANCE"
    FAULT = "FAULT"
    POWER_SUPPLY = "POWER_SUPPLY"
    COMMUNICATION = "COMMUNICATION"
    CONSTRUCTION = "CONSTRUCTION"
    VANDALISM = "VANDALISM"
    OTHER = "OTHER"


class ReservationImpact(StrEnum):
    """What becomes of reservations that fall into the notice."""

    KEPT = "KEPT"
    CANCELLED = "CANCELLED"


_STATUS = {
    NoticeKind.PLANNED_MAINTENANCE: Status.INOPERATIVE,
    NoticeKind.UNPLANNED_OUTAGE: Status.OUTOFORDER,
}


class Notice(BaseModel):
    """One version of a notice. A change is the next version of the same id; nothing is changed in place.

    site_id None: all that the party operates (its back end); evse_uids empty: the whole site; connector_id: that one of
    the only EVSE that is named. begin inclusive, expected_end exclusive, None where nobody knows. session_ids: the
    visited-CSO's ids of the receiver's own sessions that run there.
    """

    model_config = ConfigDict(frozen=True)

    country_code: str
    party_id: str
    id: str
    version: Annotated[int, Field(ge=1)] = 1
    kind: NoticeKind
    site_id: str | None = None
    evse_uids: tuple[str, ...] = ()
    connector_id: str | None = None
    begin: datetime
    expected_end: datetime | None = None
    cause: NoticeCause = NoticeCause.OTHER
    reservations: ReservationImpact = ReservationImpact.KEPT
    texts: tuple[LocalisedText, ...] = ()
    session_ids: tuple[str, ...] = ()
    last_updated: datetime

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if self.expected_end is not None and self.expected_end <= self.begin:
            raise ValueError("a notice ends after it begins")
        if self.evse_uids and self.site_id is None:
            raise ValueError("equipment is named together with its site")
        if self.connector_id is not None and len(self.evse_uids) != 1:
            raise ValueError("a connector is named together with its only EVSE")
        return self

    @property
    def key(self) -> ObjectKey:
        """The key under which its party keeps it."""
        return ObjectKey(country_code=self.country_code, party_id=self.party_id, id=self.id)

    @property
    def party(self) -> Party:
        """The visited-CSO that announces it. Raises InvalidInput."""
        return Party.of(self.country_code, self.party_id)

    @property
    def ended(self) -> bool:
        """Whether what it announced is over."""
        return self.kind is NoticeKind.RESTORED

    def concerns(self, party: Party, site_id: str, evse_uid: str | None = None) -> bool:
        """Whether it is about this site, or this EVSE of it."""
        if party != self.party or self.site_id not in (None, site_id):
            return False
        return evse_uid is None or not self.evse_uids or evse_uid in self.evse_uids

    def in_force(self, at: datetime) -> bool:
        """Whether what it announces holds at this moment. One whose expected end has passed holds until it is ended."""
        return not self.ended and self.begin <= at

    def over_at(self, at: datetime) -> bool:
        """Whether a driver need not be told of it any more: ended, or its expected end has passed."""
        return self.ended or (self.expected_end is not None and self.expected_end <= at)

    def status_at(self, at: datetime) -> Status | None:
        """The status that it gives the equipment it is about; None where it gives none, as a restriction."""
        if not self.in_force(at) or self.over_at(at) or self.connector_id is not None:
            return None
        return _STATUS.get(self.kind)

    def takes_back(self, party: Party, site_id: str, evse_uid: str, at: datetime) -> bool:
        """Whether it cancels a reservation of this EVSE that needs it at this moment: at its begin, or now if later.

        A notice about one connector takes nothing back: the EVSE may have others. One without an end takes back all
        that begins after it.
        """
        if self.reservations is not ReservationImpact.CANCELLED or self.connector_id is not None:
            return False
        return self.begin <= at and not self.over_at(at) and self.concerns(party, site_id, evse_uid)

    def supersedes(self, other: "Notice") -> bool:
        """Whether it is the newer version of the same notice."""
        return self.key == other.key and self.version > other.version
