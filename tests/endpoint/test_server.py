"""What surrounds every module: envelope, errors, ids, routing headers, limits, paging, log."""

import asyncio
import json
import logging
import ssl
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from core.endpoint import server
from core.endpoint.exchange import Page, PageRequest
from core.endpoint.partner import Partner
from core.endpoint.ports import Ports
from core.store.engine import StoreError
from core.store.tables import message_log
from tests.endpoint.platforms import Keeper, Network, Platform, Source, Talk, code, encoded, port_of, run, talking
from tests.endpoint.wire_objects import AT, location, session, tariff, token

LOCATION = "/receiver/locations/DE/VIS/L1"
PARTIES = {
    "OCPI-from-country-code": "DE",
    "OCPI-from-party-id": "VIS",
    "OCPI-to-country-code": "NL",
    "OCPI-to-party-id": "HOM",
}


def test_answers_are_envelopes_with_the_ids_of_the_request(network: Network) -> None:
    async def test() -> None:
        async with talking(network, Ports(sites=Keeper())) as talk:
            ids = {"X-Request-ID": "r-1", "X-Correlation-ID": "c-1"}
            answer = await talk.from_visited("PUT", LOCATION, location(), headers=ids)
            assert json.loads(answer.body) == {
                "status_code": 1000,
                "status_message": "Success",
                "timestamp": "2026-11-22T12:00:00Z",
            }
            assert (answer.headers["x-request-id"], answer.headers["x-correlation-id"]) == ("r-1", "c-1")
            assert answer.headers["content-type"] == "application/json"
            made = await talk.from_visited("GET", LOCATION, headers={"X-Request-ID": "x" * 65})
            assert len(made.headers["x-request-id"]) == 36

    run(test)


def test_rule_05_answers_swap_the_parties(network: Network) -> None:
    async def test() -> None:
        async with talking(network, Ports(sites=Keeper())) as talk:
            answer = await talk.from_visited("PUT", LOCATION, location(), headers=PARTIES)
            assert answer.status == 200
            swapped = {name: answer.headers[name.lower()] for name in PARTIES}
            assert swapped == {
                "OCPI-from-country-code": "NL",
                "OCPI-from-party-id": "HOM",
                "OCPI-to-country-code": "DE",
                "OCPI-to-party-id": "VIS",
            }
            versions = await talk.from_visited("GET", talk.home.versions_url, headers=PARTIES)
            assert not any(name.startswith("ocpi-") for name in versions.headers)

    run(test)


def test_rule_03_parties_are_those_of_the_connection(network: Network) -> None:
    cases = [
        ({"OCPI-from-country-code": "FR", "OCPI-from-party-id": "ELS"}, (403, 2001)),
        ({"OCPI-to-country-code": "FR", "OCPI-to-party-id": "ELS"}, (200, 2001)),
        ({"OCPI-to-country-code": "NL"}, (200, 2001)),
        ({"OCPI-from-country-code": "D*", "OCPI-from-party-id": "V S"}, (200, 2001)),
    ]

    async def test() -> None:
        keeper = Keeper()
        async with talking(network, Ports(sites=keeper)) as talk:
            for headers, expected in cases:
                answer = await talk.from_visited("PUT", LOCATION, location(), headers=headers)
                assert code(answer) == expected, headers
            assert keeper.puts == 0

    run(test)


def test_rule_06_http_errors_only_for_what_is_not_readable_or_not_there(network: Network) -> None:
    async def test() -> None:
        async with talking(network, Ports(sites=Keeper(), sessions=Keeper())) as talk:
            cases = [
                ("GET", "/nothing", None, (404, 2000)),
                ("GET", "/receiver/tariffs/DE/VIS/T1", None, (404, 2000)),
                ("DELETE", LOCATION, None, (405, 2000)),
                ("PUT", LOCATION, b"{", (400, 2001)),
                ("PUT", LOCATION, b"", (400, 2001)),
                ("PUT", LOCATION, b"\xff\xfe", (400, 2001)),
                ("PUT", LOCATION, b"[" * 100_000, (400, 2001)),
                ("PUT", LOCATION, {"id": "L1"}, (200, 2001)),
                ("PUT", LOCATION, location(id="L2"), (200, 2001)),
                ("PUT", LOCATION, location(party_id="ELS"), (200, 2001)),
                ("PUT", "/receiver/locations/FR/ELS/L1", location(country_code="FR", party_id="ELS"), (404, 2000)),
                ("PUT", "/receiver/locations/D/VIS/L1", location(), (200, 2001)),
                ("GET", LOCATION, None, (404, 2003)),
                ("PATCH", LOCATION, {"name": "x", "last_updated": AT}, (404, 2003)),
                ("PATCH", "/receiver/sessions/DE/VIS/S1", {"kwh": 1, "last_updated": AT}, (404, 2000)),
            ]
            for method, path, body, expected in cases:
                assert code(await talk.from_visited(method, path, body)) == expected, (method, path, body)

    run(test)


def test_method_not_offered_tells_which_are(network: Network) -> None:
    async def test() -> None:
        async with talking(network, Ports(sites=Keeper())) as talk:
            assert (await talk.from_visited("DELETE", LOCATION)).headers["allow"] == "GET, PATCH, PUT"

    run(test)


def test_body_that_is_too_large_is_refused_before_and_while_it_comes(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server.Server.__init__, "__kwdefaults__", {"max_bytes": 1000})

    async def test() -> None:
        async with talking(network, Ports(sites=Keeper())) as talk:
            answer = await talk.from_visited("PUT", LOCATION, b" " * 1001)
            assert code(answer) == (413, 2001)
            assert (await talk.from_visited("PUT", LOCATION, location())).status == 200
            answer_line = await _raw(
                talk,
                network,
                b"Transfer-Encoding: chunked\r\n\r\n" + b"200\r\n" + b" " * 512 + b"\r\n" + b"200\r\n" + b" " * 512,
            )
            assert answer_line.startswith(b"HTTP/1.1 413")

    run(test)


def test_body_that_never_ends_is_given_up(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_BODY_WITHIN_SECONDS", 0.2)

    async def test() -> None:
        async with talking(network, Ports(sites=Keeper())) as talk:
            assert (await _raw(talk, network, b"Content-Length: 100\r\n\r\n{")).startswith(b"HTTP/1.1 408")

    run(test)


def test_head_without_end_is_refused_and_a_long_body_is_no_head(network: Network) -> None:
    async def test() -> None:
        async with talking(network, Ports(sites=Keeper())) as talk:
            assert (await _raw(talk, network, b"X-Long: " + b"x" * 2_000_000)).startswith(b"HTTP/1.1 400")
            large = json.dumps(location()).encode() + b" " * 300_000
            length = b"Content-Length: %d\r\n\r\n" % len(large)
            assert (await _raw(talk, network, length + large)).startswith(b"HTTP/1.1 200")

    run(test)


async def _raw(talk: Talk, network: Network, rest: bytes) -> bytes:
    """The status line for a request whose head ends with, and whose body is, what is given."""
    secret = talk.visited.endpoint.partners.outgoing_token(talk.visited.only_partner().id) or ""
    context: ssl.SSLContext = network.visited_identity.client_context()
    reader, writer = await asyncio.open_connection("127.0.0.1", port_of(talk.home.url), ssl=context)
    head = f"PUT /ocpi/2.2.1{LOCATION} HTTP/1.1\r\nHost: x\r\nAuthorization: {encoded(secret)}\r\n"
    writer.write(head.encode() + rest)
    line = await reader.readline()
    writer.close()
    return line


def test_content_type_is_tolerated(network: Network) -> None:
    async def test() -> None:
        async with talking(network, Ports(sites=Keeper())) as talk:
            for kind in ("text/plain", "application/json; charset=utf-8", ""):
                answer = await talk.from_visited("PUT", LOCATION, location(), headers={"Content-Type": kind})
                assert answer.status == 200

    run(test)


def test_unexpected_failure_is_a_3000_and_tells_the_log_alone(
    network: Network, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Keeper):
        async def put(self, *_: object) -> None:
            raise RuntimeError("secret inside")

    async def test() -> None:
        async with talking(network, Ports(sites=Broken())) as talk:
            answer = await talk.from_visited("PUT", LOCATION, location())
            assert code(answer) == (500, 3000)
            assert b"secret" not in answer.body

    with caplog.at_level(logging.ERROR):
        run(test)
    assert "secret inside" in caplog.text


def test_failure_of_the_store_tells_nothing_of_it(network: Network, caplog: pytest.LogCaptureFixture) -> None:
    class Full(Keeper):
        async def put(self, *_: object) -> None:
            raise StoreError("The store /var/lib/evroam has no room left.", code="store_full")

    async def test() -> None:
        async with talking(network, Ports(sites=Full())) as talk:
            answer = await talk.from_visited("PUT", LOCATION, location())
            assert code(answer) == (500, 3000)
            assert b"/var/lib" not in answer.body

    run(test)
    assert "no room left" in caplog.text


def test_control_characters_in_a_path_name_nothing_and_are_logged_escaped(network: Network) -> None:
    async def test() -> None:
        async with talking(network, Ports(sites=Keeper())) as talk:
            for path in ("/receiver/locations/DE/VIS/%00", "/receiver/locations/DE/VIS/a%0Ab", "/%1b%5b2J"):
                assert code(await talk.from_visited("GET", path)) == (404, 2000)
            assert all(str(row["path"]).isprintable() for row in await logged(talk.home))

    run(test)


def test_an_id_may_hold_a_slash_and_a_space(network: Network) -> None:
    async def test() -> None:
        keeper = Keeper()
        async with talking(network, Ports(sites=keeper)) as talk:
            path = "/receiver/locations/DE/VIS/L%2F1%20a"
            assert code(await talk.from_visited("PUT", path, location(id="L/1 a"))) == (200, 1000)
            assert [key.id for key in keeper.objects] == ["L/1 a"]

    run(test)


def rows_of(count: int) -> Source:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    bodies = (json.dumps(tariff(id=f"T{n}")).replace("0.25", "0.2500") for n in range(count))
    return Source([(start + timedelta(hours=n), f"T{n}", body) for n, body in enumerate(bodies)])


def test_rule_07_x_limit_is_the_servers_maximum_and_link_keeps_the_filters(network: Network) -> None:
    async def test() -> None:
        source = rows_of(7)
        async with talking(network, visited_ports=Ports(tariff_source=source), page_limit=5) as talk:
            dates = "date_from=2026-01-01T01:00:00Z&date_to=2026-01-01T06:00:00Z"
            answer = await talk.from_home("GET", f"/sender/tariffs?{dates}&limit=2&offset=1")
            assert (answer.headers["x-total-count"], answer.headers["x-limit"]) == ("5", "5")
            base = f"{talk.visited.url}/ocpi/2.2.1/sender/tariffs"
            escaped = dates.replace(":", "%3A")
            assert answer.headers["link"] == f'<{base}?{escaped}&offset=3&limit=2>; rel="next"'
            assert [one["id"] for one in json.loads(answer.body)["data"]] == ["T2", "T3"]
            many = await talk.from_home("GET", "/sender/tariffs?limit=2000")
            assert len(json.loads(many.body)["data"]) == 5
            last = await talk.from_home("GET", "/sender/tariffs?offset=5")
            assert "link" not in last.headers

    run(test)


def test_pages_are_the_stored_text_digit_for_digit(network: Network) -> None:
    async def test() -> None:
        async with talking(network, visited_ports=Ports(tariff_source=rows_of(2))) as talk:
            assert (await talk.from_home("GET", "/sender/tariffs")).body.count(b'"price": 0.2500') == 2

    run(test)


def test_rule_09_dates_asked_for_are_utc_with_or_without_z(network: Network) -> None:
    async def test() -> None:
        source = rows_of(3)
        async with talking(network, visited_ports=Ports(tariff_source=source)) as talk:
            for text in ("2026-01-01T01:00:00Z", "2026-01-01T01:00:00", "2026-01-01T01:00:00.000Z"):
                await talk.from_home("GET", f"/sender/tariffs?date_from={text}")
            assert {request.date_from for request in source.asked} == {datetime(2026, 1, 1, 1, tzinfo=UTC)}

    run(test)


def test_page_that_makes_no_sense_is_a_2001(network: Network) -> None:
    async def test() -> None:
        async with talking(network, visited_ports=Ports(tariff_source=rows_of(1))) as talk:
            for query in ("limit=-1", "limit=x", "limit=0", "offset=-1", "offset=9e9", "date_from=yesterday"):
                assert code(await talk.from_home("GET", f"/sender/tariffs?{query}")) == (200, 2001), query

    run(test)


def test_rule_22_sessions_need_date_from(network: Network) -> None:
    async def test() -> None:
        async with talking(network, visited_ports=Ports(session_source=Source())) as talk:
            assert code(await talk.from_home("GET", "/sender/sessions")) == (200, 2001)
            assert code(await talk.from_home("GET", f"/sender/sessions?date_from={AT}")) == (200, 1000)

    run(test)


async def logged(one: Platform) -> list[dict[str, object]]:
    await one.endpoint.log.flush()
    with one.store.read() as connection:
        return [dict(row) for row in connection.execute(select(message_log)).mappings()]


def test_messages_are_logged_on_both_sides_under_one_correlation(network: Network) -> None:
    async def test() -> None:
        async with talking(network, Ports(sessions=Keeper())) as talk:
            path = "/receiver/sessions/DE/VIS/S1"
            await talk.from_visited("PUT", path, session(), headers={"X-Correlation-ID": "c-9"})
            row = (await logged(talk.home))[-1]
            assert (row["direction"], row["method"], row["http_status"], row["status_code"]) == ("in", "PUT", 200, 1000)
            assert row["path"] == f"/ocpi/2.2.1{path}"
            assert row["correlation_id"] == "c-9"
            assert row["partner_id"] == talk.home.only_partner().id
            kept = session()
            kept["cdr_token"] |= {"uid": "***", "contract_id": "***"}
            assert json.loads(str(row["request_body"])) == kept
            assert talk.home.only_partner().last_seen_at == talk.home.clock.now()
            begun = [one for one in await logged(talk.home) if one["direction"] == "out"]
            taken = [one for one in await logged(talk.visited) if one["direction"] == "in"]
            assert begun[-1]["correlation_id"] == taken[-1]["correlation_id"]
            called_back = [one for one in await logged(talk.visited) if one["direction"] == "out"]
            registered = next(one for one in taken if one["method"] == "POST")
            assert called_back[0]["correlation_id"] == registered["correlation_id"]

    run(test)


def test_paths_in_the_log_hide_uids_and_bodies_can_be_left_out(network: Network) -> None:
    async def test() -> None:
        async with talking(network, visited_ports=Ports(credentials=Keeper()), keep_bodies=False) as talk:
            await talk.from_home("PUT", "/receiver/tokens/NL/HOM/CARD1", token())
            row = (await logged(talk.visited))[-1]
            assert row["path"] == "/ocpi/2.2.1/receiver/tokens/NL/HOM/***"
            assert row["request_body"] is row["response_body"] is None

    run(test)


def test_a_source_that_fails_in_the_middle_is_an_error_of_the_server(network: Network) -> None:
    class Failing(Source):
        async def page(self, partner: Partner, request: PageRequest) -> Page:
            raise OSError("disk")

    async def test() -> None:
        async with talking(network, visited_ports=Ports(tariff_source=Failing())) as talk:
            assert code(await talk.from_home("GET", "/sender/tariffs")) == (500, 3000)

    run(test)
