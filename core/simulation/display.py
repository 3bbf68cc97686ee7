"""What a station shows to who stands there: the answer to a card or a code, waited for by the hand that gave it."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass


@dataclass(frozen=True)
class Shown:
    """A word on the display, and whether the light is green."""

    verdict: str
    accepted: bool


class Displays:
    """The displays of all EVSEs, by uid."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[asyncio.Future[Shown]]] = defaultdict(list)
        self._last: dict[str, Shown] = {}

    def last(self, evse_uid: str) -> Shown | None:
        """What was shown last, None where nothing was since the program began."""
        return self._last.get(evse_uid)

    def look(self, evse_uid: str) -> asyncio.Future[Shown]:
        """What will be shown next."""
        coming: asyncio.Future[Shown] = asyncio.get_running_loop().create_future()
        self._waiting[evse_uid].append(coming)
        return coming

    def show(self, evse_uid: str, shown: Shown) -> None:
        """Show it to whoever looks."""
        self._last[evse_uid] = shown
        for one in self._waiting.pop(evse_uid, []):
            if not one.done():
                one.set_result(shown)
