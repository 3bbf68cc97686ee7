"""The home-CSP, assembled: its use cases behind one roaming endpoint, the driver API in front."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import structlog

from core.clock import Clock, WallClock
from core.endpoint.contract_certificates import TrustAnchors
from core.endpoint.endpoint import PAGE_LIMIT, Endpoint
from core.endpoint.extensions import (
    bookinglocations,
    bookings,
    chargeplans,
    emergencyunlocks,
    pncauthorizations,
    sdrs,
    servicenotices,
)
from core.endpoint.partner import Partner
from core.endpoint.ports import Ports
from core.endpoint.serving import Running, serve
from core.endpoint.stored import Reader, Writer
from core.endpoint.tls import Identity
from core.errors import EvroamError
from core.home_csp import cable_unlock_desk, sdr_desk
from core.home_csp.authorising import Authoriser
from core.home_csp.booking_locations import LocationReceiver
from core.home_csp.cable_unlock import CableUnlocks
from core.home_csp.commands import CommandResults
from core.home_csp.context import Context
from core.home_csp.contracts import expire_contracts
from core.home_csp.driver_api import driver_api
from core.home_csp.energy_transfer.bookings import BookingReceiver
from core.home_csp.energy_transfer.plans import ChargePlans
from core.home_csp.energy_transfer.profiles import ProfilePlans
from core.home_csp.energy_transfer.progress import SessionReceiver
from core.home_csp.energy_transfer.reservations import Reserver
from core.home_csp.energy_transfer.sdr import SdrReceiver
from core.home_csp.energy_transfer.start import Starter
from core.home_csp.energy_transfer.stop import Stopper, partner_of
from core.home_csp.energy_transfer.unconfirmed import Resolver
from core.home_csp.energy_transfer.updates import SessionUpdates
from core.home_csp.outages import NoticeReceiver
from core.home_csp.plan_desk import plan_routes
from core.home_csp.plug_and_charge import PncAuthoriser
from core.home_csp.reporting import reporting
from core.home_csp.sdr_verdicts import VerdictPush, VerdictSource
from core.home_csp.sites import SiteReceiver, confirm_statuses
from core.home_csp.tariffs import TariffReceiver
from core.home_csp.telling import CredentialSource, Telling
from core.http import Network
from core.model.parties import PartyRole
from core.model.price_list import PriceList
from core.model.session import SessionState
from core.store.engine import Store
from core.store.quotes import PRUNE_EVERY, prune_quotes
from core.store.sessions import load_open
from core.tasks import regularly

log = structlog.get_logger(__name__)

SYNCHRONISE_EVERY = timedelta(minutes=5)
"""On the platform's clock: how often partners are asked what changed, which also confirms every other status."""

ASK_SILENT_EVERY = timedelta(minutes=1)
"""On the platform's clock: how often sessions of which nothing is heard are looked for."""


@dataclass(frozen=True)
class RunningHomeCsp:
    """Where partners and front ends reach it."""

    endpoint: Running
    driver: Running


class HomeCsp:
    """One home-CSP."""

    def __init__(
        self,
        *,
        role: PartyRole,
        store: Store,
        clock: Clock,
        identity: Identity,
        public_url: str,
        price_lists: Mapping[str, PriceList],
        networks: Sequence[Network] = (),
        server_tls: bool = False,
        versions: Collection[str] | None = None,
        anchors: Callable[[], TrustAnchors] = TrustAnchors,
    ) -> None:
        """anchors: what contract certificates of vehicles have to lead to, looked up anew each time."""
        context = Context(
            party=role.party,
            name=role.name,
            store=store,
            clock=clock,
            reader=Reader(),
            writer=Writer(),
            price_lists=price_lists,
        )
        self.stopper = Stopper(context)
        profiles = ProfilePlans(context)
        self.plans = ChargePlans(context, profiles)
        bills = SdrReceiver(context)
        receiver = SessionReceiver(context, self.stopper, bills.adopt)
        self._resolver = Resolver(context, receiver, self.stopper)
        self.updates = SessionUpdates(context, receiver)
        self.starter = Starter(context, self._resolver.resolve)
        self.reserver = Reserver(context, self.starter, self._resolver.resolve)
        self._resolver.cancel_reservation = self.reserver.cancel
        context.endpoint = Endpoint(
            store=store,
            clock=WallClock(),
            identity=identity,
            roles=(role,),
            public_url=public_url,
            networks=networks,
            server_tls=server_tls,
            versions=versions,
        )
        self.unlocks = CableUnlocks(context)
        authoriser = Authoriser(context)
        vehicles = PncAuthoriser(context, authoriser, anchors)
        sites, telling = SiteReceiver(context), Telling(context)
        self.reporting = reporting(context)
        context.endpoint.offer(
            Ports(
                sites=sites,
                statuses=sites,
                tariffs=TariffReceiver(context),
                sessions=self.updates,
                sdrs=bills,
                command_results=CommandResults(context, self.starter, self.stopper, self.reserver),
                authoriser=authoriser,
                profile_results=profiles,
                credential_source=CredentialSource(context),
            ),
            telling.load,
            (
                servicenotices.hearing(NoticeReceiver(context)),
                emergencyunlocks.requesting(self.unlocks),
                chargeplans.receiving(self.plans),
                pncauthorizations.authorising(vehicles.authorise),
                sdrs.judging(VerdictSource(context), VerdictPush(context), PAGE_LIMIT),
                bookings.hearing(BookingReceiver(context)),
                bookinglocations.hearing(LocationReceiver(context)),
                *self.reporting.extensions(),
            ),
            taken=telling.taken,
        )
        self.context = context
        self.endpoint = context.endpoint
        self._identity = identity

    @asynccontextmanager
    async def running(self, listener: socket.socket, driver_listener: socket.socket) -> AsyncIterator[RunningHomeCsp]:
        """Serve partners and front ends, keep in step with partners, and go on with what was under way."""
        app = driver_api(
            self.context,
            self.starter,
            self.stopper,
            self.reserver,
            (
                *cable_unlock_desk.driver_routes(self.context, self.unlocks),
                *plan_routes(self.context, self.plans),
                *sdr_desk.driver_routes(self.context),
            ),
        )
        drivers = self._identity.front_end_context()
        async with (
            self.endpoint.running(listener) as endpoint,
            serve(app, drivers, driver_listener) as driver,
        ):
            await self._resume()
            keeping_step = asyncio.create_task(regularly(self._keep_in_step, SYNCHRONISE_EVERY, self.context.clock))
            self.context.tasks.begin(self.reporting.run())
            self.context.tasks.begin(regularly(self.updates.ask_silent, ASK_SILENT_EVERY, self.context.clock))
            prune = partial(prune_quotes, self.context.store, self.context.party, self.context.clock)
            self.context.tasks.begin(regularly(prune, PRUNE_EVERY, self.context.clock))
            try:
                yield RunningHomeCsp(endpoint, driver)
            finally:
                keeping_step.cancel()
                await asyncio.gather(keeping_step, return_exceptions=True)
                await self.context.tasks.end()

    async def synchronise(self, partner: Partner) -> None:
        """Pull what a partner changed; an answer also confirms every status that it did not mention."""
        asked_at = self.context.clock.now()
        failed = await self.endpoint.synchronisation.pull(partner)
        if "locations" not in failed:
            await confirm_statuses(self.context, partner, asked_at)
        for module, why in failed.items():
            log.warning("synchronisation_failed", partner=partner.id, module=module, why=why)

    async def _keep_in_step(self) -> None:
        await expire_contracts(self.context)
        for partner in self.context.visited_csos():
            try:
                await self.synchronise(partner)
            except EvroamError as error:
                log.warning("synchronisation_failed", partner=partner.id, code=error.code)
        await self.reserver.end_overdue()
        await self.starter.end_silent()

    async def _resume(self) -> None:
        """A start whose answer got lost with the program is unconfirmed now; a stop is sent again."""
        self.unlocks.resume()
        with self.context.store.read() as connection:
            kept = load_open(connection, self.context.party)
        for one in kept:
            if one.session.state is SessionState.UNCONFIRMED:
                self.context.tasks.begin(self._resolver.resolve(one.session.id))
            elif one.session.reservation is not None and one.session.started_at is None:
                await self.reserver.resume(one.session)
            elif one.session.state is SessionState.AUTHORISING:
                await self.starter.unconfirmed(one.session.id)
            else:
                self.stopper.resume(one.session)
                partner = partner_of(self.context, one)
                if partner is not None:
                    self.updates.follow(partner, one.session)
