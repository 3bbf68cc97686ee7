"""Sites near a point, nearest first: exactly what measuring every site would answer, without measuring every site."""

from collections.abc import Sequence
from functools import lru_cache

from sqlalchemy import BigInteger, ColumnElement, Connection, select, type_coerce

from core.catalogue.conditions import fits, in_cells, may_be_shown
from core.catalogue.filters import Filters
from core.catalogue.grid import FARTHEST_M, Point, cells_within, distance_m
from core.catalogue.keys import SiteKey
from core.catalogue.opening import is_open
from core.catalogue.rows import Found, SiteRow, read_rows
from core.errors import InvalidInput
from core.model.sites import OpeningTimes
from core.store.tables import site

_FIRST_RING_M = 3_000.0
_RING_GROWTH = 3.0
_DEGREES_AT_REST = 10_000_000  # core.store.columns.Degrees

_CANDIDATE = (
    site.c.country_code,
    site.c.party_id,
    site.c.id,
    type_coerce(site.c.latitude, BigInteger),
    type_coerce(site.c.longitude, BigInteger),
)


def nearest(
    connection: Connection, point: Point, filters: Filters, limit: int = 200, *, radius_m: float | None = None
) -> list[SiteRow]:
    """The `limit` nearest sites that may be shown and that fit, within the radius if one is given.

    Ordered by distance, ties by party and id. Raises InvalidInput where the point is not on the globe.
    """
    check_point(point)
    return read_rows(connection, find_nearest(connection, point, filters, limit, radius_m, ()), filters)


def check_point(point: Point) -> None:
    """Raise InvalidInput where the point is not on the globe."""
    if not (-90 <= point.latitude <= 90 and -180 <= point.longitude <= 180):  # also where either is not a number
        raise InvalidInput(
            f"{point.latitude}, {point.longitude} is not a place on the globe.",
            code="not_on_the_globe",
            next_step="Latitude is -90 to 90 and longitude -180 to 180, such as 49.4875,8.466.",
        )


def find_nearest(
    connection: Connection,
    point: Point,
    filters: Filters,
    limit: int,
    radius_m: float | None,
    conditions: Sequence[ColumnElement[bool]],
) -> list[Found]:
    """The nearest sites under further conditions: rings grow until the nearest `limit` are certain."""
    farthest = FARTHEST_M if radius_m is None else min(radius_m, FARTHEST_M)
    ring = min(_FIRST_RING_M, farthest) if radius_m is None else farthest
    while True:
        found = _within(connection, point, ring, filters, conditions)
        if len(found) >= limit or ring >= farthest:
            return found[:limit]
        ring = min(ring * _RING_GROWTH, farthest)


def find_all(
    connection: Connection, point: Point, filters: Filters, conditions: Sequence[ColumnElement[bool]], at_most: int
) -> list[Found] | None:
    """All sites that may be shown and that fit, by distance; None where they are more than `at_most`."""
    found = _measured(connection, point, FARTHEST_M, filters, conditions, at_most + 1)
    return None if len(found) > at_most else found


def _within(
    connection: Connection,
    point: Point,
    radius_m: float,
    filters: Filters,
    conditions: Sequence[ColumnElement[bool]],
) -> list[Found]:
    return _measured(connection, point, radius_m, filters, [in_cells(cells_within(point, radius_m)), *conditions], None)


def _measured(
    connection: Connection,
    point: Point,
    radius_m: float,
    filters: Filters,
    conditions: Sequence[ColumnElement[bool]],
    at_most: int | None,
) -> list[Found]:
    columns = (*_CANDIDATE, site.c.opening_times, site.c.time_zone) if filters.open_now else _CANDIDATE
    query = select(*columns).where(may_be_shown(filters.private), *fits(filters), *conditions).limit(at_most)
    found = []
    for country_code, party_id, site_id, latitude, longitude, *hours in connection.execute(query):
        distance = distance_m(point, Point(latitude / _DEGREES_AT_REST, longitude / _DEGREES_AT_REST))
        if distance <= radius_m and (not hours or _is_open(hours[0], hours[1], filters)):
            found.append(Found(distance, SiteKey(country_code, party_id, site_id)))
    return sorted(found)


def _is_open(opening_times: str | None, time_zone: str, filters: Filters) -> bool:
    """Hours that are not told restrict nothing [J]."""
    return opening_times is None or is_open(_opening_times(opening_times), time_zone, filters.moment)


@lru_cache(maxsize=1024)
def _opening_times(text: str) -> OpeningTimes:
    return OpeningTimes.model_validate_json(text)
