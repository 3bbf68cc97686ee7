"""Dynamic charging information over the real wire, through the clearing house (UC3-6): interval, asking, alarms."""

from datetime import timedelta

import pytest
from sqlalchemy import Connection, select

from core.driver_client import DriverClient
from core.endpoint.extensions.dynamicinformation import current_session, subscribe
from core.endpoint.partner_requests import TooOften
from core.endpoint.ports import Held
from core.errors import NotFound, Refused
from core.model.services import Service
from core.model.session import ENERGY_DECREASED
from core.network import Network
from core.store.alarms import ALARMS
from core.store.engine import Store
from core.store.tables import event, message_log
from tests.network.charging import Charging, agree, charge, home_at, post_of_each, visited_at
from tests.networks import advance
from tests.stores import until_stored

pytestmark = pytest.mark.anyio
MODULE = "/nlevr-dynamicinformation/"


async def minutes_pass(charging: Charging, minutes: int) -> list[bool]:
    """Whether the home-CSP knew of the meter as it stood, minute by minute."""
    known = []
    for _ in range(minutes):
        await advance(charging.network, minutes=1)
        await charging.post.member.platform.endpoint.outbox.settled()
        known.append(charging.home.energy == charging.visited.energy)
    return known


async def asked(network: Network, method: str) -> list[int | None]:
    """With which HTTP status the home-CSP was answered in the module, so far."""
    await network.home.endpoint.log.flush()
    with network.home.context.store.read() as connection:
        return answers(connection, method)


def answers(connection: Connection, method: str) -> list[int | None]:
    query = select(message_log.c.http_status).where(
        message_log.c.direction == "out", message_log.c.method == method, message_log.c.path.contains(MODULE)
    )
    return list(connection.execute(query).scalars())


def alarms(store: Store) -> list[str]:
    with store.read() as connection:
        return list(connection.execute(select(event.c.kind).where(event.c.stream == ALARMS)).scalars())


async def test_a_session_is_told_at_the_interval_that_was_asked_for(network: Network, driver: DriverClient) -> None:
    """Readings come every minute. Table 18: at the interval; too often is refused; less kWh is discarded."""
    post = next(one for one in await post_of_each(network, driver) if network.is_reached_through_house(one.member))
    member, calls, clock = post.member, network.home.context.calls, network.clock
    charging = await charge(network, driver, post, minutes=3)
    partner, id = visited_at(network, member), charging.visited.id
    await until_stored(member.platform.context.store, lambda _: charging.visited.updates is not None)
    assert charging.visited.updates is not None and charging.visited.updates.interval == timedelta(minutes=1)
    await until_stored(network.home.context.store, lambda connection: answers(connection, "PUT"))
    assert await asked(network, "PUT") == [200], "asked for once, by itself, within the agreement"
    assert await minutes_pass(charging, 2) == [True, True]

    # Five minutes: the next reading is told, and then every fifth; a shorter one than agreed is not granted.
    assert await subscribe(calls, partner, id, timedelta(minutes=5)) == timedelta(minutes=5)
    assert await minutes_pass(charging, 8) == [True, *[False] * 4, True, False, False]

    # Asked for in between: as it stands; again within the minute: 429, which the clearing house passes on as it is.
    held = await current_session(calls, partner, id)
    assert held.value.energy == charging.visited.energy > charging.home.energy
    clock.moment += timedelta(seconds=20)  # type: ignore[attr-defined]  # a FixedClock
    with pytest.raises(TooOften) as too_often:
        await current_session(calls, partner, id)
    assert too_often.value.retry_after == timedelta(seconds=40)

    # By itself the home-CSP asks after two silent intervals of its own (a minute each), and waits as it is told to.
    updates = network.home.updates
    clock.moment += timedelta(seconds=10)  # type: ignore[attr-defined]
    await updates.ask_silent()
    assert (await asked(network, "GET"))[2:] == [429]
    await updates.ask_silent()
    assert len(await asked(network, "GET")) == 3, "not before the time that it was told"
    clock.moment += timedelta(seconds=30)  # type: ignore[attr-defined]
    await updates.ask_silent()
    assert (await asked(network, "GET"))[2:] == [429, 200]
    assert charging.home.energy == charging.visited.energy

    # A meter that runs backwards: discarded, with an alarm.
    context, home = member.platform.context, home_at(member)
    less = held.value.model_copy(update={"energy": held.value.energy / 2, "last_updated": clock.now()})
    before = charging.home
    await context.calls.put_session(home, Held(less, context.writer.session(less)))
    assert charging.home == before and alarms(network.home.context.store) == [ENERGY_DECREASED]

    # A session of another: unknown, to the operator that has none and to a home-CSP whose it is not.
    other = next(one for one in network.home.context.visited_csos() if one.id != partner.id)
    with pytest.raises(NotFound):
        await current_session(calls, other, id)
    source = member.platform.updates
    stranger = home.model_copy(update={"id": "stranger"})
    with pytest.raises(NotFound):
        source.current(stranger, id)
    with pytest.raises(NotFound):
        await source.subscribe(stranger, id, timedelta(minutes=1))
    receipt = await charging.end()
    assert receipt.energy_kwh == charging.visited.energy
    with pytest.raises(Refused):
        await subscribe(calls, partner, id, timedelta(minutes=5))


async def test_a_partner_without_the_agreement_tells_at_its_own_pace(network: Network, driver: DriverClient) -> None:
    post = (await post_of_each(network, driver))[0]
    await agree(network, post.member, frozenset(Service) - {Service.DYNAMIC_INFORMATION})
    charging = await charge(network, driver, post, minutes=2)
    assert await minutes_pass(charging, 2) == [True, True] and charging.visited.updates is None
    with pytest.raises(Refused) as refused:
        await current_session(network.home.context.calls, visited_at(network, post.member), charging.visited.id)
    assert refused.value.code == "not_agreed" and await asked(network, "GET") == await asked(network, "PUT") == []
