"""Writes down what passes: each request before its answer goes back, and what was answered (the third witness)."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from core.clearing_house.addresses import Address
from core.clearing_house.context import Context
from core.clearing_house.log import Entry, Kind, append
from core.clearing_house.references import References
from core.endpoint.exchange import Answer, Request
from core.endpoint.rejection import TELLABLE, answer_to
from core.model.parties import Party
from core.store.engine import append_event

ALERTS = "alerts"
"""The stream of what an operator of the clearing house should look at."""


@dataclass
class Note:
    """What the log is to say of one request, filled in on its way."""

    entry: Entry
    receiver: Party | None = None
    onward_id: str | None = None
    queued: bool = False
    request_row: "asyncio.Task[str] | None" = None


class Notary:
    """Writes to the log of one clearing house."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def witness(self, entry: Entry, work: Callable[[Note], Awaitable[Answer]]) -> Answer:
        """The answer that `work` comes to, refusals included; who only asked (GET) does not wait for the log."""
        note = Note(entry)
        try:
            answer = await work(note)
        except TELLABLE as error:
            answer = answer_to(error)
        row = note.request_row or self.begin(note, note.receiver)
        writing = self._end(note, answer)
        if entry.method == "GET":
            self._context.tasks.begin(writing)
        else:
            await asyncio.gather(row, writing)
        return answer

    def begin(self, note: Note, receiver: Party | None) -> "asyncio.Task[str]":
        """Its receiver is known, and it goes on now: written while it is on its way."""
        note.receiver = receiver
        entry = replace(note.entry, receiver=receiver)
        note.request_row = asyncio.create_task(self._write(entry))
        return note.request_row

    async def note(self, entry: Entry) -> None:
        """One more row, durable when this returns."""
        await self._write(entry)

    async def alert(self, entry: Entry, kind: str, facts: dict[str, object]) -> None:
        """Something that an operator should look at."""
        entry = replace(entry, kind=Kind.ALERT, at=self._context.wire_clock.now())
        told = {"correlation_id": entry.correlation_id, "path": entry.path, **facts}

        def write(connection: Connection) -> None:
            append(connection, entry)
            append_event(connection, stream=ALERTS, kind=kind, at=entry.at, body=told)

        await self._context.store.write(write)

    async def _end(self, note: Note, answer: Answer) -> None:
        body = answer.whole
        await self._write(
            replace(
                note.entry,
                at=self._context.wire_clock.now(),
                kind=Kind.QUEUED if note.queued else Kind.ANSWER,
                receiver=note.receiver,
                onward_id=note.onward_id,
                http_status=answer.http_status,
                status_code=int(answer.status_code),
                content_hash=None if body is None else hashlib.sha256(body).hexdigest(),
                facts=None,
            )
        )

    async def _write(self, entry: Entry) -> str:
        return await self._context.store.write(lambda connection: append(connection, entry))


def entry_of(context: Context, address: Address, request: Request, sender: Party, references: References) -> Entry:
    """The row of a request as it came."""
    return Entry(
        at=context.wire_clock.now(),
        kind=Kind.REQUEST,
        sender=sender,
        method=request.method,
        path=address.shown,
        message_id=request.request_id,
        correlation_id=request.correlation_id,
        service=address.service,
        content_hash=hashlib.sha256(request.body).hexdigest() if request.body else None,
        facts=references.facts if address.module in {"sessions", "cdrs"} else None,
        session_id=_short(references.first("session"), 36),
        sdr_id=_short(references.first("sdr"), 39),
        authorization_reference=_short(references.first("authorization"), 36),
    )


def _short(id: str | None, most: int) -> str | None:
    """An id that is longer than the wire allows is none."""
    return id if id is not None and len(id) <= most else None
