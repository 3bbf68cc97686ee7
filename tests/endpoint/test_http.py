"""The client against partners that misbehave, over real sockets, and the address guard."""

import asyncio
import ipaddress
import socket
import time
from collections.abc import Awaitable, Callable

import pytest
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from core.endpoint.serving import Running, listen, serve
from core.endpoint.tls import Identity
from core.errors import NotAllowed, Unreachable
from core.http import LOOPBACK, AddressGuard, HttpClient
from tests.endpoint.platforms import port_of


def meet(app: ASGIApp, identity: Identity, test: Callable[[HttpClient, Running], Awaitable[None]]) -> None:
    async def within() -> None:
        client = HttpClient(identity.client_context(), AddressGuard(LOOPBACK))
        async with asyncio.timeout(10), serve(app, identity.server_context(), listen()) as running:
            try:
                await test(client, running)
            finally:
                await client.close()

    asyncio.run(within())


async def hang(scope: Scope, receive: Receive, send: Send) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def drip(scope: Scope, receive: Receive, send: Send) -> None:
    async def endless() -> object:
        while True:
            yield b"x" * 65536
            await asyncio.sleep(0)

    await StreamingResponse(endless())(scope, receive, send)


def test_partner_that_accepts_and_says_nothing_is_given_up_in_time(home_identity: Identity) -> None:
    async def test(client: HttpClient, running: Running) -> None:
        before = time.monotonic()
        with pytest.raises(Unreachable) as error:
            await client.send("GET", running.url, timeout=0.2)
        assert error.value.code == "no_answer_in_time"
        assert time.monotonic() - before < 2

    meet(hang, home_identity, test)


def test_host_that_never_shakes_hands_is_given_up_in_time(home_identity: Identity) -> None:
    async def test() -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            client = HttpClient(home_identity.client_context(), AddressGuard(LOOPBACK))
            with pytest.raises(Unreachable):
                await client.send("GET", f"https://127.0.0.1:{silent.getsockname()[1]}/", timeout=0.2)
            await client.close()

    asyncio.run(test())


def test_only_what_cannot_have_left_is_unreachable(home_identity: Identity) -> None:
    """A partner that takes the request and breaks the connection may have done what it was asked to."""
    taken = []

    async def take_and_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        taken.append(await reader.readuntil(b"charge!"))
        writer.close()

    async def test() -> None:
        client = HttpClient(home_identity.client_context(), AddressGuard(LOOPBACK))
        server = await asyncio.start_server(take_and_close, "127.0.0.1", 0, ssl=home_identity.server_context())
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        async with server:
            with pytest.raises(Unreachable) as lost:
                await client.send("POST", url, body=b"charge!")
        with pytest.raises(Unreachable) as refused:
            await client.send("POST", url, body=b"charge!")
        await client.close()
        assert (lost.value.code, lost.value.never_arrived) == ("connection_lost", False)
        assert (refused.value.code, refused.value.never_arrived) == ("unreachable", True)
        assert len(taken) == 1

    asyncio.run(test())


def test_endless_body_is_cut(home_identity: Identity) -> None:
    async def test(client: HttpClient, running: Running) -> None:
        with pytest.raises(Unreachable) as error:
            await client.send("GET", running.url, limit=1_000_000)
        assert error.value.code == "answer_too_large"

    meet(drip, home_identity, test)


def test_redirect_is_not_followed(home_identity: Identity) -> None:
    async def test(client: HttpClient, running: Running) -> None:
        assert (await client.send("GET", running.url)).status == 307

    meet(RedirectResponse("https://127.0.0.1:1/"), home_identity, test)


def test_compressed_answer_is_refused(home_identity: Identity) -> None:
    async def test(client: HttpClient, running: Running) -> None:
        with pytest.raises(Unreachable, match="compresses") as error:
            await client.send("GET", running.url)
        assert not error.value.never_arrived

    meet(Response(b"\x1f\x8b", headers={"Content-Encoding": "gzip"}), home_identity, test)


def test_host_name_is_verified_against_the_certificate_and_sent_as_host(home_identity: Identity) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse(dict(scope["headers"])[b"host"])(scope, receive, send)

    async def test(client: HttpClient, running: Running) -> None:
        answer = await client.send("GET", f"https://localhost:{port_of(running)}/")
        assert answer.body == f"localhost:{port_of(running)}".encode()

    meet(app, home_identity, test)


def test_certificate_of_another_host_is_refused(home_identity: Identity, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(client: HttpClient, running: Running) -> None:
        async def look_up(host: str, port: int, **_: object) -> object:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", look_up)
        with pytest.raises(Unreachable, match=r"roam\.example"):
            await client.send("GET", f"https://roam.example:{port_of(running)}/")

    meet(PlainTextResponse("no"), home_identity, test)


def test_refused_connection_is_unreachable(home_identity: Identity) -> None:
    async def test(client: HttpClient, running: Running) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        with pytest.raises(Unreachable):
            await client.send("GET", f"https://127.0.0.1:{port}/")

    meet(hang, home_identity, test)


@pytest.mark.parametrize(
    "url",
    [
        "http://roam.example/",
        "file:///etc/passwd",
        "https://user:secret@roam.example/",
        "https://",
        "https://[half/",
        "https://roam.example:99999/",
        "",
    ],
)
def test_guard_refuses_what_is_no_plain_https_url(url: str) -> None:
    with pytest.raises(NotAllowed):
        AddressGuard().check(url)


def test_guard_keeps_a_partner_to_its_hosts() -> None:
    guard = AddressGuard()
    guard.check("https://Roam.example/x", {"roam.example"})
    with pytest.raises(NotAllowed):
        guard.check("https://roam.example.evil.test/x", {"roam.example"})


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "::1",
        "10.0.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "::ffff:127.0.0.1",
        "fe80::1",
        "fd00::1",
    ],
)
def test_guard_refuses_addresses_inside(host: str) -> None:
    with pytest.raises(NotAllowed):
        asyncio.run(AddressGuard().addresses(host, 443))


def test_guard_admits_public_addresses_and_networks_named() -> None:
    assert asyncio.run(AddressGuard().addresses("8.8.8.8", 443)) == ("8.8.8.8",)
    local = AddressGuard([ipaddress.ip_network("192.168.1.0/24")])
    assert asyncio.run(local.addresses("192.168.1.7", 443)) == ("192.168.1.7",)
    with pytest.raises(NotAllowed):
        asyncio.run(local.addresses("192.168.2.7", 443))


def test_name_that_also_leads_inside_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        async def look_up(host: str, port: int, **_: object) -> object:
            return [(0, 0, 0, "", (address, port)) for address in ("8.8.8.8", "127.0.0.1")]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", look_up)
        with pytest.raises(NotAllowed):
            await AddressGuard().addresses("roam.example", 443)

    asyncio.run(test())


def test_a_port_that_was_handed_out_is_held_before_anything_is_served() -> None:
    with listen() as held, pytest.raises(OSError, match="in use"):
        listen(port=held.getsockname()[1])
