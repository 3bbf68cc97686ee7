"""Places by name and by coordinates."""

import threading

import pytest

from core.catalogue import world_towns as world_module
from core.catalogue.grid import Point, distance_m
from core.catalogue.places import AmbiguousPlace, find_place, parse_point, places
from core.catalogue.world_towns import world_towns
from core.errors import InvalidInput, NotFound
from tests.catalogue.sites import make_site, put

MANNHEIM = Point(49.4891, 8.4669)


def test_coordinates():
    for text in ("49.4875,8.466", " 49.4875 , 8.466 ", "49.4875 8.466", "+49.4875;8.466"):
        assert parse_point(text) == Point(49.4875, 8.466)
    assert parse_point("-33.9,-151") == Point(-33.9, -151)
    for text in ("Mannheim", "49.4875", "49,8,1", "", "１,２", "1e3,4", "nan,nan"):
        assert parse_point(text) is None
    for text in ("91,0", "0,181", "-90.1,0"):
        with pytest.raises(InvalidInput):
            parse_point(text)


def test_a_town_of_the_catalogue_comes_first(real_sites):
    for text in ("Mannheim", "mannheim", " MANNHEIM "):
        place = find_place(real_sites, text)
        assert (place.name, place.country, place.sites) == ("Mannheim", "DE", 27)
        assert distance_m(place.point, MANNHEIM) < 5000
    assert find_place(real_sites, "koeln").name == find_place(real_sites, "Köln").name == "Köln"


def test_a_town_that_only_the_world_knows(real_sites):
    place = find_place(real_sites, "Lisboa")
    assert (str(place), place.sites) == ("Lisbon, PT", 0)
    assert distance_m(place.point, Point(38.7223, -9.1393)) < 5000
    # 2.1 million people against 25 thousand
    assert find_place(real_sites, "Paris").country == "FR"
    assert find_place(real_sites, "Paris, US").country == find_place(real_sites, "paris,usa").country == "US"


def test_choices_come_the_largest_first(real_sites):
    with pytest.raises(AmbiguousPlace) as ambiguous:
        find_place(real_sites, "Springfield")
    populations = [one.population for one in ambiguous.value.choices]
    assert len(populations) > 3
    assert populations == sorted(populations, reverse=True)
    assert {one.country for one in ambiguous.value.choices} == {"US"}


def test_what_is_not_known_brings_near_spellings(real_sites):
    with pytest.raises(NotFound) as unknown:
        find_place(real_sites, "Manheim")
    assert unknown.value.code == "unknown_place"
    assert "Mannheim" in unknown.value.next_step
    for text in ("", "*", "qqqqzzzz", "x" * 5000, "\0", "\ud800", '"', "Berlin, QQ"):
        with pytest.raises(NotFound):
            find_place(real_sites, text)


@pytest.mark.anyio
async def test_towns_of_one_name_that_lie_far_apart_are_two(store):
    await put(
        store,
        make_site("A", 49.35, 8.14, city="Neustadt"),
        make_site("B", 49.36, 8.15, city="Neustadt"),
        make_site("C", 54.11, 10.81, city="Neustadt"),
        make_site("D", 54.11, 10.81, city="Neustadt", publish=False),
    )
    with store.read() as connection:
        own = [one for one in places(connection, "neustadt") if one.sites]
    assert sorted((one.sites, round(one.point.latitude, 3)) for one in own) == [(1, 54.11), (2, 49.355)]


@pytest.mark.anyio
async def test_the_middle_of_a_town_on_the_antimeridian(store):
    await put(store, make_site("A", -16.8, 179.98, city="Taveuni"), make_site("B", -16.8, -179.98, city="Taveuni"))
    with store.read() as connection:
        place = find_place(connection, "taveuni")
    assert distance_m(place.point, Point(-16.8, 180)) < 10


def test_threads_read_the_towns_once(monkeypatch):
    monkeypatch.setattr(world_module, "_read", [])
    reads = []
    original = world_module._read_towns
    monkeypatch.setattr(world_module, "_read_towns", lambda: reads.append(1) or original())
    threads = [threading.Thread(target=world_towns) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert reads == [1]
