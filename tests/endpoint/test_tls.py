"""Real handshakes over real sockets: who gets in, who does not, and what the server learns of the client."""

import asyncio
import ssl
import stat
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.types import Receive, Scope, Send

from core.clock import FixedClock
from core.endpoint import serving
from core.endpoint.agreement import Transport
from core.endpoint.serving import client_certificate, listen, serve, stopping
from core.endpoint.tls import CertificateAuthority, Identity, PeerCertificate, party_name
from core.errors import InvalidInput, Unreachable
from core.http import LOOPBACK, AddressGuard, HttpClient
from tests.endpoint.platforms import HOME, VISITED, files, port_of


async def tell_certificate(scope: Scope, receive: Receive, send: Send) -> None:
    certificate = client_certificate(scope)
    await JSONResponse(sorted(certificate.parties) if certificate else None)(scope, receive, send)


def over(context: ssl.SSLContext) -> HttpClient:
    return HttpClient(context, AddressGuard(LOOPBACK))


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def within() -> None:
        async with asyncio.timeout(10):
            await test()

    asyncio.run(within())


def test_mutual_tls_tells_the_server_party_and_role(home_identity: Identity, visited_identity: Identity) -> None:
    async def test() -> None:
        async with serve(tell_certificate, visited_identity.server_context(), listen()) as running:
            client = over(home_identity.client_context())
            answer = await client.send("GET", running.url)
            await client.close()
            assert answer.body == b'["urn:ev-party:NL*HOM:CSP"]'

    run(test)


def test_certificate_of_an_unknown_authority_is_refused_both_ways(
    home_identity: Identity, stranger_identity: Identity
) -> None:
    async def test() -> None:
        async with serve(tell_certificate, home_identity.server_context(), listen()) as running:
            trusting = stranger_identity.client_context()
            trusting.load_verify_locations(cadata=home_identity.authority.export().decode())
            for context in (trusting, stranger_identity.client_context()):
                client = over(context)
                with pytest.raises(Unreachable):
                    await client.send("GET", running.url)
                await client.close()

    run(test)


@pytest.mark.parametrize("mode", [ssl.CERT_REQUIRED, ssl.CERT_OPTIONAL])
def test_client_without_certificate_only_gets_in_where_it_is_optional(
    home_identity: Identity, mode: ssl.VerifyMode
) -> None:
    async def test() -> None:
        async with serve(tell_certificate, home_identity.server_context(mode), listen()) as running:
            client = over(home_identity.client_context(Transport.SERVER_TLS))
            if mode is ssl.CERT_OPTIONAL:
                assert (await client.send("GET", running.url)).body == b"null"
            else:
                with pytest.raises(Unreachable):
                    await client.send("GET", running.url)
            await client.close()

    run(test)


def test_tls_1_2_is_refused(home_identity: Identity) -> None:
    async def test() -> None:
        async with serve(tell_certificate, home_identity.server_context(), listen()) as running:
            old = home_identity.client_context()
            old.minimum_version = ssl.TLSVersion.TLSv1_2
            _, writer = await asyncio.open_connection("127.0.0.1", port_of(running), ssl=old)
            assert writer.get_extra_info("ssl_object").version() == "TLSv1.3"
            writer.close()
            old.maximum_version = ssl.TLSVersion.TLSv1_2
            with pytest.raises(OSError):
                await asyncio.open_connection("127.0.0.1", port_of(running), ssl=old)

    run(test)


def test_exchanged_authorities_let_two_machines_meet_while_they_run(tmp_path: Path) -> None:
    here, there = (CertificateAuthority.open(tmp_path / name) for name in ("here", "there"))
    home = here.identity(tmp_path / "home", [HOME])
    visited = there.identity(tmp_path / "visited", [VISITED])

    async def test() -> None:
        async with serve(tell_certificate, visited.server_context(), listen()) as running:
            client = over(home.client_context())
            with pytest.raises(Unreachable):
                await client.send("GET", running.url)
            assert there.trust(here.export()) in there.trusted()
            here.trust(there.export())
            assert (await client.send("GET", running.url)).status == 200
            await client.close()

    run(test)


def test_key_files_are_readable_by_the_owner_alone(tmp_path: Path) -> None:
    authority = CertificateAuthority.open(tmp_path)
    authority.identity(tmp_path / "home", [HOME])
    secret = [file for file in files(tmp_path) if file.suffix in {".key", ".secret"}]
    assert len(secret) == 3
    assert {stat.S_IMODE(file.stat().st_mode) for file in secret} == {0o600}


def test_identity_is_kept_until_roles_hosts_or_time_change(tmp_path: Path) -> None:
    clock = FixedClock(datetime(2026, 1, 1, tzinfo=UTC))
    authority = CertificateAuthority.open(tmp_path, clock)
    folder = tmp_path / "home"
    first = authority.identity(folder, [HOME]).certificate.read_bytes()
    assert authority.identity(folder, [HOME]).certificate.read_bytes() == first
    both = authority.identity(folder, [HOME, VISITED]).certificate.read_bytes()
    assert both != first
    elsewhere = authority.identity(folder, [HOME, VISITED], ["roam.example"]).certificate.read_bytes()
    assert elsewhere != both
    clock.advance(86400 * 320)
    assert authority.identity(folder, [HOME, VISITED], ["roam.example"]).certificate.read_bytes() != elsewhere


def test_authority_is_made_once(tmp_path: Path) -> None:
    assert CertificateAuthority.open(tmp_path).export() == CertificateAuthority.open(tmp_path).export()


@pytest.mark.parametrize("bundle", [b"", b"garbage", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_trusting_what_is_no_certificate_is_refused(tmp_path: Path, bundle: bytes) -> None:
    with pytest.raises(InvalidInput):
        CertificateAuthority.open(tmp_path).trust(bundle)


def test_a_platforms_own_certificate_is_no_authority(tmp_path: Path, home_identity: Identity) -> None:
    with pytest.raises(InvalidInput):
        CertificateAuthority.open(tmp_path).trust(home_identity.certificate.read_bytes())


def test_certificate_covers_only_the_roles_it_names(visited_identity: Identity) -> None:
    der = ssl.PEM_cert_to_DER_cert(visited_identity.certificate.read_text())
    certificate = PeerCertificate.read(der)
    assert certificate.parties == {party_name(VISITED)} == {"urn:ev-party:DE*VIS:CSO"}
    assert certificate.covers([VISITED])
    assert not certificate.covers([VISITED, HOME])


def test_same_party_from_another_authority_is_another_name(
    visited_identity: Identity, stranger_identity: Identity
) -> None:
    names = {
        PeerCertificate.read(ssl.PEM_cert_to_DER_cert(identity.certificate.read_text())).name
        for identity in (visited_identity, stranger_identity)
    }
    assert len(names) == 2


def test_server_stops_at_once_while_a_stream_is_open(home_identity: Identity) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async def lines(request: Request) -> object:
            yield "data: one\n\n"
            await stopping(request.scope).wait()

        request = Request(scope, receive)
        await StreamingResponse(lines(request), media_type="text/event-stream")(scope, receive, send)

    async def test() -> None:
        client = over(home_identity.client_context())
        async with serve(app, home_identity.server_context(), listen()) as running:
            stream = client.events(running.url)
            events = await stream.__aenter__()
            assert (await anext(events)).data == "one"
            before = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - before < 1.5
        with pytest.raises((StopAsyncIteration, Unreachable)):
            await anext(events)
        await stream.__aexit__(None, None, None)
        await client.close()

    run(test)


def test_client_that_says_nothing_is_dropped(home_identity: Identity, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "_FIRST_WORD_SECONDS", 0.1)

    async def test() -> None:
        async with serve(tell_certificate, home_identity.server_context(), listen()) as running:
            context = home_identity.client_context()
            reader, writer = await asyncio.open_connection("127.0.0.1", port_of(running), ssl=context)
            assert await reader.read() == b""
            writer.close()

    run(test)


def test_a_taken_port_is_an_error_of_the_system(home_identity: Identity) -> None:
    async def test() -> None:
        async with serve(tell_certificate, home_identity.server_context(), listen()) as running:
            with pytest.raises(OSError, match="use"):
                async with serve(tell_certificate, home_identity.server_context(), listen(port=port_of(running))):
                    pass

    run(test)
