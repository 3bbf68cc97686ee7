"""What the checks of a foreign partner stand on: a home-CSP of our own that registers with it, and a test driver.

The partner is to be left as it was found: what was started is stopped, the test driver's credentials are revoked, and
the registration is ended.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sqlalchemy import select

from core.assembly import Installation, checked_public_url, front_end, home_csp
from core.clock import WallClock
from core.data_folder import HOME_CSP
from core.driver_client import DriverClient
from core.driver_messages import PinIdentification, SessionView
from core.endpoint.agreement import Agreement, Transport
from core.endpoint.binding import Binding
from core.endpoint.endpoint import is_loopback
from core.endpoint.extensions import (
    bookings,
    chargeplans,
    dynamicinformation,
    emergencyunlocks,
    energytransfers,
    quotes,
    sdrs,
)
from core.endpoint.meeting import meet
from core.endpoint.partner import Partner
from core.endpoint.serving import listen, url_of
from core.endpoint.tls import CertificateAuthority
from core.errors import EvroamError, InvalidInput
from core.home_csp.contracts import add_contract, block_contract
from core.home_csp.platform import HomeCsp
from core.http import Network
from core.model.parties import PartyRole
from core.model.services import PLAIN, Service
from core.model.session import ENDED, SessionState
from core.network import LOOPBACK_HOST
from core.store.tables import push
from core.walks.conformance.check import NotChecked, NotOffered
from core.walks.ground import look_until
from core.walks.messages import MessageLogs, PlatformLog, WireMessage

T = TypeVar("T")

EXTENSIONS: dict[str, Service] = {
    bookings.MODULE: Service.BOOKINGS,
    chargeplans.MODULE: Service.CHARGE_PLANS,
    dynamicinformation.MODULE: Service.DYNAMIC_INFORMATION,
    emergencyunlocks.MODULE: Service.EMERGENCY_UNLOCK,
    energytransfers.MODULE: Service.STOP_SCOPE,
    quotes.MODULE: Service.QUOTES,
    sdrs.MODULE: Service.SDR_VERDICTS,
}
"""Extension modules that an operator offers, and what each belongs to: used where the partner offers the module."""

_LEAVES_WITHIN_SECONDS = 30.0


@dataclass(frozen=True)
class Meeting:
    """How a foreign partner is met.

    url: its versions; token: the one that it made for us; role: as whom we come; folder: an empty one for our store;
    authority: whose certificate we show, and whom it trusts. wire: the only version that we offer. host, port,
    public_url, networks: as `Serving`. at: the id of the EVSE at which a start may be tried; patience_seconds: how long
    each step of that may take.
    """

    url: str
    token: str
    role: PartyRole
    folder: Path
    authority: CertificateAuthority
    transport: Transport = Transport.MUTUAL_TLS
    wire: str | None = None
    host: str = LOOPBACK_HOST
    port: int = 0
    public_url: str | None = None
    networks: Sequence[Network] = ()
    at: str | None = None
    patience_seconds: float = 60.0


@dataclass(frozen=True)
class Journey:
    """The one session of a run. started: once it is authorised, or how that ended; charging: with energy, None where no
    car was there; ended: after our stop, as far as that came.
    """

    started: SessionView
    charging: SessionView | None
    ended: SessionView


@dataclass
class ForeignBench:
    """Our home-CSP, registered with the partner, and the front end of its test driver, whose contract this is."""

    meeting: Meeting
    platform: HomeCsp
    driver: DriverClient
    logs: MessageLogs
    partner_id: str
    contract: str
    _journey: Journey | None = None
    _tried: bool = False

    @property
    def partner(self) -> Partner:
        """As it is registered now."""
        return self.platform.endpoint.partners.get(self.partner_id)

    @property
    def binding(self) -> Binding:
        """The version that we speak with it."""
        return self.platform.endpoint.bindings[self.partner.version or ""]

    def require(self, module: str, interface: str, without: str = "") -> None:
        """Raise NotOffered where the partner has no such module; without: what follows for drivers."""
        if self.partner.endpoint(module, interface) is None:
            what = f"It does not offer {module} as {interface.lower()}."
            raise NotOffered(f"{what} {without}".strip())

    def untaken(self) -> list[str]:
        """What the partner was sent and has not taken, and why."""
        query = select(push.c.module, push.c.last_error).where(push.c.partner_id == self.partner_id)
        with self.platform.context.store.read() as connection:
            return [f"{row.module}: {row.last_error or 'not sent'}" for row in connection.execute(query)]

    async def journey(self, make: "Callable[[ForeignBench], Awaitable[Journey]]") -> Journey:
        """The one session of the run, made when it is first asked for. Raises NotChecked where there is none."""
        if self._journey is None:
            if self.meeting.at is None:
                raise NotChecked(
                    "Nothing is started unasked: name a post with --at EVSE-ID, best with a car plugged in."
                )
            if self._tried:
                raise NotChecked("No session came about: see UC3-2.")
            self._tried = True
            self._journey = await make(self)
        return self._journey

    async def until(self, look: Callable[[], Awaitable[T]], wanted: Callable[[T], bool]) -> T:
        """What `look` sees once it is as wanted, or when patience ends."""
        return await look_until(look, wanted, self.meeting.patience_seconds)

    async def settled(self) -> None:
        """All that is due to the partner has been sent, or refused."""
        await self.platform.context.store.settled()
        await self.platform.endpoint.outbox.settled()

    async def heard(self) -> list[WireMessage]:
        """The messages that crossed the wire since this was last asked."""
        return await self.logs.heard()

    async def tidy(self) -> list[str]:
        """Stop what is open; what could not be ended."""
        for one in await self._open():
            with suppress(EvroamError):
                if one.state is SessionState.RESERVED:
                    await self.driver.cancel_reservation(one.id)
                else:
                    await self.driver.stop(one.id)
        left = await self.until(self._open, lambda seen: not seen)
        return [f"{one.state} {one.id}" for one in left]

    async def _open(self) -> list[SessionView]:
        return [one for one in await self.driver.sessions() if one.state not in ENDED]

    async def leave(self) -> None:
        """Revoke the test driver's credentials and end the registration, as far as the partner lets us."""
        with suppress(EvroamError, TimeoutError):
            async with asyncio.timeout(_LEAVES_WITHIN_SECONDS):
                await self.tidy()
                await block_contract(self.platform.context, self.contract)
                await self.settled()
        with suppress(EvroamError, TimeoutError):
            async with asyncio.timeout(_LEAVES_WITHIN_SECONDS):
                await self.platform.endpoint.registrar.disconnect(self.partner_id)


@asynccontextmanager
async def foreign_bench(meeting: Meeting) -> AsyncIterator[ForeignBench]:
    """Register with the partner; leave it when the block is left.

    Raises EvroamError where it cannot be met: it is or could not reach us, knows no such token, answers what cannot be
    read, has no version in common. OSError where our port cannot be used.
    """
    async with AsyncExitStack() as stack:
        listener = stack.enter_context(listen(meeting.host, meeting.port))
        place = Installation(
            folder=meeting.folder,
            name=HOME_CSP,
            role=meeting.role,
            clock=WallClock(),
            authority=meeting.authority,
            listener=listener,
            admin_listener=stack.enter_context(listen(LOOPBACK_HOST)),
            public_url=None if meeting.public_url is None else checked_public_url(meeting.public_url),
            networks=meeting.networks,
            server_tls=meeting.transport is Transport.SERVER_TLS,
            versions=(meeting.wire,) if meeting.wire else None,
        )
        if is_loopback(place.base_url) and not is_loopback(meeting.url):
            raise InvalidInput(
                f"The partner cannot reach us at {place.base_url}, which is this machine alone.",
                code="public_url",
                next_step="Add --host and --public-url with the address by which it reaches this machine.",
            )
        drivers = stack.enter_context(listen(LOOPBACK_HOST))
        running = await stack.enter_async_context(home_csp(place, drivers, {}))
        front = front_end(meeting.folder, meeting.authority).client_context()
        driver = DriverClient(url_of(drivers), front)
        stack.push_async_callback(driver.close)
        contract = await _test_driver(running.platform, driver)
        partner = await _met(running.platform, meeting)
        log = PlatformLog(meeting.role, running.platform.endpoint, running.platform.context.store)
        made = ForeignBench(meeting, running.platform, driver, MessageLogs([log]), partner.id, contract)
        stack.push_async_callback(made.leave)
        yield made


async def _met(platform: HomeCsp, meeting: Meeting) -> Partner:
    """Registered under terms that name plain OCPI and the extensions that the partner offers."""
    endpoint = platform.endpoint
    agreement = Agreement(transport=meeting.transport, services=PLAIN | frozenset(EXTENSIONS.values()))
    partner = await meet(endpoint.registrar, meeting.url, meeting.token, agreement)
    offered = {EXTENSIONS[one.module] for one in partner.endpoints if one.module in EXTENSIONS}
    await endpoint.agreements.set_terms(partner, agreement.terms.model_copy(update={"services": PLAIN | offered}))
    return partner


async def _test_driver(platform: HomeCsp, driver: DriverClient) -> str:
    """The contract of a driver who is identified at the front end."""
    party = platform.context.party
    contract = f"{party.country_code}-{party.party_id}-C{secrets.randbelow(10**8):08d}"
    pin = f"{secrets.randbelow(10**8):08d}"
    made = await add_contract(platform.context, contract, driver_name="Conformance run", pin=pin)
    await driver.identify(PinIdentification(contract_id=made.id, pin=pin))
    return made.id
