"""Writing sites: whole or not at all, newer over older, agreements over files."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from core.catalogue.grid import cell_of
from core.catalogue.writing import (
    EvseKey,
    Outcome,
    Told,
    ToldStatus,
    connector_power_w,
    write_site,
    write_sites,
    write_status,
)
from core.errors import InvalidInput
from core.model.sites import PowerType, Status
from core.store.search_index import site_text
from core.store.tables import connector, evse, site
from core.store.wire_text import WireText
from tests.catalogue.sites import CCS, NOON, make_connector, make_evse, make_site, put

pytestmark = pytest.mark.anyio

LATER = NOON + timedelta(hours=1)


def count(store, table) -> int:
    with store.read() as connection:
        return connection.scalar(select(func.count()).select_from(table))


def statuses(store) -> list[tuple]:
    with store.read() as connection:
        return [
            tuple(row)
            for row in connection.execute(select(evse.c.uid, evse.c.status, evse.c.status_at).order_by(evse.c.uid))
        ]


async def test_a_site_with_all_that_belongs_to_it(store):
    plugs = make_connector(1), make_connector(2, CCS, 150_000)
    await put(
        store,
        make_site("S1", "49.494409", "8.468098", make_evse("1", *plugs), make_evse("2")),
        body='{"verbatim": 1.10}',
    )
    with store.read() as connection:
        row = connection.execute(select(site)).one()
        rows = connection.execute(
            select(connector.c.evse_uid, connector.c.id, connector.c.standard, connector.c.max_power_w)
        )
        assert sorted(map(tuple, rows)) == [
            ("1", "1", "IEC_62196_T2", 22_000),
            ("1", "2", "IEC_62196_T2_COMBO", 150_000),
            ("2", "1", "IEC_62196_T2", 22_000),
        ]
    assert (str(row.latitude), str(row.longitude)) == ("49.4944090", "8.4680980")
    assert (
        row.cell == cell_of(49.494409, 8.468098) == 2789 * 7200 + 3769
    )  # floor(139.494409 * 20), floor(188.468098 * 20)
    assert (row.body, row.name, row.operator, row.removed) == ('{"verbatim": 1.10}', "Street 1", "DE*ABC", False)


async def test_what_is_gone_from_a_site_goes_with_its_children(store):
    await put(store, make_site("S1", 1, 1, make_evse("1"), make_evse("2")))
    assert await put(store, make_site("S1", 1, 1, make_evse("2"), last_updated=LATER)) == [Outcome.CHANGED]
    assert [uid for uid, *_ in statuses(store)] == ["2"]
    assert (count(store, site), count(store, connector), count(store, site_text)) == (1, 1, 1)


async def test_the_same_again_is_unchanged_and_older_stays_out(store):
    await put(store, make_site("S1"))
    assert await put(store, make_site("S1")) == [Outcome.UNCHANGED]
    assert await put(store, make_site("S1"), body='{"other":1}') == [Outcome.CHANGED]
    assert await put(store, make_site("S1", last_updated=NOON - timedelta(seconds=1))) == [Outcome.OLDER]


async def test_a_party_is_the_same_in_any_case(store):
    await put(store, make_site("S1", party_id="abc"))
    assert await put(store, make_site("S1", party_id="ABC")) == [Outcome.UNCHANGED]


async def test_a_partners_word_replaces_a_file_and_never_the_other_way(store):
    older = NOON - timedelta(days=1)
    await put(store, make_site("S1"))
    assert await put(store, make_site("S1", last_updated=older), partner_id="P") == [Outcome.CHANGED]
    assert await put(store, make_site("S1", last_updated=LATER)) == [Outcome.UNDER_AGREEMENT]
    with store.read() as connection:
        assert connection.execute(select(site.c.partner_id, site.c.last_updated)).one() == ("P", older)


async def test_one_bad_site_leaves_nothing_of_its_batch(store):
    bad = make_site("S2", 1, 1, make_evse("1"), make_evse("1"))
    plugs = make_site("S3", 1, 1, make_evse("1", make_connector(1), make_connector(1)))
    for one in (bad, plugs, make_site("S4", country="Deutschland")):
        with pytest.raises(InvalidInput):
            await put(store, make_site("S1"), one)
    assert [count(store, table) for table in (site, evse, connector, site_text)] == [0, 0, 0, 0]


async def test_the_same_site_twice_in_one_batch(store):
    newer = make_site("S1", last_updated=LATER, city="New")
    assert await put(store, make_site("S1"), make_site("S2"), newer) == [Outcome.ADDED, Outcome.ADDED, Outcome.CHANGED]
    assert count(store, site) == 2


async def test_an_older_status_never_replaces_a_newer_one(store):
    def tell(status: Status, hours: int, **site_members) -> Outcome:
        value = make_site("S1", 1, 1, make_evse("1", status=status, age=timedelta(hours=3)), **site_members)
        return store.write(
            lambda connection: write_site(
                connection,
                value,
                WireText("{}", "2.3.0"),
                partner_id="P",
                source="P",
                heard_at=NOON + timedelta(hours=hours),
            )
        )

    assert await tell(Status.AVAILABLE, 0) is Outcome.ADDED
    assert statuses(store) == [("1", "AVAILABLE", NOON)]
    # the same site told again: nothing has changed but that its status is fresh
    assert await tell(Status.AVAILABLE, 2) is Outcome.UNCHANGED
    assert statuses(store) == [("1", "AVAILABLE", NOON + timedelta(hours=2))]
    # a new site text that was under way for longer than the last word on the status
    assert await tell(Status.CHARGING, 1, last_updated=LATER) is Outcome.CHANGED
    assert statuses(store) == [("1", "AVAILABLE", NOON + timedelta(hours=2))]


async def test_nothing_to_write(store):
    assert await store.write(lambda connection: write_sites(connection, [], partner_id=None, source="")) == []
    assert await store.write(
        lambda connection: write_sites(
            connection, [Told(make_site(), WireText("{}", "2.3.0"))], partner_id=None, source=""
        )
    ) == [Outcome.ADDED]


def test_the_power_of_a_connector():
    plug = make_connector(power=11_000)
    assert connector_power_w(plug) == 11_000
    silent = plug.model_copy(update={"max_power": None})
    assert connector_power_w(silent) == 22_080  # 3 * 230 V * 32 A
    assert connector_power_w(silent.model_copy(update={"power_type": PowerType.AC_1_PHASE})) == 7_360
    assert connector_power_w(silent.model_copy(update={"power_type": PowerType.DC, "max_voltage": 400})) == 12_800


async def test_a_power_that_no_connector_has_is_stored_as_the_most_there_is(store):
    await put(store, make_site("S1", "49.494409", "8.468098", make_evse("1", make_connector(1, CCS, 10**14))))
    with store.read() as connection:
        assert connection.scalar(select(connector.c.max_power_w)) == 2**31 - 1


async def test_a_status_with_its_text_changes_the_equipment_and_dates_the_site(store):
    await put(store, make_site("S1", 1, 1, make_evse("1"), make_evse("2", status=Status.REMOVED)))
    key, heard = EvseKey("DE", "ABC", "S1", "1"), LATER + timedelta(seconds=2)

    async def told(status, at, body):
        change = ToldStatus(status, at, WireText(body, "2.3.0"), at)
        await store.write(lambda connection: write_status(connection, key, change, heard_at=heard))
        with store.read() as connection:
            return tuple(connection.execute(select(site.c.body, site.c.last_updated, site.c.removed)).one())

    assert await told(Status.CHARGING, LATER, '{"n":1}') == ('{"n":1}', LATER, False)
    assert statuses(store)[0] == ("1", "CHARGING", heard)
    assert await told(Status.BLOCKED, NOON, '{"n":2}') == ('{"n":1}', LATER, False)
    assert statuses(store)[0] == ("1", "CHARGING", heard)
    assert await told(Status.REMOVED, LATER, '{"n":3}') == ('{"n":3}', LATER, True)
    with store.read() as connection:
        assert set(connection.execute(select(evse.c.last_updated)).scalars()) == {NOON, LATER}
