"""Agreements between two platforms over real sockets: signed by both, changed by versions, ended by either."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from core.endpoint.agreement import Agreement
from core.endpoint.agreement_table import Side, Text, Version
from core.endpoint.extensions.agreements import MODULE
from core.endpoint.jws import signed
from core.endpoint.ports import Ports
from core.endpoint.tls import Identity
from core.errors import InvalidInput, NotFound, Refused
from core.http import HttpAnswer
from core.model.agreement_terms import AgreementDocument, Terms, Transport, VersionState
from core.model.clearing.terms import Tolerances
from core.model.parties import Party, PartyRole, PlatformRole
from core.model.services import PLAIN, Service
from tests.endpoint.platforms import START, Network, Platform, Source, Talk, code, run, talking

KIND = "evroam-agreement+jws"
TERMS = Terms(services=PLAIN | {Service.AGREEMENTS}, currencies=("EUR",))
WIDER = TERMS.model_copy(update={"services": frozenset(Service)})


@asynccontextmanager
async def signing(network: Network, theirs: Terms = TERMS, ours: Terms = TERMS) -> AsyncIterator[Talk]:
    """Two platforms that met under these terms, and raw requests from either side; nothing is signed yet."""
    async with talking(network, Ports(), Ports(site_source=Source())) as talk:
        for platform, terms in ((talk.visited, theirs), (talk.home, ours)):
            await platform.endpoint.agreements.set_terms(platform.only_partner(), terms)
        yield talk


def standing(platform: Platform) -> tuple[int, str] | None:
    """Version and hash of what is in force here, None where nothing is signed."""
    found = platform.only_partner().agreement.signed
    return None if found is None else (found.version, found.hash)


def states(platform: Platform) -> list[tuple[int, VersionState]]:
    return [
        (one.number, one.state)
        for one in platform.endpoint.agreements.versions(platform.only_partner().id)
        if one.number > 0
    ]


async def propose(platform: Platform, terms: Terms = TERMS) -> Version:
    return await platform.endpoint.agreements.propose(platform.only_partner(), terms)


async def sign(platform: Platform) -> Version:
    version = await platform.endpoint.agreements.sign(platform.only_partner())
    await platform.endpoint.outbox.settled()
    return version


def document(**members: Any) -> dict[str, Any]:
    """A proposal of the visited-CSO as it writes it."""
    roles = [
        PartyRole(role=PlatformRole.VISITED_CSO, party=Party.parse("DE*VIS"), name="Visited"),
        PartyRole(role=PlatformRole.HOME_CSP, party=Party.parse("NL*HOM"), name="Home"),
    ]
    whole = AgreementDocument(id="A-1", version=1, parties=tuple(roles), proposed_at=START, terms=TERMS)
    return {**json.loads(whole.model_dump_json()), **members}


async def put(talk: Talk, identity: Identity, body: dict[str, Any], **other: Any) -> HttpAnswer:
    """The visited-CSO sends a document with the signature of an identity."""
    signature = other.get("signature") or signed(identity, KIND, Text.read(body).hash)
    path = f"/receiver/{MODULE}/{body['id']}/{body['version']}"
    return await talk.from_visited("PUT", path, {"document": other.get("sent", body), "signature": signature})


def told(answer: HttpAnswer) -> str:
    return str(json.loads(answer.body)["status_message"])


def test_both_sign_the_same_hash_and_then_it_holds_at_both_ends(network: Network) -> None:
    async def test() -> None:
        other = TERMS.model_copy(update={"tolerances": Tolerances(seconds=30)})
        async with signing(network, theirs=other) as talk:
            proposed = await propose(talk.home)
            assert (proposed.state, proposed.waits_for) == (VersionState.PROPOSED, Side.THEM)
            assert standing(talk.home) is standing(talk.visited) is None  # one signature is none
            assert talk.visited.only_partner().agreement.tolerances.seconds == 30
            complete = await sign(talk.visited)
            assert standing(talk.home) == standing(talk.visited) == (1, proposed.hash)
            assert complete.our_signature and complete.their_signature == proposed.our_signature
            assert talk.visited.only_partner().agreement.tolerances == talk.home.only_partner().agreement.tolerances
            mine = talk.home.endpoint.agreements.versions(talk.home.only_partner().id)
            assert [one.number for one in mine] == [
                1,
                0,
                0,
            ]  # the invitation's terms, and those set since, stay readable
            assert [one.state for one in mine][1:] == [VersionState.REPLACED] * 2
            with pytest.raises(NotFound):
                await sign(talk.visited)

    run(test)


def test_what_the_partner_had_set_for_us_itself_is_signed_at_once(network: Network) -> None:
    async def test() -> None:
        async with signing(network) as talk:
            concluded = await talk.home.endpoint.agreements.conclude(talk.home.only_partner())
            assert concluded is not None and concluded.state is VersionState.IN_FORCE
            assert standing(talk.home) == standing(talk.visited) == (1, concluded.hash)
            assert await talk.home.endpoint.agreements.conclude(talk.home.only_partner()) is None  # it is concluded

    run(test)


def test_a_change_is_a_new_version_and_brings_new_modules(network: Network) -> None:
    async def test() -> None:
        async with signing(network) as talk:
            first = await propose(talk.home)
            second = await propose(talk.visited, WIDER)
            assert standing(talk.home) == (1, first.hash) and second.text.document.previous == first.hash
            assert second.text.document.id == first.text.document.id
            await sign(talk.home)
            assert standing(talk.home) == standing(talk.visited) == (2, second.hash)
            assert talk.home.only_partner().agreement.services == frozenset(Service)
            listed = json.loads((await talk.from_home("GET", f"/sender/{MODULE}")).body)["data"]
            assert [(one["document"]["version"], one["state"]) for one in listed] == [(2, "IN_FORCE"), (1, "REPLACED")]
            assert all(one["signature"] and one["your_signature"] for one in listed)

    run(test)


def test_documents_and_signatures_that_are_not_right_are_refused(
    network: Network, visited_identity: Identity, home_identity: Identity, stranger_identity: Identity
) -> None:
    async def test() -> None:
        async with signing(network, ours=WIDER) as talk:
            good = document()
            tampered = {**good, "terms": {**good["terms"], "currencies": ["USD"]}}
            by_good = signed(visited_identity, KIND, Text.read(good).hash)
            other_kind = signed(visited_identity, "evroam-agreement-end+jws", Text.read(good).hash)
            head, body, _ = by_good.split(".")
            swapped = ".".join((head, body, signed(home_identity, KIND, Text.read(good).hash).split(".")[2]))
            foreign = [{**good["parties"][0], "party": {"country_code": "FR", "party_id": "ELS"}}, good["parties"][1]]
            cases: list[tuple[dict[str, Any], Identity, dict[str, Any], str]] = [
                (good, visited_identity, {"sent": tampered}, "over something else"),
                (good, visited_identity, {"signature": other_kind}, "over something else"),
                (good, visited_identity, {"signature": swapped}, "not by the key"),
                (good, visited_identity, {"signature": "a.b.c"}, "cannot be read"),
                (good, home_identity, {}, "not the signature of"),
                (good, stranger_identity, {}, "certificate is not valid here"),
                (document(parties=foreign), visited_identity, {}, "between other parties"),
                (document(version=2), visited_identity, {}, "does not follow"),
                (document(version=0), visited_identity, {}, "Version 0"),
                (document(previous="0" * 64), visited_identity, {}, "does not follow"),
            ]
            for body_, identity, other, why in cases:
                answer = await put(talk, identity, body_, **other)
                assert code(answer)[0] == 200 and code(answer)[1] in {2000, 2001}, why
                assert why in told(answer), told(answer)
            unknown = {**good, "terms": {**good["terms"], "bribe": 1}}
            path = f"/receiver/{MODULE}/A-1/1"
            answer = await talk.from_visited("PUT", path, {"document": unknown, "signature": by_good})
            assert code(answer) == (200, 2001) and "bribe" in told(answer)
            elsewhere = await talk.from_visited(
                "PUT", f"/receiver/{MODULE}/A-2/1", {"document": good, "signature": by_good}
            )
            assert code(elsewhere) == (200, 2001)
            assert states(talk.home) == [] and standing(talk.home) is None
            assert code(await put(talk, visited_identity, good)) == (200, 1000)
            assert states(talk.home) == [(1, VersionState.PROPOSED)]

    run(test)


def test_an_old_version_does_not_come_back_and_a_repeated_one_changes_nothing(network: Network) -> None:
    async def test() -> None:
        async with signing(network) as talk:
            first = await propose(talk.visited)
            await propose(talk.visited, WIDER)
            await sign(talk.home)
            current = standing(talk.home)
            for version, answered in ((first, (200, 2000)), (_in_force(talk.visited), (200, 1000))):
                path = f"/receiver/{MODULE}/{version.text.document.id}/{version.number}"
                body = {"document": json.loads(version.text.canonical), "signature": version.our_signature}
                answer = await talk.from_visited("PUT", path, body)
                assert code(answer) == answered, told(answer)
                assert standing(talk.home) == current
            assert states(talk.home) == [(2, VersionState.IN_FORCE), (1, VersionState.REPLACED)]

    run(test)


def _in_force(platform: Platform) -> Version:
    found = platform.endpoint.agreements.versions(platform.only_partner().id)
    return next(one for one in found if one.state is VersionState.IN_FORCE)


def test_two_proposals_at_once_end_in_one_agreement(network: Network) -> None:
    """Each side signs the other's proposal before either has heard of it: the smaller hash holds at both."""

    async def test() -> None:
        async with signing(network) as talk:
            await propose(talk.home)
            narrow = WIDER.model_copy(update={"currencies": ("CHF",)})
            proposals = [await propose(talk.home, WIDER), await propose(talk.visited, narrow)]
            home, visited = talk.home.endpoint.agreements, talk.visited.endpoint.agreements
            for platform in (talk.home, talk.visited):  # nothing is sent before both have signed
                await platform.endpoint.partners.suspend(platform.only_partner().id)
            await home.sign(talk.home.only_partner())
            await visited.sign(talk.visited.only_partner())
            assert standing(talk.home) != standing(talk.visited)
            for platform in (talk.home, talk.visited):
                await platform.endpoint.partners.resume(platform.only_partner().id)
                platform.endpoint.outbox.wake()
            for platform in (talk.home, talk.visited):
                await platform.endpoint.outbox.settled()
            assert standing(talk.home) == standing(talk.visited) == (2, min(one.hash for one in proposals))
            third = await propose(talk.home)
            await sign(talk.visited)
            assert standing(talk.home) == standing(talk.visited) == (3, third.hash)

    run(test)


def test_either_side_ends_it_and_the_other_hears(network: Network, visited_identity: Identity) -> None:
    async def test() -> None:
        async with signing(network) as talk:
            await propose(talk.home)
            end = START + timedelta(hours=1)
            await talk.visited.endpoint.agreements.end(talk.visited.only_partner(), end)
            await talk.visited.endpoint.outbox.settled()
            assert _ends(talk) == (end, end)
            later = _in_force(talk.visited)
            await talk.home.endpoint.agreements.end(talk.home.only_partner(), end + timedelta(hours=1))
            await talk.home.endpoint.outbox.settled()
            assert _ends(talk) == (end, end)  # an end is not put off
            path = f"/receiver/{MODULE}/{later.text.document.id}/1/end"
            forged = {"hash": later.hash, "ends_at": "2026-11-22T12:00:00Z", "signature": later.end_signature}
            assert "over something else" in told(await talk.from_visited("PUT", path, forged))
            assert _ends(talk) == (end, end)
            talk.home.clock.moment = talk.visited.clock.moment = end
            assert code(await talk.from_home("GET", "/sender/locations")) == (403, 2000)
            again = await propose(talk.visited, WIDER)  # what it takes to go on is a new version
            await sign(talk.home)
            assert standing(talk.home) == (2, again.hash) and _ends(talk) == (None, None)
            assert code(await talk.from_home("GET", "/sender/locations")) == (200, 1000)

    run(test)


def _ends(talk: Talk) -> tuple[datetime | None, datetime | None]:
    return talk.home.only_partner().agreement.ends_at, talk.visited.only_partner().agreement.ends_at


def test_a_partner_that_is_away_gets_the_proposal_later(network: Network) -> None:
    async def test() -> None:
        async with signing(network) as talk:
            await talk.visited.endpoint.partners.suspend(talk.visited.only_partner().id)
            with pytest.raises(Refused):
                await propose(talk.home)  # it answers, and the answer is no
            waiting = states(talk.home)
            assert waiting == [(1, VersionState.PROPOSED)]
            assert "suspended" in talk.home.endpoint.agreements.versions(talk.home.only_partner().id)[0].remark

    run(test)


def test_over_server_side_tls_an_agreement_stays_unsigned(network: Network) -> None:
    async def test() -> None:
        async with talking(network, server_tls=True) as talk:
            weak = Terms(transport=Transport.SERVER_TLS, services=TERMS.services)
            await talk.home.endpoint.agreements.set_terms(talk.home.only_partner(), weak)
            partner = talk.home.only_partner()
            assert partner.agreement.signed is None and partner.agreement.services == TERMS.services
            with pytest.raises(Refused) as refused:
                await propose(talk.home)
            assert refused.value.code == "agreement_unsigned"
            assert await talk.home.endpoint.agreements.conclude(partner) is None

    run(test)


def test_signed_terms_are_not_set_by_one_side_alone(network: Network) -> None:
    async def test() -> None:
        async with signing(network) as talk:
            with pytest.raises(Refused) as refused:
                await propose(talk.home, Terms())
            assert refused.value.code == "agreement_unchangeable"
            await propose(talk.home)
            with pytest.raises(Refused) as refused:
                await talk.home.endpoint.agreements.set_terms(talk.home.only_partner(), WIDER)
            assert refused.value.code == "agreement_signed"

    run(test)


def test_a_module_is_hidden_from_and_closed_to_who_has_not_agreed(network: Network) -> None:
    async def test() -> None:
        async with talking(network) as talk:
            details = f"{talk.home.url}/ocpi/2.2.1"
            assert MODULE not in (await talk.from_visited("GET", details)).body.decode()
            assert code(await talk.from_visited("GET", f"/sender/{MODULE}")) == (403, 2000)
            with pytest.raises(Refused) as refused:
                await propose(talk.home)
            assert refused.value.code == "not_agreed"
            await talk.home.endpoint.agreements.set_terms(talk.home.only_partner(), TERMS)
            offered = json.loads((await talk.from_visited("GET", details)).body)["data"]["endpoints"]
            assert sorted(one["role"] for one in offered if one["identifier"] == MODULE) == ["RECEIVER", "SENDER"]
            assert code(await talk.from_visited("GET", f"/sender/{MODULE}")) == (200, 1000)
            with pytest.raises(Refused) as refused:  # agreed here, but the partner shows us no such module
                await propose(talk.home)
            assert refused.value.code == "not_offered"

    run(test)


def test_the_same_terms_have_the_same_text_and_unknown_ones_are_refused() -> None:
    one = AgreementDocument(
        id="A", version=1, parties=_two(), proposed_at=START, terms=Terms(currencies=("EUR", "CHF"))
    )
    other = one.model_copy(update={"terms": Terms(currencies=("CHF", "EUR"), services=frozenset(sorted(PLAIN)))})
    assert Text.of(one).hash == Text.of(other).hash
    value = json.loads(Text.of(one).canonical)
    assert Text.read(dict(reversed(value.items()))).hash == Text.of(one).hash
    with pytest.raises(InvalidInput) as unknown:
        Text.read({**value, "surprise": True})
    assert "surprise" in unknown.value.message
    with pytest.raises(InvalidInput):
        Text.read({**value, "terms": {**value["terms"], "pricing": {"step_roundin": "greater"}}})


def test_an_agreement_is_its_terms_and_who_signed_them() -> None:
    assert Agreement(**dict(WIDER)).terms == WIDER
    kept = Agreement(**dict(WIDER), ends_at=START)
    assert Agreement.model_validate_json(kept.model_dump_json()) == kept
    assert Agreement.model_validate_json("{}") == Agreement()


def _two() -> tuple[PartyRole, ...]:
    return tuple(PartyRole.model_validate(one) for one in document()["parties"])


def test_the_certificate_in_a_signature_has_to_be_the_one_bound_to_the_partner(
    network: Network, visited_identity: Identity
) -> None:
    """Issued by a trusted authority and naming the party is not enough once a certificate is bound."""

    async def test() -> None:
        async with signing(network) as talk:
            await talk.from_visited("GET", "/sender/tokens")  # its first request binds the certificate
            bound = talk.home.only_partner().certificate_name
            assert bound is not None and bound.startswith("urn:ev-party:DE*VIS:CSO")
            version = await propose(talk.visited)
            assert version.state is VersionState.IN_FORCE
            header = json.loads(base64.urlsafe_b64decode((version.their_signature or "").split(".")[0] + "=="))
            assert header["alg"] == "ES256" and header["typ"] == KIND
            assert replace(version, state=VersionState.PROPOSED).waits_for is Side.THEM

    run(test)
