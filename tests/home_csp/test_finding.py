"""Who finds which sites: private ones, favourites, a cap on the price, text with other filters."""

from decimal import Decimal

import pytest

from core.driver_client import DriverClient
from core.driver_messages import CardIdentification, Money, Need, NeedKind, QuoteRequest, SiteQuery, SiteSummary
from core.errors import NotFound
from core.home_csp.contracts import add_contract
from core.home_csp.evse_look_up import differs_by_one
from core.model.parties import ObjectKey
from core.network import Network
from tests.networks import sites_near

pytestmark = pytest.mark.anyio

DEPOT = ObjectKey(country_code="DE", party_id="KPF", id="KPF-MA-BETRIEBSHOF")
OTHERS_CARD = "04FFEEDDCCBB80"


async def found(client: DriverClient, network: Network, **filters: object) -> dict[str, SiteSummary]:
    return {one.key.id: one for one in await sites_near(client, network, **filters)}


async def test_a_private_site_is_found_by_whose_card_it_names_and_by_nobody_else(
    network: Network, client: DriverClient
) -> None:
    """The site names card 04A2B3C4D5E680; the app acts with another credential of the same contract."""
    await client.identify(CardIdentification(card_uid="04A2B3C4D5E680"))
    assert DEPOT.id in await found(client, network)
    assert DEPOT.id in await found(client, network, text="betriebshof")
    evse = (await client.site(DEPOT)).evses[0]
    assert (await client.evse(evse.evse_id)).evse_uid == evse.uid
    request = QuoteRequest(site=DEPOT, evse_uid=evse.uid, connector_id=evse.connectors[0].id)
    assert (await client.quote(request)).evse_uid == evse.uid

    await add_contract(network.home.context, "NL-EVR-C00000002", cards=(OTHERS_CARD,))
    client.forget()
    for card in (None, OTHERS_CARD):
        if card is not None:
            await client.identify(CardIdentification(card_uid=card))
        assert DEPOT.id not in await found(client, network)
        assert DEPOT.id not in await found(client, network, text="betriebshof")
        with pytest.raises(NotFound):
            await client.site(DEPOT)
        with pytest.raises(NotFound) as unknown:
            await client.evse(evse.evse_id)
        assert evse.evse_id not in unknown.value.next_step
        with pytest.raises(NotFound):
            await client.quote(request)


async def test_favourites_are_found_however_far_away_they_are(network: Network, driver: DriverClient) -> None:
    everything = await sites_near(driver, network)
    farthest = everything[-1]
    await driver.favourite(farthest.key, wanted=True)
    only = await sites_near(driver, network, favourites=True, limit=1)
    assert [one.key for one in only] == [farthest.key]
    assert only[0].favourite
    assert [one.key.id for one in await sites_near(driver, network, favourites=True, text="no such words")] == []
    await driver.favourite(farthest.key, wanted=False)
    assert await sites_near(driver, network, favourites=True) == ()


async def test_a_price_cap_leaves_what_is_known_to_cost_no_more(network: Network, driver: DriverClient) -> None:
    need = Need(amount=Decimal(10))
    everything = await found(driver, network, need=need)
    cap = Money(amount=Decimal("5.20"), currency="EUR")
    capped = await found(driver, network, need=need, price_cap=cap)
    cheap = {
        id for id, one in everything.items() if one.price and one.price.currency == "EUR" and one.price.amount <= 5.2
    }
    assert set(capped) == cheap
    assert 0 < len(cheap) < len(everything)


async def test_words_and_filters_hold_together(network: Network, driver: DriverClient) -> None:
    by_words = await found(driver, network, text="mannheim")
    assert len(by_words) > 1
    fast = await found(driver, network, text="mannheim", min_kw=Decimal(100))
    assert set(fast) == {id for id, one in by_words.items() if one.max_kw >= 100}
    near = await found(driver, network, text="mannheim", radius_km=Decimal(1))
    assert set(near) == {id for id, one in by_words.items() if one.distance_m <= 1000}


async def test_a_site_costs_what_its_quote_says(network: Network, driver: DriverClient) -> None:
    need = Need(amount=Decimal(20))
    listed = next(one for one in await sites_near(driver, network, need=need, limit=5) if one.price)
    prices = []
    for evse in (await driver.site(listed.key)).evses:
        for connector in evse.connectors:
            request = QuoteRequest(site=listed.key, evse_uid=evse.uid, connector_id=connector.id, need=need)
            prices.append((await driver.quote(request)).likely)
    assert listed.price == min(prices, key=lambda one: one.amount)


async def test_no_place_is_needed_to_search(network: Network, driver: DriverClient) -> None:
    assert (await driver.sites(SiteQuery(text="betriebshof"))).sites


@pytest.mark.parametrize(
    ("one", "other", "near"),
    [
        ("DEKPFE10071", "DEKPFE10072", True),
        ("DEKPFE10071", "DEKPFE1071", True),
        ("DEKPFE10071", "DEKPFE01071", True),
        ("DEKPFE10071", "DEKPFE20072", False),
        ("DEKPFE10071", "DEKPFE10071", False),
    ],
)
def test_ids_that_differ_by_one(one: str, other: str, near: bool) -> None:
    assert differs_by_one(one, other) is near


async def test_a_list_for_a_battery_that_is_full_enough_has_no_prices(network: Network, driver: DriverClient) -> None:
    nothing = Need(kind=NeedKind.STATE_OF_CHARGE, amount=Decimal(50), arrival_percent=Decimal(70))
    listed = await sites_near(driver, network, need=nothing)
    assert listed
    assert {one.price for one in listed} == {None}
