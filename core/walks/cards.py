"""The steps with cards that are pre-distributed, unknown, revoked, or decided by the list (Annex A.3; UC4-1, UC4-2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from core.home_csp.contracts import add_contract, block_contract
from core.model.credentials import IdentificationMethod, WhitelistPolicy
from core.model.session import ServiceSession
from core.network import Member
from core.simulation.display import Shown
from core.store.sessions import load_open
from core.store.tables import credential
from core.walks.charging import SESSIONS
from core.walks.disturbance import TREATMENTS, Disturbance
from core.walks.ground import Ground, Post
from core.walks.qr import free_posts
from core.walks.scenario import Actor, Finding, Step

_UNKNOWN_CARD = "04EEEEEEEEEEEE"
BETWEEN_TAPS = timedelta(seconds=5)
ASKED = frozenset({"POST tokens"})
_LISTED = frozenset({"PUT tokens"})


@dataclass(frozen=True)
class WalkedCard:
    """A card of this walk, on a contract of its own."""

    contract: str
    uid: str
    whitelist: WhitelistPolicy


OFFLINE_CARD = WalkedCard("NL-EVR-C00000011", "04C3C3C3C3C3C3", WhitelistPolicy.ALLOWED_OFFLINE)
_REVOKED = WalkedCard("NL-EVR-C00000022", "04B2B2B2B2B2B2", WhitelistPolicy.ALLOWED)


def own_card(ground: Ground) -> WalkedCard:
    """The driver's card: always asked about."""
    driver = ground.network.demo.driver
    return WalkedCard(driver.contract, driver.cards[0], WhitelistPolicy.NEVER)


async def tap(ground: Ground, post: Post, card: str) -> Shown:
    """Hold a card to a post; what it shows. The clock moves on, for the same card at the same moment is one tap."""
    ground.clock.moment += BETWEEN_TAPS
    return await ground.member_at(post).equipment.tap(post.evse_uid, card)


def _open_at(member: Member, post: Post) -> ServiceSession | None:
    """The operator's open session at a post."""
    context = member.platform.context
    with context.store.read() as connection:
        kept = load_open(connection, context.party)
    return next((one.session for one in kept if one.session.evse_uid == post.evse_uid), None)


def shown_word(shown: Shown, verdict: str, *, accepted: bool) -> Finding:
    """Whether the post shows this word, with a green light or a red one."""
    return Finding(
        expected=f"the post shows “{verdict}”",
        actual=f"the post shows “{shown.verdict}”",
        holds=(shown.verdict, shown.accepted) == (verdict, accepted),
    )


def _none_open(session: ServiceSession | None) -> Finding:
    return Finding(
        expected="no session is opened",
        actual="no session is opened" if session is None else f"a session is {session.state}",
        holds=session is None,
    )


# -- UC4-2: pre-distributed


@dataclass(frozen=True)
class Distributed:
    """How each card stands at each operator: valid, and what its list may decide; None where it is not there."""

    wanted: tuple[tuple[bool, str], ...]
    lists: tuple[tuple[str, tuple[tuple[bool, str] | None, ...]], ...]


async def _distribute(ground: Ground) -> Distributed:
    posts = await free_posts(ground)
    ground.post = posts[ground.seed % len(posts)]
    home, driver = ground.network.home.context, ground.network.demo.driver
    cards = (own_card(ground), OFFLINE_CARD, _REVOKED)
    for card in cards:
        name = driver.name if card.contract == driver.contract else ""
        await add_contract(home, card.contract, driver_name=name, cards=(card.uid,), whitelist=card.whitelist)
    wanted = tuple((True, str(card.whitelist)) for card in cards)

    async def look() -> Distributed:
        return Distributed(
            wanted,
            tuple(
                (one.operator.name, tuple(_listed(one, card.uid) for card in cards)) for one in ground.network.members
            ),
        )

    return await ground.until(look, lambda seen: all(found == wanted for _, found in seen.lists))


def _listed(member: Member, uid: str) -> tuple[bool, str] | None:
    columns = credential.c
    with member.platform.context.store.read() as connection:
        row = connection.execute(select(columns.valid, columns.whitelist).where(columns.uid == uid)).first()
    return None if row is None else (bool(row.valid), str(row.whitelist))


def _check_distributed(seen: Distributed) -> Sequence[Finding]:
    return [
        Finding(
            expected="each card on the operator's list, valid, with what the list may decide: "
            + ", ".join(word for _, word in seen.wanted),
            actual=f"{operator}: " + ", ".join(_word(one) for one in found),
            holds=found == seen.wanted,
        )
        for operator, found in seen.lists
    ]


def _word(listed: tuple[bool, str] | None) -> str:
    return "missing" if listed is None else listed[1] if listed[0] else "revoked"


# -- UC4-1: unknown; UC4-2: revoked


@dataclass(frozen=True)
class Refused:
    """What the post showed, and whether the operator opened a session all the same. listed: how the card stands."""

    shown: Shown
    session: ServiceSession | None
    listed: str = ""


async def _tap_unknown(ground: Ground) -> Refused:
    shown = await tap(ground, ground.post, _UNKNOWN_CARD)
    return Refused(shown, _open_at(ground.member, ground.post))


def _check_unknown(seen: Refused) -> Sequence[Finding]:
    return [shown_word(seen.shown, "unknown", accepted=False), _none_open(seen.session)]


async def _tap_revoked(ground: Ground) -> Refused:
    ground.clock.moment += BETWEEN_TAPS
    await block_contract(ground.network.home.context, _REVOKED.contract)

    async def look() -> str:
        return _word(_listed(ground.member, _REVOKED.uid))

    listed = await ground.until(look, lambda word: word == "revoked")
    shown = await tap(ground, ground.post, _REVOKED.uid)
    return Refused(shown, _open_at(ground.member, ground.post), listed)


def _check_revoked(seen: Refused) -> Sequence[Finding]:
    return [
        Finding(
            expected="the revocation has reached the operator's list",
            actual=f"on the operator's list the card is {seen.listed}",
            holds=seen.listed == "revoked",
        ),
        shown_word(seen.shown, "blocked", accepted=False),
        _none_open(seen.session),
    ]


# -- UC4-2: the list decides


@dataclass(frozen=True)
class Offline:
    """Two cards while the home-CSP does not answer; session: what the listed one began.

    known: whether the home-CSP has it once it is back.
    """

    asked: Shown
    listed: Shown
    session: ServiceSession | None
    known: bool
    stopped: Shown


async def _tap_offline(ground: Ground) -> Offline:
    endpoint = ground.network.home.endpoint
    away = Disturbance(endpoint, ASKED | SESSIONS, TREATMENTS["5xx"])
    away.begin()
    try:
        asked = await tap(ground, ground.post, own_card(ground).uid)
        listed = await tap(ground, ground.post, OFFLINE_CARD.uid)
        session = _open_at(ground.member, ground.post)
    finally:
        away.lift()
    ground.clock.moment += BETWEEN_TAPS
    ground.member.platform.endpoint.outbox.wake()

    async def look() -> bool:
        context = ground.network.home.context
        with context.store.read() as connection:
            kept = load_open(connection, context.party)
        return session is not None and any(one.session.visited_session_id == session.id for one in kept)

    known = await ground.until(look, bool)
    stopped = await tap(ground, ground.post, OFFLINE_CARD.uid)
    await ground.until(lambda: _freed(ground), bool)
    return Offline(asked, listed, session, known, stopped)


async def _freed(ground: Ground) -> bool:
    evse = await ground.client.evse(ground.post.evse_id)
    view = next(one for one in evse.site.evses if one.uid == evse.evse_uid)
    return view.startable and _open_at(ground.member, ground.post) is None


def _check_offline(seen: Offline) -> Sequence[Finding]:
    session = seen.session
    return [
        shown_word(seen.asked, "no_answer", accepted=False),
        shown_word(seen.listed, "started", accepted=True),
        Finding(
            expected=f"the session says {IdentificationMethod.WHITELIST}, decided without the home-CSP",
            actual=f"{session.identification}, offline {session.offline_authorised}" if session else "no session",
            holds=session is not None
            and session.identification == IdentificationMethod.WHITELIST
            and session.offline_authorised,
        ),
        Finding(
            expected="the home-CSP hears of it once it is back",
            actual="the home-CSP knows it" if seen.known else "the home-CSP does not know it",
            holds=seen.known,
        ),
        shown_word(seen.stopped, "stopped", accepted=True),
    ]


CARDS = (
    Step(
        name="cards",
        use_case="UC4-2",
        what="Cards are pre-distributed",
        sender=Actor.HOME_CSP,
        receiver=Actor.VISITED_CSO,
        expected="each card on every operator's list, with what the list may decide",
        perform=_distribute,
        check=_check_distributed,
        wire=_LISTED,
    ),
    Step(
        name="unknown",
        use_case="UC4-1",
        what="An unknown card is held to the post",
        sender=Actor.VISITED_CSO,
        receiver=Actor.HOME_CSP,
        expected="the home-CSP is asked and does not know it; nothing starts",
        perform=_tap_unknown,
        check=_check_unknown,
        wire=ASKED,
        at_post=True,
    ),
    Step(
        name="revoked",
        use_case="UC4-2",
        what="A card is revoked and held to the post",
        sender=Actor.HOME_CSP,
        receiver=Actor.VISITED_CSO,
        expected="the revocation reaches the list, which refuses the card",
        perform=_tap_revoked,
        check=_check_revoked,
        wire=_LISTED,
        at_post=True,
    ),
    Step(
        name="offline",
        use_case="UC4-2",
        what="The home-CSP does not answer; the list decides",
        sender=Actor.VISITED_CSO,
        receiver=Actor.HOME_CSP,
        expected="a card that must be asked about is refused, a listed one starts, and the home-CSP hears of it",
        perform=_tap_offline,
        check=_check_offline,
        wire=ASKED | SESSIONS,
        at_post=True,
    ),
)
"""In the order in which they happen."""
