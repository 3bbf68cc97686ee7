"""What was said between platforms: one row a message, written behind the answer, so that it never slows one.

Rows hold no tokens and no headers, and nothing that names a driver's credential, neither in paths nor in bodies. Bodies
are kept where the platform says so.
"""

import asyncio
import json
import logging
import re
from collections import deque
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select, update

from core.model.display import printable
from core.store.engine import Store, StoreError
from core.store.tables import message_log, partner

_LONGEST_BODY = 16 * 1024
_LONGEST_QUEUE = 5_000
_GATHER_SECONDS = 0.1
_KEPT_ROWS = 50_000
_PRUNED_EVERY = 1_000
_log = logging.getLogger(__name__)
# A body that was cut may end within a string.
_STRING = r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)'
# Token strings only: the credential of a driver is an object of the same name.
_SECRETS = ("token", "contract_id", "emaid", "visual_number", "group_id")
_SECRET = re.compile(rf'("(?:{"|".join(_SECRETS)})"\s*:\s*){_STRING}')
# A contract certificate names its contract.
_CERTIFICATES = re.compile(r'("contract_certificate_chain"\s*:\s*)\[[^\]]*+(?:\]|\Z)')
_UID = re.compile(rf'("uid"\s*:\s*)({_STRING})')

correlation: ContextVar[str | None] = ContextVar("correlation", default=None)
"""The X-Correlation-ID of what is being answered; requests sent meanwhile carry it on."""


@dataclass(frozen=True)
class Message:
    """One request and its answer. direction: `in` or `out`; milliseconds: from the request to the whole answer."""

    at: datetime
    direction: str
    partner_id: str | None
    method: str
    path: str
    http_status: int | None
    status_code: int | None
    request_id: str | None
    correlation_id: str | None
    milliseconds: int
    request_body: bytes | None = None
    response_body: bytes | None = None


class MessageLog:
    """Collects messages and writes them in batches. `run` writes for as long as the endpoint runs."""

    def __init__(self, store: Store, *, keep_bodies: bool = True) -> None:
        self._store = store
        self._keep_bodies = keep_bodies
        self._waiting: deque[Message] = deque(maxlen=_LONGEST_QUEUE)
        self._news = asyncio.Event()
        self._writing = asyncio.Lock()

    def record(self, message: Message) -> None:
        """Take a message; when the store cannot keep up, the oldest one that waits is dropped."""
        self._waiting.append(message)
        self._news.set()

    async def run(self) -> None:
        """Write whatever is recorded, until cancelled; what comes within a moment is written together."""
        while True:
            await self._news.wait()
            await asyncio.sleep(_GATHER_SECONDS)
            try:
                await self.flush()
            except StoreError:
                _log.exception("messages cannot be logged")

    async def flush(self) -> None:
        """Write what waits now; once it returns, all that was recorded before is in the store."""
        async with self._writing:
            self._news.clear()
            batch = [self._row(self._waiting.popleft()) for _ in range(len(self._waiting))]
            if batch:
                await self._store.write(lambda connection: _write(connection, batch))

    def _row(self, message: Message) -> dict[str, object]:
        row = {**vars(message), "method": message.method[:8], "path": printable(message.path)[:1000]}
        for name in ("request_body", "response_body"):
            body = getattr(message, name)
            row[name] = _kept(body) if self._keep_bodies and body else None
        return row


def _kept(body: bytes) -> str:
    # Cut first: a page of sites is long, and masking all of it would take longer than answering it did.
    text = body[:_LONGEST_BODY].decode("utf-8", "replace").replace("\0", "")
    return masked(text, whole=len(body) <= _LONGEST_BODY)


def masked(body: str, *, whole: bool = True) -> str:
    """The JSON text without tokens, and without uid, contract id, printed number, group and certificate of credentials.

    EVSEs have uids, too, and keep them: a uid is a credential's where a type or a contract stands beside it. In text
    that is no JSON, as one that was cut (not whole), every uid is masked.
    """
    # Looking for a name first takes a hundredth of the time of an expression that finds nothing.
    if '"contract_certificate_chain"' in body:
        body = _CERTIFICATES.sub(r'\1["***"]', body)
    if any(f'"{name}"' in body for name in _SECRETS):
        body = _SECRET.sub(r'\1"***"', body)
    if '"uid"' not in body:
        return body
    uids = _credential_uids(body) if whole else None
    if uids is None:
        return _UID.sub(r'\1"***"', body)
    return (
        _UID.sub(lambda found: f'{found[1]}"***"' if json.loads(found[2]) in uids else found[0], body) if uids else body
    )


def _credential_uids(body: str) -> set[str] | None:
    """What is a credential's in a JSON text; None where it is no JSON."""
    uids: set[str] = set()

    def look(value: dict[str, object]) -> None:
        uid = value.get("uid")
        if isinstance(uid, str) and ("type" in value or "contract_id" in value):
            uids.add(uid)

    try:
        json.loads(body, object_hook=look)
    except (ValueError, RecursionError):
        return None
    return uids


def _write(connection: Connection, batch: list[dict[str, object]]) -> None:
    connection.execute(insert(message_log), batch)
    seen = {row["partner_id"]: row["at"] for row in batch if row["direction"] == "in" and row["partner_id"]}
    for partner_id, at in seen.items():
        connection.execute(update(partner).where(partner.c.id == partner_id).values(last_seen_at=at))
    newest = connection.execute(select(func.max(message_log.c.sequence))).scalar_one()
    if newest % _PRUNED_EVERY < len(batch):
        connection.execute(delete(message_log).where(message_log.c.sequence <= newest - _KEPT_ROWS))
