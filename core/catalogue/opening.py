"""Whether a site is open: the week in its own time zone, exceptional openings, exceptional closings."""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from core.model.sites import Interval, OpeningTimes, WeeklyHours


def is_open(times: OpeningTimes, time_zone: str, moment: datetime) -> bool:
    """Whether the site can be reached at the moment (aware).

    Exceptional closings win over exceptional openings, and both over the week. In a time zone that is not known the
    week cannot be told and counts as closed, and hours that end no later than they begin reach into the next day [J].
    """
    if _within(times.exceptional_closings, moment):
        return False
    if times.always or _within(times.exceptional_openings, moment):
        return True
    zone = _zone(time_zone)
    if zone is None:
        return False
    local = moment.astimezone(zone)
    return any(_covers(hours, local.isoweekday(), local.hour * 60 + local.minute) for hours in times.weekly)


def _covers(hours: WeeklyHours, weekday: int, minute: int) -> bool:
    if hours.begin_minute < hours.end_minute:
        return weekday == hours.weekday and hours.begin_minute <= minute < hours.end_minute
    evening = weekday == hours.weekday and minute >= hours.begin_minute
    morning = weekday == hours.weekday % 7 + 1 and minute < hours.end_minute
    return evening or morning


def _within(intervals: Iterable[Interval], moment: datetime) -> bool:
    return any(one.begin <= moment < one.end for one in intervals)


@lru_cache(maxsize=512)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # not a name, a folder of the database, not in it
        return None
