"""What we say of the SDRs that visited-CSOs send us (UC3-9): by rule at once, by a person or the driver later."""

from sqlalchemy import ColumnElement, Connection, bindparam, select, update

from core.endpoint.exchange import Page, PageRequest
from core.endpoint.extensions import sdrs
from core.endpoint.listing import Listing
from core.endpoint.partner import Partner
from core.errors import NotFound, Refused
from core.home_csp.context import Context
from core.home_csp.energy_transfer.record import keep, stream_of
from core.model.clearing.discrepancies import DiscrepancyClass
from core.model.parties import ObjectKey
from core.model.receipt import Receipt
from core.model.sdr_verdicts import SdrVerdict, VerdictState, VerdictStep, judged
from core.model.services import Service
from core.store.engine import append_event
from core.store.prepared import Prepared
from core.store.sdr_verdicts import load_verdict, save_verdict
from core.store.service_tables import sdr_verdict
from core.store.sessions import load
from core.store.tables import sdr as table

# Run with every SDR that comes.
_SENT = Prepared(
    select(table.c.content_hash, table.c.partner_id, table.c.session_id).where(
        table.c.country_code == bindparam("country_code"),
        table.c.party_id == bindparam("party_id"),
        table.c.id == bindparam("id"),
    )
)


def give_verdict(
    connection: Connection, context: Context, sdr: ObjectKey, step: VerdictStep, *, sender: Partner | None = None
) -> SdrVerdict:
    """Keep a verdict on an SDR, let its session follow, and mark it for the partner that sent the SDR.

    sender: that partner, where it is at hand and connected. A session that is reconciled stays so: a dispute of its
    bill ends in a credit and a new SDR. Raises NotFound.
    """
    row = _SENT.first(connection, {"country_code": sdr.country_code, "party_id": sdr.party_id, "id": sdr.id})
    if row is None:
        raise NotFound("There is no such SDR.", code="unknown_sdr")
    content_hash, partner_id, session_id = row
    before = load_verdict(connection, sdr)
    verdict = SdrVerdict(
        sdr=sdr,
        content_hash=content_hash,
        version=before.version + 1 if before else 1,
        state=step.state,
        codes=step.codes,
        by_driver=step.by_driver,
        note=step.note,
        last_updated=step.at,
    )
    body = sdrs.VERDICT.write(verdict)
    save_verdict(connection, verdict, step, body, before=before, partner_id=partner_id)
    _move_session(connection, context, session_id, step)
    partner = sender or next((one for one in context.visited_csos() if one.id == partner_id), None)
    if partner is not None and partner.agreement.finishes(Service.SDR_VERDICTS):
        context.outbox.mark(connection, [partner.id], sdrs.KIND, sdr)
    return verdict


def decide(
    connection: Connection,
    context: Context,
    sdr: ObjectKey,
    state: VerdictState,
    *,
    agent: str,
    codes: tuple[DiscrepancyClass, ...] = (),
    note: str = "",
) -> SdrVerdict:
    """A person accepts or rejects an SDR. Raises NotFound, Refused (verdict_stands) where it says so already."""
    before = load_verdict(connection, sdr)
    if before is not None and before.state is state and not before.steps[-1].by_driver:
        raise Refused(f"This SDR is {state.lower()} already.", code="verdict_stands")
    step = VerdictStep(state=state, at=context.clock.now(), actor=agent, codes=codes, note=note)
    verdict = give_verdict(connection, context, sdr, step)
    connection.execute(update(table).where(*_is(sdr)).values(verdict=state))
    return verdict


def dispute(connection: Connection, context: Context, contract_id: str, receipt_id: str, note: str) -> Receipt:
    """A driver says that a bill is wrong. What she writes stays with us. Raises NotFound, Refused (not_disputable)."""
    row = next(
        (
            row
            for row in connection.execute(
                select(table).where(table.c.contract_id == contract_id, table.c.receipt.is_not(None))
            )
            if Receipt.model_validate_json(row.receipt).id == receipt_id
        ),
        None,
    )
    if row is None:
        raise NotFound("There is no such receipt", next_step="Look at your receipts.")
    receipt = Receipt.model_validate_json(row.receipt)
    if receipt.disputed_at is not None or receipt.credited_at is not None:
        raise Refused(
            "This bill is disputed or taken back already", code="not_disputable", next_step="Wait for the answer."
        )
    now, sdr = context.clock.now(), ObjectKey(country_code=row.country_code, party_id=row.party_id, id=row.id)
    step = VerdictStep(state=VerdictState.DISPUTED, at=now, actor="driver", by_driver=True)
    give_verdict(connection, context, sdr, step)
    append_event(connection, stream=f"dispute/{sdr}", kind="dispute", at=now, body={"note": note})
    return change_receipt(connection, context, sdr, receipt.model_copy(update={"disputed_at": now}), contract_id)


def change_receipt(
    connection: Connection, context: Context, sdr: ObjectKey, receipt: Receipt, contract_id: str
) -> Receipt:
    """Keep a receipt in its new version and tell its driver."""
    connection.execute(update(table).where(*_is(sdr)).values(receipt=receipt.model_dump_json()))
    append_event(
        connection,
        stream=stream_of(contract_id),
        kind="receipt",
        at=context.clock.now(),
        body={"receipt": receipt.id},
    )
    return receipt


class VerdictPush:
    """Sends a marked verdict to the visited-CSO whose SDR it is on."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def __call__(self, partner: Partner, key: ObjectKey) -> None:
        """Send the newest verdict. Raises what the call raises."""
        with self._context.store.read() as connection:
            kept = load_verdict(connection, key)
        if kept is not None and kept.partner_id == partner.id:
            await sdrs.put_verdict(self._context.calls, partner, sdrs.VERDICT.read(kept.body).value)


class VerdictSource:
    """Lists our verdicts for the partner whose SDRs they are on."""

    def __init__(self, context: Context) -> None:
        self._context = context
        columns = sdr_verdict.c
        query = select(columns.body).where(columns.partner_id == bindparam("partner"))
        self._listing = Listing(query, columns.last_updated, (columns.country_code, columns.party_id, columns.id))

    async def page(self, partner: Partner, request: PageRequest) -> Page:
        """In order of last_updated."""
        with self._context.store.read() as connection:
            return self._listing.page(connection, request, partner=partner.id)

    async def one(self, partner: Partner, id: str) -> str | None:
        """The module has no request for a single one."""
        return None


def _move_session(connection: Connection, context: Context, session_id: str | None, step: VerdictStep) -> None:
    kept = load(connection, context.party, session_id or "")
    if kept is not None and (session := judged(kept.session, step)) is not kept.session:
        keep(connection, context, session, kept.partner_id)


def _is(sdr: ObjectKey) -> tuple[ColumnElement[bool], ...]:
    return (table.c.country_code == sdr.country_code, table.c.party_id == sdr.party_id, table.c.id == sdr.id)
