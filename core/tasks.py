"""Work that goes on after the answer to whoever asked for it; it ends with the platform."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta

import structlog

from core.clock import Clock, pause

log = structlog.get_logger(__name__)


async def regularly(
    work: Callable[[], Awaitable[object]], every: timedelta, clock: Clock, *, at_once: bool = True
) -> None:
    """Do something now and then on a clock, until cancelled. A round that fails is logged, and the next one comes."""
    if not at_once:
        await pause(clock, every)
    while True:
        try:
            await work()
        except Exception:  # whatever it was: the next round may go well, and nobody else would say so
            log.exception("round_failed", work=getattr(work, "__qualname__", str(work)))
        await pause(clock, every)


class Tasks:
    """Background work of one platform. What fails is logged; what must not be lost stands in the store, not here."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def begin(self, work: Coroutine[None, None, None]) -> None:
        """Run it beside everything else."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)

    async def settled(self) -> None:
        """Wait until nothing runs any more."""
        while self._running:
            await asyncio.gather(*self._running, return_exceptions=True)

    async def end(self) -> None:
        """Stop what still runs."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("background_work_failed", exc_info=error)
