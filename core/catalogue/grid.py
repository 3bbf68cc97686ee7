"""Where on the globe: distance on the sphere, and the grid of cells that finds what lies near without looking at all.

A cell is 0.05° × 0.05°; cells are numbered row by row from the south-west corner, so that a row's neighbours, and whole
rows, are one range of integers (architecture, decision 5).
"""

import math
from decimal import Decimal
from typing import NamedTuple

EARTH_RADIUS_M = 6_371_008.8
"""Mean radius of the Earth in metres (IUGG)."""

FARTHEST_M = math.pi * EARTH_RADIUS_M
"""Half the way round: no two points are farther apart."""

_CELLS_PER_DEGREE = 20
_COLUMNS = 360 * _CELLS_PER_DEGREE
_ROWS = 180 * _CELLS_PER_DEGREE
_MOST_RANGES = 64
_MARGIN_M = 1.0  # far more than rounding can move a site, at rest (1e-7 degree) and in the arithmetic


class Point(NamedTuple):
    """A place on the sphere in decimal degrees: latitude -90 to 90, longitude -180 to 180."""

    latitude: float
    longitude: float


class CellRange(NamedTuple):
    """Cells from `first` to `last`, both included."""

    first: int
    last: int


def distance_m(one: Point, other: Point) -> float:
    """The great-circle distance in metres by the haversine formula; within 0.6 % of that on the ellipsoid."""
    latitude, other_latitude = math.radians(one.latitude), math.radians(other.latitude)
    half_chord_squared = (
        math.sin((other_latitude - latitude) / 2) ** 2
        + math.cos(latitude)
        * math.cos(other_latitude)
        * math.sin(math.radians(other.longitude - one.longitude) / 2) ** 2
    )
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(half_chord_squared)))


def cell_of(latitude: Decimal | float, longitude: Decimal | float) -> int:
    """The number of the cell that holds this place; longitudes 180 and -180 are the same column."""
    return _row(latitude) * _COLUMNS + _column(longitude) % _COLUMNS


def cells_within(centre: Point, radius_m: float) -> list[CellRange]:
    """Ranges of cells that together hold every place within the radius, and some around; never one twice."""
    angle = (radius_m + _MARGIN_M) / EARTH_RADIUS_M
    reach = math.degrees(angle)
    south, north = _row(centre.latitude - reach), _row(centre.latitude + reach)
    half_width = _half_width(centre.latitude, angle)
    first, last = _column(centre.longitude - half_width), _column(centre.longitude + half_width)
    if last - first + 1 >= _COLUMNS or north - south + 1 > _MOST_RANGES:
        return [CellRange(south * _COLUMNS, (north + 1) * _COLUMNS - 1)]
    return [
        CellRange(row * _COLUMNS + begin, row * _COLUMNS + end)
        for row in range(south, north + 1)
        for begin, end in _unwrapped(first, last)
    ]


def _row(latitude: Decimal | float) -> int:
    return min(max(math.floor((latitude + 90) * _CELLS_PER_DEGREE), 0), _ROWS - 1)


def _column(longitude: Decimal | float) -> int:
    return math.floor((longitude + 180) * _CELLS_PER_DEGREE)


def _half_width(latitude: float, angle: float) -> float:
    """How far east and west, in degrees, a circle of this angular radius reaches; 180 where it holds a pole."""
    if abs(math.radians(latitude)) + angle >= math.pi / 2:
        return 180.0
    return math.degrees(math.asin(min(1.0, math.sin(angle) / math.cos(math.radians(latitude)))))


def _unwrapped(first: int, last: int) -> list[tuple[int, int]]:
    """Columns from first to last, which may stand outside 0..7199, as ranges within: two across the antimeridian."""
    if first < 0:
        return [(first + _COLUMNS, _COLUMNS - 1), (0, last)]
    if last >= _COLUMNS:
        return [(first, _COLUMNS - 1), (0, last - _COLUMNS)]
    return [(first, last)]
