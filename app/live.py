"""What the app knows live: the driver's sessions, the age of the connection, and the home platform's own time.

Every open screen is told of changes by messages of this module; none of them bubbles.
"""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from datetime import datetime, timedelta

from pydantic import ValidationError
from textual.app import App
from textual.message import Message

from app.widgets.status_line import Connection
from core.clock import Clock
from core.driver_client import DriverClient
from core.driver_messages import DriverEvent, Health, SessionView
from core.errors import EvroamError, NotAllowed
from core.model.receipt import Receipt
from core.model.session import OPEN, SessionState

HEALTH_SECONDS = 5.0
SLOW_AFTER = timedelta(seconds=12)
LOST_AFTER = timedelta(seconds=30)
_FOLLOWED = OPEN | {SessionState.CLOSING}


class SessionChanged(Message, bubble=False):
    """The home platform told a session anew."""

    def __init__(self, view: SessionView) -> None:
        super().__init__()
        self.view = view


class ReceiptArrived(Message, bubble=False):
    """A receipt has come."""

    def __init__(self, receipt: Receipt) -> None:
        super().__init__()
        self.receipt = receipt


class ConnectionChanged(Message, bubble=False):
    """The home platform is reached in another way than before."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self.connection = connection


class LoginEnded(Message, bubble=False):
    """The home platform takes the identification no longer. Goes to the app alone."""


class Live:
    """The latest view of each session by id, and how the home platform is reached.

    A Clock too: `now` is the home platform's time, which in a demo runs faster than the wall clock that is passed in.
    """

    def __init__(self, app: App[None], clock: Clock) -> None:
        self._app = app
        self._clock = clock
        self.sessions: dict[str, SessionView] = {}
        self.health: Health | None = None
        self._health_at: datetime | None = None
        self._heard: datetime | None = None
        self._connection = Connection.SLOW
        self._failing = False

    @property
    def connection(self) -> Connection:
        """How the home platform is reached at present; SLOW before its first word."""
        if self._failing or (self.age is not None and self.age >= LOST_AFTER):
            return Connection.LOST
        return Connection.LIVE if self.age is not None and self.age < SLOW_AFTER else Connection.SLOW

    @property
    def age(self) -> timedelta | None:
        """The time since the home platform's last word, None before the first."""
        return None if self._heard is None else max(timedelta(), self._clock.now() - self._heard)

    @property
    def age_seconds(self) -> float | None:
        """`age` in seconds."""
        return None if self.age is None else self.age.total_seconds()

    @property
    def speed(self) -> float:
        """Seconds of the home platform's clock per second of the wall clock."""
        return 1.0 if self.health is None else self.health.demo_speed

    def now(self) -> datetime:
        """The home platform's time, by its last word on it; the wall clock before the first."""
        wall = self._clock.now()
        if self.health is None or self._health_at is None:
            return wall
        return self.health.at + (wall - self._health_at) * self.speed

    def running(self) -> tuple[SessionView, ...]:
        """The sessions that have not ended, oldest first."""
        found = (one for one in self.sessions.values() if one.state in _FOLLOWED)
        return tuple(sorted(found, key=lambda one: (one.opened_at, one.label, one.id)))

    def forget(self) -> None:
        """Drop all that is personal."""
        self.sessions.clear()

    def heard(self) -> None:
        """The home platform answered just now."""
        self._heard, self._failing = self._clock.now(), False
        self.look()

    def failed(self) -> None:
        """The home platform did not answer."""
        self._failing = True
        self.look()

    def look(self) -> None:
        """Tell every screen where the connection is another than at the last look; call it now and then."""
        now = self.connection
        if now is not self._connection:
            self._connection = now
            self._tell(lambda: ConnectionChanged(now))

    def take(self, view: SessionView) -> None:
        """A session as the home platform tells it; what is older than what is known changes nothing."""
        known = self.sessions.get(view.id)
        if known is None or (view.at >= known.at and view != known):
            self.sessions[view.id] = view
            self._tell(lambda: SessionChanged(view))

    async def watch_health(self, client: DriverClient) -> None:
        """Ask every few seconds whether the home platform is there, without end."""
        while True:
            try:
                self.health = await client.health()
            except EvroamError:
                self.failed()
            else:
                self._health_at = self._clock.now()
                self.heard()
            await asyncio.sleep(HEALTH_SECONDS)

    async def follow(self, client: DriverClient) -> None:
        """Follow the driver's events, without end or until the identification has ended.

        After the first word of a stream that was opened anew all sessions are fetched, so that nothing of what
        happened meanwhile is missing.
        """
        while True:
            try:
                await self._follow(client)
            except NotAllowed:
                self._app.post_message(LoginEnded())
                return
            except (EvroamError, ValidationError):  # a platform that fails, or speaks another version
                self.failed()
            await asyncio.sleep(HEALTH_SECONDS)

    async def _follow(self, client: DriverClient) -> None:
        await self._fetch(client)
        opened_anew = True
        async with aclosing(client.events()) as events:
            async for event in events:
                if event is None:
                    opened_anew = True
                    self.failed()
                    continue
                self.heard()
                self._apply(event)
                if opened_anew:
                    opened_anew = not await self._fetch(client)

    async def _fetch(self, client: DriverClient) -> bool:
        try:
            for view in await client.sessions():
                self.take(view)
        except NotAllowed:
            raise
        except EvroamError:
            return False
        return True

    def _apply(self, event: DriverEvent) -> None:
        if event.session is not None:
            self.take(event.session)
        if event.receipt is not None:
            receipt = event.receipt
            self._tell(lambda: ReceiptArrived(receipt))

    def _tell(self, message: Callable[[], Message]) -> None:
        """One message each for the app and every open screen."""
        for listener in (self._app, *self._app.screen_stack):
            listener.post_message(message())
