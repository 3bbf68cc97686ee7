"""Turns away who fails to authenticate again and again (UC1-1: five failures, with audit)."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

_ALLOWED_FAILURES = 5
_LOCKED_FOR = timedelta(minutes=15)
_REMEMBERED = 10_000


@dataclass
class _Failures:
    count: int
    until: datetime


class LockOut:
    """Failures by source: the name in the client's certificate, else its address. [J] Each process counts its own."""

    def __init__(self) -> None:
        self._sources: OrderedDict[str, _Failures] = OrderedDict()

    def seconds_left(self, source: str, now: datetime) -> int:
        """For how long this source is locked out, 0 if it is not."""
        failures = self._sources.get(source)
        if failures is None or failures.count < _ALLOWED_FAILURES or failures.until <= now:
            return 0
        return int((failures.until - now).total_seconds()) + 1

    def failed(self, source: str, now: datetime) -> bool:
        """Count a failure; True when it is the one that locks the source out."""
        failures = self._sources.pop(source, None)
        if failures is None or failures.until <= now:
            failures = _Failures(0, now)
        failures.count += 1
        failures.until = now + _LOCKED_FOR
        self._sources[source] = failures
        if len(self._sources) > _REMEMBERED:
            self._sources.popitem(last=False)
        return failures.count == _ALLOWED_FAILURES

    def succeeded(self, source: str) -> None:
        """Forget the failures of a source."""
        self._sources.pop(source, None)
