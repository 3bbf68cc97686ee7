"""What a key costs in a list of 100,000 sites, beside Textual's own DataTable; run it by hand.

    python -m tests.benchmarks.bench_site_list [rounds]

Each key hands the table another list of matches, found before the clock starts, and the clock stops when the screen is
painted. Both tables get the same rows and write the same words; processor time, as the terminal is not there.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from decimal import Decimal

from textual.app import App, ComposeResult
from textual.widgets import DataTable

from app.text import Text
from app.widgets.site_status import SiteStatus
from app.widgets.site_table import SiteRow, SiteTable, columns_for
from tests.benchmarks.measuring import Compared, print_table

SITES = 100_000
SIZE = (120, 40)
STREETS = ("Bahnhofstraße", "Bismarckstraße", "Bergweg", "Hauptstraße", "Marktplatz", "Planken", "Birkenallee", "Ring")
KEYS = ("", "b", "bi", "bis", "bismarckstraße 9")
TEXT = Text("en")


def site(number: int) -> SiteRow:
    """One of many."""
    return SiteRow(
        name=f"{STREETS[number % len(STREETS)]} {number // len(STREETS)}",
        operator=f"Operator {number % 300}",
        status=tuple(SiteStatus)[number % len(SiteStatus)],
        distance_m=40 * number,
        free=number % 5,
        total=4 + number % 5,
        top_kw=Decimal(22 + number % 300),
        my_session=Decimal(900 + number % 700) / 100,
    )


class Ours(App[None]):
    """Our table and nothing else."""

    def compose(self) -> ComposeResult:
        """The table."""
        yield SiteTable(TEXT)

    def show(self, rows: Sequence[SiteRow]) -> None:
        """Show these."""
        self.query_one(SiteTable).show(rows)


class Theirs(App[None]):
    """Textual's table and nothing else."""

    def compose(self) -> ComposeResult:
        """The table."""
        table: DataTable[str] = DataTable(cursor_type="row")
        for column in columns_for(SIZE[0]):
            table.add_column(column.heading, width=column.width)
        yield table

    def show(self, rows: Sequence[SiteRow]) -> None:
        """Show these."""
        table, columns = self.query_one(DataTable), columns_for(SIZE[0])
        table.clear()
        table.add_rows([column.write(row, TEXT) for column in columns] for row in rows)


async def each_key(app: Ours | Theirs, matches: Sequence[Sequence[SiteRow]]) -> list[float]:
    """Processor time from the key until the screen is painted, for one key after the other."""
    taken = []
    async with app.run_test(size=SIZE) as pilot:
        for rows in matches:
            begin = time.process_time()
            app.show(rows)
            await pilot.pause()
            taken.append(time.process_time() - begin)
    return taken


def run(rounds: int) -> list[Compared]:
    """Both tables in turn; a row a key, and one for all keys together."""
    sites = [site(number) for number in range(SITES)]
    matches = [[row for row in sites if key in row.name.lower()] for key in KEYS]
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(asyncio.run(each_key(Ours(), matches)))
        theirs.append(asyncio.run(each_key(Theirs(), matches)))
    rows = [
        _compared(f"{key!r}: {len(found)} sites", [one[at] for one in ours], [one[at] for one in theirs])
        for at, (key, found) in enumerate(zip(KEYS, matches, strict=True))
    ]
    return [*rows, _compared("all keys", list(map(sum, ours)), list(map(sum, theirs)))]


def _compared(what: str, ours: Sequence[float], theirs: Sequence[float]) -> Compared:
    return Compared(what, "DataTable", ours, theirs, aim=50)


if __name__ == "__main__":
    print_table("Processor time of a key", run(int(sys.argv[1]) if len(sys.argv) > 1 else 3))
