"""What a partner must have reaches it in its current state, whatever happens; and what we missed is pulled."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from core.endpoint.bindings import BINDINGS
from core.endpoint.partner import Partner
from core.endpoint.ports import Held, Ports
from core.errors import Refused
from core.model.parties import ObjectKey
from core.model.sites import Status
from core.store.tables import push, synchronisation
from tests.endpoint.platforms import Keeper, Network, Platform, Source, connect, run
from tests.endpoint.test_http import hang
from tests.endpoint.wire_objects import cdr, evse, location, session, tariff, token

pytestmark = pytest.mark.both_stores

BINDING = BINDINGS["2.2.1"]
DOWN = PlainTextResponse("down", 503)


def key(id: str, party: str = "VIS") -> ObjectKey:
    return ObjectKey(country_code="DE" if party == "VIS" else "NL", party_id=party, id=id)


@dataclass
class Own:
    """The objects of the platform that pushes."""

    objects: dict[tuple[str, str], Held[Any]] = field(default_factory=dict)

    def load(self, kind: str, key: ObjectKey) -> Held[Any] | None:
        return self.objects.get((kind, key.id))

    def change(self, one: Platform, kind: str, id: str, held: Held[Any] | None, party: str = "VIS") -> Any:
        def write(connection: Connection) -> None:
            if held is None:
                self.objects.pop((kind, id), None)
            else:
                self.objects[kind, id] = held
            one.endpoint.outbox.mark(connection, [one.only_partner().id], kind, key(id, party))

        return one.store.write(write)


def tariff_of(price: str, id: str = "T1") -> Held[Any]:
    return BINDING.tariff.read(json.dumps(tariff(id=id)).replace("0.25", price))


def waiting(one: Platform) -> list[tuple[str, int, str | None]]:
    with one.store.read() as connection:
        query = select(push.c.object_id, push.c.attempts, push.c.last_error).order_by(push.c.object_id)
        return [tuple(row) for row in connection.execute(query)]


async def settled(one: Platform) -> None:
    await one.endpoint.outbox.settled()


def pushing(network: Network, ports: Ports, test: Callable[[Platform, Platform, Own], Any]) -> None:
    """visited pushes to home."""

    async def within() -> None:
        async with network.connected(ports) as (home, visited):
            own = Own()
            visited.endpoint.offer(Ports(), own.load)
            await test(home, visited, own)

    run(within)


def test_what_is_marked_reaches_the_partner_whatever_it_is(network: Network) -> None:
    keepers = {name: Keeper() for name in ("sites", "tariffs", "sessions", "sdrs")}
    objects = [
        ("sites", "L1", BINDING.site.read(json.dumps(location()))),
        ("tariffs", "T1", tariff_of("0.25")),
        ("sessions", "S1", BINDING.session.read(json.dumps(session()))),
        ("sdrs", "C1", BINDING.sdr.read(json.dumps(cdr()))),
    ]

    async def test(home: Platform, visited: Platform, own: Own) -> None:
        for kind, id, held in objects:
            await own.change(visited, kind, id, held)
        await settled(visited)
        for kind, id, held in objects:
            assert keepers[kind].objects[key(id)].body == held.body
        assert waiting(visited) == []

    pushing(network, Ports(**keepers), test)


def test_credential_is_marked_by_uid_and_kind(network: Network) -> None:
    async def test() -> None:
        keeper, own = Keeper(), Own()
        async with network.connected(None, Ports(credentials=keeper)) as (home, _):
            home.endpoint.offer(Ports(), own.load)
            held = BINDING.credential.read(json.dumps(token()))
            await own.change(home, "credentials", "CARD1/RFID", held, "HOM")
            await settled(home)
            assert list(keeper.objects) == [key("CARD1/RFID", "HOM")]

    run(test)


def test_withdrawn_tariff_is_deleted_at_the_partner(network: Network) -> None:
    keeper = Keeper()

    async def test(home: Platform, visited: Platform, own: Own) -> None:
        await own.change(visited, "tariffs", "T1", tariff_of("0.25"))
        await settled(visited)
        assert list(keeper.objects) == [key("T1")]
        for _ in range(2):
            await own.change(visited, "tariffs", "T1", None)
            await settled(visited)
        assert keeper.objects == {}
        assert waiting(visited) == []

    pushing(network, Ports(tariffs=keeper), test)


def test_a_change_that_fails_marks_nothing(network: Network) -> None:
    keeper = Keeper()

    async def test(home: Platform, visited: Platform, own: Own) -> None:
        own.objects["tariffs", "T1"] = tariff_of("0.25")

        def failing(connection: Connection) -> None:
            visited.endpoint.outbox.mark(connection, [visited.only_partner().id], "tariffs", key("T1"))
            raise ValueError

        with pytest.raises(ValueError):
            await visited.store.write(failing)
        await settled(visited)
        assert keeper.puts == 0
        assert waiting(visited) == []

    pushing(network, Ports(tariffs=keeper), test)


def test_object_changed_while_it_is_sent_is_sent_once_more_as_it_stands_then(network: Network) -> None:
    @dataclass
    class Slow(Keeper):
        entered: asyncio.Event = field(default_factory=asyncio.Event)
        go_on: asyncio.Event = field(default_factory=asyncio.Event)
        seen: list[str] = field(default_factory=list)
        together: int = 0

        async def put(self, partner: Partner, key: ObjectKey, held: Held[Any]) -> None:
            self.together += 1
            assert self.together == 1
            self.seen.append(str(held.value.elements[0].components[0].price))
            self.entered.set()
            await self.go_on.wait()
            self.together -= 1

    async def test() -> None:
        keeper, own = Slow(), Own()
        async with network.connected(Ports(tariffs=keeper)) as (_, visited):
            visited.endpoint.offer(Ports(), own.load)
            await own.change(visited, "tariffs", "T1", tariff_of("0.10"))
            await keeper.entered.wait()
            for price in ("0.20", "0.30", "0.40"):
                await own.change(visited, "tariffs", "T1", tariff_of(price))
            keeper.go_on.set()
            await settled(visited)
            assert keeper.seen == ["0.10", "0.40"]
            assert waiting(visited) == []

    run(test)


def test_partner_that_is_away_gets_the_last_state_when_it_is_back(network: Network) -> None:
    keeper = Keeper()

    async def test(home: Platform, visited: Platform, own: Own) -> None:
        app, home.endpoint.app = home.endpoint.app, DOWN  # type: ignore[assignment]
        for price in ("0.10", "0.20"):
            await own.change(visited, "tariffs", "T1", tariff_of(price))
            await settled(visited)
        ((_, attempts, error),) = waiting(visited)
        assert attempts == 1
        assert error is not None and "503" in error
        assert visited.endpoint.outbox.backlog() == {visited.only_partner().id: 1}
        home.endpoint.app = app
        visited.clock.advance(1)
        visited.endpoint.outbox.wake()
        await settled(visited)
        assert (
            keeper.objects[key("T1")].value.elements[0].components[0].price
            == tariff_of("0.20").value.elements[0].components[0].price
        )
        assert keeper.puts == 1
        assert waiting(visited) == []

    pushing(network, Ports(tariffs=keeper), test)


def test_pause_grows_with_each_failure(network: Network) -> None:
    async def test(home: Platform, visited: Platform, own: Own) -> None:
        home.endpoint.app = DOWN  # type: ignore[assignment]
        await own.change(visited, "tariffs", "T1", tariff_of("0.10"))
        await settled(visited)
        pauses = []
        for _ in range(4):
            with visited.store.read() as connection:
                next_at = connection.execute(select(push.c.next_at)).scalar_one()
            pauses.append((next_at - visited.clock.now()).total_seconds())
            visited.clock.advance(pauses[-1])
            visited.endpoint.outbox.wake()
            await settled(visited)
        assert pauses == [1, 2, 4, 8]

    pushing(network, Ports(tariffs=Keeper()), test)


def test_suspended_partner_gets_nothing_until_it_is_resumed(network: Network) -> None:
    keeper = Keeper()

    async def test(home: Platform, visited: Platform, own: Own) -> None:
        partner = visited.only_partner()
        await visited.endpoint.partners.suspend(partner.id)
        await own.change(visited, "tariffs", "T1", tariff_of("0.10"))
        await settled(visited)
        assert keeper.puts == 0
        await visited.endpoint.partners.resume(partner.id)
        visited.endpoint.outbox.wake()
        await settled(visited)
        assert keeper.puts == 1

    pushing(network, Ports(tariffs=keeper), test)


def test_object_that_is_refused_waits_by_itself(network: Network) -> None:
    @dataclass
    class Choosy(Keeper):
        async def put(self, partner: Partner, key: ObjectKey, held: Held[Any]) -> None:
            if key.id == "BAD":
                raise Refused("Not this one.")
            await super().put(partner, key, held)

    keeper = Choosy()

    async def test(home: Platform, visited: Platform, own: Own) -> None:
        for id in ("BAD", "GOOD"):
            await own.change(visited, "tariffs", id, tariff_of("0.10", id))
        await settled(visited)
        assert list(keeper.objects) == [key("GOOD")]
        ((id, attempts, error),) = waiting(visited)
        assert (id, attempts) == ("BAD", 1)
        assert error is not None and "Not this one." in error

    pushing(network, Ports(tariffs=keeper), test)


def test_rule_06_status_of_a_site_that_the_partner_does_not_know_becomes_the_whole_site(network: Network) -> None:
    keeper = Keeper()

    async def test(home: Platform, visited: Platform, own: Own) -> None:
        for status in ("CHARGING", "AVAILABLE"):
            one = evse(status=status, last_updated="2026-11-22T11:05:00Z")
            own.objects["sites", "L1"] = BINDING.site.read(json.dumps(location(evses=[one])))
            await own.change(visited, "statuses", "L1/E1", None)
            await settled(visited)
            kept = keeper.objects[key("L1")].value
            assert kept.equipment[0].status is Status(status)
        assert waiting(visited) == []
        await home.endpoint.log.flush()

    pushing(network, Ports(sites=keeper), test)


def test_rule_08_what_we_missed_is_pulled_from_the_watermark_once_the_partner_is_back(network: Network) -> None:
    async def test() -> None:
        own, mine, theirs = Own(), Keeper(), Keeper()
        first = datetime(2026, 11, 22, 10, tzinfo=UTC)
        source = Source()

        def publish(n: int) -> None:
            at = first + timedelta(hours=n)
            body = json.dumps(tariff(id=f"T{n}", last_updated=at.strftime("%Y-%m-%dT%H:%M:%SZ")))
            source.rows.append((at, f"T{n}", body))

        offered = Ports(tariff_source=source, credentials=theirs)
        async with network.connected(Ports(tariffs=mine), offered, page_limit=2) as (home, visited):
            home.endpoint.offer(Ports(tariffs=mine), own.load)
            for n in range(3):
                publish(n)
            partner = home.only_partner()
            assert await home.endpoint.synchronisation.pull_module(partner, "tariffs") == 3
            assert sorted(one.id for one in mine.objects) == ["T0", "T1", "T2"]
            source.asked.clear()
            app, visited.endpoint.app = visited.endpoint.app, DOWN  # type: ignore[assignment]
            publish(3)
            held = BINDING.credential.read(json.dumps(token()))
            await own.change(home, "credentials", "CARD1/RFID", held, "HOM")
            await settled(home)
            assert "tariffs" in await home.endpoint.synchronisation.pull(partner)
            visited.endpoint.app = app
            home.clock.advance(1)
            home.endpoint.outbox.wake()
            await settled(home)
            await home.endpoint.repaired()
            assert theirs.puts == 1
            assert key("T3") in mine.objects
            assert source.asked[0].date_from == first + timedelta(hours=2)
            with home.store.read() as connection:
                row = connection.execute(select(synchronisation)).one()
            assert (row.pulled_until, row.last_error) == (first + timedelta(hours=3), None)

    run(test)


def test_what_was_on_its_way_when_the_platform_ended_is_sent_by_the_next_one(network: Network) -> None:
    async def test() -> None:
        own, keeper, arrived = Own(), Keeper(), asyncio.Event()

        async def swallow(scope: Scope, receive: Receive, send: Send) -> None:
            arrived.set()
            await hang(scope, receive, send)

        async with network.home(Ports(tariffs=keeper)) as home:
            async with network.visited() as visited:
                await connect(home, visited)
                visited.endpoint.offer(Ports(), own.load)
                app, home.endpoint.app = home.endpoint.app, swallow  # type: ignore[assignment]
                await own.change(visited, "tariffs", "T1", tariff_of("0.10"))
                await arrived.wait()
            home.endpoint.app = app
            async with network.visited() as again:
                again.endpoint.offer(Ports(), own.load)
                await settled(again)
                assert keeper.puts == 0
                again.clock.advance(120)
                again.endpoint.outbox.wake()
                await settled(again)
                assert keeper.puts == 1
                assert waiting(again) == []

    run(test)
