"""How long the catalogue takes, beside the plain way to the same answer; run it by hand.

    python tests/benchmarks/bench_catalogue.py ../shared/data/bnetza_2019/locations.json.gz

Imports the sites into a new SQLite store, then asks what a kiosk asks. Ratios of one run mean more than its seconds.
Every answer is compared with that of the plain way: measuring every site.
"""

import asyncio
import gzip
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from resource import RUSAGE_SELF, getrusage

from sqlalchemy import Connection, select

from core.catalogue.filters import Filters, connectors_named
from core.catalogue.grid import Point, distance_m
from core.catalogue.importing import import_sites
from core.catalogue.keys import SiteKey
from core.catalogue.nearest import find_nearest, nearest
from core.catalogue.rows import Found
from core.catalogue.search import search
from core.store.engine import Store
from core.store.tables import site

LIMIT = 200
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
ALL = Filters(moment=NOW)
FAST = Filters(moment=NOW, connectors=connectors_named("CCS"), min_power_w=50_000)
QUESTIONS = ("b", "str", "bismarck", "köln", "68159", "DE*MVV*E000001*1", "mannheim luisenring")


def peak_mb() -> float:
    """The most memory that this process has held, in MB (Linux counts kilobytes)."""
    return getrusage(RUSAGE_SELF).ru_maxrss / 1024


def milliseconds(question: Callable[[Point], object], points: list[Point]) -> float:
    """The median time of one answer."""
    times = []
    for point in points:
        begin = time.perf_counter()
        question(point)
        times.append(time.perf_counter() - begin)
    return statistics.median(times) * 1000


def every_site_measured(connection: Connection, point: Point) -> list[Found]:
    """The plain way: read the place of every site, measure it, sort."""
    rows = connection.execute(
        select(site.c.country_code, site.c.party_id, site.c.id, site.c.latitude, site.c.longitude)
    )
    found = [
        Found(distance_m(point, Point(float(latitude), float(longitude))), SiteKey(country, party, key))
        for country, party, key, latitude, longitude in rows
    ]
    return sorted(found)[:LIMIT]


async def run(file: Path) -> None:
    """Import, ask, and print."""
    with tempfile.TemporaryDirectory() as folder:
        store = await Store.open(f"sqlite:///{folder}/home-csp.sqlite")
        before, seconds = peak_mb(), []
        for _ in range(2):
            begin = time.perf_counter()
            report = await import_sites(store, file)
            seconds.append(time.perf_counter() - begin)
        importing = peak_mb() - before
        print(
            f"{report.sites} sites and {report.evses} EVSEs, {report.outcomes['unchanged']} unchanged when read again"
        )
        parsing, parsed = as_a_whole(file)
        for name, taken in zip(("import", "import again"), seconds, strict=True):
            print(f"{name}: {taken:.2f} s ({taken / parsing:.0f} times json.loads of the whole file)")
        print(f"memory: import {importing:.0f} MB more than before it, json.loads another {parsed:.0f} MB on top")
        with store.read() as connection:
            ask(connection)
        await store.close()


def as_a_whole(file: Path) -> tuple[float, float]:
    """The plain way of reading: seconds, and by how many MB the process has grown."""
    before, begin = peak_mb(), time.perf_counter()
    records = json.loads(gzip.decompress(file.read_bytes()))
    taken = time.perf_counter() - begin
    assert records
    return taken, peak_mb() - before


def ask(connection: Connection) -> None:
    """Ask around real sites, and somewhere in Germany."""
    rng = random.Random(63119)
    points = [Point(rng.uniform(47.5, 54.5), rng.uniform(6.5, 14.0)) for _ in range(40)]
    for point in points:
        assert find_nearest(connection, point, ALL, LIMIT, None, ()) == every_site_measured(connection, point)
    plain = milliseconds(lambda point: every_site_measured(connection, point), points)
    found = milliseconds(lambda point: find_nearest(connection, point, ALL, LIMIT, None, ()), points)
    rows = milliseconds(lambda point: nearest(connection, point, ALL, LIMIT), points)
    fast = milliseconds(lambda point: nearest(connection, point, FAST, LIMIT), points)
    print(f"every site measured: {plain:.1f} ms")
    print(f"nearest {LIMIT} by the grid: {found:.1f} ms ({plain / found:.1f} times as fast, the same answers)")
    print(f"nearest {LIMIT} as rows: {rows:.1f} ms; with CCS of 50 kW and more: {fast:.1f} ms")
    for text in QUESTIONS:
        taken = milliseconds(lambda point, text=text: search(connection, text, point, ALL, LIMIT), points)
        print(f"search {text!r}: {taken:.1f} ms ({plain / taken:.1f} times as fast as measuring every site)")


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1])))
