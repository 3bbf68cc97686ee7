"""`evroam import`: put a file of sites into the home-CSP's catalogue."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.commands import EXIT_ERROR, say, say_error, say_json
from core.data_folder import HOME_CSP, data_folder, store_url

if TYPE_CHECKING:
    from core.catalogue.importing import ImportReport
    from core.catalogue.location_files import LocationFile

EXIT_RECORDS_REFUSED = 1
"""Exit code where the file was read to its end but some of its records were left out."""

_MOST_SHOWN = 20
_STEPS = 1000
_WORDS = {
    "added": "new",
    "changed": "changed",
    "unchanged": "unchanged",
    "older": "older than what is stored, left as it is",
    "under_agreement": "known from a roaming partner, left as it is",
}
"""What is said of each `Outcome` of writing a site."""


def import_file(
    file: Annotated[
        Path,
        typer.Argument(
            help="OCPI Locations, 2.2.1 or 2.3.0: a JSON array, an envelope with data, or JSON lines; .gz as well."
        ),
    ],
    data: Annotated[Path | None, typer.Option(help="Data folder; otherwise EVROAM_DATA or the user's own.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Import sites from a file into the catalogue; they are shown, without a roaming agreement.

    Importing again changes only what is newer. Exit code 0: all went in; 1: records were left out, each with its number
    and the reason; 2: the file cannot be read, or not to its end (what stood whole before is in).
    """
    report = asyncio.run(_import(file, data_folder(data)))
    if as_json:
        say_json(_as_json(report))
    else:
        say("\n".join(_lines(report)))
    if report.broken is not None:
        say_error(report.broken)
        raise typer.Exit(EXIT_ERROR)
    if report.refused:
        raise typer.Exit(EXIT_RECORDS_REFUSED)


async def _import(file: Path, folder: Path) -> "ImportReport":
    from core.catalogue.importing import import_sites
    from core.store.engine import Store

    store = await Store.open(store_url(folder, HOME_CSP))
    hidden = not sys.stderr.isatty()
    try:
        with typer.progressbar(length=_STEPS, label="Importing", file=sys.stderr, hidden=hidden) as bar:

            def show(file: "LocationFile") -> None:
                bar.update(_STEPS * file.bytes_read // max(file.size, 1) - bar.pos)

            return await import_sites(store, file, show)
    finally:
        await store.close()


def _lines(report: "ImportReport") -> list[str]:
    outcomes = _outcomes(report)
    lines = [f"{report.sites} sites with {report.evses} EVSEs read."]
    lines += [f"  {outcomes[outcome]} {words}" for outcome, words in _WORDS.items() if outcomes[outcome]]
    if report.refused:
        lines.append(f"{report.refused} records were left out:")
        lines += [f"  record {one.index}: {one.reason}" for one in report.refusals[:_MOST_SHOWN]]
    if report.refused > _MOST_SHOWN:
        lines.append(f"  and {report.refused - _MOST_SHOWN} more")
    return lines


def _outcomes(report: "ImportReport") -> dict[str, int]:
    """How many sites came to each outcome, by its name."""
    from core.catalogue.writing import Outcome

    return {outcome.value: report.outcomes[outcome] for outcome in Outcome}


def _as_json(report: "ImportReport") -> dict[str, object]:
    return {
        "sites": report.sites,
        "evses": report.evses,
        **_outcomes(report),
        "refused": report.refused,
        "refusals": [{"index": one.index, "reason": one.reason} for one in report.refusals],
        "broken": None if report.broken is None else report.broken.message,
    }
