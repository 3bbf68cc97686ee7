"""UC3-9: a verdict on every SDR, and what follows from it: dispute, credit, replacement."""

from decimal import Decimal

import pytest
from sqlalchemy import select

from core.driver_client import DriverClient
from core.endpoint.extensions import sdrs
from core.endpoint.ports import Held
from core.errors import NotFound, Refused
from core.home_csp.sdr_verdicts import decide
from core.model.clearing.discrepancies import DiscrepancyClass
from core.model.money import Price
from core.model.parties import ObjectKey
from core.model.receipt import Receipt
from core.model.sdr import Sdr, SdrCost, credit_of
from core.model.sdr_verdicts import SdrVerdict, VerdictState
from core.model.services import PLAIN
from core.model.session import SessionState
from core.network import Network
from core.store.sdr_verdicts import KeptVerdict, load_verdict
from core.store.tables import sdr as sdr_table
from core.visited_cso.energy_transfer.sdr import sdr_of
from core.visited_cso.sdr_verdicts import correct
from core.visited_cso.sites import load_site
from tests.network.charging import Charging, agree, charge, free_posts, home_at, overcharge, told, visited_at
from tests.networks import until

pytestmark = pytest.mark.anyio


async def ended(network: Network, driver: DriverClient) -> tuple[Charging, Receipt]:
    """A session that is over, its bill, and the verdict on it known at both sides."""
    [post] = await free_posts(network, driver)
    charging = await charge(network, driver, post)
    receipt = await charging.end()
    await told(charging)
    return charging, receipt


async def submitted(charging: Charging) -> None:
    """Whatever the visited-CSO has to send has arrived, and the answer to it."""
    platform = charging.post.member.platform
    await platform.context.store.write(lambda connection: None)
    platform.endpoint.outbox.wake()
    await platform.endpoint.outbox.settled()
    await told(charging)


def bill_of(charging: Charging) -> ObjectKey:
    party = charging.post.member.platform.context.party
    return ObjectKey(country_code=party.country_code, party_id=party.party_id, id=charging.visited.id)


def at_visited(charging: Charging, sdr: ObjectKey) -> KeptVerdict:
    with charging.post.member.platform.context.store.read() as connection:
        kept = load_verdict(connection, sdr)
    assert kept is not None
    return kept


@pytest.fixture
def overcharging(monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator whose billing doubles what its own tariff says; what it bills anew is right."""
    overcharge(monkeypatch)


async def test_a_right_bill_is_accepted_and_both_sides_are_reconciled(network: Network, driver: DriverClient) -> None:
    charging, _ = await ended(network, driver)
    kept = at_visited(charging, bill_of(charging))
    assert (kept.state, kept.version, kept.steps[0].codes) == (VerdictState.ACCEPTED, 1, ())
    assert (charging.home.state, charging.visited.state) == (SessionState.RECONCILED, SessionState.RECONCILED)


async def test_a_wrong_bill_is_disputed_taken_back_and_billed_anew(
    network: Network, driver: DriverClient, overcharging: None
) -> None:
    """The driver never pays the wrong bill: both receipts are priced by the frozen tariff, and only one counts."""
    charging, first = await ended(network, driver)
    bill = bill_of(charging)
    kept = at_visited(charging, bill)
    assert (kept.state, kept.steps[0].codes) == (VerdictState.DISPUTED, (DiscrepancyClass.D13,))
    assert (charging.home.state, charging.visited.state) == (SessionState.DISPUTED, SessionState.DISPUTED)

    context = charging.post.member.platform.context
    credit, anew = await context.store.write(lambda connection: correct(connection, context, bill.id, replace=True))
    assert anew is not None and credit.cost.total.before_taxes == -2 * anew.cost.total.before_taxes
    with pytest.raises(Refused) as again:
        await context.store.write(lambda connection: correct(connection, context, bill.id, replace=True))
    assert again.value.code == "credited_already"
    with pytest.raises(NotFound):
        await context.store.write(lambda connection: correct(connection, context, "nothing", replace=False))
    await submitted(charging)

    assert at_visited(charging, bill.model_copy(update={"id": credit.id})).state is VerdictState.ACCEPTED
    assert at_visited(charging, bill.model_copy(update={"id": anew.id})).state is VerdictState.ACCEPTED
    assert (charging.home.state, charging.visited.state) == (SessionState.RECONCILED, SessionState.RECONCILED)
    history = await driver.receipts()
    receipts = {one.id: await driver.receipt(one.id) for one in history.receipts}
    taken_back = receipts.pop(first.id)
    [second] = receipts.values()
    assert taken_back.credited_at is not None and taken_back.replaced_by == second.number
    assert second.credited_at is None and second.total == first.total
    assert [total.amount for _, _, total in history.months] == [second.total]
    view = await driver.session(charging.id)
    assert view.receipt_id == second.id


async def test_a_new_bill_that_overtakes_its_credit_is_taken_once_the_credit_is_there(
    network: Network, driver: DriverClient, overcharging: None
) -> None:
    charging, first = await ended(network, driver)
    bill, context, home = bill_of(charging), charging.post.member.platform.context, network.home.context
    with context.store.read() as connection:
        body = connection.execute(select(sdr_table.c.body).where(sdr_table.c.id == bill.id)).scalar_one()
        site = load_site(connection, context, charging.visited.site_id)
    now = context.clock.now()
    credit = credit_of(context.reader.sdr(body), now)
    anew = sdr_of(charging.visited, site, now).model_copy(update={"id": "anew"})

    async def arrives(sdr: Sdr) -> list[VerdictState]:
        await context.calls.submit_sdr(home_at(charging.post.member), Held(sdr, context.writer.sdr(sdr)))
        with home.store.read() as connection:
            kept = load_verdict(connection, bill.model_copy(update={"id": "anew"}))
        assert kept is not None
        return [step.state for step in kept.steps]

    assert await arrives(anew) == [VerdictState.DISPUTED]
    assert len((await driver.receipts()).receipts) == 1  # nobody pays twice meanwhile
    for _ in range(2):  # the same again changes nothing
        assert await arrives(credit) == [VerdictState.DISPUTED, VerdictState.ACCEPTED]
        receipts = {one.id: await driver.receipt(one.id) for one in (await driver.receipts()).receipts}
        taken_back = receipts.pop(first.id)
        [second] = receipts.values()
        assert taken_back.credited_at is not None and taken_back.replaced_by == second.number
        assert charging.home.state is SessionState.RECONCILED


async def test_a_credit_that_fits_no_bill_is_disputed(network: Network, driver: DriverClient) -> None:
    charging, receipt = await ended(network, driver)
    context = charging.post.member.platform.context
    with context.store.read() as connection:
        body = connection.execute(select(sdr_table.c.body).where(sdr_table.c.id == bill_of(charging).id)).scalar_one()
    credit = credit_of(context.reader.sdr(body), context.clock.now())
    short = credit.model_copy(update={"cost": SdrCost(total=Price(before_taxes=Decimal("-0.01")))})
    await context.calls.submit_sdr(home_at(charging.post.member), Held(short, context.writer.sdr(short)))
    with network.home.context.store.read() as connection:
        kept = load_verdict(connection, bill_of(charging).model_copy(update={"id": credit.id}))
    assert kept is not None and kept.steps[0].codes == (DiscrepancyClass.D21,)
    assert (await driver.receipt(receipt.id)).credited_at is None

    right = credit.model_copy(update={"id": "the-right-credit"})  # the wrong one does not stand in its way
    await context.calls.submit_sdr(home_at(charging.post.member), Held(right, context.writer.sdr(right)))
    assert (await driver.receipt(receipt.id)).credited_at is not None


async def test_a_person_decides_and_the_operator_learns_why(
    network: Network, driver: DriverClient, overcharging: None
) -> None:
    charging, _ = await ended(network, driver)
    bill, home = bill_of(charging), network.home.context

    async def say(state: VerdictState, *codes: DiscrepancyClass) -> SdrVerdict:
        return await home.store.write(
            lambda connection: decide(connection, home, bill, state, agent="Ada", codes=codes, note="seen")
        )

    rejected = await say(VerdictState.REJECTED, DiscrepancyClass.D13)
    assert rejected.version == 2
    with pytest.raises(Refused) as stands:
        await say(VerdictState.REJECTED, DiscrepancyClass.D13)
    assert stands.value.code == "verdict_stands"
    await told(charging)
    kept = at_visited(charging, bill)
    assert (kept.state, kept.steps[-1].note) == (VerdictState.REJECTED, "seen")
    assert charging.visited.state is SessionState.DISPUTED

    await say(VerdictState.ACCEPTED)
    await told(charging)
    assert (charging.home.state, charging.visited.state) == (SessionState.RECONCILED, SessionState.RECONCILED)


async def test_the_driver_disputes_a_bill_once_and_what_she_writes_stays_at_home(
    network: Network, driver: DriverClient
) -> None:
    charging, receipt = await ended(network, driver)
    disputed = await driver.dispute(receipt.id, "I never parked there")
    assert disputed.disputed_at is not None and disputed.total == receipt.total
    with pytest.raises(Refused):
        await driver.dispute(receipt.id)
    with pytest.raises(NotFound):
        await driver.dispute("somebody-elses")
    changed = await until(charging.events, lambda event: event.receipt is not None and event.receipt.disputed_at)
    assert changed.receipt is not None and changed.receipt.id == receipt.id
    await told(charging)
    kept = at_visited(charging, bill_of(charging))
    assert kept.state is VerdictState.DISPUTED and kept.steps[-1].by_driver
    assert "parked" not in kept.body
    assert charging.visited.state is SessionState.RECONCILED  # a late dispute reopens nothing


async def test_what_the_wire_refuses_repeats_and_repairs(network: Network, driver: DriverClient) -> None:
    charging, _ = await ended(network, driver)
    home, member = network.home.context, charging.post.member
    partner, bill = visited_at(network, member), bill_of(charging)
    kept = at_visited(charging, bill)
    verdict = sdrs.VERDICT.read(kept.body).value
    await sdrs.put_verdict(home.calls, partner, verdict)  # again
    late = verdict.model_copy(update={"version": 1, "state": VerdictState.REJECTED})
    await sdrs.put_verdict(home.calls, partner, late)
    assert at_visited(charging, bill).state is VerdictState.ACCEPTED
    for sdr in (bill.model_copy(update={"id": "never-sent"}), bill.model_copy(update={"country_code": "FR"})):
        with pytest.raises(NotFound):
            await sdrs.put_verdict(home.calls, partner, verdict.model_copy(update={"sdr": sdr}))

    theirs = home_at(member)
    await member.platform.endpoint.partners.suspend(theirs.id)
    await home.store.write(
        lambda connection: decide(
            connection, home, bill, VerdictState.REJECTED, agent="Ada", codes=(DiscrepancyClass.D08,)
        )
    )
    await member.platform.endpoint.partners.resume(theirs.id)
    await member.platform.endpoint.synchronisation.pull(theirs)
    assert at_visited(charging, bill).state is VerdictState.REJECTED


async def test_a_partner_on_plain_ocpi_hears_nothing(network: Network, driver: DriverClient) -> None:
    [post] = await free_posts(network, driver)
    await agree(network, post.member, PLAIN)
    charging = await charge(network, driver, post)
    await charging.end()
    await told(charging)
    assert charging.home.state is SessionState.RECONCILED
    with post.member.platform.context.store.read() as connection:
        assert load_verdict(connection, bill_of(charging)) is None
    assert charging.visited.state is SessionState.RECORDED
