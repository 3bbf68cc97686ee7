"""A start that was not answered in time (architecture, decision 7): stopped, looked for, ended on evidence alone."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog
from sqlalchemy import Connection

from core.endpoint.partner import Partner
from core.errors import EvroamError, Unreachable
from core.home_csp.context import Context
from core.home_csp.energy_transfer.progress import SessionReceiver
from core.home_csp.energy_transfer.record import keep
from core.home_csp.energy_transfer.stop import Stopper
from core.model.parties import ObjectKey
from core.model.session import ServiceSession, SessionState, move
from core.store.sessions import load

log = structlog.get_logger(__name__)

LOOK_EVERY = timedelta(seconds=2)
LOOK_MOST = timedelta(seconds=60)
SURE_AFTER = 3
"""How often the partner must have answered, without the session, before the start counts as rejected [J]."""

_MARGIN = timedelta(days=1)
"""How far back sessions are asked for: a partner dates them by its own clock, which may be hours behind [J]."""


class Resolver:
    """Finds out what became of unanswered starts."""

    def __init__(self, context: Context, receiver: SessionReceiver, stopper: Stopper) -> None:
        self._context = context
        self.cancel_reservation: Callable[[str, str], Awaitable[None]] | None = None
        self._receiver = receiver
        self._stopper = stopper

    async def resolve(self, session_id: str) -> None:
        """Ask the partner for its sessions until the answer is certain, however long it is away."""
        absent, wait = 0, LOOK_EVERY
        while (session := self._still_unconfirmed(session_id)) is not None:
            found = await self._look(session)
            if found is True:
                break
            absent = absent + 1 if found is False else absent
            if absent >= SURE_AFTER:
                await self._reject(session_id)
                break
            await asyncio.sleep(wait.total_seconds())
            wait = LOOK_EVERY if found is False else min(wait * 2, LOOK_MOST)
        await self._stop(session_id)

    def _still_unconfirmed(self, session_id: str) -> ServiceSession | None:
        with self._context.store.read() as connection:
            kept = load(connection, self._context.party, session_id)
        return kept.session if kept is not None and kept.session.state is SessionState.UNCONFIRMED else None

    async def _look(self, session: ServiceSession) -> bool | None:
        """True: found and applied. False: the partner answered and has no such session. None: no answer."""
        partner = self._partner(session.id)
        if partner is None:
            return None
        try:
            async for held in self._context.calls.pull_sessions(partner, session.opened_at - _MARGIN):
                if held.value.authorization_reference == session.authorization_reference:
                    report = held.value
                    key = ObjectKey(country_code=report.country_code, party_id=report.party_id, id=report.id)
                    await self._receiver.put(partner, key, held)
                    return True
        except Unreachable:
            return None
        except EvroamError as error:
            log.warning("pull_failed", partner=partner.id, code=error.code)
            return None
        return False

    def _partner(self, session_id: str) -> Partner | None:
        with self._context.store.read() as connection:
            kept = load(connection, self._context.party, session_id)
        return next((one for one in self._context.partners.connected() if kept and one.id == kept.partner_id), None)

    async def _reject(self, session_id: str) -> None:
        context = self._context

        def write(connection: Connection) -> None:
            kept = load(connection, context.party, session_id)
            if kept is not None and kept.session.state is SessionState.UNCONFIRMED:
                session = move(
                    kept.session,
                    SessionState.REJECTED,
                    at=context.clock.now(),
                    actor="home-CSP",
                    reason="not_started",
                )
                keep(connection, context, session, kept.partner_id)

        await context.store.write(write)

    async def _stop(self, session_id: str) -> None:
        with self._context.store.read() as connection:
            kept = load(connection, self._context.party, session_id)
        if kept is None or not kept.session.is_open:
            return
        if kept.session.reservation is not None and kept.session.started_at is None and self.cancel_reservation:
            await self.cancel_reservation(session_id, kept.session.contract_id)
        else:
            await self._stopper.stop(session_id, kept.session.contract_id)
