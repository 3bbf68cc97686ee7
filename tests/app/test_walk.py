"""The Walk screen: pictures of it from told values, and the way through it over a real network."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from rich.cells import cell_len
from textual.pilot import Pilot

from app.commands.walk_guide import EmbeddedGuide
from app.field_test import FieldTest
from app.screens import walk
from app.screens.charge import ChargeScreen
from app.screens.choice import Choice
from app.screens.walk import WalkScreen
from app.screens.walk_choice import SCENARIOS as OFFERED
from app.screens.walk_entry import WalkEntry
from app.screens.welcome import WelcomeScreen
from app.text import LANGUAGES, Text, messages
from app.walk_values import Route
from app.walk_words import body_lines, short_name
from app.widgets.app_window import AppWindow
from app.widgets.message_ladder import Arrow, MessageLadder, arrow_line, lane_heads
from core.clock import FixedClock
from core.walks.fault_names import FAULTS
from core.walks.running import SCENARIOS
from tests.app.conftest import screen_text
from tests.app.quiet import until_holds
from tests.app.sessions import NOW, STANDPOINT, Shown
from tests.app.walks import CSO, HOME, START, ToldGuide, said

# -- pictures


def told(clock: FixedClock, language: str = "en") -> Shown:
    return Shown(clock, WalkScreen(ToldGuide()), language=language)


async def rests(pilot: Pilot) -> None:
    """Wait until it is the tester's turn and the driver's screen is there."""
    screen = next(one for one in pilot.app.screen_stack if isinstance(one, WalkScreen))
    window = screen.query_one(AppWindow)

    def ready() -> bool:
        window.look()
        driver = window.shown
        return not screen.busy and driver is not None and driver.is_running and bool(window._rows)

    await until_holds(pilot, ready, within=60)


def after(*keys: str) -> Callable[[Pilot], Awaitable[None]]:
    async def settle(pilot: Pilot) -> None:
        await rests(pilot)
        for key in keys:
            await pilot.press(key)
            await pilot.pause()
            await rests(pilot)

    return settle


async def a_message_clicked(pilot: Pilot) -> None:
    """The answer of the visited-CSO, on the third line of the ladder."""
    await after("enter")(pilot)
    await pilot.click(MessageLadder, offset=(20, 2))
    await holds(pilot, lambda: isinstance(pilot.app.screen, WalkEntry))


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has to see each step."""
    monkeypatch.setattr(walk, "GLANCE_SECONDS", 0.0)


@pytest.mark.usefixtures("at_once")
def test_the_walk_looks_as_stored(snap_screens) -> None:
    snap_screens(told, name="midway", sizes=[(80, 24)], settle=after("enter", "enter", "enter"))
    snap_screens(told, name="failed", settle=after("f8"))
    snap_screens(told, name="message", sizes=[(80, 24)], settle=a_message_clicked)
    snap_screens(lambda clock: told(clock, "de"), name="fault-german", sizes=[(80, 24)], settle=after("f4"))


# -- words and drawings


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_step_and_every_fault_has_a_sentence(language: str) -> None:
    wanted = {f"walk.step.{step.name}" for one in SCENARIOS.values() for step in one.steps}
    wanted |= {f"walk.fault.{name}" for name in FAULTS} | {f"walk.scenario.{name}" for name in SCENARIOS}
    assert wanted <= set(messages(language))
    assert set(OFFERED) == set(SCENARIOS)


@pytest.mark.parametrize(
    ("arrow", "width", "drawn"),
    [
        (Arrow("", 1, 2, "PUT tokens", "1000", True, 3), 58, "├─────PUT tokens─────▶│ ✓ 1000 3"),
        (Arrow("", 1, 2, "POST tokens", "1000", True, 1377), 58, "├────POST tokens─────▶│ ✓ 1000 1377"),
        (Arrow("", 2, 1, "START_SESSION", "–", False), 58, "│◀───START_SESSION────┤ ✗ –"),
        (Arrow("", None, 2, "GET", "2000", False, 1), 58, "│?────────GET────────▶│ ✗ 2000 1"),
        (Arrow("", 2, 1, "PUT tokens", "1000", True, 3), 38, "│◀──┤ PUT tokens ✓ 1000"),
        (Arrow("", 0, 1, "driver’s app"), 38, "├┄┄▷│ │ driver’s app"),
    ],
)
def test_an_arrow_goes_from_lane_to_lane(arrow: Arrow, width: int, drawn: str) -> None:
    line = arrow_line(arrow, 3, Text("en"), width).plain
    assert " ".join(line.split()).removeprefix("│ ") == drawn and cell_len(line) == width
    heads = lane_heads(["driver", "home-CSP", "visited-CSO"], 58).plain
    assert heads.index("home-CSP") == 22 and heads.index("visited-CSO") == 44, "each name above its lane"


def test_a_message_is_laid_out_with_the_digits_it_came_with() -> None:
    assert body_lines('{"price":0.10,"n":1}') == ("{", '  "price": 0.10,', '  "n": 1', "}")
    assert body_lines('{"cut": "of') == ('{"cut": "of',)
    assert short_name(said(HOME, CSO, "POST commands", START)) == "START_SESSION"
    assert short_name(said(CSO, HOME, "POST commands", "/ocpi/2.3.0/sender/commands/x-1")) == "POST commands"


# -- the way


async def holds(pilot: Pilot, wanted: Callable[[], object]) -> None:
    try:
        await until_holds(pilot, wanted, within=120)
    except TimeoutError:
        pytest.fail(screen_text(pilot.app))


async def walked(pilot: Pilot, *keys: str) -> None:
    """Press keys, and wait until the walk has done what they ask for."""
    await pilot.press(*keys)
    async with asyncio.timeout(120):
        for work in [one for one in pilot.app.workers if one.group == "walk"]:
            await work.wait()
    await pilot.pause()


COPED = (
    "Objects that still wait to be sent: none.",
    "The session is REJECTED at the home-CSP, unknown at the visited-CSO.",
    "The driver reads: The operator confirms that nothing was started; you pay nothing. Try again.",
    "If the cable is held, the driver may ask for an emergency unlock (UC5-2, UC5-3).",
    "Nothing is billed so far.",
)


@pytest.mark.usefixtures("at_once")
def test_a_field_tester_walks_step_by_step_injects_a_fault_and_takes_the_evidence_along(tmp_path: Path) -> None:
    """Scenario 1 up to a start that the operator's platform fails to answer, with keys alone."""
    pack = tmp_path / "pack"
    (tmp_path / "network").mkdir()
    guide = EmbeddedGuide(Route("qr", "p2p"), folder=tmp_path / "network", evidence=pack)

    async def run() -> None:
        app = FieldTest(guide, STANDPOINT)
        async with app.run_test(size=(120, 40)) as pilot:
            await holds(pilot, lambda: isinstance(app.screen, WalkScreen) and not app.screen.busy)
            screen = app.screen
            assert isinstance(screen, WalkScreen)
            ladder, course = screen.query_one(MessageLadder), screen.course
            assert "OCPI 2.3.0 · peer to peer" in screen_text(app) and "fault: none" in screen_text(app)

            await walked(pilot, "enter")
            assert "POST credentials" in screen_text(app) and "✓ 1   ✗ 0" in screen_text(app)
            assert ladder.chosen == "sites", "the next step has the cursor"
            await pilot.press("up", "f2")
            await holds(pilot, lambda: isinstance(app.screen, WalkEntry))
            opened = screen_text(app)
            assert course.walked[0].messages[-1].request_id in opened and "X-Correlation-ID" in opened
            await pilot.press("escape")

            await pilot.press(*["down"] * 7, "f4")
            assert ladder.chosen == "start"
            await holds(pilot, lambda: isinstance(app.screen, Choice))
            await pilot.press("down", "down", "enter")
            await holds(pilot, lambda: guide.fault == ("5xx", "start"))
            await walked(pilot, "f8")
            assert [one.passed for one in course.walked] == [True] * 7 + [False]
            (command,) = course.walked[-1].messages
            assert (command.kind, command.http_status, command.accepted) == ("POST commands", 503, False)
            assert course.outcome.coped == COPED, "it ends on evidence and costs nothing"
            assert {one.kind for one in course.outcome.messages} >= {"GET sessions"}, "what the home-CSP then asked"

            driver = screen.query_one(AppWindow).shown
            await holds(
                pilot, lambda: isinstance(driver.screen, ChargeScreen) and "nothing was started" in screen_text(driver)
            )
            with pytest.raises(Exception, match="too late"):
                guide.inject("silent", "sites")

            ladder.highlighted = next(index for index, one in enumerate(ladder.options) if one.id == "start/0")
            await pilot.press("f2")
            await holds(pilot, lambda: isinstance(app.screen, WalkEntry))
            assert "START_SESSION" in screen_text(app) and '"uid": "***"' in "".join(shown_bodies(app.screen))
            await pilot.press("escape")
            await holds(pilot, lambda: screen._saved)
            await pilot.press("escape")
            await holds(pilot, lambda: not app.is_running or app._exit)

    asyncio.run(run())
    assert "evroam-walk" not in {one.name for one in threading.enumerate()}, "its network goes with the screen"
    assert json.loads((pack / "steps.json").read_text("utf-8"))["fault"] == "5xx@start"
    pictures = sorted(one.name for one in (pack / "screens").iterdir())
    assert pictures[0] == "01-authenticate.svg" and pictures[-1] == "08-start.svg"
    assert (pack / "screens" / "04-scan.svg").read_text("utf-8").startswith("<svg")


def shown_bodies(entry: WalkEntry) -> list[str]:
    return [line for _, lines in entry._bodies for line in lines]


def test_from_the_help_of_a_terminal_of_ones_own_a_walk_is_chosen_and_left(fixed_clock: FixedClock) -> None:
    opened: list[Route] = []

    class Told(ToldGuide):
        def __init__(self, route: Route) -> None:
            super().__init__()
            opened.append(route)

    async def run() -> None:
        app = Shown(FixedClock(NOW), WalkEntry("", "nothing", ()))
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("f1")
            await pilot.pause()
            assert "field test" not in screen_text(app), "where no walks are given there are none"
            app.walks = Told
            await pilot.press("f9")
            await holds(pilot, lambda: isinstance(app.screen, Choice))
            await pilot.press("down", "enter")
            await holds(pilot, lambda: "clearing house" in screen_text(app))
            await pilot.press("down", "enter")
            await holds(pilot, lambda: isinstance(app.screen, WalkScreen))
            await rests(pilot)
            await pilot.press("escape")
            await holds(pilot, lambda: not isinstance(app.screen, WalkScreen | WelcomeScreen))

    asyncio.run(run())
    assert opened == [Route("navigation", "hub", "2.3.0")]
