"""Time is passed in: the wall clock, and the demo clock that can run faster (architecture, decisions 4 and 13)."""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time as an aware datetime in UTC."""

    def now(self) -> datetime:
        """The present moment, aware, UTC."""
        ...

    @property
    def speed(self) -> float:
        """Seconds of this clock per second of the wall clock."""
        ...

    @property
    def fastest(self) -> float:
        """The speed that it may come to run at: what is to hold later must not count on the speed of today."""
        ...


_LOOK_EVERY_SECONDS = 1.0


async def pause(clock: Clock, span: timedelta) -> None:
    """Wait so long on a clock whose speed may change meanwhile."""
    left = span.total_seconds()
    while left > 0:
        speed = clock.speed
        step = min(_LOOK_EVERY_SECONDS, left / speed)
        await asyncio.sleep(step)
        left -= step * speed


class WallClock:
    """The system's clock: wire, TLS, tokens and the user interface live on it."""

    speed = fastest = 1.0

    def now(self) -> datetime:
        """The present moment, aware, UTC."""
        return datetime.now(UTC)


@dataclass
class DemoClock:
    """A clock that runs `speed` times as fast as the wall clock from `origin` on.

    It moves cars, stations, sessions and tariffs of the embedded network.
    """

    origin: datetime
    speed: float = 1.0
    fastest: float = field(init=False)
    _started: float = field(default_factory=lambda: time.time())

    def __post_init__(self) -> None:
        self.fastest = self.speed

    def now(self) -> datetime:
        """The present moment of the demo, aware, UTC."""
        return self.origin + timedelta(seconds=(time.time() - self._started) * self.speed)

    def run_at(self, speed: float) -> None:
        """Go on from this moment at another speed."""
        if speed != self.speed:
            self.origin, self._started, self.speed = self.now(), time.time(), speed
            self.fastest = max(self.fastest, speed)


@dataclass
class FixedClock:
    """A clock that stands still until it is advanced: for tests and for replays."""

    moment: datetime
    speed: float = 1.0
    fastest: float = 1.0

    def now(self) -> datetime:
        """The moment it was set to."""
        return self.moment

    def advance(self, seconds: float) -> None:
        """Move the clock on by so many seconds."""
        self.moment += timedelta(seconds=seconds)
