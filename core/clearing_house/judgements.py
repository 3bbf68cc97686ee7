"""What a reconciliation run found, written down; and what the clock makes of what was accepted (6.4.2)."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, update

from core.clearing_house.clearing import HOUSE, STREAM
from core.clearing_house.intake import DUPLICATE
from core.clearing_house.obligations import approve
from core.clearing_house.witnesses import Kept
from core.endpoint.ports import Reader
from core.errors import Refused
from core.model.clearing.discrepancies import Discrepancy, DiscrepancyClass, Severity
from core.model.clearing.verdicts import Outcome, moved
from core.model.parties import Party
from core.model.sdr import SdrKind
from core.store.clearing_tables import clearing_discrepancy, clearing_sdr
from core.store.engine import append_event


@dataclass(frozen=True)
class Judgement:
    """What became of one SDR in a run. session, rule: the session that it was matched with, and by which key."""

    key: str
    before: Outcome
    after: Outcome
    found: tuple[Discrepancy, ...]
    remarks: tuple[str, ...]
    session: str | None
    rule: int | None


@dataclass(frozen=True)
class Missing:
    """A session that has no SDR (D03)."""

    key: str
    found: Discrepancy


def keep(
    connection: Connection, kept: Kept, judgements: list[Judgement], missing: list[Missing], now: datetime
) -> None:
    """Write down what has changed, and nothing else."""
    for one in judgements:
        _keep_one(connection, kept, one, now)
    _keep_missing(connection, kept, missing, now)


def approve_due(connection: Connection, reader: Reader, now: datetime) -> list[str]:
    """Approve accepted SDRs whose payer has said nothing in time, originals first; their keys.

    A credit of what is not approved takes the claim back: neither of the two is settled.
    """
    columns = clearing_sdr.c
    query = (
        clearing_sdr.select()
        .where(columns.outcome == Outcome.ACCEPTED, columns.due_at <= now)
        .order_by(columns.kind == SdrKind.CREDIT, columns.received_at)
    )
    approved = []
    for row in connection.execute(query).all():
        if row.kind == SdrKind.CREDIT and _given_up(connection, row, now):
            continue
        try:
            approve(connection, reader, row, "deadline", now)
        except Refused as error:
            set_outcome(connection, row, Outcome.DECLINED, f"{HOUSE}: {error.code}", now)
        else:
            approved.append(f"{row.country_code}*{row.party_id}/{row.id}")
    return approved


def set_outcome(connection: Connection, row: Row[Any], to: Outcome, by: str, now: datetime) -> None:
    """Move an SDR to another outcome, and tell. Raises Refused (wrong_state)."""
    moved(Outcome(row.outcome), to)
    connection.execute(
        update(clearing_sdr)
        .where(*same_sdr(row.country_code, row.party_id, row.id))
        .values(outcome=to, outcome_at=now, outcome_by=by, due_at=None)
    )
    _tell(connection, row, to, now)


def same_sdr(country_code: str, party_id: str, id: str) -> tuple[Any, ...]:  # Any: SQL conditions
    """The conditions that name one SDR."""
    columns = clearing_sdr.c
    return columns.country_code == country_code, columns.party_id == party_id, columns.id == id


def _given_up(connection: Connection, credit: Row[Any], now: datetime) -> bool:
    original = connection.execute(
        clearing_sdr.select().where(*same_sdr(credit.country_code, credit.party_id, credit.references_id))
    ).first()
    if original is None or original.outcome == Outcome.APPROVED:
        return False
    if original.outcome not in (Outcome.REVISED, Outcome.REJECTED):
        set_outcome(connection, original, Outcome.REJECTED, f"{credit.country_code}*{credit.party_id}", now)
    set_outcome(connection, credit, Outcome.REJECTED, f"{HOUSE}: nothing to credit", now)
    return True


def _keep_one(connection: Connection, kept: Kept, one: Judgement, now: datetime) -> None:
    row, changed, by = kept.sdrs[one.key], one.after is not one.before, _by(one)
    found = {(each.kind, each.severity, each.reason) for each in one.found}
    remarks = json.dumps(one.remarks)
    same = (row.matched_with, row.matched_by, row.remarks, row.outcome_by) == (one.session, one.rule, remarks, by)
    if not changed and same and found == kept.found_before.get(("sdr", one.key), set()):
        return
    values: dict[str, object] = {
        "matched_with": one.session,
        "matched_by": one.rule,
        "remarks": remarks,
        "outcome_by": by,
        "outcome_at": now,
    }
    if changed:
        moved(one.before, one.after)
        values |= {"outcome": one.after, "due_at": _due(kept, row, one, now)}
    # Whoever has spoken since it was read, such as its payer, has the last word.
    where = (*same_sdr(row.country_code, row.party_id, row.id), clearing_sdr.c.outcome == one.before)
    if not connection.execute(update(clearing_sdr).where(*where).values(values)).rowcount:
        return
    issuer = Party(country_code=row.country_code, party_id=row.party_id)
    payer = Party(country_code=row.payer_country_code, party_id=row.payer_party_id)
    _write_found(connection, issuer, payer, "sdr", one.key, one.found, now)
    if changed:
        _tell(connection, row, one.after, now)


def _due(kept: Kept, row: Row[Any], one: Judgement, now: datetime) -> datetime | None:
    """When an accepted SDR stands as approved; a credit, which only gives, at once."""
    if one.after is not Outcome.ACCEPTED:
        return None
    return now if row.kind == SdrKind.CREDIT else now + kept.terms_of(row).windows.approve


def _by(one: Judgement) -> str:
    blocking = {found.kind for found in one.found if found.severity is Severity.BLOCK}
    return DUPLICATE if blocking == {DiscrepancyClass.D01} else HOUSE


def _keep_missing(connection: Connection, kept: Kept, missing: list[Missing], now: datetime) -> None:
    for one in missing:
        record = kept.sessions[one.key]
        if kept.found_before.get(("session", one.key)) is None:
            _write_found(connection, record.visited, record.home, "session", one.key, (one.found,), now)
    still = {one.key for one in missing}
    for subject, key in kept.found_before:
        if subject == "session" and key not in still and kept.concerns(key):
            record = kept.sessions[key]
            _write_found(connection, record.visited, record.home, "session", key, (), now)


def _write_found(
    connection: Connection,
    issuer: Party,
    payer: Party,
    subject: str,
    id: str,
    found: tuple[Discrepancy, ...],
    now: datetime,
) -> None:
    columns = clearing_discrepancy.c
    connection.execute(
        delete(clearing_discrepancy).where(
            columns.country_code == issuer.country_code,
            columns.party_id == issuer.party_id,
            columns.subject == subject,
            columns.id == id,
        )
    )
    rows = [
        {
            "country_code": issuer.country_code,
            "party_id": issuer.party_id,
            "subject": subject,
            "id": id,
            "kind": one.kind,
            "payer_country_code": payer.country_code,
            "payer_party_id": payer.party_id,
            "severity": one.severity,
            "reason": one.reason,
            "next_step": one.next_step,
            "found_at": now,
        }
        for one in found
    ]
    if rows:
        connection.execute(insert(clearing_discrepancy), rows)


def _tell(connection: Connection, row: Row[Any], outcome: Outcome, now: datetime) -> None:
    body: dict[str, object] = {"sdr": f"{row.country_code}*{row.party_id}/{row.id}", "outcome": outcome.value}
    append_event(connection, stream=STREAM, kind="outcome", at=now, body=body)
