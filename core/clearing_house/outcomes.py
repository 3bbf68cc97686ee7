"""What payer, operator and a person of the clearing house say of one SDR (6.4.2)."""

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, update

from core.clearing_house.clearing import HOUSE, Clearing, parties_of
from core.clearing_house.judgements import same_sdr, set_outcome
from core.clearing_house.obligations import approve
from core.errors import InvalidInput, NotFound, Refused
from core.model.clearing.discrepancies import DiscrepancyClass
from core.model.clearing.verdicts import Outcome
from core.model.parties import ObjectKey, Party
from core.store.clearing_tables import clearing_sdr


async def say(clearing: Clearing, payer: Party, key: ObjectKey, verdict: Outcome) -> None:
    """The payer approves or declines an SDR that it is asked to pay; the same again changes nothing.

    A held one may be approved: that is what it was held for. Raises NotFound, Refused (wrong_state), InvalidInput.
    """
    if verdict not in (Outcome.APPROVED, Outcome.DECLINED):
        raise InvalidInput("A payer approves or declines an SDR.", code="invalid_verdict")
    now = clearing.clock.now()

    def change(connection: Connection) -> None:
        row = _payable(connection, payer, key)
        if row.outcome == verdict:
            return
        if verdict is Outcome.DECLINED:
            set_outcome(connection, row, verdict, str(payer), now)
            return
        if row.outcome == Outcome.NEW:
            set_outcome(connection, row, Outcome.ACCEPTED, str(payer), now)
            row = _payable(connection, payer, key)
        approve(connection, clearing.reader, row, str(payer), now)

    await clearing.store.write(change)


async def give_up(clearing: Clearing, issuer: Party, id: str) -> None:
    """The operator gives a claim up that is not approved yet. Raises NotFound, Refused (wrong_state)."""
    now = clearing.clock.now()

    def change(connection: Connection) -> None:
        row = sdr_row(connection, ObjectKey(country_code=issuer.country_code, party_id=issuer.party_id, id=id))
        if row.outcome != Outcome.REJECTED:
            set_outcome(connection, row, Outcome.REJECTED, str(issuer), now)

    await clearing.store.write(change)


async def release(clearing: Clearing, key: ObjectKey, kinds: Iterable[DiscrepancyClass]) -> None:
    """A person of the clearing house has looked at what holds an SDR: these classes hold it no longer.

    Raises NotFound, Refused (wrong_state) where it is not held.
    """
    lifted, now = frozenset(kinds), clearing.clock.now()

    def change(connection: Connection) -> None:
        row = sdr_row(connection, key)
        if row.outcome != Outcome.NEW:
            raise Refused(f"The SDR is {row.outcome} and not held.", code="wrong_state")
        released = sorted(lifted | set(json.loads(row.released)))
        connection.execute(
            update(clearing_sdr)
            .where(*same_sdr(key.country_code, key.party_id, row.id))
            .values(released=json.dumps(released), outcome_at=now, outcome_by=HOUSE)
        )

    await clearing.store.write(change)


def sdr_row(connection: Connection, key: ObjectKey) -> Row[Any]:
    """An SDR as it is kept. Raises NotFound."""
    row = connection.execute(clearing_sdr.select().where(*same_sdr(key.country_code, key.party_id, key.id))).first()
    if row is None:
        raise NotFound(f"The SDR {key} is not known here.", code="unknown_sdr")
    return row


def _payable(connection: Connection, payer: Party, key: ObjectKey) -> Row[Any]:
    """Raises NotFound also where another one pays: who pays for what is nobody else's business."""
    row = sdr_row(connection, key)
    if parties_of(row.payer_country_code, row.payer_party_id) != payer:
        raise NotFound(f"The SDR {key} is not known here.", code="unknown_sdr")
    return row


def require_approved(connection: Connection, payer: Party, key: ObjectKey) -> Row[Any]:
    """An SDR that this payer has to pay. Raises NotFound, Refused (not_approved)."""
    row = _payable(connection, payer, key)
    if row.outcome != Outcome.APPROVED:
        raise Refused(
            f"The SDR is {row.outcome}; only an approved one is disputed.",
            code="not_approved",
            next_step="Decline it instead.",
        )
    return row
