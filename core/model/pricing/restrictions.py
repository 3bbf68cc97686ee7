"""Whether a tariff element applies in a state: all its restrictions hold, or the first that does not is named."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum

from core.errors import InvalidInput
from core.model.agreements import EqualTimes, PricingOptions, UnknownFlow, WindowDay
from core.model.pricing.slices import Flow, Slice
from core.model.tariffs import Restrictions, Weekday

MIDNIGHT = time(0)


class TimeZoneNeeded(InvalidInput):
    """A tariff depends on the time or date at the site, and the site's time zone is not known."""

    code = "time_zone_needed"


class Unmet(StrEnum):
    """The restriction for which an element does not apply."""

    TIME_OF_DAY = "time_of_day"
    DATE = "date"
    DAY_OF_WEEK = "day_of_week"
    ENERGY = "energy"
    CURRENT = "current"
    POWER = "power"
    DURATION = "duration"


def unmet(restrictions: Restrictions, state: Slice, options: PricingOptions) -> Unmet | None:
    """The first restriction that does not hold, or None where all do; which part of a reservation is not judged here.

    Raises TimeZoneNeeded where the state has no local time and the restrictions need it.
    """
    if restrictions.need_time_zone and (failed := _unmet_in_time(restrictions, _local(state), options)):
        return failed
    if not _within(state.energy_before, restrictions.min_energy_kwh, restrictions.max_energy_kwh):
        return Unmet.ENERGY
    if not _flows(state.current, restrictions.min_current_a, restrictions.max_current_a, options.unknown_flow):
        return Unmet.CURRENT
    if not _flows(state.power, restrictions.min_power_kw, restrictions.max_power_kw, options.unknown_flow):
        return Unmet.POWER
    if not _within(state.elapsed_s, restrictions.min_duration_s, restrictions.max_duration_s):
        return Unmet.DURATION
    return None


def in_daily_window(moment: time, start: time | None, end: time | None, equal: EqualTimes) -> bool:
    """Whether a time of day lies in a window that includes its start, excludes its end and may pass midnight.

    An end of 00:00 is the end of the day.
    """
    begin = start or MIDNIGHT
    if end is None or end == MIDNIGHT:
        return moment >= begin
    if begin == end:
        return equal is EqualTimes.WHOLE_DAY
    if begin < end:
        return begin <= moment < end
    return moment >= begin or moment < end


def _local(state: Slice) -> datetime:
    if state.local is None:
        raise TimeZoneNeeded(
            "The tariff depends on the time or date at the site, and its time zone is not known.",
            next_step="Give the time zone of the site, such as Europe/Amsterdam.",
        )
    return state.local


def _unmet_in_time(restrictions: Restrictions, local: datetime, options: PricingOptions) -> Unmet | None:
    now, start, end = local.time(), restrictions.start_time, restrictions.end_time
    if not in_daily_window(now, start, end, options.equal_times):
        return Unmet.TIME_OF_DAY
    day = _day(local, start, end, options.window_day)
    if (restrictions.start_date and day < restrictions.start_date) or (
        restrictions.end_date and day >= restrictions.end_date
    ):
        return Unmet.DATE
    if restrictions.days_of_week and Weekday.of(day) not in restrictions.days_of_week:
        return Unmet.DAY_OF_WEEK
    return None


def _day(local: datetime, start: time | None, end: time | None, window_day: WindowDay) -> date:
    passes_midnight = start is not None and end is not None and MIDNIGHT < end < start
    if window_day is WindowDay.WINDOW_START and passes_midnight and end is not None and local.time() < end:
        return local.date() - timedelta(days=1)
    return local.date()


def _within(value: Decimal, least: Decimal | int | None, below: Decimal | int | None) -> bool:
    return (least is None or value >= least) and (below is None or value < below)


def _flows(flow: Flow | None, least: Decimal | None, below: Decimal | None, unknown: UnknownFlow) -> bool:
    if least is None and below is None:
        return True
    if flow is None:
        return unknown is UnknownFlow.MET
    return (least is None or flow.low >= least) and (below is None or flow.high < below)
