"""Annex A, scenario 2: charging site navigation service.

The order is that of the annex as we read it [J]: the driver searches among what operators have published, reads status
and notices that are true and no older than they may be, reserves, and arrives; from there on it is scenario 1.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from core.catalogue.filters import STATUS_TIME_TO_LIVE, connectors_named
from core.catalogue.writing import connector_power_w
from core.driver_messages import EvseView, Money, Need, SessionView, SiteQuery, SiteSummary, SiteView
from core.driver_messages.reservations import ReservationOffer, ReservationWish
from core.endpoint.extensions import servicenotices
from core.endpoint.ports import CommandKind
from core.errors import NotFound
from core.home_csp.energy_transfer.commands import SentCommand
from core.model.notices import Notice, NoticeCause, NoticeKind
from core.model.session import SessionState, StopReason, TransactionKind
from core.model.sites import Capability, EvSupplyEquipment, Status
from core.visited_cso.outages import announce, end
from core.walks.billing import BILLING
from core.walks.charging import ACTIVE, COMMANDS, PROGRESS, SESSIONS, STOP, accepted, command_sent
from core.walks.completion import completed
from core.walks.ground import Both, Ground, Post
from core.walks.preparation import AUTHENTICATED, SITES_KNOWN, TARIFFS_KNOWN
from core.walks.qr import IDENTIFIED, QUOTED, STATUS_KNOWN, free_posts
from core.walks.scenario import Actor, Finding, Scenario, Step

_CONNECTOR, _LEAST_KW, _KWH = "Type2", Decimal(11), 30
_WATTS = 1000
_RESERVED_MINUTES, _ARRIVES_AFTER_MINUTES = 15, 10
_NOTICE = "walk"

# -- the driver searches


@dataclass(frozen=True)
class Searched:
    """What a search found beside the sites that fit by what the operators have published; then with a price cap."""

    found: tuple[SiteSummary, ...]
    fitting: frozenset[str]
    cap: Money
    within_cap: tuple[SiteSummary, ...]


async def _search(ground: Ground) -> Searched:
    start = ground.network.demo.start
    query = SiteQuery(
        latitude=start.latitude,
        longitude=start.longitude,
        connector=_CONNECTOR,
        min_kw=_LEAST_KW,
        free=True,
        roaming=True,
        need=Need(amount=Decimal(_KWH)),
    )
    found = (await ground.client.sites(query)).sites
    cap = _middle_price(found)
    within = (await ground.client.sites(query.model_copy(update={"price_cap": cap}))).sites
    await _choose_post(ground)
    return Searched(found, _fitting(ground), cap, within)


def _middle_price(found: Sequence[SiteSummary]) -> Money:
    """A cap that some sites keep and others do not. Raises NotFound where none tells a price in euros."""
    prices = sorted(
        (one.price for one in found if one.price and one.price.currency == "EUR"), key=lambda one: one.amount
    )
    if not prices:
        raise NotFound("no site tells a price", code="no_price")
    return prices[len(prices) // 2]


def _fitting(ground: Ground) -> frozenset[str]:
    return frozenset(
        site.id
        for member in ground.network.members
        for site in member.operator.sites()
        if site.publish and any(map(_fits, site.equipment))
    )


def _fits(equipment: EvSupplyEquipment) -> bool:
    standards = connectors_named(_CONNECTOR)
    return equipment.status is Status.AVAILABLE and any(
        one.standard in standards and connector_power_w(one) >= _LEAST_KW * _WATTS for one in equipment.connectors
    )


async def _choose_post(ground: Ground) -> None:
    """A free post that can be reserved; the seed says which. Raises NotFound where there is none."""
    reservable = {
        equipment.uid
        for member in ground.network.members
        for site in member.operator.sites()
        for equipment in site.equipment
        if equipment.can(Capability.RESERVABLE) and _fits(equipment)
    }
    posts = [one for one in await free_posts(ground) if one.evse_uid in reservable]
    if not posts:
        raise NotFound("there is no free EVSE that can be reserved", code="no_reservable_evse")
    ground.post = posts[ground.seed % len(posts)]


def _check_searched(seen: Searched) -> Sequence[Finding]:
    found = frozenset(one.key.id for one in seen.found)
    distances = [one.distance_m for one in seen.found]
    kept = [one.key.id for one in seen.found if _keeps(seen.cap, one)]
    return [
        Finding(
            expected=f"the sites with a free {_CONNECTOR} of {_LEAST_KW} kW, as the operators have published them",
            actual=f"{len(found)} sites"
            + (f", other or missing: {', '.join(sorted(found ^ seen.fitting))}" if found != seen.fitting else ""),
            holds=bool(found) and found == seen.fitting,
        ),
        Finding(
            expected="the nearest first",
            actual=f"from {distances[0] if distances else 0} m to {distances[-1] if distances else 0} m",
            holds=distances == sorted(distances),
        ),
        Finding(
            expected=f"with a price cap of {seen.cap.amount} {seen.cap.currency}: the {len(kept)} that keep it",
            actual=f"{len(seen.within_cap)} sites",
            holds=[one.key.id for one in seen.within_cap] == kept and 0 < len(kept) < len(seen.found),
        ),
    ]


def _keeps(cap: Money, site: SiteSummary) -> bool:
    return site.price is not None and site.price.currency == cap.currency and site.price.amount <= cap.amount


# -- UC1-3: a status that has become old


@dataclass(frozen=True)
class Aged:
    """The post, and whether a search for what is free finds anything, after nothing was heard for long."""

    post: EvseView
    found_free: int


async def _let_age(ground: Ground) -> Aged:
    ground.clock.moment += STATUS_TIME_TO_LIVE + timedelta(minutes=1)
    start = ground.network.demo.start
    query = SiteQuery(latitude=start.latitude, longitude=start.longitude, free=True, roaming=True)
    return Aged(await _post_now(ground), len((await ground.client.sites(query)).sites))


async def _post_now(ground: Ground) -> EvseView:
    return _at(await ground.client.site(ground.post.site), ground.post)


def _at(site: SiteView, post: Post) -> EvseView:
    return next(one for one in site.evses if one.uid == post.evse_uid)


def _check_aged(seen: Aged) -> Sequence[Finding]:
    minutes = (STATUS_TIME_TO_LIVE.total_seconds() + 60) / 60
    return [
        Finding(
            expected=f"a status {minutes:.0f} min old is shown as {Status.UNKNOWN}",
            actual=f"the status is shown as {seen.post.status}",
            holds=seen.post.status == Status.UNKNOWN,
        ),
        Finding(
            expected="unknown is never free: nothing is found",
            actual=f"{seen.found_free} sites found as free",
            holds=seen.found_free == 0,
        ),
    ]


# -- UC5-1


@dataclass(frozen=True)
class Noticed:
    """The site with an outage announced for the post, and after its end."""

    post: Post
    during: SiteView
    afterwards: SiteView


async def _notice(ground: Ground) -> Noticed:
    context, post = ground.member.platform.context, ground.post
    notice = Notice(
        country_code=post.site.country_code,
        party_id=post.site.party_id,
        id=_NOTICE,
        kind=NoticeKind.UNPLANNED_OUTAGE,
        site_id=post.site.id,
        evse_uids=(post.evse_uid,),
        begin=ground.clock.now(),
        cause=NoticeCause.FAULT,
        last_updated=ground.clock.now(),
    )
    await context.store.write(lambda connection: announce(connection, context, notice))
    during = await _site_when(ground, lambda site: bool(site.notices) and _at(site, post).status == Status.OUTOFORDER)
    ground.clock.moment += timedelta(minutes=1)
    await context.store.write(lambda connection: end(connection, context, _NOTICE))
    after = await _site_when(ground, lambda site: not site.notices and _at(site, post).status == Status.AVAILABLE)
    return Noticed(post, during, after)


async def _site_when(ground: Ground, holds: Callable[[SiteView], bool]) -> SiteView:
    return await ground.until(lambda: ground.client.site(ground.post.site), holds)


def _check_noticed(seen: Noticed) -> Sequence[Finding]:
    during, after = _at(seen.during, seen.post), _at(seen.afterwards, seen.post)
    kinds = [str(one.kind) for one in seen.during.notices if one.in_force]
    return [
        Finding(
            expected=f"the driver reads {NoticeKind.UNPLANNED_OUTAGE}, in force, and cannot start there",
            actual=f"notices {', '.join(kinds) or 'none'}, {during.status}, "
            + ("can start" if during.startable else "cannot start"),
            holds=kinds == [NoticeKind.UNPLANNED_OUTAGE] and not during.startable,
        ),
        Finding(
            expected=f"once it has ended: no notice, {Status.AVAILABLE}, can start",
            actual=f"{len(seen.afterwards.notices)} notices, {after.status}, "
            + ("can start" if after.startable else "cannot start"),
            holds=not seen.afterwards.notices and after.status == Status.AVAILABLE and after.startable,
        ),
    ]


# -- UC3-8


@dataclass(frozen=True)
class Reserved:
    """The offer, the session that holds the post, and how other drivers see the post."""

    offer: ReservationOffer
    view: SessionView
    both: Both
    post: EvseView


async def _reserve(ground: Ground) -> Reserved:
    wish = ReservationWish(quote_id=ground.quote.id, minutes=_RESERVED_MINUTES)
    offer = await ground.client.reservation_offer(wish)
    ground.session_id = (await ground.client.reserve(wish)).id
    view = await ground.session_until(lambda seen: seen.state is SessionState.RESERVED)
    post = await ground.until(lambda: _post_now(ground), lambda seen: seen.status == Status.RESERVED)
    return Reserved(offer, view, await ground.both(), post)


def _check_reserved(seen: Reserved) -> Sequence[Finding]:
    until = seen.view.reservation.until if seen.view.reservation else None
    refusal = f"refused: {seen.offer.refusal.message}" if seen.offer.refusal else "can be had"
    return [
        Finding(
            expected="the price of coming and of not coming, told before",
            actual=f"{refusal}; {seen.offer.used.amount} and {seen.offer.unused.amount} {seen.offer.used.currency}",
            holds=seen.offer.refusal is None,
        ),
        Finding(
            expected=f"{SessionState.RESERVED} at the home-CSP, held until {seen.offer.until:%H:%M}",
            actual=f"{seen.view.state}, held until " + (f"{until:%H:%M}" if until else "no moment"),
            holds=seen.view.state is SessionState.RESERVED and until == seen.offer.until,
        ),
        Finding(
            expected=f"the post is {Status.RESERVED}",
            actual=f"the post is {seen.post.status}",
            holds=seen.post.status == Status.RESERVED,
        ),
    ]


# -- UC3-2: on the reservation


@dataclass(frozen=True)
class Arrived:
    """The start on the reservation."""

    command: SentCommand | None
    both: Both
    reserved_as: str
    started_as: str


async def _arrive(ground: Ground) -> Arrived:
    await ground.advance(_ARRIVES_AFTER_MINUTES)
    started = await ground.client.start_reserved(ground.session_id)
    await ground.session_until(lambda seen: seen.state is SessionState.AUTHORISED)
    return Arrived(command_sent(ground, CommandKind.START_SESSION), await ground.both(), ground.session_id, started.id)


def _check_arrived(seen: Arrived) -> Sequence[Finding]:
    home, operator = seen.both.home, seen.both.operator
    return [
        accepted(seen.command),
        Finding(
            expected="the start is on the reservation: one session",
            actual="one session" if seen.reserved_as == seen.started_as else "another session",
            holds=seen.reserved_as == seen.started_as,
        ),
        Finding(
            expected="one authorization reference at both platforms",
            actual=f"{home.authorization_reference} at the home-CSP, "
            f"{operator.authorization_reference if operator else 'none'} at the visited-CSO",
            holds=operator is not None and home.authorization_reference == operator.authorization_reference,
        ),
    ]


NAVIGATION: Scenario[Ground] = Scenario(
    name="navigation",
    clause="A.2",
    title="Charging site navigation service",
    steps=(
        AUTHENTICATED,
        SITES_KNOWN,
        TARIFFS_KNOWN,
        Step(
            name="search",
            use_case="A.2",
            what="The driver searches with filters and a price cap",
            sender=Actor.DRIVER,
            receiver=Actor.HOME_CSP,
            expected="exactly the published sites that fit, the nearest first",
            perform=_search,
            check=_check_searched,
        ),
        STATUS_KNOWN,
        Step(
            name="age",
            use_case="UC1-3",
            what="Nothing is heard for longer than a status lives",
            sender=Actor.HOME_CSP,
            receiver=Actor.DRIVER,
            expected="an old status is shown as unknown, and unknown is never free",
            perform=_let_age,
            check=_check_aged,
        ),
        Step(
            name="notice",
            use_case="UC5-1",
            what="The operator announces an outage, and its end",
            sender=Actor.VISITED_CSO,
            receiver=Actor.HOME_CSP,
            expected="the driver reads it, the post cannot be started until it has ended",
            perform=_notice,
            check=_check_noticed,
            wire=frozenset({f"PUT {servicenotices.MODULE}", "PATCH locations"}),
        ),
        IDENTIFIED,
        QUOTED,
        Step(
            name="reserve",
            use_case="UC3-8",
            what="The driver reserves for the way there",
            sender=Actor.HOME_CSP,
            receiver=Actor.VISITED_CSO,
            expected="held until a moment, at a price told before",
            perform=_reserve,
            check=_check_reserved,
            wire=COMMANDS,
            at_post=True,
        ),
        Step(
            name="arrive",
            use_case="UC3-2",
            what="The driver arrives and starts on the reservation",
            sender=Actor.HOME_CSP,
            receiver=Actor.VISITED_CSO,
            expected="the start is accepted in the session of the reservation; on as in A.1",
            perform=_arrive,
            check=_check_arrived,
            wire=COMMANDS | SESSIONS,
            at_post=True,
        ),
        ACTIVE,
        PROGRESS,
        STOP,
        completed(
            StopReason.REMOTE,
            frozenset({TransactionKind.RESERVATION, TransactionKind.ENERGY, TransactionKind.PARKING}),
        ),
        *BILLING,
    ),
)
