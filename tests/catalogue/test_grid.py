"""Distances on the sphere, and cells that leave nothing out."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.catalogue.grid import EARTH_RADIUS_M, FARTHEST_M, Point, cell_of, cells_within, distance_m

latitudes = st.floats(-90, 90) | st.sampled_from([-90.0, 90.0, 89.99, -89.97, 0.0])
longitudes = st.floats(-180, 180) | st.sampled_from([-180.0, 180.0, 179.99, -179.96, 0.0])
points = st.builds(Point, latitudes, longitudes)
radii = st.floats(0, 60_000) | st.floats(0, FARTHEST_M)


def test_a_degree_of_latitude():
    # 6,371,008.8 m * pi / 180
    assert distance_m(Point(49, 8), Point(50, 8)) == pytest.approx(111_195.0797, abs=1e-3)


def test_a_degree_of_longitude_at_sixty_degrees_is_half_as_long():
    # 2 R asin(cos 60° sin 0.5°) = 2 * 6,371,008.8 * asin(0.5 * 0.00872653550) = 12,742,017.6 * 0.00436328159
    assert distance_m(Point(60, 8), Point(60, 9)) == pytest.approx(55_597.011, abs=1e-2)


def test_across_the_antimeridian_and_the_pole():
    assert distance_m(Point(0, 179.5), Point(0, -179.5)) == pytest.approx(111_195.0797, abs=1e-3)
    assert distance_m(Point(89.5, 0), Point(89.5, 180)) == pytest.approx(111_195.0797, abs=1e-3)
    assert distance_m(Point(0, 0), Point(0, 180)) == pytest.approx(FARTHEST_M)


@given(points, points)
def test_distance_agrees_with_the_angle_between_vectors(one, other):
    def vector(point):
        latitude, longitude = math.radians(point.latitude), math.radians(point.longitude)
        return (
            math.cos(latitude) * math.cos(longitude),
            math.cos(latitude) * math.sin(longitude),
            math.sin(latitude),
        )

    a, b = vector(one), vector(other)
    cross = (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])
    angle = math.atan2(math.hypot(*cross), sum(x * y for x, y in zip(a, b, strict=True)))
    assert distance_m(one, other) == pytest.approx(EARTH_RADIUS_M * angle, abs=0.2)


def test_the_antimeridian_is_one_column():
    assert cell_of(10.0, 180.0) == cell_of(10.0, -180.0)
    assert cell_of(10.0, 179.99) != cell_of(10.0, 180.0)
    assert cell_of(90.0, 0.0) == cell_of(89.96, 0.0)


@given(points, radii, points)
def test_no_place_within_the_radius_is_outside_the_cells(centre, radius, place):
    if distance_m(centre, place) <= radius:
        cell = cell_of(place.latitude, place.longitude)
        assert any(one.first <= cell <= one.last for one in cells_within(centre, radius))


@given(points, st.floats(1, 60_000), st.floats(0, 1), st.floats(0, 2 * math.pi))
def test_no_place_close_by_is_outside_the_cells(centre, radius, part, bearing):
    angle = radius * part / EARTH_RADIUS_M
    latitude = math.radians(centre.latitude)
    sine = math.sin(latitude) * math.cos(angle) + math.cos(latitude) * math.sin(angle) * math.cos(bearing)
    there = math.asin(max(-1.0, min(1.0, sine)))
    turn = math.atan2(
        math.sin(bearing) * math.sin(angle) * math.cos(latitude),
        math.cos(angle) - math.sin(latitude) * math.sin(there),
    )
    longitude = (centre.longitude + math.degrees(turn) + 180) % 360 - 180
    cell = cell_of(math.degrees(there), longitude)
    assert any(one.first <= cell <= one.last for one in cells_within(centre, radius))


@pytest.mark.parametrize("longitude", [179.999, -179.999])
def test_cells_across_the_antimeridian_are_in_the_same_row(longitude):
    # 0.0245° of latitude are 2.7 km, and the place lies in the next row of cells to the north
    centre, place = Point(10.026, longitude), Point(10.0505, -longitude)
    assert distance_m(centre, place) < 3000
    cell = cell_of(place.latitude, place.longitude)
    assert any(one.first <= cell <= one.last for one in cells_within(centre, 3000))


@given(points, radii)
def test_no_cell_is_named_twice(centre, radius):
    ranges = sorted(cells_within(centre, radius))
    assert all(before.last < after.first for before, after in pairwise(ranges))
