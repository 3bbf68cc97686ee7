"""The log of what passed the switch, chained by hashes: the third witness of reconciliation (6.4.2).

Each row carries the hash of the one before it, so that a row that was changed, taken out or put in shows; who notes the
last hash elsewhere sees also what was cut off at the end. It holds no bodies and nothing that names a driver.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, text

from core.model.parties import Party
from core.store.switch_tables import hub_log

_FIRST = "0" * 64
_CHAIN_LOCK = 6_311_902
_columns = hub_log.c
_LAST = select(_columns.sequence, _columns.hash).order_by(_columns.sequence.desc()).limit(1)


class Kind(StrEnum):
    """What a row tells: a request came, its answer went back, or what became of it later."""

    REQUEST = "request"
    ANSWER = "answer"
    QUEUED = "queued"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    ALERT = "alert"


@dataclass(frozen=True)
class Entry:
    """One row to be written. content_hash: SHA-256 of the body as it came; facts: figures of a session or SDR."""

    at: datetime
    kind: Kind
    sender: Party
    method: str
    path: str
    message_id: str
    correlation_id: str
    receiver: Party | None = None
    service: str | None = None
    onward_id: str | None = None
    session_id: str | None = None
    sdr_id: str | None = None
    authorization_reference: str | None = None
    http_status: int | None = None
    status_code: int | None = None
    content_hash: str | None = None
    facts: str | None = None


@dataclass(frozen=True)
class Passed:
    """A row as it was written."""

    sequence: int
    entry: Entry
    hash: str


@dataclass(frozen=True)
class Audit:
    """What looking through the chain came to. broken_at: the first row that does not fit, None where all do."""

    rows: int
    last_hash: str
    broken_at: int | None


def append(connection: Connection, entry: Entry) -> str:
    """Write a row behind the last one; its hash. To be called inside `Store.write`."""
    if connection.dialect.name == "postgresql":
        # Several processes of one clearing house write to one chain.
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _CHAIN_LOCK})
    last = connection.execute(_LAST).first()
    previous = _FIRST if last is None else last.hash
    row = _row(entry)
    own = _hash(previous, row)
    connection.execute(insert(hub_log), {**row, "previous_hash": previous, "hash": own})
    return own


def verify(connection: Connection) -> Audit:
    """Look through the whole chain."""
    previous, count = _FIRST, 0
    for stored in connection.execute(select(hub_log).order_by(_columns.sequence)):
        row = {name: value for name, value in stored._mapping.items() if name in _HASHED}
        if stored.previous_hash != previous or stored.hash != _hash(previous, row):
            return Audit(count, previous, stored.sequence)
        previous, count = stored.hash, count + 1
    return Audit(count, previous, None)


def passed(
    connection: Connection,
    *,
    session_id: str | None = None,
    sdr_id: str | None = None,
    authorization_reference: str | None = None,
    correlation_id: str | None = None,
    between: tuple[Party, Party] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    kinds: Sequence[Kind] = tuple(Kind),
    after: int = 0,
    limit: int = 1_000,
) -> list[Passed]:
    """What passed and when, in order: of a session, of an SDR, under a reference, between two parties (either way)."""
    query = select(hub_log).where(_columns.sequence > after, _columns.kind.in_(kinds)).order_by(_columns.sequence)
    named: Mapping[str, str | None] = {
        "session_id": session_id,
        "sdr_id": sdr_id,
        "authorization_reference": authorization_reference,
        "correlation_id": correlation_id,
    }
    for name, value in named.items():
        if value is not None:
            query = query.where(_columns[name] == value)
    if since is not None:
        query = query.where(_columns.at >= since)
    if until is not None:
        query = query.where(_columns.at < until)
    if between is not None:
        one, other = between
        query = query.where((_is("", one) & _is("receiver_", other)) | (_is("", other) & _is("receiver_", one)))
    return [_passed(row._mapping) for row in connection.execute(query.limit(limit))]


def _is(prefix: str, party: Party) -> Any:  # Any: an SQL condition
    return (_columns[f"{prefix}country_code"] == party.country_code) & (_columns[f"{prefix}party_id"] == party.party_id)


def _row(entry: Entry) -> dict[str, object]:
    own = {name: value for name, value in vars(entry).items() if name not in {"sender", "receiver"}}
    receiver = entry.receiver
    return {
        **own,
        "country_code": entry.sender.country_code,
        "party_id": entry.sender.party_id,
        "receiver_country_code": receiver and receiver.country_code,
        "receiver_party_id": receiver and receiver.party_id,
    }


_NOT_HASHED = {"sequence", "previous_hash", "hash"}
_HASHED = {column.name for column in hub_log.columns} - _NOT_HASHED


def _hash(previous: str, row: Mapping[str, object]) -> str:
    content = json.dumps(dict(row), sort_keys=True, default=_text, separators=(",", ":"))
    return hashlib.sha256(f"{previous}\n{content}".encode()).hexdigest()


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _passed(row: RowMapping) -> Passed:
    own = {name: row[name] for name in Entry.__dataclass_fields__ if name not in {"sender", "receiver", "kind"}}
    receiver = row["receiver_country_code"] and Party(
        country_code=row["receiver_country_code"], party_id=row["receiver_party_id"]
    )
    sender = Party(country_code=row["country_code"], party_id=row["party_id"])
    entry = Entry(**own, kind=Kind(row["kind"]), sender=sender, receiver=receiver or None)
    return Passed(row["sequence"], entry, row["hash"])
