"""A stop of the energy transfer alone, and of the whole session (UC3-4), with every refusal, over the real wire."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from core.driver_client import DriverClient
from core.endpoint.extensions import energytransfers
from core.endpoint.ports import Command, CommandAnswer, CommandKind
from core.errors import NotFound, Refused
from core.model.meter import DimensionKind
from core.model.services import PLAIN
from core.model.session import SessionState, StopReason, StopScope, TransactionKind
from core.network import Network
from core.simulation.faults import Faults
from core.visited_cso.equipment import EvseState
from tests.network.charging import Charging, Post, agree, charge, home_at, in_state, post_of_each, visited_at
from tests.networks import advance, until, until_state

pytestmark = pytest.mark.anyio

ALONE = StopScope.ENERGY_TRANSFER


@pytest.fixture
async def posts(network: Network, driver: DriverClient) -> list[Post]:
    return await post_of_each(network, driver)


@pytest.fixture
async def charging(network: Network, driver: DriverClient, posts: list[Post]) -> AsyncIterator[Charging]:
    yield await charge(network, driver, posts[0], minutes=10)


def command(network: Network, id: str, session_id: str, scope: StopScope | None = None) -> Command:
    return Command(
        kind=CommandKind.STOP_SESSION,
        response_url=network.home.context.calls.response_url(CommandKind.STOP_SESSION, id),
        session_id=session_id,
        stop_scope=scope,
    )


async def paused(charging: Charging) -> None:
    await charging.driver.stop(charging.id, ALONE)
    await until_state(charging.post.member.equipment, charging.post.evse_uid, EvseState.SUSPENDED_EVSE)
    await charging.post.member.platform.endpoint.outbox.settled()


async def test_energy_stops_the_session_stays_parked_and_energy_flows_again_in_the_same_transaction(
    network: Network, driver: DriverClient, charging: Charging
) -> None:
    post, before = charging.post, charging.visited.energy
    await paused(charging)
    assert (charging.visited.state, charging.home.state) == (SessionState.ACTIVE, SessionState.ACTIVE)
    at_rest = charging.visited.energy
    assert at_rest >= before > 0
    await advance(network, minutes=30)
    await post.member.platform.endpoint.outbox.settled()
    view = await driver.session(charging.id)
    assert (view.stop_scope, view.power_kw, view.energy_kwh) == (ALONE, Decimal(0), at_rest)
    assert charging.visited.running(TransactionKind.PARKING) is not None, "parked, and billed as such"

    again = await driver.resume_transfer(charging.id)
    assert (again.stop_scope, again.stop_requested_at) == (None, None)
    assert (await driver.resume_transfer(charging.id)).state is SessionState.ACTIVE, "asked twice, done once"
    await advance(network, minutes=10)
    visited = charging.visited
    assert visited.energy > at_rest
    [energy] = [one for one in visited.transactions if one.kind is TransactionKind.ENERGY]
    first, second = energy.energy_transfers
    assert (first.reason, second.end) == (StopReason.REMOTE, None)
    assert first.end is not None and (second.start - first.end).total_seconds() >= 30 * 60
    kinds = [{one.kind for one in period.dimensions} for period in visited.periods]
    parking = [DimensionKind.PARKING_TIME in kind for kind in kinds]
    assert True in parking and not parking[0] and not parking[-1]

    receipt = await charging.end()
    assert receipt.energy_kwh == charging.visited.energy
    assert sum(one.volume(DimensionKind.PARKING_TIME) for one in charging.visited.periods) >= Decimal("0.5")


async def test_after_a_pause_the_whole_session_can_be_stopped_and_not_gone_on_with(
    network: Network, driver: DriverClient, charging: Charging
) -> None:
    await paused(charging)
    await charging.end()
    with pytest.raises(Refused) as refused:
        await driver.resume_transfer(charging.id)
    assert refused.value.code == "not_paused"
    with pytest.raises(NotFound):
        await driver.resume_transfer("somebody-elses")
    assert (await driver.stop(charging.id, ALONE)).receipt_id is not None, "ended already is stopped"
    late = command(network, "late", charging.visited.id, ALONE)
    reply = await network.home.context.calls.command(visited_at(network, charging.post.member), late)
    assert reply.answer is CommandAnswer.ACCEPTED


async def test_a_plain_partner_is_never_asked_and_the_whole_stop_is_offered(
    network: Network, driver: DriverClient, charging: Charging
) -> None:
    member = charging.post.member
    await agree(network, member, PLAIN)
    view = await driver.session(charging.id)
    assert not view.can_pause
    with pytest.raises(Refused) as refused:
        await driver.stop(charging.id, ALONE)
    assert refused.value.code == "stop_scope_not_agreed" and "whole session" in refused.value.next_step
    assert charging.home.stop_requested_at is None

    reply = await network.home.context.calls.command(
        visited_at(network, member), command(network, "unasked", charging.visited.id, ALONE)
    )
    assert reply.answer is CommandAnswer.NOT_SUPPORTED, "nor would the operator make it a whole stop"
    assert member.equipment.evse_state(charging.post.evse_uid) is EvseState.CHARGING
    await charging.end()


async def test_a_station_that_cannot_pause_says_so_and_charges_on(
    network: Network, driver: DriverClient, charging: Charging
) -> None:
    equipment, evse_uid = charging.post.member.equipment, charging.post.evse_uid
    await equipment.suffer(evse_uid, Faults(cannot_pause=True))
    await driver.stop(charging.id, ALONE)
    told = await until(charging.events, lambda event: bool(event.session and event.session.stop_problem))
    assert told.session is not None and told.session.stop_problem is not None
    assert told.session.stop_problem.code == "stop_not_supported"
    assert equipment.evse_state(evse_uid) is EvseState.CHARGING


async def test_a_session_is_stopped_by_nobody_but_its_own_home_csp(network: Network, charging: Charging) -> None:
    """The other visited-CSO knows no such session; one of another home-CSP's drivers is not ours to stop."""
    calls, own = network.home.context.calls, visited_at(network, charging.post.member)
    other = next(one for one in network.home.context.visited_csos() if one.id != own.id)
    session_id = charging.visited.id
    unknown = await calls.command(other, command(network, "elsewhere", session_id, ALONE))
    assert unknown.answer is CommandAnswer.UNKNOWN_SESSION
    with pytest.raises(NotFound):
        await energytransfers.resume_transfer(calls, other, session_id)
    commands = charging.post.member.platform.commands.stop
    stranger = home_at(charging.post.member).model_copy(update={"id": "stranger"})
    reply, to_do = await commands.accept(stranger, command(network, "foreign", session_id))
    assert (reply.answer, to_do) == (CommandAnswer.REJECTED, False)
    with pytest.raises(NotFound):
        await commands.resume_transfer(stranger, session_id)
    without = await calls.command(own, command(network, "own", session_id, ALONE))
    assert without.answer is CommandAnswer.ACCEPTED


@pytest.mark.parametrize("scope", StopScope)
async def test_a_station_out_of_reach_times_out_and_is_stopped_once_it_is_heard_again(
    network: Network, driver: DriverClient, charging: Charging, scope: StopScope
) -> None:
    equipment, evse_uid = charging.post.member.equipment, charging.post.evse_uid
    await equipment.suffer(evse_uid, Faults(offline=True))
    await driver.stop(charging.id, scope)
    warned = await until(charging.events, lambda event: bool(event.session and event.session.stop_problem))
    assert warned.session is not None and warned.session.stop_problem is not None
    assert warned.session.stop_problem.code == "stop_timeout"
    await advance(network, minutes=2)
    await equipment.suffer(evse_uid, Faults())
    stopped = EvseState.SUSPENDED_EVSE if scope is ALONE else EvseState.FINISHING
    await until_state(equipment, evse_uid, stopped)
    await until(charging.events, in_state(SessionState.ACTIVE, id=charging.id))
