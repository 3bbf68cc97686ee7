"""A window onto another app that runs beside this one, without a terminal of its own: its screen as it is, live.

Keys that scroll, and the wheel, go through to it; nothing else does.
"""

import asyncio
from contextlib import suppress
from typing import Any

from textual import events
from textual.app import App
from textual.strip import Strip
from textual.widget import Widget

_LOOKS_EVERY_SECONDS = 0.1
_SCROLLING = ("up", "down", "pageup", "pagedown", "home", "end")


class AppWindow(Widget, can_focus=True):
    """Shows `shown` once it is given one, and ends it when it goes itself."""

    DEFAULT_CSS = """
    AppWindow { width: 1fr; height: 1fr; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.shown: App[Any] | None = None
        self._run: asyncio.Task[Any] | None = None
        self._rows: list[Strip] = []

    def open(self, app: App[Any]) -> None:
        """Run an app, as large as the window is."""
        self.shown = app
        app.animation_level = "none"
        size = (self.size.width, self.size.height)
        self._run = asyncio.create_task(app.run_async(headless=True, size=size))
        self.set_interval(_LOOKS_EVERY_SECONDS, self.look)

    def look(self) -> None:
        """Show what the app shows now."""
        rows = self._seen()
        if rows != self._rows:
            self._rows = rows
            self.refresh()

    def picture(self, title: str) -> str | None:
        """What the app shows, as SVG; None while it shows nothing."""
        return self.shown.export_screenshot(title=title) if self.shown is not None and self._seen() else None

    def _seen(self) -> list[Strip]:
        app = self.shown
        if app is None or not app.is_running or not app.screen_stack:
            return []
        # Textual has no public way to the composed rows but a screenshot; its version is pinned.
        return app.screen._compositor.render_strips()

    def render_line(self, y: int) -> Strip:
        """A row of the other app."""
        width = self.size.width
        if y >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        return self._rows[y].adjust_cell_length(width)

    def on_resize(self, event: events.Resize) -> None:
        """The other app has another terminal, too."""
        if self.shown is not None and event.size:
            self.shown.post_message(events.Resize(event.size, event.size, event.size))

    async def on_key(self, event: events.Key) -> None:
        """Scroll the other app."""
        if self.shown is not None and event.key in _SCROLLING:
            event.stop()
            self.shown.post_message(events.Key(event.key, event.character))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll the other app."""
        self._scroll("down", event)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll the other app back."""
        self._scroll("up", event)

    def _scroll(self, key: str, event: events.Event) -> None:
        event.stop()
        if self.shown is not None:
            self.shown.post_message(events.Key(key, None))

    async def close(self) -> None:
        """End the other app."""
        if self.shown is not None and self._run is not None:
            if self.shown.is_running:
                self.shown.call_later(self.shown.exit)
            with suppress(asyncio.CancelledError):
                await self._run
            self.shown = None

    async def on_unmount(self) -> None:
        """It goes with its window."""
        await self.close()
