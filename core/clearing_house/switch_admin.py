"""What the admin API of a clearing house has for its switch: agreements, the log and its chain, what waits."""

from datetime import datetime

from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.clearing_house.agreements import HubAgreement
from core.clearing_house.log import Passed, passed, verify
from core.clearing_house.platform import ClearingHouse
from core.clearing_house.store_and_forward import Kept
from core.errors import InvalidInput, NotFound
from core.json_api import answered, json_answer, read_body
from core.store.switch_tables import hub_queue
from core.switch_messages import (
    ChainAudit,
    HubAgreements,
    HubPair,
    PassedMessage,
    PassedMessages,
    PassedQuery,
    WaitingMessage,
    WaitingMessages,
)


def switch_routes(house: ClearingHouse) -> list[Route]:
    """The routes, to be mounted with those of every role."""
    desk = _Desk(house)
    return [
        Route("/switch/agreements", answered(desk.agreements)),
        Route("/switch/agreements", answered(desk.agree), methods=["POST"]),
        Route("/switch/agreements/end", answered(desk.end), methods=["POST"]),
        Route("/switch/log", answered(desk.log), methods=["POST"]),
        Route("/switch/log/check", answered(desk.check)),
        Route("/switch/waiting", answered(desk.waiting)),
    ]


class _Desk:
    def __init__(self, house: ClearingHouse) -> None:
        self._house = house
        self._store = house.context.store

    async def agreements(self, _request: Request) -> Response:
        with self._store.read() as connection:
            found = self._house.switch.agreements.all(connection)
        return json_answer(HubAgreements(agreements=found))

    async def agree(self, request: Request) -> Response:
        wanted = await read_body(request, HubAgreement)
        if wanted.one == wanted.other:
            raise InvalidInput("An agreement is between two parties.", code="one_party")
        await self._house.agree(wanted)
        return json_answer(wanted, 201)

    async def end(self, request: Request) -> Response:
        pair = await read_body(request, HubPair)
        if not await self._house.end_agreement(pair.one, pair.other):
            raise NotFound(f"{pair.one} and {pair.other} have no agreement here.", code="no_agreement")
        return json_answer(pair)

    async def log(self, request: Request) -> Response:
        wanted = await read_body(request, PassedQuery)
        rows = await self._store.read_async(lambda connection: passed(connection, **wanted.model_dump()))
        return json_answer(PassedMessages(messages=tuple(map(_message, rows))))

    async def check(self, _request: Request) -> Response:
        audit = await self._store.read_async(verify)
        return json_answer(ChainAudit(rows=audit.rows, last_hash=audit.last_hash, broken_at=audit.broken_at))

    async def waiting(self, _request: Request) -> Response:
        with self._store.read() as connection:
            rows = connection.execute(select(hub_queue).order_by(hub_queue.c.sequence).limit(1_000)).all()
        return json_answer(
            WaitingMessages(
                messages=tuple(
                    _waiting(row.message, row.queued_at, row.attempts, row.last_error, row.refused_at) for row in rows
                )
            )
        )


def _message(row: Passed) -> PassedMessage:
    entry = row.entry
    return PassedMessage(
        sequence=row.sequence,
        at=entry.at,
        kind=entry.kind,
        sender=str(entry.sender),
        receiver=str(entry.receiver) if entry.receiver else None,
        service=entry.service,
        method=entry.method,
        path=entry.path,
        session_id=entry.session_id,
        sdr_id=entry.sdr_id,
        http_status=entry.http_status,
        status_code=entry.status_code,
        hash=row.hash,
    )


def _waiting(
    message: str, queued_at: datetime, attempts: int, last_error: str | None, refused_at: datetime | None
) -> WaitingMessage:
    kept = Kept.model_validate_json(message)
    return WaitingMessage(
        sender=str(kept.sender),
        receiver=str(kept.receiver),
        path=kept.address.shown,
        queued_at=queued_at,
        attempts=attempts,
        last_error=last_error,
        refused=refused_at is not None,
    )
