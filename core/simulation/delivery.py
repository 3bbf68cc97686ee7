"""Reports go to the listeners, and then what they led to is saved: nothing that happened is lost by a sudden end."""

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import structlog

from core.visited_cso.equipment import EquipmentEvent, Listener

_log = structlog.get_logger(__name__)


class StateStore(Protocol):
    """Keeps the text that belongs to a key; what `save` has returned from survives the end of the program."""

    async def load(self, key: str) -> str | None:
        """The text saved last, None if none was."""
        ...

    async def save(self, key: str, json: str) -> None:
        """Keep the text in place of the one before."""
        ...


@dataclass(frozen=True)
class _Parcel:
    events: deque[EquipmentEvent]
    states: Mapping[str, str]


class Delivery:
    """A queue of reports, each parcel with the states to be saved once its events are delivered."""

    def __init__(self, store: StateStore) -> None:
        self._store = store
        self._listeners: list[Listener] = []
        self._parcels: deque[_Parcel] = deque()
        self._turn = asyncio.Lock()
        self._deliverer: asyncio.Task[object] | None = None

    def subscribe(self, listener: Listener) -> None:
        """Hear every event from now on."""
        self._listeners.append(listener)

    def put(self, events: Iterable[EquipmentEvent], states: Mapping[str, str]) -> None:
        """Queue events, and JSON texts by key that are to be saved after them."""
        self._parcels.append(_Parcel(deque(events), states))

    async def flush(self) -> None:
        """Deliver and save all that is queued. What fails stays first in the queue and is tried again next time.

        A listener may act on the equipment, and so come back here: its own events wait for the round under way.
        """
        if self._deliverer is asyncio.current_task():
            return
        async with self._turn:
            self._deliverer = asyncio.current_task()
            try:
                while self._parcels:
                    await self._deliver(self._parcels[0])
                    self._parcels.popleft()
            except Exception:  # noqa: BLE001  a failing listener or store must neither stop the world nor lose events
                _log.exception("a report of the simulated stations is not delivered yet")
            finally:
                self._deliverer = None

    async def _deliver(self, parcel: _Parcel) -> None:
        while parcel.events:
            for listener in self._listeners:
                await listener(parcel.events[0])
            parcel.events.popleft()
        for key, json in parcel.states.items():
            await self._store.save(key, json)
