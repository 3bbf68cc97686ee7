"""The clearing house, assembled: its switch behind one roaming endpoint, between all platforms that are its members."""

import asyncio
import socket
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from core.clearing_house import agreements, aliases, repeats
from core.clearing_house.agreements import HubAgreement
from core.clearing_house.clearing import Clearing, signed_by_both
from core.clearing_house.context import Context, Within
from core.clearing_house.desks import clearing_extensions
from core.clearing_house.observing import Observer
from core.clearing_house.switch import Switch
from core.clock import Clock, WallClock
from core.endpoint.endpoint import Endpoint
from core.endpoint.extension import Extension
from core.endpoint.ports import Ports
from core.endpoint.serving import Running
from core.endpoint.stored import Reader
from core.endpoint.tls import Identity
from core.http import Network
from core.model.parties import Party, PartyRole
from core.store.engine import Store

_TIDY_EVERY_SECONDS = 3600.0


class ClearingHouse:
    """One clearing house. wire_clock: of presence, queues and logs; the wall's, unless a test stops it."""

    def __init__(
        self,
        *,
        role: PartyRole,
        store: Store,
        clock: Clock,
        identity: Identity,
        public_url: str,
        networks: Sequence[Network] = (),
        server_tls: bool = False,
        versions: Collection[str] | None = None,
        wire_clock: Clock | None = None,
        within: Within | None = None,
    ) -> None:
        context = Context(
            role=role,
            store=store,
            clock=clock,
            wire_clock=wire_clock or WallClock(),
            secret=identity.token_key,
            base_url=public_url.rstrip("/"),
            within=within or Within(),
        )
        context.endpoint = Endpoint(
            store=store,
            clock=context.wire_clock,
            identity=identity,
            roles=(role,),
            public_url=public_url,
            networks=networks,
            server_tls=server_tls,
            versions=versions,
        )
        self.context = context
        self.endpoint = context.endpoint
        self.switch = Switch(context, identity.authority)
        self.endpoint.registrar.stands_behind = self.switch.presence.roles_behind
        self.clearing = Clearing(store, clock, Reader())
        self.switch.observer = Observer(self.clearing)
        self.offer(extensions=clearing_extensions(self.clearing))

    def offer(self, ports: Ports | None = None, extensions: Sequence[Extension] = ()) -> None:
        """What ends here beside what passes: the extension modules of reconciliation and settlement."""
        self.endpoint.offer(ports or Ports(), extensions=extensions, switch=self.switch)

    async def agree(self, agreement: HubAgreement) -> None:
        """Let two parties that sign nothing exchange from now on, or otherwise than before; each is told of the other.

        Raises Refused (agreement_signed) for two that have signed an agreement themselves.
        """

        def write(connection: Connection) -> None:
            known = self.switch.agreements.between(connection, agreement.one, agreement.other)
            if known is not None and known.terms.signed is not None:
                raise signed_by_both(agreement.one, agreement.other)
            agreements.keep(connection, agreement, self.context.wire_clock.now())
            for party in (agreement.one, agreement.other):
                self.switch.presence.mark(connection, party)

        await self.context.store.write(write)
        await self.switch.presence.refresh()

    async def end_agreement(self, one: Party, other: Party) -> bool:
        """Let nothing pass between two parties any more; False where they had no agreement."""
        return await self.context.store.write(lambda connection: agreements.end(connection, one, other))

    @asynccontextmanager
    async def running(self, listener: socket.socket) -> AsyncIterator[Running]:
        """Serve members on this socket; queue and presence run beside it."""
        async with self.endpoint.running(listener) as running:
            work = [
                asyncio.create_task(self.switch.queue.run()),
                asyncio.create_task(self.switch.presence.run()),
                asyncio.create_task(self._tidy()),
            ]
            try:
                yield running
            finally:
                for task in work:
                    task.cancel()
                await asyncio.gather(*work, return_exceptions=True)
                await self.context.tasks.end()

    async def _tidy(self) -> None:
        while True:
            await self.context.store.write(partial(_forget_old, now=self.context.wire_clock.now()))
            await asyncio.sleep(_TIDY_EVERY_SECONDS)


def _forget_old(connection: Connection, now: datetime) -> None:
    repeats.forget_old(connection, now)
    aliases.forget_old(connection, now)
