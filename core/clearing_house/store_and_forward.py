"""What must not be lost and whose receiver is away waits, where the agreement says so, and goes on first in, first out.

Per sender, receiver and object; all that belongs to one session keeps its order. Commands and statuses never wait: OCPI
asks not to queue at all, and some networks demand it of billing, so it is a profile of the agreement.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog
from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from core.clearing_house.addresses import EXTENSION_SERVICES, Address
from core.clearing_house.onward import Delivered, HubError
from core.clearing_house.references import References
from core.endpoint.ocpi.envelope import StatusCode
from core.errors import EvroamError
from core.model.parties import Party
from core.model.services import Service
from core.store.engine import Store, StoreError
from core.store.switch_tables import hub_queue

log = structlog.get_logger(__name__)

_FINAL = {"COMPLETED", "INVALID"}
_AWAY = {StatusCode.TIMEOUT, StatusCode.CONNECTION_PROBLEM}
_NOTICES = {module for module, service in EXTENSION_SERVICES.items() if service is Service.NOTICES}
_LONGEST_PAUSE = timedelta(minutes=5)
_LONGEST_WAIT_SECONDS = 30.0
_columns = hub_queue.c


class Kept(BaseModel):
    """A message that waits, as it came."""

    model_config = ConfigDict(frozen=True)

    version: str
    interface: str
    module: str
    below: tuple[str, ...]
    raw_below: str
    raw_query: str
    method: str
    body: str
    sender: Party
    receiver: Party
    message_id: str
    correlation_id: str

    @property
    def address(self) -> Address:
        """What it is about."""
        return Address(self.version, self.interface, self.module, self.below, self.raw_below)


def object_key(address: Address, references: References) -> str | None:
    """The object whose messages keep their order, None where a message of this kind never waits."""
    if address.interface != "RECEIVER":
        return None
    if address.module == "sessions" and address.below[-1:] != ("charging_preferences",):
        return f"session/{references.first('session')}"
    if address.module == "cdrs":
        return f"session/{references.first('session') or references.first('sdr')}"
    if address.module == "tokens" and len(address.below) == 3:
        return f"token/{references.first('token')}".casefold()
    if address.module in _NOTICES:
        return "/".join((address.module, *address.below))
    return None


def must_arrive(address: Address, references: References, method: str) -> bool:
    """Whether this message is one that may wait: the end of a session, an SDR, a credit, a revocation, a notice."""
    if method not in {"PUT", "POST", "PATCH"} or object_key(address, references) is None:
        return False
    if address.module == "sessions":
        return references.body.get("status") in _FINAL
    if address.module == "tokens":
        return references.body.get("valid") is False
    return True


Deliver = Callable[[Kept], Awaitable[Delivered]]
"""Sends a kept message on. Raises HubError, Rejection where it may not pass any more."""
Told = Callable[[Kept, Delivered | None, str], Awaitable[None]]
"""Writes down what became of it: delivered, or (None or a refusal) why not."""


class StoreAndForward:
    """The queue. It survives the program; several processes of one clearing house would each need their own parties."""

    def __init__(self, store: Store, now: Callable[[], datetime], deliver: Deliver, told: Told) -> None:
        self._store = store
        self._now = now
        self._deliver = deliver
        self._told = told
        self._news = asyncio.Event()
        self._idle = asyncio.Event()

    def waits(self, connection: Connection, sender: Party, receiver: Party, key: str) -> bool:
        """Whether something of this object waits, so that what follows has to wait behind it."""
        query = select(func.count()).where(*_of(sender, receiver), _columns.object_key == key, _open())
        return bool(connection.execute(query).scalar_one())

    def keep(self, connection: Connection, kept: Kept, key: str) -> None:
        """Take a message in. To be called inside `Store.write`."""
        now = self._now()
        connection.execute(
            insert(hub_queue).values(
                **kept.sender.model_dump(),
                receiver_country_code=kept.receiver.country_code,
                receiver_party_id=kept.receiver.party_id,
                object_key=key,
                message=kept.model_dump_json(),
                queued_at=now,
                next_at=now,
            )
        )

    def wake(self) -> None:
        """A member is back, or time has passed: try now."""
        self._idle.clear()
        self._news.set()

    async def drained(self) -> None:
        """Wait until all that is due now has been tried."""
        await self._idle.wait()

    def backlog_now(self) -> dict[Party, int]:
        """How many messages wait, by receiver."""
        with self._store.read() as connection:
            return self._backlog(connection)

    def _backlog(self, connection: Connection) -> dict[Party, int]:
        query = (
            select(_columns.receiver_country_code, _columns.receiver_party_id, func.count())
            .where(_open())
            .group_by(_columns.receiver_country_code, _columns.receiver_party_id)
        )
        return {Party(country_code=row[0], party_id=row[1]): row[2] for row in connection.execute(query)}

    async def retry_now(self, receivers: frozenset[Party]) -> None:
        """These parties are back: what waits for them is due."""
        now = self._now()

        def write(connection: Connection) -> None:
            for party in receivers:
                is_for = (_columns.receiver_country_code == party.country_code) & (
                    _columns.receiver_party_id == party.party_id
                )
                connection.execute(update(hub_queue).where(is_for, _open()).values(next_at=now))

        await self._store.write(write)
        self.wake()

    async def run(self) -> None:
        """Send what is due until cancelled."""
        while True:
            self._news.clear()
            try:
                worked = await self._send_due()
            except StoreError as error:
                log.warning("queue_not_read", code=error.code)
                worked = False
            if worked:
                continue
            self._idle.set()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), self._wait())

    def _wait(self) -> float:
        with self._store.read() as connection:
            next_at = connection.execute(select(func.min(_columns.next_at)).where(_open())).scalar()
        if next_at is None:
            return _LONGEST_WAIT_SECONDS
        left: timedelta = next_at - self._now()
        return min(max(left.total_seconds(), 0.1), _LONGEST_WAIT_SECONDS)

    async def _send_due(self) -> bool:
        """Send the first of every object that is due; whether there was one."""
        heads = (
            select(func.min(_columns.sequence))
            .where(_open())
            .group_by(
                _columns.country_code,
                _columns.party_id,
                _columns.receiver_country_code,
                _columns.receiver_party_id,
                _columns.object_key,
            )
        )
        query = (
            select(_columns.sequence, _columns.message, _columns.attempts)
            .where(_columns.sequence.in_(heads), _columns.next_at <= self._now())
            .order_by(_columns.sequence)
            .limit(100)
        )
        with self._store.read() as connection:
            due = connection.execute(query).all()
        for row in due:
            await self._send(row.sequence, Kept.model_validate_json(row.message), row.attempts)
        return bool(due)

    async def _send(self, sequence: int, kept: Kept, attempts: int) -> None:
        delivered: Delivered | None = None
        try:
            delivered = await self._deliver(kept)
            why = "" if delivered.succeeded else f"HTTP {delivered.answer.status}, {delivered.status_code}"
        except HubError as error:
            if error.status_code in _AWAY:
                await self._put_off(sequence, attempts + 1, error.message)
                return
            why = error.message
        except EvroamError as error:
            why = error.message
        if delivered is not None and (delivered.answer.status >= 500 or delivered.answer.status == 429):
            await self._put_off(sequence, attempts + 1, why)
            return
        await self._told(kept, delivered, why)
        await self._store.write(lambda connection: self._end(connection, sequence, why))

    def _end(self, connection: Connection, sequence: int, why: str) -> None:
        """Forget what was delivered; what the receiver refuses stays for a person to look at."""
        same = _columns.sequence == sequence
        if why:
            connection.execute(update(hub_queue).where(same).values(refused_at=self._now(), last_error=why[:500]))
        else:
            connection.execute(delete(hub_queue).where(same))

    async def _put_off(self, sequence: int, attempts: int, why: str) -> None:
        next_at = self._now() + min(timedelta(seconds=2 ** min(attempts, 10)), _LONGEST_PAUSE)
        values = {"attempts": attempts, "next_at": next_at, "last_error": why[:500]}
        await self._store.write(
            lambda connection: (
                connection.execute(update(hub_queue).where(_columns.sequence == sequence).values(**values)).rowcount
            )
        )


def _open() -> ColumnElement[bool]:
    return _columns.refused_at.is_(None)


def _of(sender: Party, receiver: Party) -> tuple[ColumnElement[bool], ...]:
    return (
        _columns.country_code == sender.country_code,
        _columns.party_id == sender.party_id,
        _columns.receiver_country_code == receiver.country_code,
        _columns.receiver_party_id == receiver.party_id,
    )
