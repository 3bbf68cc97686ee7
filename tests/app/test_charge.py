"""The charge screen: from the start ladder to the end, and what the driver can do at every moment of it."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from textual.pilot import Pilot
from textual.widgets import Button

from app.idle import BROWSING, Patience
from app.kiosk import Mode
from app.live import SessionChanged
from app.screens.charge import ChargeScreen
from app.screens.question import AnswerDialog
from app.session_words import can_stop, curve_of, figures_of, head_of, ladder_verdict, rungs_of, tabs_of
from app.text import LANGUAGES, Text
from app.widgets.session_figures import Figure, figure_lines
from app.widgets.session_head import head_lines
from app.widgets.session_tabs import SessionTab, SessionTabs, placed
from app.widgets.start_ladder import RungState, ladder_lines
from core.clock import FixedClock
from core.driver_messages import IdleClock, SessionView
from core.model.session import SessionState, StopScope
from tests.app.conftest import screen_text
from tests.app.sessions import NOW, OPENED, Shown, charging, done, euros, ladder, problem, starting

EN = Text()
IDLE_SINCE = IdleClock(free_until=NOW - timedelta(minutes=11), then_per_minute=euros("0.10"))

STATES: dict[str, tuple[SessionView, ...]] = {
    "waiting-for-cable": (starting(),),
    "waiting-for-operator": (starting(state=SessionState.AUTHORISING, rungs=ladder(*"ddwppp"), last_word_at=None),),
    "refused": (
        starting(state=SessionState.REJECTED, rungs=ladder(*"ddfppp"), problem=problem("result_evse_occupied")),
    ),
    "unconfirmed": (
        starting(
            state=SessionState.UNCONFIRMED,
            rungs=ladder(*"ddwppp"),
            problem=problem("not_confirmed"),
            last_word_at=None,
        ),
    ),
    "charging": (charging(),),
    "energy-first": (charging(rungs=ladder(*"dddnnd"), state_of_charge=None),),
    "idle": (charging(power_kw=Decimal(0), state_of_charge=Decimal(100), idle=IDLE_SINCE),),
    "silent": (charging(state=SessionState.SUSPECT, last_word_at=NOW - timedelta(minutes=7)),),
    "stop-pending": (charging(stop_requested_at=NOW - timedelta(seconds=4)),),
    "stop-unanswered": (charging(stop_requested_at=NOW - timedelta(seconds=20)),),
    "stop-problem": (
        charging(stop_requested_at=NOW - timedelta(seconds=20), stop_problem=problem("stop_unreachable")),
    ),
    "paused": (
        charging(
            stop_requested_at=NOW,
            stop_scope=StopScope.ENERGY_TRANSFER,
            power_kw=Decimal(0),
            expected_end=None,
            can_pause=True,
        ),
    ),
    "closing": (charging(state=SessionState.CLOSING, ended_at=NOW, idle=None, stop_requested_at=NOW),),
    "two-sessions": (charging(), starting(id="second", label="B1", opened_at=NOW)),
}


def shown(*views: SessionView, clock: FixedClock | None = None, **options: str | bool | Mode) -> Shown:
    return Shown(clock or FixedClock(NOW), ChargeScreen(views[0].id), *views, **options)


def with_app(app: Shown, steps: Callable[[Pilot], object], size: tuple[int, int] = (80, 24)) -> str:
    """Run steps on the app; what the screen shows at the end."""

    async def run() -> str:
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            running = steps(pilot)
            assert asyncio.iscoroutine(running)
            await running
            await pilot.pause()
            return screen_text(app)

    return asyncio.run(run())


async def nothing(pilot: Pilot) -> None:
    await pilot.pause()


@pytest.mark.parametrize("state", STATES)
def test_state_looks_as_stored(snap_screens, state: str) -> None:
    snap_screens(lambda clock: shown(*STATES[state], clock=clock), name=state)


def test_smallest_and_light_and_german_look_as_stored(snap_screens) -> None:
    snap_screens(lambda clock: shown(charging(), clock=clock), sizes=[(40, 15)], name="charging-small")
    snap_screens(
        lambda clock: shown(*STATES["two-sessions"], clock=clock, language="de", dark=False),
        sizes=[(80, 24)],
        name="two-sessions-light-german",
    )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("width", [38, 74, 194])
def test_every_state_is_said_in_every_language_within_its_width(state: str, language: str, width: int) -> None:
    text = Text(language)
    for view in STATES[state]:
        lines = [
            *head_lines(head_of(view, NOW, 1, text), width),
            *ladder_lines(rungs_of(view, NOW, text), ladder_verdict(view, text), text, width),
            *figure_lines(figures_of(view, NOW, text), width),
        ]
        assert max(line.cell_length for line in lines) <= width
        assert "Told in English" not in "".join(line.plain for line in lines)


def test_a_refusal_says_why_and_what_next_and_leads_on() -> None:
    said = with_app(shown(*STATES["refused"]), nothing)
    assert "This post is in use." in said and "Choose another post." in said
    assert "go on" in said and "stop" not in said
    assert "to come" not in said, "after a refusal nothing is still to come"


def test_an_unconfirmed_start_costs_nothing_unless_it_charged() -> None:
    assert "You pay nothing unless it charged" in " ".join(with_app(shown(*STATES["unconfirmed"]), nothing).split())


def test_a_code_without_a_sentence_is_told_as_a_refusal_in_the_driver_s_language() -> None:
    view = starting(state=SessionState.REJECTED, problem=problem("result_unheard_of"))
    (remark,) = head_of(view, NOW, 1, Text("de")).remarks
    assert remark.words == "Der Start wurde abgelehnt; Sie zahlen nichts."
    stop = charging(stop_requested_at=NOW, stop_problem=problem("stop_unheard_of"))
    (remark,) = head_of(stop, NOW, 1, Text("en")).remarks
    assert remark.words.startswith("Stopping did not work")


@pytest.mark.parametrize(
    ("states", "verdict"),
    [
        ("ddwppp", "Waiting for operator MVV Energie AG."),
        ("dddwpp", "Waiting for station A2."),
        ("ddddwp", "Waiting for you, not for the network."),
        ("dddddw", "Waiting for the car."),
        ("dddddd", "Energy flows. You may leave."),
    ],
)
def test_the_ladder_names_who_is_waited_for(states: str, verdict: str) -> None:
    assert ladder_verdict(charging(rungs=ladder(*states)), EN).startswith(verdict)


def test_what_a_partner_cannot_report_is_said_so_in_either_order() -> None:
    rungs = rungs_of(STATES["energy-first"][0], NOW, EN)
    assert [one.state for one in rungs[2:]] == [
        RungState.DONE, RungState.NOT_REPORTED, RungState.NOT_REPORTED, RungState.DONE,
    ]  # fmt: skip
    assert "not reported" in with_app(shown(*STATES["energy-first"]), nothing, (120, 40))


def test_a_stop_that_nobody_answers_says_so_after_fifteen_seconds_of_the_driver_s_own_time() -> None:
    """In a demo 60 times as fast, 15 s of the driver are 15 min of the station."""
    asked = charging(stop_requested_at=NOW)
    for speed, seconds in ((1, 15), (60, 900)):
        before = head_of(asked, NOW + timedelta(seconds=seconds - 1), speed, EN).remarks[0]
        after = head_of(asked, NOW + timedelta(seconds=seconds), speed, EN).remarks[0]
        assert before.words.startswith("Stopping: waiting for the station")
        assert after.words.startswith("No answer from the station yet") and after.next_step


def test_stop_can_be_asked_once_and_again_after_a_problem() -> None:
    assert can_stop(charging()) and can_stop(starting())
    assert not can_stop(charging(stop_requested_at=NOW))
    assert can_stop(charging(stop_requested_at=NOW, stop_problem=problem("stop_timeout")))
    assert not can_stop(charging(state=SessionState.CLOSING))


def test_the_age_of_the_last_word_moves_while_nothing_else_does() -> None:
    clock = FixedClock(NOW)
    app = shown(charging(), clock=clock)

    async def later(pilot: Pilot) -> None:
        assert "word from A2: 4 s ago" in screen_text(app)
        clock.advance(70)
        app.tick()

    said = with_app(app, later)
    assert "word from A2: 1 min ago" in said
    assert "41.2 kW" in said and "12.84 kWh" in said


def test_eighty_percent_is_marked_where_it_was_seen_to_be_reached_and_nowhere_else() -> None:
    app = shown(charging(state_of_charge=Decimal(79)))

    async def reach(pilot: Pilot) -> None:
        at = NOW - timedelta(seconds=2)
        app.live.take(charging(state_of_charge=Decimal(81), last_word_at=at, at=NOW + timedelta(seconds=1)))
        app.live.take(charging(state_of_charge=Decimal(90), last_word_at=NOW, at=NOW + timedelta(seconds=2)))

    assert "╎80%" in with_app(app, reach)
    assert "╎80%" not in with_app(shown(charging(state_of_charge=Decimal(81))), nothing)
    curve = curve_of(charging(), NOW - timedelta(seconds=2), EN)
    assert curve is not None and [(one.at, one.label) for one in curve.marks] == [(NOW - timedelta(seconds=2), "80%")]


def test_the_curve_holds_the_reports_alone_and_the_idle_mark_only_where_it_is_near() -> None:
    """Charging until 14:59, idle fee from 15:10: within half as long again of 52 min; 15:37 is not."""
    view = charging()
    far = curve_of(view, None, EN)
    assert far is not None and far.marks == () and far.end == view.expected_end
    assert [one.at for one in far.samples] == [one.at for one in view.curve]
    near_at = view.expected_end + timedelta(minutes=11) if view.expected_end else NOW
    near = curve_of(charging(idle=IdleClock(free_until=near_at, then_per_minute=euros("0.1"))), None, EN)
    assert near is not None and near.end == near_at and [one.at for one in near.marks] == [near_at]
    assert curve_of(starting(), None, EN) is None


def test_f8_asks_first_and_no_is_the_harmless_answer() -> None:
    app = shown(charging())

    async def refuse(pilot: Pilot) -> None:
        await pilot.press("f8")
        assert isinstance(app.screen, AnswerDialog)
        assert "12.84 kWh for €5.36 so far" in screen_text(app)
        assert isinstance(app.focused, Button) and app.focused.id == "no"
        await pilot.press("enter")
        assert isinstance(app.screen, ChargeScreen)

    assert "Stopping" not in with_app(app, refuse)


def test_where_the_operator_can_the_energy_alone_is_offered_and_elsewhere_why_it_is_not(snap_screens) -> None:
    offered: list[tuple[StopScope | None, str]] = []

    async def choose(pilot: Pilot, view: SessionView) -> None:
        await pilot.press("f8")
        assert isinstance(pilot.app.screen, AnswerDialog)
        for answer in pilot.app.screen._answers:
            offered.append((answer.value, screen_text(pilot.app)))
        await pilot.press("escape")
        async with asyncio.timeout(60):
            while isinstance(pilot.app.screen, AnswerDialog):
                await pilot.pause()

    for view in (charging(can_pause=True), charging(), STATES["paused"][0]):
        offered.clear()
        with_app(shown(view), lambda pilot, view=view: choose(pilot, view))
        scopes, said = [scope for scope, _ in offered], " ".join(offered[0][1].split())
        assert scopes[:2] == [None, StopScope.SERVICE_SESSION]
        assert (StopScope.ENERGY_TRANSFER in scopes) is (view.can_pause and view.stop_scope is None)
        assert ("This operator cannot pause" in said) is (not view.can_pause)
    snap_screens(lambda clock: shown(charging(can_pause=True), clock=clock), press=["f8"], name="stop")
    snap_screens(
        lambda clock: shown(charging(can_pause=True), clock=clock), press=["f8"], sizes=[(40, 15)], name="stop-small"
    )


def test_a_stop_without_connection_is_told_with_a_way_on() -> None:
    app = shown(charging())

    async def insist(pilot: Pilot) -> None:
        await pilot.press("f8")
        await pilot.click("#yes")
        await done(app, "stop")

    said = with_app(app, insist)
    assert "Try again" in said and "●" in said


def test_two_sessions_are_both_seen_and_one_goes_from_one_to_the_other_by_arrow_and_by_mouse() -> None:
    app = shown(*STATES["two-sessions"])

    async def go(pilot: Pilot) -> None:
        assert "A2 · 12.84 kWh" in screen_text(app) and "B1 · 0.00 kWh" in screen_text(app)
        await pilot.press("right")
        assert "Bay B1" in screen_text(app)
        await pilot.press("right")
        assert "Bay A2" in screen_text(app)
        await pilot.press("left")
        assert "Bay B1" in screen_text(app)
        await pilot.click(SessionTabs, offset=(3, 0))

    assert "Bay A2" in with_app(app, go)


def test_tabs_of_posts_with_the_same_label_name_their_sites() -> None:
    here, there = charging(id="1"), charging(id="2", site_name="Basel Gundeldingen")
    other = charging(id="3", label="B1")
    words = [tab.words.split(" · ")[0] for tab in tabs_of((here, there, other), Text())]
    assert words == ["A2, Bismarckstr. 4 …", "A2, Basel Gundeldin…", "B1"]


def test_the_chosen_tab_is_always_in_sight() -> None:
    tabs = [SessionTab(str(number), "●", f"Bay {number} · 12.84 kWh · €5.36") for number in range(9)]
    for chosen in range(9):
        row = placed(tabs, str(chosen), 40)
        start = next(start for start, tab in row if tab.id == str(chosen))
        assert start + len(f" ▸● {tabs[chosen].words} ") <= 40


def test_figures_stand_in_equal_rows_and_lose_their_labels_where_there_is_no_room() -> None:
    figures = [Figure("41.2 kW", "power"), Figure("12.84 kWh", "of 36 kWh"), Figure("€5.36", "so far")]
    wide, small = figure_lines(figures, 60), figure_lines(figures, 30)
    assert [line.plain.split() for line in wide] == [
        ["41.2", "kW", "12.84", "kWh", "€5.36"],
        ["power", "of", "36", "kWh", "so", "far"],
    ]
    assert [line.plain.split() for line in small] == [["41.2", "kW", "12.84", "kWh"], ["€5.36"]]
    assert all(line.cell_length <= 30 for line in small)


@pytest.mark.parametrize(
    ("state", "patience"),
    [
        ("waiting-for-operator", None),
        ("waiting-for-cable", None),
        ("unconfirmed", None),
        ("refused", BROWSING),
        ("charging", BROWSING),
        ("closing", BROWSING),
    ],
)
def test_a_public_machine_waits_for_ever_while_a_start_is_under_way_only(state: str, patience: Patience | None) -> None:
    app = shown(*STATES[state], mode=Mode.KIOSK)

    async def look(pilot: Pilot) -> None:
        assert isinstance(app.screen, ChargeScreen)
        assert app.screen.patience == patience

    with_app(app, look)


def test_foreign_words_steer_neither_terminal_nor_markup() -> None:
    hostile = "[red]\x1b]0;x\x07[/]\u202e"
    view = charging(site_name=hostile, label=hostile, operator=hostile, evse_id=hostile)
    app = shown(view, starting(id="other", label="[b"))

    async def change(pilot: Pilot) -> None:
        app.screen.post_message(SessionChanged(view))

    said = with_app(app, change, (120, 40))
    assert "[red]" in said
    assert not {"\x1b", "\x07", "\u202e"} & set(said)


def test_a_place_in_no_known_zone_is_shown_in_utc() -> None:
    assert head_of(charging(time_zone="../etc"), NOW, 1, EN).span == "13:07 → about 13:59"
    assert OPENED.hour == 13
