"""How often a home-CSP is told of a session while nothing but its meter moves (UC3-6).

That there is dynamic charging information is the standard's; the interval, its bounds and its default are ours [J].
"""

from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

UPDATE_INTERVAL = timedelta(seconds=60)
LONGEST_INTERVAL = timedelta(days=1)


class UpdateSubscription(BaseModel):
    """What a home-CSP asked for and was granted. told_at: the moment of the reading that it was last told."""

    model_config = ConfigDict(frozen=True)

    interval: timedelta
    told_at: datetime | None = None

    def is_due(self, moment: datetime) -> bool:
        """Whether a reading of this moment is to be told."""
        return self.told_at is None or moment - self.told_at >= self.interval


def granted(asked: timedelta, shortest: timedelta) -> timedelta:
    """The interval that is granted: the one asked for, or the shortest that the agreement allows."""
    return max(asked, shortest)
