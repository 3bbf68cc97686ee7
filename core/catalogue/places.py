"""Places by name or by coordinates, offline: the towns of the catalogue's own sites first, then those of the world."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from sqlalchemy import Connection, select

from core.catalogue.conditions import may_be_shown
from core.catalogue.folding import folded_words, spellings
from core.catalogue.grid import Point, distance_m
from core.catalogue.nearest import check_point
from core.catalogue.search import indexed
from core.catalogue.world_towns import LEAST_POPULATION, Town, world_towns
from core.errors import EvroamError, NotFound
from core.model.countries import alpha_2_of
from core.store.tables import site

_ONE_TOWN_M = 40_000.0
_FAR_LARGER = 10
_MOST_CHOICES = 8
_COORDINATES = re.compile(r"\s*([+-]?\d{1,3}(?:\.\d+)?)\s*(?:[,;]\s*|\s)([+-]?\d{1,3}(?:\.\d+)?)\s*", re.ASCII)
_IN_COUNTRY = re.compile(r"(.+?)\s*,\s*([A-Za-z]{2}|[A-Za-z]{3})\s*")


@dataclass(frozen=True, slots=True)
class Place:
    """A named point. country: ISO 3166-1 alpha-2, empty for coordinates. population 0: not known.

    sites: how many of the catalogue's sites say that they are there; 0 for a town known from elsewhere.
    """

    name: str
    country: str
    point: Point
    population: int = 0
    sites: int = 0

    def __str__(self) -> str:
        return f"{self.name}, {self.country}" if self.country else self.name


class AmbiguousPlace(EvroamError):
    """Several places have the name and none is by far the largest; `choices` holds them, the largest first."""

    code = "ambiguous_place"

    def __init__(self, name: str, choices: Sequence[Place]) -> None:
        self.choices = tuple(choices[:_MOST_CHOICES])
        told = "; ".join(f"{one} ({one.point.latitude:.4f},{one.point.longitude:.4f})" for one in self.choices)
        super().__init__(
            f"There are several places called {name}: {told}.",
            next_step="Add the country, as in “Paris, FR”, or give the coordinates.",
        )


def find_place(connection: Connection, text: str) -> Place:
    """The place that a text means: `LAT,LON` in decimal degrees, or a name, with or without its country.

    Of several, the catalogue's own town, or one that is by far the largest. Raises AmbiguousPlace where none stands
    out, NotFound with names of near spelling, and InvalidInput for coordinates that are not on the globe.
    """
    point = parse_point(text)
    if point is not None:
        return Place(f"{point.latitude}, {point.longitude}", "", point)
    found = places(connection, text)
    if not found:
        raise _not_found(connection, text)
    own = [one for one in found if one.sites]
    if len(found) == 1 or len(own) == 1:
        return found[0]
    if found[0].population >= _FAR_LARGER * max(found[1].population, LEAST_POPULATION):
        return found[0]
    raise AmbiguousPlace(text.strip(), found)


def parse_point(text: str) -> Point | None:
    """The point of `LAT,LON`; None where the text is no pair of numbers. Raises InvalidInput off the globe."""
    match = _COORDINATES.fullmatch(text)
    if match is None:
        return None
    point = Point(float(match[1]), float(match[2]))
    check_point(point)
    return point


def places(connection: Connection, query: str) -> list[Place]:
    """The places that a name can mean: the catalogue's own towns, then others, each the largest first.

    A country after a comma narrows them.
    """
    own, others = _own_and_others(connection, query)
    in_country = _IN_COUNTRY.fullmatch(query)
    if not (own or others) and in_country:
        country = in_country[2].upper()
        own, others = _own_and_others(connection, in_country[1])
        wanted = {country, alpha_2_of(country)}
        own = [one for one in own if one.country in wanted]
        others = [one for one in others if one.country in wanted]
    return [*sorted(own, key=_largest_first), *sorted(others, key=_largest_first)]


def _largest_first(place: Place) -> tuple[int, int, str, str]:
    return -place.population, -place.sites, place.name, place.country


def _own_and_others(connection: Connection, name: str) -> tuple[list[Place], list[Place]]:
    words = folded_words(name)
    if not words:
        return [], []
    world = world_towns()
    towns = world.named(name)
    own = [_with_population(one, towns) for one in _own_towns(connection, words)]
    exact = [town for town in towns if world.is_common_name(name, town)]
    others = [
        Place(town.name, town.country, town.point, town.population)
        for town in exact or towns
        if not any(_is_near(town.point, one.point) for one in own)
    ]
    return own, others


def _with_population(place: Place, towns: Iterable[Town]) -> Place:
    here = [town.population for town in towns if town.country == place.country and _is_near(town.point, place.point)]
    return Place(place.name, place.country, place.point, max(here, default=0), place.sites)


def _is_near(one: Point, other: Point) -> bool:
    return distance_m(one, other) <= _ONE_TOWN_M


def _own_towns(connection: Connection, words: list[str]) -> list[Place]:
    """Towns of exactly this name; where there is none, those whose name begins with it."""
    query = select(site.c.city, site.c.country, site.c.latitude, site.c.longitude).where(
        may_be_shown(), indexed(connection, [words])
    )
    rows = connection.execute(query.order_by(site.c.country_code, site.c.party_id, site.c.id)).all()
    name = " ".join(words)
    exact = [row for row in rows if name in spellings(row.city)]
    longer = [row for row in rows if any(one.startswith(f"{name} ") for one in spellings(row.city))]
    groups: dict[tuple[str, str], list[Point]] = {}
    for city, country, latitude, longitude in exact or longer:
        groups.setdefault((city, country), []).append(Point(float(latitude), float(longitude)))
    return [
        Place(city, alpha_2_of(country) or country, _middle(points), sites=len(points))
        for (city, country), all_points in groups.items()
        for points in _towns_apart(all_points)
    ]


def _towns_apart(points: Iterable[Point]) -> list[list[Point]]:
    """Sites of one town name, apart where they lie so far apart that they must be towns of the same name."""
    towns: list[list[Point]] = []
    for point in points:
        town = next((town for town in towns if _is_near(town[0], point)), None)
        if town is None:
            towns.append([point])
        else:
            town.append(point)
    return towns


def _middle(points: Sequence[Point]) -> Point:
    """The middle of points that lie close together, on the sphere, so that the antimeridian is no border."""
    x = y = z = 0.0
    for point in points:
        latitude, longitude = math.radians(point.latitude), math.radians(point.longitude)
        x += math.cos(latitude) * math.cos(longitude)
        y += math.cos(latitude) * math.sin(longitude)
        z += math.sin(latitude)
    return Point(math.degrees(math.atan2(z, math.hypot(x, y))), math.degrees(math.atan2(y, x)))


def _not_found(connection: Connection, text: str) -> NotFound:
    own = connection.scalars(select(site.c.city).where(may_be_shown()).distinct())
    names = {spelling: city for city in own for spelling in spellings(city)}
    for spelling, towns in world_towns().by_name.items():
        names.setdefault(spelling, towns[0].name)
    near = get_close_matches(" ".join(folded_words(text[:60])), names, n=4, cutoff=0.75)
    suggestion = " or ".join(dict.fromkeys(names[one] for one in near))
    return NotFound(
        f"No place called “{text.strip()[:60]}” is known.",
        code="unknown_place",
        next_step=f"Did you mean {suggestion}?" if suggestion else "Try a larger town nearby, or LAT,LON.",
    )
