"""Pre-distribution of credentials (UC4-2): pulled in time, how long a revocation takes, who charges in spite of it."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Connection, select, update

from core.clock import FixedClock
from core.driver_client import DriverClient
from core.endpoint.admin_views import partner_views
from core.endpoint.endpoint import Endpoint
from core.endpoint.revocations import STREAM
from core.home_csp.context import Context
from core.home_csp.contracts import add_contract, block_contract, card_credential
from core.model.clearing.discrepancies import DiscrepancyClass
from core.model.price_list import FeeKind, OwnFee, PriceList
from core.model.sdr_verdicts import VerdictState
from core.network import Member, Network
from core.sdr_lines import sdr_lines
from core.store.engine import Store
from core.store.tables import credential, sdr
from tests.network.charging import Post, free_posts, home_at, receipt_for, visited_at
from tests.networks import MONDAY_MORNING, advance, until

pytestmark = pytest.mark.anyio

CARD, CONTRACT = "04A1A1A1A1A1A1", "NL-EVR-C00000011"


def revoked_unheard(connection: Connection, home: Context) -> None:
    """The home-CSP revokes the card and tells nobody: whoever goes by it has asked."""
    held = card_credential(connection, home, CARD)
    assert held is not None
    revoked = held.model_copy(update={"valid": False, "last_updated": home.clock.now()})
    connection.execute(
        update(credential)
        .where(credential.c.uid == CARD)
        .values(valid=False, last_updated=revoked.last_updated, body=home.writer.credential(revoked))
    )


def taken_after(endpoint: Endpoint, store: Store, partner_id: str) -> list[float]:
    """Seconds that the last revocation took, and the slowest, as `evroam status` shows them; then the watermark."""
    view = next(one for one in partner_views(store, endpoint.partners) if one.id == partner_id)
    if view.revocations is None:
        return []
    last = view.revocations.in_force_at - view.revocations.issued_at
    return [last.total_seconds(), view.revocations.slowest.total_seconds()]


async def test_what_was_revoked_is_pulled_by_the_clock_of_the_platform(data: Path) -> None:
    async with Network.running(data, clock=FixedClock(MONDAY_MORNING)) as network:
        await add_contract(network.home.context, CONTRACT, cards=(CARD,))
        await network.home.endpoint.outbox.settled()
        await network.home.context.store.write(lambda connection: revoked_unheard(connection, network.home.context))
    later = FixedClock(MONDAY_MORNING + timedelta(seconds=90), speed=3000)  # five minutes of it are 0.1 s
    async with Network.running(data, clock=later) as network, asyncio.timeout(60):
        for member in network.members:  # one directly, one through the clearing house
            store, home = member.platform.context.store, home_at(member)
            async for told in store.follow((STREAM,), 0):
                if told.body["credential"] == f"…{CARD[-4:]}":  # the demo has a revoked card of its own
                    break
            assert taken_after(member.platform.endpoint, store, home.id) == [90, 90]
            with store.read() as connection:
                assert connection.execute(select(credential.c.valid).where(credential.c.uid == CARD)).scalar() is False


async def test_a_revocation_is_in_force_at_once_and_a_start_in_spite_of_it_is_held(
    network: Network, driver: DriverClient
) -> None:
    """The list of the operator lags behind; our fees are those of the start (0.35 EUR), not those of today."""
    [post], home = await free_posts(network, driver), network.home.context
    member, card = post.member, network.demo.driver.cards[0]
    contract = network.demo.driver.contract
    store = member.platform.context.store
    await network.home.endpoint.outbox.settled()
    with store.read() as connection:
        before = connection.execute(select(credential).where(credential.c.uid == card)).one()._asdict()

    network.clock.moment += timedelta(seconds=10)  # type: ignore[attr-defined]  # the fixture's fixed clock
    await block_contract(home, contract)
    await network.home.endpoint.outbox.settled()
    partner = visited_at(network, member)
    assert taken_after(member.platform.endpoint, store, home_at(member).id) == [0, 0]
    assert taken_after(network.home.endpoint, home.store, partner.id) == [0, 0]
    await member.platform.synchronise(home_at(member))
    [view] = [one for one in partner_views(home.store, network.home.endpoint.partners) if one.id == partner.id]
    assert view.credentials_read_at is not None
    await block_contract(home, contract)  # again: it was revoked when it was revoked
    assert await tapped(post, card) == "blocked"

    old = update(credential).where(credential.c.uid == card).values(before)
    await store.write(lambda connection: connection.execute(old))
    events = driver.events(0)
    assert await tapped(post, card) == "started"
    await advance(network, minutes=5)
    await member.platform.endpoint.outbox.settled()
    fee = OwnFee(kind=FeeKind.PER_SESSION, amount=Decimal("9.99"))
    home.price_lists = {"EUR": PriceList(id="dearer", currency="EUR", fees=(fee,))}
    assert await tapped(post, card) == "stopped"
    await advance(network, minutes=20)
    found = await until(events, lambda event: event.receipt is not None)
    assert found.receipt is not None and receipt_for(found.receipt.session_id)(found)
    assert [(one.unit_price, one.payee) for one in found.receipt.lines if one.kind == "fee"] == [
        (Decimal("0.35"), home.name)
    ]
    with home.store.read() as connection:
        assert connection.execute(select(sdr.c.verdict)).scalars().all() == ["HELD"]
    await network.home.endpoint.outbox.settled()
    with store.read() as connection:
        [line] = sdr_lines(connection, select(sdr))
    assert (line.told, [one.codes for one in line.steps]) == (VerdictState.DISPUTED, [(DiscrepancyClass.D07,)])


async def tapped(post: Post, card: str) -> str:
    return (await later(post.member).equipment.tap(post.evse_uid, card)).verdict


def later(member: Member) -> Member:
    """The member a second later: two taps at one moment are one."""
    clock = member.platform.context.clock
    assert isinstance(clock, FixedClock)
    clock.moment += timedelta(seconds=1)
    return member
