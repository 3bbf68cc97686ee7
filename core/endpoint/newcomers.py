"""A partner that is new, from either side, is asked at once for what it has (UC1-2, UC2-2, UC4-2).

One behind a clearing house is new with the first agreement on anything that could be asked for.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing

import structlog
from sqlalchemy import func, select

from core.endpoint.partner import Partner, PartnerStatus
from core.endpoint.partner_table import AUDIT_STREAM
from core.endpoint.partners import Partners
from core.errors import EvroamError
from core.store.engine import Store, StoreError
from core.store.tables import event, synchronisation
from core.tasks import Tasks

_PAUSES = (1.0, 4.0, 16.0, 60.0)
"""Seconds before each attempt: when a partner registers with us, our answer is still on its way to it."""

_AFTER_FAILURE = 30.0
_NEWS = {"partner_registered", "agreement_changed"}

log = structlog.get_logger(__name__)

Pull = Callable[[Partner], Awaitable[object]]


async def welcome(store: Store, partners: Partners, tasks: Tasks, pull: Pull) -> None:
    """Pull from every partner that registers from now on, or that was never pulled whole; until cancelled."""
    with store.read() as connection:
        after = connection.execute(select(func.max(event.c.sequence))).scalar() or 0
    for partner in partners.connected():
        if not _is_in_step(store, partner.id):
            tasks.begin(_greet(store, partners, partner.id, pull))
    while True:
        try:
            async with aclosing(store.follow((AUDIT_STREAM,), after)) as following:
                async for told in following:
                    after = told.sequence
                    if told.kind in _NEWS:
                        tasks.begin(_greet(store, partners, str(told.body["partner_id"]), pull))
        except StoreError as error:
            log.warning("newcomers_not_followed", code=error.code)
            await asyncio.sleep(_AFTER_FAILURE)
        else:
            return


async def _greet(store: Store, partners: Partners, partner_id: str, pull: Pull) -> None:
    for pause in _PAUSES:
        await asyncio.sleep(pause)
        try:
            partner = partners.get(partner_id)
            if partner.status is not PartnerStatus.CONNECTED or _is_in_step(store, partner_id):
                return
            await pull(partner)
        except EvroamError as error:
            log.warning("newcomer_not_pulled", partner=partner_id, code=error.code)


def _is_in_step(store: Store, partner_id: str) -> bool:
    query = select(synchronisation.c.last_error).where(synchronisation.c.partner_id == partner_id)
    with store.read() as connection:
        found = connection.execute(query).scalars().all()
    return bool(found) and not any(found)
