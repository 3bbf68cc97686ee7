"""Sites by distance, searched as one types, with the price of my session at each."""

from collections.abc import Sequence
from decimal import Decimal
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Input, Label

from app.need_words import need_words
from app.screens.choice import Choice
from app.screens.find_filters import filter_words, filters_dialog
from app.screens.need import need_dialog
from app.screens.running import RunningPage
from app.site_words import site_status
from app.text import Text, printable
from app.widgets.cells import apart, fit
from app.widgets.paper import Paper
from app.widgets.site_map import MapPin, SiteMap, SiteMapValues
from app.widgets.site_status import SiteStatus, pin_letter
from app.widgets.site_table import SiteRow, SiteTable
from core.driver_messages import Need, Place, SiteList, SiteQuery, SiteSummary
from core.errors import InvalidInput
from core.model.identifiers import EvseId

REFRESH_SECONDS = 15.0
_PINS = 26
_NEAR = 8
"""The map reaches as far as so many sites and the chosen one: a site in another country must not make it a globe."""
_MAP_FROM_WIDTH = 96
_PLACE_LETTERS = 2


class SitesFound(Message, bubble=False):
    """The home platform's answer to a search. wanted: what was asked."""

    def __init__(self, wanted: SiteQuery, found: SiteList) -> None:
        super().__init__()
        self.wanted, self.found = wanted, found


class PlacesFound(Message, bubble=False):
    """Places that begin like what was typed."""

    def __init__(self, places: tuple[Place, ...]) -> None:
        super().__init__()
        self.places = places


class FavouriteMarked(Message, bubble=False):
    """A favourite was marked or let go."""


class Lines(Paper):
    """A line or two with something at both ends."""

    ends: reactive[tuple[tuple[str, str], ...]] = reactive((), layout=True)

    def __init__(self, text: Text, *, id: str) -> None:
        super().__init__(text, id=id, classes="quiet")

    def lines(self, width: int) -> list[Content]:
        """One line for each pair of ends."""
        return [Content(apart(left, right, width) if right else fit(left, width)) for left, right in self.ends]


class FindScreen(RunningPage):
    """The search field has the keys of a typist, the table those of the arrows; both at once."""

    place: ClassVar[str] = "find"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "table('cursor', -1)", show=False),
        Binding("down", "table('cursor', 1)", show=False),
        Binding("pageup", "table('page', -1)", show=False),
        Binding("pagedown", "table('page', 1)", show=False),
    ]
    DEFAULT_CSS = """
    FindScreen #search-line { height: 2; padding: 1 2 0 2; }
    FindScreen #search-line Label { color: $text-muted; padding: 0 1 0 0; }
    FindScreen #filters { padding: 0 2 1 2; }
    FindScreen #found { width: 1fr; height: 1fr; }
    FindScreen #foot { padding: 0 2; }
    FindScreen.-short #foot { max-height: 1; }
    FindScreen.-short #filters { padding: 0 2; }
    FindScreen.-short #search-line { height: 1; padding: 0 2; }
    """

    CSS = """
    FindScreen #search, FindScreen #search:focus { width: 1fr; height: 1; border: none; padding: 0 1; }
    FindScreen #search:focus { background: $panel; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._wanted = SiteQuery()
        self._place_name = ""
        self._sites: tuple[SiteSummary, ...] = ()
        self._more = False
        self._places: tuple[Place, ...] = ()

    def body(self) -> ComposeResult:
        """Search, filters, table and map."""
        with Horizontal(id="search-line"):
            yield Label(self.text.say("find.search"))
            yield Input(placeholder=self.text.say("find.placeholder"), id="search", max_length=120)
        yield Lines(self.text, id="filters")
        with Horizontal(classes="columns"):
            with Vertical(id="found"):
                yield SiteTable(self.text, empty=self.text.say("common.loading"))
            with Vertical(classes="beside"):
                yield SiteMap(self.text)
        yield Lines(self.text, id="foot")
        yield self.strip()

    def on_mount(self) -> None:
        """Ask for what is near, and again now and then: a status grows old."""
        at = self.kiosk.standpoint
        self._wanted = SiteQuery(latitude=at.latitude, longitude=at.longitude, need=self.kiosk.need)
        self.query_one("#search", Input).focus()
        self._show_filters()
        self._search()
        self.set_interval(REFRESH_SECONDS, self._search)

    def on_screen_resume(self) -> None:
        """In front again: my session may be another, and so are the prices."""
        super().on_screen_resume()
        if self.focused is None:
            self.query_one("#search", Input).focus()
        if self._wanted.need is not None and self._wanted.need != self.kiosk.need:
            self._want(need=self.kiosk.need)

    def on_resize(self, event: events.Resize) -> None:
        """The names of sites need the room first; the map takes what is left."""
        self.query_one(".beside").display = event.size.width >= _MAP_FROM_WIDTH

    def heading(self) -> str:
        """Around which place is searched."""
        return self._place_name or super().heading()

    def remark(self) -> str:
        """The invitation to scan."""
        return self.text.say("find.scan_any_time")

    def can(self, name: str) -> bool:
        """Favourites are somebody's; a place to search around must have been typed."""
        if name == "favourite":
            return self.kiosk.login is not None
        return bool(self._places) if name == "around" else super().can(name)

    def tick(self) -> None:
        """The age of the chosen site's status moves."""
        super().tick()
        if self.query(SiteTable):  # the first second may pass before the screen is composed
            self._show_foot()

    # Asking

    def _want(self, **changes: object) -> None:
        self._wanted = self._wanted.model_copy(update=changes)
        self._show_filters()
        self._search()

    def _search(self) -> None:
        wanted = self._wanted
        self.ask(lambda client: client.sites(wanted), lambda found: SitesFound(wanted, found), group="sites")

    @on(Input.Changed, "#search")
    def _typed(self, event: Input.Changed) -> None:
        text = event.value.strip()
        if text == self._wanted.text:
            return
        self._want(text=text)
        if len(text) >= _PLACE_LETTERS:
            self.ask(lambda client: client.places(text), PlacesFound, group="places")
        else:
            self.post_message(PlacesFound(()))

    @on(PlacesFound)
    def _show_places(self, event: PlacesFound) -> None:
        self._places = event.places if len(self._wanted.text) >= _PLACE_LETTERS else ()
        self._show_filters()
        self.refresh_keys()

    @on(SitesFound)
    def _show_sites(self, event: SitesFound) -> None:
        if event.wanted != self._wanted:
            return
        table = self.query_one(SiteTable)
        chosen = self._chosen()
        self._sites, self._more = event.found.sites, event.found.more
        table.empty = self.text.say("find.nothing")
        kept = next((index for index, one in enumerate(self._sites) if chosen and one.key == chosen.key), 0)
        table.show(site_rows(self._sites, self.text), kept)
        self._show_map()
        self._show_foot()

    # Showing

    def _chosen(self) -> SiteSummary | None:
        cursor = self.query_one(SiteTable).cursor
        return self._sites[cursor] if cursor < len(self._sites) else None

    def _show_filters(self) -> None:
        words = "   ".join(f"{word} ✓" for word in filter_words(self._wanted, self.text))
        ends = [(words or self.text.say("find.no_filter"), need_words(self.kiosk.need, self.text))]
        if self._places:
            names = ", ".join(f"{one.name} ({one.country})" for one in self._places[:3])
            ends.append((f"⇥ {self.text.say('find.around', places=names)}", ""))
        self.query_one("#filters", Lines).ends = tuple(ends)

    def _show_foot(self) -> None:
        say = self.text.say
        count = say("find.more" if self._more else "find.count", count=len(self._sites))
        cheapest = any(row.cheapest for row in self.query_one(SiteTable).rows)
        about = self._about_chosen()
        self.query_one("#foot", Lines).ends = (about, (count, say("find.cheapest") if cheapest else ""))

    def _about_chosen(self) -> tuple[str, str]:
        """Whose the chosen site is and why one cannot start there; its status with its age."""
        chosen, say = self._chosen(), self.text.say
        if chosen is None:
            return "", ""
        status = say(site_status(chosen.availability).word)
        if chosen.status_at is not None:
            status += f", {self.text.ago(self.kiosk.live.now() - chosen.status_at)}"
        why = "" if chosen.price is not None or not chosen.price_reason else f"problem.{chosen.price_reason}.why"
        return " · ".join([chosen.operator, *([say(why)] if why else [])]), status

    def _show_map(self) -> None:
        wanted = self._wanted
        reach = max((float(one.distance_m) for one in (*self._sites[:_NEAR], self._chosen()) if one), default=0.0)
        pins = tuple(
            MapPin(pin_letter(index), site_status(one.availability), float(one.latitude), float(one.longitude))
            for index, one in enumerate(self._sites[:_PINS])
            if one.distance_m <= reach
        )
        self.query_one(SiteMap).values = SiteMapValues(
            float(wanted.latitude or 0),
            float(wanted.longitude or 0),
            pins,
            pin_letter(self.query_one(SiteTable).cursor),
            reach,
        )

    @on(SiteTable.Highlighted)
    def _highlighted(self) -> None:
        self._show_foot()
        if self._sites:
            self._show_map()

    @on(SiteMap.PinChosen)
    def _pin_chosen(self, event: SiteMap.PinChosen) -> None:
        self.query_one(SiteTable).cursor = ord(event.letter) - ord("A")

    # Doing

    @on(Input.Submitted, "#search")
    def _submitted(self, event: Input.Submitted) -> None:
        code = code_of(event.value)
        if code is not None:
            self.kiosk.open_scan(code)
        else:
            self.action_open_site()

    @on(SiteTable.Chosen)
    def action_open_site(self) -> None:
        """Show the points of the chosen site."""
        chosen = self._chosen()
        if chosen is not None:
            self.kiosk.open_site(chosen.key)

    def action_table(self, name: str, by: int) -> None:
        """Arrows move the table also while one types."""
        table = self.query_one(SiteTable)
        table.action_cursor(by) if name == "cursor" else table.action_page(by)

    def on_key(self, event: events.Key) -> None:
        """A letter goes into the search field, wherever the focus is."""
        field = self.query_one("#search", Input)
        if event.is_printable and event.character and self.focused is not field:
            event.stop()
            field.focus()
            field.insert_text_at_cursor(event.character)

    def action_filters(self) -> None:
        """Show only sites that fit."""

        def filtered(wanted: SiteQuery | None) -> None:
            if wanted is not None and wanted != self._wanted:
                self._wanted = wanted
                self._want()

        currency = next((one.price.currency for one in self._sites if one.price is not None), "")
        known = self.kiosk.login is not None
        dialog = filters_dialog(self._wanted, self.text, currency=currency, favourites=known)
        self.app.push_screen(dialog, filtered)

    def action_my_session(self) -> None:
        """How much I want to charge."""

        def said(need: Need | None) -> None:
            if need is not None:
                self.kiosk.need = need
                self._want(need=need)

        self.app.push_screen(need_dialog(self.kiosk.need, self.text), said)

    def action_favourite(self) -> None:
        """Keep the chosen site at hand, or let it go."""
        chosen = self._chosen()
        if chosen is not None and self.kiosk.login is not None:
            wanted = not chosen.favourite
            self.ask(
                lambda client: client.favourite(chosen.key, wanted), lambda _: FavouriteMarked(), group="favourite"
            )

    @on(FavouriteMarked)
    def _marked(self) -> None:
        self._search()

    def action_around(self) -> None:
        """Search around a place that was typed."""
        places = self._places
        if not places:
            self.focus_next()
        elif len(places) == 1:
            self._go_to(places[0])
        else:
            names = [f"{one.name} ({one.country})" for one in places]
            dialog = Choice(self.text.say("find.around_which"), names)
            self.app.push_screen(dialog, lambda index: None if index is None else self._go_to(places[index]))

    def action_back(self) -> None:
        """First the search is taken back, then the screen is left."""
        at = self.kiosk.standpoint
        if not self._wanted.text and not self._place_name:
            super().action_back()
            return
        self._place_name = ""
        self._move(at.latitude, at.longitude)

    def _go_to(self, place: Place) -> None:
        self._place_name = printable(place.name)
        self._move(place.latitude, place.longitude)

    def _move(self, latitude: object, longitude: object) -> None:
        field = self.query_one("#search", Input)
        self._places = ()
        self._want(text="", latitude=latitude, longitude=longitude)
        field.value = ""
        self.tick()
        self.refresh_keys()


def site_rows(sites: Sequence[SiteSummary], text: Text) -> list[SiteRow]:
    """The table's rows; the cheapest of what is free is marked, within the currency of the nearest price."""
    free = [one for one in sites if one.free and one.price is not None]
    currency = next((one.price.currency for one in free if one.price), "")
    prices = [one.price.amount for one in free if one.price and one.price.currency == currency]
    cheapest = min(prices) if len(prices) > 1 else None
    return [_row(one, cheapest, currency, text) for one in sites]


def _row(site: SiteSummary, cheapest: Decimal | None, currency: str, text: Text) -> SiteRow:
    price = site.price
    status = site_status(site.availability)
    best = price is not None and bool(site.free) and price.currency == currency and price.amount == cheapest
    return SiteRow(
        name=site.name or site.address,
        operator=site.operator,
        status=status,
        distance_m=int(site.distance_m),
        free=None if status is SiteStatus.UNKNOWN else site.free,
        total=site.total,
        top_kw=site.max_kw,
        my_session=None if price is None else price.amount,
        currency="EUR" if price is None else price.currency,
        cheapest=best,
        favourite=site.favourite,
        remark="" if price is not None or not site.price_reason else text.say(f"find.{site.price_reason}"),
    )


def code_of(typed: str) -> str | None:
    """The code to judge in what was typed: a link, or an EVSE id in any written form; None for words to search for."""
    if "://" in typed:
        return typed
    try:
        evse_id = EvseId.parse(typed)
    except InvalidInput:
        return None
    return str(evse_id) if any(character.isdigit() for character in typed) else None
