"""What the visited-CSO reports to a clearing house (6.4.2): its SDRs, also those that went peer to peer."""

from sqlalchemy import Connection, select

from core.endpoint.extensions import reconciliations
from core.endpoint.ports import Held
from core.endpoint.reporting import Marks, Reporting
from core.model.clearing.records import SessionRecord
from core.model.clearing.terms import ClearingTerms
from core.model.clearing.verdict import SdrVerdict
from core.model.parties import ObjectKey
from core.model.sdr import Sdr, SdrKind
from core.model.sdr_verdicts import VerdictState, VerdictStep, judged
from core.store.sessions import load
from core.store.tables import sdr as table
from core.visited_cso.context import Context
from core.visited_cso.energy_transfer.record import keep
from core.visited_cso.energy_transfer.sdr import sdr_key


class VisitedWitness:
    """Implements the endpoint's `Witness` for the operator's side."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def record(self, connection: Connection, key: ObjectKey) -> SessionRecord | None:
        """An operator's word on a session is its SDR."""
        return None

    def sdr(self, connection: Connection, key: ObjectKey) -> Held[Sdr] | None:
        """An SDR of ours, originals and credits alike."""
        body = connection.execute(
            select(table.c.body).where(
                table.c.country_code == key.country_code, table.c.party_id == key.party_id, table.c.id == key.id
            )
        ).scalar()
        return None if body is None else Held(self._context.reader.sdr(body), body)

    def all_of(self, connection: Connection, terms: ClearingTerms) -> Marks:
        """Every final SDR of ours that this payer has to pay."""
        party = self._context.party
        rows = connection.execute(
            select(table.c.id, table.c.body).where(
                table.c.country_code == party.country_code,
                table.c.party_id == party.party_id,
                table.c.kind != SdrKind.INTERMEDIATE,
            )
        )
        reader = self._context.reader
        return [
            (reconciliations.SDR, sdr_key(self._context, row.id))
            for row in rows
            if reader.sdr(row.body).payer == terms.debtor
        ]

    def follow(self, connection: Connection, sdr: ObjectKey, step: VerdictStep) -> None:
        """Move the session as a verdict of the home-CSP does."""
        session_id = connection.execute(
            select(table.c.session_id).where(
                table.c.country_code == sdr.country_code, table.c.party_id == sdr.party_id, table.c.id == sdr.id
            )
        ).scalar()
        kept = load(connection, self._context.party, session_id or "")
        if kept is not None and (session := judged(kept.session, step)) is not kept.session:
            keep(connection, self._context, session, kept.partner_id)

    def own_verdict(self, connection: Connection, verdict: SdrVerdict) -> VerdictState | None:
        """An operator does not judge what it bills."""
        return None


def reporting(context: Context) -> Reporting:
    """The visited-CSO's part in reconciliation and settlement."""
    return Reporting(
        endpoint=context.endpoint,
        store=context.store,
        clock=context.clock,
        party=context.party,
        reader=context.reader,
        witness=VisitedWitness(context),
    )
