"""UC3-1, UC4-1 and UC4-2: a card at the post, asked about online or known from the list."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy import select

from core.endpoint.ports import AuthorisationRequest, AuthorisationVerdict, Held
from core.home_csp.contracts import ContractStatus, add_contract, block_contract
from core.model.authorisation import LocalOutcome
from core.model.credentials import Credential, CredentialKind, WhitelistPolicy
from core.model.session import ServiceSession, SessionState
from core.network import Member
from core.store.sessions import load_open_at
from core.store.tables import credential as credential_table
from core.walks.conformance.bench import Bench, Post
from core.walks.conformance.check import Check, refused, same
from core.walks.conformance.information import FOREIGN
from core.walks.scenario import Finding

UNKNOWN_CARD = "04EEEEEEEEEEEE"


async def _shown(bench: Bench, post: Post, card: str) -> str:
    """A card held to a post; another moment than before, as the same moment is the same tap."""
    await bench.advance(seconds=1)
    return (await post.equipment.tap(post.evse_uid, card)).verdict


def _running(post: Post) -> ServiceSession | None:
    context = post.member.platform.context
    with context.store.read() as connection:
        kept = load_open_at(connection, context.party, post.evse_uid)
    return kept[0].session if kept else None


async def _locally(bench: Bench) -> Sequence[Finding]:
    """A card of the list starts and stops; the driver sees the session and gets a receipt."""
    post, contract = await bench.post(), bench.network.demo.driver
    [card] = contract.cards
    known = {one.id for one in await bench.driver.sessions()}
    started = await _shown(bench, post, card)
    await bench.plug_in(post)
    await bench.advance(minutes=3)
    views = await bench.until(
        bench.driver.sessions,
        lambda seen: any(
            one.id not in known and one.state is SessionState.ACTIVE and one.energy_kwh > 0 for one in seen
        ),
    )
    new = [one for one in views if one.id not in known]
    visited = bench.at_visited(post, new[0].id) if new else None
    other = await _shown(bench, post, UNKNOWN_CARD)
    stopped = await _shown(bench, post, card)
    await bench.advance(minutes=1)
    await post.equipment.unplug(post.evse_uid)
    view = await bench.receipted(new[0].id) if new else None
    return [
        same("the card", "started", started),
        same("sessions that the driver sees", 1, len(new)),
        same("credential at the visited-CSO", CredentialKind.RFID, visited and visited.credential_kind),
        same("another card at the same post", "other_credential", other),
        same("the card again", "stopped", stopped),
        same("the session at last", SessionState.RECONCILED, view and view.state),
    ]


async def _not_locally(bench: Bench) -> Sequence[Finding]:
    post = await bench.post()
    findings = [
        same("an unknown card", LocalOutcome.UNKNOWN, await _shown(bench, post, UNKNOWN_CARD)),
        same("no card at all", LocalOutcome.UNREADABLE, await _shown(bench, post, "not a card")),
    ]
    return [*findings, same("session at the post", None, _running(post))]


async def _online(bench: Bench) -> Sequence[Finding]:
    """A card that no list may decide on: the home-CSP is asked, its reference stands in the session at both ends."""
    post, (contract, card) = await bench.post(), bench.new_contract()
    await add_contract(bench.network.home.context, contract, cards=(card,), whitelist=WhitelistPolicy.NEVER)
    await bench.settled()
    shown = await _shown(bench, post, card)
    await bench.settled()
    running = _running(post)
    home = [one for one in bench.open_at_home() if running and one.visited_session_id == running.id]
    stopped = await _shown(bench, post, card)
    return [
        same("the card", "started", shown),
        same("sessions of it at the home-CSP", 1, len(home)),
        same(
            "authorization reference at both ends",
            running and running.authorization_reference,
            home[0].authorization_reference if home else None,
        ),
        same("there is one", True, bool(running and running.authorization_reference)),
        same("the card again", "stopped", stopped),
    ]


async def _not_online(bench: Bench) -> Sequence[Finding]:
    """Each reason of the home-CSP reaches the post; a credential that it does not know is unknown."""
    post, (contract, card) = await bench.post(), bench.new_contract()
    home = bench.network.home.context
    await add_contract(home, contract, cards=(card,), whitelist=WhitelistPolicy.NEVER)
    await bench.settled()
    findings = []
    for status in (ContractStatus.BLOCKED, ContractStatus.NO_CREDIT, ContractStatus.EXPIRED):
        await bench.advance(seconds=1)
        await block_contract(home, contract, status)
        findings.append(same(f"a card whose contract is {status.value}", status.value, await _shown(bench, post, card)))
    calls, partner = post.member.platform.context.calls, bench.home_at(post.member)
    asked = AuthorisationRequest(uid=UNKNOWN_CARD, kind=CredentialKind.RFID)
    findings.append(await refused("an unknown credential", calls.authorise(partner, asked), "partner_does_not_know"))
    told = await calls.authorise(partner, AuthorisationRequest(uid=card, kind=CredentialKind.RFID))
    findings.append(same("the answer on the wire", AuthorisationVerdict.EXPIRED, told.verdict))
    return [*findings, same("session at the post", None, _running(post))]


def _listed(member: Member, uid: str) -> Credential | None:
    context, columns = member.platform.context, credential_table.c
    with context.store.read() as connection:
        body = connection.execute(select(columns.body).where(columns.uid == uid)).scalar_one_or_none()
    return None if body is None else context.reader.credential(body)


async def _distributed(bench: Bench) -> Sequence[Finding]:
    """A new card is on every operator's list, and its revocation as soon as it is said."""
    contract, card = bench.new_contract()
    home = bench.network.home.context
    await add_contract(home, contract, cards=(card,))
    await bench.settled()
    before = [(one := _listed(member, card)) and one.valid for member in bench.network.members]
    await bench.advance(seconds=1)
    await block_contract(home, contract)
    await bench.settled()
    after = [(one := _listed(member, card)) and one.valid for member in bench.network.members]
    post = await bench.post()
    return [
        same("valid on the operators' lists", [True] * len(before), before),
        same("valid after it is revoked", [False] * len(after), after),
        same("the revoked card", LocalOutcome.BLOCKED, await _shown(bench, post, card)),
    ]


@contextmanager
def _home_silent(member: Member) -> Iterator[None]:
    """The operator waits for no answer of a home-CSP."""
    asking = member.platform.local_start.identification
    before, asking.within = asking.within, timedelta()
    try:
        yield
    finally:
        asking.within = before


async def _offline(bench: Bench) -> Sequence[Finding]:
    post, home = await bench.post(), bench.network.home.context
    (one, listed), (other, asked) = bench.new_contract(), bench.new_contract()
    await add_contract(home, one, cards=(listed,), whitelist=WhitelistPolicy.ALLOWED_OFFLINE)
    await add_contract(home, other, cards=(asked,), whitelist=WhitelistPolicy.NEVER)
    await bench.settled()
    with _home_silent(post.member):
        never = await _shown(bench, post, asked)
        allowed = await _shown(bench, post, listed)
    running = _running(post)
    stopped = await _shown(bench, post, listed)
    return [
        same("a card that has to be asked about", LocalOutcome.NO_ANSWER, never),
        same("a card that the list lets charge offline", LocalOutcome.STARTED, allowed),
        same("decided offline", True, running and running.offline_authorised),
        same("the card again", LocalOutcome.STOPPED, stopped),
    ]


async def _foreign(bench: Bench) -> Sequence[Finding]:
    member, context = bench.network.members[0], bench.network.home.context
    foreign = bench.credential().model_copy(update={**FOREIGN, "uid": "SOMEBODYS", "contract_id": "FRZZZC00000001"})
    held = Held(foreign, context.writer.credential(foreign))
    return [
        await refused("a credential of another party", context.calls.put_credential(bench.visited(member), held)),
        same("on the operator's list", None, _listed(member, "SOMEBODYS")),
    ]


_ASKED = frozenset({"POST authorize"})

LOCAL_START = (
    Check(
        "UC3-1",
        "card",
        "a card starts and stops at the post, its driver sees it and is billed",
        _locally,
        frozenset({"PUT sessions", "POST cdrs"}),
    ),
    Check("UC3-1", "card_refused", "refused: unknown and unreadable cards; no session", _not_locally),
)
"""UC3-1."""

IDENTIFICATION = (
    Check("UC4-1", "asked", "the home-CSP is asked, its reference stands in the session at both ends", _online, _ASKED),
    Check(
        "UC4-1",
        "asked_refused",
        "refused: blocked, no credit, expired, unknown, each by its reason",
        _not_online,
        _ASKED,
    ),
    Check(
        "UC4-2",
        "distributed",
        "a card is on every operator's list, and its revocation",
        _distributed,
        frozenset({"PUT tokens"}),
    ),
    Check("UC4-2", "offline", "without an answer the list decides, and only where it may", _offline),
    Check("UC4-2", "foreign_credential", "refused: a credential of another party", _foreign, frozenset({"PUT tokens"})),
)
"""UC4-1 and UC4-2."""
