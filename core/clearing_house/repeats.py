"""The same message twice: recognised by its sender and its message id, answered alike, passed on once."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select

from core.endpoint.exchange import Answer, Request
from core.endpoint.ocpi.envelope import StatusCode
from core.endpoint.rejection import Rejection
from core.store.engine import Store, upsert
from core.store.switch_tables import hub_answer

KEPT_FOR = timedelta(hours=24)


class Repeats:
    """What was answered, in the store, and what is being answered, here."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._under_way: dict[tuple[str, str], tuple[str, asyncio.Future[Answer]]] = {}

    async def once(self, request: Request, answer: Callable[[], Awaitable[Answer]], now: datetime) -> Answer:
        """The answer to a message, asked for once. Raises Rejection where its id names another message."""
        key = (request.partner.id, request.request_id)
        content = content_of(request)
        known = self._under_way.get(key)
        if known is not None:
            _require_same(known[0], content)
            return await asyncio.shield(known[1])
        earlier = self._earlier(key)
        if earlier is not None:
            _require_same(earlier[0], content)
            return earlier[1]
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._under_way[key] = content, future
        try:
            given = await answer()
            await self._keep(key, content, given, now)
        except BaseException as error:
            # Nothing was decided: who waits for it is told so, and the message may come again.
            future.set_exception(error)
            future.exception()
            raise
        else:
            future.set_result(given)
            return given
        finally:
            del self._under_way[key]

    def _earlier(self, key: tuple[str, str]) -> tuple[str, Answer] | None:
        columns = hub_answer.c
        query = select(columns.content_hash, columns.answer).where(
            columns.partner_id == key[0], columns.message_id == key[1]
        )
        with self._store.read() as connection:
            row = connection.execute(query).first()
        return None if row is None or row.answer is None else (row.content_hash, _read(row.answer))

    async def _keep(self, key: tuple[str, str], content: str, answer: Answer, now: datetime) -> None:
        if answer.status_code == StatusCode.CONNECTION_PROBLEM:
            return  # it went nowhere, so it may come again
        row = {
            "partner_id": key[0],
            "message_id": key[1],
            "content_hash": content,
            "at": now,
            "answer": _written(answer),
        }
        await self._store.write(lambda connection: upsert(connection, hub_answer, row))


def content_of(request: Request) -> str:
    """The hash of all that makes a message what it is."""
    told = (request.method, request.url, request.raw_query, str(request.from_party), str(request.to_party))
    return hashlib.sha256("\n".join(told).encode("utf-8", "surrogatepass") + b"\n" + request.body).hexdigest()


def forget_old(connection: Connection, now: datetime) -> None:
    """Drop what nobody repeats any more."""
    connection.execute(delete(hub_answer).where(hub_answer.c.at < now - KEPT_FOR))


def _require_same(known: str, content: str) -> None:
    if known != content:
        raise Rejection("This X-Request-ID belongs to another message.", 200, StatusCode.INVALID_PARAMETERS)


def _written(answer: Answer) -> str:
    whole = None if answer.whole is None else answer.whole.decode("utf-8", "replace")
    return json.dumps({**vars(answer), "headers": dict(answer.headers), "whole": whole})


def _read(text: str) -> Answer:
    told = json.loads(text)
    return Answer(**{**told, "whole": None if told["whole"] is None else told["whole"].encode()})
