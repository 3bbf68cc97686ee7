"""What an agreement does not cover is closed at both ends: we ask for nothing of it, and answer nothing of it."""

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from core.endpoint.agreement import Agreement
from core.endpoint.bindings import BINDINGS
from core.endpoint.gates import SERVICES
from core.endpoint.partner_table import set_agreement
from core.endpoint.ports import (
    AuthorisationRequest,
    Command,
    CommandAnswer,
    CommandKind,
    CommandReply,
    Ports,
)
from core.errors import EvroamError, Refused
from core.http import HttpAnswer
from core.model.credentials import CredentialKind
from core.model.identification import IdentificationMethodType
from core.model.parties import ObjectKey
from core.model.services import BEGINNING, EXTENSIONS, PLAIN, Service
from tests.endpoint.platforms import START, Keeper, Network, Platform, Source, Talk, code, run, talking
from tests.endpoint.wire_objects import AT, cdr, location, session, tariff, token

BINDING = BINDINGS["2.2.1"]
NOT_COVERED = (403, 2000)


class Station:
    """Takes every command."""

    async def command(self, partner: object, command: Command) -> CommandReply:
        return CommandReply(CommandAnswer.ACCEPTED, 30)


class Nobody:
    """Knows no credential."""

    async def authorise(self, partner: object, request: AuthorisationRequest) -> None:
        return None


def home_ports() -> Ports:
    return Ports(
        sites=Keeper(),
        tariffs=Keeper(),
        sessions=Keeper(),
        sdrs=Keeper(),
        authoriser=Nobody(),
        credential_source=Source(),
    )


def visited_ports() -> Ports:
    return Ports(
        commands=Station(),
        credentials=Keeper(),
        site_source=Source(),
        tariff_source=Source(),
        session_source=Source(),
        sdr_source=Source(),
    )


async def agree(platform: Platform, **terms: Any) -> None:
    """What holds on this side alone."""
    partner = platform.only_partner()
    agreement = Agreement(**terms)
    await platform.endpoint.partners.change(lambda c: set_agreement(c, partner.id, agreement, START))


async def agree_at_both(talk: Talk, **terms: Any) -> None:
    await agree(talk.home, **terms)
    await agree(talk.visited, **terms)


def command(name: str, url: str) -> dict[str, Any]:
    at_home = {"response_url": f"{url}/outcome"}
    return {
        "START_SESSION": {**at_home, "token": token(), "location_id": "L1", "evse_uid": "E1"},
        "STOP_SESSION": {**at_home, "session_id": "S1"},
        "RESERVE_NOW": {
            **at_home,
            "token": token(),
            "location_id": "L1",
            "reservation_id": "R1",
            "expiry_date": "2026-11-22T13:00:00Z",
        },
        "CANCEL_RESERVATION": {**at_home, "reservation_id": "R1"},
    }[name]


Ask = Callable[[Talk], Awaitable[HttpAnswer]]


def asked_of_us() -> dict[str, tuple[Service, Ask]]:
    """One request of every kind that plain OCPI has, from either side."""
    return {
        "sites listed": (Service.SITES, lambda t: t.from_home("GET", "/sender/locations")),
        "site put": (Service.SITES, lambda t: t.from_visited("PUT", "/receiver/locations/DE/VIS/L1", location())),
        "tariffs listed": (Service.TARIFFS, lambda t: t.from_home("GET", "/sender/tariffs")),
        "tariff put": (Service.TARIFFS, lambda t: t.from_visited("PUT", "/receiver/tariffs/DE/VIS/T1", tariff())),
        "authorise": (Service.LOCAL_START, lambda t: t.from_visited("POST", "/sender/tokens/CARD1/authorize")),
        "credentials listed": (Service.OFFLINE_IDENTIFICATION, lambda t: t.from_visited("GET", "/sender/tokens")),
        "credential put": (
            Service.OFFLINE_IDENTIFICATION,
            lambda t: t.from_home("PUT", "/receiver/tokens/NL/HOM/CARD1", token()),
        ),
        "session put": (Service.SESSIONS, lambda t: t.from_visited("PUT", "/receiver/sessions/DE/VIS/S1", session())),
        "sessions listed": (Service.SESSIONS, lambda t: t.from_home("GET", f"/sender/sessions?date_from={AT}")),
        "sdr posted": (Service.SDRS, lambda t: t.from_visited("POST", "/receiver/cdrs", cdr())),
        "sdrs listed": (Service.SDRS, lambda t: t.from_home("GET", "/sender/cdrs")),
        **{
            name: (
                service,
                lambda t, name=name: t.from_home("POST", f"/receiver/commands/{name}", command(name, t.home.url)),
            )
            for name, service in (
                ("START_SESSION", Service.REMOTE_START),
                ("STOP_SESSION", Service.REMOTE_START),
                ("RESERVE_NOW", Service.RESERVATIONS),
                ("CANCEL_RESERVATION", Service.RESERVATIONS),
            )
        },
    }


def test_each_plain_module_and_command_is_answered_under_its_own_service_alone(network: Network) -> None:
    async def test() -> None:
        async with talking(network, home_ports(), visited_ports()) as talk:
            for service in sorted(PLAIN):
                await agree_at_both(talk, services=PLAIN - {service})
                for name, (needed, ask) in asked_of_us().items():
                    answer = await ask(talk)
                    assert (code(answer) == NOT_COVERED) == (needed is service), (service, name, answer.body)
                    if needed is service:
                        assert f"Our agreement does not cover {service}" in answer.body.decode()

    run(test, seconds=60)


def test_we_ask_for_nothing_that_the_agreement_does_not_cover(network: Network) -> None:
    async def test() -> None:
        async with talking(network, home_ports(), visited_ports()) as talk:
            await agree_at_both(talk, services=frozenset())
            home, visited = talk.home.only_partner(), talk.visited.only_partner()
            to_visited, to_home = talk.home.endpoint.calls, talk.visited.endpoint.calls
            key = ObjectKey(country_code="DE", party_id="VIS", id="L1")
            read = lambda codec, body: codec.read(json.dumps(body))  # noqa: E731
            calls: list[Awaitable[object]] = [
                to_home.put_site(visited, read(BINDING.site, location())),
                to_home.patch_evse_status(visited, key, "E1", "CHARGING", START),
                to_home.put_tariff(visited, read(BINDING.tariff, tariff())),
                to_home.remove_tariff(visited, key),
                to_home.put_session(visited, read(BINDING.session, session())),
                to_home.submit_sdr(visited, read(BINDING.sdr, cdr())),
                to_home.authorise(visited, AuthorisationRequest("CARD1", CredentialKind.RFID)),
                to_visited.put_credential(home, read(BINDING.credential, token())),
                *(to_visited.command(home, Command(kind, "https://127.0.0.1/x")) for kind in CommandKind),
                *(
                    anext(pulled)
                    for pulled in (
                        to_visited.pull_sites(home, None),
                        to_visited.pull_tariffs(home, None),
                        to_home.pull_credentials(visited, None),
                        to_visited.pull_sessions(home, START),
                        to_visited.pull_sdrs(home, None),
                    )
                ),
            ]
            for call in calls:
                with pytest.raises(Refused) as refused:
                    await call
                assert refused.value.code == "not_agreed" and refused.value.next_step
            assert await talk.home.endpoint.synchronisation.pull(home) == {}  # nothing asked, so nothing failed

    run(test)


def test_after_the_end_nothing_begins_and_what_has_begun_is_settled(network: Network) -> None:
    async def test() -> None:
        async with talking(network, home_ports(), visited_ports()) as talk:
            end = START + timedelta(days=1)
            await agree_at_both(talk, valid_from=START, valid_until=end, services=frozenset(Service))
            for moment, begins in ((START - timedelta(seconds=1), False), (START, True), (end, False)):
                talk.home.clock.moment = talk.visited.clock.moment = moment
                for name, (service, ask) in asked_of_us().items():
                    answer = await ask(talk)
                    settles = service not in BEGINNING or name in {"STOP_SESSION", "CANCEL_RESERVATION"}
                    assert (code(answer) != NOT_COVERED) == (begins or settles), (moment, name, answer.body)
            assert "ended on 2026-11-23" in (await talk.from_home("GET", "/sender/locations")).body.decode()
            home = talk.home.only_partner()
            start = Command(CommandKind.START_SESSION, "https://127.0.0.1/x")
            with pytest.raises(Refused) as refused:
                await talk.home.endpoint.calls.command(home, start)
            assert refused.value.code == "not_agreed" and "ended" in refused.value.message
            await talk.visited.endpoint.calls.submit_sdr(
                talk.visited.only_partner(), BINDING.sdr.read(json.dumps(cdr(id="LATE")))
            )

    run(test)


def test_an_end_by_word_holds_as_one_by_the_terms() -> None:
    word = Agreement(ends_at=START, valid_until=START + timedelta(days=1))
    assert word.end == START and not word.covers(Service.REMOTE_START, START)
    assert word.covers(Service.REMOTE_START, START - timedelta(seconds=1))
    assert word.finishes(Service.REMOTE_START) and word.covers(Service.SDRS, START)


def test_methods_that_are_not_agreed_are_refused_at_both_ends(network: Network) -> None:
    async def test() -> None:
        async with talking(network, home_ports(), visited_ports()) as talk:
            app_only = frozenset({IdentificationMethodType.APP})
            await agree(talk.home, methods=app_only)
            asked = AuthorisationRequest("CARD1", CredentialKind.RFID)
            with pytest.raises(EvroamError) as refused:  # the visited-CSO asks, the home-CSP does not accept cards
                await talk.visited.endpoint.calls.authorise(talk.visited.only_partner(), asked)
            assert refused.value.code == "client_error" and "RFID" in refused.value.message
            with pytest.raises(Refused) as refused:
                await talk.home.endpoint.calls.put_credential(
                    talk.home.only_partner(), BINDING.credential.read(json.dumps(token()))
                )
            assert refused.value.code == "not_agreed"
            await agree(talk.visited, methods=app_only)
            with pytest.raises(Refused) as refused:
                await talk.visited.endpoint.calls.authorise(talk.visited.only_partner(), asked)
            assert refused.value.code == "not_agreed"
            put = await talk.from_home("PUT", "/receiver/tokens/NL/HOM/CARD1", token())
            assert code(put) == (200, 2000)
            by_card = command("START_SESSION", talk.home.url)
            assert code(await talk.from_home("POST", "/receiver/commands/START_SESSION", by_card)) == (200, 2000)
            by_app = {**by_card, "token": token(type="APP_USER")}
            assert code(await talk.from_home("POST", "/receiver/commands/START_SESSION", by_app)) == (200, 1000)

    run(test)


def test_sites_and_tariffs_outside_the_agreement_are_neither_sent_nor_taken(network: Network) -> None:
    async def test() -> None:
        home_keeps = Ports(sites=(sites := Keeper()), tariffs=(tariffs := Keeper()))
        async with talking(network, home_keeps, visited_ports()) as talk:
            named = {"sites": frozenset({"DE*VIS/L1"}), "tariffs": frozenset({"DE*VIS/T1"}), "currencies": ("EUR",)}
            await agree(talk.visited, **named)
            calls, partner = talk.visited.endpoint.calls, talk.visited.only_partner()
            await calls.put_site(partner, BINDING.site.read(json.dumps(location())))
            await calls.put_tariff(partner, BINDING.tariff.read(json.dumps(tariff())))
            for call in (
                calls.put_site(partner, BINDING.site.read(json.dumps(location(id="L2")))),
                calls.put_tariff(partner, BINDING.tariff.read(json.dumps(tariff(id="T2")))),
                calls.put_tariff(partner, BINDING.tariff.read(json.dumps(tariff(currency="USD")))),
            ):
                with pytest.raises(Refused) as refused:
                    await call
                assert refused.value.code == "not_agreed"
            await agree(talk.home, **named)
            for path, body in (("locations", location(id="L2")), ("tariffs", tariff(id="T2"))):
                answer = await talk.from_visited("PUT", f"/receiver/{path}/DE/VIS/{body['id']}", body)
                assert code(answer) == (200, 2000)
            assert [key.id for key in sites.objects] == ["L1"] and [key.id for key in tariffs.objects] == ["T1"]
            elsewhere = Command(CommandKind.START_SESSION, "https://127.0.0.1/x", site_id="L2")
            with pytest.raises(Refused) as refused:
                await talk.home.endpoint.calls.command(talk.home.only_partner(), elsewhere)
            assert "L2" in refused.value.message

    run(test)


def test_every_service_is_plain_or_an_extension_and_every_module_has_one() -> None:
    assert frozenset(Service) == PLAIN | EXTENSIONS and not PLAIN & EXTENSIONS
    assert set(SERVICES.values()) <= frozenset(Service)
