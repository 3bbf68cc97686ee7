"""Verdicts as both sides read them: the outcome of an SDR, its discrepancies, its dispute, the batch it is in."""

import json
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select, tuple_

from core.clearing_house.clearing import parties_of
from core.clearing_house.obligations import obligation_entered
from core.clearing_house.outcomes import sdr_row
from core.endpoint.exchange import PageRequest
from core.model.clearing.discrepancies import Discrepancy, DiscrepancyClass, Severity
from core.model.clearing.verdict import SdrVerdict
from core.model.clearing.verdicts import Dispute, Outcome
from core.model.parties import ObjectKey, Party
from core.store.clearing_tables import clearing_discrepancy, clearing_dispute, clearing_sdr


def verdict_of(connection: Connection, key: ObjectKey) -> SdrVerdict:
    """One SDR's. Raises NotFound."""
    return _view(connection, sdr_row(connection, key))


def verdicts_of(
    connection: Connection, parties: frozenset[Party], request: PageRequest
) -> tuple[list[SdrVerdict], int]:
    """A page of those of SDRs that these parties sent or have to pay, in order of their change; how many there are."""
    columns = clearing_sdr.c
    named = [(party.country_code, party.party_id) for party in sorted(parties, key=str)]
    sides = or_(
        tuple_(columns.country_code, columns.party_id).in_(named),
        tuple_(columns.payer_country_code, columns.payer_party_id).in_(named),
    )
    conditions = [sides]
    if request.date_from is not None:
        conditions.append(columns.outcome_at >= request.date_from)
    if request.date_to is not None:
        conditions.append(columns.outcome_at < request.date_to)
    total = connection.execute(select(func.count()).select_from(clearing_sdr).where(*conditions)).scalar_one()
    page = (
        clearing_sdr.select()
        .where(*conditions)
        .order_by(columns.outcome_at, columns.country_code, columns.party_id, columns.id)
        .offset(request.offset)
        .limit(request.limit)
    )
    return [_view(connection, row) for row in connection.execute(page).all()], total


def discrepancies_of(connection: Connection, issuer: Party, subject: str, id: str) -> tuple[Discrepancy, ...]:
    """What is wrong with an SDR, or a session that has none."""
    columns = clearing_discrepancy.c
    query = (
        clearing_discrepancy.select()
        .where(
            columns.country_code == issuer.country_code,
            columns.party_id == issuer.party_id,
            columns.subject == subject,
            columns.id == id,
        )
        .order_by(columns.kind)
    )
    return tuple(
        Discrepancy(
            kind=DiscrepancyClass(row.kind), severity=Severity(row.severity), reason=row.reason, next_step=row.next_step
        )
        for row in connection.execute(query)
    )


def _view(connection: Connection, row: Row[Any]) -> SdrVerdict:
    issuer = parties_of(row.country_code, row.party_id)
    disputes = clearing_dispute.c
    dispute = connection.execute(
        select(disputes.body).where(
            disputes.country_code == row.country_code, disputes.party_id == row.party_id, disputes.id == row.id
        )
    ).scalar()
    obligation = obligation_entered(connection, issuer, row.id)
    return SdrVerdict(
        issuer=issuer,
        payer=parties_of(row.payer_country_code, row.payer_party_id),
        id=row.id,
        content_hash=row.content_hash,
        outcome=Outcome(row.outcome),
        outcome_at=row.outcome_at,
        outcome_by=row.outcome_by,
        due_at=row.due_at,
        matched_with=row.matched_with,
        discrepancies=discrepancies_of(connection, issuer, "sdr", f"{issuer}/{row.id}"),
        remarks=tuple(json.loads(row.remarks)),
        dispute=None if dispute is None else Dispute.model_validate_json(dispute),
        batch_id=None if obligation is None else obligation.batch_id,
    )
