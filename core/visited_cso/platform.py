"""The visited-CSO, assembled: its use cases behind one roaming endpoint, its stations in front."""

import socket
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

import structlog

from core.clock import Clock, WallClock
from core.endpoint import profile_calls
from core.endpoint.contract_certificates import TrustAnchors
from core.endpoint.endpoint import PAGE_LIMIT, Endpoint
from core.endpoint.extensions import (
    bookinglocations,
    bookings,
    chargeplans,
    dynamicinformation,
    emergencyunlocks,
    energytransfers,
    quotes,
    sdrs,
    servicenotices,
)
from core.endpoint.partner import Partner
from core.endpoint.ports import Ports
from core.endpoint.serving import Running
from core.endpoint.stored import Reader, Writer
from core.endpoint.tls import Identity
from core.errors import EvroamError
from core.http import Network
from core.model.parties import PartyRole
from core.model.sites import Site
from core.model.tariffs import Tariff
from core.store.engine import Store
from core.store.quotes import PRUNE_EVERY, prune_quotes
from core.tasks import regularly
from core.visited_cso import sites, tariffs
from core.visited_cso.cable_unlock import CableUnlocks
from core.visited_cso.commands import Commands
from core.visited_cso.context import Context
from core.visited_cso.energy_transfer.booking_record import BookingSource, LocationSource, publish_calendars
from core.visited_cso.energy_transfer.bookings import Bookings, begin_due
from core.visited_cso.energy_transfer.local_start import LocalStart
from core.visited_cso.energy_transfer.plans import ChargePlans
from core.visited_cso.energy_transfer.profiles import ChargingProfiles
from core.visited_cso.energy_transfer.progress import Progress
from core.visited_cso.energy_transfer.sdr import SdrSource
from core.visited_cso.energy_transfer.sessions import SessionSource
from core.visited_cso.energy_transfer.silence import end_silent_sessions
from core.visited_cso.energy_transfer.taken_back import take_back_announced
from core.visited_cso.energy_transfer.updates import SessionUpdates
from core.visited_cso.equipment import Equipment
from core.visited_cso.identification import CredentialReceiver
from core.visited_cso.outages import NoticePush, NoticeSource, keep_statuses
from core.visited_cso.quotes import Quoter
from core.visited_cso.reporting import reporting
from core.visited_cso.sdr_verdicts import VerdictReceiver
from core.visited_cso.telling import Telling

log = structlog.get_logger(__name__)

BEGIN_BOOKINGS_EVERY = timedelta(seconds=30)
LOOK_FOR_SILENCE_EVERY = timedelta(minutes=10)
"""On the platform's clock."""

PUBLISH_CALENDARS_EVERY = timedelta(minutes=15)
"""On the platform's clock: how late calendars follow a new day and an announcement; a booking shows at once."""

SYNCHRONISE_EVERY = timedelta(minutes=5)
"""On the platform's clock: how often home-CSPs are asked which credentials they have changed, whatever was pushed."""

LOOK_FOR_ANNOUNCED_EVERY = timedelta(minutes=1)
"""On the platform's clock: how late statuses and reservations follow an announcement whose begin or end has come."""


class VisitedCso:
    """One visited-CSO. The equipment must be subscribed to nothing yet; its owner resumes it before `running`."""

    def __init__(
        self,
        *,
        role: PartyRole,
        store: Store,
        clock: Clock,
        identity: Identity,
        public_url: str,
        equipment: Equipment,
        networks: Sequence[Network] = (),
        server_tls: bool = False,
        anchors: Callable[[], TrustAnchors] = TrustAnchors,
        versions: Collection[str] | None = None,
    ) -> None:
        context = Context(
            party=role.party,
            name=role.name,
            store=store,
            clock=clock,
            reader=Reader(),
            writer=Writer(),
            equipment=equipment,
        )
        self.commands = Commands(context)
        self.bookings = Bookings(context)
        self.quoter = Quoter(context)
        self.unlocks = CableUnlocks(context)
        self.local_start = LocalStart(context, self.commands.stop, anchors)
        self.plans = ChargePlans(context)
        self.profiles = ChargingProfiles(context)
        self.updates = SessionUpdates(context)
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
        self.reporting = reporting(context)
        locations = LocationSource(context)
        context.endpoint.offer(
            Ports(
                commands=self.commands,
                preferences=self.plans,
                profiles=self.profiles,
                credentials=CredentialReceiver(context),
                site_source=sites.SiteSource(context),
                tariff_source=tariffs.TariffSource(context),
                session_source=SessionSource(context),
                sdr_source=SdrSource(context),
            ),
            Telling(context).load,
            (
                servicenotices.announcing(NoticeSource(context), NoticePush(context), PAGE_LIMIT),
                emergencyunlocks.unlocking(self.unlocks, self.unlocks.push),
                sdrs.hearing(VerdictReceiver(context)),
                dynamicinformation.telling(self.updates),
                energytransfers.stopping(self.commands.stop),
                quotes.quoting(self.quoter),
                chargeplans.planning(self.plans),
                profile_calls.pushing(self.profiles.push),
                bookings.booking(self.bookings, BookingSource(context), self.bookings.push, PAGE_LIMIT),
                bookinglocations.publishing(locations, locations.push, PAGE_LIMIT),
                *self.reporting.extensions(),
            ),
        )
        self.context = context
        self.endpoint = context.endpoint
        equipment.subscribe(Progress(context).heard)
        equipment.subscribe(self.commands.stop.heard)
        equipment.subscribe(self.local_start.heard)
        equipment.subscribe(self.plans.heard)
        equipment.subscribe(self.profiles.heard)

    async def publish(self, published: Iterable[Site], prices: Iterable[Tariff]) -> None:
        """Put our sites and tariffs into the store; tariffs first, so that no site names one that is not there."""
        await tariffs.publish(self.context, prices)
        await sites.publish(self.context, published)
        await self._publish_calendars()

    @asynccontextmanager
    async def running(self, listener: socket.socket) -> AsyncIterator[Running]:
        """Serve partners on this socket and go on with what was under way when the program ended."""
        context = self.context
        async with self.endpoint.running(listener) as running:
            await self.commands.resume()
            self.unlocks.resume()
            self.local_start.resume()
            for work, every, at_once in (
                (partial(end_silent_sessions, context), LOOK_FOR_SILENCE_EVERY, True),
                (partial(begin_due, context), BEGIN_BOOKINGS_EVERY, True),
                (self._follow_announcements, LOOK_FOR_ANNOUNCED_EVERY, True),
                (self._keep_in_step, SYNCHRONISE_EVERY, False),
                (self._publish_calendars, PUBLISH_CALENDARS_EVERY, False),
                (partial(prune_quotes, context.store, context.party, context.clock), PRUNE_EVERY, True),
            ):
                context.tasks.begin(regularly(work, every, context.clock, at_once=at_once))
            context.tasks.begin(self.reporting.run())
            try:
                yield running
            finally:
                await context.tasks.end()

    async def synchronise(self, partner: Partner) -> None:
        """Pull what a home-CSP changed: its credentials (UC4-2) and what else the agreement has."""
        for module, why in (await self.endpoint.synchronisation.pull(partner)).items():
            log.warning("synchronisation_failed", partner=partner.id, module=module, why=why)

    async def _keep_in_step(self) -> None:
        for partner in self.context.home_csps():
            try:
                await self.synchronise(partner)
            except EvroamError as error:
                log.warning("synchronisation_failed", partner=partner.id, code=error.code)

    async def _publish_calendars(self) -> None:
        await self.context.store.write(lambda connection: publish_calendars(connection, self.context))

    async def _follow_announcements(self) -> None:
        await keep_statuses(self.context)
        await take_back_announced(self.context)
