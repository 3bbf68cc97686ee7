"""Word that comes too late or never: an SDR before its session, and an operator that falls silent after its yes."""

from datetime import timedelta

import pytest
from sqlalchemy import delete, select

from core.clock import FixedClock
from core.driver_client import DriverClient
from core.endpoint.ports import Held
from core.model.session import SessionState, change
from core.network import Network
from core.simulation.faults import Faults
from core.store.tables import service_session
from core.visited_cso.energy_transfer.sdr import sdr_of
from core.visited_cso.sites import load_site
from tests.network.charging import Charging, free_posts, home_at, in_state, sdrs_kept
from tests.networks import advance, heard_by, quote_at, until

pytestmark = pytest.mark.anyio


async def test_an_sdr_that_came_before_its_session_is_judged_when_that_comes(
    network: Network, driver: DriverClient
) -> None:
    [post], events = await free_posts(network, driver), driver.events(0)
    visited, home = post.member.platform.context, home_at(post.member)
    await post.member.platform.endpoint.synchronisation.pull(home)
    await post.member.equipment.tap(post.evse_uid, network.demo.driver.cards[0])
    await until(events, in_state(SessionState.AUTHORISED))
    await advance(network, minutes=5)
    seen = (await until(events, lambda event: bool(event.session and event.session.energy_kwh > 0))).session
    assert seen is not None
    await post.member.platform.endpoint.outbox.settled()
    session = Charging(network, driver, post, seen.id, events).visited
    told = select(service_session.c.partner_body).where(service_session.c.id == session.id)
    with visited.store.read() as connection:
        report = connection.execute(told).scalar_one()
        site = load_site(connection, visited, post.site.id)
    assert site is not None
    now = visited.clock.now()
    sdr = sdr_of(change(session, ended_at=now), site, now)
    # As if the first report had not come through.
    await network.home.context.store.write(lambda connection: connection.execute(delete(service_session)).rowcount)

    await visited.calls.submit_sdr(home, Held(sdr, visited.writer.sdr(sdr)))
    assert sdrs_kept(network.home.context.store) == [("ORPHAN", session.id, False)]
    assert (await driver.receipts()).receipts == ()
    for _ in range(2):
        await visited.calls.put_session(home, Held(visited.reader.session(report), report))
    [receipt] = (await driver.receipts()).receipts
    [kept] = await driver.sessions()
    assert (kept.state, kept.receipt_id) == (SessionState.RECONCILED, receipt.id)
    assert sdrs_kept(network.home.context.store) == [("ACCEPTED", kept.id, True)]


async def test_a_start_of_which_the_operator_never_tells_more_lets_the_post_go(
    network: Network, driver: DriverClient
) -> None:
    [post], clock = await free_posts(network, driver), network.clock
    assert isinstance(clock, FixedClock)
    await post.member.equipment.suffer(post.evse_uid, Faults(cable_not_seen=True))
    started = await driver.start((await quote_at(driver, post.site, post.evse_uid)).id)
    await heard_by(driver, in_state(SessionState.AUTHORISED, id=started.id))
    clock.moment += timedelta(minutes=59)
    await network.home.starter.end_silent()
    assert (await driver.session(started.id)).state is SessionState.AUTHORISED
    clock.moment += timedelta(minutes=2)
    await network.home.starter.end_silent()
    ended = await driver.session(started.id)
    assert ended.state is SessionState.EXPIRED
    assert ended.problem is not None and ended.problem.code == "operator_silent"
    again = await driver.start((await quote_at(driver, post.site, post.evse_uid)).id)
    assert again.state is SessionState.AUTHORISING
