"""Screens as stored pictures, and a keyboard whose keys have times.

`snap_screens` stores what an app shows, at every size, as text (to read a change) and as SVG (to see it). After a
change that is meant, look at the pictures and store them with

    python -m pytest tests/app --snapshot-update
"""

import asyncio
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from textual import events
from textual.app import App
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.strip import Strip
from textual.widgets import Input

from app.scan_sink import ScanSink
from core.clock import Clock, FixedClock
from tests.app import quiet

SIZES = ((80, 24), (120, 40))
TYPING = 0.2
"""Seconds between the keys of a person."""
SCANNING = 0.005
"""Seconds between the keys of a scanner."""

quiet.install()

AppFactory = Callable[[Clock], App]


class TextPicture(SingleFileSnapshotExtension):
    """A screen as its characters."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"


class SvgPicture(SingleFileSnapshotExtension):
    """A screen as its colours."""

    _write_mode = WriteMode.TEXT
    file_extension = "svg"


def rendered(app: App) -> list[Strip]:
    """What the app's screen shows, a strip a row."""
    # Textual has no public way to the composed rows but export_screenshot, which gives a picture.
    return app.screen._compositor.render_strips()


def screen_text(app: App) -> str:
    """What the app's screen shows, without colours."""
    return "\n".join(strip.text.rstrip() for strip in rendered(app)) + "\n"


def screen_svg(app: App) -> str:
    """What the app's screen shows, as SVG with no checksum in its names and no font from elsewhere."""
    svg = re.sub(r"@font-face\s*{[^}]*}\s*", "", app.export_screenshot(title="evroam"))
    return re.sub(r"terminal-\d+", "screen", svg)


async def press_keys(pilot: Pilot, keys: Sequence[str], step: float = TYPING, start: float = 1000.0) -> None:
    """Press keys (Textual's names, or single characters) at times of their own, so many seconds apart."""
    for index, key in enumerate(keys):
        name = _character_to_key(key) if len(key) == 1 and not key.isalnum() else key
        event = events.Key(name, key if len(key) == 1 else _CONTROLS.get(key))
        event.time = start + index * step
        event.set_sender(pilot.app)
        pilot.app.post_message(event)
        await pilot.pause()


_CONTROLS = {"enter": "\r", "tab": "\t", "escape": "\x1b", "backspace": "\x7f"}


@pytest.fixture
def fixed_clock() -> FixedClock:
    """A Sunday in November, 14:31 in Mannheim."""
    return FixedClock(datetime(2026, 11, 22, 13, 31, tzinfo=UTC))


@pytest.fixture
def snap_screens(snapshot: SnapshotAssertion, fixed_clock: FixedClock) -> Callable[..., None]:
    """Compare an app's screen with the stored ones: `snap_screens(factory, press=[...], sizes=..., name=...)`.

    factory is called with the fixed clock, once a size. press are keys, pressed as a person does. settle, where given,
    is awaited with the pilot before the picture is taken (to wait for a worker, say).
    """

    async def take(factory: AppFactory, press: Sequence[str], size: tuple[int, int], settle) -> tuple[str, str]:
        app = factory(fixed_clock)
        app.animation_level = "none"
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await press_keys(pilot, press)
            if isinstance(app, ScanSink):
                await app.release_held_keys()
            if settle is not None:
                await settle(pilot)
            await pilot.pause()
            fields = app.screen.query(Input)
            for field in fields:
                field.cursor_blink = False
            if fields:
                await pilot.pause()
            return screen_text(app), screen_svg(app)

    def snap(
        factory: AppFactory,
        press: Sequence[str] = (),
        sizes: Sequence[tuple[int, int]] = SIZES,
        name: str = "screen",
        settle=None,
    ) -> None:
        pictures = {size: asyncio.run(take(factory, press, size, settle)) for size in sizes}
        for (width, height), (text, svg) in pictures.items():
            label = f"{name}-{width}x{height}"
            assert text == snapshot(name=label, extension_class=TextPicture)
            assert svg == snapshot(name=label, extension_class=SvgPicture)

    return snap
