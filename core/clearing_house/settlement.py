"""Settlement (6.4.3): what is approved is cut into batches, calculated, confirmed, netted and instructed.

Every step is taken once, and each in the same transaction as the steps before it: a run that is repeated, or that was
interrupted, goes on where it stood.
"""

from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Row, delete, exists, func, select, update

from core.clearing_house.clearing import STREAM, Clearing, parties_of, terms_in
from core.clearing_house.disputes import decide_due
from core.clearing_house.judgements import approve_due
from core.clearing_house.ledger import post
from core.clearing_house.payments import fail, instruct, receive
from core.errors import InvalidInput, NotFound
from core.model.clearing.batches import BatchState, next_state
from core.model.clearing.ledger import account_of, transfer
from core.model.clearing.merkle import root_of
from core.model.clearing.terms import ClearingTerms
from core.model.clearing.verdicts import UNDECIDED
from core.model.parties import Party
from core.store.clearing_tables import clearing_dispute, settlement_batch, settlement_obligation
from core.store.engine import append_event, upsert


@dataclass(frozen=True)
class Settlement:
    """What a run did: SDRs approved and disputes decided by the clock (keys), batches moved (ids), nettings (ids)."""

    approved: tuple[str, ...]
    decided: tuple[str, ...]
    moved: tuple[tuple[str, BatchState], ...]
    nettings: tuple[str, ...]


async def settle(clearing: Clearing, day: date | None = None) -> Settlement:
    """Take every step that is due. day: cut-offs after its beginning in the agreement's zone wait; otherwise none does.

    Raises InvalidInput (future_cut_off).
    """
    now = clearing.clock.now()
    return await clearing.store.write(lambda connection: _run(connection, clearing, day, now))


async def confirm(clearing: Clearing, party: Party, batch_id: str) -> BatchState:
    """A side of a batch confirms what was calculated; both, or the deadline, make it CONFIRMED.

    Raises NotFound where the batch is not one of this party, Refused (wrong_state).
    """
    now = clearing.clock.now()

    def change(connection: Connection) -> BatchState:
        row = batch_row(connection, party, batch_id)
        is_creditor = parties_of(row.country_code, row.party_id) == party
        ours = "creditor_confirmed_at" if is_creditor else "debtor_confirmed_at"
        theirs = row.debtor_confirmed_at if is_creditor else row.creditor_confirmed_at
        if getattr(row, ours) is not None:
            return BatchState(row.state)
        next_state(BatchState(row.state), BatchState.CONFIRMED)
        connection.execute(update(settlement_batch).where(*_same(row)).values({ours: now}))
        if theirs is None:
            return BatchState(row.state)
        move(connection, row, BatchState.CONFIRMED, now)
        return BatchState.CONFIRMED

    return await clearing.store.write(change)


def batch_row(connection: Connection, party: Party, batch_id: str) -> Row[Any]:
    """A batch of which the party is a side. Raises NotFound."""
    row = connection.execute(settlement_batch.select().where(settlement_batch.c.id == batch_id)).first()
    sides = () if row is None else (
        parties_of(row.country_code, row.party_id),
        parties_of(row.debtor_country_code, row.debtor_party_id),
    )  # fmt: skip
    if row is None or party not in sides:
        raise NotFound(f"There is no batch {batch_id[:80]} of yours.", code="unknown_batch")
    return row


def move(connection: Connection, row: Row[Any], to: BatchState, now: datetime, **values: object) -> None:
    """Move a batch to another state. Raises Refused (wrong_state)."""
    next_state(BatchState(row.state), to)
    connection.execute(update(settlement_batch).where(*_same(row)).values(state=to, state_at=now, **values))
    append_event(connection, stream=STREAM, kind="batch", at=now, body={"batch": row.id, "state": to.value})


def _run(connection: Connection, clearing: Clearing, day: date | None, now: datetime) -> Settlement:
    moved: list[tuple[str, BatchState]] = []
    approved = approve_due(connection, clearing.reader, now)
    decided = decide_due(connection, now)
    # An open batch holds nothing yet: each run says anew where it stands.
    connection.execute(delete(settlement_batch).where(settlement_batch.c.state == BatchState.OPEN))
    for terms in terms_in(connection).values():
        until = now if day is None else terms.midnight(day)
        if until > now:
            raise InvalidInput("A cut-off in the future cannot be settled.", code="future_cut_off")
        for currency in _currencies(connection, terms):
            moved += [(id, BatchState.CALCULATED) for id in _cut(connection, terms, currency, until, now)]
    for row in _in_state(connection, BatchState.CALCULATED, settlement_batch.c.confirm_by <= now):
        move(connection, row, BatchState.CONFIRMED, now)
        moved.append((row.id, BatchState.CONFIRMED))
    for row in _in_state(connection, BatchState.PAID):
        move(connection, row, BatchState.CLOSED, now)
        moved.append((row.id, BatchState.CLOSED))
    nettings = []
    for currency in sorted({row.currency for row in _in_state(connection, BatchState.CONFIRMED)}):
        rows = _in_state(connection, BatchState.CONFIRMED, settlement_batch.c.currency == currency)
        id, state = instruct(connection, rows, currency, now)
        for row in rows:
            move(connection, row, BatchState.INSTRUCTED, now, netting_id=id)
            moved.append((row.id, BatchState.INSTRUCTED))
        if state is BatchState.PAID:
            for row in _in_state(connection, BatchState.INSTRUCTED, settlement_batch.c.netting_id == id):
                move(connection, row, state, now)
                moved.append((row.id, state))
        nettings.append(id)
    return Settlement(tuple(approved), tuple(decided), tuple(moved), tuple(nettings))


def _cut(connection: Connection, terms: ClearingTerms, currency: str, until: datetime, now: datetime) -> list[str]:
    """Cut every batch whose cut-off has come, oldest first; what is left stands in an open one."""
    cut = []
    while (oldest := _oldest(connection, terms, currency)) is not None:
        cut_off = terms.cut_off_after(oldest)
        while _is_cut(connection, terms, currency, cut_off):
            cut_off = terms.cut_off_after(cut_off)
        batch_id = _opened(connection, terms, currency, cut_off, now)
        if cut_off > until:
            break
        _take(connection, terms, currency, cut_off, batch_id)
        row = connection.execute(settlement_batch.select().where(settlement_batch.c.id == batch_id)).one()
        move(connection, row, BatchState.CUT, now, root=_root(connection, row))
        _calculate(connection, terms, batch_id, now)
        cut.append(batch_id)
    return cut


def _calculate(connection: Connection, terms: ClearingTerms, batch_id: str, now: datetime) -> None:
    row = connection.execute(settlement_batch.select().where(settlement_batch.c.id == batch_id)).one()
    columns = settlement_obligation.c
    sums = connection.execute(select(func.sum(columns.net), func.sum(columns.gross)).where(*_items(row))).one()
    net, gross = int(sums[0]), int(sums[1])
    source, target = account_of(terms.debtor), account_of(terms.creditor)
    post(connection, transfer(f"batch/{batch_id}", row.currency, source, target, gross), now)
    move(connection, row, BatchState.CALCULATED, now, net=net, gross=gross, confirm_by=now + terms.windows.confirm)


def _opened(connection: Connection, terms: ClearingTerms, currency: str, cut_off: datetime, now: datetime) -> str:
    batch_id = f"{terms.creditor}-{terms.debtor}-{currency}-{terms.day_of(cut_off)}"
    key = {"country_code": terms.creditor.country_code, "party_id": terms.creditor.party_id, "id": batch_id}
    known = settlement_batch.select().where(*(settlement_batch.c[name] == value for name, value in key.items()))
    if connection.execute(known).first() is None:
        debtor = {"debtor_country_code": terms.debtor.country_code, "debtor_party_id": terms.debtor.party_id}
        row = {**key, **debtor, "agreement_id": terms.id, "currency": currency, "cut_off": cut_off}
        upsert(connection, settlement_batch, {**row, "state": BatchState.OPEN, "state_at": now})
    return batch_id


def _take(connection: Connection, terms: ClearingTerms, currency: str, cut_off: datetime, batch_id: str) -> None:
    columns = settlement_obligation.c
    connection.execute(
        update(settlement_obligation)
        .where(*_waiting(terms, currency), columns.approved_at < cut_off)
        .values(batch_id=batch_id)
    )


def _oldest(connection: Connection, terms: ClearingTerms, currency: str) -> datetime | None:
    columns = settlement_obligation.c
    query = select(columns.approved_at).where(*_waiting(terms, currency)).order_by(columns.approved_at).limit(1)
    return connection.execute(query).scalar()


def _waiting(terms: ClearingTerms, currency: str) -> tuple[Any, ...]:  # Any: SQL conditions
    """Obligations in no batch yet, but for those whose SDR is disputed."""
    columns, disputes = settlement_obligation.c, clearing_dispute.c
    disputed = exists().where(
        disputes.country_code == columns.country_code,
        disputes.party_id == columns.party_id,
        disputes.id == columns.id,
        disputes.state.in_(UNDECIDED),
    )
    return (
        columns.country_code == terms.creditor.country_code,
        columns.party_id == terms.creditor.party_id,
        columns.debtor_country_code == terms.debtor.country_code,
        columns.debtor_party_id == terms.debtor.party_id,
        columns.currency == currency,
        columns.batch_id.is_(None),
        ~disputed,
    )


def _currencies(connection: Connection, terms: ClearingTerms) -> list[str]:
    columns = settlement_obligation.c
    query = select(columns.currency).distinct().where(
        columns.country_code == terms.creditor.country_code,
        columns.party_id == terms.creditor.party_id,
        columns.debtor_country_code == terms.debtor.country_code,
        columns.debtor_party_id == terms.debtor.party_id,
        columns.batch_id.is_(None),
    )  # fmt: skip
    return sorted(connection.scalars(query))


def _is_cut(connection: Connection, terms: ClearingTerms, currency: str, cut_off: datetime) -> bool:
    columns = settlement_batch.c
    query = select(columns.id).where(
        columns.country_code == terms.creditor.country_code,
        columns.party_id == terms.creditor.party_id,
        columns.debtor_country_code == terms.debtor.country_code,
        columns.debtor_party_id == terms.debtor.party_id,
        columns.currency == currency,
        columns.cut_off == cut_off,
        columns.state != BatchState.OPEN,
    )
    return connection.execute(query).first() is not None


def _root(connection: Connection, row: Row[Any]) -> str:
    """What the batch holds, in one hash: nobody can change it afterwards without being seen."""
    bodies = connection.scalars(select(settlement_obligation.c.body).where(*_items(row)))
    return root_of(sha256(body.encode()).hexdigest() for body in bodies)


def _items(row: Row[Any]) -> tuple[Any, ...]:  # Any: SQL conditions
    columns = settlement_obligation.c
    return columns.country_code == row.country_code, columns.party_id == row.party_id, columns.batch_id == row.id


def _in_state(connection: Connection, state: BatchState, *more: Any) -> list[Row[Any]]:  # Any: SQL conditions
    columns = settlement_batch.c
    query = settlement_batch.select().where(columns.state == state, *more).order_by(columns.cut_off, columns.id)
    return list(connection.execute(query))


def _same(row: Row[Any]) -> tuple[Any, ...]:  # Any: SQL conditions
    columns = settlement_batch.c
    return columns.country_code == row.country_code, columns.party_id == row.party_id, columns.id == row.id


async def funds_received(
    clearing: Clearing, netting_id: str, party: Party, units: int, reference: str
) -> BatchState | None:
    """A bank line says that a debtor paid; creditors are paid out once all have. Raises as `payments.receive`."""
    now = clearing.clock.now()

    def change(connection: Connection) -> BatchState | None:
        return _paid(connection, netting_id, receive(connection, netting_id, party, units, reference, now), now)

    return await clearing.store.write(change)


async def funds_failed(clearing: Clearing, netting_id: str, party: Party) -> BatchState | None:
    """A debtor does not pay: what others paid is divided. Raises as `payments.fail`."""
    now = clearing.clock.now()

    def change(connection: Connection) -> BatchState | None:
        return _paid(connection, netting_id, fail(connection, netting_id, party, now), now)

    return await clearing.store.write(change)


def _paid(connection: Connection, netting_id: str, state: BatchState | None, now: datetime) -> BatchState | None:
    if state is not None:
        columns = settlement_batch.c
        for row in connection.execute(settlement_batch.select().where(columns.netting_id == netting_id)).all():
            if row.state != state:
                move(connection, row, state, now)
    return state
