"""Verdicts on SDRs at rest: the newest of each SDR with the history of those before it."""

from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter
from sqlalchemy import Connection, bindparam, func, select

from core.model.parties import ObjectKey
from core.model.sdr_verdicts import SdrVerdict, VerdictState, VerdictStep
from core.store.engine import upsert
from core.store.prepared import Prepared
from core.store.service_tables import sdr_verdict as table

_STEPS = TypeAdapter(tuple[VerdictStep, ...])

# Run with every SDR that comes or goes.
_OF_SDR = Prepared(
    select(table.c.version, table.c.state, table.c.steps, table.c.body, table.c.partner_id).where(
        table.c.country_code == bindparam("country_code"),
        table.c.party_id == bindparam("party_id"),
        table.c.id == bindparam("id"),
    )
)


@dataclass(frozen=True)
class KeptVerdict:
    """The newest verdict, as the wire has it, with the history before it and the partner it is exchanged with."""

    version: int
    state: VerdictState
    steps: tuple[VerdictStep, ...]
    body: str
    partner_id: str | None


def save_verdict(
    connection: Connection,
    verdict: SdrVerdict,
    step: VerdictStep,
    body: str,
    *,
    before: KeptVerdict | None,
    partner_id: str | None,
) -> None:
    """Keep the verdict as the newest. body: its JSON text on the wire; before: the one that stands now."""
    steps = (*(before.steps if before else ()), step)
    row = {
        "country_code": verdict.sdr.country_code,
        "party_id": verdict.sdr.party_id,
        "id": verdict.sdr.id,
        "partner_id": partner_id,
        "version": verdict.version,
        "state": verdict.state,
        "last_updated": verdict.last_updated,
        "steps": _STEPS.dump_json(steps).decode(),
        "body": body,
    }
    upsert(connection, table, row, unless_older=None)


def load_verdict(connection: Connection, sdr: ObjectKey) -> KeptVerdict | None:
    """The newest verdict on an SDR."""
    row = _OF_SDR.first(connection, {"country_code": sdr.country_code, "party_id": sdr.party_id, "id": sdr.id})
    if row is None:
        return None
    version, state, steps, body, partner_id = row
    return KeptVerdict(version, VerdictState(state), _STEPS.validate_json(steps), body, partner_id)


def newest_of(connection: Connection, partner_id: str) -> datetime | None:
    """When the newest verdict of a partner was given."""
    newest: datetime | None = connection.execute(
        select(func.max(table.c.last_updated)).where(table.c.partner_id == partner_id)
    ).scalar()
    return newest
