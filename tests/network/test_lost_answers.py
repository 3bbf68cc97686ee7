"""An operator that takes a request and breaks the connection: what was asked for may have been done."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from core.driver_client import DriverClient
from core.endpoint.partner_table import set_endpoints
from core.endpoint.tls import Identity
from core.http import LOOPBACK, AddressGuard, HttpClient
from core.model.session import SessionState
from core.network import Network
from core.simulation.faults import Faults
from tests.network.charging import Post, free_posts, in_state, visited_at
from tests.network.ground import ground_in
from tests.networks import heard_by, quote_at

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def answers_are_lost(network: Network, post: Post) -> AsyncIterator[list[str]]:
    """Commands to the operator go by a socket that hands them on and closes without an answer; their paths."""
    operator = visited_at(network, post.member)
    home, visited = network.home.endpoint.requests._identity, post.member.platform.endpoint.requests._identity
    handed_on: list[str] = []

    async def hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        method, path, headers = _head((await reader.readuntil(b"\r\n\r\n")).decode())
        body = await reader.readexactly(int(headers.pop("content-length")))
        client = _client(home)
        await client.send(method, f"https://{target}{path}", headers=headers, body=body)
        await client.close()
        handed_on.append(path)
        writer.close()

    server = await asyncio.start_server(hand_on, "127.0.0.1", 0, ssl=visited.server_context())
    between = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    endpoints = []
    for one in operator.endpoints:
        if one.module == "commands":
            target = urlsplit(one.url).netloc
            one = one.model_copy(update={"url": one.url.replace(target, between)})
        endpoints.append(one)
    version, offered = operator.version or "", tuple(endpoints)
    change = network.home.endpoint.partners.change
    await change(lambda connection: set_endpoints(connection, operator.id, version, offered))
    async with server:
        yield handed_on


def _client(identity: Identity) -> HttpClient:
    return HttpClient(identity.client_context(), AddressGuard(LOOPBACK))


def _head(text: str) -> tuple[str, str, dict[str, str]]:
    first, *lines = text.strip().split("\r\n")
    method, path, _ = first.split()
    named = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
    return method, path, {name: value for name, value in named.items() if name not in {"host", "connection"}}


async def test_a_start_whose_connection_breaks_is_unconfirmed_and_what_charges_is_stopped(
    network: Network, driver: DriverClient
) -> None:
    [post] = await free_posts(network, driver)
    quote = await quote_at(driver, post.site, post.evse_uid)
    async with answers_are_lost(network, post) as handed_on:
        started = await driver.start(quote.id)
        ended = (await heard_by(driver, in_state(SessionState.EXPIRED, SessionState.REJECTED))).session
    assert handed_on[0].endswith("/START_SESSION")
    assert ended is not None and (ended.id, ended.state) == (started.id, SessionState.EXPIRED)
    assert ended.problem is not None and ended.problem.code == "stopped"
    assert (await driver.receipts()).receipts == ()


async def test_a_start_that_was_reported_before_its_station_fell_silent_is_stopped_too(data: Path) -> None:
    async with ground_in(data) as ground:
        driver = await ground.driver()
        [post] = await free_posts(ground.network, driver)
        await post.member.equipment.suffer(post.evse_uid, Faults(answer_lost=True))
        _let_the_home_csp_look_during_the_start(ground.network, post)
        started = await driver.start((await quote_at(driver, post.site, post.evse_uid)).id)
        ended = (await heard_by(driver, in_state(SessionState.EXPIRED, SessionState.REJECTED))).session
        assert ended is not None and (ended.id, ended.state) == (started.id, SessionState.EXPIRED)
        assert ended.problem is not None and ended.problem.code == "stopped"
        await driver.close()


def _let_the_home_csp_look_during_the_start(network: Network, post: Post) -> None:
    equipment, operator = post.member.equipment, visited_at(network, post.member)
    start = equipment.start

    async def slow_start(*asked: str | None, **more: str) -> None:
        try:
            await start(*asked, **more)
        finally:
            await network.home.synchronise(operator)

    equipment.start = slow_start
