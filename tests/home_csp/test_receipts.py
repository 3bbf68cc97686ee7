"""From an SDR to the receipt, over the wire: what the driver pays holds whatever the operator claims.

ALP-CH-SESSION-FEE is 0.9251 CHF a session and 0.4810 a kWh with 8.1 % VAT, our fee 0.35 with 21 %. 10 kWh are
(0.9251 + 4.81) × 1.081 = 6.1996431, billed 6.1996 with four decimals, and with 0.4235 of ours 6.6231.
"""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import pytest

from core.clock import FixedClock
from core.driver_client import DriverClient
from core.endpoint.ports import Held
from core.errors import NotFound
from core.model.clearing.discrepancies import DiscrepancyClass
from core.model.meter import ChargingPeriod, Dimension, DimensionKind
from core.model.money import Price
from core.model.parties import ObjectKey
from core.model.receipt import CheckVerdict, Receipt
from core.model.sdr import Sdr, SdrCost, credit_of
from core.model.session import SessionState, change, move
from core.network import Network
from core.store.sdr_verdicts import load_verdict
from core.store.sessions import save
from core.visited_cso.energy_transfer.sdr import sdr_of
from core.visited_cso.sites import load_site
from tests.network.charging import Charging, Post, charge, home_at, sdrs_kept

pytestmark = pytest.mark.anyio

BASEL = ObjectKey(country_code="CH", party_id="ALP", id="ALP-BS-GUNDELDINGEN")
CLAIM = Price(before_taxes=Decimal("5.7351"), with_taxes=Decimal("6.1996"))


@dataclass
class Billing:
    """A session that charges in Basel, and the operator's bill for it."""

    charging: Charging
    driver: DriverClient
    network: Network

    def sdr(self) -> Sdr:
        """The session as if it had charged 10 kWh in half an hour."""
        context = self.charging.post.member.platform.context
        visited = self.charging.visited
        start = visited.started_at
        assert start is not None
        hours, kwh = Decimal("0.5"), Decimal(10)
        dimensions = (
            Dimension(kind=DimensionKind.ENERGY, volume=kwh),
            Dimension(kind=DimensionKind.TIME, volume=hours),
        )
        ended = change(
            visited,
            energy=kwh,
            periods=(ChargingPeriod(start=start, dimensions=dimensions),),
            ended_at=start + timedelta(minutes=30),
            last_word_at=start + timedelta(minutes=30),
        )
        with context.store.read() as connection:
            return sdr_of(ended, load_site(connection, context, visited.site_id) or pytest.fail(), context.clock.now())

    async def submit(self, sdr: Sdr) -> None:
        """The operator sends the bill."""
        member = self.charging.post.member
        context = member.platform.context
        await context.calls.submit_sdr(home_at(member), Held(sdr, context.writer.sdr(sdr)))

    async def receipt(self) -> Receipt:
        """What the driver reads."""
        view = await self.driver.session(self.charging.id)
        return await self.driver.receipt(view.receipt_id or "")

    def codes(self, id: str) -> tuple[DiscrepancyClass, ...]:
        """Why a bill was not accepted at once."""
        issuer = self.sdr().issuer
        key = ObjectKey(country_code=issuer.country_code, party_id=issuer.party_id, id=id)
        with self.network.home.context.store.read() as connection:
            kept = load_verdict(connection, key)
        assert kept is not None
        return kept.steps[-1].codes

    def verdicts(self) -> list[tuple[str, bool]]:
        """What the home-CSP thinks of each bill, and whether there is a receipt."""
        return [(verdict, receipted) for verdict, _, receipted in sdrs_kept(self.network.home.context.store)]


@pytest.fixture
async def billing(network: Network, driver: DriverClient) -> Billing:
    member = network.member("alpenstrom")
    evse = next(one for one in (await driver.site(BASEL)).evses if one.startable)
    return Billing(await charge(network, driver, Post(BASEL, evse.uid, member)), driver, network)


async def test_a_bill_that_fits_becomes_a_receipt_to_the_cent(billing: Billing) -> None:
    sdr = billing.sdr()
    assert sdr.cost.total == CLAIM
    await billing.submit(sdr)
    receipt = await billing.receipt()
    assert (receipt.total, receipt.net, receipt.currency) == (Decimal("6.62"), Decimal("6.09"), "CHF")
    assert [(one.vat_percent, one.base, one.amount) for one in receipt.taxes] == [
        (Decimal("8.1"), Decimal("5.74"), Decimal("0.46")),
        (Decimal(21), Decimal("0.35"), Decimal("0.07")),
    ]
    assert [(one.kind, one.payee, one.gross) for one in receipt.lines] == [
        ("session", receipt.operator.name, Decimal("0.9251") * Decimal("1.081")),
        ("energy", receipt.operator.name, Decimal("4.81") * Decimal("1.081")),
        ("fee", receipt.home.name, Decimal("0.4235")),
    ]
    assert receipt.operator_claim == Decimal("6.1996")
    assert (receipt.quote_check.verdict, receipt.tariff_check.verdict) == (CheckVerdict.HOLDS, CheckVerdict.HOLDS)
    assert billing.verdicts() == [("ACCEPTED", True)]


async def test_a_bill_in_another_currency_is_held_and_the_driver_pays_what_was_quoted(billing: Billing) -> None:
    sdr = billing.sdr()
    wrong = {"currency": "EUR", "total_energy": sdr.total_energy + 1, "total_time": sdr.total_time + 1}
    await billing.submit(sdr.model_copy(update=wrong))
    assert billing.codes(sdr.id) == (DiscrepancyClass.D08, DiscrepancyClass.D09, DiscrepancyClass.D15)
    receipt = await billing.receipt()
    assert (receipt.total, receipt.currency, receipt.operator_claim) == (Decimal("6.62"), "CHF", None)
    assert (receipt.tariff_check.verdict, receipt.tariff_check.code) == (CheckVerdict.DIFFERS, "currency")
    assert billing.verdicts() == [("HELD", True)]


async def test_a_tariff_that_was_raised_after_the_consent_does_not_count(billing: Billing) -> None:
    sdr = billing.sdr()
    [tariff] = sdr.tariffs
    [element] = tariff.elements
    doubled = tuple(one.model_copy(update={"price": one.price * 2}) for one in element.components)
    raised = tariff.model_copy(
        update={"id": "ALP-RAISED", "elements": (element.model_copy(update={"components": doubled}),)}
    )
    periods = tuple(one.model_copy(update={"tariff_id": raised.id}) for one in sdr.periods)
    twice = Price(before_taxes=CLAIM.before_taxes * 2, with_taxes=Decimal("12.3993"))
    bill = {"tariffs": (raised,), "periods": periods, "cost": SdrCost(total=twice)}
    await billing.submit(sdr.model_copy(update=bill))
    receipt = await billing.receipt()
    assert (receipt.total, receipt.operator_claim) == (Decimal("6.62"), Decimal("12.3993"))
    assert receipt.tariff_check.verdict is CheckVerdict.DIFFERS
    assert billing.verdicts() == [("HELD", True)]


async def test_a_session_is_billed_once_unless_its_bill_is_taken_back(billing: Billing) -> None:
    first = billing.sdr()
    await billing.submit(first)
    receipt = await billing.receipt()
    await billing.submit(first.model_copy(update={"id": "second"}))
    assert await billing.receipt() == receipt
    assert sorted(billing.verdicts()) == [("ACCEPTED", True), ("HELD", False)]

    await billing.submit(credit_of(first, first.last_updated, "credit"))
    await billing.submit(first.model_copy(update={"id": "third", "last_updated": first.last_updated}))
    assert sum(receipted for _, receipted in billing.verdicts()) == 2


async def test_a_receipt_is_for_the_contract_of_the_session_whatever_the_bill_names(billing: Billing) -> None:
    sdr = billing.sdr()
    other = sdr.credential.model_copy(update={"contract_id": "NL-EVR-C00000002"})
    await billing.submit(sdr.model_copy(update={"credential": other}))
    assert (await billing.receipt()).total == Decimal("6.62")


async def test_a_bill_whose_periods_run_backwards_waits_for_a_person(billing: Billing) -> None:
    sdr = billing.sdr()
    [period] = sdr.periods
    earlier = period.model_copy(update={"start": sdr.end + timedelta(hours=1)})
    await billing.submit(sdr.model_copy(update={"periods": (earlier, period)}))
    receipt = await billing.receipt()
    assert receipt.tariff_check.verdict is CheckVerdict.NOT_CHECKED
    assert billing.verdicts() == [("HELD", True)]


async def test_who_was_told_that_nothing_was_started_gets_no_receipt(billing: Billing) -> None:
    home, session = billing.network.home.context, billing.charging.home
    rejected = move(
        change(session, state=SessionState.AUTHORISING),
        SessionState.REJECTED,
        at=home.clock.now(),
        actor="operator",
        reason="not_started",
    )
    partner = billing.network.home.context.visited_csos()
    theirs = next(one for one in partner if one.speaks_for(session.visited))
    await home.store.write(
        lambda connection: save(connection, home.party, rejected, partner_id=theirs.id, at=home.clock.now())
    )
    await billing.submit(billing.sdr())
    assert billing.verdicts() == [("HELD", False)]
    assert (await billing.driver.receipts()).receipts == ()


async def test_a_bill_after_the_deadline_waits_for_a_person_and_nobody_reads_the_receipt_of_another(
    billing: Billing, network: Network
) -> None:
    """30 days, as agreed where nothing else is said; what takes the bill's place later is no late one."""
    assert isinstance(network.clock, FixedClock)
    late = billing.sdr()
    network.clock.moment = late.end + timedelta(days=30, seconds=1)
    await billing.submit(late)
    receipt = await billing.receipt()
    assert (billing.verdicts(), receipt.total) == ([("HELD", True)], Decimal("6.62"))
    assert billing.codes(late.id) == (DiscrepancyClass.D04,)
    await billing.submit(credit_of(late, late.last_updated, "credit"))
    await billing.submit(late.model_copy(update={"id": "second"}))
    assert billing.codes("second") == ()
    with pytest.raises(NotFound):
        await billing.driver.receipt(receipt.sdr_id)  # the operator's number alone is no key
    with pytest.raises(NotFound):
        await billing.driver.receipt("DEKPF-" + receipt.sdr_id)
