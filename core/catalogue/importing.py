"""Import of a file of sites into a platform's catalogue, a batch at a time; what is there already stays as it is."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from sqlalchemy.exc import SQLAlchemyError

from core.catalogue.location_files import BrokenFile, LocationFile, Record
from core.catalogue.writing import Outcome, Told, write_sites
from core.endpoint.ports import Held
from core.endpoint.stored import read_site
from core.errors import InvalidInput
from core.model.sites import Site
from core.store.engine import Store

_BATCH = 250
_MOST_REASONS = 1000
_SOURCE_LENGTH = 64

_NOT_STORED = (InvalidInput, SQLAlchemyError, ValueError, OverflowError)
"""What one site can come to in a store that works: the last two are raised by drivers for values they cannot bind."""


@dataclass(frozen=True)
class Refusal:
    """A record that was left out: its number in the file, counted from 0, and why."""

    index: int
    reason: str


@dataclass
class ImportReport:
    """What an import came to.

    outcomes: how many sites were added, changed, and so on. evses: pieces of EV supply equipment of all sites read.
    refused counts all records that were left out, refusals tells the first thousand. broken: where and why the file
    could be read no further.
    """

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    evses: int = 0
    refused: int = 0
    refusals: list[Refusal] = field(default_factory=list)
    broken: BrokenFile | None = None

    @property
    def sites(self) -> int:
        """How many sites were read, whether or not they were new."""
        return self.outcomes.total()

    def refuse(self, index: int, reason: str) -> None:
        """Note a record that was left out."""
        self.refused += 1
        if len(self.refusals) < _MOST_REASONS:
            self.refusals.append(Refusal(index, reason))


class _Read(NamedTuple):
    number: int
    held: Held[Site]


async def import_sites(
    store: Store, path: Path, progress: Callable[[LocationFile], None] = lambda file: None
) -> ImportReport:
    """Import the sites of a file of OCPI Locations, of 2.2.1 or 2.3.0, as sites that no agreement covers.

    A record that cannot be read or stored is reported and the rest goes in, as does all that stands before the place
    where the file breaks off. `progress` is called after each batch. Raises BrokenFile where the file cannot be opened
    and StoreError where the store fails.
    """
    file = LocationFile(path)
    report = ImportReport()
    sites = _read_sites(file, report)
    while batch := list(islice(sites, _BATCH)):
        await _write(store, batch, f"import:{path.name}"[:_SOURCE_LENGTH], report)
        progress(file)
    progress(file)
    report.refusals.sort(key=lambda one: one.index)
    return report


def _read_sites(file: LocationFile, report: ImportReport) -> Iterator[_Read]:
    try:
        for record in file:
            try:
                yield _Read(record.index, _read(record))
            except InvalidInput as error:
                report.refuse(record.index, error.message)
    except BrokenFile as error:
        report.broken = error


def _read(record: Record) -> Held[Site]:
    # As bytes, so that a byte that is not UTF-8 is refused here.
    return read_site(record.text.encode("utf-8", "surrogateescape"))


async def _write(store: Store, batch: list[_Read], source: str, report: ImportReport) -> None:
    """Write a batch at once; where the store will not have it, each by itself, to find those that are at fault."""

    told = [Told(one.held.value, one.held.body) for one in batch]
    try:
        outcomes = await store.write(lambda connection: write_sites(connection, told, partner_id=None, source=source))
    except _NOT_STORED as error:
        if len(batch) == 1:
            report.refuse(batch[0].number, _reason(error))
            return
        for one in batch:
            await _write(store, [one], source, report)
        return
    report.outcomes.update(outcomes)
    report.evses += sum(len(one.held.value.equipment) for one in batch)


def _reason(error: Exception) -> str:
    return error.message if isinstance(error, InvalidInput) else f"it cannot be stored ({type(error).__name__})"
