"""Messages that come twice, late, in another order or from another: nothing happens twice, nothing is overwritten."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from threading import Event
from uuid import uuid4

import pytest
from sqlalchemy import Connection, select, update

from core.driver_client import DriverClient
from core.endpoint.ports import Command, CommandAnswer, CommandKind, CommandResult, Held
from core.errors import EvroamError, Refused
from core.home_csp.contracts import app_credential
from core.home_csp.energy_transfer.sdr import SdrReceiver
from core.model.identifiers import ContractId
from core.model.sdr import Sdr
from core.model.session import SessionState, change
from core.model.session_report import ReportedStatus, SessionReport
from core.network import Network
from core.store.sessions import load_open_at
from core.store.tables import command, service_session
from core.store.tables import sdr as sdr_table
from core.visited_cso.energy_transfer.sdr import sdr_of
from core.visited_cso.equipment import EvseState
from core.visited_cso.sites import load_site
from tests.network.charging import (
    Charging,
    Post,
    charge,
    count_sessions,
    free_posts,
    home_at,
    sdrs_kept,
    visited_at,
)
from tests.networks import advance, until_state

pytestmark = pytest.mark.anyio


@pytest.fixture
async def post(network: Network, driver: DriverClient) -> Post:
    return (await free_posts(network, driver))[0]


@pytest.fixture
async def charging(network: Network, driver: DriverClient, post: Post) -> AsyncIterator[Charging]:
    yield await charge(network, driver, post)


def start_command(network: Network, post: Post, id: str) -> Command:
    """A start command as the home-CSP sends it."""
    home = network.home.context
    with home.store.read() as connection:
        credential = app_credential(connection, home, ContractId.parse(network.demo.driver.contract).key)
    assert credential is not None
    return Command(
        kind=CommandKind.START_SESSION,
        response_url=home.calls.response_url(CommandKind.START_SESSION, id),
        credential=Held(credential, home.writer.credential(credential)),
        site_id=post.site.id,
        evse_uid=post.evse_uid,
        authorization_reference=str(uuid4()),
    )


async def report(charging: Charging, **changed: object) -> None:
    """The visited-CSO tells the home-CSP of the session, as it stands but for what is changed."""
    context = charging.post.member.platform.context
    told = context.reader.session(wire_of(charging)).model_copy(update=changed)
    await context.calls.put_session(home_at(charging.post.member), Held(told, context.writer.session(told)))


def wire_of(charging: Charging) -> str:
    """The session as the visited-CSO last told it."""
    query = select(service_session.c.partner_body).where(service_session.c.id == charging.visited.id)
    with charging.post.member.platform.context.store.read() as connection:
        body: str = connection.execute(query).scalar_one()
        return body


def last_report(charging: Charging) -> SessionReport:
    """The same, read."""
    return charging.post.member.platform.context.reader.session(wire_of(charging))


def sdr_now(charging: Charging) -> Sdr:
    """The SDR as it would be if the session had ended now."""
    context = charging.post.member.platform.context
    with context.store.read() as connection:
        site = load_site(connection, context, charging.post.site.id)
    assert site is not None
    ended = change(charging.visited, ended_at=context.clock.now())
    return sdr_of(ended, site, context.clock.now())


async def submit(charging: Charging, sdr: Sdr) -> None:
    """The visited-CSO posts an SDR."""
    context = charging.post.member.platform.context
    await context.calls.submit_sdr(home_at(charging.post.member), Held(sdr, context.writer.sdr(sdr)))


async def test_a_start_command_sent_three_times_starts_once(network: Network, post: Post) -> None:
    sent = start_command(network, post, "thrice")
    partner = visited_at(network, post.member)
    replies = await asyncio.gather(*(network.home.context.calls.command(partner, sent) for _ in range(3)))
    assert {reply.answer for reply in replies} == {CommandAnswer.ACCEPTED}
    late = await network.home.context.calls.command(partner, sent)
    assert late.answer is CommandAnswer.ACCEPTED
    assert count_sessions(post.member.platform.context.store) == 1


async def test_another_start_at_a_post_in_use_is_rejected(network: Network, charging: Charging) -> None:
    sent = start_command(network, charging.post, "another")
    reply = await network.home.context.calls.command(visited_at(network, charging.post.member), sent)
    assert reply.answer is CommandAnswer.REJECTED
    assert count_sessions(charging.post.member.platform.context.store) == 1


async def test_the_outcome_of_a_start_counts_once(network: Network, charging: Charging) -> None:
    before = charging.home
    with network.home.context.store.read() as connection:
        url = connection.execute(select(command.c.response_url).where(command.c.session_id == charging.id)).scalar_one()
    member = charging.post.member
    for result in (CommandResult.ACCEPTED, CommandResult.REJECTED, CommandResult.TIMEOUT, CommandResult.FAILED):
        await member.platform.context.calls.command_result(home_at(member), url, result)
    assert charging.home == before


async def test_an_outcome_from_another_partner_is_not_taken(network: Network, driver: DriverClient) -> None:
    [post] = await free_posts(network, driver)
    charging = await charge(network, driver, post, minutes=0.5)
    other = next(one for one in network.members if one is not charging.post.member)
    with network.home.context.store.read() as connection:
        url = connection.execute(select(command.c.response_url).where(command.c.session_id == charging.id)).scalar_one()
    with pytest.raises(EvroamError):
        await other.platform.context.calls.command_result(home_at(other), url, CommandResult.FAILED)
    assert charging.home.state is SessionState.ACTIVE


async def test_stop_sent_twice_stops_once(network: Network, charging: Charging) -> None:
    home = network.home.context
    sent = Command(
        kind=CommandKind.STOP_SESSION,
        response_url=home.calls.response_url(CommandKind.STOP_SESSION, "twice"),
        session_id=charging.visited.id,
    )
    partner = visited_at(network, charging.post.member)
    replies = [await home.calls.command(partner, sent) for _ in range(2)]
    assert [reply.answer for reply in replies] == [CommandAnswer.ACCEPTED] * 2
    await until_state(charging.post.member.equipment, charging.post.evse_uid, EvseState.FINISHING)
    await advance(network, minutes=20)
    again = await home.calls.command(partner, replace(sent, response_url=sent.response_url + "-late"))
    assert again.answer is CommandAnswer.ACCEPTED
    await charging.post.member.platform.endpoint.outbox.settled()
    assert sdrs_kept(home.store) == [("ACCEPTED", charging.id, True)]


async def test_an_older_report_after_a_newer_one_changes_nothing(charging: Charging) -> None:
    before, newest = charging.home, last_report(charging)
    assert newest.energy > 0
    older = newest.last_updated - timedelta(seconds=30)
    await report(charging, last_updated=older, energy=newest.energy / 2)
    await report(charging, last_updated=older, status=ReportedStatus.COMPLETED)
    await report(charging)
    assert charging.home == before


async def test_energy_that_runs_backwards_is_not_believed(charging: Charging) -> None:
    before = charging.home
    await report(charging, last_updated=before.last_word_at, energy=before.energy - Decimal("0.001"))
    assert charging.home == before


async def test_reports_after_the_end_reopen_nothing(charging: Charging) -> None:
    late = last_report(charging)
    receipt = await charging.end()
    ended = charging.home
    later = ended.last_word_at + timedelta(minutes=1) if ended.last_word_at else None
    await report(charging, status=ReportedStatus.ACTIVE, energy=late.energy + 99, last_updated=later)
    await report(charging, status=ReportedStatus.COMPLETED, energy=late.energy + 99, last_updated=later)
    assert charging.home == ended
    assert (await charging.driver.receipts()).receipts[0].energy_kwh == receipt.energy_kwh


async def test_nobody_reports_the_session_of_another_partner(network: Network, charging: Charging) -> None:
    before = charging.home
    other = next(one for one in network.members if one is not charging.post.member)
    context = other.platform.context
    party = {"country_code": context.party.country_code, "party_id": context.party.party_id}
    stolen = last_report(charging).model_copy(update={**party, "energy": Decimal(99)})
    for told in (stolen, stolen.model_copy(update={"id": "mine"})):
        with pytest.raises(Refused):
            await context.calls.put_session(home_at(other), Held(told, context.writer.session(told)))
    theirs = last_report(charging)
    with pytest.raises(EvroamError):
        await context.calls.put_session(home_at(other), Held(theirs, context.writer.session(theirs)))
    assert charging.home == before
    assert count_sessions(network.home.context.store) == 1


async def test_nobody_bills_the_session_of_another_partner(network: Network, charging: Charging) -> None:
    other = next(one for one in network.members if one is not charging.post.member)
    context = other.platform.context
    stolen = sdr_now(charging).model_copy(update={"issuer": context.party})
    with pytest.raises(Refused):
        await context.calls.submit_sdr(home_at(other), Held(stolen, context.writer.sdr(stolen)))
    assert sdrs_kept(network.home.context.store) == []
    assert charging.home.state is SessionState.ACTIVE


async def test_an_sdr_is_taken_once_and_never_changed(network: Network, charging: Charging) -> None:
    receipt = await charging.end()
    context = charging.post.member.platform.context
    with context.store.read() as connection:
        body = connection.execute(select(sdr_table.c.body)).scalar_one()
    sdr, ended = context.reader.sdr(body), charging.home
    await submit(charging, sdr)
    dearer = sdr.model_copy(update={"total_energy": sdr.total_energy + 1})
    with pytest.raises(Refused):
        await submit(charging, dearer)
    assert charging.home == ended
    assert sdrs_kept(network.home.context.store) == [("ACCEPTED", charging.id, True)]
    assert await charging.driver.receipt(receipt.id) == receipt


async def test_an_sdr_before_the_last_report_ends_the_session(network: Network, charging: Charging) -> None:
    sdr = sdr_now(charging)
    await submit(charging, sdr)
    ended = charging.home
    assert ended.state is SessionState.RECONCILED
    await report(charging, status=ReportedStatus.COMPLETED, end=sdr.end)
    await report(charging, last_updated=last_report(charging).last_updated + timedelta(minutes=1))
    assert charging.home == ended
    assert sdrs_kept(network.home.context.store) == [("ACCEPTED", charging.id, True)]


async def test_an_sdr_of_a_session_that_nobody_knows_waits_as_an_orphan(network: Network, charging: Charging) -> None:
    stray = sdr_now(charging).model_copy(
        update={"id": "stray", "session_id": "nobody's", "authorization_reference": "nobody's"}
    )
    await submit(charging, stray)
    await submit(charging, stray)
    assert sdrs_kept(network.home.context.store) == [("ORPHAN", "nobody's", False)]
    assert (await charging.driver.receipts()).receipts == ()
    assert charging.home.state is SessionState.ACTIVE


async def test_an_sdr_whose_session_comes_while_it_is_taken_is_judged_with_it(
    network: Network, charging: Charging
) -> None:
    context, sdr, come = network.home.context, sdr_now(charging), Event()
    body = charging.post.member.platform.context.writer.sdr(sdr)
    references = service_session.c.visited_session_id, service_session.c.authorization_reference

    def hide(connection: Connection) -> tuple[object, ...]:
        known = tuple(connection.execute(select(*references)).one())
        connection.execute(update(service_session).values(visited_session_id=None, authorization_reference=None))
        return known

    known = await context.store.write(hide)

    def show(connection: Connection) -> None:
        come.wait(10)
        connection.execute(update(service_session).values(dict(zip(references, known, strict=True))))

    showing = asyncio.create_task(context.store.write(show))
    taking = asyncio.create_task(
        SdrReceiver(context).submit(visited_at(network, charging.post.member), Held(sdr, body))
    )
    for _ in range(3):
        await asyncio.sleep(0)
    come.set()
    await asyncio.gather(showing, taking)
    assert sdrs_kept(context.store) == [("ACCEPTED", charging.id, True)]


async def test_a_request_to_start_that_is_repeated_starts_once(network: Network, charging: Charging) -> None:
    agreed = charging.home.quote_id
    assert agreed is not None
    again = await network.home.starter.start(charging.home.contract_id, agreed, charging.id)
    assert again == charging.id
    with network.home.context.store.read() as connection:
        [only] = load_open_at(connection, network.home.context.party, charging.post.evse_uid, charging.post.site.party)
    assert only.session.id == charging.id
