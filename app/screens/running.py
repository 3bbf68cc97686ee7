"""Screens from which the sessions that run are one key away: several posts at once are nothing special."""

from collections.abc import Sequence

from textual import on

from app.live import SessionChanged
from app.screens.choice import Choice
from app.screens.page import Page
from app.widgets.running_strip import RunningStrip, session_line
from core.driver_messages import SessionView

_CHOICE_WIDTH = 54


class RunningPage(Page):
    """A page with a strip of running sessions."""

    def strip(self) -> RunningStrip:
        """The strip, for `body`."""
        return RunningStrip(self.text, self.kiosk.live.running())

    def can(self, name: str) -> bool:
        """The way to a session is shown while one runs."""
        return super().can(name) and (name != "to_session" or bool(self.kiosk.live.running()))

    def tick(self) -> None:
        """A reservation's time runs."""
        super().tick()
        for strip in self.query(RunningStrip):
            strip.now = self.kiosk.live.now()

    def show_running(self) -> None:
        """What runs has changed."""
        for strip in self.query(RunningStrip):
            strip.now = self.kiosk.live.now()
            strip.show(self.kiosk.live.running())
        self.refresh_keys()

    def action_to_session(self) -> None:
        """To the session that runs; where there are several, a choice."""
        running = self.kiosk.live.running()
        if len(running) == 1:
            self.kiosk.open_session(running[0].id)
        elif running:
            self._choose(running)

    def _choose(self, running: Sequence[SessionView]) -> None:
        def chosen(index: int | None) -> None:
            if index is not None:
                self.kiosk.open_session(running[index].id)

        lines = [session_line(one, self.text, _CHOICE_WIDTH) for one in running]
        self.app.push_screen(Choice(self.text.say("strip.which"), lines), chosen)

    @on(SessionChanged)
    def _session_changed(self) -> None:
        self.show_running()

    @on(RunningStrip.Chosen)
    def _session_chosen(self, event: RunningStrip.Chosen) -> None:
        self.kiosk.open_session(event.id)

    def on_screen_resume(self) -> None:
        """In front again: what happened meanwhile is shown."""
        self.show_running()
