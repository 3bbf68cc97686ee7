"""Scanner bursts, told from typing and pasting by the times of their keys (architecture, decision 15)."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence

import pytest
from textual import events
from textual._xterm_parser import XTermParser
from textual.app import ComposeResult
from textual.binding import Binding
from textual.pilot import Pilot
from textual.widgets import Button, Input

from app.scan_sink import HOLD, MOST_KEYS, SURE_HOLD, Scanned, ScanSink
from tests.app.conftest import SCANNING, TYPING, press_keys
from tests.app.quiet import until_holds

URL = "https://m.intercharge.eu/qr?evseid=DE*ABC*E123*1"


class Sink(ScanSink[None]):
    """A search field, a button that must not be pressed by a scanner, and bindings on letters, which must not fire."""

    BINDINGS = [Binding("q", "seen('q')", priority=True), Binding("ctrl+q", "seen('ctrl+q')", priority=True)]

    def __init__(self) -> None:
        super().__init__()
        self.scans: list[Scanned] = []
        self.seen: list[str] = []
        self.typed = ""

    def compose(self) -> ComposeResult:
        yield Input(id="search")
        yield Button("start", id="start")

    def action_seen(self, name: str) -> None:
        self.seen.append(name)

    def on_scanned(self, scanned: Scanned) -> None:
        self.scans.append(scanned)

    def on_button_pressed(self) -> None:
        self.seen.append("start")

    def on_input_submitted(self) -> None:
        self.seen.append("submitted")

    def on_input_changed(self, changed: Input.Changed) -> None:
        self.typed = changed.value


def drive(steps: Callable[[Pilot], Awaitable[None]], focus: str = "#search") -> Sink:
    """Run the app, take the steps, let held keys go, and give it back."""

    async def run() -> Sink:
        app = Sink()
        async with app.run_test() as pilot:
            app.query_one(focus).focus()
            await pilot.pause()
            await steps(pilot)
            await app.release_held_keys()
            await pilot.pause()
        return app

    return asyncio.run(run())


def keyed(keys: Sequence[str], step: float, focus: str = "#search") -> Sink:
    return drive(lambda pilot: press_keys(pilot, keys, step), focus)


def test_a_burst_becomes_one_scan_and_types_nothing() -> None:
    app = keyed([*URL, "enter"], SCANNING)
    assert [scan.payload for scan in app.scans] == [URL]
    assert (app.typed, app.seen) == ("", [])


def test_tab_ends_a_burst_as_well_and_does_not_move_the_focus() -> None:
    app = keyed([*"DE*ABC*E123*1", "tab"], SCANNING)
    assert [scan.payload for scan in app.scans] == ["DE*ABC*E123*1"]


def test_its_enter_presses_no_button_and_its_q_fires_no_binding() -> None:
    app = keyed([*"qqqqqqqq", "enter"], SCANNING, focus="#start")
    assert [scan.payload for scan in app.scans] == ["qqqqqqqq"]
    assert app.seen == []


def test_a_fast_typist_is_not_a_scanner() -> None:
    """Twelve keys a second, which is 140 words a minute."""
    app = keyed([*"bismarckstr", "enter"], 1 / 12)
    assert (app.typed, app.seen, app.scans) == ("bismarckstr", ["submitted"], [])


def test_bindings_still_fire_for_a_person() -> None:
    assert keyed(["q"], TYPING, focus="#start").seen == ["q"]


def test_six_quick_keys_and_enter_are_typing() -> None:
    app = keyed([*"123456", "enter"], SCANNING)
    assert (app.typed, app.seen, app.scans) == ("123456", ["submitted"], [])


def test_seven_are_a_scan() -> None:
    assert [scan.payload for scan in keyed([*"1234567", "enter"], SCANNING).scans] == ["1234567"]


@pytest.mark.parametrize(("step", "scans"), [(0.029, 1), (0.031, 0)])
def test_the_step_between_keys_decides(step: float, scans: int) -> None:
    assert len(keyed([*"DE*ABC*E1", "enter"], step).scans) == scans


def test_a_late_key_in_a_long_burst_does_not_split_it() -> None:
    """The machine was busy for 45 ms after eight keys; no Enter may come loose from the end."""

    async def steps(pilot: Pilot) -> None:
        await press_keys(pilot, "DE*ABC*E", SCANNING, start=10.0)
        await press_keys(pilot, [*"123", "enter"], SCANNING, start=10.0 + 7 * SCANNING + 0.045)

    app = drive(steps, focus="#start")
    assert [scan.payload for scan in app.scans] == ["DE*ABC*E123"]
    assert app.seen == []


def test_a_burst_without_terminator_is_released_in_order() -> None:
    """So do tmux, ssh and an unmarked paste type."""
    app = keyed(list("Bismarckstr. 4"), 0.0)
    assert (app.typed, app.scans) == ("Bismarckstr. 4", [])


def test_held_keys_are_released_by_time_alone() -> None:
    async def run() -> tuple[str, str]:
        app = Sink()
        async with app.run_test() as pilot:
            app.query_one("#search").focus()
            await pilot.pause()
            await press_keys(pilot, "b")
            at_once = app.typed
            await until_holds(pilot, lambda: app.typed)
            return at_once, app.typed

    assert asyncio.run(run()) == ("", "b")
    assert HOLD <= SURE_HOLD <= 0.06, "a person notices more"


def test_typing_after_a_burst_that_was_none_keeps_the_order() -> None:
    async def steps(pilot: Pilot) -> None:
        await press_keys(pilot, "quickly", SCANNING, start=10.0)
        await press_keys(pilot, [*"slow", "backspace"], TYPING, start=11.0)

    app = drive(steps)
    assert app.typed == "quicklyslo"


def test_a_bracketed_paste_stays_a_paste() -> None:
    async def steps(pilot: Pilot) -> None:
        await press_keys(pilot, "a")
        pilot.app.post_message(events.Paste(URL))
        await pilot.pause()

    app = drive(steps)
    assert (app.typed, app.scans) == ("a" + URL, [])


def test_arrows_and_escape_are_not_held_up() -> None:
    async def steps(pilot: Pilot) -> None:
        await press_keys(pilot, "ab")
        await press_keys(pilot, ["left"], start=2000.0)
        assert pilot.app.query_one(Input).cursor_position == 1

    drive(steps)


def test_control_characters_come_through_in_the_payload_and_reach_no_binding() -> None:
    """A payload may hold ctrl+q, or the remains of an escape sequence that the terminal made an arrow of."""

    async def steps(pilot: Pilot) -> None:
        burst = [
            ("ctrl+q", "\x11"),
            *((c, c) for c in "DEABCE"),
            ("up", None),
            ("ctrl+g", "\x07"),
            ("1", "1"),
            ("enter", "\r"),
        ]
        for index, (key, character) in enumerate(burst):
            event = events.Key(key, character)
            event.time = 10.0 + index * SCANNING
            pilot.app.post_message(event)
        await pilot.pause()

    app = drive(steps, focus="#start")
    assert [scan.payload for scan in app.scans] == ["\x11DEABCE\x1b\x071"]
    assert app.seen == []


@pytest.mark.parametrize(
    "sequence",
    ["\x1b[A", "\x1b[19~", "\x1b[<0;3;5M\x1b[<0;3;5m", "\x1b[200~x\x1b[201~", "\x1b]0;" + "x" * 40 + "\x07", "\x03"],
)
def test_an_escape_sequence_within_a_code_reaches_nobody(sequence: str) -> None:
    """Through Textual's own parser: an arrow, F8, a click on the button, a paste, a window title, ctrl+c."""

    async def steps(pilot: Pilot) -> None:
        for event in XTermParser().feed(f"DE*ABC{sequence}*E123\r"):
            event.time = 10.0
            pilot.app.post_message(event)
        await pilot.pause()

    app = drive(steps, focus="#start")
    assert len(app.scans) == 1
    assert (app.typed, app.seen) == ("", [])
    assert app.scans[0].payload.startswith("DE*ABC") and app.scans[0].payload != "DE*ABC*E123"


def test_a_click_right_after_a_key_comes_after_it() -> None:
    async def steps(pilot: Pilot) -> None:
        start = pilot.app.query_one("#start").region.offset
        mouse = [
            kind(None, start.x + 2, start.y + 1, 0, 0, 1, False, False, False)
            for kind in (events.MouseDown, events.MouseUp)
        ]
        for event in (events.Key("a", "a"), *mouse):
            event.time = 10.0
            pilot.app.post_message(event)
        await pilot.pause()

    app = drive(steps)
    assert (app.typed, app.seen) == ("a", ["start"])


def test_the_rest_of_a_payload_of_several_lines_is_swallowed() -> None:
    """A visiting card, or a scanner that ends with CR LF: what follows the first line must press nothing."""
    app = keyed([*"BEGIN:VCARD", "enter", *"N:X", "enter", "enter"], SCANNING, focus="#start")
    assert [scan.payload for scan in app.scans] == ["BEGIN:VCARD"]
    assert app.seen == []


def test_the_next_scan_is_seen() -> None:
    async def steps(pilot: Pilot) -> None:
        await press_keys(pilot, [*"DE*ABC*E1", "enter"], SCANNING, start=10.0)
        await press_keys(pilot, [*"DE*ABC*E2", "enter"], SCANNING, start=11.0)

    assert [scan.payload for scan in drive(steps).scans] == ["DE*ABC*E1", "DE*ABC*E2"]


@pytest.mark.parametrize("end", [["enter"], []])
def test_what_is_too_long_is_cut_and_refused(end: list[str]) -> None:
    async def steps(pilot: Pilot) -> None:
        for index, key in enumerate([*"A" * (MOST_KEYS + 100), *end]):
            event = events.Key(key, "\r" if key == "enter" else key)
            event.time = 10.0 + index * SCANNING
            pilot.app.post_message(event)
        await pilot.pause()

    app = drive(steps)
    assert [(len(scan.payload), scan.too_long) for scan in app.scans] == [(512, True)]
    assert (app.typed, app.seen) == ("", [])


def test_exactly_the_most_is_not_too_long() -> None:
    async def steps(pilot: Pilot) -> None:
        for index, key in enumerate([*"A" * MOST_KEYS, "enter"]):
            event = events.Key(key, "\r" if key == "enter" else key)
            event.time = 10.0 + index * SCANNING
            pilot.app.post_message(event)
        await pilot.pause()

    assert [(len(scan.payload), scan.too_long) for scan in drive(steps).scans] == [(512, False)]


def test_every_payload_of_the_corpus_arrives_as_it_was_scanned(shared_data) -> None:
    """As a scanner in front of a raw terminal types it; ESC within a burst comes as the key escape."""
    lines = (shared_data / "qr" / "payloads.jsonl").read_text(encoding="utf-8").splitlines()
    payloads = [payload for line in lines if 7 <= len(payload := json.loads(line)["payload"]) <= MOST_KEYS]

    async def steps(pilot: Pilot) -> None:
        for number, payload in enumerate(payloads):
            for index, character in enumerate(payload + "\r"):
                event = events.Key({"\r": "enter", "\x1b": "escape"}.get(character, character), character)
                event.time = 10.0 * number + index * SCANNING
                pilot.app.post_message(event)
            await pilot.pause()

    app = drive(steps, focus="#start")
    assert [scan.payload for scan in app.scans] == payloads
    assert app.seen == []
