"""Service detail records at the home-CSP (UC3-9): taken once, audited against the frozen tariff, receipted."""

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

import structlog
from sqlalchemy import ColumnElement, Connection, bindparam, exists, or_, select, update

from core.endpoint.partner import Partner
from core.endpoint.ports import Held
from core.endpoint.stored import Kind, say_the_same
from core.errors import InvalidInput, Refused
from core.home_csp.context import Context
from core.home_csp.energy_transfer.credits import fits, name_successor, take_back
from core.home_csp.energy_transfer.receipts import Judged, judge, receipt_of
from core.home_csp.energy_transfer.record import keep, mark_record, stream_of
from core.home_csp.energy_transfer.shown_place import shown_place
from core.home_csp.quoting import KeptQuote, load_quote
from core.home_csp.sdr_verdicts import give_verdict
from core.model.audit import Figure
from core.model.clearing.discrepancies import DiscrepancyClass
from core.model.identifiers import ContractId
from core.model.parties import ObjectKey
from core.model.reserving import ended_unused, was_unused
from core.model.sdr import Sdr, SdrKind
from core.model.sdr_verdicts import VerdictState, VerdictStep
from core.model.session import OPEN, ServiceSession, SessionState, change, move
from core.store.engine import append_event
from core.store.prepared import Prepared
from core.store.sdrs import insert_sdr
from core.store.sessions import KeptSession, load, load_by_reference, load_by_visited_id
from core.store.tables import sdr as table
from core.store.wire_text import version_of

log = structlog.get_logger(__name__)

_BODY = Prepared(
    select(table.c.body).where(
        table.c.country_code == bindparam("country_code"),
        table.c.party_id == bindparam("party_id"),
        table.c.id == bindparam("id"),
        table.c.partner_id == bindparam("partner"),
    )
)


class Verdict(StrEnum):
    """What we think of an SDR: it agrees, it waits for a person, or nothing of ours belongs to it."""

    ACCEPTED = "ACCEPTED"
    HELD = "HELD"
    ORPHAN = "ORPHAN"


_CLASSES = {
    Figure.ENERGY: DiscrepancyClass.D09,
    Figure.TIME: DiscrepancyClass.D08,
    Figure.PARKING_TIME: DiscrepancyClass.D08,
    Figure.CURRENCY: DiscrepancyClass.D15,
}
_TOLD = {
    Verdict.ACCEPTED: VerdictState.ACCEPTED,
    Verdict.HELD: VerdictState.DISPUTED,
    Verdict.ORPHAN: VerdictState.RECEIVED,
}


@dataclass(frozen=True)
class _Found:
    """What we have of the session that an SDR bills. billed: an SDR that no credit takes back stands for it already.

    late: the SDR is the first of the session and came after the agreed deadline.
    """

    kept: KeptSession | None
    quote: KeptQuote | None
    billed: bool = False
    late: bool = False


class SdrReceiver:
    """Implements the endpoint's receiver of SDRs."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def submit(self, partner: Partner, held: Held[Sdr]) -> None:
        """Take an SDR; the same again is accepted again. Raises Refused where it is not ours to pay."""
        context, sdr = self._context, held.value
        if sdr.payer != context.party:
            raise Refused(f"{sdr.payer} pays this, not {context.party}", code="wrong_payer")
        with context.store.read() as connection:
            found = self._find(connection, partner, sdr)
        judged = None
        if found.kept is not None:
            judged = await asyncio.to_thread(
                judge, context, sdr, found.kept.session, found.quote, partner.agreement.pricing
            )
        content_hash = context.reader.content_hash(held.body)
        await context.store.write(lambda connection: self._keep(connection, partner, held, content_hash, judged))

    async def held(self, partner: Partner, key: ObjectKey) -> str | None:
        """An SDR that this partner sent, as it came."""
        with self._context.store.read() as connection:
            return _body(connection, partner, key)

    def _find(self, connection: Connection, partner: Partner, sdr: Sdr) -> _Found:
        kept = load_by_visited_id(connection, sdr.issuer, sdr.session_id) if sdr.session_id else None
        if kept is None and sdr.authorization_reference:
            kept = load_by_reference(connection, self._context.party, sdr.authorization_reference)
        if kept is not None and kept.partner_id != partner.id:
            raise Refused(f"session {sdr.session_id} is not yours to bill", code="foreign_session")
        if kept is None:
            return _Found(None, None)
        quote = load_quote(connection, self._context, kept.session.quote_id)
        return _Found(kept, quote, _is_billed(connection, kept.session, except_for=sdr))

    def _keep(
        self, connection: Connection, partner: Partner, held: Held[Sdr], content_hash: str, judged: Judged | None
    ) -> None:
        sdr = held.value
        if _told_in_another_version(connection, partner, held):
            return
        found = self._find(connection, partner, sdr)
        if found.kept is not None:
            late = self._is_late(connection, found.kept.session, sdr, partner.agreement.windows.late)
            found = replace(found, late=late)
        if found.kept is not None and judged is None:
            # The session has come since this SDR was looked at.
            judged = judge(self._context, sdr, found.kept.session, found.quote, partner.agreement.pricing)
        verdict = self._verdict(connection, sdr, found, judged)
        keyed = sdr.model_copy(update={"session_id": found.kept.session.id if found.kept else sdr.session_id})
        fresh = insert_sdr(
            connection,
            keyed,
            held.body,
            content_hash=content_hash,
            partner_id=partner.id,
            verdict=verdict,
            contract_key=_contract_key(found, sdr),
        )
        if fresh:
            self._conclude(connection, partner, sdr, found, judged, verdict)

    def adopt(self, connection: Connection, partner: Partner, session: ServiceSession) -> ServiceSession:
        """Judge the SDRs of this partner that came before the session which they bill; the session after that."""
        named = table.c.session_id == session.visited_session_id
        query = select(table.c.body).where(
            table.c.partner_id == partner.id,
            table.c.country_code == session.visited.country_code,
            table.c.party_id == session.visited.party_id,
            table.c.verdict == Verdict.ORPHAN,
            or_(named, table.c.session_id.is_(None)),
        )
        # A credit takes back what must stand first.
        orphans = sorted(
            map(self._context.reader.sdr, connection.execute(query).scalars()),
            key=lambda one: (one.kind is SdrKind.CREDIT, one.last_updated),
        )
        for sdr in orphans:
            found = self._find(connection, partner, sdr)
            if found.kept is not None and found.kept.session.id == session.id:
                self._rejudge(connection, partner, sdr, found)
        kept = load(connection, self._context.party, session.id) if orphans else None
        return kept.session if kept is not None else session

    def _rejudge(self, connection: Connection, partner: Partner, sdr: Sdr, found: _Found) -> None:
        assert found.kept is not None  # the caller has looked
        session = found.kept.session
        judged = judge(self._context, sdr, session, found.quote, partner.agreement.pricing)
        verdict = self._verdict(connection, sdr, found, judged)
        adopted = {"session_id": session.id, "verdict": verdict, "contract_id": session.contract_id}
        connection.execute(update(table).where(*_is(sdr)).values(adopted))
        self._conclude(connection, partner, sdr, found, judged, verdict)

    def _is_late(self, connection: Connection, session: ServiceSession, sdr: Sdr, deadline: timedelta) -> bool:
        """Whether a session is billed so late that a person has to look; what corrects a bill may take longer."""
        if sdr.kind is SdrKind.CREDIT or self._context.clock.now() <= (session.ended_at or sdr.end) + deadline:
            return False
        others = select(table.c.id).where(table.c.session_id == session.id, table.c.id != sdr.id)
        return connection.execute(others.limit(1)).first() is None

    def _verdict(self, connection: Connection, sdr: Sdr, found: _Found, judged: Judged | None) -> Verdict:
        if sdr.kind is SdrKind.CREDIT and found.kept is not None:
            return Verdict.ACCEPTED if fits(connection, self._context, sdr) else Verdict.HELD
        return _verdict(found, judged)

    def _conclude(
        self, connection: Connection, partner: Partner, sdr: Sdr, found: _Found, judged: Judged | None, verdict: Verdict
    ) -> None:
        """What follows from a verdict: the receipt, the end of the session, and the word to the partner."""
        if verdict is Verdict.ACCEPTED and sdr.kind is SdrKind.CREDIT:
            take_back(connection, self._context, sdr)
            self._judge_waiting(connection, partner, sdr)
        elif judged is not None and sdr.kind is not SdrKind.CREDIT and not _waits(found):
            self._issue(connection, found, judged, partner, verdict)
        if verdict is Verdict.ORPHAN and sdr.authorization_reference:
            mark_record(connection, self._context, sdr.authorization_reference)
        give_verdict(connection, self._context, key_of(sdr), self._step(verdict, sdr, found, judged), sender=partner)

    def _judge_waiting(self, connection: Connection, partner: Partner, credit: Sdr) -> None:
        """Take a replacement that came before the credit which makes room for it: messages may overtake one another."""
        found = self._find(connection, partner, credit)
        if found.kept is None or found.billed:
            return
        waiting = connection.execute(
            select(table.c.body)
            .where(
                table.c.session_id == found.kept.session.id,
                table.c.partner_id == partner.id,
                table.c.kind != SdrKind.CREDIT,
                table.c.receipt.is_(None),
                table.c.verdict == Verdict.HELD,
            )
            .limit(1)
        ).scalar()
        if waiting is not None:
            sdr = self._context.reader.sdr(waiting)
            self._rejudge(connection, partner, sdr, self._find(connection, partner, sdr))

    def _step(self, verdict: Verdict, sdr: Sdr, found: _Found, judged: Judged | None) -> VerdictStep:
        """What the visited-CSO is told at once; where a person has to look, that it is disputed, and why."""
        return VerdictStep(
            state=_TOLD[verdict],
            at=self._context.clock.now(),
            actor=str(self._context.party),
            codes=() if verdict is Verdict.ACCEPTED else discrepancies(sdr, found, judged),
        )

    def _issue(self, connection: Connection, found: _Found, judged: Judged, partner: Partner, verdict: Verdict) -> None:
        """Write the receipt and bring the session to its end, in the same transaction."""
        assert found.kept is not None  # the caller has looked
        context, sdr = self._context, judged.sdr
        session = recorded(found.kept.session, sdr, context)
        place = shown_place(connection, context, session, found.quote)
        receipt = receipt_of(context, judged, session, found.quote, place.operator, place.label)
        connection.execute(update(table).where(*_is(sdr)).values(receipt=receipt.model_dump_json()))
        name_successor(connection, context, session.id, receipt)
        if verdict is Verdict.ACCEPTED and session.state in {SessionState.RECORDED, SessionState.DISPUTED}:
            session = move(session, SessionState.RECONCILED, at=context.clock.now(), actor=str(context.party))
        keep(connection, context, session, partner.id)
        append_event(
            connection,
            stream=stream_of(session.contract_id),
            kind="receipt",
            at=context.clock.now(),
            body={"receipt": receipt.id},
        )


def _told_in_another_version(connection: Connection, partner: Partner, held: Held[Sdr]) -> bool:
    """Whether we have it from the time when the partner spoke another version: the same bill in other words."""
    known = _body(connection, partner, key_of(held.value))
    if known is None or version_of(known) == version_of(held.body):
        return False
    return say_the_same(known, held.body, Kind.SDR)


def _body(connection: Connection, partner: Partner, key: ObjectKey) -> str | None:
    """The text of an SDR as this partner sent it."""
    asked = {"country_code": key.country_code, "party_id": key.party_id, "id": key.id, "partner": partner.id}
    body: str | None = _BODY.scalar(connection, asked)
    return body


def recorded(session: ServiceSession, sdr: Sdr, context: Context) -> ServiceSession:
    """The session as the SDR leaves it: ended where the last word on it had not come yet, then recorded.

    A session that was taken for rejected or expired stays so: the SDR is held for a person.
    """
    now, actor = context.clock.now(), str(sdr.issuer)
    if session.state in OPEN and session.reservation is not None and sdr.place.evse_uid is None:
        session = ended_unused(session, end=sdr.end, at=now, actor=actor)
    if session.state in {*OPEN, SessionState.NO_SHOW, SessionState.CANCELLED}:
        session = move(session, SessionState.CLOSING, at=now, actor=actor, reason=session.reason or "sdr")
    if session.state is not SessionState.CLOSING:
        return session
    session = change(
        session,
        energy=sdr.total_energy,
        started_at=session.started_at or (None if was_unused(session) else sdr.start),
        ended_at=sdr.end,
        periods=sdr.periods,
        cost=sdr.cost.total.before_taxes,
        cost_with_taxes=sdr.cost.total.with_taxes,
    )
    return move(session, SessionState.RECORDED, at=now, actor=actor)


def _verdict(found: _Found, judged: Judged | None) -> Verdict:
    """judged: None for an SDR of no session of ours, of which nobody gets a receipt."""
    if found.kept is None or judged is None:
        return Verdict.ORPHAN
    if judged.audit is None or judged.audit.unexplained or _waits(found) or _was_revoked(found) or found.late:
        return Verdict.HELD
    return Verdict.ACCEPTED


def discrepancies(sdr: Sdr, found: _Found, judged: Judged | None) -> tuple[DiscrepancyClass, ...]:
    """Why an SDR is not accepted at once, in the classes of SDR reconciliation."""
    if found.kept is None:
        return (DiscrepancyClass.D02,)
    if sdr.kind is SdrKind.CREDIT:
        return (DiscrepancyClass.D21,)
    if found.billed:
        return (DiscrepancyClass.D01,)
    if _waits(found):
        return (DiscrepancyClass.D06,)
    beside = {DiscrepancyClass.D07} if _was_revoked(found) else set()
    beside |= {DiscrepancyClass.D04} if found.late else set()
    if judged is None or judged.audit is None:
        return tuple(sorted({DiscrepancyClass.D12, *beside}))
    found_in = {one.figure for one in judged.audit.unexplained}
    return tuple(sorted({_CLASSES.get(figure, DiscrepancyClass.D13) for figure in found_in} | beside))


def _was_revoked(found: _Found) -> bool:
    return found.kept is not None and found.kept.session.credential_revoked_at is not None


def _waits(found: _Found) -> bool:
    """Whether the driver gets no receipt: told that nothing is to be paid, or billed for this session already."""
    told_nothing = found.kept is not None and found.kept.session.state in {SessionState.REJECTED, SessionState.EXPIRED}
    return told_nothing or found.billed


def _is(sdr: Sdr) -> tuple[ColumnElement[bool], ...]:
    issuer = sdr.issuer
    return table.c.country_code == issuer.country_code, table.c.party_id == issuer.party_id, table.c.id == sdr.id


def key_of(sdr: Sdr) -> ObjectKey:
    """The key of an SDR: its issuer's."""
    return ObjectKey(country_code=sdr.issuer.country_code, party_id=sdr.issuer.party_id, id=sdr.id)


def _is_billed(connection: Connection, session: ServiceSession, *, except_for: Sdr) -> bool:
    credits = table.alias()
    columns, credit = table.c, credits.c
    taken_back = exists().where(
        credit.country_code == columns.country_code,
        credit.party_id == columns.party_id,
        credit.references_id == columns.id,
        credit.kind == SdrKind.CREDIT,
        credit.verdict == Verdict.ACCEPTED,
    )
    others = select(columns.id).where(
        columns.session_id == session.id,
        columns.kind != SdrKind.CREDIT,
        columns.receipt.is_not(None),
        columns.id != except_for.id,
        ~taken_back,
    )
    return connection.execute(others.limit(1)).first() is not None


def _contract_key(found: _Found, sdr: Sdr) -> str:
    """Who pays: the contract that the session was opened for, whatever the SDR says."""
    if found.kept is not None:
        return found.kept.session.contract_id
    try:
        return ContractId.parse(sdr.credential.contract_id).key
    except InvalidInput:
        return sdr.credential.contract_id
