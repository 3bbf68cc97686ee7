"""Calls to a partner that misbehaves: silent, hanging, endless, redirecting, garbled; and the lists of real servers."""

import json
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from core.endpoint import calls as calls_module
from core.endpoint.bindings import BINDINGS
from core.endpoint.partner import Partner
from core.endpoint.ports import AuthorisationRequest, CommandResult, Ports
from core.errors import EvroamError, NotAllowed, NotFound, Refused, Unreachable
from core.model.credentials import CredentialKind
from tests.endpoint.platforms import Keeper, Network, Platform, Source, run
from tests.endpoint.test_http import drip, hang
from tests.endpoint.wire_objects import tariff, token

BINDING = BINDINGS["2.2.1"]
STAMP = "2026-11-22T12:00:00Z"


def meet(network: Network, app: ASGIApp, test: Callable[[Platform, Partner], Awaitable[None]]) -> None:
    """The home-CSP, registered with a visited-CSO that answers like `app` from then on."""

    async def within() -> None:
        ports = Ports(tariff_source=Source(), credentials=Keeper(), commands=Keeper())  # type: ignore[arg-type]
        async with network.connected(None, ports) as (home, visited):
            visited.endpoint.app = app  # type: ignore[assignment]
            await test(home, home.only_partner())

    run(within)


def enveloped(data: object = None, code: int = 1000, status: int = 200, **headers: str) -> Response:
    return JSONResponse({"data": data, "status_code": code, "timestamp": STAMP}, status, headers)


async def pulled(home: Platform, partner: Partner) -> list[str]:
    return [held.value.id async for held in home.endpoint.calls.pull_tariffs(partner, None)]


def test_answers_that_are_none_are_told_apart(network: Network) -> None:
    cases: list[tuple[ASGIApp, type[EvroamError], str]] = [
        (PlainTextResponse("<html>Maintenance</html>", media_type="text/html"), Unreachable, "unreadable_answer"),
        (PlainTextResponse(""), Unreachable, "unreadable_answer"),
        (PlainTextResponse('{"data":[1,'), Unreachable, "unreadable_answer"),
        (Response(b"\xff\xfe\x00"), Unreachable, "unreadable_answer"),
        (PlainTextResponse("<html>Bad gateway</html>", 502), Unreachable, "partner_fails"),
        (JSONResponse({"detail": "Not Found"}, 404), NotFound, "partner_does_not_know"),
        (JSONResponse({"detail": "Invalid token"}, 401), Refused, "not_authorised"),
        (JSONResponse({"detail": "slow down"}, 429), Unreachable, "too_often"),
        (JSONResponse({"detail": "something"}), Refused, "server_error"),
        (enveloped(code=3000), Refused, "server_error"),
        (enveloped(code=2001), Refused, "invalid_parameters"),
        (enveloped({"no": "list"}), Unreachable, "unreadable_answer"),
        (RedirectResponse("https://127.0.0.1:1/"), Refused, "refused"),
        (enveloped([], status=302), Refused, "refused"),
    ]

    async def test() -> None:
        async with network.connected(None, Ports(tariff_source=Source())) as (home, visited):
            for app, error, code in cases:
                visited.endpoint.app = app  # type: ignore[assignment]
                with pytest.raises(error) as raised:
                    await pulled(home, home.only_partner())
                assert raised.value.code == code

    run(test)


def test_authorisation_is_given_up_after_its_time(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    assert calls_module._AUTHORISE_WITHIN_SECONDS == 5
    monkeypatch.setattr(calls_module, "_AUTHORISE_WITHIN_SECONDS", 0.2)

    async def test() -> None:
        async with network.connected(Ports(authoriser=Keeper())) as (home, visited):  # type: ignore[arg-type]
            home.endpoint.app = hang  # type: ignore[assignment]
            before = time.monotonic()
            with pytest.raises(Unreachable) as error:
                request = AuthorisationRequest("CARD1", CredentialKind.RFID)
                await visited.endpoint.calls.authorise(visited.only_partner(), request)
            assert error.value.code == "no_answer_in_time"
            assert time.monotonic() - before < 2

    run(test)


def test_partner_whose_answer_has_no_end_is_cut_off(network: Network) -> None:
    async def test(home: Platform, partner: Partner) -> None:
        with pytest.raises(Unreachable) as error:
            await pulled(home, partner)
        assert error.value.code == "answer_too_large"

    meet(network, drip, test)


class Listing:
    """A list of tariffs whose Link header is what the test makes of the next offset."""

    def __init__(self, count: int, link: Callable[[str, int], str | None], total: bool = True) -> None:
        self._bodies = [tariff(id=f"T{n}") for n in range(count)]
        self._link = link
        self._total = total
        self.asked: list[dict[str, list[str]]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        url = Request(scope).url
        query = parse_qs(urlsplit(str(url)).query)
        self.asked.append(query)
        offset = int(query.get("offset", ["0"])[0])
        page = self._bodies[offset : offset + 2]
        headers = {"X-Total-Count": str(len(self._bodies))} if self._total else {}
        link = self._link(str(url.replace(query="")), offset + 2)
        if link is not None and offset + 2 < len(self._bodies):
            headers["Link"] = link
        await enveloped(page, **headers)(scope, receive, send)


def test_rule_07_lists_are_read_to_the_end_whatever_the_link_says(network: Network) -> None:
    links: dict[str, Callable[[str, int], str | None]] = {
        "sound": lambda url, offset: f'<{url}?offset={offset}&limit=2>; rel="next"',
        "bare": lambda url, offset: f"<{url}?offset={offset}>;rel=next",
        "other scheme": lambda url, offset: '<http://internal/tariffs?offset=2>; rel="next"',
        "other host": lambda url, offset: '<https://169.254.169.254/?offset=2>; rel="next"',
        "backwards": lambda url, offset: f'<{url}?offset=0>; rel="next"',
        "nonsense": lambda url, offset: "nonsense",
        "missing": lambda url, offset: None,
    }

    async def test() -> None:
        async with network.connected(None, Ports(tariff_source=Source())) as (home, visited):
            for name, link in links.items():
                visited.endpoint.app = listing = Listing(5, link)  # type: ignore[assignment]
                assert await pulled(home, home.only_partner()) == [f"T{n}" for n in range(5)], name
                assert len(listing.asked) == 3, name

    run(test)


def test_pull_asks_for_what_changed_since(network: Network) -> None:
    listing = Listing(3, lambda url, offset: None)

    async def test(home: Platform, partner: Partner) -> None:
        since = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
        assert len([held async for held in home.endpoint.calls.pull_tariffs(partner, since)]) == 3
        assert {tuple(query["date_from"]) for query in listing.asked} == {("2026-11-22T10:30:00Z",)}

    meet(network, listing, test)


def test_list_that_never_ends_ends_with_an_empty_page(network: Network) -> None:
    listing = Listing(4, lambda url, offset: None, total=False)

    async def test(home: Platform, partner: Partner) -> None:
        assert await pulled(home, partner) == ["T0", "T1"]

    meet(network, listing, test)


def test_suspended_or_removed_partner_is_asked_nothing(network: Network) -> None:
    listing = Listing(1, lambda url, offset: None)

    async def test(home: Platform, partner: Partner) -> None:
        await home.endpoint.partners.suspend(partner.id)
        with pytest.raises(NotAllowed):
            await pulled(home, partner)
        assert listing.asked == []

    meet(network, listing, test)


def test_endpoint_outside_the_partners_hosts_is_not_asked(network: Network) -> None:
    async def test(home: Platform, partner: Partner) -> None:
        calls = home.endpoint.calls
        with pytest.raises(NotAllowed):
            await calls.command_result(partner, "https://evil.example/x", CommandResult.ACCEPTED)

    meet(network, PlainTextResponse("never"), test)


def test_rule_01_and_05_requests_carry_the_encoded_token_and_both_parties(network: Network) -> None:
    seen: list[dict[str, Any]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(dict(Request(scope).headers))
        await enveloped([])(scope, receive, send)

    async def test(home: Platform, partner: Partner) -> None:
        await pulled(home, partner)
        (headers,) = seen
        assert headers["authorization"].startswith("Token ")
        parties = {name: value for name, value in headers.items() if name.startswith("ocpi-")}
        assert parties == {
            "ocpi-from-country-code": "NL",
            "ocpi-from-party-id": "HOM",
            "ocpi-to-country-code": "DE",
            "ocpi-to-party-id": "VIS",
        }
        assert {"x-request-id", "x-correlation-id"} <= set(headers)
        with pytest.raises(EvroamError):  # this is no list of versions
            await home.endpoint.registrar.refresh(partner.id)
        assert not any(name.startswith("ocpi-") for name in seen[-1]) and len(seen) == 2

    meet(network, app, test)


def test_empty_success_is_one_for_what_brings_no_data(network: Network) -> None:
    async def test(home: Platform, partner: Partner) -> None:
        held = BINDING.credential.read(json.dumps(token()))
        await home.endpoint.calls.put_credential(partner, held)

    meet(network, Response(status_code=204), test)


def test_authorization_answer_that_makes_no_sense_is_no_answer(network: Network) -> None:
    async def test() -> None:
        async with network.connected(Ports(authoriser=Keeper())) as (home, visited):  # type: ignore[arg-type]
            home.endpoint.app = enveloped({"allowed": "PERHAPS"})  # type: ignore[assignment]
            with pytest.raises(Unreachable) as error:
                request = AuthorisationRequest("CARD1", CredentialKind.RFID)
                await visited.endpoint.calls.authorise(visited.only_partner(), request)
            assert error.value.code == "unreadable_answer"
            assert "CARD1" not in json.dumps(error.value.message)

    run(test)
