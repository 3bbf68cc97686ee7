"""The driver's own app beside a walk: it follows the driver from screen to screen, and nobody types into it."""

from app.kiosk import Connect, Kiosk, Standpoint
from app.screens.charge import ChargeScreen
from app.screens.find import FindScreen
from app.screens.quote import QuoteScreen
from app.screens.receipt import ReceiptScreen
from app.screens.reserved import ReservedScreen
from app.screens.site import SiteScreen
from app.text import Text
from app.walk_values import Situation
from core.clock import Clock


class WalkedDriver(Kiosk):
    """Shows what the driver of a walk would look at, asked of the same home-CSP over the same driver API.

    Its keys are not shown, for they do nothing here.
    """

    CSS = """
    KeyLine { display: none; }
    """

    def __init__(self, connect: Connect, standpoint: Standpoint, text: Text, clock: Clock, *, dark: bool) -> None:
        super().__init__(connect, standpoint, text=text, clock=clock, dark=dark)

    def go_along(self, situation: Situation, *, anew: bool) -> None:
        """Open the screen for how far the driver has come, where another is in front.

        anew: ask again for what may have changed.
        """
        if self._client is None:
            return
        if self.login is None and situation.login is not None:
            self.client.resume(situation.login)
            self.identified()
        if anew:
            self._begin_work()  # the walk moves the clock, which is told with the platform's health
        if situation.session_id is not None:
            if not isinstance(self.screen, ChargeScreen | ReservedScreen | ReceiptScreen):
                self.open_session(situation.session_id)
        elif situation.quote is not None:
            if not isinstance(self.screen, QuoteScreen):
                self.need = situation.quote.need
                self.open_quote_told(situation.quote)
        elif situation.site is not None:
            if not isinstance(self.screen, SiteScreen):
                self.open_site(situation.site, situation.evse_uid)
            elif anew:
                self.screen.ask_anew()
        elif not isinstance(self.screen, FindScreen):
            self.open_find()
        elif anew:
            self.screen.ask_anew()
