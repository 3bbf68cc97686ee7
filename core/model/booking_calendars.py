"""What can be booked where, and when it is free (UC3-8): locations for bookings and their calendars.

The objects are those of OCPI's module of bookings; that only what a calendar shows is offered is ours [J].
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from core.model.parties import ObjectKey

Times = tuple[datetime, datetime | None]
"""From when until when; None: nobody knows."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class FreeTime(_Value):
    """A time that can be booked; watts."""

    start: AwareDatetime
    until: AwareDatetime
    min_power: Decimal | None = None
    max_power: Decimal | None = None
    green: bool | None = None


class Calendar(_Value):
    """What is free between two moments. increment_minutes: of which a booking lasts a multiple."""

    id: str
    begin: AwareDatetime
    end: AwareDatetime
    increment_minutes: Annotated[int, Field(ge=0, le=366 * 24 * 60)] | None = None
    free: tuple[FreeTime, ...] = ()
    last_updated: AwareDatetime


class BookingLocation(_Value):
    """What a visited-CSO takes bookings for at one of its sites; without calendars it does not tell when.

    evse_uid: the only equipment that it stands for, None where it describes what there is.
    """

    country_code: str
    party_id: str
    id: str
    site_id: str
    evse_uid: str | None = None
    tariff_ids: tuple[str, ...] = ()
    calendars: tuple[Calendar, ...] = ()
    last_updated: AwareDatetime

    @property
    def key(self) -> ObjectKey:
        """Its key on the wire."""
        return ObjectKey(country_code=self.country_code, party_id=self.party_id, id=self.id)

    def is_free(self, start: datetime, until: datetime) -> bool:
        """Whether a booking of this time can be asked for: without calendars always, else as they show it."""
        if not self.calendars:
            return True
        free = sorted(
            (time.start, time.until) for one in self.calendars if _fits(one, start, until) for time in one.free
        )
        return _covered(free, start, until)


def _fits(calendar: Calendar, start: datetime, until: datetime) -> bool:
    return (
        not calendar.increment_minutes or (until - start) % timedelta(minutes=calendar.increment_minutes) == timedelta()
    )


def _covered(free: Sequence[tuple[datetime, datetime]], start: datetime, until: datetime) -> bool:
    """Whether times in order cover a time, one after the other."""
    reached = start
    for begin, end in free:
        if begin <= reached < end:
            reached = end
        if reached >= until:
            return True
    return False


def free_times(begin: datetime, end: datetime, taken: Iterable[Times]) -> tuple[FreeTime, ...]:
    """What is left between two moments when these times are taken."""
    free, reached = [], begin
    for start, until in sorted(taken, key=lambda one: one[0]):
        if reached < min(start, end):
            free.append(FreeTime(start=reached, until=min(start, end)))
        reached = max(reached, end if until is None else until)
    if reached < end:
        free.append(FreeTime(start=reached, until=end))
    return tuple(free)
