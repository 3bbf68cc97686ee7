"""The table of sites: cheap for any number of rows, and told apart without colour."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import overload

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import DataTable

from app.text import Text
from app.widgets.site_status import SiteStatus, legend
from app.widgets.site_table import SiteRow, SiteTable, columns_for, spoken
from tests.app.conftest import screen_text
from tests.app.gallery import SITES


class Sites(Sequence[SiteRow]):
    """So many sites, each made when it is asked for; counts how often that is."""

    def __init__(self, count: int) -> None:
        self.count, self.asked = count, 0

    def __len__(self) -> int:
        return self.count

    @overload
    def __getitem__(self, index: int) -> SiteRow: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[SiteRow]: ...
    def __getitem__(self, index):
        self.asked += 1
        return SiteRow(f"Site {index}", "Operator", SiteStatus.FREE, index, 1, 2, Decimal(50), Decimal("8.15"))


class TableApp(App[None]):
    def __init__(self, rows: Sequence[SiteRow]) -> None:
        super().__init__()
        self.rows = rows
        self.told: list[tuple[str, int]] = []

    def compose(self) -> ComposeResult:
        yield SiteTable(Text(), self.rows, empty="nothing fits")

    def on_site_table_highlighted(self, event: SiteTable.Highlighted) -> None:
        self.told.append(("highlighted", event.index))

    def on_site_table_chosen(self, event: SiteTable.Chosen) -> None:
        self.told.append(("chosen", event.index))


def run(rows: Sequence[SiteRow], steps: Callable[[Pilot, SiteTable], Awaitable[None]], size=(80, 24)) -> TableApp:
    async def drive() -> TableApp:
        app = TableApp(rows)
        async with app.run_test(size=size) as pilot:
            table = app.query_one(SiteTable)
            table.focus()
            await pilot.pause()
            await steps(pilot, table)
            await pilot.pause()
        return app

    return asyncio.run(drive())


def test_only_rows_in_sight_are_asked_for() -> None:
    async def steps(pilot: Pilot, table: SiteTable) -> None:
        other = Sites(90_000)
        table.show(other, cursor=0)
        await pilot.pause()
        assert 0 < other.asked < 24 * 4

    run(Sites(100_000), steps)


@pytest.mark.slow
def test_a_key_of_the_search_costs_a_fiftieth_of_what_a_data_table_takes() -> None:
    """CPU time for showing other rows, 100,000 here against a tenth of them there (whose cost is linear)."""

    async def steps(pilot: Pilot, table: SiteTable) -> None:
        begun = time.process_time()
        for count in range(5):
            table.show(Sites(100_000 - count), cursor=0)
            await pilot.pause()
        ours = (time.process_time() - begun) / 5

        old: DataTable[str] = DataTable()
        await pilot.app.mount(old)
        old.add_columns("name", "operator", "distance", "free", "top", "price")
        begun = time.process_time()
        old.clear()
        old.add_rows((f"Site {n}", "Operator", str(n), "1/2", "50 kW", "8.15") for n in range(10_000))
        await pilot.pause()
        theirs = (time.process_time() - begun) * 10
        assert ours * 50 < theirs, f"{ours:.3f} s against {theirs:.3f} s"

    run(Sites(100_000), steps)


def test_keys_move_the_cursor_and_keep_it_in_sight() -> None:
    async def steps(pilot: Pilot, table: SiteTable) -> None:
        await pilot.press("down", "down")
        assert table.cursor == 2
        await pilot.press("pagedown")
        assert table.cursor == 2 + 23
        await pilot.pause()
        assert "Site 25 " in screen_text(pilot.app)
        await pilot.press("end")
        await pilot.pause()
        assert table.cursor == 999
        assert "▶" in screen_text(pilot.app).splitlines()[23]
        assert "Site 999" in screen_text(pilot.app).splitlines()[23]
        await pilot.press("down", "home", "up")
        await pilot.pause()
        assert table.cursor == 0
        assert "Site 0 " in screen_text(pilot.app).splitlines()[1]
        await pilot.press("enter")

    assert run(Sites(1000), steps).told[-1] == ("chosen", 0)


def test_a_click_brings_the_cursor_and_a_second_one_chooses() -> None:
    async def steps(pilot: Pilot, table: SiteTable) -> None:
        await pilot.press("pagedown", "pagedown")
        top = round(table.scroll_y)
        assert top > 0
        await pilot.click(SiteTable, offset=(5, 4))
        assert table.cursor == top + 3
        await pilot.click(SiteTable, offset=(5, 4))
        await pilot.click(SiteTable, offset=(5, 0))

    told = run(Sites(1000), steps).told
    assert [kind for kind, _ in told].count("chosen") == 1
    assert told[-1][0] == "chosen"


def test_the_wheel_scrolls_without_moving_the_cursor() -> None:
    async def steps(pilot: Pilot, table: SiteTable) -> None:
        table.action_scroll_down()
        table.scroll_to(y=100, animate=False)
        await pilot.pause()
        assert table.cursor == 0
        assert "Site 100 " in screen_text(pilot.app)
        await pilot.press("down")
        await pilot.pause()
        assert "▶" in screen_text(pilot.app)

    run(Sites(1000), steps)


def test_fewer_rows_keep_the_cursor_on_one_of_them() -> None:
    async def steps(pilot: Pilot, table: SiteTable) -> None:
        await pilot.press("end")
        table.show(Sites(10))
        await pilot.pause()
        assert (table.cursor, table.row.name) == (9, "Site 9")
        assert "Site 0 " in screen_text(pilot.app)
        table.show(())
        await pilot.pause()
        assert table.row is None
        assert "nothing fits" in screen_text(pilot.app)
        await pilot.press("enter", "down", "up", "end")
        table.show(Sites(3))
        await pilot.pause()

    assert run(Sites(1000), steps).told[-1] == ("highlighted", 0)


@pytest.mark.parametrize("width", [40, 56, 80, 120, 200])
def test_every_width_is_used_and_none_exceeded(width: int) -> None:
    assert 6 + sum(column.width for column in columns_for(width)) + len(columns_for(width)) - 1 == width
    text = []

    async def steps(pilot: Pilot, table: SiteTable) -> None:
        text.append(screen_text(pilot.app))

    run(SITES, steps, (width, 12))
    lines = text[0].splitlines()
    assert "180 m" in lines[1] and "€9.40" in lines[1]
    assert "€8.15 ▼" in lines[2]
    assert [line[4] for line in lines[1:6]] == ["●", "◐", "○", "✕", "?"]
    assert [line[2] for line in lines[1:6]] == list("ABCDE")
    assert ("MVV Energie" in lines[1]) == (width >= 110)
    assert ("3/4" in lines[1]) == (width >= 48)


def test_a_row_can_be_read_aloud() -> None:
    assert spoken(SITES[1], 1, Text("de")) == (
        "B, Bismarckstr. 4, MVV Energie, teils frei, Entf. 310 m, frei 1/2, max. 50 kW, mein Preis 8,15\xa0€, "
        "das günstigste freie"
    )
    assert legend(Text()).plain == "● free   ◐ partly free   ○ busy   ✕ out of order   ? unknown"


def test_unknown_is_never_free_and_names_are_not_markup() -> None:
    text = []

    async def steps(pilot: Pilot, table: SiteTable) -> None:
        hostile = SiteRow("[red]\x1b[31mName[P2", "[/]", SiteStatus.UNKNOWN, None, 3, 4, None, currency="[b]")
        table.show([hostile])
        await pilot.pause()
        text.append(screen_text(pilot.app))

    run(SITES, steps, (140, 12))
    row = text[0].splitlines()[1]
    assert "[red]�[31mName[P2" in row
    assert "3/4" not in row
    assert "?" in row.split("Name")[1]
