"""Matching witnesses of the same session: one SQL text, run by DuckDB beside the store (architecture, decision 9).

All that can be told by setting columns side by side is found here; prices, identifiers and signatures are judged after
it, SDR by SDR. Times are microseconds since 1970, energy 0.1 Wh, amounts 1e-4 of the currency, as they are at rest.
"""

import csv
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from functools import cache
from importlib.resources import files
from operator import attrgetter
from pathlib import Path
from typing import Any

import duckdb

from core.model.clearing.discrepancies import DiscrepancyClass

MEMORY = "1GB"


@dataclass(frozen=True, slots=True)
class SdrRow:
    """An SDR in columns. key names it; alive: it still claims to be paid (an approved one does, a revised one not).

    judged: whether findings about it are wanted.
    """

    key: str
    id: str
    issuer: str
    payer: str
    session_id: str | None
    reference: str | None
    evse: str | None
    credential: str
    kind: str
    credits_id: str | None
    started: int
    ended: int
    energy: int
    amount: int
    amount_with_taxes: int | None
    currency: str
    meter_start: int | None
    meter_end: int | None
    received: int
    alive: bool
    judged: bool


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session in columns, as a home-CSP or the clearing house itself witnessed it."""

    key: str
    issuer: str
    payer: str
    session_id: str | None
    reference: str | None
    evse: str | None
    credential: str | None
    started: int
    ended: int | None
    energy: int
    authorised: bool
    quoted_most: int | None
    revoked: int | None
    max_power_w: int | None


@dataclass(frozen=True, slots=True)
class OutageRow:
    """When the EVSE of a session was said to be out of order."""

    session: str
    begins: int
    ends: int


@dataclass(frozen=True, slots=True)
class TermsRow:
    """What the agreement of a pair says, in the same units."""

    issuer: str
    payer: str
    currencies: str
    time_tolerance: int
    energy_tolerance: int
    energy_percent: float
    money_tolerance: int
    sdr_within: int
    late_after: int
    revoked_within: int


@dataclass(frozen=True)
class Witnesses:
    """All that is set side by side."""

    sdrs: Iterable[SdrRow]
    home: Iterable[SessionRow]
    hub: Iterable[SessionRow]
    terms: Iterable[TermsRow]
    outages: Iterable[OutageRow] = ()


@dataclass(frozen=True)
class Found:
    """A finding: what, about which SDR (or, for D03, session), beside what, and the two figures that differ."""

    kind: DiscrepancyClass
    key: str
    other: str | None
    ours: int | None
    theirs: int | None
    hub: int | None


@dataclass(frozen=True)
class Matched:
    """Pairs (SDR, session, number of the key by which they were matched), candidates for a person, and findings."""

    pairs: dict[str, tuple[str, int]] = field(default_factory=dict)
    candidates: dict[str, str] = field(default_factory=dict)
    hub_pairs: dict[str, str] = field(default_factory=dict)
    found: list[Found] = field(default_factory=list)


@dataclass(frozen=True)
class Place:
    """Where rows are set side by side: a database in memory, and a folder for what does not fit."""

    connection: duckdb.DuckDBPyConnection
    folder: Path


@contextmanager
def opened() -> Iterator[Place]:
    """A new place, until the block is left."""
    with tempfile.TemporaryDirectory(prefix="evroam-matching-") as folder:
        connection = duckdb.connect(
            ":memory:", config={"memory_limit": MEMORY, "threads": "2", "temp_directory": folder}
        )
        try:
            yield Place(connection, Path(folder))
        finally:
            connection.close()


def match(witnesses: Witnesses, now: int) -> Matched:
    """Match all; now: microseconds since 1970. Blocks; to be run in a thread."""
    with opened() as place:
        load(place, witnesses)
        return run(place.connection, now)


def load(place: Place, witnesses: Witnesses) -> None:
    """Make the tables of a new place."""
    _load(place, "sdr", SdrRow, witnesses.sdrs)
    _load(place, "home", SessionRow, witnesses.home)
    _load(place, "hub", SessionRow, witnesses.hub)
    _load(place, "terms", TermsRow, witnesses.terms)
    _load(place, "outage", OutageRow, witnesses.outages)


def run(connection: duckdb.DuckDBPyConnection, now: int) -> Matched:
    """Run the text over tables that are loaded already."""
    connection.execute("SET VARIABLE moment = ?::BIGINT", [now])
    connection.execute(_text())
    found = connection.execute("SELECT kind, key, other, ours, theirs, hub FROM found ORDER BY key, kind, other")
    return Matched(
        found=[Found(DiscrepancyClass(row[0]), *row[1:]) for row in found.fetchall()],
        pairs={sdr: (session, rule) for sdr, session, rule in _rows(connection, "SELECT sdr, session, rule FROM pair")},
        candidates=dict(_rows(connection, "SELECT sdr, session FROM candidate")),
        hub_pairs=dict(_rows(connection, "SELECT sdr, session FROM hub_pair")),
    )


_TYPES = {"str": "VARCHAR", "int": "BIGINT", "bool": "BOOLEAN", "float": "DOUBLE"}
_Row = SdrRow | SessionRow | TermsRow | OutageRow


def columns_of(kind: type[_Row]) -> dict[str, str]:
    """The columns of a table and their SQL types."""
    return {one.name: _TYPES[str(getattr(one.type, "__name__", one.type)).split(" ")[0]] for one in fields(kind)}


def _load(place: Place, table: str, kind: type[_Row], rows: Iterable[_Row]) -> None:
    """Through a file: row by row, DuckDB takes a hundred times as long."""
    columns = columns_of(kind)
    connection, file = place.connection, place.folder / f"{table}.csv"
    with file.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(map(attrgetter(*columns), rows))
    definition = ", ".join(f"{name} {sql}" for name, sql in columns.items())
    connection.execute(f"CREATE TABLE {table} ({definition})")
    types = ", ".join(f"'{name}': '{sql}'" for name, sql in columns.items())
    if file.stat().st_size:
        # An empty text is null: no id is empty. No value here comes from outside: names are ours, and so is the folder.
        connection.execute(
            f"INSERT INTO {table} SELECT * FROM read_csv('{file.as_posix()}', header=false, auto_detect=false, "  # noqa: S608
            f"delim=',', quote='\"', escape='\"', nullstr='', columns={{{types}}}, parallel=false)"
        )
    file.unlink()


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> Sequence[tuple[Any, ...]]:
    return connection.execute(query).fetchall()


@cache
def _text() -> str:
    return files("core.clearing_house").joinpath("matching.sql").read_text("utf-8")
