"""Settlement over a real store: batches, disputes, netting, payments, statements, and its invariants."""

import asyncio
import csv
import io
import json
import tempfile
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from core.clearing_house import disputes, ledger, outcomes
from core.clearing_house.desks import SettlementDesk
from core.clearing_house.payments import payments_of
from core.clearing_house.reconciliation import reconcile
from core.clearing_house.settlement import batch_row, confirm, funds_failed, funds_received, settle
from core.clearing_house.statement_pdf import statement_pdf
from core.clearing_house.statements import batches_of, statement_csv, statement_of
from core.errors import EvroamError, InvalidInput, NotFound, Refused
from core.model.clearing.batches import BatchState
from core.model.clearing.ledger import balances
from core.model.clearing.statement import Statement
from core.model.clearing.verdicts import DisputeState, Outcome
from core.model.parties import ObjectKey, Party
from core.store.clearing_tables import clearing_sdr, ledger_line, settlement_obligation
from tests.clearing_house.records import HOME, TERMS, VISITED, Books, at, books, credit_json, record, sdr_json

pytestmark = pytest.mark.anyio

BATCH = "DE*VIS-NL*HOM-EUR-2026-03-03"


def key(number: int = 1) -> ObjectKey:
    return ObjectKey(country_code="DE", party_id="VIS", id=f"C{number}")


async def approved(kept: Books, *numbers: int, **members: Any) -> None:
    """Sessions an hour apart, approved by their payer: each 10 kWh, 3.90 net, 4.641 with taxes."""
    for number in numbers:
        start = at(hours=-number * 2)
        await kept.session(record(number, start=start))
        await kept.sdr(sdr_json(number, start=start, **members))
    await reconcile(kept.clearing)
    for number in numbers:
        await outcomes.say(kept.clearing, HOME, key(number), Outcome.APPROVED)


def statement(kept: Books, id: str = BATCH) -> Statement:
    with kept.clearing.store.read() as connection:
        return statement_of(connection, batch_row(connection, VISITED, id))


def states(kept: Books) -> dict[str, BatchState]:
    with kept.clearing.store.read() as connection:
        return {row.id: BatchState(row.state) for row in batches_of(connection)}


async def test_a_batch_from_its_cut_off_to_the_payout(tmp_path: Path) -> None:
    async with books(tmp_path) as kept:
        await approved(kept, 1, 2)
        await settle(kept.clearing)
        assert states(kept) == {BATCH: BatchState.OPEN}
        kept.clock.moment = at(hours=11)  # midnight in Berlin
        await settle(kept.clearing)
        # 3.90 and 4.641 a line, rounded half up at the line: 390 and 464.
        cut = statement(kept)
        assert (cut.state, cut.net, cut.gross, len(cut.lines)) == (BatchState.CALCULATED, 780, 928, 2)
        assert [(one.supplier, one.country, one.base, one.tax) for one in cut.vat] == [(VISITED, "DEU", 780, 148)]
        assert await confirm(kept.clearing, HOME, BATCH) is BatchState.CALCULATED
        assert await confirm(kept.clearing, HOME, BATCH) is BatchState.CALCULATED
        assert await confirm(kept.clearing, VISITED, BATCH) is BatchState.CONFIRMED
        netting = (await settle(kept.clearing)).nettings[0]
        assert states(kept) == {BATCH: BatchState.INSTRUCTED}

        assert await funds_received(kept.clearing, netting, HOME, 900, "bank-1") is None
        with pytest.raises(Refused):
            await funds_received(kept.clearing, netting, HOME, 28, "bank-1")  # the same bank line
        with pytest.raises(Refused):
            await funds_received(kept.clearing, netting, HOME, 29, "bank-2")
        with kept.clearing.store.read() as connection:
            assert [one.settled_units for one in payments_of(connection, netting)] == [900, 0]
        assert await funds_received(kept.clearing, netting, HOME, 28, "bank-2") is BatchState.PAID
        await settle(kept.clearing)
        assert states(kept) == {BATCH: BatchState.CLOSED}
        with kept.clearing.store.read() as connection:
            assert ledger.sums(connection) == {"EUR": 0}
            assert set(balances(ledger.postings(connection)).values()) == {0}
        assert await settle(kept.clearing) == await settle(kept.clearing)


async def test_silence_until_the_deadline_confirms(tmp_path: Path) -> None:
    async with books(tmp_path) as kept:
        await approved(kept, 1)
        kept.clock.moment = at(hours=11)
        await settle(kept.clearing)
        kept.clock.moment = at(days=3, hours=11) - timedelta(seconds=1)
        await settle(kept.clearing)
        assert states(kept) == {BATCH: BatchState.CALCULATED}
        kept.clock.advance(1)
        await settle(kept.clearing)
        assert states(kept) == {BATCH: BatchState.INSTRUCTED}
        with pytest.raises(Refused):
            await confirm(kept.clearing, HOME, BATCH)
        with pytest.raises(NotFound):
            await confirm(kept.clearing, Party.parse("FR*OTH"), BATCH)
        with pytest.raises(InvalidInput):
            await settle(kept.clearing, kept.clock.now().date() + timedelta(days=2))


async def test_a_batch_does_not_change_after_its_cut_and_later_credits_go_into_the_next(tmp_path: Path) -> None:
    async with books(tmp_path) as kept:
        await approved(kept, 1)
        kept.clock.moment = at(hours=11)
        await settle(kept.clearing)
        before = statement(kept)
        credit = json.loads(credit_json(1))
        start = at(hours=-2)
        credit |= {name: json.loads(sdr_json(1, start=start))[name] for name in ("start_date_time", "end_date_time")}
        await kept.sdr(json.dumps(credit))
        run = await reconcile(kept.clearing)
        assert run.approved == ("DE*VIS/C1-C",)
        kept.clock.moment = at(days=1, hours=11)
        await settle(kept.clearing)
        assert statement(kept) == before
        later = statement(kept, "DE*VIS-NL*HOM-EUR-2026-03-04")
        assert [(one.original, one.net, one.gross) for one in later.lines] == [("C1", -390, -464)]
        # A second credit, and the house's own after a dispute, would exceed the original.
        with pytest.raises(Refused):
            await disputes.open_dispute(kept.clearing, HOME, key(1), "again")


async def test_only_the_disputed_sdr_is_held_back_and_what_is_decided_comes_next(tmp_path: Path) -> None:
    async with books(tmp_path) as kept:
        await approved(kept, 1, 2)
        dispute = await disputes.open_dispute(kept.clearing, HOME, key(1), "the car was elsewhere", Decimal("1.95"))
        assert dispute.state is DisputeState.OPEN
        with pytest.raises(Refused):
            await disputes.open_dispute(kept.clearing, HOME, key(1), "twice")
        with pytest.raises(NotFound):
            await disputes.open_dispute(kept.clearing, Party.parse("FR*OTH"), key(2), "not mine")
        kept.clock.moment = at(hours=11)
        await settle(kept.clearing)
        assert [one.id for one in statement(kept).lines] == ["C2"]
        assert statement(kept).held_back == ("C1",)

        await disputes.respond(kept.clearing, VISITED, "C1", "a part", Decimal("0.95"))
        await disputes.accept_response(kept.clearing, HOME, key(1))
        kept.clock.moment = at(days=1, hours=11)
        await settle(kept.clearing)
        # 0.95 of 3.90 net; of 464 gross in proportion 113.03, so 113.
        later = statement(kept, "DE*VIS-NL*HOM-EUR-2026-03-04")
        assert {one.id: (one.net, one.gross) for one in later.lines} == {"C1": (390, 464), "C1-dispute": (-95, -113)}


async def test_a_dispute_without_answer_is_upheld_also_after_its_sdr_was_settled(
    tmp_path: Path,
) -> None:
    async with books(tmp_path) as kept:
        await approved(kept, 1)
        kept.clock.moment = at(hours=11)
        await settle(kept.clearing)
        await disputes.open_dispute(kept.clearing, HOME, key(1), "never there")
        kept.clock.moment = at(days=8)
        run = await settle(kept.clearing)
        assert run.decided == ("DE*VIS/C1",)
        kept.clock.moment = at(days=9)
        await settle(kept.clearing)
        (credit,) = statement(kept, "DE*VIS-NL*HOM-EUR-2026-03-11").lines
        assert (credit.original, credit.net, credit.gross) == ("C1", -390, -464)


async def test_a_credit_beside_one_of_a_dispute_never_exceeds_the_sdr(tmp_path: Path) -> None:
    async with books(tmp_path) as kept:
        await kept.session(record(1))
        await kept.sdr(sdr_json(1))
        await reconcile(kept.clearing)
        await outcomes.say(kept.clearing, HOME, key(1), Outcome.APPROVED)
        await disputes.open_dispute(kept.clearing, HOME, key(1), "too much", Decimal("0.50"))
        await disputes.concede(kept.clearing, VISITED, "C1")
        await kept.sdr(credit_json(1))
        assert (await reconcile(kept.clearing)).approved == ()
        with kept.clearing.store.read() as connection:
            declined = connection.execute(select(clearing_sdr).where(clearing_sdr.c.id == "C1-C")).one()
            owed = connection.execute(select(settlement_obligation.c.net)).scalars().all()
        assert (declined.outcome, declined.outcome_by) == (Outcome.DECLINED, "clearing-house: credit_exceeds")
        assert sorted(owed) == [-50, 390]


async def test_the_payer_declines_and_the_operator_revises_or_gives_up(tmp_path: Path) -> None:
    async with books(tmp_path) as kept:
        for number in (1, 2):
            await kept.session(record(number, start=at(hours=-2 * number)))
            await kept.sdr(sdr_json(number, start=at(hours=-2 * number)))
        await reconcile(kept.clearing)
        for number in (1, 2):
            await outcomes.say(kept.clearing, HOME, key(number), Outcome.DECLINED)
            await outcomes.say(kept.clearing, HOME, key(number), Outcome.DECLINED)
        with pytest.raises(NotFound):
            await outcomes.say(kept.clearing, VISITED, key(1), Outcome.APPROVED)
        with pytest.raises(Refused):
            await outcomes.say(kept.clearing, HOME, key(1), Outcome.APPROVED)
        await kept.sdr(sdr_json(1, start=at(hours=-2), id="C1b"))
        await outcomes.give_up(kept.clearing, VISITED, "C2")
        run = await reconcile(kept.clearing)
        assert {one.key: one.after for one in run.judgements} == {"DE*VIS/C1b": Outcome.ACCEPTED}
        with kept.clearing.store.read() as connection:
            found = dict(connection.execute(select(clearing_sdr.c.id, clearing_sdr.c.outcome)).all())  # type: ignore[arg-type]
        assert found == {"C1": Outcome.REVISED, "C1b": Outcome.ACCEPTED, "C2": Outcome.REJECTED}


async def test_a_held_sdr_is_released_by_a_person(tmp_path: Path) -> None:
    async with books(tmp_path) as kept:
        await kept.sdr(sdr_json(1))
        (one,) = (await reconcile(kept.clearing)).judgements
        assert one.after is Outcome.NEW
        await outcomes.release(kept.clearing, key(1), [one.found[0].kind])
        (one,) = (await reconcile(kept.clearing)).judgements
        assert one.after is Outcome.ACCEPTED
        kept.clock.moment = at(days=3, hours=2)
        assert (await reconcile(kept.clearing)).approved == ("DE*VIS/C1",)


THIRD = Party.parse("FR*OTH")


async def three_parties(kept: Books) -> str:
    """NL*HOM and FR*OTH both owe DE*VIS 464: the netting's id."""
    await kept.clearing.agree(TERMS.model_copy(update={"id": "A2", "debtor": THIRD}))
    await approved(kept, 1)
    token = json.loads(sdr_json(2))["cdr_token"] | {"country_code": "FR", "party_id": "OTH"}
    await kept.sdr(sdr_json(2, start=at(hours=-8), cdr_token=token))
    await kept.session(record(2, start=at(hours=-8), home=THIRD))
    await reconcile(kept.clearing)
    await outcomes.say(kept.clearing, THIRD, key(2), Outcome.APPROVED)
    kept.clock.moment = at(hours=11)
    await settle(kept.clearing)
    kept.clock.moment = at(days=4)
    return (await settle(kept.clearing)).nettings[0]


async def test_creditors_are_paid_in_part_where_a_debtor_fails_and_the_rest_once_it_pays(tmp_path: Path) -> None:
    async with books(tmp_path) as kept:
        netting = await three_parties(kept)
        assert await funds_received(kept.clearing, netting, HOME, 464, "b1") is None
        assert await funds_failed(kept.clearing, netting, THIRD) is BatchState.PARTIAL
        assert set(states(kept).values()) == {BatchState.PARTIAL}
        assert statement(kept).payments[-1].settled_units == 464
        assert await funds_received(kept.clearing, netting, THIRD, 464, "b2") is BatchState.PAID
        with kept.clearing.store.read() as connection:
            assert set(balances(ledger.postings(connection)).values()) == {0}


async def test_a_statement_reads_the_same_as_csv_and_pdf(tmp_path: Path) -> None:
    async with books(tmp_path) as kept:
        await approved(kept, 1, 2, 3)
        await disputes.open_dispute(kept.clearing, HOME, key(3), "=cmd")
        kept.clock.moment = at(hours=11)
        await settle(kept.clearing)
        kept.clock.moment = at(days=4)
        await settle(kept.clearing)
        one = statement(kept)
        rows = list(csv.DictReader(io.StringIO(statement_csv(one))))
        by_kind: dict[str, list[dict[str, str]]] = {}
        for row in rows:
            by_kind.setdefault(row["kind"], []).append(row)
        assert [row["gross"] for row in by_kind["service"]] == ["4.64", "4.64"]
        assert [(row["country"], row["net"], row["tax"]) for row in by_kind["vat"]] == [("DEU", "7.80", "1.48")]
        assert [(row["net"], row["tax"], row["gross"]) for row in by_kind["total"]] == [("7.80", "1.48", "9.28")]
        assert [row["id"] for row in by_kind["held_back"]] == ["C3"]
        assert by_kind["pays"][0]["supplier"] == "NL*HOM"
        assert by_kind["pays"][0]["gross"] == by_kind["is_paid"][0]["gross"] == "9.28"
        paper = statement_pdf(one)
        assert paper.startswith(b"%PDF-")
        assert statement_pdf(one.model_copy(update={"lines": one.lines * 100})).count(b"/Type /Page\n") > 3


steps = st.lists(
    st.one_of(
        st.tuples(st.just("sdr"), st.integers(1, 6), st.integers(0, 3000)),
        st.tuples(st.just("credit"), st.integers(1, 6), st.just(0)),
        st.tuples(st.just("dispute"), st.integers(1, 6), st.integers(1, 999)),
        st.tuples(st.just("answer"), st.integers(1, 6), st.integers(0, 500)),
        st.tuples(st.just("decide"), st.integers(1, 6), st.just(0)),
        st.tuples(st.just("confirm"), st.integers(0, 1), st.integers(0, 2)),
        st.tuples(st.just("settle"), st.just(0), st.just(0)),
        st.tuples(st.just("wait"), st.integers(1, 90), st.just(0)),
    ),
    max_size=25,
)


async def step(kept: Books, what: str, number: int, amount: int) -> None:
    clearing, start = kept.clearing, at(hours=-number * 2)
    match what:
        case "sdr":
            await kept.session(record(number, start=start, kwh=str(amount / 100)))
            await kept.sdr(sdr_json(number, start=start, kwh=amount / 100))
            await reconcile(clearing)
            await outcomes.say(clearing, HOME, key(number), Outcome.APPROVED)
        case "credit":
            with clearing.store.read() as connection:
                original = connection.execute(
                    select(clearing_sdr.c.body).where(clearing_sdr.c.id == f"C{number}")
                ).scalar()
            if original is not None:
                changed = json.loads(original)
                total = {name: -value for name, value in changed["total_cost"].items()}
                back = {"id": f"C{number}-C", "credit": True, "credit_reference_id": f"C{number}", "total_cost": total}
                await kept.sdr(json.dumps({**changed, **back}))
                await reconcile(clearing)
        case "dispute":
            await disputes.open_dispute(clearing, HOME, key(number), "", Decimal(amount) / 100)
        case "answer":
            await disputes.respond(clearing, VISITED, f"C{number}", "", Decimal(amount) / 100 if amount else None)
        case "decide":
            await disputes.accept_response(clearing, HOME, key(number))
        case "confirm":
            batches = sorted(states(kept))
            if amount < len(batches):
                await SettlementDesk(clearing).confirm(frozenset({(VISITED, HOME)[number]}), batches[amount])
        case "settle":
            await settle(clearing)
        case "wait":
            kept.clock.advance(number * 3600)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps)
def test_whatever_happens_each_approved_sdr_is_settled_once_and_every_sum_is_zero(
    taken: list[tuple[str, int, int]],
) -> None:
    async def run(folder: Path) -> None:
        async with books(folder) as kept:
            cut: dict[str, object] = {}
            for one in [*taken, ("wait", 24 * 40, 0), ("settle", 0, 0), ("wait", 24 * 2, 0), ("settle", 0, 0)]:
                with suppress(EvroamError):  # refused, and nothing of it has happened
                    await step(kept, *one)
                for id, state in states(kept).items():
                    if state is not BatchState.OPEN:
                        shown = statement(kept, id)
                        assert cut.setdefault(id, shown.lines) == shown.lines
                        taxes = [(vat.base, vat.tax) for vat in shown.vat]
                        assert tuple(map(sum, zip(*taxes, strict=True))) == (shown.net, shown.gross - shown.net)
                        assert not set(shown.held_back) & {line.id for line in shown.lines}
            with kept.clearing.store.read() as connection:
                assert set(ledger.sums(connection).values()) <= {0}
                done = set(
                    connection.scalars(select(clearing_sdr.c.id).where(clearing_sdr.c.outcome == Outcome.APPROVED))
                )
                rows = connection.execute(select(settlement_obligation)).all()
                gross = sum(
                    connection.scalars(select(ledger_line.c.units).where(ledger_line.c.account == "party/DE*VIS"))
                )
            assert done == {row.id for row in rows} - {row.id for row in rows if row.id.endswith("-dispute")}
            assert all(row.batch_id is not None for row in rows)
            assert gross == sum(row.gross for row in rows)
            for original in (row for row in rows if row.original_id is None):
                credits = [row for row in rows if row.original_id == original.id]
                assert original.net + sum(row.net for row in credits) >= 0
                assert original.gross + sum(row.gross for row in credits) >= 0

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder)))
