"""Annex A, scenario 1: peer-to-peer roaming by QR code scanning.

The order is that of the annex as we read it [J]. Charge plans (UC3-7, UC3-10) and emergency unlocking (UC5-2, UC5-3)
are optional there and not walked yet.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from importlib.resources import files
from urllib.parse import quote as quoted

from core.catalogue.filters import STATUS_TIME_TO_LIVE
from core.driver_messages import EvseView, Need, PinIdentification, QuoteRequest, QuoteView, SiteQuery
from core.errors import EvroamError, NotFound
from core.model.identifiers import EvseId, StationId
from core.model.scan import RefusalCode, TrustedHosts, Verdict, scan
from core.model.session import StopReason
from core.model.tariffs import Tariff
from core.simulation.faults import NO_FAULTS, Faults
from core.walks.billing import BILLING
from core.walks.charging import CHARGING
from core.walks.completion import completed
from core.walks.ground import Ground, Post
from core.walks.preparation import AUTHENTICATED, SITES_KNOWN, TARIFFS_KNOWN
from core.walks.scenario import Actor, Finding, Scenario, Step

_HOST = "m.intercharge.eu"
_KWH = 30
_CENT = Decimal("0.01")

# -- the driver scans


@dataclass(frozen=True)
class KnownEvses:
    """The EVSEs that the home-CSP offers, as a scan is judged against them. Implements `core.model.scan.Catalogue`."""

    posts: tuple[Post, ...]

    def has_evse(self, evse_id: EvseId) -> bool:
        """Whether it is one of them."""
        return any(EvseId.parse(one.evse_id) == evse_id for one in self.posts)

    def evses_of(self, station_id: StationId) -> Sequence[EvseId]:
        """The posts of this walk bear EVSE ids only."""
        return ()

    def evse_at(self, host: str, station: str, evse: str) -> EvseId | None:
        """None is named otherwise."""
        return None

    def evse_of_alias(self, host: str, alias: str) -> EvseId | None:
        """None is named otherwise."""
        return None


@dataclass(frozen=True)
class Scanned:
    """The verdict on the code of the post, and on the hostile ones by what is wrong with each."""

    printed: str
    verdict: Verdict
    hostile: tuple[tuple[RefusalCode, Verdict], ...]


async def _scan(ground: Ground) -> Scanned:
    """The driver stands at one of the posts that are free; the seed says at which."""
    posts = await free_posts(ground)
    ground.post = random.Random(ground.seed).choice(posts)  # noqa: S311  # a walk to be repeated, not a secret
    printed, known = ground.post.evse_id, KnownEvses(posts)
    trust = TrustedHosts.from_json(files("assets").joinpath("trusted_hosts.json").read_text("utf-8"))

    def judged(payload: str) -> Verdict:
        return scan(payload, trust=trust, catalogue=known, at=ground.clock.now())

    return Scanned(
        printed,
        judged(f"https://{_HOST}/qr?evseid={quoted(printed, safe='')}"),
        tuple((code, judged(payload)) for code, payload in _hostile_codes(printed)),
    )


def _hostile_codes(evse_id: str) -> tuple[tuple[RefusalCode, str], ...]:
    """Stickers that name the right EVSE and still must not be trusted, by the code of the refusal."""
    return (
        (RefusalCode.UNTRUSTED_HOST, f"https://{_HOST}.pay-ev.example/qr?evseid={evse_id}"),
        (RefusalCode.USERINFO_IN_URL, f"https://{_HOST}@pay-ev.example/qr?evseid={evse_id}"),
        (RefusalCode.CONTROL_CHARACTERS, f"https://{_HOST}/qr?evseid={evse_id}\u202e"),
    )


async def free_posts(ground: Ground) -> tuple[Post, ...]:
    """The EVSEs around the kiosk that can be started and have a known price, by their id. Raises NotFound for none."""
    start = ground.network.demo.start
    query = SiteQuery(latitude=start.latitude, longitude=start.longitude, free=True, roaming=True)
    posts = []
    for summary in (await ground.client.sites(query)).sites:
        for evse in (await ground.client.site(summary.key)).evses:
            priced = next((one for one in evse.connectors if one.tariff_known), None)
            if evse.startable and evse.evse_id and priced is not None:
                posts.append(Post(summary.key, evse.uid, evse.evse_id, priced.id))
    if not posts:
        raise NotFound("there is no free EVSE with a known price", code="no_free_evse")
    return tuple(sorted(posts, key=lambda one: one.evse_id))


def _check_scan(scanned: Scanned) -> Sequence[Finding]:
    found = scanned.verdict.evse_id
    return [
        Finding(
            expected=f"trusted, EVSE {scanned.printed} as it is printed on the post",
            actual=f"{_said(scanned.verdict)}, EVSE {found}",
            holds=scanned.verdict.trusted and found == EvseId.parse(scanned.printed),
        ),
        *(
            Finding(
                expected=f"a sticker refused as {code}",
                actual=f"a sticker {_said(verdict)}",
                holds=verdict.code is code and verdict.evse_id is None,
            )
            for code, verdict in scanned.hostile
        ),
    ]


def _said(verdict: Verdict) -> str:
    return "trusted" if verdict.trusted else f"refused as {verdict.code}"


# -- the driver identifies


@dataclass(frozen=True)
class Identified:
    """What the home-CSP answered to a wrong PIN and to the right one; contract: as it is shown, never whole."""

    wrong_pin: str
    contract: str
    whole_contract: str
    events_open: bool


async def _identify(ground: Ground) -> Identified:
    driver = ground.network.demo.driver
    try:
        await ground.client.identify(PinIdentification(contract_id=driver.contract, pin=driver.pin[::-1]))
        wrong = "accepted"
    except EvroamError as error:
        wrong = error.code
    login = await ground.client.identify(PinIdentification(contract_id=driver.contract, pin=driver.pin))
    ground.listen()
    return Identified(wrong, login.contract, driver.contract, ground.client.login is not None)


def _check_identified(seen: Identified) -> Sequence[Finding]:
    return [
        Finding(
            expected="a wrong PIN refused: identification_refused",
            actual=f"a wrong PIN: {seen.wrong_pin}",
            holds=seen.wrong_pin == "identification_refused",
        ),
        Finding(
            expected="identified, the contract shown but for its last characters",
            actual=f"identified as {seen.contract}",
            holds=seen.events_open and bool(seen.contract) and seen.contract != seen.whole_contract,
        ),
    ]


# -- UC1-3


@dataclass(frozen=True)
class Resolved:
    """Where the EVSE id led, and the EVSE as the driver's front end saw it: at first, with the station out of order,
    repaired. now: the moments at which it was looked at; changed: when the station said so.
    """

    post: Post
    found: str
    views: tuple[EvseView, ...]
    now: tuple[datetime, ...]
    changed: tuple[datetime, ...]


async def _resolve(ground: Ground) -> Resolved:
    found = await ground.client.evse(ground.post.evse_id)
    views, now, changed = [await _evse(ground)], [ground.clock.now()], []
    for faults, status in ((Faults(out_of_order=True), "OUTOFORDER"), (NO_FAULTS, "AVAILABLE")):
        await ground.advance(1)
        changed.append(ground.clock.now())
        await ground.equipment.suffer(ground.post.evse_uid, faults)
        views.append(await _evse_when(ground, status))
        now.append(ground.clock.now())
    return Resolved(ground.post, found.evse_uid, tuple(views), tuple(now), tuple(changed))


async def _evse_when(ground: Ground, status: str) -> EvseView:
    return await ground.until(lambda: _evse(ground), lambda seen: seen.status == status)


async def _evse(ground: Ground) -> EvseView:
    site = await ground.client.site(ground.post.site)
    return next(one for one in site.evses if one.uid == ground.post.evse_uid)


def _check_resolved(seen: Resolved) -> Sequence[Finding]:
    first, *later = seen.views
    age = seen.now[0] - first.status_at
    statuses = [one.status for one in seen.views]
    return [
        Finding(
            expected=f"{seen.post.evse_id} leads to EVSE {seen.post.evse_uid}",
            actual=f"{seen.post.evse_id} leads to EVSE {seen.found}",
            holds=seen.found == seen.post.evse_uid,
        ),
        Finding(
            expected=f"a status not older than {STATUS_TIME_TO_LIVE.total_seconds() / 60:.0f} min",
            actual=f"{first.status}, {age.total_seconds() / 60:.0f} min old",
            holds=timedelta() <= age <= STATUS_TIME_TO_LIVE,
        ),
        Finding(
            expected="AVAILABLE, OUTOFORDER, AVAILABLE as the station says so",
            actual=", ".join(statuses),
            holds=statuses == ["AVAILABLE", "OUTOFORDER", "AVAILABLE"],
        ),
        Finding(
            expected=f"status dated {' and '.join(map(_clock, seen.changed))}, when the station said so",
            actual=f"status dated {' and '.join(_clock(one.status_at) for one in later)}",
            holds=[one.status_at for one in later] == list(seen.changed),
        ),
    ]


def _clock(moment: datetime) -> str:
    return f"{moment:%H:%M:%S}"


# -- UC2-2


@dataclass(frozen=True)
class Quoted:
    """The quote beside the tariff that it froze and the operator's tariff as the operator has it."""

    quote: QuoteView
    frozen: tuple[Tariff, ...]
    published: tuple[Tariff, ...]
    asked_at: datetime


async def _quote(ground: Ground) -> Quoted:
    for partner in ground.network.home.context.visited_csos():
        if partner.speaks_for(ground.post.site.party):
            await ground.network.home.synchronise(partner)
    request = QuoteRequest(
        site=ground.post.site,
        evse_uid=ground.post.evse_uid,
        connector_id=ground.post.connector_id,
        need=Need(amount=Decimal(_KWH)),
    )
    ground.quote = await ground.client.quote(request)
    frozen = ground.frozen_quote().tariffs
    return Quoted(ground.quote, frozen, ground.published_tariffs(one.id for one in frozen), ground.clock.now())


def _check_quote(seen: Quoted) -> Sequence[Finding]:
    quote = seen.quote
    lines = sum((one.amount for _, one in quote.lines), Decimal(0))
    likely, most = quote.likely.amount, quote.most.amount if quote.most else None
    return [
        Finding(
            expected="the operator's tariff frozen as the operator has it",
            actual=f"tariff {', '.join(one.id for one in seen.frozen)} "
            + ("as the operator has it" if seen.frozen == seen.published else "not as the operator has it"),
            holds=bool(seen.frozen) and seen.frozen == seen.published,
        ),
        Finding(
            expected="a likely price within its bound, and lines that sum to it",
            actual=f"likely {likely} {quote.likely.currency}, at most {most or 'unbounded'}, lines {lines}",
            holds=likely > 0 and (most is None or likely <= most) and abs(lines - likely) <= _CENT * len(quote.lines),
        ),
        Finding(
            expected="valid for a while",
            actual=f"valid for {(quote.valid_until - seen.asked_at).total_seconds() / 60:.0f} min",
            holds=quote.valid_until > seen.asked_at,
        ),
    ]


IDENTIFIED: Step[Ground, Identified] = Step(
    name="identify",
    use_case="5.6",
    what="The driver identifies with contract and PIN",
    sender=Actor.DRIVER,
    receiver=Actor.HOME_CSP,
    expected="identified; a wrong PIN is refused",
    perform=_identify,
    check=_check_identified,
)

STATUS_KNOWN: Step[Ground, Resolved] = Step(
    name="status",
    use_case="UC1-3",
    what="The EVSE is resolved, its status follows the station",
    sender=Actor.VISITED_CSO,
    receiver=Actor.HOME_CSP,
    expected="the EVSE is found, its status has an age, and a change at the station arrives",
    perform=_resolve,
    check=_check_resolved,
    wire=frozenset({"PATCH locations"}),
)

QUOTED: Step[Ground, Quoted] = Step(
    name="quote",
    use_case="UC2-2",
    what="The home-CSP asks for tariffs and quotes a price",
    sender=Actor.HOME_CSP,
    receiver=Actor.VISITED_CSO,
    expected="a quote under the operator's tariff as it stands, with its bounds and its end",
    perform=_quote,
    check=_check_quote,
    wire=frozenset({"GET tariffs"}),
)

QR: Scenario[Ground] = Scenario(
    name="qr",
    clause="A.1",
    title="Peer-to-peer roaming by QR code scanning",
    steps=(
        AUTHENTICATED,
        SITES_KNOWN,
        TARIFFS_KNOWN,
        Step(
            name="scan",
            use_case="A.1",
            what="The driver scans the post's QR code",
            sender=Actor.DRIVER,
            receiver=Actor.HOME_CSP,
            expected="the code is trusted and names the EVSE on the post; hostile stickers are refused",
            perform=_scan,
            check=_check_scan,
        ),
        IDENTIFIED,
        STATUS_KNOWN,
        QUOTED,
        *CHARGING,
        completed(StopReason.REMOTE),
        *BILLING,
    ),
)
