"""A partner whose clock is hours ahead or behind: its sessions begin, run and end all the same."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from core.driver_client import DriverClient
from core.model.session import SessionState
from core.simulation.faults import Faults
from core.simulation.typical_cars import typical_cars
from core.visited_cso.equipment import EvseState
from tests.network.charging import free_posts, in_state, receipt_for, sdrs_kept
from tests.network.ground import Ground, ground_in
from tests.networks import heard_by, quote_at, until, until_state

pytestmark = pytest.mark.anyio


@pytest.fixture(params=[timedelta(hours=-5), timedelta(hours=5)], ids=["partner-ahead", "partner-behind"])
async def ground(data: Path, request: pytest.FixtureRequest) -> AsyncIterator[Ground]:
    async with ground_in(data, behind=request.param) as ground:
        yield ground


@pytest.fixture
async def driver(ground: Ground) -> AsyncIterator[DriverClient]:
    client = await ground.driver()
    yield client
    await client.close()


@pytest.mark.parametrize("answer_lost", [False, True])
async def test_a_session_with_a_partner_whose_clock_is_wrong(
    ground: Ground, driver: DriverClient, answer_lost: bool
) -> None:
    [post] = await free_posts(ground.network, driver)
    equipment = post.member.equipment
    await equipment.suffer(post.evse_uid, Faults(answer_lost=answer_lost))
    await equipment.plug_in(post.evse_uid, typical_cars()[0])
    quote = await quote_at(driver, post.site, post.evse_uid)
    events = driver.events(0)
    id = (await driver.start(quote.id)).id
    await until(events, in_state(SessionState.ACTIVE, id=id))
    await ground.advance(minutes=5)
    await until(events, lambda event: bool(event.session and event.session.energy_kwh > 0))
    await driver.stop(id)
    await until_state(equipment, post.evse_uid, EvseState.FINISHING)
    await ground.advance(minutes=20)
    receipt = (await until(events, receipt_for(id))).receipt
    assert receipt is not None and receipt.energy_kwh > 0
    assert receipt.ended_at - receipt.started_at < timedelta(hours=1)
    assert sdrs_kept(ground.network.home.context.store) == [("ACCEPTED", id, True)]
    assert (await driver.session(id)).state is SessionState.RECONCILED


async def test_an_unanswered_start_is_found_at_a_partner_whose_clock_is_wrong(
    ground: Ground, driver: DriverClient
) -> None:
    [post] = await free_posts(ground.network, driver)
    await post.member.equipment.suffer(post.evse_uid, Faults(answer_lost=True))
    id = (await driver.start((await quote_at(driver, post.site, post.evse_uid)).id)).id
    final = SessionState.EXPIRED, SessionState.REJECTED
    ended = (await heard_by(driver, in_state(*final, id=id))).session
    assert ended is not None and ended.problem is not None
    assert ended.problem.code == "stopped"
    assert post.member.equipment.evse_state(post.evse_uid) is EvseState.AVAILABLE
