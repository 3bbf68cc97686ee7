"""A walk in a thread of its own, so that a user interface never waits for it."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

from core.errors import EvroamError
from core.walks.running import Walking

T = TypeVar("T")

_ENDS_WITHIN_SECONDS = 10.0


class WalkThread:
    """Holds what `begin` begins, until it is stopped; whoever looks on has things done to it by `call`."""

    def __init__(self, begin: Callable[[], AbstractAsyncContextManager[Walking]]) -> None:
        self._begin = begin
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._main, name="evroam-walk", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over: asyncio.Event | None = None
        self._walking: Walking | None = None
        self._error: Exception | None = None

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    async def ready(self) -> Walking:
        """The walk once its network stands. Raises what kept it from standing."""
        await asyncio.to_thread(self._ready.wait)
        if self._error is not None:
            raise self._error
        assert self._walking is not None  # ready without an error
        return self._walking

    async def call(self, work: Callable[[Walking], Awaitable[T]]) -> T:
        """Have something done in the walk's own loop, and wait for it; who stops waiting ends it. Raises as `ready`."""
        begun = await self.ready()
        assert self._loop is not None  # it has begun

        async def done() -> T:
            return await work(begun)

        doing: Coroutine[None, None, T] = done()
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(doing, self._loop))

    def stop(self) -> None:
        """End the walk and wait until its network is down."""
        if not self._thread.is_alive():
            return
        if self._loop is not None and self._over is not None:
            self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(_ENDS_WITHIN_SECONDS)

    def _main(self) -> None:
        try:
            asyncio.run(self._run())
        except (EvroamError, OSError) as error:
            self._error = error
        finally:
            self._ready.set()

    async def _run(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        async with self._begin() as self._walking:
            self._ready.set()
            await self._over.wait()
