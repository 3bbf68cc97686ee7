"""Stations that fall silent, and starts that a station carries out after all."""

from datetime import timedelta
from decimal import Decimal

import pytest

from core.clock import FixedClock
from core.driver_client import DriverClient
from core.model.receipt import CheckVerdict
from core.model.session import SessionState, StopReason, change, move
from core.network import Network
from core.simulation.faults import Faults
from core.store.sessions import load, load_open, save
from core.visited_cso.energy_transfer.silence import LONGEST_SILENCE, end_silent_sessions
from core.visited_cso.equipment import EvseState
from tests.network.charging import charge, free_posts, in_state, receipt_for, told
from tests.networks import advance, quote_at, until, until_state

pytestmark = pytest.mark.anyio


async def test_a_station_that_stays_silent_ends_its_session_at_its_last_word(
    network: Network, driver: DriverClient
) -> None:
    charging = await charge(network, driver, (await free_posts(network, driver))[0], minutes=10)
    context = charging.post.member.platform.context
    await charging.post.member.equipment.suffer(charging.post.evse_uid, Faults(offline=True))
    heard = charging.visited
    assert heard.state is SessionState.SUSPECT and heard.energy > 0
    assert isinstance(network.clock, FixedClock)
    network.clock.moment += LONGEST_SILENCE - timedelta(seconds=1)
    await end_silent_sessions(context)
    assert charging.visited.state is SessionState.SUSPECT
    network.clock.moment += timedelta(seconds=1)
    await end_silent_sessions(context)

    receipt = (await until(charging.events, receipt_for(charging.id))).receipt
    assert receipt is not None
    assert (receipt.energy_kwh, receipt.ended_at) == (heard.energy, heard.last_word_at)
    assert receipt.tariff_check.verdict is CheckVerdict.HOLDS
    await told(charging)  # the verdict on the SDR, which is the last that moves the session
    ended = charging.visited
    assert (ended.state, ended.stop_reason) == (SessionState.RECONCILED, StopReason.EQUIPMENT)
    with network.home.context.store.read() as connection:
        assert load_open(connection, network.home.context.party) == []

    await charging.post.member.equipment.suffer(charging.post.evse_uid, Faults())
    assert charging.visited == ended  # what is heard later reopens nothing


async def test_an_accepted_start_of_a_silent_station_expires(network: Network, driver: DriverClient) -> None:
    post = (await free_posts(network, driver))[0]
    quote = await quote_at(driver, post.site, post.evse_uid)
    events = driver.events(0)
    started = await driver.start(quote.id)
    await until(events, in_state(SessionState.AUTHORISED, id=started.id))
    await post.member.equipment.suffer(post.evse_uid, Faults(offline=True))
    assert isinstance(network.clock, FixedClock)
    network.clock.moment += LONGEST_SILENCE
    await end_silent_sessions(post.member.platform.context)
    expired = (await until(events, in_state(SessionState.EXPIRED, id=started.id))).session
    assert expired is not None and expired.energy_kwh == Decimal(0)


async def test_a_start_that_was_given_up_and_comes_after_all_is_stopped(network: Network, driver: DriverClient) -> None:
    post = (await free_posts(network, driver))[0]
    context, equipment = post.member.platform.context, post.member.equipment
    quote = await quote_at(driver, post.site, post.evse_uid)
    events = driver.events(0)
    started = await driver.start(quote.id)
    await until(events, in_state(SessionState.AUTHORISED, id=started.id))
    await post.member.platform.endpoint.outbox.settled()
    with context.store.read() as connection:
        [kept] = load_open(connection, context.party)
    given_up = move(
        change(kept.session, state=SessionState.AUTHORISING),
        SessionState.REJECTED,
        at=context.clock.now(),
        actor="station",
    )
    await context.store.write(
        lambda connection: save(connection, context.party, given_up, partner_id=kept.partner_id, at=context.clock.now())
    )
    await advance(network, minutes=1)  # the driver plugs in, and the station starts
    await until_state(equipment, post.evse_uid, EvseState.FINISHING)
    with context.store.read() as connection:
        after = load(connection, context.party, kept.session.id)
    assert after is not None and after.session.state is SessionState.REJECTED
