"""Which screen is in front: the ways from one to another. What a screen does is its own affair.

Screens are imported when they are first opened: whoever only looks at the welcome waits for none of them.
"""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

from textual.screen import Screen

from app.scan_sink import ScanSink
from app.screens.page import Page
from app.screens.welcome import WelcomeScreen
from app.walk_values import Guide
from core.driver_messages import Login, QuoteView
from core.model.parties import ObjectKey


class Navigation(ScanSink[None]):
    """An app of pages over a welcome. large: whether pages have the large layout."""

    large = False

    @property
    @abstractmethod
    def login(self) -> Login | None:
        """Who is identified, None for nobody."""

    def get_default_screen(self) -> Screen[None]:
        """Under all others lies the welcome."""
        return WelcomeScreen()

    def open_find(self) -> None:
        """Sites near the standpoint."""
        from app.screens.find import FindScreen

        self._open(FindScreen())

    def open_site(self, key: ObjectKey, evse_uid: str | None = None) -> None:
        """One site; with the cursor on one of its EVSEs."""
        from app.screens.site import SiteScreen

        self._open(SiteScreen(key, evse_uid))

    def open_quote(self, site: ObjectKey, evse_uid: str, connector_id: str) -> None:
        """The price of my session at one connector."""
        from app.screens.quote import QuoteScreen

        self._open(QuoteScreen(site, evse_uid, connector_id))

    def open_quote_told(self, quote: QuoteView) -> None:
        """A price that was asked for already."""
        from app.screens.quote import QuoteScreen

        self._open(QuoteScreen(quote.site, quote.evse_uid, quote.connector.id, quote))

    def open_identify(self, then: Callable[[], None] | None = None, card_uid: str | None = None) -> None:
        """Who pays? `then` is called once somebody is identified, with the screen before in front again."""
        from app.screens.identify import IdentifyScreen

        self._open(IdentifyScreen(then, card_uid))

    def open_scan(self, payload: str = "", too_long: bool = False) -> None:
        """The verdict on a code, or the place to type one."""
        from app.screens.scan import ScanScreen

        if isinstance(self.screen, ScanScreen):
            self.pop_screen()
        self._open(ScanScreen(payload, too_long))

    def open_session(self, id: str) -> None:
        """The start ladder and the charging of one session; what led to it is closed."""
        from app.screens.charge import ChargeScreen

        self._close_down_to(WelcomeScreen, "FindScreen")
        self._open(ChargeScreen(id))

    def open_plan(self, session_id: str) -> None:
        """The charge plan of a session."""
        from app.screens.plan import PlanScreen

        self._open(PlanScreen(session_id))

    def open_reserve(self, quote: QuoteView) -> None:
        """What holding the post of a quote costs."""
        from app.screens.reserve import ReserveScreen

        self._open(ReserveScreen(quote))

    def open_reservation(self, id: str) -> None:
        """A post that is held; what led to it is closed."""
        from app.screens.reserved import ReservedScreen

        self._close_down_to(WelcomeScreen, "FindScreen")
        self._open(ReservedScreen(id))

    def open_receipt(self, id: str) -> None:
        """One receipt; the charging that led to it is closed."""
        from app.screens.receipt import ReceiptScreen

        if type(self.screen).__name__ in {"ChargeScreen", "ReservedScreen"}:
            self.pop_screen()
        self._open(ReceiptScreen(id))

    def open_history(self) -> None:
        """The driver's receipts; where nobody is identified, that comes first."""
        from app.screens.history import HistoryScreen

        if self.login is None:
            self.open_identify(self.open_history)
        else:
            self._open(HistoryScreen())

    def open_help(self, place: str) -> None:
        """Help for a place among the actions."""
        from app.screens.help import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self._open(HelpScreen(place))

    def open_walk(self, guide: Guide) -> None:
        """A scenario of Annex A, for a field tester."""
        from app.screens.walk import WalkScreen

        self._open(WalkScreen(guide))

    def go_back(self) -> None:
        """To the screen before."""
        if len(self.screen_stack) > 1:
            self.pop_screen()

    def go_home(self) -> None:
        """To the welcome, as it is; see `end_visit`."""
        self._close_down_to(WelcomeScreen)

    def _open(self, page: Page) -> None:
        page.set_class(self.large, "-large")
        self.push_screen(page)

    def _close_down_to(self, *kinds: type[Screen[Any]] | str) -> None:
        """Close screens until one of these kinds is in front; the welcome at the bottom always stays."""
        names = {kind if isinstance(kind, str) else kind.__name__ for kind in kinds}
        while len(self.screen_stack) > 1 and type(self.screen).__name__ not in names:
            self.pop_screen()
