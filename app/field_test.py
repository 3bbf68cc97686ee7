"""The app with nothing but a walk in it: who leaves the walk leaves the app."""

from app.kiosk import Kiosk, Standpoint
from app.text import Text
from app.walk_values import Guide


class FieldTest(Kiosk):
    """Opens one walk over its own network: the home platform of the status line is the one that is walked."""

    def __init__(self, guide: Guide, standpoint: Standpoint, *, text: Text | None = None, dark: bool = True) -> None:
        super().__init__(guide.connect, standpoint, text=text, dark=dark)
        self._guide = guide

    def on_mount(self) -> None:
        """The walk is the first thing to be seen."""
        super().on_mount()
        self.open_walk(self._guide)

    def go_back(self) -> None:
        """Behind the walk there is nothing."""
        super().go_back()
        if len(self.screen_stack) == 1:
            self.exit()
