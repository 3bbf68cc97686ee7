"""Nearest first, exactly as if every site had been measured."""

import random

import pytest

from core.catalogue.grid import Point
from core.catalogue.nearest import nearest
from core.errors import InvalidInput
from core.model.sites import Status
from tests.catalogue.sites import ALL, ids, make_evse, make_site, measured, put

pytestmark = pytest.mark.anyio

CORNERS = [(0, 180), (0, -180), (89.99, 20), (-89.99, -100), (66.5, 179.98), (71.2, -179.9), (49.48, 8.46), (49.5, 8.5)]


def scattered(count: int) -> list:
    """Sites all over the globe, dense at its awkward places, many at equal distances."""
    rng = random.Random(63119)
    sites = []
    for number in range(count):
        latitude, longitude = rng.choice(CORNERS)
        spread = rng.choice([0, 0.05, 0.5, 5, 60])
        latitude = max(-90, min(90, latitude + rng.uniform(-spread, spread)))
        longitude = (longitude + rng.uniform(-spread, spread) + 180) % 360 - 180
        party = rng.choice(["ABC", "XYZ"])
        sites.append(make_site(f"S{number}", round(latitude, 6), round(longitude, 6), party_id=party))
    return sites


async def test_answers_as_measuring_every_site_does(store):
    sites = scattered(500)
    await put(store, *sites)
    rng = random.Random(2)
    with store.read() as connection:
        for _ in range(40):
            latitude, longitude = rng.choice(CORNERS)
            point = Point(max(-90, min(90, latitude + rng.uniform(-1, 1))), rng.uniform(-180, 180))
            point = rng.choice([point, Point(latitude, longitude)])
            limit = rng.choice([1, 7, 60, 1000])
            radius = rng.choice([None, None, 0, 900, 40_000, 3_000_000, 20_100_000])
            rows = nearest(connection, point, ALL, limit, radius_m=radius)
            found = [(row.distance_m, (row.country_code, row.party_id, row.id)) for row in rows]
            assert found == measured(sites, point, limit, radius)


async def test_ties_go_by_party_and_id(store):
    await put(
        store, *(make_site(one, 10, 10, party_id=party) for one, party in [("B", "XYZ"), ("C", "ABC"), ("A", "XYZ")])
    )
    with store.read() as connection:
        rows = nearest(connection, Point(10, 10), ALL)
    assert [(row.party_id, row.id) for row in rows] == [("ABC", "C"), ("XYZ", "A"), ("XYZ", "B")]
    assert [row.distance_m for row in rows] == [0, 0, 0]


async def test_strangers_do_not_find_what_is_unpublished_or_removed(store):
    removed = make_evse("1", status=Status.REMOVED)
    await put(
        store,
        make_site("seen", 10, 10, removed, make_evse("2")),
        make_site("private", 10, 10, publish=False),
        make_site("removed", 10, 10, removed),
    )
    with store.read() as connection:
        rows = nearest(connection, Point(10, 10), ALL)
    assert ids(rows) == ["seen"]
    assert rows[0].evses == 1


async def test_a_place_that_is_not_on_the_globe_is_refused(store):
    with store.read() as connection:
        for point in (Point(90.1, 0), Point(0, 181), Point(float("nan"), 0)):
            with pytest.raises(InvalidInput):
                nearest(connection, point, ALL)


async def test_an_empty_catalogue_has_nothing_near(store):
    with store.read() as connection:
        assert nearest(connection, Point(0, 0), ALL) == []
