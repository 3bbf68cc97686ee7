"""Still there? A countdown before everything is erased. Any key or touch stays; the key does nothing else."""

from typing import TYPE_CHECKING, cast

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import ProgressBar, Static

from app.idle import Presence

if TYPE_CHECKING:
    from app.kiosk import Kiosk


class IdleWarning(ModalScreen[None]):
    """Counts down by the app's idle clock."""

    def compose(self) -> ComposeResult:
        """The sentence, a bar, and how to stay."""
        with Vertical(classes="dialogue"):
            yield Static(classes="title", id="left")
            yield ProgressBar(show_percentage=False, show_eta=False)
            yield Static(Content(self._kiosk.text.say("kiosk.idle_stay")), classes="next")

    @property
    def _kiosk(self) -> "Kiosk":
        return cast("Kiosk", self.app)

    def on_mount(self) -> None:
        """Show the first count; sound is the second sense."""
        self.app.bell()
        self.tick()

    def tick(self) -> None:
        """A second has passed."""
        idle, text = self._kiosk.idle, self._kiosk.text
        if idle.presence(self._kiosk.clock) is Presence.HERE or idle.patience is None:
            self.dismiss()
            return
        left = idle.seconds_left(self._kiosk.clock) or 0
        self.query_one("#left", Static).update(
            Content(text.say("kiosk.idle_warning", span=f"{left} {text.say('unit.second')}"))
        )
        self.query_one(ProgressBar).update(total=idle.patience.warning.total_seconds(), progress=left)

    def on_key(self, event: events.Key) -> None:
        """Somebody is here."""
        event.stop()
        self.dismiss()

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Somebody is here."""
        event.stop()
        self.dismiss()
