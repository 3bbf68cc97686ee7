"""Commands about reservations, at the operator that takes them (UC3-8): refused, replaced, replayed, and by whom."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from core.driver_client import DriverClient
from core.endpoint.ports import CommandAnswer, CommandKind, CommandResult
from core.errors import Refused
from core.home_csp.contracts import add_contract
from core.model.session import ServiceSession, SessionState
from core.network import Network
from core.simulation.faults import Faults
from core.simulation.typical_cars import typical_cars
from core.store.sessions import load_open
from core.visited_cso.equipment import EvseState
from tests.network.charging import Post, home_at, other_home_csp, visited_at
from tests.network.reserving import (
    SITE,
    Sender,
    nothing_is_open,
    outcome,
    own_credential,
    reserve,
)
from tests.networks import until_state

pytestmark = pytest.mark.anyio

S = SessionState


@pytest.fixture
def post(network: Network) -> Post:
    return Post(SITE, "KPF-B-MOABIT-A1", network.member("kurpfalz"))


@pytest.fixture
def sender(network: Network, post: Post) -> Sender:
    return Sender(network.home.context, visited_at(network, post.member), network.demo.driver.contract)


async def test_refusals_at_once(network: Network, post: Post, sender: Sender) -> None:
    now, kind = network.clock.now(), CommandKind.RESERVE_NOW
    foreign = own_credential(network.home.context, network.demo.driver.contract).model_copy(
        update={"country_code": "DE", "party_id": "XYZ"}
    )
    for members, answer, word in (
        ({"evse_uid": "NONE"}, CommandAnswer.REJECTED, "unknown EVSE"),
        ({"expiry": now + timedelta(minutes=31)}, CommandAnswer.REJECTED, "30 minutes"),
        ({"expiry": now - timedelta(minutes=1)}, CommandAnswer.REJECTED, "past"),
        ({"credential": foreign}, CommandAnswer.REJECTED, "not one of yours"),
        ({"site_id": "KPF-MA-HBF", "evse_uid": "KPF-MA-HBF-A1"}, CommandAnswer.NOT_SUPPORTED, "cannot be reserved"),
    ):
        reply = await sender.send(kind, **members)
        assert (reply.answer, word in (reply.message or "")) == (answer, True), reply
    with pytest.raises(Refused) as nowhere:
        await sender.send(kind, site_id="NONE")
    assert nowhere.value.code == "unknown_location"  # 2003
    assert nothing_is_open(network)


async def test_outcomes_of_the_place_replays_and_replacement(network: Network, post: Post, sender: Sender) -> None:
    kind, equipment = CommandKind.RESERVE_NOW, post.member.equipment
    await equipment.plug_in("KPF-B-MOABIT-A2", typical_cars()[0])
    assert await outcome(post, sender, kind, evse_uid="KPF-B-MOABIT-A2") is CommandResult.EVSE_OCCUPIED
    await equipment.suffer("KPF-B-MOABIT-B1", Faults(out_of_order=True))
    assert await outcome(post, sender, kind, evse_uid="KPF-B-MOABIT-B1") is CommandResult.EVSE_INOPERATIVE
    unknown = await outcome(post, sender, CommandKind.CANCEL_RESERVATION, reservation_id="R9")
    assert unknown is CommandResult.UNKNOWN_RESERVATION

    first = sender.command(kind, evse_uid=None)  # any that is free: A1 alone is
    reservations, partner = post.member.platform.commands.reservations, home_at(post.member)
    reply, work = await reservations.accept(partner, first)
    assert work is not None
    await work
    again, nothing = await reservations.accept(partner, first)
    assert (again, nothing) == (reply, None)
    [kept] = _open_at(post)
    assert kept.evse_uid == "KPF-B-MOABIT-A1" and kept.id != "R1"  # rule 20: an id of our own before the station

    overlapping = await sender.send(kind, reservation_id="R2", evse_uid="KPF-B-MOABIT-A2")
    assert (overlapping.answer, "another reservation" in (overlapping.message or "")) == (CommandAnswer.REJECTED, True)
    longer = network.clock.now() + timedelta(minutes=25)
    assert await outcome(post, sender, kind, expiry=longer) is CommandResult.ACCEPTED
    [kept] = _open_at(post)
    assert kept.reservation is not None and kept.reservation.until == longer
    moved = await sender.send(kind, evse_uid="KPF-B-MOABIT-A2")
    assert moved.answer is CommandAnswer.REJECTED


def _open_at(post: Post) -> list[ServiceSession]:
    context = post.member.platform.context
    with context.store.read() as connection:
        return [one.session for one in load_open(connection, context.party)]


async def test_only_the_same_token_or_one_of_its_group_may_start(network: Network, post: Post, sender: Sender) -> None:
    context = network.home.context
    await add_contract(context, "NLEVRC00000001", driver_name="Other", pin="1357")
    mine = own_credential(context, network.demo.driver.contract).model_copy(update={"group_id": "FAMILY"})
    other = own_credential(context, "NLEVRC00000001")
    assert await outcome(post, sender, CommandKind.RESERVE_NOW, credential=mine) is CommandResult.ACCEPTED
    refused = await sender.send(CommandKind.START_SESSION, credential=other)
    assert (refused.answer, refused.message) == (CommandAnswer.REJECTED, "this EVSE is reserved")
    family = other.model_copy(update={"group_id": "FAMILY"})
    assert (await sender.send(CommandKind.START_SESSION, credential=family)).answer is CommandAnswer.ACCEPTED
    await until_state(post.member.equipment, post.evse_uid, EvseState.PREPARING)
    [kept] = _open_at(post)
    assert kept.credential_uid == family.uid


@asynccontextmanager
async def second_home(network: Network, post: Post, data: Path) -> AsyncIterator[Sender]:
    """Another home-CSP, a partner of the same visited-CSO."""
    async with other_home_csp(network, post.member, data) as (home, partner):
        await add_contract(home.context, "NLTWOC00000001", pin="1357")
        yield Sender(home.context, partner, "NLTWOC00000001")


async def test_another_home_csp_neither_replaces_nor_cancels_nor_uses_it(
    network: Network, driver: DriverClient, post: Post, data: Path
) -> None:
    reserved = await reserve(network, driver, post)
    async with second_home(network, post, data) as other:
        id = reserved.session.id
        cancelled = await outcome(post, other, CommandKind.CANCEL_RESERVATION, reservation_id=id)
        assert cancelled is CommandResult.UNKNOWN_RESERVATION
        taken = await outcome(post, other, CommandKind.RESERVE_NOW, reservation_id=id)
        assert taken is CommandResult.EVSE_OCCUPIED
        assert (await other.send(CommandKind.START_SESSION)).answer is CommandAnswer.REJECTED
    assert reserved.session.visited.state is S.RESERVED
