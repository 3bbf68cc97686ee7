"""`evroam near`: the sites near a point or a place, nearest first."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.cells import cell_len, set_cell_size

from app.commands import say, say_json
from core.clock import WallClock
from core.data_folder import HOME_CSP, data_folder, store_path, store_url
from core.errors import InvalidInput, NotFound
from core.model.display import printable

if TYPE_CHECKING:
    from core.catalogue.filters import Filters
    from core.catalogue.places import Place
    from core.catalogue.rows import SiteRow

app = typer.Typer(add_completion=False, rich_markup_mode=None)


# A southern latitude begins with a minus; it is no option.
@app.command("near", context_settings={"ignore_unknown_options": True})
def near(
    place: Annotated[str, typer.Argument(metavar="LAT,LON|PLACE", help="Decimal degrees, or the name of a town.")],
    radius: Annotated[float | None, typer.Option(metavar="KM", help="No farther than so many kilometres.")] = None,
    connector: Annotated[str | None, typer.Option(help="CCS, Type2, CHAdeMO, or a name such as IEC_62196_T2.")] = None,
    min_kw: Annotated[float, typer.Option("--min-kw", metavar="N", help="At least so many kW.")] = 0,
    free: Annotated[bool, typer.Option("--free", help="Only with a fitting connector that is free now.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many sites.")] = 20,
    data: Annotated[Path | None, typer.Option(help="Data folder; otherwise EVROAM_DATA or the user's own.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """List the sites near a point or a place, nearest first.

    All that is asked has to hold on one and the same connector. A status that is too old is unknown and not free.
    """
    from core.catalogue.filters import Filters, connectors_named

    filters = Filters(
        moment=WallClock().now(),
        connectors=connectors_named(connector) if connector is not None else frozenset(),
        min_power_w=int(_not_negative(min_kw, "--min-kw") * 1000),
        free=free,
    )
    radius_m = None if radius is None else float(_not_negative(radius, "--radius") * 1000)
    here, rows = asyncio.run(_find(place, filters, limit, radius_m, data_folder(data)))
    if as_json:
        say_json([_as_json(row) for row in rows])
    else:
        say("\n".join(_table(here, rows)))


async def _find(
    place: str, filters: "Filters", limit: int, radius_m: float | None, folder: Path
) -> tuple["Place", list["SiteRow"]]:
    from core.catalogue.nearest import nearest
    from core.catalogue.places import find_place
    from core.store.engine import Store

    if not store_path(folder, HOME_CSP).exists():
        raise NotFound(
            f"There is no catalogue in {folder}.", code="no_catalogue", next_step="Fill one: evroam import FILE."
        )
    store = await Store.open(store_url(folder, HOME_CSP))
    try:
        with store.read() as connection:
            here = find_place(connection, place)
            return here, nearest(connection, here.point, filters, limit, radius_m=radius_m)
    finally:
        await store.close()


def _not_negative(number: float, option: str) -> Decimal:
    if not 0 <= number <= 1_000_000:  # also where it is not a number
        raise InvalidInput(f"{option} is {number}: a number from 0 to 1000000 was expected.", code="not_a_quantity")
    return Decimal(str(number))


def _as_json(row: "SiteRow") -> dict[str, object]:
    return {
        "country_code": row.country_code,
        "party_id": row.party_id,
        "id": row.id,
        "name": row.name,
        "address": row.address,
        "postal_code": row.postal_code,
        "city": row.city,
        "operator": row.operator,
        "latitude": float(row.latitude),
        "longitude": float(row.longitude),
        "distance_m": round(row.distance_m, 3),
        "evses": row.evses,
        "free": row.free,
        "unknown": row.unknown,
        "max_kw": float(row.max_kw),
        "connectors": list(row.connectors),
        "roaming": row.roaming,
        "source": row.source,
    }


_HEADINGS = ("distance", "free", "kW", "site", "place", "operator", "roaming")
_NUMBERS = 3
_WIDEST = 40


def _table(here: "Place", rows: Sequence["SiteRow"]) -> list[str]:
    title = f"Near {here}"
    if not rows:
        return [f"{title}: no site fits."]
    lines = [_HEADINGS, *(_cells(row) for row in rows)]
    widths = [max(cell_len(line[column]) for line in lines) for column in range(len(_HEADINGS))]
    return [title, *(_aligned(line, widths) for line in lines)]


def _cells(row: "SiteRow") -> tuple[str, ...]:
    free = "?" if row.evses and row.unknown == row.evses else str(row.free)
    return (
        f"{row.distance_m:.0f} m" if row.distance_m < 1000 else f"{row.distance_m / 1000:.1f} km",
        f"{free}/{row.evses}",
        f"{row.max_kw.normalize():f}" if row.max_power_w else "?",
        _shown(row.name),
        _shown(f"{row.postal_code} {row.city}".strip()),
        _shown(row.operator),
        "yes" if row.roaming else "no",
    )


def _shown(text: str) -> str:
    """Foreign text as one cell: escaped before it is measured, and cut where it is too long."""
    safe = printable(text)
    return safe if cell_len(safe) <= _WIDEST else set_cell_size(safe, _WIDEST - 1).rstrip() + "…"


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    spaces = [" " * (width - cell_len(cell)) for cell, width in zip(cells, widths, strict=True)]
    numbers = [space + cell for space, cell in zip(spaces, cells, strict=True)][:_NUMBERS]
    texts = [cell + space for space, cell in zip(spaces, cells, strict=True)][_NUMBERS:]
    return "  ".join([*numbers, *texts]).rstrip()
