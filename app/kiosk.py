"""The app: its mode, language and theme, the home platform, and who is identified. Screens own their behaviour.

`app.clock` is the wall clock, on which the user interface lives; `app.live` is a Clock that tells the home platform's
time, which in a demo runs faster: whatever a session, a status or a quote says of time is compared with that one.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, tzinfo
from decimal import Decimal
from enum import StrEnum
from importlib.resources import files

from textual import events, on
from textual.screen import ModalScreen
from textual.worker import Worker

from app.idle import IdleClock, Presence
from app.kiosk_messages import LoginChanged, StartFailed
from app.live import Live, LoginEnded
from app.memory import Memory
from app.navigation import Navigation
from app.reservation_words import is_reservation
from app.scan_sink import Scanned
from app.screens.idle_warning import IdleWarning
from app.screens.page import NOT_IDENTIFIED, Page
from app.screens.question import Question
from app.screens.welcome import WelcomeScreen
from app.text import Text
from app.themes import BREAKPOINTS, DARK, STYLES, register_themes
from app.verdict_words import judge
from app.walk_values import Walks
from core.clock import Clock, WallClock
from core.driver_client import DriverClient
from core.driver_messages import Login, Need, QuoteView, SessionView
from core.driver_messages.reservations import ReservationWish
from core.errors import EvroamError, Unreachable
from core.model.scan import RefusalCode, TrustedHosts

Connect = Callable[[], Awaitable[DriverClient]]
"""Makes the client, once the home platform can be addressed; raises EvroamError or OSError where it cannot yet."""

_RETRY_SECONDS = 2.0


class Mode(StrEnum):
    """Whose machine it is: a driver's own, or everybody's."""

    DRIVER = "driver"
    KIOSK = "kiosk"


@dataclass(frozen=True)
class Standpoint:
    """Where this front end stands: the place that search begins at."""

    name: str
    latitude: Decimal
    longitude: Decimal
    zone: tzinfo = UTC


class Kiosk(Navigation):
    """One front end of a home-CSP. `mode`, `text`, `clock`, `live` and `client` are there for every screen.

    need: my session, as the driver last said it. starting: a start is on its way. walks: begins those of field testers,
    where there may be any.
    """

    CSS_PATH = STYLES
    HORIZONTAL_BREAKPOINTS = BREAKPOINTS
    VERTICAL_BREAKPOINTS = [(0, "-short"), (20, "-low"), (32, "-tall")]
    ENABLE_COMMAND_PALETTE = False
    TITLE = "evroam"

    def __init__(
        self,
        connect: Connect,
        standpoint: Standpoint,
        *,
        mode: Mode = Mode.DRIVER,
        text: Text | None = None,
        clock: Clock | None = None,
        trust: TrustedHosts | None = None,
        memory: Memory | None = None,
        walks: Walks | None = None,
        dark: bool = True,
    ) -> None:
        super().__init__()
        self._connect, self._dark, self._memory = connect, dark, memory
        self._client: DriverClient | None = None
        self.standpoint, self.mode, self.walks = standpoint, mode, walks
        self.text = text or Text()
        self.clock: Clock = clock or WallClock()
        self.live = Live(self, self.clock)
        self.trust = trust or shipped_trust()
        self.need = Need()
        self.idle = IdleClock.begin(self.clock)
        self._first_text, self.starting = self.text, False

    # The client

    @property
    def client(self) -> DriverClient:
        """All that the app knows of the platforms. Raises Unreachable until the home platform can be addressed."""
        if self._client is None:
            raise Unreachable(
                "The home platform is not there yet.", code="connecting", next_step="It is tried again by itself."
            )
        return self._client

    @property
    def login(self) -> Login | None:
        """Who is identified, None for nobody."""
        return None if self._client is None else self._client.login

    @property
    def home_name(self) -> str:
        """What the home platform calls itself."""
        return self.live.health.name if self.live.health is not None else self.text.say("ladder.home_platform")

    def identified(self) -> None:
        """Somebody has just been identified: remember it on a personal terminal, and follow their sessions."""
        self._follow()
        self._tell_login()
        login = self.login
        if self.mode is Mode.DRIVER and self._memory is not None and login is not None:
            self.run_worker(asyncio.to_thread(self._memory.keep, login), group="memory", exclusive=True)

    def sign_out(self) -> None:
        """Nobody is identified any more, and nothing personal stays in the app."""
        self.workers.cancel_group(self, "events")
        if self._client is not None:
            self._client.forget()
        self.live.forget()
        self._tell_login()
        if self._memory is not None:
            self.run_worker(asyncio.to_thread(self._memory.forget), group="memory", exclusive=True)

    # A visit

    def start(self, quote: QuoteView) -> None:
        """Consent to a quote and go to its session; where nobody is identified, that comes first.

        A refusal reaches the screen in front as `StartFailed`.
        """
        if self.login is None:
            self.open_identify(lambda: self.start(quote))
        elif not self.starting:
            self.starting = True
            self.run_worker(self._begin_session(lambda client: client.start(quote.id)), group="start")

    def reserve(self, wish: ReservationWish) -> None:
        """Consent to hold a post, as `start` consents to a quote."""
        if self.login is None:
            self.open_identify(lambda: self.reserve(wish))
        elif not self.starting:
            self.starting = True
            self.run_worker(self._begin_session(lambda client: client.reserve(wish)), group="start")

    def open_session(self, id: str) -> None:
        """A session at the stage it is at: a reservation has a screen of its own."""
        view = self.live.sessions.get(id)
        if view is not None and is_reservation(view):
            self.open_reservation(id)
        else:
            super().open_session(id)

    def end_visit(self) -> None:
        """The driver is done: a public machine erases everything personal, a personal one goes to its welcome."""
        if self.mode is Mode.KIOSK:
            self.wipe()
        else:
            self.go_home()

    def wipe(self) -> None:
        """Erase all that is personal: identification, sessions, my session, language, every screen, what was copied."""
        self.workers.cancel_all()
        self.burst.release()
        self.sign_out()
        self.need, self.text, self.large = Need(), self._first_text, False
        self.idle = IdleClock.begin(self.clock)
        self.starting = False
        self.clear_notifications()
        self.copy_to_clipboard("")
        self.go_home()
        if isinstance(self.screen, WelcomeScreen):
            self.screen.begin_anew()
        self._begin_work()

    # Looks

    def speak(self, text: Text) -> None:
        """Another language, at once."""
        self.text = text
        self.screen.refresh(recompose=True)

    def set_dark(self, dark: bool) -> None:
        """Dark or light."""
        register_themes(self, dark)

    @property
    def dark(self) -> bool:
        """Whether the dark theme is chosen."""
        return self.theme == DARK.name

    def set_large(self, large: bool) -> None:
        """The large layout, for eyes at a distance."""
        self.large = large
        for screen in self.screen_stack:
            screen.set_class(large, "-large")

    # The app's own life

    def on_mount(self) -> None:
        """First paint, then the network."""
        register_themes(self, self._dark)
        self.set_interval(1.0, self.tick)
        self._begin_work()

    def tick(self) -> None:
        """A second has passed."""
        self.live.look()
        for screen in self.screen_stack:
            if isinstance(screen, Page) and screen.is_mounted:
                screen.tick()
        if self.mode is Mode.KIOSK:
            self._watch_idle()

    async def on_event(self, event: events.Event) -> None:
        """Somebody is here: every key, click and scan says so."""
        if isinstance(event, events.Key | events.Paste | events.MouseDown | events.MouseScrollDown):
            self.touch()
        await super().on_event(event)

    def touch(self) -> None:
        """Somebody did something."""
        self.idle = self.idle.touch(self.clock)

    @on(Scanned)
    def _judge_scanned(self, event: Scanned) -> None:
        while isinstance(self.screen, ModalScreen):
            self.pop_screen()
        verdict = judge(event.payload, event.too_long, self.trust, self.clock.now())
        if verdict.code is RefusalCode.RFID_UID:
            self.open_identify(card_uid=event.payload.strip())
        else:
            self.open_scan(event.payload, event.too_long)

    @on(LoginEnded)
    def _login_ended(self) -> None:
        self.sign_out()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A public machine has no key that leaves the app."""
        if self.mode is Mode.KIOSK and action in {"quit", "help_quit", "suspend_process", "command_palette"}:
            return False
        return super().check_action(action, parameters)

    async def action_quit(self) -> None:
        """Leave, after a question; never from a public machine."""
        if self.mode is Mode.KIOSK or isinstance(self.screen, Question):
            return
        say = self.text.say
        running = len(self.live.running())
        self.push_screen(
            Question(
                say("quit.title"),
                say("quit.running", count=running) if running else say("quit.nothing_runs"),
                yes=say("quit.yes"),
                no=say("quit.no"),
            ),
            self._quit_if,
        )

    def action_help_quit(self) -> None:
        """Ctrl+C leaves as ctrl+q does."""
        self.run_worker(self.action_quit())

    def _quit_if(self, wanted: bool | None) -> None:
        if wanted:
            self.exit()

    def _begin_work(self) -> Worker[None]:
        return self.run_worker(self._work, group="work", exclusive=True)

    async def _work(self) -> None:
        if self._client is None:
            self._client = await self._connected()
            await self._remember()
        await self.live.watch_health(self._client)

    async def _remember(self) -> None:
        """On a personal terminal the driver of last time is identified still."""
        if self.login is None and self.mode is Mode.DRIVER and self._memory is not None:
            login = await asyncio.to_thread(self._memory.load, self.clock.now())
            if login is not None:
                self.client.resume(login)
        if self.login is not None:
            self._follow()
            self._tell_login()

    def _tell_login(self) -> None:
        for screen in self.screen_stack:
            screen.post_message(LoginChanged())

    async def _connected(self) -> DriverClient:
        while True:
            try:
                return await self._connect()
            except (EvroamError, OSError):
                self.live.failed()
                await asyncio.sleep(_RETRY_SECONDS)

    def _follow(self) -> None:
        self.run_worker(self.live.follow(self.client), group="events", exclusive=True)

    async def _begin_session(self, consent: Callable[[DriverClient], Awaitable[SessionView]]) -> None:
        try:
            view = await consent(self.client)
        except EvroamError as error:
            if error.code == NOT_IDENTIFIED:
                self.sign_out()
            self.screen.post_message(StartFailed(error))
        else:
            self.live.take(view)
            self.open_session(view.id)
        finally:
            self.starting = False

    def _watch_idle(self) -> None:
        page = next(screen for screen in reversed(self.screen_stack) if isinstance(screen, Page))
        patience = None if self.starting else page.patience
        if patience != self.idle.patience:
            self.idle = self.idle.with_patience(self.clock, patience)
        presence = self.idle.presence(self.clock)
        if presence is Presence.GONE:
            self.wipe()
        elif presence is Presence.WARNED and not isinstance(self.screen, IdleWarning):
            self.push_screen(IdleWarning())
        elif isinstance(self.screen, IdleWarning):
            self.screen.tick()


def shipped_trust() -> TrustedHosts:
    """The trusted hosts that come with the application."""
    return TrustedHosts.from_json(files("assets").joinpath("trusted_hosts.json").read_text(encoding="utf-8"))
