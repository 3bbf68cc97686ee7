"""Locations (UC1-2, UC1-3) between two platforms: all depths, partial updates, what is old or not known."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from core.endpoint.bindings import BINDINGS
from core.endpoint.partner import Partner
from core.endpoint.ports import Held, Ports, StatusChange
from core.errors import NotFound
from core.model.parties import ObjectKey
from core.model.sites import Site, Status
from tests.endpoint.platforms import Keeper, Network, Source, Talk, code, run, talking
from tests.endpoint.wire_objects import AT, connector, evse, location

pytestmark = pytest.mark.both_stores

PATH = "/receiver/locations/DE/VIS/L1"
LATER = "2026-11-22T11:05:00Z"
KEY = ObjectKey(country_code="DE", party_id="VIS", id="L1")
BINDING = BINDINGS["2.2.1"]


def held(**members: Any) -> Held[Site]:
    return BINDING.site.read(json.dumps(location(**members)))


def stored(keeper: Keeper) -> dict[str, Any]:
    return json.loads(keeper.objects[KEY].body)


async def known(talk: Talk, **members: Any) -> None:
    assert code(await talk.from_visited("PUT", PATH, location(**members))) == (200, 1000)


def test_site_is_pushed_whole_and_kept_verbatim(network: Network) -> None:
    async def test() -> None:
        keeper = Keeper()
        async with talking(network, Ports(sites=keeper)) as talk:
            one = held(x_unknown={"kept": [1, 2.50]})
            visited = talk.visited
            await visited.endpoint.calls.put_site(visited.only_partner(), one)
            assert keeper.objects[KEY].body == one.body
            assert keeper.objects[KEY].value.city == "Mannheim"
            answer = await talk.from_visited("GET", PATH)
            assert one.body.encode() in answer.body

    run(test)


def test_rule_12_change_of_an_evse_or_connector_bumps_its_parents(network: Network) -> None:
    async def test() -> None:
        keeper = Keeper()
        async with talking(network, Ports(sites=keeper)) as talk:
            await known(talk)
            assert code(
                await talk.from_visited("PATCH", PATH + "/E1", {"status": "CHARGING", "last_updated": LATER})
            ) == (200, 1000)
            after = stored(keeper)
            assert (after["last_updated"], after["evses"][0]["last_updated"]) == (LATER, LATER)
            assert after["evses"][0]["status"] == "CHARGING"
            assert after["evses"][0]["connectors"][0]["last_updated"] == AT
            latest = "2026-11-22T11:06:00Z"
            await talk.from_visited("PATCH", PATH + "/E1/1", {"tariff_ids": ["T1"], "last_updated": latest})
            after = stored(keeper)
            assert after["last_updated"] == after["evses"][0]["last_updated"] == latest
            assert after["evses"][0]["connectors"][0]["tariff_ids"] == ["T1"]
            assert keeper.objects[KEY].value.equipment[0].status is Status.CHARGING

    run(test)


class _StatusKeeper(Keeper):
    """Takes a status by the short way and remembers it."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[StatusChange] = []

    async def put_status(self, partner: Partner, site: ObjectKey, change: StatusChange) -> None:
        self.told.append(change)
        self.objects[site] = Held(self.objects[site].value, change.body)


def test_rule_12_a_patch_of_a_status_alone_takes_the_short_way_with_the_whole_text(network: Network) -> None:
    async def test() -> None:
        keeper = _StatusKeeper()
        async with talking(network, Ports(sites=keeper, statuses=keeper)) as talk:
            await known(talk, x_unknown=[2.50])
            change = {"status": "CHARGING", "floor_level": None, "last_updated": LATER}
            assert code(await talk.from_visited("PATCH", PATH + "/e1", change)) == (200, 1000)
            old = {"status": "BLOCKED", "last_updated": AT}
            assert code(await talk.from_visited("PATCH", PATH + "/E1", old)) == (200, 1000)
            wrong = {"status": "NO_SUCH", "last_updated": LATER}
            assert code(await talk.from_visited("PATCH", PATH + "/E1", wrong)) == (200, 2001)
            assert code(await talk.from_visited("PATCH", PATH + "/E9", change)) == (404, 2003)
        equipment = evse(status="CHARGING", last_updated=LATER)
        assert stored(keeper) == location(evses=[equipment], last_updated=LATER, x_unknown=[2.50])
        (told,) = keeper.told
        moment = datetime(2026, 11, 22, 11, 5, tzinfo=UTC)
        assert (told.evse_uid, told.status, told.at, told.site_updated) == ("E1", Status.CHARGING, moment, moment)
        assert keeper.puts == 1

    run(test)


def test_rule_12_a_patch_of_more_than_a_status_goes_the_long_way(network: Network) -> None:
    async def test() -> None:
        keeper = _StatusKeeper()
        async with talking(network, Ports(sites=keeper, statuses=keeper)) as talk:
            await known(talk)
            change = {"status": "CHARGING", "floor_level": "2", "last_updated": LATER}
            assert code(await talk.from_visited("PATCH", PATH + "/E1", change)) == (200, 1000)
            assert (keeper.puts, keeper.told) == (2, [])

    run(test)


def test_evse_and_connector_are_put_and_read_by_themselves(network: Network) -> None:
    async def test() -> None:
        keeper = Keeper()
        async with talking(network, Ports(sites=keeper)) as talk:
            await known(talk)
            for path, body in (("/E2", evse(uid="E2")), ("/e2/2", connector(id="2")), ("/E1", evse(status="RESERVED"))):
                assert code(await talk.from_visited("PUT", PATH + path, body)) == (200, 1000)
                assert json.loads((await talk.from_visited("GET", PATH + path)).body)["data"] == body | (
                    {} if path != "/E2" else {"connectors": [connector()]}
                )
            evses = {one["uid"]: one for one in stored(keeper)["evses"]}
            assert evses["E1"]["status"] == "RESERVED"
            assert [one["id"] for one in evses["E2"]["connectors"]] == ["1", "2"]

    run(test)


def test_rule_09_ids_are_the_same_in_any_case_and_kept_as_the_object_spells_them(network: Network) -> None:
    async def test() -> None:
        keeper = Keeper()
        async with talking(network, Ports(sites=keeper)) as talk:
            assert code(await talk.from_visited("PUT", "/receiver/locations/de/vis/l1", location())) == (200, 1000)
            assert list(keeper.objects) == [KEY]

    run(test)


def test_rule_12_patch_without_last_updated_is_a_2001_and_cannot_remove_a_member(network: Network) -> None:
    async def test() -> None:
        keeper = Keeper()
        async with talking(network, Ports(sites=keeper)) as talk:
            await known(talk, name="Old")
            for path, body in (("", {"name": "x"}), ("/E1", {"status": "BLOCKED"}), ("/E1/1", {"max_voltage": 1})):
                assert code(await talk.from_visited("PATCH", PATH + path, body)) == (200, 2001)
            await talk.from_visited("PATCH", PATH, {"name": None, "city": "Heidelberg", "last_updated": LATER})
            assert (stored(keeper)["name"], stored(keeper)["city"]) == ("Old", "Heidelberg")

    run(test)


def test_what_is_older_than_what_is_stored_changes_nothing(network: Network) -> None:
    async def test() -> None:
        keeper = Keeper()
        async with talking(network, Ports(sites=keeper)) as talk:
            await known(talk)
            old = "2026-11-22T10:00:00Z"
            assert (
                await talk.from_visited("PATCH", PATH + "/E1", {"status": "BLOCKED", "last_updated": old})
            ).status == 200
            await talk.from_visited("PUT", PATH + "/E1", evse(status="BLOCKED", last_updated=old))
            await talk.from_visited("PATCH", PATH, {"city": "x", "last_updated": old})
            assert stored(keeper) == location()

    run(test)


def test_parts_that_are_not_known_are_404_and_other_ids_2001(network: Network) -> None:
    async def test() -> None:
        keeper = Keeper()
        async with talking(network, Ports(sites=keeper)) as talk:
            assert code(await talk.from_visited("PUT", PATH + "/E1", evse())) == (404, 2003)
            await known(talk)
            change = {"status": "BLOCKED", "last_updated": LATER}
            assert code(await talk.from_visited("PATCH", PATH + "/E9", change)) == (404, 2003)
            assert code(await talk.from_visited("PATCH", PATH + "/E1/9", {"last_updated": LATER})) == (404, 2003)
            assert code(await talk.from_visited("PUT", PATH + "/E9/1", connector())) == (404, 2003)
            assert code(await talk.from_visited("GET", PATH + "/E9")) == (404, 2003)
            assert code(await talk.from_visited("PUT", PATH + "/E1", evse(uid="E2"))) == (200, 2001)
            assert code(await talk.from_visited("PATCH", PATH + "/E1", {**change, "uid": "E2"})) == (200, 2001)
            assert code(await talk.from_visited("PATCH", PATH, {"id": "L2", "last_updated": LATER})) == (200, 2001)
            assert stored(keeper) == location()

    run(test)


def test_partial_updates_of_one_site_follow_one_another(network: Network) -> None:
    class Slow(Keeper):
        async def put(self, *arguments: Any) -> None:
            for _ in range(5):
                await asyncio.sleep(0)
            await super().put(*arguments)

    async def test() -> None:
        keeper = Slow()
        async with talking(network, Ports(sites=keeper)) as talk:
            count = 8
            await known(talk, evses=[evse(uid=f"E{n}") for n in range(count)])
            await asyncio.gather(
                *(
                    talk.from_visited("PATCH", f"{PATH}/E{n}", {"status": "CHARGING", "last_updated": LATER})
                    for n in range(count)
                )
            )
            assert {one["status"] for one in stored(keeper)["evses"]} == {"CHARGING"}

    run(test)


def test_status_is_patched_and_not_found_where_the_site_is_unknown(network: Network) -> None:
    async def test() -> None:
        keeper = Keeper()
        async with talking(network, Ports(sites=keeper)) as talk:
            calls, partner = talk.visited.endpoint.calls, talk.visited.only_partner()
            at = datetime(2026, 11, 22, 11, 5, tzinfo=UTC)
            with pytest.raises(NotFound):
                await calls.patch_evse_status(partner, KEY, "E1", "CHARGING", at)
            await calls.put_site(partner, held())
            await calls.patch_evse_status(partner, KEY, "E1", "CHARGING", at)
            assert keeper.objects[KEY].value.equipment[0].status is Status.CHARGING

    run(test)


def test_rule_15_the_sender_offers_one_object_at_every_depth(network: Network) -> None:
    async def test() -> None:
        source = Source([(datetime(2026, 11, 22, tzinfo=UTC), "L1", json.dumps(location()))])
        async with talking(network, visited_ports=Ports(site_source=source)) as talk:
            expected = [("", location()), ("/E1", evse()), ("/E1/1", connector())]
            for path, body in expected:
                answer = await talk.from_home("GET", f"/sender/locations/L1{path}")
                assert json.loads(answer.body)["data"] == body
            assert code(await talk.from_home("GET", "/sender/locations/L9")) == (404, 2003)

    run(test)
