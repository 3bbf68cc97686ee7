"""Statements of batches, from the books, and as CSV (6.4.3)."""

import csv
import io
from typing import Any

from sqlalchemy import Connection, Row, select

from core.clearing_house.clearing import Pair, parties_of, terms_in
from core.clearing_house.payments import payments_of
from core.model.clearing.batches import BatchState, Obligation, vat_lines
from core.model.clearing.minor_units import from_minor
from core.model.clearing.statement import NettedPayment, Statement
from core.model.clearing.terms import ClearingTerms
from core.model.clearing.verdicts import UNDECIDED
from core.model.display import printable
from core.model.parties import Party
from core.store.clearing_tables import clearing_dispute, settlement_batch, settlement_obligation

COLUMNS = (
    "kind", "batch", "supplier", "customer", "id", "credits", "ended_at", "country", "energy_kwh", "vat_percent", "net",
    "tax", "gross", "currency",
)  # fmt: skip
_FORMULA = ("=", "+", "@", "\t", "\r")


def statement_of(connection: Connection, row: Row[Any]) -> Statement:
    """The statement of a batch as it stands."""
    creditor, debtor = _sides(row)
    lines = tuple(_lines(connection, row))
    terms: dict[Pair, ClearingTerms] = terms_in(connection)
    agreed = terms.get((creditor, debtor))
    return Statement(
        batch_id=row.id,
        agreement_id=row.agreement_id,
        creditor=creditor,
        debtor=debtor,
        currency=row.currency,
        cut_off=row.cut_off,
        time_zone=agreed.time_zone if agreed else "UTC",
        state=BatchState(row.state),
        confirm_by=row.confirm_by,
        creditor_confirmed_at=row.creditor_confirmed_at,
        debtor_confirmed_at=row.debtor_confirmed_at,
        root=row.root,
        line_count=len(lines),
        lines=lines,
        vat=tuple(vat_lines(lines)),
        net=sum(line.net for line in lines),
        gross=sum(line.gross for line in lines),
        held_back=tuple(_held_back(connection, creditor, debtor, row.currency)),
        payments=tuple(_payments(connection, row, (creditor, debtor))),
    )


def batches_of(connection: Connection, party: Party | None = None) -> list[Row[Any]]:
    """All batches, or those of which a party is a side, newest cut-off first."""
    columns = settlement_batch.c
    found = connection.execute(settlement_batch.select().order_by(columns.cut_off.desc(), columns.id)).all()
    return [row for row in found if party is None or party in _sides(row)]


def statement_csv(statement: Statement) -> str:
    """RFC 4180: a row a line, then the taxes, the total, and the netted payments; decimal points, ISO 8601."""
    currency = statement.currency
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(COLUMNS)
    lead = (statement.batch_id, str(statement.creditor), str(statement.debtor))
    for one in statement.lines:
        rate = one.taxes[0].rate if len(one.taxes) == 1 else None
        writer.writerow(
            [
                "credit" if one.original else "service", *lead, _cell(one.id), _cell(one.original or ""),
                one.ended_at.isoformat(), one.country, f"{one.energy:f}", "" if rate is None else f"{rate:f}",
                from_minor(one.net, currency), from_minor(one.tax, currency), from_minor(one.gross, currency), currency,
            ]
        )  # fmt: skip
    for vat in statement.vat:
        rate_text = "" if vat.rate is None else f"{vat.rate:f}"
        writer.writerow(
            [
                "vat", *lead, "", "", "", vat.country, "", rate_text, from_minor(vat.base, currency),
                from_minor(vat.tax, currency), from_minor(vat.base + vat.tax, currency), currency,
            ]
        )  # fmt: skip
    tax = from_minor(statement.gross - statement.net, currency)
    sums = from_minor(statement.net, currency), tax, from_minor(statement.gross, currency)
    writer.writerow(["total", *lead, "", "", statement.cut_off.isoformat(), "", "", "", *sums, currency])
    for held in statement.held_back:
        writer.writerow(["held_back", *lead, _cell(held), *[""] * 8, currency])
    for one_paid in statement.payments:
        kind = "pays" if one_paid.units < 0 else "is_paid"
        netted = from_minor(abs(one_paid.units), currency)
        writer.writerow(
            [kind, statement.batch_id, str(one_paid.party), "", one_paid.netting_id, *[""] * 7, netted, currency]
        )
    return written.getvalue()


def _lines(connection: Connection, row: Row[Any]) -> list[Obligation]:
    columns = settlement_obligation.c
    query = select(columns.body).where(
        columns.country_code == row.country_code, columns.party_id == row.party_id, columns.batch_id == row.id
    )
    found = [Obligation.model_validate_json(body) for body in connection.scalars(query)]
    return sorted(found, key=lambda one: (one.ended_at, one.id))


def _held_back(connection: Connection, creditor: Party, debtor: Party, currency: str) -> list[str]:
    columns, disputes = settlement_obligation.c, clearing_dispute.c
    query = (
        select(columns.id)
        .join_from(
            settlement_obligation,
            clearing_dispute,
            (disputes.country_code == columns.country_code)
            & (disputes.party_id == columns.party_id)
            & (disputes.id == columns.id),
        )
        .where(
            columns.country_code == creditor.country_code,
            columns.party_id == creditor.party_id,
            columns.debtor_country_code == debtor.country_code,
            columns.debtor_party_id == debtor.party_id,
            columns.currency == currency,
            columns.batch_id.is_(None),
            disputes.state.in_(UNDECIDED),
        )
        .order_by(columns.id)
    )
    return list(connection.scalars(query))


def _payments(connection: Connection, row: Row[Any], sides: tuple[Party, Party]) -> list[NettedPayment]:
    if row.netting_id is None:
        return []
    return [
        NettedPayment(
            netting_id=row.netting_id,
            party=parties_of(one.country_code, one.party_id),
            currency=one.currency,
            units=one.units,
            settled_units=one.settled_units,
            state=one.state,
        )
        for one in payments_of(connection, row.netting_id)
        if parties_of(one.country_code, one.party_id) in sides
    ]


def _sides(row: Row[Any]) -> tuple[Party, Party]:
    debtor = parties_of(row.debtor_country_code, row.debtor_party_id)
    return parties_of(row.country_code, row.party_id), debtor


def _cell(text: str) -> str:
    """Foreign text: nothing that a spreadsheet would take for a formula, no control characters."""
    shown = printable(text)
    return "'" + shown if shown.startswith(_FORMULA) else shown
