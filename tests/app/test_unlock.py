"""A stuck cable: the driver asks from the help screen, a person releases it, and the screen says what came of it."""

import pytest

from app.screens.help import HelpScreen
from core.driver_client import DriverClient
from core.model.cable_unlock import UnlockState
from core.model.session import SessionState
from core.network import Network
from core.simulation.faults import Faults
from tests.app.conftest import screen_text
from tests.app.test_charge_on_network import a_quote, front_end, seen, state
from tests.networks import advance

pytestmark = pytest.mark.anyio


async def test_the_driver_asks_and_reads_what_came_of_it(network: Network, driver: DriverClient) -> None:
    quote = await a_quote(network, driver)
    assert quote.connector.format == "SOCKET"
    equipment = network.equipment_at(quote.evse_uid)
    async with front_end(network, driver) as (app, pilot):
        await pilot.press("f1")
        await seen(pilot, lambda: isinstance(app.screen, HelpScreen))
        assert "F8  ask for unlock" not in screen_text(app)  # nothing of this driver's can be stuck
        await pilot.press("escape")
        await equipment.suffer(quote.evse_uid, Faults(cable_stuck=True))
        app.start(quote)
        await seen(pilot, lambda: state(app) is SessionState.AUTHORISED)
        await advance(network, minutes=3)
        await seen(pilot, lambda: state(app) is SessionState.ACTIVE)

        await pilot.press("f1")
        await seen(pilot, lambda: "F8  ask for unlock" in screen_text(app))
        await pilot.press("f8")
        await seen(pilot, lambda: "Ask for an emergency unlock at" in screen_text(app))
        await pilot.press("enter")  # the harmless answer has the focus
        await seen(pilot, lambda: isinstance(app.screen, HelpScreen))
        assert network.home.unlocks.all() == []

        await pilot.press("f8", "right", "enter")
        await seen(pilot, lambda: "Emergency unlock asked for at" in screen_text(app))
        assert "F8  ask for unlock" not in screen_text(app)
        [waiting] = network.home.unlocks.all()
        assert waiting.unlock.state is UnlockState.REQUESTED
        await network.home.unlocks.release(waiting.unlock.id, agent="Ada", user_verified=True, safety_confirmed=True)
        await seen(pilot, lambda: "The post has let go of the plug." in screen_text(app))
        await pilot.press("escape")
        await seen(pilot, lambda: "Pull it out now." in screen_text(app))
