"""The first screen: beginning, languages, leaving, and what runs."""

import asyncio

from app.kiosk import Mode
from app.screens.find import FindScreen
from app.screens.question import Question
from app.screens.scan import ScanScreen
from app.screens.welcome import WelcomeScreen
from tests.app.conftest import screen_text
from tests.app.front import Beside, press, settled


def test_welcome_looks_as_stored(snap_screens, beside: Beside) -> None:
    snap_screens(lambda clock: beside.kiosk(mode=Mode.KIOSK), settle=settled)


def test_welcome_of_a_driver_s_own_terminal_looks_as_stored(snap_screens, beside: Beside) -> None:
    snap_screens(lambda clock: beside.kiosk(identified=True, language="de", dark=False), settle=settled, name="driver")


def test_welcome_on_the_smallest_screen_looks_as_stored(snap_screens, beside: Beside) -> None:
    snap_screens(lambda clock: beside.kiosk(mode=Mode.KIOSK), settle=settled, sizes=[(40, 15)], name="small")


def test_the_nearest_price_is_looked_for_again_when_sites_have_come(beside: Beside) -> None:
    asked = []

    async def go() -> None:
        app = beside.kiosk()
        async with app.run_test(size=(80, 24)) as pilot:
            await settled(pilot)
            app.screen.ask = lambda *_question, group: asked.append(group)
            app.tick()
            assert asked == [], "nothing has changed"
            app.live.health = app.live.health.model_copy(update={"sites": 1_000})
            app.tick()
            assert asked == ["nearest"]

    asyncio.run(go())


def test_first_paint_waits_for_no_network(beside: Beside) -> None:
    async def never() -> None:
        await asyncio.Event().wait()

    async def go() -> str:
        app = beside.kiosk(connect=never)
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            return screen_text(app)

    shown = asyncio.run(go())
    assert "Charge here, on the contract you have at home" in shown
    assert "◐ slow" in shown


def test_enter_begins_and_the_other_keys_do_what_they_say(beside: Beside) -> None:
    async def go() -> None:
        app = beside.kiosk()
        async with app.run_test(size=(80, 24)) as pilot:
            await settled(pilot)
            assert "€14.43 for 30 kWh" in screen_text(app)
            await press(pilot, "f2")
            assert "Hier laden, mit dem Vertrag von zu Hause" in screen_text(app)
            assert "14,43\xa0€ für 30 kWh" in screen_text(app)
            await press(pilot, "f4", "right", "enter")
            assert not app.dark
            await press(pilot, "f4", "down", "right", "enter")
            assert app.large and app.screen.has_class("-large")
            await press(pilot, "enter")
            assert isinstance(app.screen, FindScreen)
            await press(pilot, "escape")
            assert isinstance(app.screen, WelcomeScreen)

    asyncio.run(go())


def test_every_key_is_also_a_button(beside: Beside) -> None:
    async def go() -> None:
        app = beside.kiosk()
        async with app.run_test(size=(100, 30)) as pilot:
            await settled(pilot)
            await pilot.click("#go-type")
            await settled(pilot)
            assert isinstance(app.screen, ScanScreen)
            await press(pilot, "escape")
            await pilot.click("KeyLine", offset=(4, 0))
            await settled(pilot)
            assert isinstance(app.screen, FindScreen)

    asyncio.run(go())


def test_a_personal_terminal_is_left_after_a_question(beside: Beside) -> None:
    async def go() -> None:
        for key in ("escape", "ctrl+q", "ctrl+c"):
            app = beside.kiosk()
            async with app.run_test(size=(80, 24)) as pilot:
                await settled(pilot)
                await press(pilot, key)
                assert isinstance(app.screen, Question), key
                await press(pilot, "enter")
                assert isinstance(app.screen, WelcomeScreen) and app.is_running, "the harmless answer has the focus"
                await press(pilot, key, "right", "enter")
                assert app.return_code == 0, key

    asyncio.run(go())
