"""The idle clock of a public machine: 60 s and a warning of 20 s while browsing, 45 s and 20 s on a receipt."""

from datetime import UTC, datetime

import pytest

from app.idle import BROWSING, RECEIPT_OR_HANDOVER, IdleClock, Patience, Presence
from core.clock import FixedClock


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime(2026, 11, 22, 13, 31, tzinfo=UTC))


@pytest.mark.parametrize(("patience", "quiet"), [(BROWSING, 60), (RECEIPT_OR_HANDOVER, 45)])
def test_quiet_then_warning_then_gone(clock: FixedClock, patience: Patience, quiet: int) -> None:
    idle = IdleClock.begin(clock, patience)
    clock.advance(quiet - 0.5)
    assert idle.presence(clock) is Presence.HERE
    clock.advance(0.5)
    assert (idle.presence(clock), idle.seconds_left(clock)) == (Presence.WARNED, 20)
    clock.advance(19.5)
    assert (idle.presence(clock), idle.seconds_left(clock)) == (Presence.WARNED, 1)
    clock.advance(0.5)
    assert (idle.presence(clock), idle.seconds_left(clock)) == (Presence.GONE, 0)


def test_a_touch_extends_also_out_of_a_warning(clock: FixedClock) -> None:
    idle = IdleClock.begin(clock)
    clock.advance(70)
    idle = idle.touch(clock)
    clock.advance(59)
    assert idle.presence(clock) is Presence.HERE


def test_a_touch_after_the_end_brings_nobody_back(clock: FixedClock) -> None:
    idle = IdleClock.begin(clock)
    clock.advance(80)
    assert idle.touch(clock).presence(clock) is Presence.GONE
    assert idle.with_patience(clock, None).presence(clock) is Presence.GONE


def test_between_start_and_its_answer_it_waits_for_ever(clock: FixedClock) -> None:
    idle = IdleClock.begin(clock).with_patience(clock, None)
    clock.advance(100_000)
    assert (idle.presence(clock), idle.seconds_left(clock)) == (Presence.HERE, None)
    idle = idle.with_patience(clock, RECEIPT_OR_HANDOVER)
    clock.advance(44)
    assert idle.presence(clock) is Presence.HERE


def test_a_clock_set_back_ends_nothing_early(clock: FixedClock) -> None:
    idle = IdleClock.begin(clock)
    clock.advance(-3600)
    assert idle.presence(clock) is Presence.HERE
