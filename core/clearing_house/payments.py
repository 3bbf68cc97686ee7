"""Payments: net debtors pay to the settlement account, net creditors are paid from it, never before funds are there.

Where a debtor fails, what has come is divided in proportion, to the unit.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, insert, update

from core.clearing_house.clearing import STREAM, parties_of
from core.clearing_house.ledger import post
from core.errors import InvalidInput, NotFound, Refused
from core.model.clearing.batches import BatchState
from core.model.clearing.ledger import SETTLEMENT_ACCOUNT, account_of, transfer
from core.model.clearing.minor_units import split
from core.model.clearing.netting import Flow, bilateral, multilateral
from core.model.parties import Party
from core.store.clearing_tables import settlement_payment
from core.store.engine import append_event


class PaymentState(StrEnum):
    """INSTRUCTED: not wholly paid yet. FAILED: the debtor does not pay the rest."""

    INSTRUCTED = "INSTRUCTED"
    PAID = "PAID"
    FAILED = "FAILED"


def instruct(
    connection: Connection, batches: Sequence[Row[Any]], currency: str, now: datetime
) -> tuple[str, BatchState]:
    """Net confirmed batches of one currency and instruct the payments; the netting's id, and what the batches become.

    Batches that balance to nothing are paid with it.
    """
    netting_id = f"{currency}-{now:%Y%m%dT%H%M%S%fZ}"
    positions = multilateral(bilateral(flow_of(row) for row in batches))
    rows = [
        {
            "country_code": one.party.country_code,
            "party_id": one.party.party_id,
            "netting_id": netting_id,
            "currency": currency,
            "units": one.units,
            "state": PaymentState.INSTRUCTED,
            "state_at": now,
        }
        for one in positions
        if one.units
    ]
    if rows:
        connection.execute(insert(settlement_payment), rows)
    body: dict[str, object] = {"netting": netting_id, "payments": len(rows)}
    append_event(connection, stream=STREAM, kind="netting", at=now, body=body)
    return netting_id, BatchState.INSTRUCTED if rows else BatchState.PAID


def flow_of(row: Row[Any]) -> Flow:
    """What the debtor of a batch owes its creditor, taxes included."""
    debtor = parties_of(row.debtor_country_code, row.debtor_party_id)
    return Flow(debtor, parties_of(row.country_code, row.party_id), row.currency, row.gross)


def receive(
    connection: Connection, netting_id: str, party: Party, units: int, reference: str, now: datetime
) -> BatchState | None:
    """Funds of a debtor have come, by a bank line of this reference, which counts once.

    What the batches of the netting become, None where other funds are still awaited. Raises NotFound, Refused (posted,
    too_much), InvalidInput.
    """
    row = _owed(connection, netting_id, party)
    if units <= 0:
        raise InvalidInput("Funds are above zero.", code="invalid_amount")
    if units > -row.units - row.settled_units:
        raise Refused(f"Only {-row.units - row.settled_units} minor units are still owed.", code="too_much")
    posting = transfer(f"funds/{reference}", row.currency, SETTLEMENT_ACCOUNT, account_of(party), units)
    post(connection, posting, now)
    _settled(connection, row, units, now)
    return _distribute(connection, netting_id, now)


def fail(connection: Connection, netting_id: str, party: Party, now: datetime) -> BatchState | None:
    """A debtor does not pay the rest for now. Raises NotFound, Refused (wrong_state)."""
    row = _owed(connection, netting_id, party)
    if row.state == PaymentState.PAID:
        raise Refused("It has been paid.", code="wrong_state")
    connection.execute(update(settlement_payment).where(*_same(row)).values(state=PaymentState.FAILED, state_at=now))
    return _distribute(connection, netting_id, now)


def payments_of(connection: Connection, netting_id: str) -> list[Row[Any]]:
    """The payments of a netting, debtors first."""
    columns = settlement_payment.c
    query = settlement_payment.select().where(columns.netting_id == netting_id).order_by(
        columns.units > 0, columns.country_code, columns.party_id
    )  # fmt: skip
    return list(connection.execute(query))


def _distribute(connection: Connection, netting_id: str, now: datetime) -> BatchState | None:
    rows = payments_of(connection, netting_id)
    owed, due = [one for one in rows if one.units < 0], [one for one in rows if one.units > 0]
    if any(one.state == PaymentState.INSTRUCTED for one in owed):
        return None
    come = sum(one.settled_units for one in owed)
    there = come - sum(one.settled_units for one in due)
    if there:
        for row, units in zip(due, split(there, [one.units - one.settled_units for one in due]), strict=True):
            _pay_out(connection, row, units, now)
    if come == sum(one.units for one in due):
        return BatchState.PAID
    return BatchState.PARTIAL if come else BatchState.FAILED


def _pay_out(connection: Connection, row: Row[Any], units: int, now: datetime) -> None:
    if not units:
        return
    party = parties_of(row.country_code, row.party_id)
    reason = f"payout/{row.netting_id}/{party}/{row.settled_units}"
    post(connection, transfer(reason, row.currency, account_of(party), SETTLEMENT_ACCOUNT, units), now)
    _settled(connection, row, units, now)


def _settled(connection: Connection, row: Row[Any], units: int, now: datetime) -> None:
    settled = row.settled_units + units
    state = PaymentState.PAID if settled == abs(row.units) else row.state
    connection.execute(
        update(settlement_payment).where(*_same(row)).values(settled_units=settled, state=state, state_at=now)
    )


def _owed(connection: Connection, netting_id: str, party: Party) -> Row[Any]:
    columns = settlement_payment.c
    row = connection.execute(
        settlement_payment.select().where(
            columns.netting_id == netting_id,
            columns.country_code == party.country_code,
            columns.party_id == party.party_id,
            columns.units < 0,
        )
    ).first()
    if row is None:
        raise NotFound(f"{party} owes nothing in {netting_id[:80]}.", code="unknown_payment")
    return row


def _same(row: Row[Any]) -> tuple[Any, ...]:  # Any: SQL conditions
    columns = settlement_payment.c
    return (
        columns.country_code == row.country_code,
        columns.party_id == row.party_id,
        columns.netting_id == row.netting_id,
        columns.currency == row.currency,
    )
