"""The app as a whole: a public machine that cannot be left and erases, one that answers when its platform does not."""

import asyncio
import gc
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from app.kiosk import Kiosk, Mode
from app.live import Live, SessionChanged
from app.screens.find import FindScreen
from app.screens.idle_warning import IdleWarning
from app.screens.page import Page
from app.screens.welcome import WelcomeScreen
from app.widgets.problem_card import ProblemCard
from app.widgets.status_line import Connection
from core.clock import FixedClock
from core.driver_client import DriverClient
from core.driver_messages import Need, QuoteRequest
from core.errors import Unreachable
from core.model.parties import ObjectKey
from core.model.session import SessionState
from tests.app.conftest import screen_text
from tests.app.front import Beside, press, scan, settled, type_text, until
from tests.networks import MONDAY_MORNING, advance

STATION = ObjectKey(country_code="DE", party_id="KPF", id="KPF-MA-HBF")


def running(beside: Beside, steps: Callable, **options: object):
    async def go():
        app = beside.kiosk(**options)
        async with app.run_test(size=(80, 24)) as pilot:
            await settled(pilot)
            return await steps(app, pilot)

    return asyncio.run(go())


def test_a_public_machine_has_no_key_that_leaves_it(beside: Beside) -> None:
    async def steps(app: Kiosk, pilot) -> None:
        for key in ("ctrl+q", "ctrl+c", "ctrl+z", "ctrl+backslash", "ctrl+p", "escape", "q"):
            await press(pilot, key)
            assert isinstance(app.screen, WelcomeScreen) and len(app.screen_stack) == 1, key
        await app.action_quit()
        assert app.is_running and app.return_code is None
        assert not app.ENABLE_COMMAND_PALETTE

    running(beside, steps, mode=Mode.KIOSK)


def test_who_has_gone_is_warned_and_then_erased(beside: Beside) -> None:
    clock = FixedClock(MONDAY_MORNING)

    async def steps(app: Kiosk, pilot) -> None:
        await press(pilot, "enter")
        app.tick()
        clock.advance(61)
        app.tick()
        await settled(pilot)
        assert isinstance(app.screen, IdleWarning)
        assert "Everything is erased in 19 s" in screen_text(app)
        await press(pilot, "f4")
        assert isinstance(app.screen, FindScreen), "the key that stays does nothing else"
        clock.advance(61)
        app.tick()
        await settled(pilot)
        clock.advance(20)
        app.tick()
        await settled(pilot)
        assert isinstance(app.screen, WelcomeScreen) and len(app.screen_stack) == 1
        assert "Erased: name, contract, card number" in screen_text(app)

    running(beside, steps, mode=Mode.KIOSK, clock=clock)


def test_the_warning_looks_as_stored(snap_screens, beside: Beside) -> None:
    def factory(_clock: FixedClock) -> Kiosk:
        return beside.kiosk(mode=Mode.KIOSK, language="de", clock=FixedClock(MONDAY_MORNING))

    async def wait(pilot) -> None:
        await settled(pilot)
        await press(pilot, "enter")
        pilot.app.tick()
        pilot.app.clock.advance(70)
        pilot.app.tick()
        await settled(pilot)

    snap_screens(factory, settle=wait, name="warning")


def test_nobody_is_hurried_on_a_terminal_of_one_s_own(beside: Beside) -> None:
    clock = FixedClock(MONDAY_MORNING)

    async def steps(app: Kiosk, pilot) -> None:
        await press(pilot, "enter")
        clock.advance(3600)
        app.tick()
        await settled(pilot)
        assert isinstance(app.screen, FindScreen)

    running(beside, steps, clock=clock)


def searches_of(app: Kiosk) -> list[FindScreen]:
    """The screens for searching that still run, wherever they are kept."""
    gc.collect()
    return [one for one in gc.get_objects() if isinstance(one, FindScreen) and one.app is app and one.is_running]


def test_a_wipe_leaves_nothing_personal_in_the_app(beside: Beside) -> None:
    driver = beside.network.demo.driver
    marker = "Wunderlichstrasse"

    async def steps(app: Kiosk, pilot) -> None:
        await scan(pilot, driver.cards[0])
        await until(pilot, lambda: app.login is not None)
        token = app.login.token
        await press(pilot, "enter")
        await type_text(pilot, marker)
        app.need = Need(amount=Decimal(77))
        app.copy_to_clipboard(marker)
        app.wipe()
        await settled(pilot)
        assert app.login is None and app.client.login is None
        assert app.need == Need() and not app.live.sessions and app.clipboard == ""
        shown = screen_text(app)
        for secret in (marker, token, driver.name, driver.cards[0], "77 kWh"):
            assert secret not in shown
        await until(pilot, lambda: not searches_of(app))

    running(beside, steps, mode=Mode.KIOSK)


def test_an_unreachable_platform_is_shown_and_tried_again(beside: Beside) -> None:
    silent = True

    async def connect() -> DriverClient:
        if silent:
            raise Unreachable("nobody there")
        return await beside.client()

    async def go() -> None:
        nonlocal silent
        app = beside.kiosk(connect=connect)
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            await press_without_network(pilot, "enter")
            assert "✕ no connection" in screen_text(app)
            assert "The connection to your provider is being made." in screen_text(app)
            silent = False
            await until(pilot, lambda: "Lindenhof" in screen_text(app))
            assert "● live" in screen_text(app)
            assert not app.screen.query_one(ProblemCard).has_class("-shown")

    asyncio.run(go())


async def press_without_network(pilot, key: str) -> None:
    await pilot.press(key)
    await pilot.pause()


def seen(app: Kiosk, session_id: str) -> SessionState | None:
    """The state of a session as the app has it."""
    view = app.live.sessions.get(session_id)
    return view and view.state


def test_live_follows_events_and_tells_every_open_screen(own_network: Beside) -> None:
    heard: list[SessionChanged] = []

    class Listening(Page):
        def on_session_changed(self, message: SessionChanged) -> None:
            heard.append(message)

    async def steps(app: Kiosk, pilot) -> None:
        app.push_screen(Listening())
        app.open_find()
        client = await own_network.client(identified=True)
        quote = await client.quote(
            QuoteRequest(site=STATION, evse_uid="KPF-MA-HBF-A2", connector_id="1", need=Need(amount=Decimal(10)))
        )
        started = await client.start(quote.id)
        # The station must have heard of it before time passes, else it never charges.
        await until(pilot, lambda: seen(app, started.id) in {SessionState.AUTHORISED, SessionState.ACTIVE})
        await own_network.run(advance(own_network.network, minutes=10))
        await until(pilot, lambda: app.live.sessions[started.id].energy_kwh > 0)
        await until(pilot, lambda: heard and heard[-1].view == app.live.sessions[started.id])
        assert "Bay A2" in screen_text(app), "one key away from the search, too"
        await client.close()

    running(own_network, steps, identified=True)


def test_two_posts_at_once_are_offered_as_a_choice(own_network: Beside) -> None:
    async def steps(app: Kiosk, pilot) -> None:
        for uid in ("KPF-MA-HBF-A1", "KPF-MA-HBF-A2"):
            quote = await app.client.quote(QuoteRequest(site=STATION, evse_uid=uid, connector_id="1"))
            app.live.take(await app.client.start(quote.id))
        await settled(pilot)
        shown = screen_text(app)
        assert "Bay A1 · Mannheim Hbf" in shown and "Bay A2 · Mannheim Hbf" in shown
        await press(pilot, "f9")
        assert "Which session?" in screen_text(app)
        await press(pilot, "down", "enter")
        assert type(app.screen).__name__ == "ChargeScreen"
        assert app.live.sessions[app.screen.session_id].label == "A2"

    running(own_network, steps, identified=True)


def test_an_identification_that_has_ended_is_forgotten(own_network: Beside) -> None:
    async def steps(app: Kiosk, pilot) -> None:
        assert app.login is not None
        app.client.resume(app.login.model_copy(update={"token": "no longer valid"}))
        app.identified()
        await until(pilot, lambda: app.login is None)
        assert "Nobody is identified yet" in screen_text(app)

    running(own_network, steps, identified=True)


def test_a_search_goes_on_when_the_identification_has_ended(own_network: Beside) -> None:
    async def steps(app: Kiosk, pilot) -> None:
        app.workers.cancel_group(app, "events")
        app.client.resume(app.login.model_copy(update={"token": "no longer valid"}))
        await press(pilot, "enter")
        await until(pilot, lambda: "Lindenhof" in screen_text(app))
        assert app.login is None
        assert not app.screen.query_one(ProblemCard).has_class("-shown")

    running(own_network, steps, identified=True)


def test_the_age_of_the_connection_is_told_on_the_wall_clock(beside: Beside) -> None:
    clock = FixedClock(MONDAY_MORNING)
    told: list[Connection] = []

    async def steps(app: Kiosk, pilot) -> None:
        live = app.live
        app.on_connection_changed = lambda message: told.append(message.connection)
        assert live.connection is Connection.LIVE and live.age_seconds == 0
        app.workers.cancel_group(app, "work")
        clock.advance(13)
        app.tick()
        assert live.connection is Connection.SLOW and live.age_seconds == 13
        clock.advance(20)
        app.tick()
        assert live.connection is Connection.LOST
        await pilot.pause()
        assert "✕ no connection 33 s" in screen_text(app)

    running(beside, steps, clock=clock)


def test_the_platform_s_time_runs_as_fast_as_the_platform_says(beside: Beside) -> None:
    clock = FixedClock(MONDAY_MORNING)

    async def steps(app: Kiosk, pilot) -> None:
        live = Live(app, clock)
        live.health = app.live.health.model_copy(update={"demo_speed": 60.0, "at": MONDAY_MORNING})
        live._health_at = MONDAY_MORNING
        clock.advance(2)
        assert live.now() == MONDAY_MORNING + timedelta(minutes=2)

    running(beside, steps, clock=clock)


def test_an_older_view_of_a_session_changes_nothing(own_network: Beside) -> None:
    async def steps(app: Kiosk, pilot) -> None:
        quote = await app.client.quote(QuoteRequest(site=STATION, evse_uid="KPF-MA-HBF-A1", connector_id="1"))
        view = await app.client.start(quote.id)
        later = view.model_copy(update={"at": view.at + timedelta(seconds=5), "energy_kwh": Decimal(1)})
        app.live.take(later)
        app.live.take(view)
        assert app.live.sessions[view.id] == later

    running(own_network, steps, identified=True)
