"""Obligations: what an approved SDR, or a dispute that was decided, makes a home-CSP owe a visited-CSO (6.4.3)."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from core.clearing_house.clearing import STREAM, parties_of
from core.endpoint.ports import Reader
from core.errors import Refused
from core.model.clearing.batches import Obligation, obligation_amounts
from core.model.clearing.verdicts import Outcome, moved
from core.model.parties import Party
from core.model.sdr import SdrKind
from core.store.clearing_tables import clearing_sdr, settlement_obligation
from core.store.engine import append_event


def approve(connection: Connection, reader: Reader, row: Row[Any], by: str, now: datetime) -> None:
    """Approve an SDR and enter what it makes its payer owe. Raises Refused (wrong_state, credit_exceeds)."""
    moved(Outcome(row.outcome), Outcome.APPROVED)
    enter(connection, obligation_of(reader, row), now)
    columns = clearing_sdr.c
    connection.execute(
        update(clearing_sdr)
        .where(columns.country_code == row.country_code, columns.party_id == row.party_id, columns.id == row.id)
        .values(outcome=Outcome.APPROVED, outcome_at=now, outcome_by=by, due_at=None)
    )
    append_event(
        connection,
        stream=STREAM,
        kind="outcome",
        at=now,
        body={"sdr": f"{row.country_code}*{row.party_id}/{row.id}", "outcome": Outcome.APPROVED.value},
    )


def obligation_of(reader: Reader, row: Row[Any]) -> Obligation:
    """What an SDR makes its payer owe; of a credit, the exact negative."""
    sdr = reader.sdr(row.body)
    total = sdr.cost.total
    # A credit repeats the tax lines of what it takes back as they were: only its total is negative.
    sign = -1 if sdr.kind is SdrKind.CREDIT else 1
    rates = ((one.rate_percent, sign * one.base, sign * one.amount) for one in sdr.tax_lines)
    net, gross, taxes = obligation_amounts(total.before_taxes, total.with_taxes, rates, sdr.currency)
    return Obligation(
        creditor=sdr.issuer,
        debtor=sdr.payer,
        id=sdr.id,
        original=sdr.references_sdr_id if sdr.kind is SdrKind.CREDIT else None,
        currency=sdr.currency,
        country=sdr.place.country,
        ended_at=sdr.end,
        energy=Decimal(0) if sdr.kind is SdrKind.CREDIT else sdr.total_energy,
        net=net,
        gross=gross,
        taxes=taxes,
    )


def enter(connection: Connection, obligation: Obligation, now: datetime) -> None:
    """Enter an obligation once. Raises Refused (credit_exceeds) where credits would exceed the original."""
    if obligation.original is not None:
        _require_room(connection, obligation)
    connection.execute(
        insert(settlement_obligation).values(
            country_code=obligation.creditor.country_code,
            party_id=obligation.creditor.party_id,
            id=obligation.id,
            debtor_country_code=obligation.debtor.country_code,
            debtor_party_id=obligation.debtor.party_id,
            original_id=obligation.original,
            currency=obligation.currency,
            net=obligation.net,
            gross=obligation.gross,
            approved_at=now,
            body=obligation.model_dump_json(),
        )
    )


def obligation_entered(connection: Connection, creditor: Party, id: str) -> Row[Any] | None:
    """An obligation with the batch that it is in (None: not yet); None where there is none."""
    columns = settlement_obligation.c
    return connection.execute(
        settlement_obligation.select().where(
            columns.country_code == creditor.country_code, columns.party_id == creditor.party_id, columns.id == id
        )
    ).first()


def credited(connection: Connection, creditor: Party, original: str) -> tuple[int, int]:
    """What credits have taken back of an SDR so far, net and gross, as negative minor units."""
    columns = settlement_obligation.c
    row = connection.execute(
        select(func.coalesce(func.sum(columns.net), 0), func.coalesce(func.sum(columns.gross), 0)).where(
            columns.country_code == creditor.country_code,
            columns.party_id == creditor.party_id,
            columns.original_id == original,
        )
    ).one()
    return int(row[0]), int(row[1])


def _require_room(connection: Connection, credit: Obligation) -> None:
    assert credit.original is not None  # the caller has looked
    original = obligation_entered(connection, credit.creditor, credit.original)
    if original is None:
        raise Refused(f"SDR {credit.original} is not approved, so nothing of it can be credited.", code="credit_early")
    same = (original.currency, parties_of(original.debtor_country_code, original.debtor_party_id))
    net, gross = credited(connection, credit.creditor, credit.original)
    fits = (original.net + net + credit.net) * _sign(original.net) >= 0
    fits = fits and (original.gross + gross + credit.gross) * _sign(original.gross) >= 0
    if same != (credit.currency, credit.debtor) or not fits:
        raise Refused(f"Credits would exceed SDR {credit.original}.", code="credit_exceeds")


def _sign(units: int) -> int:
    return -1 if units < 0 else 1
