"""Who is let in: logins, PINs and their lock, and what one driver may see of another."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from core.clock import FixedClock
from core.driver_client import DriverClient
from core.driver_messages import CardIdentification, Need, PinIdentification, QuoteRequest
from core.errors import EvroamError, NotAllowed, NotFound
from core.home_csp.contracts import add_contract, block_contract
from core.model.parties import Party
from core.network import Network
from core.store.sessions import load_open, load_open_at
from core.store.tables import contract, driver_login
from tests.network.charging import charge, free_posts
from tests.networks import advance

pytestmark = pytest.mark.anyio

UNKNOWN = "NL-EVR-C99999999"


async def refusals(client: DriverClient, contract_id: str, pins: list[str]) -> list[tuple[str, str, str]]:
    """What the client reads for each PIN."""
    told = []
    for pin in pins:
        with pytest.raises(NotAllowed) as refused:
            await client.identify(PinIdentification(contract_id=contract_id, pin=pin))
        told.append((refused.value.code, refused.value.message, refused.value.next_step))
    return told


async def test_five_wrong_pins_lock_a_contract_and_tell_nothing_of_which_contracts_exist(
    network: Network, client: DriverClient
) -> None:
    demo = network.demo.driver
    wrong = ["0000"] * 6
    real = await refusals(client, demo.contract, wrong)
    assert [code for code, _, _ in real] == ["identification_refused"] * 5 + ["pin_locked"]
    assert await refusals(client, UNKNOWN, wrong) == real
    await advance(network, minutes=20)  # of the demo's clock, which a fast demo runs through in seconds
    assert (await refusals(client, demo.contract, [demo.pin]))[0][0] == "pin_locked"
    assert (await client.identify(CardIdentification(card_uid=demo.cards[0]))).method == "card"


async def test_a_right_pin_forgets_the_failures_before(network: Network, client: DriverClient) -> None:
    demo = network.demo.driver
    for _ in range(2):
        await refusals(client, demo.contract, ["1111"] * 4)
        await client.identify(PinIdentification(contract_id=demo.contract.replace("-", ""), pin=demo.pin))


async def test_neither_logins_nor_pins_are_kept_as_they_are(network: Network, driver: DriverClient) -> None:
    assert driver.login is not None
    with network.home.context.store.read() as connection:
        kept = [str(row) for table in (driver_login, contract) for row in connection.execute(select(table))]
    assert kept
    assert not any(driver.login.token in text or network.demo.driver.pin in text.split("'") for text in kept)


async def test_a_driver_sees_nothing_of_another(network: Network, driver: DriverClient) -> None:
    charging = await charge(network, driver, (await free_posts(network, driver))[0])
    await add_contract(network.home.context, "NL-EVR-C00000002", pin="1357")
    stranger = DriverClient(network.driver_url, network.driver_tls)
    try:
        await stranger.identify(PinIdentification(contract_id="NL-EVR-C00000002", pin="1357"))
        assert await stranger.sessions() == ()
        assert (await stranger.receipts()).receipts == ()
        for asked in (stranger.session, stranger.stop):
            with pytest.raises(NotFound):
                await asked(charging.id)
        assert charging.home.stop_requested_at is None
        stranger.forget()
        for unnamed in (stranger.sessions, stranger.receipts):
            with pytest.raises(EvroamError) as refused:
                await unnamed()
            assert refused.value.code == "not_identified"
    finally:
        await stranger.close()


async def test_a_blocked_contract_starts_nothing_and_one_that_has_ended_lets_nobody_in(
    network: Network, driver: DriverClient
) -> None:
    post = (await free_posts(network, driver))[0]
    connector = (await driver.site(post.site)).evses[0].connectors[0]
    request = QuoteRequest(
        site=post.site, evse_uid=post.evse_uid, connector_id=connector.id, need=Need(amount=Decimal(5))
    )
    quote = await driver.quote(request)
    await block_contract(network.home.context, network.demo.driver.contract)
    with pytest.raises(EvroamError) as refused:
        await driver.start(quote.id)
    assert refused.value.code == "contract_blocked"
    with network.home.context.store.read() as connection:
        assert load_open(connection, network.home.context.party) == []

    clock, card = network.clock, CardIdentification(card_uid="04AABBCCDDEE80")
    assert isinstance(clock, FixedClock)
    until = clock.now() + timedelta(hours=1)
    await add_contract(network.home.context, "NL-EVR-C00000003", cards=(card.card_uid,), valid_until=until)
    await driver.identify(card)
    clock.advance(3600)
    with pytest.raises(NotAllowed):
        await driver.identify(card)


async def test_a_post_is_in_use_at_its_own_operator_only(network: Network, driver: DriverClient) -> None:
    """Two operators may give their EVSEs the same uid."""
    charging = await charge(network, driver, (await free_posts(network, driver))[0])
    home = network.home.context
    with home.store.read() as connection:
        at = [
            len(load_open_at(connection, home.party, charging.post.evse_uid, Party.parse(party)))
            for party in ("DE*KPF", "CH*ALP")
        ]
    assert sorted(at) == [0, 1]
