"""Help: the keys of the place it was asked at, a stuck cable, whom to call, and every refusal with its next step."""

import asyncio

import pytest

from app.screens.charge import ChargeScreen
from app.screens.help import CABLE_STEPS, REFUSALS, HelpScreen, cable_steps, key_facts, refusals
from app.text import LANGUAGES, Text, messages
from core.clock import FixedClock
from tests.app.conftest import screen_text
from tests.app.sessions import NOW, Shown, charging


def charge(clock: FixedClock, language: str = "en") -> Shown:
    return Shown(clock, ChargeScreen(charging().id), charging(), language=language)


def test_help_looks_as_stored(snap_screens) -> None:
    snap_screens(charge, press=["f1"], name="help")
    snap_screens(charge, press=["f1", "f2"], sizes=[(40, 15)], name="cable")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_refusal_has_a_sentence_and_a_next_step(language: str) -> None:
    told = refusals(Text(language))
    assert len(told) == len(REFUSALS)
    assert all(one.words and one.next_step and one.words != one.next_step for one in told)
    assert {f"help.{step}" for step in CABLE_STEPS} <= set(messages(language))
    assert [one.words[0] for one in cable_steps(Text(language))] == ["1", "2", "3", "4", "5"]


def test_help_lists_the_keys_that_the_screen_has_at_present_and_no_other() -> None:
    async def run() -> tuple[list[str], str]:
        app = charge(FixedClock(NOW))
        async with app.run_test(size=(120, 60)) as pilot:
            await pilot.pause()
            keys = [name for name, _ in key_facts(app.screen.actions(), app.text)]
            await pilot.press("f1")
            await pilot.pause()
            assert isinstance(app.screen, HelpScreen)
            said = screen_text(app)
            await pilot.press("escape")
            async with asyncio.timeout(60):
                while not isinstance(app.screen, ChargeScreen):
                    await pilot.pause()
            return keys, said

    keys, said = asyncio.run(run())
    assert keys == ["F4", "F8", "Esc", "F1"], "help comes last; going on and changing sessions are for other times"
    assert "End the session, after a question." in said
    assert "DE*MVV*E000001*2 · session 9f31c0de-5a" in said


def test_f2_goes_to_the_stuck_cable() -> None:
    async def run() -> str:
        app = charge(FixedClock(NOW))
        async with app.run_test(size=(60, 16)) as pilot:
            await pilot.pause()
            await pilot.press("f1", "f2")
            await pilot.pause()
            return screen_text(app)

    assert asyncio.run(run()).splitlines()[2].strip().startswith("Cable stuck")
