"""The demo clock runs as fast as it is told, and never jumps when it is told otherwise."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from core.clock import DemoClock, pause
from core.tasks import regularly

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def test_another_speed_goes_on_from_the_same_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    wall = 1000.0
    monkeypatch.setattr(time, "time", lambda: wall)
    clock = DemoClock(NOON, speed=60)
    wall += 10
    assert clock.now() == NOON + timedelta(minutes=10)
    clock.run_at(1)
    assert clock.now() == NOON + timedelta(minutes=10)
    wall += 10
    assert clock.now() == NOON + timedelta(minutes=10, seconds=10)
    clock.run_at(60)
    wall += 1
    assert clock.now() == NOON + timedelta(minutes=11, seconds=10)


@pytest.mark.anyio
async def test_a_pause_follows_a_clock_that_changes_its_speed() -> None:
    """Ten seconds of a clock that runs a thousand times as fast are a hundredth of a second."""
    clock = DemoClock(datetime(2026, 6, 1, tzinfo=UTC), speed=1000)
    async with asyncio.timeout(5):
        await pause(clock, timedelta(seconds=10))
    clock.run_at(1)
    assert clock.fastest == 1000


@pytest.mark.anyio
async def test_a_round_that_fails_is_followed_by_another() -> None:
    done = asyncio.Event()
    rounds: list[int] = []

    async def work() -> None:
        rounds.append(len(rounds))
        if len(rounds) == 1:
            raise LookupError("the first round fails")
        done.set()

    clock = DemoClock(datetime(2026, 6, 1, tzinfo=UTC), speed=1000)
    running = asyncio.create_task(regularly(work, timedelta(seconds=10), clock))
    async with asyncio.timeout(5):
        await done.wait()
    running.cancel()
    assert rounds[:2] == [0, 1]
