"""Search as you type: words by their beginnings, EVSE ids in any form, nearest first."""

import random
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.catalogue import search as search_module
from core.catalogue.grid import Point
from core.catalogue.search import search
from core.catalogue.site_words import evse_key
from core.store.engine import Store
from tests.catalogue.sites import ALL, ids, make_evse, make_site, measured, put

pytestmark = pytest.mark.anyio

HERE = Point(50, 8)

SITES = [
    make_site(
        "A",
        50.94,
        6.95,
        make_evse("1", evse_id="DE*ABC*E840*6487"),
        name="Parkhaus am Dom",
        address="Straße des 17. Juni 4",
        city="Köln",
        postal_code="50667",
        operator="RheinEnergie AG",
    ),
    make_site("B", 51.77, 19.46, make_evse("1", evse_id="+49*810*000*438"), address="Bismarckstr. 4", city="Łódź"),
    make_site("C", 49.49, 8.47, address="Luisenring 49", city="Mannheim", postal_code="68159"),
]


async def found(store: Store, text: str) -> list[str]:
    with store.read() as connection:
        return ids(search(connection, text, HERE, ALL))


FOUND = {
    "A": [
        "köln", "koln", "KOELN", "Ko\u0308ln", "kö", "strasse des", "STRASSE", "straße juni", "juni, straße", "506",
        "rheinenergie", "dom köln park", "DE*ABC*E840*6487", "de-abc-e840-6487", "DEABCE8406487", "de abc e840 64",
        "E840*6487", "8406487",
    ],
    "B": ["lodz", "łód", "bismarckstr", "Bismarckstraße 4", "+49*810*000*438", "49810000438", "000438"],
    "C": ["68159 mannheim", "mann luis"],
    "": ["mannheim koeln", "annheim", "8406488"],
}  # fmt: skip


async def test_words_are_found_by_their_beginnings(store):
    await put(store, *SITES)
    for expected, texts in FOUND.items():
        for text in texts:
            assert (text, await found(store, text)) == (text, expected.split())


async def test_a_text_without_words_asks_nothing(store):
    await put(store, *SITES)
    for text in ("", "  ", "*", '"', "--"):
        assert await found(store, text) == ["C", "A", "B"]


async def test_no_text_makes_an_error(store):
    await put(store, *SITES)
    texts = [
        '"', "'", "a'b", '"köln', "köln*)", "NOT", "AND OR", "NEAR(a b)", "a:b", "words:x", "\\", "\\'", "%", "_", "!",
        "|", "&", "a & !b", "<->", "'a':*", "\0", "a\0b", "\ud800", "٣", "½", "x" * 10_000, "a " * 500, "İ", "日本",
    ]  # fmt: skip
    for text in texts:
        assert isinstance(await found(store, text), list), text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(text=st.text(max_size=20))
def test_no_text_at_all_makes_an_error(real_sites, text):
    search(real_sites, text, HERE, ALL, limit=1)


async def test_a_changed_site_is_found_by_its_new_words_only(store):
    await put(store, make_site("S1", 50, 8, address="Altweg 1"))
    await put(store, make_site("S1", 50, 8, address="Neuweg 1"), body='{"changed":1}')
    assert (await found(store, "altweg"), await found(store, "neuweg")) == ([], ["S1"])


async def test_filters_and_publication_hold_for_search_too(store):
    await put(store, make_site("A", 50, 8, city="Ulm", operator="X"), make_site("B", 50, 8, city="Ulm", publish=False))
    with store.read() as connection:
        assert ids(search(connection, "ulm", HERE, ALL)) == ["A"]
        assert ids(search(connection, "ulm", HERE, replace(ALL, operator="Y"))) == []


@pytest.mark.parametrize("few", [1000, 5], ids=["few matches", "many matches"])
async def test_the_nearest_matches_are_found_be_they_few_or_many(store, monkeypatch, few):
    monkeypatch.setattr(search_module, "_FEW", few)
    rng = random.Random(7)
    sites = [
        make_site(
            f"S{number}",
            round(rng.uniform(-80, 80), 5),
            round(rng.uniform(-180, 180), 5),
            city=rng.choice(["Ulm", "Ulmen", "Bonn"]),
        )
        for number in range(120)
    ]
    await put(store, *sites)
    for text, cities in (("ulm", {"Ulm", "Ulmen"}), ("ulmen", {"Ulmen"}), ("b", {"Bonn"})):
        expected = measured([site for site in sites if site.city in cities], HERE, 10)
        with store.read() as connection:
            rows = search(connection, text, HERE, ALL, 10)
        assert [(row.distance_m, (row.country_code, row.party_id, row.id)) for row in rows] == expected


def test_every_real_evse_is_found_by_its_id_in_any_form(real_sites):
    rows = real_sites.exec_driver_sql("SELECT evse_id, site_id FROM evse ORDER BY evse_id").all()
    assert len(rows) == 19_028
    for evse_id, site_id in rows[::1500]:
        for form in (evse_id, evse_id.lower().replace("*", ""), evse_id.replace("*", "-"), evse_id.replace("*", " ")):
            assert site_id in ids(search(real_sites, form, HERE, ALL))


def test_evse_ids_are_compared_without_separators_and_case():
    assert evse_key("DE*ABC*E840*6487") == evse_key("deabce8406487") == "DEABCE8406487"
    assert evse_key("post no. 7") == "POSTNO7"
    assert evse_key("") == ""
