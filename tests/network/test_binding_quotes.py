"""Binding quotes over the real wire (UC2-2): asked, kept, honoured by start and SDR, refused, and done without."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from core.clock import FixedClock
from core.driver_client import DriverClient
from core.driver_messages import QuoteView
from core.endpoint.extensions import quotes
from core.endpoint.partner import Partner
from core.endpoint.partner_requests import TooOften
from core.endpoint.ports import CommandAnswer
from core.errors import NotFound, Refused, Unreachable
from core.home_csp.quoting import KeptQuote, load_quote
from core.model.operator_quotes import OperatorQuote, QuoteAsked
from core.model.pricing.forecast import ExpectedStay, PowerStep
from core.model.receipt import CheckVerdict
from core.model.services import PLAIN
from core.model.session import SessionState
from core.model.tariffs import Tariff
from core.network import Member, Network
from core.store.quotes import prune_quotes
from core.store.tables import sdr
from core.visited_cso.quotes import MOST_A_MINUTE
from core.visited_cso.tariffs import publish
from tests.network.charging import Charging, Post, agree, free_posts, in_state, visited_at
from tests.network.test_duplicates import start_command
from tests.networks import advance, heard_by, quote_at, until

pytestmark = pytest.mark.anyio


@pytest.fixture
async def post(network: Network, driver: DriverClient) -> Post:
    return (await free_posts(network, driver))[0]


def kept(network: Network, quote: QuoteView) -> KeptQuote:
    with network.home.context.store.read() as connection:
        found = load_quote(connection, network.home.context, quote.id)
    assert found is not None
    return found


async def raise_prices(member: Member, tariff: Tariff) -> None:
    """The operator publishes the tariff at twice its prices."""
    dearer = tuple(
        one.model_copy(
            update={"components": tuple(part.model_copy(update={"price": part.price * 2}) for part in one.components)}
        )
        for one in tariff.elements
    )
    later = tariff.last_updated + timedelta(days=400)
    await publish(member.platform.context, [tariff.model_copy(update={"elements": dearer, "last_updated": later})])
    await member.platform.endpoint.outbox.settled()


async def test_a_bound_operator_keeps_to_its_quote_when_it_raises_its_prices(
    network: Network, driver: DriverClient, post: Post
) -> None:
    quote = await quote_at(driver, post.site, post.evse_uid, kwh=5)
    assert quote.binding and quote.not_binding_because == ""
    mine = kept(network, quote)
    partner = visited_at(network, post.member)
    promised = post.member.platform.quoter.quoted(_home_at(post.member), mine.operator_quote_id or "")
    assert promised.tariffs == mine.tariffs and promised.hash
    # The operator prices the very stay that the driver was quoted: its part of the driver's price, unrounded.
    assert promised.total.before_taxes == sum(line.net for line in mine.expected_lines)

    await raise_prices(post.member, promised.tariffs[0])
    dearer = await quote_at(driver, post.site, post.evse_uid, kwh=5)
    assert dearer.likely.amount > quote.likely.amount
    events = driver.events(0)
    started = await driver.start(quote.id)
    await until(events, in_state(SessionState.AUTHORISED, id=started.id))
    await advance(network, minutes=3)
    await until(events, in_state(SessionState.ACTIVE, id=started.id))
    charging = Charging(network, driver, post, started.id, events)
    receipt = await charging.end()
    assert charging.visited.tariffs == promised.tariffs
    assert receipt.tariff_check.verdict is CheckVerdict.HOLDS
    with network.home.context.store.read() as connection:
        body = connection.execute(sdr.select()).one().body
    assert network.home.context.reader.sdr(body).quote_id == promised.id
    assert partner.id


def _home_at(member: Member) -> Partner:
    [partner] = member.platform.context.home_csps()
    return partner


def asked(post: Post, quote: OperatorQuote | None = None, **changed: object) -> QuoteAsked:
    start = post.member.platform.context.clock.now()
    stay = ExpectedStay(
        start=start,
        end=start + timedelta(hours=1),
        power=(PowerStep(after_s=0, power_kw=Decimal(10)),),
        energy_goal_kwh=Decimal(5),
    )
    connector = quote.asked.connector_id if quote else "1"
    values = {"site_id": post.site.id, "evse_uid": post.evse_uid, "connector_id": connector, "stay": stay}
    return QuoteAsked.model_validate(values | changed)


async def test_what_the_operator_refuses(network: Network, driver: DriverClient, post: Post) -> None:
    home, partner = network.home.context, visited_at(network, post.member)
    good = await quotes.ask(home.calls, partner, asked(post))
    with pytest.raises(NotFound):
        await quotes.ask(home.calls, partner, asked(post, evse_uid="NOBODYS"))
    with pytest.raises(NotFound):
        await quotes.ask(home.calls, partner, asked(post, site_id="NOWHERE"))
    stay = asked(post).stay
    for wrong in (
        stay.model_copy(update={"end": stay.start}),
        stay.model_copy(update={"energy_goal_kwh": Decimal(0)}),
        stay.model_copy(update={"start": stay.start + timedelta(days=3), "end": stay.end + timedelta(days=3)}),
    ):
        with pytest.raises(Refused):
            await quotes.ask(home.calls, partner, asked(post, stay=wrong))

    # A quote binds for its own connector, once, and as long as it holds.
    commands = post.member.platform.commands.start
    me, other = _home_at(post.member), (await free_posts(network, driver, 100))[-1]
    start = replace(start_command(network, post, "quoted"), quote_id=good.id)
    for refused, why in (
        (replace(start, response_url=start.response_url + "1", quote_id="none"), "unknown quote"),
        (replace(start, response_url=start.response_url + "2", connector_id="9"), "unknown connector"),
    ):
        reply, _ = await commands.accept(me, refused)
        assert reply.answer is CommandAnswer.REJECTED and why in (reply.message or "")
    stranger = me.model_copy(update={"id": "stranger"})
    assert (await commands.accept(stranger, start))[0].message == "unknown quote"
    assert other.evse_uid != post.evse_uid

    for _ in range(MOST_A_MINUTE):
        try:
            await quotes.ask(home.calls, partner, asked(post))
        except Unreachable as error:
            assert isinstance(error, TooOften)
            break
    else:
        pytest.fail("a partner may ask without end")
    degraded = await quote_at(driver, post.site, post.evse_uid)
    assert not degraded.binding and degraded.not_binding_because == "too_often"


async def test_an_expired_quote_starts_nothing_and_is_forgotten_unless_a_session_is_built_on_it(
    network: Network, driver: DriverClient, post: Post
) -> None:
    good = await quotes.ask(network.home.context.calls, visited_at(network, post.member), asked(post))
    await advance(network, minutes=16)
    reply, _ = await post.member.platform.commands.start.accept(
        _home_at(post.member), replace(start_command(network, post, "late"), quote_id=good.id)
    )
    assert (reply.answer, reply.message) == (CommandAnswer.REJECTED, "the quote has expired")

    taken = await quote_at(driver, post.site, post.evse_uid, kwh=5)
    started = await driver.start(taken.id)
    await heard_by(driver, in_state(SessionState.AUTHORISED, id=started.id))
    home, visited = network.home.context, post.member.platform.context
    [of_the_session] = [kept(network, taken).operator_quote_id]
    soon, later = FixedClock(visited.clock.now()), FixedClock(visited.clock.now() + timedelta(days=2))
    assert await prune_quotes(visited.store, visited.party, soon) == 0
    assert await prune_quotes(visited.store, visited.party, later) == 1
    assert await prune_quotes(home.store, home.party, later) == 0
    assert post.member.platform.quoter.quoted(_home_at(post.member), of_the_session or "").tariffs
    with pytest.raises(NotFound):
        post.member.platform.quoter.quoted(_home_at(post.member), good.id)


async def test_with_a_plain_partner_the_price_is_an_estimate_and_said_to_be_one(
    network: Network, driver: DriverClient, post: Post
) -> None:
    home = network.home.context
    await agree(network, post.member, PLAIN)
    quote = await quote_at(driver, post.site, post.evse_uid, kwh=5)
    assert not quote.binding and quote.not_binding_because == "not_agreed"
    assert kept(network, quote).operator_quote_id is None
    partner = visited_at(network, post.member)
    with pytest.raises(Refused) as refused:
        await quotes.ask(home.calls, partner, asked(post))
    assert refused.value.code == "not_agreed"
    url = partner.endpoint(quotes.MODULE, "SENDER")
    assert url is not None
    with pytest.raises(Refused) as closed:
        await home.calls._send(partner, "POST", url, quotes.REQUEST.write(asked(post)))
    assert "HTTP 403" in closed.value.message or closed.value.code == "not_authorised"
    events = driver.events(0)
    started = await driver.start(quote.id)
    await until(events, in_state(SessionState.AUTHORISED, id=started.id))
