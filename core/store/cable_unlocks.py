"""Emergency unlocks at rest, the same for both sides: each keeps its own incident record."""

from datetime import datetime

from sqlalchemy import Connection, Select, bindparam, func, select

from core.model.cable_unlock import EmergencyUnlock, UnlockState
from core.model.parties import Party
from core.store.engine import upsert
from core.store.prepared import Prepared
from core.store.service_tables import emergency_unlock as table

_UNFINISHED = (UnlockState.REQUESTED, UnlockState.RELEASED)

# Asked with every look at a session.
_LATEST = Prepared(
    select(table.c.body)
    .where(
        table.c.country_code == bindparam("country_code"),
        table.c.party_id == bindparam("party_id"),
        table.c.session_id == bindparam("session_id"),
    )
    .order_by(table.c.requested_at.desc())
    .limit(1)
)


class KeptUnlock:
    """A request with the partner that it goes to or came from."""

    __slots__ = ("partner_id", "unlock")

    def __init__(self, unlock: EmergencyUnlock, partner_id: str | None) -> None:
        self.unlock = unlock
        self.partner_id = partner_id


def save_unlock(
    connection: Connection, keeper: Party, unlock: EmergencyUnlock, *, partner_id: str | None, at: datetime
) -> None:
    """Insert or replace."""
    row = {
        "country_code": keeper.country_code,
        "party_id": keeper.party_id,
        "id": unlock.id,
        "partner_id": partner_id,
        "contract_id": unlock.contract_id,
        "session_id": unlock.session_id,
        "state": unlock.state,
        "requested_at": unlock.requested_at,
        "last_updated": at,
        "body": unlock.model_dump_json(),
    }
    upsert(connection, table, row, unless_older=None)


def load_unlock(connection: Connection, keeper: Party, id: str) -> KeptUnlock | None:
    """One request."""
    row = connection.execute(_of(keeper).where(table.c.id == id)).first()
    return None if row is None else KeptUnlock(EmergencyUnlock.model_validate_json(row.body), row.partner_id)


def list_unlocks(connection: Connection, keeper: Party, limit: int = 200) -> list[KeptUnlock]:
    """Requests, those that wait first, then the newest."""
    waits = table.c.state.in_(_UNFINISHED)
    query = _of(keeper).order_by(waits.desc(), table.c.requested_at.desc()).limit(limit)
    return [
        KeptUnlock(EmergencyUnlock.model_validate_json(row.body), row.partner_id) for row in connection.execute(query)
    ]


def latest_of_session(connection: Connection, keeper: Party, session_id: str) -> EmergencyUnlock | None:
    """The newest request for a session, None where there was none."""
    asked = {"country_code": keeper.country_code, "party_id": keeper.party_id, "session_id": session_id}
    body = _LATEST.scalar(connection, asked)
    return None if body is None else EmergencyUnlock.model_validate_json(body)


def count_since(
    connection: Connection, keeper: Party, contract_id: str, since: datetime, *, besides: UnlockState | None = None
) -> int:
    """How many unlocks a contract has asked for since then, but for those in one state."""
    query = select(func.count()).where(
        table.c.country_code == keeper.country_code,
        table.c.party_id == keeper.party_id,
        table.c.contract_id == contract_id,
        table.c.requested_at >= since,
        table.c.state != (besides or ""),
    )
    return connection.execute(query).scalar_one()


def _of(keeper: Party) -> Select[str, str | None]:
    return select(table.c.body, table.c.partner_id).where(
        table.c.country_code == keeper.country_code, table.c.party_id == keeper.party_id
    )
