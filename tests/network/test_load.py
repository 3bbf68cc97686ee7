"""Every post of the demo network in use at once, by ten drivers: all sessions end with a receipt."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from core.driver_client import DriverClient
from core.driver_messages import PinIdentification
from core.home_csp.contracts import add_contract
from core.model.session import SessionState
from core.network import Network
from core.visited_cso.equipment import EvseState
from tests.network.charging import Post, count_sessions, free_posts, in_state, sdrs_kept
from tests.networks import advance, quote_at, until, until_state

pytestmark = [pytest.mark.anyio, pytest.mark.soak]

DRIVERS = 10


@pytest.fixture
async def drivers(network: Network) -> AsyncIterator[list[DriverClient]]:
    clients = []
    for number in range(DRIVERS):
        contract = f"NL-EVR-C0000{number:04}"
        await add_contract(network.home.context, contract, driver_name=f"Driver {number}", pin="1357")
        client = DriverClient(network.driver_url, network.driver_tls)
        await client.identify(PinIdentification(contract_id=contract, pin="1357"))
        clients.append(client)
    yield clients
    for client in clients:
        await client.close()


async def charges(driver: DriverClient, posts: list[Post]) -> list[str]:
    """Start at each of the posts, one after the other; the sessions, each authorised."""
    ids, events = [], driver.events(0)
    for post in posts:
        quote = await quote_at(driver, post.site, post.evse_uid, kwh=100)
        ids.append((await driver.start(quote.id)).id)
        await until(events, in_state(SessionState.AUTHORISED, SessionState.ACTIVE, id=ids[-1]), timeout=60)
    return ids


async def leaves(driver: DriverClient, ids: list[str], posts: list[Post]) -> set[str]:
    """Stop each session and drive away; the sessions for which receipts came."""
    for id, post in zip(ids, posts, strict=True):
        await driver.stop(id)
        await until_state(post.member.equipment, post.evse_uid, EvseState.FINISHING, timeout=60)
        await post.member.equipment.unplug(post.evse_uid)
    billed: set[str] = set()
    async with asyncio.timeout(60), aclosing(driver.events(0)) as events:
        async for event in events:
            if event is not None and event.receipt is not None:
                billed.add(event.receipt.session_id)
            if len(billed) == len(ids):
                break
    return billed


async def test_fifty_sessions_at_once(network: Network, drivers: list[DriverClient]) -> None:
    posts = await free_posts(network, drivers[0], count=50)
    assert len(posts) == 50
    shares = [posts[number::DRIVERS] for number in range(DRIVERS)]
    begun = await asyncio.gather(*(charges(*one) for one in zip(drivers, shares, strict=True)))
    await advance(network, minutes=2)
    billed = await asyncio.gather(*(leaves(*one) for one in zip(drivers, begun, shares, strict=True)))
    assert [set(ids) for ids in begun] == billed
    kept = sdrs_kept(network.home.context.store)
    assert len(kept) == 50 and {(verdict, receipted) for verdict, _, receipted in kept} == {("ACCEPTED", True)}
    assert sum(count_sessions(one.platform.context.store) for one in network.members) == 50
