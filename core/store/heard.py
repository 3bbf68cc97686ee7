"""A clearing house's words at rest with a member: terms of pairs, verdicts on SDRs, statements of batches."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, delete, func, select

from core.errors import NotFound
from core.model.clearing.batches import BatchState
from core.model.clearing.statement import Statement
from core.model.clearing.terms import ClearingTerms
from core.model.clearing.verdict import SdrVerdict
from core.model.clearing.verdicts import Outcome
from core.model.parties import ObjectKey, Party
from core.store.reporting_tables import heard_statement, heard_terms, heard_verdict
from core.store.upsert import upsert


def keep_terms(connection: Connection, house_id: str, terms: Iterable[ClearingTerms]) -> list[ClearingTerms]:
    """Keep these terms as all that a clearing house has with us; those of pairs that are new."""
    before = {(one.creditor, one.debtor) for one in load_terms(connection, house_id)}
    given = list(terms)
    connection.execute(delete(heard_terms).where(heard_terms.c.partner_id == house_id))
    for one in given:
        row = {
            "partner_id": house_id,
            "country_code": one.creditor.country_code,
            "party_id": one.creditor.party_id,
            "debtor_country_code": one.debtor.country_code,
            "debtor_party_id": one.debtor.party_id,
            "body": one.model_dump_json(),
        }
        upsert(connection, heard_terms, row)
    return [one for one in given if (one.creditor, one.debtor) not in before]


def load_terms(connection: Connection, house_id: str) -> list[ClearingTerms]:
    """The terms that a clearing house has with us."""
    bodies = connection.scalars(select(heard_terms.c.body).where(heard_terms.c.partner_id == house_id))
    return [ClearingTerms.model_validate_json(body) for body in bodies]


def clears(connection: Connection, house_id: str, creditor: Party, debtor: Party) -> bool:
    """Whether a clearing house reconciles this pair."""
    return any((one.creditor, one.debtor) == (creditor, debtor) for one in load_terms(connection, house_id))


def keep_heard(connection: Connection, house_id: str, verdict: SdrVerdict) -> bool:
    """Keep a verdict; False where it is the one that is kept, or older."""
    key = ObjectKey(country_code=verdict.issuer.country_code, party_id=verdict.issuer.party_id, id=verdict.id)
    before = load_heard(connection, key)
    if before is not None and (before == verdict or before.outcome_at > verdict.outcome_at):
        return False
    row = {
        "country_code": key.country_code,
        "party_id": key.party_id,
        "id": key.id,
        "partner_id": house_id,
        "outcome": verdict.outcome,
        "outcome_at": verdict.outcome_at,
        "body": verdict.model_dump_json(),
    }
    return upsert(connection, heard_verdict, row)


def load_heard(connection: Connection, sdr: ObjectKey) -> SdrVerdict | None:
    """What a clearing house last said of an SDR."""
    columns = heard_verdict.c
    body = connection.execute(
        select(columns.body).where(
            columns.country_code == sdr.country_code, columns.party_id == sdr.party_id, columns.id == sdr.id
        )
    ).scalar()
    return None if body is None else SdrVerdict.model_validate_json(body)


def heard_until(connection: Connection, house_id: str) -> datetime | None:
    """When the newest verdict of a clearing house was given."""
    newest: datetime | None = connection.execute(
        select(func.max(heard_verdict.c.outcome_at)).where(heard_verdict.c.partner_id == house_id)
    ).scalar()
    return newest


def undecided(connection: Connection, house_id: str) -> list[SdrVerdict]:
    """The verdicts of a clearing house on which a payer may still have a word."""
    columns = heard_verdict.c
    open_ones = (Outcome.NEW, Outcome.ACCEPTED)
    query = select(columns.body).where(columns.partner_id == house_id, columns.outcome.in_(open_ones))
    return [SdrVerdict.model_validate_json(body) for body in connection.scalars(query)]


def keep_statement(connection: Connection, house_id: str, statement: Statement) -> None:
    """Keep a statement in its newest state."""
    row = {
        "country_code": statement.creditor.country_code,
        "party_id": statement.creditor.party_id,
        "id": statement.batch_id,
        "partner_id": house_id,
        "state": statement.state,
        "body": statement.model_dump_json(),
    }
    upsert(connection, heard_statement, row)


def load_statement(connection: Connection, batch_id: str) -> tuple[str, Statement]:
    """A statement, and the clearing house that it is from. Raises NotFound (unknown_batch)."""
    columns = heard_statement.c
    row = connection.execute(select(columns.partner_id, columns.body).where(columns.id == batch_id)).first()
    if row is None:
        raise NotFound(
            f"There is no batch {batch_id[:80]} of ours.",
            code="unknown_batch",
            next_step="Ask for the newest: evroam statement fetch.",
        )
    return row.partner_id, Statement.model_validate_json(row.body)


def judge_of(connection: Connection, sdr: ObjectKey) -> str:
    """The clearing house that has judged an SDR. Raises NotFound (unknown_sdr)."""
    columns = heard_verdict.c
    found: str | None = connection.execute(
        select(columns.partner_id).where(
            columns.country_code == sdr.country_code, columns.party_id == sdr.party_id, columns.id == sdr.id
        )
    ).scalar()
    if found is None:
        raise NotFound(f"No clearing house has judged {sdr}.", code="unknown_sdr")
    return found


def closed_batches(connection: Connection) -> frozenset[str]:
    """The batches of which nothing changes any more."""
    return frozenset(
        connection.scalars(select(heard_statement.c.id).where(heard_statement.c.state == BatchState.CLOSED))
    )


def load_statements(connection: Connection) -> list[Statement]:
    """All statements, by batch."""
    query = select(heard_statement.c.body).order_by(heard_statement.c.id.desc())
    return [Statement.model_validate_json(body) for body in connection.scalars(query)]
