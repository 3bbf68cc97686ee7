"""The switch over real sockets: what passes, what does not, and what it is answered (6.4.1)."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from core.clearing_house.agreements import HubAgreement
from core.clearing_house.context import Within
from core.clearing_house.log import Kind
from core.endpoint.agreement import Agreement
from core.endpoint.exchange import Answer
from core.endpoint.tls import CertificateAuthority
from core.model.parties import Party
from core.model.services import Service
from tests.clearing_house.hub import EVERYTHING, HUB, SECOND, THINGS, Behind, behind_hub, card, everything
from tests.endpoint.platforms import HOME, START, VISITED, code
from tests.endpoint.wire_objects import cdr, location, session, token

pytestmark = pytest.mark.anyio
NOBODY = Party.parse("FR*NIX")
CARDS = "/sender/tokens/{}/authorize"


@pytest.fixture
async def hub(authority: CertificateAuthority, tmp_path: Path) -> AsyncIterator[Behind]:
    async with behind_hub(authority, tmp_path, agreements=everything(ask_without_receiver=True)) as running:
        yield running


async def test_a_payload_passes_byte_for_byte_and_so_does_its_answer(hub: Behind) -> None:
    odd = b'{ "b" : 1.50,\t"a": [1e2, "\\u00e9"],\n "last_updated":"2026-11-22T11:00:00Z" }'
    raw = b'{"data": {"x" : 1.10}, "status_code":1000,  "timestamp":"2026-11-22T12:00:00Z"}\n'
    hub.home.things.answer = Answer(whole=raw)
    given = {"X-Request-ID": "message-1", "X-Correlation-ID": "exchange-1"}

    answer = await hub.visited.say("PUT", f"/receiver/{THINGS}/a%2Fb?q=1&q=2", odd, to=HOME.party, headers=given)

    [seen] = hub.home.things.requests
    assert (seen.body, seen.raw_query, seen.path["id"]) == (odd, "q=1&q=2", "a/b")
    assert (seen.from_party, seen.to_party) == (VISITED.party, HOME.party)
    assert seen.request_id != "message-1" and seen.correlation_id == "exchange-1"
    assert (answer.status, answer.body) == (200, raw)
    assert answer.headers["x-request-id"] == "message-1" and answer.headers["x-correlation-id"] == "exchange-1"
    swapped = [answer.headers[f"ocpi-{name}"] for name in ("from-party-id", "to-party-id")]
    assert swapped == [HOME.party.party_id, VISITED.party.party_id]


async def test_what_comes_through_the_hub_belongs_to_who_sent_it(hub: Behind) -> None:
    assert code(await hub.visited.say("PUT", "/receiver/locations/DE/VIS/L1", location(), to=HOME.party)) == (200, 1000)
    assert code(await hub.home.say("PUT", "/receiver/tokens/NL/HOM/CARD1", token(), to=VISITED.party)) == (200, 1000)
    assert [key.party for key in hub.home.keeper.objects] == [VISITED.party]
    assert [key.party for key in hub.visited.keeper.objects] == [HOME.party]
    behind = hub.home.partners[VISITED.party]
    assert behind.via == hub.home.partners[HUB.party].id and behind.reachability == "CONNECTED"


@pytest.mark.parametrize(
    ("path", "body", "sender", "expected"),
    [
        ("/receiver/locations/FR/NIX/L1", location(), VISITED.party, (404, 2000)),
        ("/receiver/locations/DE/VIS/L1", location(country_code="FR", party_id="NIX"), VISITED.party, (200, 2001)),
        ("/receiver/sessions/DE/VIS/S1", session(), NOBODY, (403, 2001)),
        ("/receiver/locations/DE/VIS/../x", location(), VISITED.party, (404, 2000)),
        ("/receiver/locations/DE/VIS/L1", b"{no json", VISITED.party, (400, 2001)),
    ],
)
async def test_a_foreign_partys_ids_go_no_further(
    hub: Behind, path: str, body: object, sender: Party, expected: tuple[int, int]
) -> None:
    assert code(await hub.visited.say("PUT", path, body, to=HOME.party, sender=sender)) == expected
    assert hub.home.keeper.objects == {}


async def test_a_command_in_anothers_name_goes_no_further(hub: Behind) -> None:
    body = start_command(token=card("CARD9", SECOND))
    assert code(await hub.home.say("POST", "/receiver/commands/START_SESSION", body, to=VISITED.party)) == (200, 2001)
    assert hub.visited.desk.commands == []


async def test_who_can_sign_and_has_not_gets_nothing(authority: CertificateAuthority, tmp_path: Path) -> None:
    async with behind_hub(authority, tmp_path) as hub:
        put = ("PUT", "/receiver/locations/DE/VIS/L1", location())
        partners = hub.house.endpoint.partners
        known = partners.speaking_for(HOME.party)
        assert known is not None and code(await hub.visited.say(*put, to=HOME.party)) == (200, 1000)
        terms = known.agreement.terms.model_copy(update={"services": frozenset(Service)})
        await hub.house.endpoint.agreements.set_terms(known, terms)
        answer = await hub.visited.say(*put, to=HOME.party)
        assert code(answer) == (200, 4000) and b"has not signed" in answer.body
        await hub.house.endpoint.agreements.set_terms(partners.get(known.id), known.agreement.terms)
        assert code(await hub.visited.say(*put, to=HOME.party)) == (200, 1000)
        narrow = known.agreement.terms.model_copy(update={"services": frozenset({Service.SDRS})})
        await hub.house.endpoint.agreements.set_terms(partners.get(known.id), narrow)
        answer = await hub.visited.say(*put, to=HOME.party)
        assert code(answer) == (200, 4000) and b"Our own agreement with NL*HOM does not cover sites" in answer.body


async def test_errors_of_the_switch_have_their_codes(authority: CertificateAuthority, tmp_path: Path) -> None:
    some = HubAgreement(
        one=VISITED.party,
        other=HOME.party,
        terms=Agreement(services=frozenset({Service.SITES, Service.SESSIONS})),
    )
    async with behind_hub(authority, tmp_path, agreements=[some], within=Within(0.2, 0.4)) as hub:
        put = ("PUT", "/receiver/locations/DE/VIS/L1", location())
        assert code(await hub.visited.say(*put, to=NOBODY)) == (200, 4001)
        assert code(await hub.visited.say(*put, to=SECOND.party)) == (200, 4001)  # no agreement at all
        assert code(await hub.visited.say("POST", "/receiver/cdrs", cdr(), to=HOME.party)) == (200, 4000)
        assert code(await hub.visited.say("PUT", f"/receiver/{THINGS}/1", {}, to=HOME.party)) == (200, 4000)
        assert code(await hub.home.say("PUT", "/receiver/locations/NL/HOM/L1", {}, to=VISITED.party)) == (200, 4000)
        assert hub.home.keeper.objects == {}

        hub.house.context.within = Within(0.2, 0.0)
        assert code(await hub.visited.say(*put, to=HOME.party)) == (200, 4002)
        hub.house.context.within = Within()
        await hub.stop("home")
        assert code(await hub.visited.say(*put, to=HOME.party)) == (200, 4003)
        assert [one.entry.status_code for one in hub.log(kinds=[Kind.ANSWER])] == [
            4001,
            4001,
            4000,
            4000,
            4000,
            4002,
            4003,
        ]


def start_command(**members: object) -> dict[str, object]:
    return {
        "response_url": "https://elsewhere.example/1",
        "token": token(),
        "location_id": "L1",
        "evse_uid": "E1",
        "authorization_reference": "ref-1",
        **members,
    }


async def test_outcomes_come_back_through_the_hub_and_only_from_who_was_asked(hub: Behind) -> None:
    refused = await hub.home.say("POST", "/receiver/commands/START_SESSION", start_command(), to=VISITED.party)
    assert code(refused) == (200, 2001) and b"response_url" in refused.body  # it leads to no host of the sender

    own = f"{hub.home.platform.url}/ocpi/2.2.1/sender/commands/START_SESSION/secret-id"
    written = json.dumps(start_command(response_url=own), indent=3)
    asked = await hub.home.say("POST", "/receiver/commands/START_SESSION", written.encode(), to=VISITED.party)
    assert code(asked) == (200, 1000)
    [(sender, command)] = hub.visited.desk.commands
    assert sender.speaks_for(HOME.party)
    assert command.response_url.startswith(hub.url) and "secret-id" not in command.response_url

    stranger = await hub.second.say("POST", command.response_url, {"result": "ACCEPTED"})
    assert code(stranger) == (404, 2000) and hub.home.desk.results == []
    outcome = await hub.visited.say("POST", command.response_url, {"result": "ACCEPTED"})
    assert code(outcome) == (200, 1000)
    [(by, kind, id, result)] = hub.home.desk.results
    assert by.speaks_for(VISITED.party) and (kind, id, result) == ("START_SESSION", "secret-id", "ACCEPTED")


async def test_the_copy_of_a_cdr_is_read_at_an_address_of_the_hub(hub: Behind) -> None:
    posted = await hub.visited.say("POST", "/receiver/cdrs", cdr(), to=HOME.party)
    place = posted.headers["location"]
    assert code(posted) == (200, 1000) and place.startswith(hub.url)
    read = await hub.visited.say("GET", place)
    assert json.loads(read.body)["data"]["id"] == "C1"


async def test_a_receiver_that_is_not_named_is_who_owns_what_is_meant(hub: Behind) -> None:
    own = f"{hub.home.platform.url}/ocpi/2.2.1/sender/commands/START_SESSION/1"
    start = ("POST", "/receiver/commands/START_SESSION", start_command(response_url=own))
    assert code(await hub.home.say(*start)) == (200, 4001)  # nobody has told of this location yet
    await hub.visited.say("PUT", "/receiver/locations/DE/VIS/L1", location(), to=HOME.party)
    assert code(await hub.home.say(*start)) == (200, 1000)

    # The payer of a session is known by the command that began it, then by the session itself.
    assert code(await hub.visited.say("PUT", "/receiver/sessions/DE/VIS/S1", session())) == (200, 1000)
    changed = {"kwh": 2, "last_updated": "2026-11-22T11:05:00Z"}
    assert code(await hub.visited.say("PATCH", "/receiver/sessions/DE/VIS/S1", changed)) == (200, 1000)
    assert code(await hub.visited.say("POST", "/receiver/cdrs", cdr())) == (200, 1000)
    assert len(hub.home.sdrs.objects) == 1 and hub.second.keeper.objects == {}
    stop = {"response_url": own.replace("START", "STOP"), "session_id": "S1"}
    assert code(await hub.home.say("POST", "/receiver/commands/STOP_SESSION", stop)) == (200, 1000)
    # A whole list of nobody in particular is not asked for, nor is an SDR everybody's.
    assert code(await hub.home.say("GET", "/sender/locations")) == (200, 4001)
    assert code(await hub.visited.say("POST", "/receiver/cdrs", cdr(id="C2"), to=HUB.party)) == (200, 4001)


async def test_sites_tariffs_and_currencies_outside_the_agreement_do_not_pass(
    authority: CertificateAuthority, tmp_path: Path
) -> None:
    terms = Agreement(
        services=EVERYTHING,
        sites=frozenset({"DE*VIS/L1"}),
        tariffs=frozenset({"DE*VIS/T1"}),
        currencies=("CHF",),
        valid_until=START + timedelta(hours=1),
    )
    agreed = [HubAgreement(one=VISITED.party, other=HOME.party, terms=terms)]
    async with behind_hub(authority, tmp_path, agreements=agreed) as hub:

        async def put(path: str, body: object) -> tuple[tuple[int, int], bytes]:
            answer = await hub.visited.say("PUT", f"/receiver/{path}", body, to=HOME.party)
            return code(answer), answer.body

        assert (await put("locations/DE/VIS/L1", location()))[0] == (200, 1000)
        for path, body, why in (
            ("locations/DE/VIS/L2", location(id="L2"), b"the site L2"),
            ("tariffs/DE/VIS/T2", {"id": "T2"}, b"the tariff T2"),
            ("sessions/DE/VIS/S1", session(), b"the currency EUR"),
        ):
            answered, said = await put(path, body)
            assert answered == (200, 4000) and why in said
        own = f"{hub.home.platform.url}/ocpi/2.2.1/sender/commands/START_SESSION/1"
        start = start_command(response_url=own, location_id="L2")
        refused = await hub.home.say("POST", "/receiver/commands/START_SESSION", start, to=VISITED.party)
        assert code(refused) == (200, 4000) and hub.visited.desk.commands == []

        # After the end date nothing begins, and what is open is settled.
        hub.clock.moment += timedelta(hours=2)
        start = start_command(response_url=own)
        refused = await hub.home.say("POST", "/receiver/commands/START_SESSION", start, to=VISITED.party)
        assert code(refused) == (200, 4000)
        stop = {"response_url": own.replace("START", "STOP"), "session_id": "S1"}
        assert code(await hub.home.say("POST", "/receiver/commands/STOP_SESSION", stop, to=VISITED.party)) == (
            200,
            1000,
        )
        bill = ("POST", "/receiver/cdrs", cdr(currency="CHF"))
        assert code(await hub.visited.say(*bill, to=HOME.party)) == (200, 1000)


async def test_a_list_of_all_parties_is_read_in_pages(authority: CertificateAuthority, tmp_path: Path) -> None:
    """OCPI, GET All via Hubs: OCPI-to names the hub, and each object names its owner."""
    agreed = [*everything(), HubAgreement(one=HOME.party, other=NOBODY)]
    async with behind_hub(authority, tmp_path, agreements=agreed) as hub:
        uids = {}
        for member in (hub.home, hub.second):
            owner = member.role.party.party_id
            uids[owner] = [f"{owner}{number}" for number in range(3)]
            cards = [json.dumps(card(uid, member.role), indent=1) for uid in uids[owner]]
            member.source.rows += [(START, uid, body) for uid, body in zip(uids[owner], cards, strict=True)]
        foreign = json.dumps(card("STOLEN", SECOND))  # between the second and the third card of the first
        hub.home.source.rows.append((START, "HOM1x", foreign))

        seen, url = [], "/sender/tokens?limit=2"
        while url:
            answer = await hub.visited.say("GET", url, to=HUB.party)
            assert code(answer) == (200, 1000) and answer.headers["ocpi-from-party-id"] == "HUB"
            assert (answer.headers["x-total-count"], answer.headers["x-limit"]) == ("7", "250")
            page = json.loads(answer.body)["data"]
            assert 0 < len(page) <= 2
            seen += [(one["party_id"], one["uid"]) for one in page]
            url = answer.headers.get("link", "").partition("<")[2].partition(">")[0]
            assert url == "" or url.startswith(f"{hub.url}/ocpi/2.2.1/sender/tokens?")
        assert seen == [(owner, uid) for owner in ("HOM", "SEC") for uid in uids[owner]]
        assert cards[0].encode() in (await hub.visited.say("GET", "/sender/tokens", to=HUB.party)).body
        later = await hub.visited.say("GET", "/sender/tokens?date_from=2100-01-01T00:00:00Z", to=HUB.party)
        assert json.loads(later.body)["data"] == [] and later.headers["x-total-count"] == "0"

        # Who fails now makes the whole fail; who is known to be away is missing, as everybody has been told.
        await hub.stop("home")
        assert code(await hub.visited.say("GET", "/sender/tokens", to=HUB.party)) == (200, 4003)
        away = hub.house.endpoint.partners.speaking_for(HOME.party)
        assert away is not None
        hub.house.switch.presence.lost(away.id)
        answer = await hub.visited.say("GET", "/sender/tokens", to=HUB.party)
        assert [one["uid"] for one in json.loads(answer.body)["data"]] == uids["SEC"]

        # Only what two have agreed on is asked for, and only of those in the role for it.
        assert code(await hub.second.say("GET", "/sender/tokens", to=HUB.party)) == (200, 4001)
        without = Agreement(services=EVERYTHING - {Service.OFFLINE_IDENTIFICATION})
        for one in (HOME, SECOND):
            await hub.house.agree(HubAgreement(one=VISITED.party, other=one.party, terms=without))
        assert code(await hub.visited.say("GET", "/sender/tokens", to=HUB.party)) == (200, 4001)


async def test_a_prefix_names_a_party_only_where_the_agreement_says_so(
    authority: CertificateAuthority, tmp_path: Path
) -> None:
    async with behind_hub(authority, tmp_path) as hub:
        ask = ("GET", f"/sender/{THINGS}?evse_id=DE*VIS*E77")
        assert code(await hub.home.say(*ask)) == (200, 4001)
        for one in everything(prefixes_bind=True):
            await hub.house.agree(one)
        assert code(await hub.home.say(*ask)) == (200, 1000)
        assert len(hub.visited.things.requests) == 1


async def test_an_unknown_card_is_asked_for_everywhere_and_belongs_to_one(hub: Behind) -> None:
    hub.home.desk.cards["CARD1"] = card("CARD1")
    answer = await hub.visited.say("POST", CARDS.format("CARD1"))
    assert json.loads(answer.body)["data"]["allowed"] == "ALLOWED"
    assert answer.headers["ocpi-from-party-id"] == "HOM"
    assert (hub.home.desk.asked, hub.second.desk.asked) == (1, 1)
    # From now on its owner is known, and nobody else hears of it.
    await hub.visited.say("POST", CARDS.format("CARD1"))
    assert (hub.home.desk.asked, hub.second.desk.asked) == (2, 1)
    assert code(await hub.visited.say("POST", CARDS.format("NOBODYS"))) == (404, 2004)


async def test_two_owners_of_one_card_are_none(hub: Behind) -> None:
    hub.home.desk.cards["CARD1"] = card("CARD1")
    hub.second.desk.cards["CARD1"] = card("CARD1", SECOND)
    answer = await hub.visited.say("POST", CARDS.format("CARD1"))
    assert code(answer) == (200, 4000) and b"ALLOWED" not in answer.body
    [alert] = hub.store.events(("alerts",), 0)
    assert (alert.kind, sorted(alert.body["parties"])) == ("ambiguous_credential", ["NL*HOM", "NL*SEC"])


async def test_a_card_that_is_claimed_in_anothers_name_has_no_owner_there(hub: Behind) -> None:
    hub.second.desk.cards["CARD1"] = card("CARD1", HOME)
    assert code(await hub.visited.say("POST", CARDS.format("CARD1"))) == (200, 4002)


async def test_nobody_is_asked_who_has_not_agreed_to_be(authority: CertificateAuthority, tmp_path: Path) -> None:
    async with behind_hub(authority, tmp_path) as hub:
        assert code(await hub.visited.say("POST", CARDS.format("CARD1"))) == (200, 4001)
        assert hub.home.desk.asked == hub.second.desk.asked == 0


async def test_an_announcement_reaches_all_who_agreed_in_its_owners_name(
    authority: CertificateAuthority, tmp_path: Path
) -> None:
    async with behind_hub(authority, tmp_path, agreements=everything(announce=True)) as hub:
        answer = await hub.visited.say("PUT", "/receiver/locations/DE/VIS/L1", location(), to=HUB.party)
        assert code(answer) == (200, 1000)
        for member in (hub.home, hub.second):
            assert [key.party for key in member.keeper.objects] == [VISITED.party]


async def test_the_same_message_is_passed_on_once(hub: Behind) -> None:
    given = {"X-Request-ID": "message-1"}
    first = await hub.visited.say("PUT", f"/receiver/{THINGS}/1", {"a": 1}, to=HOME.party, headers=given)
    again = await hub.visited.say("PUT", f"/receiver/{THINGS}/1", {"a": 1}, to=HOME.party, headers=given)
    assert (first.status, first.body) == (again.status, again.body)
    assert len(hub.home.things.requests) == 1
    other = await hub.visited.say("PUT", f"/receiver/{THINGS}/1", {"a": 2}, to=HOME.party, headers=given)
    assert code(other) == (200, 2001) and len(hub.home.things.requests) == 1


async def test_a_suspended_party_gets_nothing_and_says_nothing(hub: Behind) -> None:
    partner = hub.house.endpoint.partners.speaking_for(HOME.party)
    assert partner is not None
    await hub.house.endpoint.partners.suspend(partner.id)
    assert code(await hub.visited.say("PUT", f"/receiver/{THINGS}/1", {}, to=HOME.party)) == (200, 4003)
    assert code(await hub.home.say("PUT", f"/receiver/{THINGS}/1", {}, to=VISITED.party)) == (403, 2000)
    assert hub.home.things.requests == hub.visited.things.requests == []
