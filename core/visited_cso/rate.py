"""How often a partner may ask for what costs work: so many times within a span, counted in memory."""

from collections import deque
from datetime import datetime, timedelta

_MOST_KEYS = 10_000
"""Beyond that, keys that nobody used lately are forgotten."""


class RateLimit:
    """At most so many times within a span, a key each; a restart begins anew."""

    def __init__(self, most: int, within: timedelta) -> None:
        self._most, self._within = most, within
        self._taken: dict[str, deque[datetime]] = {}

    def take(self, key: str, now: datetime) -> bool:
        """Whether it may be done once more now; what may not is not counted."""
        return self.wait(key, now) is None

    def wait(self, key: str, now: datetime) -> timedelta | None:
        """As `take`: None where it may be done, else after which time."""
        if len(self._taken) >= _MOST_KEYS:
            self._taken = {one: taken for one, taken in self._taken.items() if taken and now - taken[-1] < self._within}
        taken = self._taken.setdefault(key, deque())
        while taken and now - taken[0] >= self._within:
            taken.popleft()
        if len(taken) >= self._most:
            return self._within - (now - taken[0])
        taken.append(now)
        return None
