"""The counters at which members meet reconciliation and settlement: what the two extension modules ask for."""

from typing import Any

from sqlalchemy import Connection, Row

from core.clearing_house import disputes, outcomes
from core.clearing_house.clearing import Clearing, parties_of
from core.clearing_house.control_totals import proof_for, take_totals
from core.clearing_house.intake import take_sdr, take_session
from core.clearing_house.settlement import batch_row, confirm
from core.clearing_house.statements import batches_of, statement_of
from core.clearing_house.verdict_views import verdict_of, verdicts_of
from core.endpoint.exchange import PageRequest
from core.endpoint.extension import Extension
from core.endpoint.extensions.clearing_json import written
from core.endpoint.extensions.reconciliations import reconciling
from core.endpoint.extensions.settlements import settling
from core.endpoint.partner import Partner
from core.endpoint.ports import Held
from core.errors import InvalidInput, NotFound
from core.model.clearing.records import SessionRecord, Witness
from core.model.clearing.statement import Statement
from core.model.clearing.terms import ClearingTerms
from core.model.clearing.totals import ControlTotals
from core.model.clearing.verdict import DisputeAct, DisputeMove, SdrVerdict, VerdictMove
from core.model.clearing.verdicts import Dispute, Outcome
from core.model.parties import ObjectKey, Party
from core.model.sdr import Sdr


def clearing_extensions(clearing: Clearing) -> tuple[Extension, ...]:
    """What the clearing house offers to members that have agreed to it."""
    return reconciling(ReconciliationDesk(clearing)), settling(SettlementDesk(clearing))


class ReconciliationDesk:
    """Implements the `Reconciler` of the module `reconciliations`."""

    def __init__(self, clearing: Clearing) -> None:
        self._clearing = clearing

    def terms(self, parties: frozenset[Party]) -> list[ClearingTerms]:
        """Those of pairs in which one of these parties stands."""
        return [one for pair, one in sorted(self._clearing.terms().items(), key=str) if parties.intersection(pair)]

    async def record(self, record: SessionRecord) -> None:
        """Keep a home-CSP's record."""
        await take_session(self._clearing, Witness.HOME_CSP, record)

    async def sdr(self, partner: Partner, held: Held[Sdr]) -> None:
        """Keep an operator's SDR; the same again changes nothing."""
        await take_sdr(self._clearing, held, partner.id)

    async def totals(self, reporter: Party, totals: ControlTotals) -> tuple[ControlTotals, tuple[str, ...]]:
        """Set totals beside ours."""
        compared = await take_totals(self._clearing, reporter, totals)
        return compared.ours, compared.differences

    def verdicts(self, parties: frozenset[Party], request: PageRequest) -> tuple[list[SdrVerdict], int]:
        """A page of verdicts."""
        with self._clearing.store.read() as connection:
            return verdicts_of(connection, parties, request)

    def verdict(self, key: ObjectKey) -> SdrVerdict:
        """One SDR's."""
        with self._clearing.store.read() as connection:
            return verdict_of(connection, key)

    def proof(self, key: ObjectKey) -> str:
        """That an SDR is among those of its day."""
        with self._clearing.store.read() as connection:
            return written(proof_for(connection, key))

    async def say(self, party: Party, key: ObjectKey, move: VerdictMove) -> None:
        """The payer approves or declines; the operator gives up."""
        if move.outcome is not Outcome.REJECTED:
            await outcomes.say(self._clearing, party, key, move.outcome)
        elif party == key.party:
            await outcomes.give_up(self._clearing, party, key.id)
        else:
            raise InvalidInput("Only the operator gives its claim up; a payer declines.", code="invalid_verdict")

    async def dispute(self, party: Party, key: ObjectKey, move: DisputeMove) -> Dispute:
        """One act of either side."""
        clearing, operator = self._clearing, party == key.party
        match move.act:
            case DisputeAct.OPEN if not operator:
                return await disputes.open_dispute(clearing, party, key, move.text, move.claim)
            case DisputeAct.RESPOND if operator:
                return await disputes.respond(clearing, party, key.id, move.text, move.offer)
            case DisputeAct.ACCEPT if operator:
                return await disputes.concede(clearing, party, key.id)
            case DisputeAct.ACCEPT:
                return await disputes.accept_response(clearing, party, key)
            case DisputeAct.ESCALATE:
                return await disputes.escalate(clearing, party, key)
        raise InvalidInput("The payer opens a dispute and the operator responds.", code="invalid_act")


class SettlementDesk:
    """Implements the `Settler` of the module `settlements`."""

    def __init__(self, clearing: Clearing) -> None:
        self._clearing = clearing

    def statements(self, parties: frozenset[Party], request: PageRequest) -> tuple[list[Statement], int]:
        """A page of statements."""
        with self._clearing.store.read() as connection:
            rows = [row for row in batches_of(connection) if _sides(row) & parties]
            shown = rows[request.offset : request.offset + request.limit]
            return [statement_of(connection, row) for row in shown], len(rows)

    def statement(self, parties: frozenset[Party], batch_id: str) -> Statement:
        """One statement."""
        with self._clearing.store.read() as connection:
            return statement_of(connection, self._row(connection, parties, batch_id))

    async def confirm(self, parties: frozenset[Party], batch_id: str) -> None:
        """Confirm for each side that the sender speaks for."""
        with self._clearing.store.read() as connection:
            sides = _sides(self._row(connection, parties, batch_id)) & parties
        for party in sorted(sides, key=str):
            await confirm(self._clearing, party, batch_id)

    def _row(self, connection: Connection, parties: frozenset[Party], batch_id: str) -> Row[Any]:
        for party in sorted(parties, key=str):
            try:
                return batch_row(connection, party, batch_id)
            except NotFound:
                continue
        raise NotFound(f"There is no batch {batch_id[:80]} of yours.", code="unknown_batch")


def _sides(row: Row[Any]) -> frozenset[Party]:
    debtor = parties_of(row.debtor_country_code, row.debtor_party_id)
    return frozenset({parties_of(row.country_code, row.party_id), debtor})
