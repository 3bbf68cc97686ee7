"""Service sessions at rest: the same for the home-CSP and the visited-CSO, each keeping its own record."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, select
from sqlalchemy.sql import Select

from core.model.parties import Party
from core.model.session import OPEN, STARTING, ServiceSession, SessionState
from core.store.engine import upsert
from core.store.prepared import Prepared
from core.store.tables import service_session as table

_COLUMNS = (table.c.body, table.c.partner_id)


class KeptSession:
    """A session with the partner it belongs to."""

    __slots__ = ("partner_id", "session")

    def __init__(self, session: ServiceSession, partner_id: str | None) -> None:
        self.session = session
        self.partner_id = partner_id


def _of_party(condition: ColumnElement[bool], *, visited: bool = False) -> Prepared:
    keeper = (table.c.country_code, table.c.party_id)
    country_code, party_id = (table.c.visited_country_code, table.c.visited_party_id) if visited else keeper
    of_party = country_code == bindparam("country_code"), party_id == bindparam("party_id")
    return Prepared(select(*_COLUMNS).where(*of_party, condition))


# Run with every message about a session.
_BY_ID = _of_party(table.c.id == bindparam("id"))
_BY_VISITED_ID = _of_party(table.c.visited_session_id == bindparam("id"), visited=True)
_BY_REFERENCE = _of_party(table.c.authorization_reference == bindparam("reference"))


def load(connection: Connection, keeper: Party, id: str) -> KeptSession | None:
    """The session with our key. What writes has the store to itself, so it may change what it has loaded."""
    return _one(connection, _BY_ID, country_code=keeper.country_code, party_id=keeper.party_id, id=id)


def load_by_visited_id(connection: Connection, visited: Party, visited_session_id: str) -> KeptSession | None:
    """The session with the key that the visited-CSO minted."""
    party = {"country_code": visited.country_code, "party_id": visited.party_id}
    return _one(connection, _BY_VISITED_ID, **party, id=visited_session_id)


def load_by_reference(connection: Connection, keeper: Party, reference: str) -> KeptSession | None:
    """The session with the authorisation reference that we gave or got."""
    party = {"country_code": keeper.country_code, "party_id": keeper.party_id}
    return _one(connection, _BY_REFERENCE, **party, reference=reference)


def load_open_at(
    connection: Connection, keeper: Party, evse_uid: str, visited: Party | None = None
) -> list[KeptSession]:
    """The sessions that hold an EVSE now; more than one is a fault of somebody's.

    visited: whose EVSE it is, where the keeper is not its operator; two operators may give their EVSEs the same uid.
    """
    operator = visited or keeper
    query = _of(keeper).where(
        table.c.evse_uid == evse_uid,
        table.c.visited_country_code == operator.country_code,
        table.c.visited_party_id == operator.party_id,
        table.c.state.in_(OPEN),
    )
    return [_kept(row) for row in connection.execute(query)]


def load_reserved(connection: Connection, keeper: Party, partner_id: str | None = None) -> list[KeptSession]:
    """The sessions that began with a reservation and on which nobody charges yet; those of one partner, or all."""
    states = (*STARTING, SessionState.RESERVED)
    query = _of(keeper).where(table.c.state.in_(states)).order_by(table.c.last_updated)
    if partner_id is not None:
        query = query.where(table.c.partner_id == partner_id)
    kept = (_kept(row) for row in connection.execute(query))
    return [one for one in kept if one.session.reservation is not None]


def load_open(connection: Connection, keeper: Party) -> list[KeptSession]:
    """All sessions that hold an EVSE now, oldest first."""
    query = _of(keeper).where(table.c.state.in_(OPEN)).order_by(table.c.last_updated)
    return [_kept(row) for row in connection.execute(query)]


def load_of_contract(connection: Connection, keeper: Party, contract_id: str, limit: int = 50) -> list[KeptSession]:
    """A contract's sessions, the latest change first."""
    query = _of(keeper).where(table.c.contract_id == contract_id).order_by(table.c.last_updated.desc()).limit(limit)
    return [_kept(row) for row in connection.execute(query)]


def save(
    connection: Connection,
    keeper: Party,
    session: ServiceSession,
    *,
    partner_id: str | None,
    at: datetime,
    wire: str | None = None,
) -> None:
    """Insert or replace. `wire` is the JSON text as it came or will go; None leaves what is there."""
    values: dict[str, object] = {
        "country_code": keeper.country_code,
        "party_id": keeper.party_id,
        "id": session.id,
        "partner_id": partner_id,
        "visited_country_code": session.visited.country_code,
        "visited_party_id": session.visited.party_id,
        "visited_session_id": session.visited_session_id,
        "authorization_reference": session.authorization_reference,
        "state": session.state,
        "contract_id": session.contract_id,
        "credential_uid": session.credential_uid,
        "site_id": session.site_id,
        "evse_uid": "" if _is_ahead(session, at) else session.evse_uid,
        "evse_id": session.evse_id,
        "connector_id": session.connector_id,
        "quote_id": session.quote_id,
        "started_at": session.started_at,
        "ended_at": session.ended_at,
        "energy": session.energy,
        "cost": session.cost,
        "currency": session.currency,
        "last_updated": at,
        "body": session.model_dump_json(),
    }
    if wire is not None:
        values["partner_body"] = wire
    upsert(connection, table, values, unless_older=None)


def _is_ahead(session: ServiceSession, at: datetime) -> bool:
    """Whether the EVSE is booked for later: no session holds it yet, so that others may use it meanwhile."""
    return session.reservation is not None and session.reservation.start > at


def _of(keeper: Party) -> Select[str, str | None]:
    return select(*_COLUMNS).where(table.c.country_code == keeper.country_code, table.c.party_id == keeper.party_id)


def _one(connection: Connection, query: Prepared, **named: str) -> KeptSession | None:
    row = query.first(connection, named)
    return None if row is None else _kept(row)


def _kept(row: Sequence[Any]) -> KeptSession:
    body, partner_id = row
    return KeptSession(ServiceSession.model_validate_json(body), partner_id)
