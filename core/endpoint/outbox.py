"""Objects that partners must have: marked in the transaction of the change, sent in their current state until taken.

Not a queue: what changed twice is sent once, as it stands. Commands never come here. A partner that cannot be reached
is left alone for a while, longer each time; a suspended one gets nothing.
"""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from core.clock import Clock
from core.endpoint.partner import Partner
from core.endpoint.partners import Partners
from core.errors import EvroamError, Unreachable
from core.model.parties import ObjectKey
from core.store.durable import once_durable
from core.store.engine import Store, StoreError
from core.store.tables import push

_AT_ONCE = 4
_LEASE = timedelta(minutes=2)
_LONGEST_PAUSE = timedelta(minutes=5)
_LONGEST_WAIT_SECONDS = 30.0
_TICK = timedelta(microseconds=1)
_EARLIEST = select(push.c.partner_id, func.min(push.c.next_at).label("next_at")).group_by(push.c.partner_id)
_log = logging.getLogger(__name__)

Send = Callable[[Partner, str, ObjectKey], Awaitable[None]]
"""Sends one object (kind, key) in its current state. Raises Unreachable, or another EvroamError for a refusal."""


@dataclass(frozen=True)
class _Due:
    partner_id: str
    module: str
    key: ObjectKey
    since: datetime
    attempts: int


class Outbox:
    """Pushes what is marked. `on_return` is told of a partner that answers again after it could not be reached."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        partners: Partners,
        send: Send,
        on_return: Callable[[Partner], None] | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._partners = partners
        self._send = send
        self._on_return = on_return
        self._news = asyncio.Event()
        self._idle = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._in_flight: Counter[str] = Counter()
        self._failures: Counter[str] = Counter()
        self._paused_until: dict[str, datetime] = {}

    def mark(self, connection: Connection, partner_ids: Iterable[str], module: str, key: ObjectKey) -> None:
        """To be called inside the transaction that changes the object: these partners must have it as it is now."""
        now = self._clock.now()
        for partner_id in partner_ids:
            _mark(connection, partner_id, module, key, now)
        once_durable(connection, self._look_soon)

    def wake(self) -> None:
        """Look again now: a partner is back, or time has passed."""
        self._paused_until.clear()
        self._look()

    async def settled(self) -> None:
        """Wait until nothing is on its way and nothing is due."""
        await self._idle.wait()

    def backlog(self) -> dict[str, int]:
        """How many objects wait, by partner."""
        query = select(push.c.partner_id, func.count()).group_by(push.c.partner_id)
        with self._store.read() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    async def run(self) -> None:
        """Push until cancelled."""
        self._loop = asyncio.get_running_loop()
        try:
            while True:
                self._news.clear()
                try:
                    wait = await self._push_due()
                except StoreError:
                    _log.exception("the outbox cannot read its store")
                    wait = _LONGEST_WAIT_SECONDS
                # News that came while it looked is not looked at yet.
                if not self._tasks and not self._news.is_set():
                    self._idle.set()
                # Not wait_for, which swallows a cancellation that comes together with news.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._news.wait()
        finally:
            self._loop = None
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _look_soon(self) -> None:
        # From the writer's thread; a loop that has ended has nobody left to push.
        if (loop := self._loop) is not None:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._look)

    def _look(self) -> None:
        self._idle.clear()
        self._news.set()

    async def _push_due(self) -> float:
        """Start whatever is due and free; the seconds after which to look again."""
        now = self._clock.now()
        with self._store.read() as connection:
            earliest: dict[str, datetime] = {one.partner_id: one.next_at for one in connection.execute(_EARLIEST)}
        waiting = {partner_id for partner_id, next_at in earliest.items() if next_at <= now}
        for partner in self._partners.connected() if waiting else ():
            free = _AT_ONCE - self._in_flight[partner.id]
            if partner.id in waiting and free > 0 and self._paused_until.get(partner.id, now) <= now:
                for due in await self._store.write(partial(_claim, partner_id=partner.id, now=now, most=free)):
                    self._in_flight[partner.id] += 1
                    self._start(self._deliver(partner, due))
        # Whom something is due for already is looked at again when one of its pushes ends, or its pause.
        moments = [moment for moment in (*earliest.values(), *self._paused_until.values()) if moment > now]
        return min([_LONGEST_WAIT_SECONDS, *((moment - now).total_seconds() for moment in moments)])

    async def _deliver(self, partner: Partner, due: _Due) -> None:
        try:
            await self._send(partner, due.module, due.key)
        except Unreachable as error:
            await self._put_off(due, self._leave_alone(partner), error.message)
        except EvroamError as error:
            await self._put_off(due, _pause(due.attempts + 1), error.message)
        except Exception:  # noqa: BLE001  # one object that cannot be written must not stop the others
            _log.exception("%s %s cannot be sent", due.module, due.key)
            await self._put_off(due, _LONGEST_PAUSE, "it cannot be written")
        else:
            await self._store.write(lambda connection: _done(connection, due, self._clock.now()))
            if self._failures.pop(partner.id, 0) and self._on_return is not None:
                self._on_return(partner)
        finally:
            self._in_flight[partner.id] -= 1

    def _leave_alone(self, partner: Partner) -> timedelta:
        """Pause a partner that cannot be reached; what fails together with it counts as one failure."""
        now = self._clock.now()
        if self._paused_until.get(partner.id, now) <= now:
            self._failures[partner.id] += 1
            self._paused_until[partner.id] = now + _pause(self._failures[partner.id])
        return self._paused_until[partner.id] - now

    async def _put_off(self, due: _Due, pause: timedelta, why: str) -> None:
        next_at = self._clock.now() + pause
        await self._store.write(
            lambda connection: (
                connection.execute(
                    update(push)
                    .where(*_same(due))
                    .values(attempts=due.attempts + 1, next_at=next_at, last_error=why[:500])
                ).rowcount
            )
        )

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._idle.clear()
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._news.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            # What was claimed is due again when its lease ends.
            _log.error("a push could not be noted", exc_info=error)


def _pause(failures: int) -> timedelta:
    return min(timedelta(seconds=2 ** min(failures - 1, 10)), _LONGEST_PAUSE)


def _mark(connection: Connection, partner_id: str, module: str, key: ObjectKey, now: datetime) -> None:
    row = {
        "partner_id": partner_id,
        "module": module,
        "country_code": key.country_code,
        "party_id": key.party_id,
        "object_id": key.id,
    }
    at = [push.c[name] == value for name, value in row.items()]
    known = connection.execute(select(push.c.since).where(*at).with_for_update()).scalar()
    if known is None:
        connection.execute(insert(push).values(**row, since=now, next_at=now))
    else:
        # `since` moves on with every mark, so that what is in flight now does not count for this change.
        connection.execute(update(push).where(*at).values(since=max(now, known + _TICK)))


def _claim(connection: Connection, partner_id: str, now: datetime, most: int) -> list[_Due]:
    """What is due for a partner, put off at the same time, so that nobody else sends it meanwhile."""
    query = (
        select(push)
        .where(push.c.partner_id == partner_id, push.c.next_at <= now)
        .order_by(push.c.since)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    found = [
        _Due(
            partner_id,
            row.module,
            ObjectKey(country_code=row.country_code, party_id=row.party_id, id=row.object_id),
            row.since,
            row.attempts,
        )
        for row in connection.execute(query)
    ]
    for due in found:
        connection.execute(update(push).where(*_same(due)).values(next_at=now + _LEASE))
    return found


def _done(connection: Connection, due: _Due, now: datetime) -> None:
    """Forget what was sent; what was marked again meanwhile is due at once."""
    if connection.execute(delete(push).where(*_same(due), push.c.since == due.since)).rowcount == 0:
        connection.execute(update(push).where(*_same(due)).values(next_at=now, attempts=0))


def _same(due: _Due) -> tuple[ColumnElement[bool], ...]:
    return (
        push.c.partner_id == due.partner_id,
        push.c.module == due.module,
        push.c.country_code == due.key.country_code,
        push.c.party_id == due.key.party_id,
        push.c.object_id == due.key.id,
    )
