"""When a public machine takes a driver to have left: the idle clock, a value that is asked and never runs by itself.

The user interface lives on the wall clock (architecture, decision 4), so it is a wall clock that is passed in.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from core.clock import Clock


@dataclass(frozen=True)
class Patience:
    """How long nobody needs to do anything: quiet, and then a warning that counts down."""

    quiet: timedelta
    warning: timedelta


BROWSING = Patience(timedelta(seconds=60), timedelta(seconds=20))
RECEIPT_OR_HANDOVER = Patience(timedelta(seconds=45), timedelta(seconds=20))


class Presence(Enum):
    """What the machine makes of the driver."""

    HERE = "here"
    WARNED = "warned"
    GONE = "gone"


@dataclass(frozen=True)
class IdleClock:
    """Counts from the last touch. Without patience it waits for ever: between "start sent" and its answer.

    GONE is final for this value: a touch that comes after the wipe was due starts nobody else's session again.
    """

    patience: Patience | None
    touched: datetime

    @classmethod
    def begin(cls, clock: Clock, patience: Patience | None = BROWSING) -> "IdleClock":
        """Somebody has just come."""
        return cls(patience, clock.now())

    def touch(self, clock: Clock) -> "IdleClock":
        """Somebody did something: the count starts again, also out of a warning, but not once GONE."""
        return self if self.presence(clock) is Presence.GONE else replace(self, touched=clock.now())

    def with_patience(self, clock: Clock, patience: Patience | None) -> "IdleClock":
        """Another screen, another patience, counted from now; None waits for ever. Not once GONE."""
        return self if self.presence(clock) is Presence.GONE else IdleClock(patience, clock.now())

    def presence(self, clock: Clock) -> Presence:
        """Here, warned or gone. A clock that was set back counts as no time passed."""
        if self.patience is None:
            return Presence.HERE
        idle = clock.now() - self.touched
        if idle < self.patience.quiet:
            return Presence.HERE
        return Presence.WARNED if idle < self.patience.quiet + self.patience.warning else Presence.GONE

    def seconds_left(self, clock: Clock) -> int | None:
        """Seconds until GONE, rounded up so that a countdown ends at 1; None where it waits for ever."""
        if self.patience is None:
            return None
        left = self.touched + self.patience.quiet + self.patience.warning - clock.now()
        return max(0, -(-left // timedelta(seconds=1)))
