"""The app in front of a real network that runs beside the test, in a thread of its own as it does beside Textual."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

import pytest
from textual import events
from textual.keys import _character_to_key
from textual.pilot import Pilot

from app.kiosk import Kiosk, Mode, Standpoint
from app.text import Text
from app.widgets.status_line import Connection
from core.clock import Clock, FixedClock
from core.driver_client import DriverClient
from core.driver_messages import PinIdentification
from core.network import Network
from tests.app.quiet import unfinished, until_holds
from tests.networks import MONDAY_MORNING, until_sites_are_known

T = TypeVar("T")


@pytest.fixture(scope="session")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Beside"]:
    """A network that tests only look at: who charges or marks, takes `own_network`."""
    with Beside(tmp_path_factory.mktemp("beside")).running() as network:
        yield network


@pytest.fixture
def own_network(data: Path) -> Iterator["Beside"]:
    """A network of the test's own, begun from one that has run once."""
    with Beside(data).running() as network:
        yield network


class Beside:
    """A network on a clock that stands still, and the way to let it do something: `run`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ready = threading.Event()
        self.clock = FixedClock(MONDAY_MORNING)
        self.network: Network
        self.failure: BaseException | None = None

    @contextmanager
    def running(self) -> Iterator["Beside"]:
        """Runs until the block is left."""
        thread = threading.Thread(target=lambda: asyncio.run(self._main()), daemon=True)
        thread.start()
        assert self._ready.wait(60) and self.failure is None, self.failure
        yield self
        self._loop.call_soon_threadsafe(self._stop.set)
        thread.join(20)

    async def _main(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        try:
            async with Network.running(self._folder, clock=self.clock) as self.network:
                await until_sites_are_known(self.network)
                self._ready.set()
                await self._stop.wait()
        except Exception as error:  # whatever it is, the test that waits shall say it
            self.failure = error
            self._ready.set()
            raise

    async def run(self, work: Coroutine[None, None, T]) -> T:
        """Do something in the network's own loop."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    async def client(self, *, identified: bool = False) -> DriverClient:
        """A front end's client; with the demo driver identified if wanted."""
        opened = DriverClient(self.network.driver_url, self.network.driver_tls)
        if identified:
            driver = self.network.demo.driver
            await opened.identify(PinIdentification(contract_id=driver.contract, pin=driver.pin))
        return opened

    def kiosk(
        self,
        *,
        mode: Mode = Mode.DRIVER,
        identified: bool = False,
        language: str = "en",
        clock: Clock | None = None,
        connect: Callable[[], Awaitable[DriverClient]] | None = None,
        **more: object,
    ) -> Kiosk:
        """The app at the place of the demo."""
        start = self.network.demo.start
        app = Kiosk(
            connect or (lambda: self.client(identified=identified)),
            Standpoint(start.place, start.latitude, start.longitude, ZoneInfo("Europe/Berlin")),
            mode=mode,
            text=Text(language),
            clock=clock or self.clock,
            **more,
        )
        app.animation_level = "none"
        return app


async def settled(pilot: Pilot) -> None:
    """Wait until every question is answered and shown."""
    app = pilot.app

    def answered() -> bool:
        reached = app._client is not None and (app.live.age is not None or app.live.connection is Connection.LOST)
        return reached and not unfinished(app)

    await until_holds(pilot, answered)


async def until(pilot: Pilot, wanted: Callable[[], object]) -> None:
    """Wait until something holds, and until every question is answered and shown."""
    await until_holds(pilot, wanted)
    await settled(pilot)


_moment = 1000.0


async def press(pilot: Pilot, *keys: str) -> None:
    """Press keys as a person does, and wait for what comes of it."""
    global _moment
    for key in keys:
        _moment += 1.0
        name = _character_to_key(key) if len(key) == 1 and not key.isalnum() else key
        characters = {"enter": "\r", "tab": "\t", "escape": "\x1b", "backspace": "\x7f", "space": " "}
        _post(pilot, name, key if len(key) == 1 else characters.get(key), _moment)
        await pilot.pause()
        await pilot.app.release_held_keys()
    await settled(pilot)


async def type_text(pilot: Pilot, text: str) -> None:
    """Text into the field that has the focus, all at once."""
    pilot.app.post_message(events.Paste(text))
    await settled(pilot)


async def scan(pilot: Pilot, payload: str) -> None:
    """What a scanner or a card reader types: all of it at once, and Enter."""
    global _moment
    _moment += 1.0
    keys: Sequence[str] = [*payload, "\r"]
    for index, character in enumerate(keys):
        name = "enter" if character == "\r" else character
        if len(name) == 1 and not name.isalnum():
            name = _character_to_key(name)
        _post(pilot, name, character, _moment + index * 0.004)
    _moment += 2.0
    await settled(pilot)


def _post(pilot: Pilot, name: str, character: str | None, moment: float) -> None:
    event = events.Key(name, character)
    event.time = moment
    event.set_sender(pilot.app)
    pilot.app.post_message(event)
