"""Filters: all at once, on one connector of one piece of equipment."""

from dataclasses import replace
from datetime import timedelta

import pytest

from core.catalogue.filters import Filters, connectors_named
from core.catalogue.grid import Point
from core.catalogue.nearest import nearest
from core.catalogue.writing import EvseKey, set_evse_status
from core.errors import InvalidInput
from core.model.sites import ConnectorStandard, OpeningTimes, Status, WeeklyHours
from tests.catalogue.sites import ALL, CCS, NOON, TYPE_2, ids, make_connector, make_evse, make_site, put

pytestmark = pytest.mark.anyio

HERE = Point(10, 10)


async def found(store, **asked) -> list[str]:
    with store.read() as connection:
        return ids(nearest(connection, HERE, replace(ALL, **asked)))


async def test_connector_power_and_freedom_hold_on_one_connector(store):
    await put(
        store,
        make_site("fits", 10, 10, make_evse("1", make_connector(1, CCS, 150_000))),
        make_site(
            "split over connectors",
            10,
            10,
            make_evse("1", make_connector(1, CCS, 50_000), make_connector(2, TYPE_2, 150_000)),
        ),
        make_site(
            "split over equipment",
            10,
            10,
            make_evse("1", make_connector(1, CCS, 150_000), status=Status.CHARGING),
            make_evse("2", make_connector(1, CCS, 50_000)),
        ),
        make_site(
            "removed", 10, 10, make_evse("1", make_connector(1, CCS, 150_000), status=Status.REMOVED), make_evse("2")
        ),
    )
    fast = {"connectors": frozenset({CCS}), "min_power_w": 100_000}
    assert await found(store, **fast) == ["fits", "split over equipment"]
    assert await found(store, **fast, free=True) == ["fits"]
    assert await found(store, connectors=frozenset({CCS}), free=True) == [
        "fits",
        "split over connectors",
        "split over equipment",
    ]
    assert await found(store, min_power_w=150_001) == []


async def test_a_status_past_its_time_to_live_is_unknown_and_never_free(store):
    await put(
        store,
        make_site("fresh", 10, 10, make_evse("1", age=timedelta(minutes=5)), make_evse("2", status=Status.CHARGING)),
        make_site("stale", 10, 10, make_evse("1", age=timedelta(minutes=5, seconds=1))),
        make_site("unknown", 10, 10, make_evse("1", status=Status.UNKNOWN)),
    )
    asked = replace(ALL, status_time_to_live=timedelta(minutes=5))
    with store.read() as connection:
        assert ids(nearest(connection, HERE, replace(asked, free=True))) == ["fresh"]
        rows = {row.id: row for row in nearest(connection, HERE, asked)}
    assert (rows["fresh"].free, rows["fresh"].occupied, rows["fresh"].unknown) == (1, 1, 0)
    assert rows["fresh"].status_at == NOON
    assert (rows["stale"].free, rows["stale"].unknown, rows["stale"].status_at) == (0, 1, None)
    assert (rows["unknown"].free, rows["unknown"].unknown) == (0, 1)


async def test_a_status_that_is_told_counts_at_once(store):
    await put(store, make_site("S1", 10, 10, make_evse("1", status=Status.CHARGING)))
    assert await found(store, free=True) == []
    key = EvseKey("DE", "ABC", "S1", "1")
    later = NOON + timedelta(seconds=1)
    assert await store.write(lambda connection: set_evse_status(connection, key, Status.AVAILABLE, later))
    assert await found(store, free=True) == ["S1"]
    assert not await store.write(lambda connection: set_evse_status(connection, key, Status.CHARGING, NOON))
    assert await found(store, free=True) == ["S1"]
    assert not await store.write(
        lambda connection: set_evse_status(connection, key._replace(uid="9"), Status.CHARGING, later)
    )
    assert await store.write(lambda connection: set_evse_status(connection, key, Status.REMOVED, later))
    assert await found(store) == []


async def test_operator_and_roaming(store):
    await put(store, make_site("A", 10, 10, operator="Städtische Werke"), make_site("B", 10, 10))
    await put(store, make_site("C", 10, 10), partner_id="partner")
    assert await found(store, operator="Städtische Werke") == ["A"]
    assert await found(store, operator="DE*ABC") == ["B", "C"]
    assert await found(store, roaming=True) == ["C"]


async def test_open_now_in_the_time_zone_of_the_site(store):
    # NOON is a Monday, 14:00 in Berlin
    def weekly(begin: int, end: int) -> OpeningTimes:
        return OpeningTimes(
            always=False, weekly=(WeeklyHours(weekday=1, begin_minute=begin * 60, end_minute=end * 60),)
        )

    await put(
        store,
        make_site("open", 10, 10, opening_times=weekly(14, 15)),
        make_site("closed", 10, 10, opening_times=weekly(8, 14)),
        make_site("always", 10, 10, opening_times=OpeningTimes(always=True)),
        make_site("not told", 10, 10),
    )
    assert await found(store, open_now=True) == ["always", "not told", "open"]


def test_connectors_have_friendly_names():
    assert connectors_named("CCS") == {ConnectorStandard.IEC_62196_T1_COMBO, ConnectorStandard.IEC_62196_T2_COMBO}
    assert connectors_named("type 2") == connectors_named("Typ2") == {TYPE_2}
    assert connectors_named("chademo") == {ConnectorStandard.CHADEMO}
    assert connectors_named("iec_60309_2_single_16") == {ConnectorStandard.IEC_60309_2_SINGLE_16}
    for standard in ConnectorStandard:
        assert connectors_named(standard.value) == {standard}
    with pytest.raises(InvalidInput):
        connectors_named("")


def test_no_filter_asks_nothing():
    assert Filters(moment=NOON) == ALL
