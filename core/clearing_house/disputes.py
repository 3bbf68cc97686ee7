"""Disputes about approved SDRs: opened by the payer, answered by the operator, decided by them, a person or the clock.

While one is undecided its SDR alone is not settled. What the payer gets back is a credit in the next batch.
"""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, update

from core.clearing_house.clearing import STREAM, Clearing, parties_of, terms_between
from core.clearing_house.judgements import same_sdr
from core.clearing_house.obligations import credited, enter, obligation_entered
from core.clearing_house.outcomes import require_approved, sdr_row
from core.errors import NotFound, Refused
from core.model.clearing.batches import Obligation, TaxPart
from core.model.clearing.minor_units import from_minor, to_minor
from core.model.clearing.terms import ClearingTerms
from core.model.clearing.verdicts import (
    UNDECIDED,
    Dispute,
    DisputeState,
    at_deadline,
    decided,
    escalated,
    opened,
    responded,
)
from core.model.money import rounded
from core.model.parties import ObjectKey, Party
from core.store.clearing_tables import clearing_dispute, clearing_sdr, settlement_obligation
from core.store.engine import append_event, upsert


async def open_dispute(
    clearing: Clearing, payer: Party, key: ObjectKey, reason: str, claim: Decimal | None = None
) -> Dispute:
    """Dispute an SDR, or a part of it (claim, before taxes).

    Raises NotFound, Refused (not_approved, window_closed, disputed, invalid_claim).
    """
    now = clearing.clock.now()

    def change(connection: Connection) -> Dispute:
        row = require_approved(connection, payer, key)
        if _dispute_row(connection, key) is not None:
            raise Refused("This SDR has been disputed before.", code="disputed")
        open_units = _open_units(connection, row)
        wanted = from_minor(open_units, row.currency) if claim is None else claim
        if open_units <= 0 or not 0 < to_minor(wanted, row.currency) <= open_units:
            raise Refused("A claim is above zero and at most what is still billed.", code="invalid_claim")
        dispute = opened(reason, wanted, row.received_at, now, _terms(connection, row).windows)
        _keep(connection, row, dispute, now)
        return dispute

    return await clearing.store.write(change)


async def respond(clearing: Clearing, issuer: Party, id: str, text: str, offer: Decimal | None = None) -> Dispute:
    """The operator answers, and may offer a part. Raises NotFound, Refused."""
    key = ObjectKey(country_code=issuer.country_code, party_id=issuer.party_id, id=id)
    now = clearing.clock.now()
    return await _change(
        clearing, key, lambda dispute, terms: responded(dispute, text, offer, now, terms.windows), by=issuer
    )


async def concede(clearing: Clearing, issuer: Party, id: str) -> Dispute:
    """The operator agrees with the payer. Raises NotFound, Refused."""
    key = ObjectKey(country_code=issuer.country_code, party_id=issuer.party_id, id=id)
    now = clearing.clock.now()
    return await _change(
        clearing, key, lambda dispute, _: decided(dispute, DisputeState.UPHELD, str(issuer), now), by=issuer
    )


async def accept_response(clearing: Clearing, payer: Party, key: ObjectKey) -> Dispute:
    """The payer takes the operator's offer, or withdraws where there is none. Raises NotFound, Refused."""
    now = clearing.clock.now()

    def take(dispute: Dispute, _: ClearingTerms) -> Dispute:
        state = DisputeState.SPLIT if dispute.offer else DisputeState.REJECTED
        return decided(dispute, state, str(payer), now)

    return await _change(clearing, key, take, by=payer)


async def escalate(clearing: Clearing, party: Party, key: ObjectKey) -> Dispute:
    """Either side puts the dispute before a person of the clearing house. Raises NotFound, Refused."""
    return await _change(clearing, key, lambda dispute, _: escalated(dispute), by=party)


async def rule(
    clearing: Clearing, key: ObjectKey, state: DisputeState, person: str, part: Decimal | None = None
) -> Dispute:
    """A person of the clearing house decides. Raises NotFound, Refused."""
    now = clearing.clock.now()
    return await _change(clearing, key, lambda dispute, _: decided(dispute, state, person, now, part))


def decide_due(connection: Connection, now: datetime) -> list[str]:
    """What the clock decides; the keys of the SDRs."""
    due = clearing_dispute.select().where(clearing_dispute.c.due_at <= now)
    keys = []
    for found in connection.execute(due).all():
        key = ObjectKey(country_code=found.country_code, party_id=found.party_id, id=found.id)
        _keep(connection, sdr_row(connection, key), at_deadline(_read(found), now), now)
        keys.append(str(key))
    return keys


async def _change(
    clearing: Clearing,
    key: ObjectKey,
    change: Callable[[Dispute, ClearingTerms], Dispute],
    by: Party | None = None,
) -> Dispute:
    now = clearing.clock.now()

    def apply(connection: Connection) -> Dispute:
        row = sdr_row(connection, key)
        sides = (parties_of(row.country_code, row.party_id), parties_of(row.payer_country_code, row.payer_party_id))
        kept = _dispute_row(connection, key)
        if kept is None or (by is not None and by not in sides):
            raise NotFound(f"There is no dispute about {key}.", code="unknown_dispute")
        dispute = change(at_deadline(_read(kept), now), _terms(connection, row))
        _keep(connection, row, dispute, now)
        return dispute

    return await clearing.store.write(apply)


def _keep(connection: Connection, row: Row[Any], dispute: Dispute, now: datetime) -> None:
    upsert(
        connection,
        clearing_dispute,
        {
            "country_code": row.country_code,
            "party_id": row.party_id,
            "id": row.id,
            "payer_country_code": row.payer_country_code,
            "payer_party_id": row.payer_party_id,
            "state": dispute.state,
            "due_at": dispute.due_at,
            "body": dispute.model_dump_json(),
        },
    )
    body: dict[str, object] = {"sdr": f"{row.country_code}*{row.party_id}/{row.id}", "state": dispute.state.value}
    append_event(connection, stream=STREAM, kind="dispute", at=now, body=body)
    # Both sides ask for verdicts that have changed, and this one has.
    where = same_sdr(row.country_code, row.party_id, row.id)
    connection.execute(update(clearing_sdr).where(*where).values(outcome_at=now))
    if dispute.state not in UNDECIDED:
        _settle(connection, row, dispute, now)


def _settle(connection: Connection, row: Row[Any], dispute: Dispute, now: datetime) -> None:
    """Let the SDR be settled from now on, and enter what the payer gets back."""
    columns = settlement_obligation.c
    connection.execute(
        update(settlement_obligation)
        .where(
            columns.country_code == row.country_code,
            columns.party_id == row.party_id,
            columns.id == row.id,
            columns.batch_id.is_(None),
        )
        .values(approved_at=now)
    )
    if dispute.credit:
        enter(connection, _credit(connection, row, dispute.credit), now)


def _credit(connection: Connection, row: Row[Any], amount: Decimal) -> Obligation:
    """The credit for a part of an SDR: taxes in the proportion in which they were billed, the last one to the unit."""
    creditor = parties_of(row.country_code, row.party_id)
    original = Obligation.model_validate_json(_entered(connection, row).body)
    net_before, gross_before = credited(connection, creditor, row.id)
    net_left, gross_left = original.net + net_before, original.gross + gross_before
    net = min(to_minor(amount, row.currency), net_left)
    gross = gross_left if net == net_left else int(rounded(Decimal(original.gross) * net / original.net, 0))
    rate = original.taxes[0].rate if len(original.taxes) == 1 else None
    return original.model_copy(
        update={
            "id": f"{row.id}-dispute",
            "original": row.id,
            "energy": Decimal(0),
            "net": -net,
            "gross": -gross,
            "taxes": (TaxPart(rate=rate, base=-net, tax=net - gross),),
        }
    )


def _open_units(connection: Connection, row: Row[Any]) -> int:
    net, _ = credited(connection, parties_of(row.country_code, row.party_id), row.id)
    return int(_entered(connection, row).net) + net


def _entered(connection: Connection, row: Row[Any]) -> Row[Any]:
    found = obligation_entered(connection, parties_of(row.country_code, row.party_id), row.id)
    assert found is not None  # every approved SDR has one, of the same transaction
    return found


def _dispute_row(connection: Connection, key: ObjectKey) -> Row[Any] | None:
    columns = clearing_dispute.c
    return connection.execute(
        clearing_dispute.select().where(
            columns.country_code == key.country_code, columns.party_id == key.party_id, columns.id == key.id
        )
    ).first()


def _terms(connection: Connection, row: Row[Any]) -> ClearingTerms:
    issuer = parties_of(row.country_code, row.party_id)
    return terms_between(connection, issuer, parties_of(row.payer_country_code, row.payer_party_id))


def _read(row: Row[Any]) -> Dispute:
    return Dispute.model_validate_json(row.body)
