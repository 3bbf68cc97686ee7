"""Agreements on a whole network: signed when it connects, and what they do to a driver's way."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from app.commands import app
from core.clearing_house.addresses import Address
from core.clearing_house.agreements import HubAgreement
from core.driver_client import DriverClient
from core.driver_messages import SiteQuery
from core.driver_messages.reservations import ReservationWish
from core.endpoint.agreement_table import Version
from core.endpoint.extensions.agreements import send_version
from core.errors import NotFound, Refused
from core.model.agreement_terms import Terms, VersionState
from core.model.agreements import PricingOptions, Rounding, RoundingPlace, StepRounding
from core.model.clearing.terms import CutOff, SettlementTerms
from core.model.credentials import CredentialKind
from core.model.identification import IdentificationMethodType
from core.model.services import Service
from core.model.session import SessionState
from core.network import Member, Network
from core.network_links import AGREEMENT
from tests.network.charging import charge, free_posts, home_at, in_state, sdrs_kept, visited_at
from tests.network.test_duplicates import start_command
from tests.networks import heard_by, quote_at, sites_near

pytestmark = pytest.mark.anyio


async def change(network: Network, member: Member, **terms: Any) -> Version:
    """Other terms, proposed by the home-CSP and signed by the visited-CSO."""
    changed = Terms.model_validate({**dict(AGREEMENT.terms), **terms})
    home, visited = network.home.endpoint, member.platform.endpoint
    version = await home.agreements.propose(visited_at(network, member), changed)
    await visited.agreements.sign(home_at(member))
    await visited.outbox.settled()
    return version


async def roaming(network: Network, driver: DriverClient, member: Member) -> set[bool]:
    """Whether the list says that one can start at the sites of an operator."""
    found = await sites_near(driver, network, limit=200)
    return {one.roaming for one in found if one.key.party == member.platform.context.party}


async def test_the_network_signs_its_agreements_when_it_connects(network: Network) -> None:
    """Each pair with one another, also through the clearing house, and whoever is behind that one with it as well."""
    assert {network.is_reached_through_house(one) for one in network.members} == {True, False}
    for member in network.members:
        partner = visited_at(network, member)
        ours, theirs = partner.agreement, home_at(member).agreement
        assert ours.signed is not None and ours.signed == theirs.signed and ours.signed.version == 1
        assert ours.services == theirs.services == frozenset(Service)
        [newest, *_] = network.home.endpoint.agreements.versions(partner.id)
        assert newest.state is VersionState.IN_FORCE and newest.our_signature and newest.their_signature
    house = network.clearing_house
    assert house is not None
    assert all(one.agreement.signed is not None for one in house.endpoint.partners.connected())


async def test_the_clearing_house_holds_two_parties_to_what_it_has_seen_signed(network: Network) -> None:
    house = network.clearing_house
    [member] = [one for one in network.members if network.is_reached_through_house(one)]
    assert house is not None
    home, visited, calls = network.home.context.party, member.platform.context.party, network.home.endpoint.calls

    def held() -> HubAgreement:
        with house.context.store.read() as connection:
            found = house.switch.agreements.between(connection, home, visited)
        assert found is not None
        return found

    async def tariffs_are_passed() -> bool:
        partner = visited_at(network, member).model_copy(update={"agreement": AGREEMENT})
        try:
            return bool([one async for one in calls.pull_tariffs(partner, None)])
        except Refused as refused:
            assert "does not cover tariffs" in refused.message
            return False

    [first, *_] = network.home.endpoint.agreements.versions(visited_at(network, member).id)
    cleared = house.clearing.terms()[visited, home]
    assert held().terms.signed == visited_at(network, member).agreement.signed
    assert (cleared.id, cleared.version, cleared.hash) == (first.text.document.id, 1, first.hash)
    assert await tariffs_are_passed()
    for set_here in (house.agree(HubAgreement(one=home, other=visited)), house.clearing.agree(cleared)):
        with pytest.raises(Refused) as refused:
            await set_here
        assert refused.value.code == "agreement_signed"

    settlement = SettlementTerms(cut_off=CutOff.WEEKLY, time_zone="Europe/Amsterdam")
    second = await change(network, member, settlement=settlement, services=AGREEMENT.services - {Service.TARIFFS})
    assert held().terms.signed is not None and held().terms.signed.hash == second.hash
    cleared = house.clearing.terms()[visited, home]
    assert (cleared.cut_off, cleared.time_zone, cleared.version) == (CutOff.WEEKLY, "Europe/Amsterdam", 2)
    assert not await tariffs_are_passed()  # though an end that would not keep to it asks
    assert first.our_signature is not None
    again = (first.text.document.id, 1, first.text.canonical, first.our_signature)
    with pytest.raises(Refused):
        await send_version(calls, visited_at(network, member), *again)
    assert held().terms.signed.hash == second.hash  # what was replaced never comes back

    await member.platform.endpoint.agreements.end(home_at(member))
    await member.platform.endpoint.outbox.settled()
    assert held().terms.ends_at == visited_at(network, member).agreement.ends_at is not None
    start, stop = (Address("2.3.0", "RECEIVER", "commands", (f"{one}_SESSION",)) for one in ("START", "STOP"))
    now = house.context.wire_clock.now()
    assert not held().covers(start, now) and held().covers(stop, now)


async def test_an_ended_agreement_lets_a_session_end_and_none_begin(network: Network, driver: DriverClient) -> None:
    post, beside = await free_posts(network, driver, count=2)
    assert post.member is beside.member
    member, endpoint = post.member, post.member.platform.endpoint
    running = await charge(network, driver, post)
    fresh = await quote_at(driver, post.site, post.evse_uid)
    await endpoint.agreements.end(home_at(member))
    await endpoint.outbox.settled()
    for attempt in (lambda: driver.start(fresh.id), lambda: quote_at(driver, post.site, post.evse_uid)):
        with pytest.raises(Refused) as refused:
            await attempt()
        assert refused.value.code == "agreement_ended" and refused.value.next_step
    opened = await driver.site(post.site)
    assert opened.refusal is not None and opened.refusal.code == "agreement_ended"
    assert {one.refusal.code for one in opened.evses if one.refusal} == {"agreement_ended"}
    assert await roaming(network, driver, member) == {False}
    [other] = [one for one in network.members if one is not member]
    assert True in await roaming(network, driver, other)
    listed = await driver.sites(SiteQuery(latitude=network.demo.start.latitude, longitude=network.demo.start.longitude))
    offer = await driver.reservation_offer(ReservationWish(quote_id=fresh.id, minutes=30))
    assert offer.refusal is not None and offer.refusal.code == "agreement_ended"
    command = replace(start_command(network, beside, "ended"), quote_id="any")
    reply, _ = await member.platform.commands.start.accept(home_at(member), command)
    assert reply.message is not None and reply.message.startswith("our agreement ended on 2")
    reasons = {one.price_reason for one in listed.sites if one.key.party == post.site.party}
    assert reasons == {"agreement_ended"}

    receipt = await running.end()  # the stop, the reports, the SDR and its verdict go on
    assert receipt.session_id == running.id and receipt.total > 0
    assert running.home.state is SessionState.RECONCILED
    assert [verdict for verdict, *_ in sdrs_kept(network.home.context.store)] == ["ACCEPTED"]


async def test_a_session_is_quoted_priced_and_audited_as_the_agreement_says(
    network: Network, driver: DriverClient
) -> None:
    [post] = await free_posts(network, driver)
    pricing = PricingOptions(
        rounding=Rounding(place=RoundingPlace.LINES, decimals=2), step_rounding=StepRounding.GREATER
    )
    version = await change(network, post.member, pricing=pricing)
    assert visited_at(network, post.member).agreement.signed == home_at(post.member).agreement.signed
    assert version.number == 2
    assert (await quote_at(driver, post.site, post.evse_uid)).rounding == "lines"
    running = await charge(network, driver, post)
    assert running.visited.pricing == pricing
    await running.end()
    assert [verdict for verdict, *_ in sdrs_kept(network.home.context.store)] == ["ACCEPTED"]


async def test_sites_outside_the_agreement_are_not_shown(network: Network, driver: DriverClient) -> None:
    posts = await free_posts(network, driver, count=1000)
    kept = posts[0]
    gone = next(one for one in posts if one.member is kept.member and one.site != kept.site)
    quote = await quote_at(driver, gone.site, gone.evse_uid)
    await change(network, kept.member, sites=frozenset({str(kept.site)}))
    shown = {one.key for one in await sites_near(driver, network, limit=200)}
    assert kept.site in shown and gone.site not in shown
    assert {key for key in shown if key.party == kept.site.party} == {kept.site}
    with pytest.raises(NotFound):
        await driver.site(gone.site)
    started = await driver.start(quote.id)  # the quote was made before: what is sent is refused then
    rejected = (await heard_by(driver, in_state(SessionState.REJECTED, id=started.id))).session
    assert rejected is not None and rejected.problem is not None and rejected.problem.code == "not_agreed"
    await quote_at(driver, kept.site, kept.evse_uid)


async def test_starting_from_here_can_be_left_out_of_an_agreement(network: Network, driver: DriverClient) -> None:
    [post] = await free_posts(network, driver)
    services = AGREEMENT.services - {Service.REMOTE_START}
    await change(network, post.member, services=services)
    with pytest.raises(Refused) as refused:
        await quote_at(driver, post.site, post.evse_uid)
    assert refused.value.code == "not_agreed"
    cards_only = frozenset({IdentificationMethodType.RFID_CARD})
    home, visited = network.home.endpoint, post.member.platform.endpoint
    await home.agreements.propose(
        visited_at(network, post.member), AGREEMENT.terms.model_copy(update={"methods": cards_only})
    )
    await visited.agreements.sign(home_at(post.member))
    await visited.outbox.settled()
    assert not visited_at(network, post.member).agreement.admits(CredentialKind.APP_USER)
    with pytest.raises(Refused) as refused:
        await quote_at(driver, post.site, post.evse_uid)
    assert refused.value.code == "not_agreed"


async def test_an_operator_changes_and_ends_it_by_command(network: Network, data: Path, tmp_path: Path) -> None:
    async def evroam(*arguments: str) -> str:
        command = ["agreement", *arguments, "--data", str(data)]
        result = await asyncio.to_thread(lambda: CliRunner().invoke(app, command))
        assert result.exit_code == 0, result.output
        return result.stdout

    assert "version 1 signed by both" in await evroam("list")
    terms = tmp_path / "terms.json"
    written = json.loads(await evroam("terms", "Kurpfalz Ladestrom"))
    terms.write_text(json.dumps({**written, "currencies": ["EUR"], "tolerances": {"seconds": 30}}))
    assert "our proposal waits for theirs" in await evroam("propose", "Kurpfalz Ladestrom", str(terms))
    there = ("--platform", "kurpfalz")
    assert "waits for our signature" in await evroam("list", *there)
    signed = json.loads(await evroam("sign", "NL*EVR", *there, "--json"))
    assert (signed["signed"], signed["version"], signed["terms"]["tolerances"]["seconds"]) == (True, 2, 30)
    member = network.member("kurpfalz")
    await member.platform.endpoint.outbox.settled()
    shown = json.loads(await evroam("show", "Kurpfalz Ladestrom", "--json"))
    assert shown["hash"] == signed["hash"] and [one["number"] for one in shown["versions"]] == [2, 1, 0]
    assert json.loads(await evroam("show", "Kurpfalz Ladestrom", "--version", "1", "--json"))["currencies"] == []
    ended = await evroam("end", "Kurpfalz Ladestrom", "--at", "2099-01-01T00:00:00Z")
    assert "ends 2099-01-01 00:00 UTC" in ended
    await network.home.endpoint.outbox.settled()
    assert "ends 2099-01-01" in await evroam("list", *there)
