"""What home-CSPs say of our SDRs (UC3-9), and how one is corrected: by a credit SDR and, where money is due, a new one.

An SDR is never changed. A credit copies it and negates the total alone; what replaces it is priced anew from the
session's own record under the tariffs frozen at its start.
"""

from uuid import uuid4

import structlog
from sqlalchemy import ColumnElement, Connection, exists, select, update

from core.endpoint.extensions import sdrs
from core.endpoint.partner import Partner
from core.endpoint.ports import Held
from core.errors import NotFound, Refused
from core.model.sdr import Sdr, SdrKind, credit_of
from core.model.sdr_verdicts import SdrVerdict, VerdictStep, judged
from core.model.session import SessionState, move
from core.store.engine import append_event
from core.store.sdr_verdicts import load_verdict, newest_of, save_verdict
from core.store.sessions import load
from core.store.tables import sdr as table
from core.visited_cso.context import Context
from core.visited_cso.energy_transfer.record import keep
from core.visited_cso.energy_transfer.sdr import keep_sdr, sdr_key, sdr_of
from core.visited_cso.sites import load_site

log = structlog.get_logger(__name__)


class VerdictReceiver:
    """Implements the endpoint's VerdictReceiver."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def verdict(self, partner: Partner, verdict: SdrVerdict) -> None:
        """Keep a verdict; an older or the same one changes nothing. Raises NotFound."""
        await self._context.store.write(lambda connection: self._keep(connection, partner, verdict))

    async def repair(self, partner: Partner) -> None:
        """Ask for the verdicts that we missed."""
        with self._context.store.read() as connection:
            since = newest_of(connection, partner.id)
        async for held in sdrs.pull_verdicts(self._context.calls, partner, since):
            try:
                await self.verdict(partner, held.value)
            except NotFound as error:
                log.warning("verdict_not_taken", partner=partner.id, reason=error.message)

    def _keep(self, connection: Connection, partner: Partner, verdict: SdrVerdict) -> None:
        context = self._context
        row = connection.execute(
            select(table.c.session_id).where(*_is(context, verdict.sdr.id), table.c.partner_id == partner.id)
        ).first()
        if row is None or verdict.sdr.party != context.party:
            raise NotFound("We have sent you no such SDR.", code="unknown_sdr")
        before = load_verdict(connection, verdict.sdr)
        if before is not None and before.version >= verdict.version:
            return
        now = context.clock.now()
        step = VerdictStep(
            state=verdict.state,
            at=verdict.last_updated,
            actor=str(partner.roles[0].party) if partner.roles else partner.name,
            codes=verdict.codes,
            by_driver=verdict.by_driver,
            note=verdict.note,
        )
        body = sdrs.VERDICT.write(verdict)
        save_verdict(connection, verdict, step, body, before=before, partner_id=partner.id)
        connection.execute(update(table).where(*_is(context, verdict.sdr.id)).values(verdict=verdict.state))
        append_event(connection, stream=f"sdr/{verdict.sdr.id}", kind="verdict", at=now, body=verdict)
        kept = load(connection, context.party, row.session_id or "")
        if kept is not None and (session := judged(kept.session, step)) is not kept.session:
            keep(connection, context, session, kept.partner_id)


def correct(connection: Connection, context: Context, sdr_id: str, *, replace: bool) -> tuple[Sdr, Sdr | None]:
    """Take an SDR back; with `replace`, bill the session anew. Returns the credit SDR and what replaces the original.

    Raises NotFound; Refused: credited_already, credit_of_credit; EvroamError where the session cannot be billed.
    """
    row = connection.execute(select(table).where(*_is(context, sdr_id))).first()
    if row is None:
        raise NotFound("There is no such SDR.", code="unknown_sdr")
    original = context.reader.sdr(row.body)
    taken_back = exists().where(
        table.c.country_code == context.party.country_code,
        table.c.party_id == context.party.party_id,
        table.c.references_id == original.id,
        table.c.kind == SdrKind.CREDIT,
    )
    if connection.execute(select(taken_back)).scalar():
        raise Refused("This SDR is taken back already.", code="credited_already")
    now = context.clock.now()
    credit = credit_of(original, now)
    _submit(connection, context, credit, row.partner_id)
    if not replace:
        _write_off(connection, context, row.session_id)
        return credit, None
    kept = load(connection, context.party, row.session_id or "")
    if kept is None:
        raise NotFound("The session of this SDR is not known any more.", code="unknown_session")
    anew = sdr_of(kept.session, load_site(connection, context, kept.session.site_id), now)
    anew = anew.model_copy(update={"id": str(uuid4()), "kind": SdrKind.REPLACEMENT})
    _submit(connection, context, anew, row.partner_id)
    return credit, anew


def _submit(connection: Connection, context: Context, sdr: Sdr, partner_id: str | None) -> None:
    keep_sdr(connection, context, Held(sdr, context.writer.sdr(sdr)), partner_id)
    if partner_id is not None:
        context.outbox.mark(connection, [partner_id], "sdrs", sdr_key(context, sdr.id))
    append_event(
        connection, stream=f"sdr/{sdr.id}", kind="sdr", at=context.clock.now(), body={"id": sdr.id, "kind": sdr.kind}
    )


def _write_off(connection: Connection, context: Context, session_id: str | None) -> None:
    kept = load(connection, context.party, session_id or "")
    if kept is not None and kept.session.state is SessionState.DISPUTED:
        actor = str(context.party)
        session = move(kept.session, SessionState.WRITTEN_OFF, at=context.clock.now(), actor=actor, reason="credited")
        keep(connection, context, session, kept.partner_id)


def _is(context: Context, sdr_id: str) -> tuple[ColumnElement[bool], ...]:
    return (
        table.c.country_code == context.party.country_code,
        table.c.party_id == context.party.party_id,
        table.c.id == sdr_id,
    )
