"""When an app under test has nothing more to do, known from its messages and workers instead of guessed by sleeping.

Textual's own `Pilot.pause` sleeps until the process uses little CPU time, which a network in another thread never lets
happen, and which a busy machine feigns. `activity` hears every message that an app of this process handles.
"""

import asyncio
from collections.abc import Callable

from textual._context import message_hook
from textual.app import App
from textual.message import Message
from textual.pilot import Pilot
from textual.worker import Worker

WITHOUT_END = {"work", "events"}
"""Groups of workers that run as long as the app does."""

_A_SHORT_WORK = 0.25
"""Seconds that a pause waits for workers at most: a test may hold one up on purpose."""


class Activity:
    """Counts the messages that apps handle, and wakes who waits for the next."""

    def __init__(self) -> None:
        self.count = 0
        self._news: set[asyncio.Event] = set()

    def heard(self, _message: Message) -> None:
        """A message is being handled."""
        self.count += 1
        for news in self._news:
            news.set()

    async def after(self, count: int) -> None:
        """Wait until more than so many messages were handled."""
        news = asyncio.Event()
        self._news.add(news)
        try:
            while self.count <= count:
                news.clear()
                await news.wait()
        finally:
            self._news.discard(news)


activity = Activity()


def install() -> None:
    """Hear the messages of every app that is begun from here on, and let every pilot's pause know instead of guess."""
    message_hook.set(activity.heard)
    Pilot.pause = _pause


async def _pause(pilot: Pilot, _delay: float | None = None) -> None:
    """Wait until the app has handled what was sent to it and what came of that; no delay is slept."""
    await handled(pilot)
    if work := unfinished(pilot.app):
        await asyncio.wait([asyncio.ensure_future(_ended(one)) for one in work], timeout=_A_SHORT_WORK)
        await handled(pilot)


async def handled(pilot: Pilot) -> None:
    """Wait until every message is handled, also those that came of the messages, and all is painted."""
    while pilot.app.is_running:
        before = activity.count
        own = await _round(pilot.app)
        pilot.app.screen._on_timer_update()
        if activity.count - before <= own:
            return


def unfinished(app: App) -> list[Worker]:
    """The workers that will end and have not yet."""
    return [one for one in app.workers if one.group not in WITHOUT_END and not one.is_finished]


async def _ended(worker: Worker) -> None:
    await asyncio.gather(worker.wait(), return_exceptions=True)


async def _round(app: App) -> int:
    """Wait until everybody in the app has handled what is in their queue; how many they are."""
    left, passed = 0, asyncio.Event()

    def one_less() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            passed.set()

    everybody = [app, *(pump for screen in app.screen_stack for pump in screen.walk_children(with_self=True))]
    asked = sum(pump.call_later(one_less) for pump in everybody)
    left += asked
    if left:
        waiting = [asyncio.ensure_future(passed.wait()), asyncio.ensure_future(app._exception_event.wait())]
        await asyncio.wait(waiting, timeout=30, return_when=asyncio.FIRST_COMPLETED)
        for one in waiting:
            one.cancel()
    return asked


async def until_holds(pilot: Pilot, wanted: Callable[[], object], within: float = 60.0) -> None:
    """Wait until something holds, looking again whenever the app has handled a message. Raises TimeoutError."""
    async with asyncio.timeout(within):
        while True:
            await pilot.pause()
            if not wanted():
                await activity.after(activity.count)
                continue
            await handled(pilot)  # what a worker said with its last breath
            if wanted():
                return
