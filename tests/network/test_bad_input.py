"""Whatever is sent to the driver API is answered with a problem, a code and a sentence; nothing is half written."""

import asyncio
import json
from dataclasses import dataclass

import pytest
from sqlalchemy import func, select

from core.driver_client import DriverClient
from core.driver_messages import Problem
from core.network import Network
from core.store import tables
from core.store.engine import Store
from tests.network.charging import free_posts
from tests.networks import quote_at

pytestmark = pytest.mark.anyio

NAUGHTY = (
    "%00",
    "%01%1b%5b31m",
    "%0d%0aX-Evil:%201",
    "..%2f..%2fetc%2fpasswd",
    "a%2fb%2fc",
    "%25%25%2525",
    "'%20OR%201=1%20--",
    "%22;DROP%20TABLE%20site;--",
    "%ff%fe",
    "%f0%9f%94%8c",
    "x" * 4000,
)
"""Ids as they stand in a URL: control characters, slashes, percent signs, SQL, no UTF-8, very long."""

TEXTS = ("\u0000", "\u001b[31m", "../../x", "a/b/c", "%2f", "' OR 1=1 --", '"; DROP TABLE site;--', "🔌", "x" * 4000)
"""The same as they stand in a body."""


NEEDS_OF_NOTHING = (
    '{"amount": 0}',
    '{"kind": "state_of_charge", "amount": 40, "arrival_percent": 80}',
)
IMPOSSIBLE_NEEDS = (
    *NEEDS_OF_NOTHING,
    '{"amount": "NaN"}',
    '{"amount": "Infinity"}',
    '{"amount": -5}',
    '{"amount": 1e30}',
    '{"amount": "1e400000"}',
    '{"kind": "minutes", "amount": 1e15}',
    '{"kind": "state_of_charge", "amount": 900}',
    '{"kind": "state_of_charge", "battery_kwh": -1}',
    '{"kind": "state_of_charge", "battery_kwh": 1e300}',
    '{"kind": "state_of_charge", "arrival_percent": -1e20}',
    '{"stay_minutes": -1}',
    '{"stay_minutes": 1e18}',
    '{"kind": "teleport"}',
)
"""Amounts that are no numbers, negative, or more than any battery or stay."""


@dataclass
class Answer:
    """What came back."""

    status: int
    head: str
    body: bytes

    @property
    def problem(self) -> Problem:
        """The body as a problem; a test fails where it is none."""
        return Problem.model_validate_json(self.body)


async def send(
    network: Network, method: str, path: str, body: bytes = b"", *, headers: dict[str, str] | None = None
) -> Answer:
    """One request over a bare TLS connection, as no client would write it."""
    host, port = network.driver_url.removeprefix("https://").split(":")
    lines = [f"{method} /driver/v1{path} HTTP/1.1", f"Host: {host}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in ({"Content-Length": str(len(body))} | (headers or {})).items()]
    async with asyncio.timeout(60):
        reader, writer = await asyncio.open_connection(host, int(port), ssl=network.driver_tls)
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        content = await reader.read()
        writer.close()
    return Answer(int(head.split()[1]), head, content)


def is_a_problem(answer: Answer, *statuses: int) -> bool:
    """Whether it is refused with one of these statuses, a code and a sentence that give nothing away."""
    problem = answer.problem
    text = answer.body.decode()
    assert not any(word in text for word in ("Traceback", 'File "', "sqlalchemy", "pydantic", "sqlite"))
    assert "X-Evil" not in answer.head
    return answer.status in statuses and bool(problem.code) and len(problem.message) > 5


def rows(store: Store) -> dict[str, int]:
    """How many rows each table has, but for what platforms write at any time as they keep in step."""
    in_step = {"message_log", "push", "synchronisation", "event"}
    told = select(func.count()).where(tables.event.c.stream != "sites")
    with store.read() as connection:
        counts = {
            one.name: connection.execute(select(func.count()).select_from(one)).scalar_one()
            for one in tables.metadata.sorted_tables
            if one.name not in in_step
        }
        return counts | {"event": connection.execute(told).scalar_one()}


@pytest.fixture
async def token(driver: DriverClient) -> dict[str, str]:
    """The header of an identified driver."""
    assert driver.login is not None
    return {"Authorization": f"Bearer {driver.login.token}"}


async def test_what_is_no_json_or_has_wrong_types(network: Network, token: dict[str, str]) -> None:
    before = rows(network.home.context.store)
    bodies = (
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"\xff\xfe",
        b'{"a":' * 5000,
        b"1e999",
        b"{}",
        b'{"quote_id": 1}',
        b'{"quote_id": "\\ud800", "request_id": "x"}',
    )
    for path in ("/sites", "/quotes", "/identify/card", "/identify/pin", "/sessions"):
        for body in bodies if path != "/sites" else bodies[:-3]:
            assert is_a_problem(await send(network, "POST", path, body, headers=token), 422), (path, body[:40])
    assert rows(network.home.context.store) == before


async def test_numbers_that_no_session_has(network: Network, driver: DriverClient, token: dict[str, str]) -> None:
    [post] = await free_posts(network, driver)
    before = rows(network.home.context.store)
    place = {"site": post.site.model_dump(), "evse_uid": post.evse_uid, "connector_id": "1"}
    for need in IMPOSSIBLE_NEEDS:
        asked = json.dumps(place)[:-1] + f', "need": {need}' + "}"
        assert is_a_problem(await send(network, "POST", "/quotes", asked.encode(), headers=token), 422), need
        if need in NEEDS_OF_NOTHING:
            continue  # a search shows no price then
        searched = f'{{"latitude": 49.48, "longitude": 8.47, "need": {need}}}'
        assert is_a_problem(await send(network, "POST", "/sites", searched.encode(), headers=token), 422), need
    for point in ("1e300", '"NaN"', "91", "-1000"):
        searched = f'{{"latitude": {point}, "longitude": 8}}'
        assert is_a_problem(await send(network, "POST", "/sites", searched.encode()), 422), point
    for member in ('"min_kw": -1', '"min_kw": 1e40', '"radius_km": -3', '"radius_km": 1e300', '"limit": 100000'):
        searched = f'{{"latitude": 49, "longitude": 8, {member}}}'
        assert is_a_problem(await send(network, "POST", "/sites", searched.encode()), 422), member
    assert rows(network.home.context.store) == before


async def test_ids_that_nobody_gave(network: Network, token: dict[str, str]) -> None:
    before = rows(network.home.context.store)
    for id in NAUGHTY:
        for path in (
            f"/sites/DE/KPF/{id}",
            f"/sites/{id}/KPF/x",
            f"/sites/DE/{id}/x",
            f"/evses/{id}",
            f"/sessions/{id}",
            f"/receipts/{id}",
        ):
            assert is_a_problem(await send(network, "GET", path, headers=token), 404, 422), path[:80]
        assert is_a_problem(await send(network, "POST", f"/sessions/{id}/stop", headers=token), 404, 422), id[:80]
        assert is_a_problem(await send(network, "PUT", f"/favourites/DE/KPF/{id}", headers=token), 404), id[:80]
        gone = await send(network, "DELETE", f"/favourites/DE/KPF/{id}", headers=token)
        assert gone.status == 204 or is_a_problem(gone, 404), id[:80]
        assert (await send(network, "GET", f"/places?q={id}")).status == 200
    assert rows(network.home.context.store) == before


async def test_texts_that_nobody_writes(network: Network, driver: DriverClient, token: dict[str, str]) -> None:
    [post] = await free_posts(network, driver)
    quote, place = await quote_at(driver, post.site, post.evse_uid), post.site.model_dump()
    before = rows(network.home.context.store)
    for text in TEXTS:
        for path, body in (
            ("/quotes", {"site": {**place, "id": text}, "evse_uid": text, "connector_id": text}),
            (
                "/quotes",
                {"site": {**post.site.model_dump(), "country_code": text}, "evse_uid": "x", "connector_id": "1"},
            ),
            ("/identify/card", {"card_uid": text}),
            ("/identify/pin", {"contract_id": text, "pin": text}),
            ("/sessions", {"quote_id": text, "request_id": "r"}),
            ("/sessions", {"quote_id": quote.id, "request_id": text}),
        ):
            answer = await send(network, "POST", path, json.dumps(body).encode(), headers=token)
            assert is_a_problem(answer, 403, 404, 422), (path, text[:40])
        found = await send(network, "POST", "/sites", json.dumps({"text": text, "operator": text}).encode())
        assert found.status == 200 or is_a_problem(found, 422)
    assert rows(network.home.context.store) == before


async def test_nobody_or_somebody_else(network: Network) -> None:
    before = rows(network.home.context.store)
    for value in ("", "Bearer", "Bearer ", "Bearer nonsense", "Basic Zm9vOmJhcg==", "Bearer " + "x" * 8000, "\xff\xfe"):
        headers = {"Authorization": value} if value else {}
        for method, path in (("GET", "/sessions"), ("GET", "/receipts"), ("GET", "/events"), ("POST", "/sessions")):
            assert is_a_problem(await send(network, method, path, headers=headers), 401), (path, value[:20])
    assert rows(network.home.context.store) == before


async def test_desks_of_plans_reservations_unlocks_and_disputes(
    network: Network, driver: DriverClient, token: dict[str, str]
) -> None:
    """Somebody else's ids are unknown, a body that makes no sense is told so, and nobody is let in without a login."""
    [post] = await free_posts(network, driver)
    quote = await quote_at(driver, post.site, post.evse_uid)
    before = rows(network.home.context.store)
    desks: dict[str, tuple[dict[str, object], dict[str, tuple[object, ...]]]] = {
        "/sessions/nobodys/plan": (
            {"profile": "FAST", "energy_kwh": 2, "departure": "2026-03-02T12:00:00Z"},
            {
                "profile": ("TELEPORT", 1, None),
                "energy_kwh": (0, -1, 1e30, "NaN", {}),
                "departure": ("2026-03-02T12:00:00", "yesterday", []),
            },
        ),
        "/sessions/nobodys/plan/answer": (
            {"plan_id": "P", "version": 1, "accept": True},
            {"plan_id": (1, None), "version": ("x", 1.5, None), "accept": ("perhaps", None)},
        ),
        "/sessions/nobodys/unlock": (
            {"request_id": "r", "reason": "stuck"},
            {"request_id": (1, None, "\u0000", "x" * 4000)},
        ),
        "/receipts/nobodys/dispute": ({"note": "no"}, {"note": (1, None, "x" * 4000)}),
        "/reservations": (
            {"quote_id": "nobodys", "minutes": 15, "request_id": "r"},
            {
                "minutes": (0, -1, 10**9, "x"),
                "request_id": ("\u001b", "", 1),
                "starts_at": ("2026-03-02T12:00:00", 1e300),
            },
        ),
    }
    for path, (right, wrong) in desks.items():
        assert is_a_problem(await send(network, "POST", path, json.dumps(right).encode()), 401), path
        assert is_a_problem(await send(network, "POST", path, json.dumps(right).encode(), headers=token), 404), path
        for body in (b"", b"{", b"[]", b"\xff", b'{"a":' * 5000):
            assert is_a_problem(await send(network, "POST", path, body, headers=token), 422), (path, body[:20])
        for name, values in wrong.items():
            for value in values:
                body = json.dumps({**right, name: value}).encode()
                assert is_a_problem(await send(network, "POST", path, body, headers=token), 422), (path, name, value)
    for moment in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00"):
        for path in ("/reservations/offer", "/reservations"):
            asked = json.dumps({"quote_id": quote.id, "request_id": "r", "starts_at": moment}).encode()
            answer = await send(network, "POST", path, asked, headers=token)
            assert is_a_problem(answer, 422), (path, moment)
    assert rows(network.home.context.store) == before


async def test_wrong_methods_and_places(network: Network) -> None:
    for method, path in (("PATCH", "/sites"), ("DELETE", "/quotes"), ("POST", "/health"), ("PURGE", "/sessions")):
        answer = await send(network, method, path)
        assert is_a_problem(answer, 405), (method, path)
        assert "allow:" in answer.head.lower()
    for path in ("", "/", "/nowhere", "/sites/DE", "/sessions/x/y/z"):
        assert is_a_problem(await send(network, "GET", path), 404), path
    brewed = await send(network, "BREW", "/sessions")  # a method that HTTP has not goes no further than the parser
    assert (brewed.status, brewed.body) == (400, b"Invalid HTTP request received.")


async def test_a_huge_body_is_not_read_to_its_end(network: Network) -> None:
    answer = await send(network, "POST", "/quotes", b" " * 300_000)
    assert is_a_problem(answer, 413)
    assert answer.problem.code == "too_large"
    for length in ("99999999999999", "-1"):
        answer = await send(network, "POST", "/quotes", headers={"Content-Length": length})
        assert answer.status in {400, 413}


async def test_the_platform_still_answers_afterwards(network: Network) -> None:
    for garbage in (
        b"\x00" * 100,
        b"GET\r\n\r\n",
        b"POST /driver/v1/quotes HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf",
    ):
        host, port = network.driver_url.removeprefix("https://").split(":")
        _, writer = await asyncio.open_connection(host, int(port), ssl=network.driver_tls)
        writer.write(garbage)
        await writer.drain()
        writer.transport.abort()
    assert (await send(network, "GET", "/health")).status == 200
