"""The first screen: where one is, what it costs nearby, how to begin; and what is charging, where somebody is known."""

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Button, Static

from app.actions import key_name
from app.idle import BROWSING, Patience
from app.kiosk_messages import LoginChanged
from app.need_words import need_words
from app.screens.adjust import AdjustDialog, Knob
from app.screens.page import Failed
from app.screens.running import RunningPage
from app.site_words import site_status
from app.text import LANGUAGES, Text
from app.widgets.cells import apart, shown
from app.widgets.paper import Paper
from app.widgets.site_status import SiteStatus
from core.driver_messages import SiteList, SiteQuery, SiteSummary

_NEAREST = 10
_NEIGHBOURS = 4
REFRESH_SECONDS = 60.0


class NearestFound(Message, bubble=False):
    """The sites nearest to the standpoint."""

    def __init__(self, found: SiteList) -> None:
        super().__init__()
        self.found = found


@dataclass(frozen=True)
class Reading:
    """What makes the screens easier to read."""

    dark: bool
    large: bool
    still: bool


class Neighbours(Paper):
    """Further sites, a line each: status, name, distance, what is free, the price of my session."""

    sites: reactive[tuple[SiteSummary, ...]] = reactive((), layout=True)

    def __init__(self, text: Text, sites: tuple[SiteSummary, ...]) -> None:
        super().__init__(text, id="neighbours")
        self.set_reactive(Neighbours.sites, sites)

    def lines(self, width: int) -> list[Content]:
        """The sites at a width in cells, after an empty line."""
        return [Content("")] * bool(self.sites) + [self._line(site, width) for site in self.sites]

    def _line(self, site: SiteSummary, width: int) -> Content:
        status = site_status(site.availability)
        free = "?" if status is SiteStatus.UNKNOWN else f"{site.free}/{site.total}"
        price = "" if site.price is None else self.text.money(site.price.amount, site.price.currency)
        figures = f"{self.text.distance(int(site.distance_m)):>8}  {free:>5}  {price:>11}"
        name = apart(site.name or site.address, figures, width - 2)
        return Content.assemble((f"{status.shape} ", status.colour), (name, "$text-muted"))


class WelcomeScreen(RunningPage):
    """Waits for a scan, a card or a key."""

    place: ClassVar[str] = "welcome"
    patience: Patience | None = None
    DEFAULT_CSS = """
    WelcomeScreen #welcome { width: 1fr; height: 1fr; align: center middle; }
    WelcomeScreen #begin { width: 72; max-width: 100%; height: auto; padding: 1 3; background: $surface;
                           border-left: outer $accent; }
    WelcomeScreen #begin Static { height: auto; }
    WelcomeScreen #how { margin: 1 0; }
    WelcomeScreen #buttons { height: auto; margin: 1 0 0 0; }
    WelcomeScreen #languages { width: 72; max-width: 100%; height: auto; margin: 1 0 0 0; padding: 0 3; }
    WelcomeScreen #easier { width: 72; max-width: 100%; height: auto; padding: 0 3; }
    WelcomeScreen #neighbours { display: none; }
    WelcomeScreen.-tall #neighbours { display: block; }
    WelcomeScreen #who { width: 72; max-width: 100%; height: auto; padding: 0 4; }
    WelcomeScreen RunningStrip { width: 72; max-width: 100%; margin: 1 0 0 0; }
    WelcomeScreen.-small #welcome { padding: 0; }
    WelcomeScreen.-small #begin, WelcomeScreen.-small #languages, WelcomeScreen.-small #easier,
    WelcomeScreen.-small #who { padding: 0 1; }
    WelcomeScreen.-small Button { min-width: 10; }
    WelcomeScreen.-short #languages, WelcomeScreen.-short RunningStrip { margin: 0; }
    WelcomeScreen.-short #begin { padding: 0 1; }
    WelcomeScreen.-short #how { margin: 0; }
    WelcomeScreen.-short #home, WelcomeScreen.-short #easier { display: none; }
    WelcomeScreen.-short #buttons { display: none; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._wiped = False
        self._sites: tuple[SiteSummary, ...] = ()
        self._known: int | None = None

    def tick(self) -> None:
        """Nothing personal is left here but an identification."""
        super().tick()
        self.patience = None if self.kiosk.login is None else BROWSING
        health = self.kiosk.live.health
        if health is not None and health.sites != self._known:
            self._known = health.sites
            self._look_around()

    def begin_anew(self) -> None:
        """Everything personal has been erased: say so, and wait for the next driver."""
        self._wiped = True
        self.refresh(recompose=True)
        self._look_around()

    def body(self) -> ComposeResult:
        """How to begin, the nearest price, languages, running sessions."""
        say = self.text.say
        with Vertical(classes="page", id="welcome"):
            with Vertical(id="begin"):
                yield Static(Content(say("welcome.title")), classes="title", id="title")
                yield Static(self._home(), id="home", classes="quiet")
                yield Static(Content(f"▸ {say('welcome.how')}"), classes="next", id="how")
                yield Static(self._price(), id="price")
                yield Neighbours(self.text, self._others())
                with Horizontal(id="buttons"):
                    yield Button(say("welcome.find"), id="go-find", variant="primary")
                    yield Button(say("welcome.type_code"), id="go-type")
                    if self._remembers():
                        yield Button(say("settings.sign_out"), id="sign-out")
            yield self.strip()
            yield Static(self._languages(), id="languages")
            yield Static(self._easier(), id="easier")
            yield Static(self._who(), id="who", classes="quiet")

    def on_mount(self) -> None:
        """What is near, now and every minute."""
        self._look_around()
        self.set_interval(REFRESH_SECONDS, self._look_around)

    def on_screen_resume(self) -> None:
        """In front again: somebody may be known now."""
        self._login_changed()

    def can(self, name: str) -> bool:
        """A public machine is not left."""
        return super().can(name) and (name != "quit" or self.kiosk.mode == "driver")

    def _remembers(self) -> bool:
        return self.kiosk.login is not None and self.kiosk.mode == "driver"

    def _look_around(self) -> None:
        at = self.kiosk.standpoint
        wanted = SiteQuery(
            latitude=at.latitude, longitude=at.longitude, roaming=True, need=self.kiosk.need, limit=_NEAREST
        )
        self.ask(lambda client: client.sites(wanted), NearestFound, group="nearest")

    @on(NearestFound)
    def _found(self, event: NearestFound) -> None:
        self._sites = tuple(one for one in event.found.sites if one.price is not None)
        self.query_one("#home", Static).update(self._home())
        self.query_one("#price", Static).update(self._price())
        self.query_one(Neighbours).sites = self._others()

    @on(Failed)
    def _no_answer(self, event: Failed) -> None:
        """The status line tells of the connection; before anybody begins that is enough."""
        event.prevent_default()
        self._failed[event.group] = event.error

    @on(LoginChanged)
    def _login_changed(self) -> None:
        self._wiped = self._wiped and self.kiosk.login is None
        self.refresh(recompose=True)

    def _price(self) -> Content:
        near = next(iter(self._sites), None)
        if near is None or near.price is None:
            return Content.styled(self.text.say("welcome.no_price"), "$text-muted")
        price = self.text.money(near.price.amount, near.price.currency)
        sentence = self.text.say("welcome.price", price=price, energy=need_words(self.kiosk.need, self.text))
        where = self.text.say("welcome.place", site=near.name or near.address, operator=near.operator)
        return Content.assemble(
            (shown(sentence), "bold"),
            "\n",
            (shown(f"{where} · {self.text.distance(int(near.distance_m))}"), "$text-muted"),
        )

    def _home(self) -> Content:
        health = self.kiosk.live.health
        return Content("" if health is None else shown(self.text.say("welcome.home", name=health.name)))

    def _others(self) -> tuple[SiteSummary, ...]:
        return self._sites[1 : 1 + _NEIGHBOURS]

    def _easier(self) -> Content:
        say = self.text.say
        return Content.assemble(
            (f" {key_name('f4')} ", "bold $accent on $surface"), f" {say('action.accessibility.help')}"
        )

    def _languages(self) -> Content:
        here = self.text.language
        parts = [(f" {key_name('f2')} ", "bold $accent on $surface"), (" ", "")]
        for language in LANGUAGES:
            name = Text(language).say("language.name")
            parts.append((f"✓ {name}", "bold") if language == here else (name, "$text-muted"))
            parts.append(("   ", ""))
        return Content.assemble(*parts).rstrip()

    def _who(self) -> Content:
        login, say = self.kiosk.login, self.text.say
        if self._wiped:
            return Content.assemble((f"✓ {say('kiosk.wiped')}", "$success"), "\n", (say("kiosk.kept"), "$text-muted"))
        if login is None:
            return Content(say("welcome.nobody"))
        return Content(shown(say("welcome.identified", name=login.name or login.method, contract=login.contract)))

    @on(Button.Pressed, "#go-find")
    def action_begin(self) -> None:
        """Go on to the sites near this machine."""
        self.kiosk.open_find()

    @on(Button.Pressed, "#go-type")
    def _type_code(self) -> None:
        self.kiosk.open_scan()

    @on(Button.Pressed, "#sign-out")
    def _sign_out(self) -> None:
        self.kiosk.sign_out()

    def action_language(self) -> None:
        """The next of the languages."""
        place = LANGUAGES.index(self.text.language)
        self.kiosk.speak(Text(LANGUAGES[(place + 1) % len(LANGUAGES)]))

    def action_accessibility(self) -> None:
        """Larger layout, dark or light, less motion."""
        kiosk = self.kiosk
        reading = Reading(kiosk.dark, kiosk.large, kiosk.animation_level == "none")
        self.app.push_screen(
            AdjustDialog(self.text, self.text.say("action.accessibility.label"), _knobs(self.text), reading), self._read
        )

    def _read(self, reading: Reading | None) -> None:
        if reading is not None:
            self.kiosk.set_dark(reading.dark)
            self.kiosk.set_large(reading.large)
            self.kiosk.animation_level = "none" if reading.still else "full"

    def action_past_sessions(self) -> None:
        """Past sessions, by month."""
        self.kiosk.open_history()

    async def action_quit(self) -> None:
        """Leave the program, after a question."""
        await self.kiosk.action_quit()


def _knobs(text: Text) -> tuple[Knob[Reading], ...]:
    say = text.say
    return (
        Knob(
            say("settings.theme"),
            lambda one: say("settings.dark" if one.dark else "settings.light"),
            lambda one, _by: Reading(not one.dark, one.large, one.still),
        ),
        Knob(
            say("settings.large"),
            lambda one: say("settings.on" if one.large else "settings.off"),
            lambda one, _by: Reading(one.dark, not one.large, one.still),
        ),
        Knob(
            say("settings.motion"),
            lambda one: say("settings.on" if one.still else "settings.off"),
            lambda one, _by: Reading(one.dark, one.large, not one.still),
        ),
    )
