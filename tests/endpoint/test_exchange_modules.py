"""Tariffs, tokens, commands, sessions and CDRs between two platforms: each through the calls and as raw requests."""

import asyncio
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from core.endpoint.bindings import BINDINGS
from core.endpoint.partner import Partner
from core.endpoint.ports import (
    Authorisation,
    AuthorisationRequest,
    AuthorisationVerdict,
    Command,
    CommandAnswer,
    CommandKind,
    CommandReply,
    CommandResult,
    Ports,
)
from core.errors import NotFound, Refused
from core.model.credentials import CredentialKind
from core.model.parties import ObjectKey
from tests.endpoint.platforms import Keeper, Network, Source, code, run, talking
from tests.endpoint.wire_objects import cdr, period, session, tariff, token

pytestmark = pytest.mark.both_stores

BINDING = BINDINGS["2.2.1"]
LATER = "2026-11-22T11:05:00Z"


def key(id: str, party: str = "VIS") -> ObjectKey:
    return ObjectKey(country_code="DE" if party == "VIS" else "NL", party_id=party, id=id)


def text(value: object) -> str:
    return json.dumps(value)


def test_tariff_is_pushed_read_back_and_withdrawn(network: Network) -> None:
    async def test() -> None:
        keeper = Keeper()
        async with talking(network, Ports(tariffs=keeper)) as talk:
            calls, partner = talk.visited.endpoint.calls, talk.visited.only_partner()
            held = BINDING.tariff.read(text(tariff()))
            await calls.put_tariff(partner, held)
            assert keeper.objects[key("T1")].body == held.body
            path = "/receiver/tariffs/DE/VIS/T1"
            assert json.loads((await talk.from_visited("GET", path)).body)["data"] == tariff()
            assert (await talk.from_visited("PATCH", path, {"last_updated": LATER})).status == 405
            await calls.remove_tariff(partner, key("T1"))
            assert keeper.objects == {}
            with pytest.raises(NotFound):
                await calls.remove_tariff(partner, key("T1"))

    run(test)


def test_rule_16_credential_is_known_by_uid_and_type_and_type_means_rfid(network: Network) -> None:
    async def test() -> None:
        keeper = Keeper()
        async with talking(network, visited_ports=Ports(credentials=keeper)) as talk:
            calls, partner = talk.home.endpoint.calls, talk.home.only_partner()
            for kind in ("RFID", "APP_USER"):
                await calls.put_credential(partner, BINDING.credential.read(text(token(type=kind))))
            assert {one.id for one in keeper.objects} == {"CARD1/RFID", "CARD1/APP_USER"}
            path = "/receiver/tokens/NL/HOM/CARD1"
            assert json.loads((await talk.from_home("GET", path)).body)["data"]["type"] == "RFID"
            app_user = await talk.from_home("GET", path + "?type=APP_USER")
            assert json.loads(app_user.body)["data"]["type"] == "APP_USER"
            assert code(await talk.from_home("GET", path + "?type=OTHER")) == (404, 2004)
            assert code(await talk.from_home("GET", path + "?type=BANANA")) == (200, 2001)
            assert code(await talk.from_home("PUT", path + "?type=OTHER", token())) == (200, 2001)
            change = {"valid": False, "last_updated": LATER}
            assert code(await talk.from_home("PATCH", path, change)) == (200, 1000)
            assert not keeper.objects[key("CARD1/RFID", "HOM")].value.valid
            assert keeper.objects[key("CARD1/APP_USER", "HOM")].value.valid

    run(test)


@dataclass
class Deciding:
    asked: list[AuthorisationRequest] = field(default_factory=list)

    async def authorise(self, partner: Partner, request: AuthorisationRequest) -> Authorisation | None:
        self.asked.append(request)
        if request.uid != "CARD 1":
            return None
        credential = BINDING.credential.read(text(token(uid="CARD 1", x_mine=1)))
        return Authorisation(AuthorisationVerdict.ALLOWED, credential, "AUTH-1", "Welcome")


def test_rule_16_authorisation_carries_the_whole_token(network: Network) -> None:
    async def test() -> None:
        deciding = Deciding()
        async with talking(network, Ports(authoriser=deciding)) as talk:
            calls, partner = talk.visited.endpoint.calls, talk.visited.only_partner()
            asked = AuthorisationRequest("CARD 1", CredentialKind.RFID, "L1", ("E1",))
            answer = await calls.authorise(partner, asked)
            assert deciding.asked == [asked]
            assert (answer.verdict, answer.authorization_reference) == (AuthorisationVerdict.ALLOWED, "AUTH-1")
            assert answer.message == "Welcome"
            assert json.loads(answer.credential.body) == token(uid="CARD 1", x_mine=1)
            without_place = AuthorisationRequest("CARD 1", CredentialKind.RFID)
            assert (await calls.authorise(partner, without_place)).verdict is AuthorisationVerdict.ALLOWED

    run(test)


def test_rule_16_unknown_token_is_404_and_2004_without_data(network: Network) -> None:
    async def test() -> None:
        async with talking(network, Ports(authoriser=Deciding())) as talk:
            answer = await talk.from_visited("POST", "/sender/tokens/NOBODY/authorize")
            assert code(answer) == (404, 2004)
            assert "data" not in json.loads(answer.body)
            calls, partner = talk.visited.endpoint.calls, talk.visited.only_partner()
            with pytest.raises(NotFound):
                await calls.authorise(partner, AuthorisationRequest("NOBODY", CredentialKind.RFID))

    run(test)


@dataclass
class Station:
    """Takes commands; the outcome is what the test says."""

    taken: list[Command] = field(default_factory=list)

    async def command(self, partner: Partner, command: Command) -> CommandReply:
        self.taken.append(command)
        return CommandReply(CommandAnswer.ACCEPTED, 30, "One moment")


@dataclass
class Outcomes:
    got: asyncio.Queue[tuple[CommandKind, str, CommandResult, str | None]] = field(default_factory=asyncio.Queue)

    async def command_result(
        self, partner: Partner, kind: CommandKind, command_id: str, result: CommandResult, message: str | None
    ) -> bool:
        if command_id != "cmd-1":
            return False
        await self.got.put((kind, command_id, result, message))
        return True


def start(response_url: str) -> Command:
    return Command(
        kind=CommandKind.START_SESSION,
        response_url=response_url,
        credential=BINDING.credential.read(text(token())),
        site_id="L1",
        evse_uid="E1",
        connector_id="1",
        authorization_reference="AUTH-1",
    )


def test_rule_18_command_is_answered_at_once_and_its_outcome_comes_to_our_own_url(network: Network) -> None:
    async def test() -> None:
        station, outcomes = Station(), Outcomes()
        ports = Ports(command_results=outcomes), Ports(commands=station)
        async with talking(network, *ports) as talk:
            home, visited = talk.home.endpoint.calls, talk.visited.endpoint.calls
            url = home.response_url(CommandKind.START_SESSION, "cmd-1")
            reply = await home.command(talk.home.only_partner(), start(url))
            assert reply == CommandReply(CommandAnswer.ACCEPTED, 30, "One moment")
            (taken,) = station.taken
            assert taken.credential is not None
            assert json.loads(taken.credential.body) == token()
            assert replace(taken, credential=None) == replace(start(url), credential=None)
            back = talk.visited.only_partner()
            await visited.command_result(back, url, CommandResult.EVSE_OCCUPIED, "Busy")
            assert await outcomes.got.get() == (
                CommandKind.START_SESSION,
                "cmd-1",
                CommandResult.EVSE_OCCUPIED,
                "Busy",
            )
            unknown = home.response_url(CommandKind.START_SESSION, "cmd-2")
            with pytest.raises(NotFound):
                await visited.command_result(back, unknown, CommandResult.ACCEPTED)

    run(test)


def test_rule_19_response_url_has_to_lead_to_the_sender(network: Network) -> None:
    async def test() -> None:
        station = Station()
        async with talking(network, visited_ports=Ports(commands=station)) as talk:
            for url in ("https://169.254.169.254/x", "http://127.0.0.1/x", "https://evil.example/x", "file:///x"):
                body = {"response_url": url, "session_id": "S1"}
                assert code(await talk.from_home("POST", "/receiver/commands/STOP_SESSION", body)) == (200, 2001)
            assert station.taken == []
            assert code(await talk.from_home("POST", "/receiver/commands/DANCE", {})) == (404, 2000)
            no_evse = {"response_url": talk.home.url, "token": token(), "location_id": "L1", "connector_id": "1"}
            assert code(await talk.from_home("POST", "/receiver/commands/START_SESSION", no_evse)) == (200, 2001)

    run(test)


def test_session_is_pushed_whole_and_sent_again_changes_nothing_twice(network: Network) -> None:
    async def test() -> None:
        keeper = Keeper()
        async with talking(network, Ports(sessions=keeper)) as talk:
            calls, partner = talk.visited.endpoint.calls, talk.visited.only_partner()
            held = BINDING.session.read(text(session()))
            for _ in range(2):
                await calls.put_session(partner, held)
            (kept,) = keeper.objects.values()
            assert kept.body == held.body
            assert kept.value.energy == Decimal("1.5")

    run(test)


def test_rule_22_repeated_patch_of_charging_periods_does_not_double_them(network: Network) -> None:
    async def test() -> None:
        keeper = Keeper()
        async with talking(network, Ports(sessions=keeper)) as talk:
            path = "/receiver/sessions/DE/VIS/S1"
            await talk.from_visited("PUT", path, session())
            change = {"charging_periods": [period(LATER, 2.5)], "kwh": 4.0, "last_updated": LATER}
            for _ in range(2):
                assert code(await talk.from_visited("PATCH", path, change)) == (200, 1000)
            stored = json.loads(keeper.objects[key("S1")].body)
            assert stored["charging_periods"] == [period(), period(LATER, 2.5)]
            assert stored["kwh"] == 4.0
            await talk.from_visited("PUT", path, session(last_updated="2026-11-22T11:06:00Z"))
            assert len(keeper.objects[key("S1")].value.periods) == 1

    run(test)


def test_rule_25_cdr_is_read_back_at_its_location_and_cannot_be_changed(network: Network) -> None:
    async def test() -> None:
        keeper = Keeper()
        async with talking(network, Ports(sdrs=keeper)) as talk:
            calls, partner = talk.visited.endpoint.calls, talk.visited.only_partner()
            held = BINDING.sdr.read(text(cdr(id="C/1")))
            url = await calls.submit_sdr(partner, held)
            assert url == f"{talk.home.url}/ocpi/2.2.1/receiver/cdrs/DE/VIS/C%2F1"
            assert json.loads((await talk.from_visited("GET", url)).body)["data"] == cdr(id="C/1")
            for method in ("PUT", "PATCH", "DELETE"):
                assert (await talk.from_visited(method, url, {})).status == 405
            assert code(await talk.from_visited("GET", "/receiver/cdrs/DE/VIS/C9")) == (404, 2000)
            foreign = cdr(country_code="FR", party_id="ELS")
            assert code(await talk.from_visited("POST", "/receiver/cdrs", foreign)) == (200, 2001)

    run(test)


def test_rule_25_sdr_that_is_refused_is_told_so(network: Network) -> None:
    class Refusing(Keeper):
        async def submit(self, *_: object) -> None:
            raise Refused("The same id with another content.", code="other_content")

    async def test() -> None:
        async with talking(network, Ports(sdrs=Refusing())) as talk:
            calls, partner = talk.visited.endpoint.calls, talk.visited.only_partner()
            with pytest.raises(Refused, match="another content") as error:
                await calls.submit_sdr(partner, BINDING.sdr.read(text(cdr())))
            assert error.value.code == "client_error"

    run(test)


def test_a_module_that_the_partner_does_not_offer_is_refused_before_anything_is_sent(network: Network) -> None:
    async def test() -> None:
        async with talking(network) as talk:
            with pytest.raises(Refused) as error:
                await talk.visited.endpoint.calls.put_tariff(
                    talk.visited.only_partner(), BINDING.tariff.read(text(tariff()))
                )
            assert error.value.code == "not_offered"

    run(test)


def test_objects_of_a_party_that_the_partner_does_not_speak_for_are_not_taken_from_a_list(network: Network) -> None:
    async def test() -> None:
        at = datetime(2026, 11, 22, tzinfo=UTC)
        bodies: list[dict[str, Any]] = [
            tariff(id="T1"),
            tariff(id="T2", country_code="FR", party_id="ELS"),
            {"id": "T3"},
            tariff(id="T4"),
        ]
        source = Source([(at, str(n), text(body)) for n, body in enumerate(bodies)])
        async with talking(network, visited_ports=Ports(tariff_source=source)) as talk:
            pulled = talk.home.endpoint.calls.pull_tariffs(talk.home.only_partner(), None)
            assert [held.value.id async for held in pulled] == ["T1", "T4"]

    run(test)
