"""UC3-9: the SDR, its verdict, and how it is taken back."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import select

from core.driver_messages import SessionView
from core.endpoint.extensions import sdrs
from core.endpoint.ports import Held
from core.errors import NotFound
from core.model.clearing.discrepancies import DiscrepancyClass
from core.model.money import Price
from core.model.parties import ObjectKey, Party
from core.model.receipt import CheckVerdict
from core.model.sdr import Sdr, SdrCost, credit_of
from core.model.sdr_verdicts import VerdictState
from core.model.session import SessionState
from core.store.engine import Store
from core.store.sdr_verdicts import KeptVerdict, load_verdict
from core.store.tables import sdr as sdr_table
from core.visited_cso.sdr_verdicts import correct
from core.walks.conformance.bench import Bench, Post
from core.walks.conformance.check import Check, refused, same
from core.walks.conformance.information import FOREIGN
from core.walks.scenario import Finding


@dataclass(frozen=True)
class Billed:
    """A session that is over and billed; sdr, body: as the visited-CSO keeps it."""

    post: Post
    view: SessionView
    sdr: Sdr
    body: str

    @property
    def key(self) -> ObjectKey:
        """Of the SDR."""
        party = self.sdr.issuer
        return ObjectKey(country_code=party.country_code, party_id=party.party_id, id=self.sdr.id)


async def _billed(bench: Bench) -> Billed:
    post = await bench.post()
    view = await bench.end(post, (await bench.charge(post)).id)
    context, id = post.member.platform.context, bench.at_visited(post, view.id).id
    with context.store.read() as connection:
        body = connection.execute(select(sdr_table.c.body).where(sdr_table.c.session_id == id)).scalar_one()
    return Billed(post, view, context.reader.sdr(body), body)


def _kept(store: Store, billed: Billed) -> list[tuple[str, str]]:
    """Hash and verdict of the SDR where it is kept."""
    query = select(sdr_table.c.content_hash, sdr_table.c.verdict).where(sdr_table.c.id == billed.sdr.id)
    with store.read() as connection:
        return [(row.content_hash, row.verdict) for row in connection.execute(query)]


def _verdict(store: Store, key: ObjectKey) -> KeptVerdict:
    with store.read() as connection:
        kept = load_verdict(connection, key)
    if kept is None:
        raise NotFound("There is no verdict on this SDR.", code="no_verdict")
    return kept


async def _accepted(bench: Bench) -> Sequence[Finding]:
    billed = await _billed(bench)
    post, home = billed.post, bench.network.home.context
    ours, theirs = _kept(home.store, billed), _kept(post.member.platform.context.store, billed)
    receipt = await bench.driver.receipt(billed.view.receipt_id or "")
    verdict = _verdict(post.member.platform.context.store, billed.key)
    states = [bench.at_home(billed.view.id).state, bench.at_visited(post, billed.view.id).state]
    return [
        same("SDRs of one content at both ends", [one[0] for one in theirs], [one[0] for one in ours]),
        same("how many", 1, len(theirs)),
        same("the tariff check of the receipt", CheckVerdict.HOLDS, receipt.tariff_check.verdict),
        same("verdict at the visited-CSO", VerdictState.ACCEPTED, verdict.state),
        same("both sides", [SessionState.RECONCILED] * 2, states),
    ]


async def _submit(bench: Bench, billed: Billed, sdr: Sdr) -> None:
    context = billed.post.member.platform.context
    await context.calls.submit_sdr(bench.home_at(billed.post.member), Held(sdr, context.writer.sdr(sdr)))


async def _resubmitted(bench: Bench) -> Sequence[Finding]:
    billed = await _billed(bench)
    store, total = bench.network.home.context.store, billed.sdr.cost.total
    before = _kept(store, billed)
    context = billed.post.member.platform.context
    await context.calls.submit_sdr(bench.home_at(billed.post.member), Held(billed.sdr, billed.body))
    same_again = _kept(store, billed)
    dearer = Price(before_taxes=total.before_taxes + 1, with_taxes=total.with_taxes and total.with_taxes + 1)
    changed = billed.sdr.model_copy(update={"cost": billed.sdr.cost.model_copy(update={"total": dearer})})
    foreign = billed.sdr.model_copy(update={"issuer": Party.model_validate(FOREIGN), "id": "SOMEBODYS"})
    return [
        same("after the same SDR again", before, same_again),
        await refused("the same id with another total", _submit(bench, billed, changed)),
        await refused("an SDR of another party", _submit(bench, billed, foreign)),
        same("after all of it", before, _kept(store, billed)),
    ]


async def _billed_again(bench: Bench) -> Sequence[Finding]:
    """Another bill for a session that has one: the driver pays the first, and the operator hears why."""
    billed = await _billed(bench)
    before = len((await bench.driver.receipts()).receipts)
    second = billed.sdr.model_copy(update={"id": f"{billed.sdr.id[:30]}-again"})
    await _submit(bench, billed, second)
    await bench.settled()
    key = billed.key.model_copy(update={"id": second.id})
    verdict = _verdict(bench.network.home.context.store, key)
    return [
        same("receipts", before, len((await bench.driver.receipts()).receipts)),
        same(
            "the second bill", (VerdictState.DISPUTED, (DiscrepancyClass.D01,)), (verdict.state, verdict.steps[0].codes)
        ),
        same("the first", VerdictState.ACCEPTED, _verdict(bench.network.home.context.store, billed.key).state),
    ]


async def _credited(bench: Bench) -> Sequence[Finding]:
    """A credit takes the bill back once; one of another sum is disputed."""
    billed = await _billed(bench)
    context = billed.post.member.platform.context
    before = await bench.driver.receipt(billed.view.receipt_id or "")
    right, _ = await context.store.write(lambda connection: correct(connection, context, billed.sdr.id, replace=False))
    await bench.settled()
    after = await bench.driver.receipt(billed.view.receipt_id or "")
    verdict = _verdict(context.store, billed.key.model_copy(update={"id": right.id}))
    other = await _billed(bench)
    odd = credit_of(other.sdr, context.clock.now())
    short = odd.model_copy(update={"cost": SdrCost(total=Price(before_taxes=Decimal("-0.01")))})
    await _submit(bench, other, short)
    wrong = _verdict(bench.network.home.context.store, other.key.model_copy(update={"id": short.id}))
    kept = await bench.driver.receipt(other.view.receipt_id or "")
    return [
        same("a credit of the bill's sum", VerdictState.ACCEPTED, verdict.state),
        same(
            "the receipt taken back before and after it",
            [False, True],
            [one.credited_at is not None for one in (before, after)],
        ),
        same(
            "a credit of another sum",
            (VerdictState.DISPUTED, (DiscrepancyClass.D21,)),
            (wrong.state, wrong.steps[0].codes),
        ),
        same("the receipt after that is taken back", False, kept.credited_at is not None),
    ]


async def _disputed(bench: Bench) -> Sequence[Finding]:
    billed = await _billed(bench)
    store, home = billed.post.member.platform.context.store, bench.network.home.context
    await bench.driver.dispute(billed.view.receipt_id or "", "not mine")
    await bench.settled()
    kept = _verdict(store, billed.key)
    verdict = sdrs.VERDICT.read(kept.body).value
    partner = bench.visited(billed.post.member)
    late = verdict.model_copy(update={"version": 1, "state": VerdictState.REJECTED})
    await sdrs.put_verdict(home.calls, partner, late)
    unknown = verdict.model_copy(update={"sdr": billed.key.model_copy(update={"id": "NEVER-SENT"})})
    return [
        same("verdict at the visited-CSO", VerdictState.DISPUTED, kept.state),
        same("the driver's words stay at home", False, "not mine" in kept.body),
        same("after an older verdict", VerdictState.DISPUTED, _verdict(store, billed.key).state),
        await refused(
            "a verdict on an SDR that nobody sent",
            sdrs.put_verdict(home.calls, partner, unknown),
            "partner_does_not_know",
        ),
    ]


_POST = frozenset({"POST cdrs"})
_VERDICTS = frozenset({"PUT nlevr-sdrs"})

RECORDS = (
    Check(
        "UC3-9", "sdr", "one SDR of one content at both ends, audited, accepted, billed", _accepted, _POST | _VERDICTS
    ),
    Check(
        "UC3-9",
        "sdr_again",
        "the same again is harmless; refused: other content, another party's SDR",
        _resubmitted,
        _POST,
    ),
    Check("UC3-9", "second_bill", "refused: a second bill for one session", _billed_again, _POST),
    Check("UC3-9", "credit", "a credit takes the bill back; one of another sum is disputed", _credited, _POST),
    Check(
        "UC3-9", "dispute", "a dispute reaches the operator; refused: late and unknown verdicts", _disputed, _VERDICTS
    ),
)
"""UC3-9."""
