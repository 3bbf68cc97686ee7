"""What a session is expected to be, and what a quote says it costs: figures worked by hand from the tariffs."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from core.driver_client import DriverClient
from core.driver_messages import Need, NeedKind, QuoteRequest, QuoteView
from core.home_csp.expectation import expected
from core.model.meter import DimensionKind
from core.model.pricing.forecast import expected_session
from core.network import Network
from tests.networks import sites_near

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


async def quote(client: DriverClient, network: Network, site_id: str, need: Need) -> QuoteView:
    site = next(one for one in await sites_near(client, network) if one.key.id == site_id)
    evse = (await client.site(site.key)).evses[0]
    return await client.quote(
        QuoteRequest(site=site.key, evse_uid=evse.uid, connector_id=evse.connectors[0].id, need=need)
    )


@pytest.mark.anyio
async def test_leaving_when_charging_ends_costs_no_idle_fee(network: Network, client: DriverClient) -> None:
    """ALP-CH-IDLE: 0.6383 CHF a kWh, 16.6512 an hour of parking in whole minutes, 8.1 % VAT; our fee 0.35 and 21 %."""
    need = Need(amount=Decimal(10))
    leaving = await quote(client, network, "ALP-ZH-HARD", need)
    assert leaving.likely.amount == Decimal("7.32")  # 10 × 0.6383 × 1.081 + 0.35 × 1.21 = 6.900023 + 0.4235
    assert leaving.idle_after_stay is None
    assert [name for name, _ in leaving.lines] == [f"operator:{leaving.operator}", "fee:per_session"]

    staying = await quote(client, network, "ALP-ZH-HARD", need.model_copy(update={"stay_minutes": 60}))
    minutes = 60 - 4  # 10 kWh take 4 minutes at 150 kW
    assert leaving.minutes == 4
    idle = minutes * Decimal("16.6512") / 60 * Decimal("1.081")
    assert staying.idle_after_stay is not None
    assert abs(staying.idle_after_stay.amount - idle) < Decimal("0.01")
    assert staying.likely.amount == leaving.likely.amount + staying.idle_after_stay.amount
    assert staying.idle == leaving.idle


def test_energy_ends_exactly_where_charging_is_done() -> None:
    stay = expected(Need(amount=Decimal(10)), Decimal(22), direct_current=False).stay(NOON)
    session = expected_session(stay, "T")
    assert [one.volume(DimensionKind.ENERGY) for one in session.periods] == [Decimal(10)]
    assert [one.volume(DimensionKind.PARKING_TIME) for one in session.periods] == [0]
    assert timedelta(seconds=3272) < session.end - session.start < timedelta(seconds=3273)  # 10 kWh at 11 kW


def test_a_battery_takes_less_and_less_on_dc() -> None:
    """60 kWh from 20 %: 24 kWh at 150 kW until 60 %, 12 kWh at 90 kW until 80 %."""
    need = Need(kind=NeedKind.STATE_OF_CHARGE, amount=Decimal(80))
    fast = expected(need, Decimal(300), direct_current=True)
    assert fast.energy == Decimal(36)
    assert [(one.after_s, one.power_kw) for one in fast.power] == [(0, Decimal(150)), (576, Decimal(90))]
    assert fast.seconds == 576 + 480


@pytest.mark.parametrize(
    ("minutes", "energy", "parked"),
    [(240, "44", 0), (300, "48", 300 * 60 - 15710)],  # 11 kW; 60 kWh from 20 % take 48, in 15,709.09 s
)
def test_minutes_charge_until_they_are_over_or_the_battery_is_full(minutes: int, energy: str, parked: int) -> None:
    need = Need(kind=NeedKind.MINUTES, amount=Decimal(minutes))
    expectation = expected(need, Decimal(11), direct_current=False)
    assert expectation.energy == Decimal(energy)
    session = expected_session(expectation.stay(NOON, expectation.seconds), "T")
    assert sum(one.volume(DimensionKind.ENERGY) for one in session.periods) == Decimal(energy)
    seconds = sum(one.volume(DimensionKind.PARKING_TIME) for one in session.periods) * 3600
    assert abs(seconds - parked) <= 1


def test_a_battery_that_is_fuller_than_wished_needs_nothing() -> None:
    need = Need(kind=NeedKind.STATE_OF_CHARGE, amount=Decimal(50), arrival_percent=Decimal(70))
    nothing = expected(need, Decimal(50), direct_current=True)
    assert (nothing.energy, nothing.seconds, nothing.power) == (Decimal(0), 0, ())
    assert expected_session(nothing.stay(NOON), "T").end == NOON
