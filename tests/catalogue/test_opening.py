"""Opening hours, with the cases of the OCPI 2.2.1 text (mod_locations, Hours and its examples)."""

from datetime import UTC, datetime

from core.catalogue.opening import is_open
from core.model.sites import Interval, OpeningTimes, WeeklyHours


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


# Monday to Friday 08:00 to 20:00; open on Saturday 21 June 2014 from 09:00 to 12:00, closed all of Tuesday the 24th.
SUMMER = OpeningTimes(
    always=False,
    weekly=tuple(WeeklyHours(weekday=day, begin_minute=480, end_minute=1200) for day in range(1, 6)),
    exceptional_openings=(Interval(begin=utc(2014, 6, 21, 7), end=utc(2014, 6, 21, 10)),),
    exceptional_closings=(Interval(begin=utc(2014, 6, 23, 22), end=utc(2014, 6, 24, 22)),),
)


def berlin(day: int, hour: int, minute: int = 0) -> bool:
    """Open at this local time (UTC+2) of June 2014?"""
    return is_open(SUMMER, "Europe/Berlin", utc(2014, 6, day, hour - 2, minute))


def test_the_week_with_its_exceptions():
    assert [berlin(day, 13) for day in (16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 28)] == [
        True, True, True, True, True, False, False, True, False, True, False,
    ]  # fmt: skip
    assert [berlin(16, 7, 59), berlin(16, 8), berlin(16, 19, 59), berlin(16, 20)] == [False, True, True, False]
    assert [berlin(21, 8, 59), berlin(21, 9), berlin(21, 12)] == [False, True, False]


def test_always_but_for_a_closing():
    closing = Interval(begin=utc(2018, 12, 25, 3), end=utc(2018, 12, 25, 5))
    times = OpeningTimes(always=True, exceptional_closings=(closing,))
    assert [is_open(times, "Europe/Berlin", utc(2018, 12, 25, hour)) for hour in (2, 3, 4, 5)] == [
        True,
        False,
        False,
        True,
    ]


def test_a_closing_wins_over_an_opening():
    span = Interval(begin=utc(2026, 1, 1), end=utc(2026, 1, 2))
    times = OpeningTimes(always=False, exceptional_openings=(span,), exceptional_closings=(span,))
    assert not is_open(times, "UTC", utc(2026, 1, 1, 12))


def test_hours_past_midnight_reach_into_the_next_day():
    times = OpeningTimes(always=False, weekly=(WeeklyHours(weekday=7, begin_minute=1320, end_minute=120),))
    # Sunday 7 June 2026, 22:00 to Monday 02:00
    assert [is_open(times, "UTC", utc(2026, 6, day, hour)) for day, hour in ((7, 1), (7, 22), (8, 1), (8, 2))] == [
        False, True, True, False,
    ]  # fmt: skip


def test_the_time_zone_follows_the_law_of_the_place():
    times = OpeningTimes(
        always=False, weekly=tuple(WeeklyHours(weekday=day, begin_minute=480, end_minute=540) for day in range(1, 8))
    )
    assert is_open(times, "Europe/Berlin", utc(2026, 1, 5, 7, 30))
    assert is_open(times, "Europe/Berlin", utc(2026, 7, 6, 6, 30))
    assert not is_open(times, "Europe/Berlin", utc(2026, 7, 6, 7, 30))


def test_in_an_unknown_time_zone_the_week_cannot_be_told():
    for name in ("Mars/Olympus", "", "../../etc/passwd", "Europe", "\0"):
        assert not is_open(SUMMER, name, utc(2014, 6, 16, 12))
