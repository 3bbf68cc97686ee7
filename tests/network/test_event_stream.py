"""The driver's live events: nothing missed and nothing twice when the wire breaks; every front end sees the same."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
from sqlalchemy import delete, update

from core.clock import WallClock
from core.driver_client import DriverClient
from core.driver_messages import DriverEvent, EventKind, PinIdentification
from core.errors import NotAllowed, NotFound
from core.home_csp import driver_api
from core.home_csp.contracts import add_contract
from core.home_csp.energy_transfer.record import stream_of
from core.model.identifiers import ContractId
from core.model.session import SessionState
from core.network import Network
from core.store.tables import driver_login
from core.visited_cso.equipment import EvseState
from tests.network.charging import charge, free_posts, in_state, post_of_each, receipt_for
from tests.network.gate import Gate, gate_to
from tests.networks import advance, heard_by, quote_at, until, until_state

pytestmark = pytest.mark.anyio


@pytest.fixture
async def gate(network: Network) -> AsyncIterator[Gate]:
    async with gate_to(network.driver_url) as gate:
        yield gate


@pytest.fixture
async def behind_gate(network: Network, driver: DriverClient, gate: Gate) -> AsyncIterator[DriverClient]:
    """A second front end of the same driver, its way through the gate."""
    client = DriverClient(gate.url, network.driver_tls)
    assert driver.login is not None
    client.resume(driver.login)
    yield client
    await client.close()


def written(network: Network) -> list[int]:
    """The numbers of all events of the demo driver, as the store has them."""
    contract = ContractId.parse(network.demo.driver.contract).key
    return [event.sequence for event in network.home.context.store.events([stream_of(contract)], 0)]


async def seen(client: DriverClient, after: int | None, up_to: int) -> list[DriverEvent]:
    """All that a front end is told, up to an event."""
    found: list[DriverEvent] = []
    async with asyncio.timeout(60), aclosing(client.events(after)) as events:
        async for event in events:
            if event is not None and event.kind is not EventKind.BEAT:
                found.append(event)
                if event.id >= up_to:
                    break
    return found


async def test_a_stream_that_breaks_goes_on_without_gap_or_duplicate(
    network: Network, driver: DriverClient, behind_gate: DriverClient, gate: Gate
) -> None:
    [post] = await free_posts(network, driver)
    heard: list[int] = []

    async def listen() -> None:
        async with aclosing(behind_gate.events(0)) as events:
            async for event in events:
                if event is None:
                    continue
                if event.kind is not EventKind.BEAT:
                    heard.append(event.id)
                    gate.cut()  # after every single event
                if event.receipt is not None:
                    return

    listening = asyncio.create_task(listen())
    charging = await charge(network, driver, post)
    await charging.end()
    async with asyncio.timeout(60):
        await listening
    assert heard == written(network)
    assert gate.passed > 3  # an event may come along with the one at which the wire is cut


async def test_a_stream_resumes_where_it_began_even_before_its_first_event(
    network: Network, driver: DriverClient, behind_gate: DriverClient, gate: Gate
) -> None:
    [post] = await free_posts(network, driver)
    quote = await quote_at(driver, post.site, post.evse_uid)
    async with asyncio.timeout(60), aclosing(behind_gate.events()) as events:
        first = await anext(events)
        assert first is not None and first.kind is EventKind.BEAT
        gate.cut()
        id = (await driver.start(quote.id)).id  # while the other front end is cut off
        await heard_by(driver, in_state(SessionState.AUTHORISED, id=id))
        numbers = written(network)
        found: list[int] = []
        async for event in events:
            if event is not None and event.kind is not EventKind.BEAT:
                found.append(event.id)
            if found and found[-1] == numbers[-1]:
                break
    assert found == numbers


async def test_a_beat_never_names_an_event_that_was_not_sent(
    network: Network, driver: DriverClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver_api, "HEARTBEAT_SECONDS", 0.001)
    sent = 0
    [post] = await free_posts(network, driver)
    quote = await quote_at(driver, post.site, post.evse_uid)
    id = (await driver.start(quote.id)).id
    async with asyncio.timeout(60), aclosing(driver.events(0)) as events:
        async for event in events:
            assert event is not None
            if event.kind is EventKind.BEAT:
                assert event.id == sent
            sent = event.id
            if in_state(SessionState.AUTHORISED, id=id)(event):
                break


async def test_two_front_ends_of_one_driver_see_the_same(
    network: Network, driver: DriverClient, behind_gate: DriverClient
) -> None:
    [post] = await free_posts(network, driver)
    charging = await charge(network, driver, post)
    await charging.end()
    last = written(network)[-1]
    one, other = await asyncio.gather(seen(driver, 0, last), seen(behind_gate, 0, last))
    assert [event.id for event in one] == [event.id for event in other] == written(network)
    assert one[-1].receipt == other[-1].receipt is not None


async def test_a_front_end_is_told_when_the_identification_ends(
    network: Network, driver: DriverClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver_api, "HEARTBEAT_SECONDS", 0.01)
    now = WallClock().now()
    async with aclosing(driver.events(0)) as events:
        assert await anext(events) is not None
        await network.home.context.store.write(
            lambda connection: connection.execute(update(driver_login).values(expires_at=now)) and None
        )
        with pytest.raises(NotAllowed) as told:
            await until(events, lambda _event: False)
    assert told.value.code == "not_identified"
    assert told.value.next_step


async def test_a_stream_is_opened_for_nobody_without_identification(network: Network, driver: DriverClient) -> None:
    await network.home.context.store.write(lambda connection: connection.execute(delete(driver_login)) and None)
    with pytest.raises(NotAllowed):
        await anext(driver.events(0))


async def test_nobody_sees_the_events_of_another(network: Network, driver: DriverClient) -> None:
    await add_contract(network.home.context, "NL-EVR-C99999999", driver_name="Another", pin="1357")
    another = DriverClient(network.driver_url, network.driver_tls)
    await another.identify(PinIdentification(contract_id="NL-EVR-C99999999", pin="1357"))
    [post] = await free_posts(network, driver)
    charging = await charge(network, driver, post)
    async with aclosing(another.events(0)) as events:
        event = await anext(events)
    assert event is not None and event.kind is EventKind.BEAT
    assert await another.sessions() == ()
    for ask in (another.session(charging.id), another.stop(charging.id)):
        with pytest.raises(NotFound):
            await ask
    assert charging.home.stop_requested_at is None
    await another.close()


async def test_charging_at_two_operators_at_once(network: Network, driver: DriverClient) -> None:
    first, second = await post_of_each(network, driver)
    assert first.member is not second.member
    here = await charge(network, driver, first, minutes=1)
    there = await charge(network, driver, second)
    open_now = {one.id: one.state for one in await driver.sessions()}
    assert open_now == {here.id: SessionState.ACTIVE, there.id: SessionState.ACTIVE}
    for one in (here, there):
        await driver.stop(one.id)
        await until_state(one.post.member.equipment, one.post.evse_uid, EvseState.FINISHING)
    await advance(network, minutes=20)
    receipts = [(await heard_by(driver, receipt_for(one.id))).receipt for one in (here, there)]
    assert {one.operator.party for one in receipts if one} == {
        str(one.post.member.platform.context.party) for one in (here, there)
    }
    assert len((await driver.receipts()).receipts) == 2
