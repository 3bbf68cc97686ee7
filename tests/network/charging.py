"""Steps that the tests of a whole network share: a session at a post, brought so far; what each side has kept."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from core.assembly import Installation, home_csp
from core.driver_client import DriverClient
from core.driver_messages import DriverEvent, SessionView
from core.endpoint.partner import Partner
from core.endpoint.serving import listen
from core.endpoint.tls import CertificateAuthority
from core.home_csp.platform import HomeCsp
from core.model.money import Price
from core.model.parties import ObjectKey, Party, PartyRole, PlatformRole
from core.model.receipt import Receipt
from core.model.sdr import Sdr, SdrCost
from core.model.services import Service
from core.model.session import ServiceSession, SessionState
from core.model.sites import Site
from core.network import LOOPBACK_HOST, Member, Network
from core.network_links import AGREEMENT
from core.store.engine import Store
from core.store.sessions import load
from core.store.tables import partner, sdr, service_session
from core.visited_cso.energy_transfer import completion
from core.visited_cso.equipment import EvseState
from tests.networks import advance, quote_at, sites_near, until, until_state

Events = AsyncIterator[DriverEvent | None]


def in_state(*states: SessionState, id: str | None = None) -> Callable[[DriverEvent], bool]:
    """Whether an event tells that a session (this one) is in one of these states."""
    return lambda event: event.session is not None and event.session.state in states and id in (None, event.session.id)


def receipt_for(session_id: str) -> Callable[[DriverEvent], bool]:
    """Whether an event brings the receipt of a session."""
    return lambda event: event.receipt is not None and event.receipt.session_id == session_id


@dataclass
class Post:
    """EV supply equipment at which one can start, and whose it is."""

    site: ObjectKey
    evse_uid: str
    member: Member


async def free_posts(network: Network, driver: DriverClient, count: int = 1) -> list[Post]:
    """So many posts at which the driver can start now, or all that there are; the nearest first."""
    found: list[Post] = []
    for site in await sites_near(driver, network, free=True, roaming=True):
        member = next(one for one in network.members if one.platform.context.party == site.key.party)
        opened = await driver.site(site.key)
        found += [Post(site.key, one.uid, member) for one in opened.evses if one.startable]
        if len(found) >= count:
            break
    return found[:count]


async def post_of_each(network: Network, driver: DriverClient) -> list[Post]:
    """A post of every visited-CSO, so that two operators are on the wire at once."""
    posts = await free_posts(network, driver, count=1000)
    return [next(post for post in posts if post.member is member) for member in network.members]


@dataclass
class Charging:
    """A session under way."""

    network: Network
    driver: DriverClient
    post: Post
    id: str
    events: Events

    @property
    def home(self) -> ServiceSession:
        """The home-CSP's record of it."""
        context = self.network.home.context
        return _loaded(context.store, context.party, self.id)

    @property
    def visited(self) -> ServiceSession:
        """The visited-CSO's record of it."""
        context = self.post.member.platform.context
        return _loaded(context.store, context.party, self.home.visited_session_id or "")

    async def end(self) -> Receipt:
        """The driver stops and drives away; the receipt."""
        await self.driver.stop(self.id)
        await until_state(self.post.member.equipment, self.post.evse_uid, EvseState.FINISHING)
        await advance(self.network, minutes=20)
        receipt = (await until(self.events, receipt_for(self.id))).receipt
        assert receipt is not None
        return receipt


async def charge(network: Network, driver: DriverClient, post: Post, *, minutes: float = 3) -> Charging:
    """Start at a post and let energy flow for so long; every report of it has arrived."""
    quote = await quote_at(driver, post.site, post.evse_uid, kwh=50)
    events = driver.events(0)
    started = await driver.start(quote.id)
    await until(events, in_state(SessionState.AUTHORISED, id=started.id))
    await advance(network, minutes=minutes)
    await until(events, in_state(SessionState.ACTIVE, id=started.id))
    await post.member.platform.endpoint.outbox.settled()
    return Charging(network, driver, post, started.id, events)


async def told(charging: Charging) -> None:
    """Whatever the home-CSP has to tell of it has arrived."""
    outbox = charging.network.home.endpoint.outbox
    await charging.network.home.context.store.write(lambda connection: None)
    outbox.wake()
    await outbox.settled()


def overcharge(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on operators bill double what their own tariff says; what they bill anew is right."""
    right = completion.sdr_of

    def doubled(session: ServiceSession, site: Site | None, now: datetime) -> Sdr:
        sdr = right(session, site, now)
        total = sdr.cost.total
        assert total.with_taxes is not None
        twice = Price(before_taxes=2 * total.before_taxes, with_taxes=2 * total.with_taxes)
        return sdr.model_copy(update={"cost": SdrCost(total=twice)})

    monkeypatch.setattr(completion, "sdr_of", doubled)


def home_at(member: Member) -> Partner:
    """The home-CSP as a visited-CSO knows it."""
    [partner] = member.platform.endpoint.partners.connected(PlatformRole.HOME_CSP)
    return partner


def visited_at(network: Network, member: Member) -> Partner:
    """A visited-CSO as the home-CSP knows it."""
    party = member.platform.context.party
    return next(one for one in network.home.context.visited_csos() if one.speaks_for(party))


async def agree(network: Network, member: Member, services: frozenset[Service]) -> None:
    """From now on the agreement between the home-CSP and this visited-CSO covers these services alone, at both ends."""
    for endpoint, known in (
        (network.home.endpoint, visited_at(network, member)),
        (member.platform.endpoint, home_at(member)),
    ):
        body = known.agreement.model_copy(update={"services": services}).model_dump_json()
        changed = update(partner).where(partner.c.id == known.id).values(agreement=body)
        await endpoint.partners.change(lambda connection, changed=changed: connection.execute(changed))


@asynccontextmanager
async def other_home_csp(
    network: Network, member: Member, data: Path, services: frozenset[Service] = AGREEMENT.services
) -> AsyncIterator[tuple[HomeCsp, Partner]]:
    """Another home-CSP, NL*TWO, as a partner of a visited-CSO, beside the visited-CSO as it knows it."""
    party = Party(country_code="NL", party_id="TWO")
    place = Installation(
        folder=data / "two",
        name="two",
        role=PartyRole(party=party, role=PlatformRole.HOME_CSP, name="Two"),
        clock=network.clock,
        authority=CertificateAuthority.open(data / "authority"),
        listener=listen(LOOPBACK_HOST),
        admin_listener=listen(LOOPBACK_HOST),
    )
    agreement = AGREEMENT.model_copy(update={"services": services})
    async with home_csp(place, listen(LOOPBACK_HOST), {}) as running:
        endpoint, home = member.platform.endpoint, running.platform
        token = await endpoint.partners.invite("Two", agreement)
        yield home, await home.endpoint.registrar.connect(endpoint.versions_url, token, agreement, "Visited")


def count_sessions(store: Store) -> int:
    """How many sessions a platform keeps."""
    with store.read() as connection:
        return connection.execute(select(func.count()).select_from(service_session)).scalar_one()


def sdrs_kept(store: Store) -> list[tuple[str, str | None, bool]]:
    """The SDRs that a platform keeps: verdict, its session, whether there is a receipt."""
    query = select(sdr.c.verdict, sdr.c.session_id, sdr.c.receipt).order_by(sdr.c.id)
    with store.read() as connection:
        return [(row.verdict, row.session_id, row.receipt is not None) for row in connection.execute(query)]


def newest_view(views: tuple[SessionView, ...], id: str) -> SessionView:
    """One of a driver's sessions."""
    return next(one for one in views if one.id == id)


def _loaded(store: Store, keeper: Party, id: str) -> ServiceSession:
    with store.read() as connection:
        kept = load(connection, keeper, id)
    assert kept is not None
    return kept.session
