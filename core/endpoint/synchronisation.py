"""Repair after absence: what a partner changed meanwhile is pulled from where we stopped (UC1-2, UC3-6)."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from core.clock import Clock
from core.endpoint.calls import Calls
from core.endpoint.extension import Extension
from core.endpoint.gates import SERVICES
from core.endpoint.modules.objects import key_of
from core.endpoint.partner import Partner
from core.endpoint.ports import DATED_AHEAD, Held, Ports
from core.endpoint.reachable_parties import ReachableParties
from core.errors import EvroamError
from core.model.parties import ObjectKey, PlatformRole
from core.model.services import Service
from core.store.engine import Store, upsert
from core.store.tables import synchronisation

_SESSIONS_SINCE = timedelta(days=1)
_log = logging.getLogger(__name__)

HUB_CLIENTS = "hubclientinfo"
OF_CLEARING = {Service.RECONCILIATION, Service.SETTLEMENT}

_Any = Any  # objects of every module pass through one loop
_Pull = Callable[[Partner, datetime | None], AsyncIterator[Held[_Any]]]
_Receive = Callable[[Partner, Held[_Any]], Awaitable[None]]


class Synchronisation:
    """Pulls each module that we keep and the partner offers; one pull a partner at a time."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        calls: Calls,
        ports: Ports,
        extensions: Sequence[Extension] = (),
        reachable: ReachableParties | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._modules = _modules(calls, ports, clock, reachable)
        self._repairs = [(one.service, one.repair) for one in extensions if one.repair is not None]
        self._locks: dict[str, asyncio.Lock] = {}

    async def pull(self, partner: Partner) -> dict[str, str]:
        """Pull all modules; those that failed, with what was wrong. What was taken in before a failure stays."""
        failed = {}
        async with self._locks.setdefault(partner.id, asyncio.Lock()):
            for module in self._modules:
                if partner.endpoint(module, "SENDER") is None or not self._asks(partner, module):
                    continue
                try:
                    await self.pull_module(partner, module)
                except EvroamError as error:
                    failed[module] = error.message
            for service, repair in self._repairs:
                if self._agreed(partner, service) and (not is_only_hub(partner) or service in OF_CLEARING):
                    try:
                        await repair(partner)
                    except EvroamError as error:
                        failed[service] = error.message
        return failed

    async def pull_module(self, partner: Partner, module: str) -> int:
        """Pull one module from its watermark on; how many objects came. Raises what the calls raise."""
        pull, receive = self._modules[module]
        watermark = self._watermark(partner, module)
        newest, count = watermark, 0
        try:
            async for held in pull(partner, watermark):
                count += 1
                try:
                    await receive(partner, held)
                except EvroamError as error:
                    _log.warning("an object of %s of %s is not taken: %s", module, partner.name, error.message)
                    if error.code == DATED_AHEAD:
                        continue  # after such a moment nothing true would ever be asked for
                newest = max(newest or held.value.last_updated, held.value.last_updated)
        except EvroamError as error:
            await self._keep(partner, module, {"last_error": error.message[:500]})
            raise
        await self._keep(
            partner, module, {"pulled_until": newest, "succeeded_at": self._clock.now(), "last_error": None}
        )
        return count

    def _asks(self, partner: Partner, module: str) -> bool:
        """A clearing house tells who is there; all else is theirs to tell, under the agreement with each."""
        if is_only_hub(partner) or module == HUB_CLIENTS:
            return is_only_hub(partner) and module == HUB_CLIENTS
        return self._agreed(partner, SERVICES[module])

    def _agreed(self, partner: Partner, service: Service) -> bool:
        return partner.agreement.covers(service, self._clock.now())

    def _watermark(self, partner: Partner, module: str) -> datetime | None:
        query = select(synchronisation.c.pulled_until).where(
            synchronisation.c.partner_id == partner.id, synchronisation.c.module == module
        )
        with self._store.read() as connection:
            return connection.execute(query).scalar()

    async def _keep(self, partner: Partner, module: str, values: dict[str, object]) -> None:
        row = {"partner_id": partner.id, "module": module, **values}
        await self._store.write(lambda connection: upsert(connection, synchronisation, row))


def is_only_hub(partner: Partner) -> bool:
    """Whether a partner is a clearing house and nothing else."""
    return {one.role for one in partner.roles} == {PlatformRole.CLEARING_HOUSE}


def _modules(
    calls: Calls, ports: Ports, clock: Clock, reachable: ReachableParties | None
) -> dict[str, tuple[_Pull, _Receive]]:
    modules: dict[str, tuple[_Pull, _Receive]] = {}
    if reachable is not None:
        modules[HUB_CLIENTS] = lambda partner, _since: calls.pull_reachable_parties(partner), reachable.put
    if ports.tariffs is not None:
        modules["tariffs"] = calls.pull_tariffs, _keyed(ports.tariffs.put, key_of)
    if ports.sites is not None:
        modules["locations"] = calls.pull_sites, _keyed(ports.sites.put, key_of)
    if ports.credentials is not None:
        modules["tokens"] = calls.pull_credentials, _keyed(ports.credentials.put, _credential_key)
    if ports.sessions is not None:

        def pull_sessions(partner: Partner, since: datetime | None) -> AsyncIterator[Held[_Any]]:
            return calls.pull_sessions(partner, since or clock.now() - _SESSIONS_SINCE)

        modules["sessions"] = pull_sessions, _keyed(ports.sessions.put, key_of)
    if ports.sdrs is not None:
        modules["cdrs"] = calls.pull_sdrs, ports.sdrs.submit
    return modules


def _keyed(
    put: Callable[[Partner, ObjectKey, Held[_Any]], Awaitable[None]], key: Callable[[_Any], ObjectKey]
) -> _Receive:
    async def receive(partner: Partner, held: Held[_Any]) -> None:
        await put(partner, key(held.value), held)

    return receive


def _credential_key(value: _Any) -> ObjectKey:
    return ObjectKey(country_code=value.country_code, party_id=value.party_id, id=value.uid)
