"""A bill that the driver says is wrong: said once, kept on the receipt, taken up with the operator."""

import pytest

from app.screens.receipt import ReceiptScreen
from core.driver_client import DriverClient
from core.model.sdr_verdicts import VerdictState
from core.network import Network
from core.store.sdr_verdicts import load_verdict
from tests.app.conftest import screen_text
from tests.app.test_charge_on_network import front_end, seen
from tests.network.charging import charge, free_posts
from tests.network.test_sdr_verdicts import bill_of

pytestmark = pytest.mark.anyio


async def test_the_driver_names_the_line_and_reads_that_it_is_looked_into(
    network: Network, driver: DriverClient
) -> None:
    [post] = await free_posts(network, driver)
    charging = await charge(network, driver, post)
    receipt = await charging.end()
    async with front_end(network, driver) as (app, pilot):
        app.open_receipt(receipt.id)
        await seen(pilot, lambda: isinstance(app.screen, ReceiptScreen) and app.screen.receipt is not None)
        await seen(pilot, lambda: "F8  this line is wrong" in screen_text(app))
        await pilot.press("f8")
        await seen(pilot, lambda: "What is wrong?" in screen_text(app) and "the whole bill" in screen_text(app))
        await pilot.press("escape")
        await seen(pilot, lambda: isinstance(app.screen, ReceiptScreen))
        await pilot.press("f8", "down", "enter")
        await seen(pilot, lambda: "Your provider looks into it" in screen_text(app))
        assert "F8  this line is wrong" not in screen_text(app)
    home = network.home.context
    with home.store.read() as connection:
        kept = load_verdict(connection, bill_of(charging))
    assert kept is not None and kept.state is VerdictState.DISPUTED and kept.steps[-1].by_driver
