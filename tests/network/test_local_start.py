"""Start and stop at the station (UC3-1) by card, identified online (UC4-1) or by list (UC4-2), over the real wire."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from core.driver_client import DriverClient
from core.endpoint.ports import AuthorisationRequest, AuthorisationVerdict
from core.home_csp import authorising
from core.home_csp.contracts import ContractStatus, add_contract, block_contract
from core.model.authorisation import LocalOutcome
from core.model.credentials import CredentialKind, WhitelistPolicy
from core.model.parties import Party
from core.model.session import ServiceSession, SessionState
from core.network import Network
from core.simulation.faults import Faults
from core.store.engine import Store
from core.store.identification_tables import authorisation
from core.store.sessions import load_open
from core.store.tables import credential
from core.visited_cso.grant import Presented
from core.visited_cso.identification import Place
from tests.network.charging import Post, agree, count_sessions, free_posts, home_at, in_state
from tests.networks import advance, until

pytestmark = pytest.mark.anyio

ASKED, LISTED, OFFLINE, OTHER = "04A1A1A1A1A1A1", "04B2B2B2B2B2B2", "04C3C3C3C3C3C3", "04D4D4D4D4D4D4"
CONTRACT, ANOTHER = "NL-EVR-C00000011", "NL-EVR-C00000022"


async def listed(post: Post) -> None:
    """The operator has the list as it stands."""
    await post.member.platform.endpoint.synchronisation.pull(home_at(post.member))


async def shown(post: Post, card: str) -> tuple[str, bool]:
    answer = await post.member.equipment.tap(post.evse_uid, card)
    return answer.verdict, answer.accepted


async def test_a_card_starts_and_stops_a_session_that_its_driver_sees(network: Network, driver: DriverClient) -> None:
    [post], [card] = await free_posts(network, driver), network.demo.driver.cards
    events = driver.events(0)
    await listed(post)

    assert await shown(post, card) == ("started", True)
    seen = (await until(events, in_state(SessionState.AUTHORISED))).session
    assert seen is not None
    assert (seen.operator, seen.rungs[0].name) == (post.member.operator.name, "card")
    assert seen.site_name != post.site.id
    await advance(network, minutes=5)
    charging = (await until(events, lambda event: bool(event.session and event.session.energy_kwh > 0))).session
    assert charging is not None and charging.cost is not None  # by the tariff of the start, without a quote
    assert await shown(post, OTHER) == ("other_credential", False)
    assert await shown(post, card) == ("stopped", True)
    await advance(network, minutes=20)
    receipt = (await until(events, lambda event: event.receipt is not None)).receipt
    assert receipt is not None
    assert (receipt.identification, receipt.quote_check.code) == ("WHITELIST", "started_at_post")
    assert (await driver.session(seen.id)).state is SessionState.RECONCILED


async def test_a_card_is_asked_about_and_refused_with_the_reason(
    network: Network, driver: DriverClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    [post], home = await free_posts(network, driver), network.home.context
    await add_contract(home, CONTRACT, cards=(ASKED,), whitelist=WhitelistPolicy.NEVER)
    await listed(post)
    assert await shown(post, "04EEEEEEEEEEEE") == ("unknown", False)
    assert await shown(post, "not a card") == ("unreadable", False)

    for why in (ContractStatus.BLOCKED, ContractStatus.NO_CREDIT, ContractStatus.EXPIRED):
        network.clock.moment += timedelta(seconds=1)  # type: ignore[attr-defined]  # the fixture's fixed clock
        await block_contract(home, CONTRACT, why)
        assert await shown(post, ASKED) == (why.value, False)
    read_earlier = home_at(post.member).model_copy(update={"last_seen_at": None})  # it was heard of since
    asking = post.member.platform.local_start.identification
    answer = await asking.ask_one(read_earlier, Presented(ASKED), Place(post.site.id, post.evse_uid))
    assert answer is LocalOutcome.EXPIRED

    network.clock.moment += timedelta(seconds=1)  # type: ignore[attr-defined]
    await add_contract(home, CONTRACT, cards=(ASKED, OTHER), whitelist=WhitelistPolicy.NEVER)
    assert await shown(post, ASKED) == ("started", True)
    await post.member.platform.endpoint.outbox.settled()
    [kept] = _open(network)
    with home.store.read() as connection:
        grant = connection.execute(select(authorisation.c.id, authorisation.c.session_id)).one()
    assert grant == (kept.authorization_reference, kept.id)  # the session carries the reference of the grant
    place = AuthorisationRequest(OTHER, CredentialKind.RFID, post.site.id, (post.evse_uid,))
    for most, verdict in ((1, AuthorisationVerdict.NOT_ALLOWED), (2, AuthorisationVerdict.ALLOWED)):
        monkeypatch.setattr(authorising, "OPEN_SESSIONS", most)
        # That the post is in use is nothing to the home-CSP; that the contract is, may be (OCPI, tokens).
        assert (await post.member.platform.context.calls.authorise(home_at(post.member), place)).verdict is verdict
    assert await shown(post, OTHER) == ("stopped", True)  # another card of the contract is of its group
    kinds = select(credential.c.kind, credential.c.whitelist).distinct().where(credential.c.contract_id == CONTRACT)
    with post.member.platform.context.store.read() as connection:
        assert ("APP_USER", "NEVER") in {tuple(row) for row in connection.execute(kinds)}


async def test_the_list_decides_while_the_home_platform_is_away(network: Network, driver: DriverClient) -> None:
    posts, home = await free_posts(network, driver, count=2), network.home.context
    await add_contract(home, CONTRACT, cards=(OFFLINE,), whitelist=WhitelistPolicy.ALLOWED_OFFLINE)
    await add_contract(home, ANOTHER, cards=(ASKED,), whitelist=WhitelistPolicy.NEVER)
    post = posts[0]
    await listed(post)
    local = post.member.platform.local_start.identification
    assert local.within == timedelta(seconds=5)
    local.within = timedelta()  # nobody can answer in no time

    assert await shown(post, ASKED) == ("no_answer", False)
    assert await shown(post, OFFLINE) == ("started", True)
    [kept] = load(post)
    assert (kept.identification, kept.offline_authorised) == ("WHITELIST", True)
    other = posts[1]
    assert other.member is post.member
    assert await shown(other, OFFLINE) == ("too_many_sessions", False)


async def test_a_revoked_card_is_refused_by_the_list_and_an_unused_start_ends_without_a_fee(
    network: Network, driver: DriverClient
) -> None:
    [post], home = await free_posts(network, driver), network.home.context
    await add_contract(home, CONTRACT, cards=(LISTED,))
    await listed(post)
    await post.member.equipment.suffer(post.evse_uid, Faults(cable_not_seen=True))
    assert await shown(post, LISTED) == ("started", True)
    await advance(network, minutes=2)
    await post.member.platform.endpoint.outbox.settled()
    assert _open(network) == [] and load(post) == []

    await block_contract(home, CONTRACT)
    await network.home.endpoint.outbox.settled()  # pushed at once, not pulled
    assert await shown(post, LISTED) == ("blocked", False)
    assert count_sessions(post.member.platform.context.store) == 1

    network.clock.moment += timedelta(seconds=1)  # type: ignore[attr-defined]  # else it is the same tap again
    await agree(network, post.member, frozenset())
    assert await shown(post, LISTED) == ("unknown", False)


async def test_the_demo_cards_do_as_their_table_says(network: Network, driver: DriverClient) -> None:
    [post], cards = await free_posts(network, driver), network.demo
    await listed(post)
    answered = {"online": "started", "offline": "started", "revoked": "blocked", "expired": "expired"}
    silent = {"online": "no_answer", "offline": "started", "revoked": "blocked", "expired": "no_answer"}
    own = network.demo.driver.cards[0]
    for expected in (answered, silent):
        for card, verdict in {
            **{cards.card(name).uid: what for name, what in expected.items()},
            own: "started",
        }.items():
            network.clock.moment += timedelta(seconds=1)  # type: ignore[attr-defined]
            assert await shown(post, card) == (verdict, verdict == "started")
            if verdict == "started":
                await advance(network, minutes=3)
                assert await shown(post, card) == ("stopped", True)
                await advance(network, minutes=20)
        post.member.platform.local_start.identification.within = timedelta()


def load(post: Post) -> list[ServiceSession]:
    """The operator's open sessions."""
    return _open_at(post.member.platform.context.store, post.member.platform.context.party)


def _open(network: Network) -> list[ServiceSession]:
    """The home platform's open sessions."""
    return _open_at(network.home.context.store, network.home.context.party)


def _open_at(store: Store, party: Party) -> list[ServiceSession]:
    with store.read() as connection:
        return [one.session for one in load_open(connection, party)]
