"""What the admin API of a clearing house has for reconciliation and settlement."""

from collections import Counter
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection, Row
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core import clearing_messages as messages
from core.clearing_house import disputes, outcomes
from core.clearing_house.clearing import Clearing, parties_of
from core.clearing_house.control_totals import all_totals
from core.clearing_house.ledger import postings
from core.clearing_house.payments import payments_of
from core.clearing_house.reconciliation import Reconciliation, reconcile
from core.clearing_house.settlement import funds_failed, funds_received, settle
from core.clearing_house.statements import batches_of, statement_of
from core.clearing_house.verdict_views import verdict_of
from core.errors import InvalidInput, NotFound
from core.json_api import answered, json_answer, path_id, read_body
from core.model.clearing.batches import BatchState
from core.model.clearing.discrepancies import Severity
from core.model.clearing.ledger import balances
from core.model.clearing.minor_units import decimals_of, to_minor
from core.model.clearing.statement import NettedPayment
from core.model.clearing.terms import ClearingTerms

_DAYS_OF_TOTALS = 2
"""Without a day, totals are told of today and yesterday."""
_PERSON = "administrator"


def clearing_routes(clearing: Clearing) -> list[Route]:
    """The routes, to be mounted with those of every role."""
    desk = _Desk(clearing)
    return [
        Route("/clearing/terms", answered(desk.terms)),
        Route("/clearing/terms", answered(desk.agree), methods=["POST"]),
        Route("/clearing/reconcile", answered(desk.reconcile), methods=["POST"]),
        Route("/clearing/release", answered(desk.release), methods=["POST"]),
        Route("/clearing/rule", answered(desk.rule), methods=["POST"]),
        Route("/clearing/settle", answered(desk.settle), methods=["POST"]),
        Route("/clearing/funds", answered(desk.funds), methods=["POST"]),
        Route("/clearing/failed", answered(desk.failed), methods=["POST"]),
        Route("/clearing/batches/{id}", answered(desk.statement)),
    ]


class _Desk:
    def __init__(self, clearing: Clearing) -> None:
        self._clearing = clearing
        self._store = clearing.store

    async def terms(self, _request: Request) -> Response:
        return json_answer(messages.TermsList(terms=tuple(self._clearing.terms().values())))

    async def agree(self, request: Request) -> Response:
        wanted = await read_body(request, ClearingTerms)
        if wanted.creditor == wanted.debtor:
            raise InvalidInput("An agreement is between two parties.", code="one_party")
        await self._clearing.agree(wanted)
        return json_answer(wanted, 201)

    async def reconcile(self, request: Request) -> Response:
        wanted = await read_body(request, messages.ReconcileRequest)
        run = await reconcile(self._clearing, wanted.day)
        today = self._clearing.clock.now().date()
        days = [wanted.day] if wanted.day else [today - timedelta(days=back) for back in range(_DAYS_OF_TOTALS)]
        totals = await self._store.read_async(lambda connection: _totals(connection, days))
        return json_answer(_report(run, totals))

    async def release(self, request: Request) -> Response:
        key = (await read_body(request, messages.ReleaseRequest)).sdr
        with self._store.read() as connection:
            found = verdict_of(connection, key).discrepancies
        kinds = [one.kind for one in found if one.severity is Severity.HOLD]
        await outcomes.release(self._clearing, key, kinds)
        return json_answer(messages.Released(sdr=key, kinds=tuple(kinds)))

    async def rule(self, request: Request) -> Response:
        wanted = await read_body(request, messages.RuleRequest)
        dispute = await disputes.rule(self._clearing, wanted.sdr, wanted.state, _PERSON, wanted.part)
        return json_answer(messages.RuledDispute(sdr=wanted.sdr, dispute=dispute))

    async def settle(self, request: Request) -> Response:
        wanted = await read_body(request, messages.SettleRequest)
        run = await settle(self._clearing, wanted.cut_off)
        moved = tuple(messages.BatchStep(batch=id, state=state) for id, state in run.moved)
        ids = {one.batch for one in moved}

        def read(connection: Connection) -> messages.SettleReport:
            rows = [row for row in batches_of(connection) if row.state != BatchState.CLOSED or row.id in ids]
            nettings = sorted({row.netting_id for row in rows if row.netting_id is not None})
            return messages.SettleReport(
                approved=run.approved,
                decided=run.decided,
                moved=moved,
                batches=tuple(statement_of(connection, row).model_copy(update={"lines": ()}) for row in rows),
                payments=tuple(_view(one) for id in nettings for one in payments_of(connection, id)),
                balances=tuple(
                    messages.Balance(account=account, currency=currency, units=units)
                    for (account, currency), units in sorted(balances(postings(connection)).items())
                ),
            )

        return json_answer(await self._store.read_async(read))

    async def funds(self, request: Request) -> Response:
        wanted = await read_body(request, messages.FundsRequest)
        with self._store.read() as connection:
            known = payments_of(connection, wanted.netting_id)
        if not known:
            raise NotFound(f"There is no netting {wanted.netting_id}.", code="unknown_netting")
        currency = known[0].currency
        if wanted.amount != round(wanted.amount, decimals_of(currency)):
            raise InvalidInput(f"{wanted.amount} has more decimals than {currency} has.", code="invalid_amount")
        units = to_minor(wanted.amount, currency)
        state = await funds_received(self._clearing, wanted.netting_id, wanted.party, units, wanted.reference)
        return self._funds_view(wanted.netting_id, state)

    async def failed(self, request: Request) -> Response:
        wanted = await read_body(request, messages.FailedRequest)
        state = await funds_failed(self._clearing, wanted.netting_id, wanted.party)
        return self._funds_view(wanted.netting_id, state)

    async def statement(self, request: Request) -> Response:
        id = path_id(request)
        with self._store.read() as connection:
            row = next((one for one in batches_of(connection) if one.id == id), None)
            if row is None:
                raise NotFound(f"There is no batch {id[:80]}.", code="unknown_batch")
            return json_answer(statement_of(connection, row))

    def _funds_view(self, netting_id: str, state: BatchState | None) -> Response:
        with self._store.read() as connection:
            payments = tuple(map(_view, payments_of(connection, netting_id)))
        return json_answer(messages.FundsView(netting_id=netting_id, state=state, payments=payments))


def _report(run: Reconciliation, totals: tuple[messages.ComparedTotals, ...]) -> messages.ReconcileReport:
    told = [one for one in run.judgements if one.found or one.remarks]
    return messages.ReconcileReport(
        judged=len(run.judgements),
        matched=dict(Counter(one.rule for one in run.judgements if one.rule is not None)),
        outcomes=dict(Counter(one.after for one in run.judgements)),
        sdrs=tuple(
            messages.JudgedSdr(sdr=one.key, outcome=one.after, discrepancies=one.found, remarks=one.remarks)
            for one in told[: messages.MOST_SHOWN]
        ),
        missing=tuple(
            messages.MissingSdr(session=one.key, discrepancy=one.found) for one in run.missing[: messages.MOST_SHOWN]
        ),
        missing_count=len(run.missing),
        approved=run.approved,
        totals=totals,
    )


def _totals(connection: Connection, days: list[date]) -> tuple[messages.ComparedTotals, ...]:
    return tuple(
        messages.ComparedTotals(totals=one.ours, reported_by=one.reported_by, differences=one.differences)
        for day in sorted(days)
        for one in all_totals(connection, day)
    )


def _view(row: Row[Any]) -> NettedPayment:
    return NettedPayment(
        netting_id=row.netting_id,
        party=parties_of(row.country_code, row.party_id),
        currency=row.currency,
        units=row.units,
        settled_units=row.settled_units,
        state=row.state,
    )
