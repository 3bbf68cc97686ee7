"""Credit SDRs at the home-CSP (UC3-9): the exact negative of one SDR, which takes its receipt back."""

from sqlalchemy import Connection, select

from core.home_csp.context import Context
from core.home_csp.sdr_verdicts import change_receipt
from core.model.parties import ObjectKey
from core.model.receipt import Receipt
from core.model.sdr import Sdr, takes_back
from core.model.sdr_verdicts import VerdictState
from core.store.tables import sdr as table


def fits(connection: Connection, context: Context, credit: Sdr) -> bool:
    """Whether the credit takes back an SDR that we have, exactly, and is the first that does."""
    original = _body(connection, credit, credit.references_sdr_id or "")
    earlier = connection.execute(
        select(table.c.id).where(
            table.c.country_code == credit.issuer.country_code,
            table.c.party_id == credit.issuer.party_id,
            table.c.references_id == credit.references_sdr_id,
            table.c.id != credit.id,
            table.c.verdict == VerdictState.ACCEPTED,
        )
    ).first()
    return original is not None and earlier is None and takes_back(credit, context.reader.sdr(original))


def take_back(connection: Connection, context: Context, credit: Sdr) -> None:
    """Mark the receipt of the SDR that is taken back, and tell its driver."""
    key = ObjectKey(
        country_code=credit.issuer.country_code, party_id=credit.issuer.party_id, id=credit.references_sdr_id or ""
    )
    row = connection.execute(
        select(table.c.receipt, table.c.contract_id).where(
            table.c.country_code == key.country_code, table.c.party_id == key.party_id, table.c.id == key.id
        )
    ).first()
    if row is not None and row.receipt is not None:
        receipt = Receipt.model_validate_json(row.receipt).model_copy(update={"credited_at": context.clock.now()})
        change_receipt(connection, context, key, receipt, row.contract_id)


def name_successor(connection: Connection, context: Context, session_id: str, successor: Receipt) -> None:
    """Let the receipts of a session that were taken back say which one stands in their place."""
    rows = connection.execute(select(table).where(table.c.session_id == session_id, table.c.receipt.is_not(None))).all()
    for row in rows:
        receipt = Receipt.model_validate_json(row.receipt)
        if receipt.credited_at is not None and not receipt.replaced_by and receipt.id != successor.id:
            key = ObjectKey(country_code=row.country_code, party_id=row.party_id, id=row.id)
            named = receipt.model_copy(update={"replaced_by": successor.number})
            change_receipt(connection, context, key, named, row.contract_id)


def _body(connection: Connection, credit: Sdr, original_id: str) -> str | None:
    body: str | None = connection.execute(
        select(table.c.body).where(
            table.c.country_code == credit.issuer.country_code,
            table.c.party_id == credit.issuer.party_id,
            table.c.id == original_id,
        )
    ).scalar()
    return body
