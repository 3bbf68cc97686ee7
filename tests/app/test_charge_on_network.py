"""The charge screen over the embedded network: real platforms, real sockets; only the demo's time stands still."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from app.kiosk import Kiosk
from app.screens.charge import ChargeScreen
from app.screens.history import HistoryScreen
from app.screens.question import AnswerDialog
from app.screens.receipt import ReceiptScreen
from core.driver_client import DriverClient
from core.driver_messages import Need, QuoteView
from core.model.session import SessionState
from core.network import Network
from core.simulation.faults import Faults
from core.visited_cso.equipment import EvseState
from tests.app.conftest import screen_text
from tests.app.quiet import until_holds
from tests.app.sessions import STANDPOINT, done
from tests.networks import advance, quote_at, sites_near, until_state

pytestmark = pytest.mark.anyio


async def seen(pilot: Pilot, condition: Callable[[], bool]) -> None:
    """Let the app work until something is so; a test that waits in vain fails with what the screen shows."""
    try:
        await until_holds(pilot, condition)
    except TimeoutError:
        pytest.fail(screen_text(pilot.app))


@asynccontextmanager
async def front_end(network: Network, driver: DriverClient) -> AsyncIterator[tuple[Kiosk, Pilot]]:
    """The app of the identified driver."""

    async def connect() -> DriverClient:
        return driver

    app = Kiosk(connect, STANDPOINT)
    async with app.run_test(size=(120, 40)) as pilot:
        await seen(pilot, lambda: app._client is not None and app.live.age is not None)
        app.identified()
        yield app, pilot


async def a_quote(network: Network, driver: DriverClient) -> QuoteView:
    site = (await sites_near(driver, network, free=True, roaming=True))[0]
    opened = await driver.site(site.key)
    return await quote_at(driver, site.key, next(one.uid for one in opened.evses if one.startable), kwh=5)


def state(app: Kiosk) -> SessionState | None:
    return app.screen.view.state if isinstance(app.screen, ChargeScreen) and app.screen.view else None


async def test_from_the_start_to_the_saved_receipt_with_keys_alone(
    network: Network, driver: DriverClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    monkeypatch.setenv("XDG_DOWNLOAD_DIR", str(downloads))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    quote = await a_quote(network, driver)
    async with front_end(network, driver) as (app, pilot):
        app.start(quote)
        await seen(pilot, lambda: state(app) is SessionState.AUTHORISED)
        await seen(pilot, lambda: "Waiting for you, not for the network." in screen_text(app))
        await advance(network, minutes=1)
        await seen(pilot, lambda: state(app) is SessionState.ACTIVE)
        await advance(network, minutes=5)
        await seen(pilot, lambda: "Energy flows." in screen_text(app) and "the next kWh" in screen_text(app))

        await pilot.press("f8")
        await seen(pilot, lambda: isinstance(app.screen, AnswerDialog))
        await pilot.press("right", "enter")
        await until_state(network.equipment_at(quote.evse_uid), quote.evse_uid, EvseState.FINISHING)
        await seen(pilot, lambda: "Stopped. Please unplug." in screen_text(app))
        said = screen_text(app)
        assert "→ about" not in said and "change plan" not in said, "nothing is expected of it any more"
        await advance(network, minutes=20)
        await seen(pilot, lambda: isinstance(app.screen, ReceiptScreen) and app.screen.receipt is not None)
        said = screen_text(app)
        assert f"quote {quote.id} kept" in said and "fits its tariff" in said
        assert quote.evse_id in said

        await pilot.press("f2")
        await done(app, "save")
        await seen(pilot, lambda: "Saved as" in screen_text(app))
        assert [path.suffix for path in downloads.iterdir()] == [".json"]
        app.open_history()
        await seen(pilot, lambda: isinstance(app.screen, HistoryScreen) and "1 session" in screen_text(app))
        await pilot.press("enter")
        await seen(pilot, lambda: isinstance(app.screen, ReceiptScreen) and app.screen.receipt is not None)


async def a_quote_in(network: Network, driver: DriverClient, party: str, currency: str) -> QuoteView:
    """A quote for 50 kWh, which is never reached, at the nearest free site of an operator charging in a currency."""
    sites = await sites_near(driver, network, free=True, roaming=True, need=Need())
    fitting = (site for site in sites if site.price and site.price.currency == currency)
    opened = await driver.site(next(site.key for site in fitting if site.key.party_id == party))
    return await quote_at(driver, opened.summary.key, next(one.uid for one in opened.evses if one.startable), kwh=50)


async def test_two_posts_of_two_operators_are_seen_and_ended_each_with_its_receipt(
    network: Network, driver: DriverClient
) -> None:
    quotes = [await a_quote_in(network, driver, *wanted) for wanted in (("KPF", "EUR"), ("ALP", "CHF"))]
    async with front_end(network, driver) as (app, pilot):
        for quote in quotes:
            app.start(quote)
            await seen(pilot, lambda: state(app) is SessionState.AUTHORISED)
        await advance(network, minutes=4)
        running = app.live.running
        await seen(pilot, lambda: len(running()) == 2 and all(one.energy_kwh for one in running()))
        assert app.screen.view.operator == quotes[1].operator
        await seen(pilot, lambda: all(f"{quote.label}, {quote.site_name[:12]}" in screen_text(app) for quote in quotes))

        await pilot.press("left")
        await seen(pilot, lambda: app.screen.view.operator == quotes[0].operator)
        for quote, left in zip(quotes, (1, 0), strict=True):
            await pilot.press("f8")
            await seen(pilot, lambda: isinstance(app.screen, AnswerDialog))
            await pilot.press("right", "enter")
            await until_state(network.equipment_at(quote.evse_uid), quote.evse_uid, EvseState.FINISHING)
            await advance(network, minutes=20)
            await seen(pilot, lambda: isinstance(app.screen, ReceiptScreen) and app.screen.receipt is not None)
            receipt = app.screen.receipt
            assert (receipt.quote_id, receipt.evse_id) == (quote.id, quote.evse_id)
            assert receipt.currency == quote.likely.currency and receipt.operator.name == quote.operator
            assert len(running()) == left
            await pilot.press("escape")
            if left:
                await pilot.press("f9")
                await seen(pilot, lambda: isinstance(app.screen, ChargeScreen))


async def test_a_start_that_the_station_refuses_ends_in_a_definite_answer(
    network: Network, driver: DriverClient
) -> None:
    quote = await a_quote(network, driver)
    await network.equipment_at(quote.evse_uid).suffer(quote.evse_uid, Faults(refuses_start=True))
    async with front_end(network, driver) as (app, pilot):
        app.start(quote)
        await seen(pilot, lambda: state(app) is SessionState.REJECTED)
        await seen(pilot, lambda: "not started" in screen_text(app) and "failed" in screen_text(app))
        await pilot.press("enter")
        await seen(pilot, lambda: not isinstance(app.screen, ChargeScreen))
