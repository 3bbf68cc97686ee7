"""The history: receipts by month, newest first, and a period as a table."""

import asyncio
import csv
import io
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from app.receipt_files import period_csv
from app.screens.history import HistoryScreen, HistoryTold
from app.screens.receipt import ReceiptScreen
from app.text import Text
from app.widgets.receipt_list import month_lines, month_of, row_line
from core.clock import FixedClock
from core.driver_messages import History, Money, ReceiptSummary
from tests.app.conftest import screen_text
from tests.app.sessions import NOW, OPENED, Shown, done, euros


def summary(id: str, days_ago: int, site: str, kwh: str, total: Money, **changes: object) -> ReceiptSummary:
    values = {
        "id": id,
        "site_name": site,
        "city": "Mannheim",
        "operator": "MVV Energie AG",
        "started_at": OPENED - timedelta(days=days_ago),
        "time_zone": "Europe/Berlin",
        "energy_kwh": Decimal(kwh),
        "total": total,
    }
    return ReceiptSummary.model_validate(values | changes)


FRANCS = Money(amount=Decimal("19.80"), currency="CHF")
HISTORY = History(
    receipts=(
        summary("one", 0, "Bismarckstr. 4 [P2]", "36.112", euros("14.73")),
        summary("two", 9, "Hauptbahnhof Süd", "20.5", euros("9.02")),
        summary(
            "three", 30, "Sihlquai", "41.2", FRANCS, time_zone="Europe/Zurich", city="Zürich", operator="Alpenstrom AG"
        ),
    ),
    months=(("2026-11", Decimal("56.612"), euros("23.75")), ("2026-10", Decimal("41.2"), FRANCS)),
)
STATES = {"some": HISTORY, "empty": History(receipts=())}


@pytest.mark.parametrize("state", STATES)
def test_history_looks_as_stored(snap_screens, state: str) -> None:
    snap_screens(lambda clock: Shown(clock, HistoryScreen(STATES[state])), name=state)


def test_smallest_history_looks_as_stored(snap_screens) -> None:
    snap_screens(
        lambda clock: Shown(clock, HistoryScreen(HISTORY), language="nl", dark=False), sizes=[(40, 15)], name="small"
    )


def test_a_month_has_its_energy_its_total_and_what_a_kwh_cost() -> None:
    """23.75 / 56.612 = 0.4195 a kWh."""
    (heading,) = month_lines(HISTORY, "2026-11", Text())
    assert heading.plain == "November 2026: 56.61 kWh, €23.75 · €0.42/kWh on average"
    nothing = History(receipts=HISTORY.receipts, months=(("2026-11", Decimal(0), euros("1")),))
    assert month_lines(nothing, "2026-11", Text())[0].plain == "November 2026: 0.00 kWh, €1.00"


def test_a_session_belongs_to_the_month_in_which_it_began_at_its_place() -> None:
    """23:30 UTC on 31 October is 1 November in Mannheim."""
    late = summary("x", 0, "x", "1", euros("1"), started_at=NOW.replace(month=10, day=31, hour=23, minute=30))
    assert month_of(late) == "2026-11"


@pytest.mark.parametrize("width", [38, 60, 74, 114, 194])
def test_a_row_is_as_wide_as_the_list_and_always_has_date_site_and_total(width: int) -> None:
    row = row_line(HISTORY.receipts[0], Text("de"), width)
    assert row.cell_length == width
    assert "22.11.2026" in row.plain and "Bismarck" in row.plain and "14,73" in row.plain


def test_enter_and_click_open_the_receipt_under_the_cursor() -> None:
    async def opened(*steps: str, click: tuple[int, int] | None = None) -> str:
        app = Shown(FixedClock(NOW), HistoryScreen(HISTORY))
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            await pilot.press(*steps)
            if click is not None:
                await pilot.click(offset=click)
            await pilot.pause()
            assert isinstance(app.screen, ReceiptScreen)
            return app.screen._receipt_id

    assert asyncio.run(opened("enter")) == "one"
    assert asyncio.run(opened("down", "down", "enter")) == "three", "the heading of a month is passed over"
    assert asyncio.run(opened(click=(10, 6))) == "two"


def test_receipts_that_come_later_are_shown_with_the_cursor_on_the_newest() -> None:
    async def run() -> str:
        app = Shown(FixedClock(NOW), HistoryScreen())
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            assert "not be read" not in screen_text(app)
            app.screen.post_message(HistoryTold(HISTORY))
            await pilot.pause()
            await pilot.press("enter")
            await pilot.pause()
            assert isinstance(app.screen, ReceiptScreen)
            return app.screen._receipt_id

    assert asyncio.run(run()) == "one"


def test_f2_goes_from_month_to_month_and_f4_saves_the_shown_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DOWNLOAD_DIR", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))

    async def run() -> str:
        app = Shown(FixedClock(NOW), HistoryScreen(HISTORY))
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.pause()
            await pilot.press("f2", "f2", "f4")
            await done(app, "save")
            await pilot.pause()
            return screen_text(app)

    said = asyncio.run(run())
    assert "October 2026  ·  1 session" in said and "Bismarckstr." not in said
    (row,) = csv.DictReader(io.StringIO((tmp_path / "evroam-2026-10.csv").read_text(encoding="utf-8")))
    assert (row["receipt"], row["total"], row["currency"]) == ("three", "19.80", "CHF")
    assert row["started_at"] == "2026-10-23T15:07:00+02:00"


def test_a_table_of_nothing_is_its_headings() -> None:
    assert period_csv([]).startswith("receipt,started_at,site")
    assert len(period_csv([]).splitlines()) == 1


def test_an_empty_history_has_nothing_to_open_or_to_save() -> None:
    async def run() -> str:
        app = Shown(FixedClock(NOW), HistoryScreen(STATES["empty"]))
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            await pilot.press("f2", "f4", "enter")
            await pilot.pause()
            return screen_text(app)

    said = asyncio.run(run())
    assert "No sessions yet" in said and "CSV" not in said and "open" not in said


def test_foreign_words_steer_neither_terminal_nor_markup() -> None:
    hostile = "[red]\x1b]0;x\x07\u202e"
    one = summary("x", 0, hostile, "1", euros("1"), city=hostile, operator=hostile, time_zone=hostile)

    async def run() -> str:
        app = Shown(
            FixedClock(NOW), HistoryScreen(History(receipts=(one,), months=((hostile, Decimal(1), euros("1")),)))
        )
        async with app.run_test(size=(160, 40)) as pilot:
            await pilot.pause()
            return screen_text(app)

    said = asyncio.run(run())
    assert "[red]" in said and not {"\x1b", "\x07", "\u202e"} & set(said)
