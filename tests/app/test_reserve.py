"""Reserve a post in the app (UC3-8): the price before consent, the countdown, arrive and charge, or give it back."""

import asyncio

import pytest

from app.kiosk import Kiosk
from app.screens.charge import ChargeScreen
from app.screens.identify import IdentifyScreen
from app.screens.quote import QuoteScreen
from app.screens.receipt import ReceiptScreen
from app.screens.reserve import ReserveScreen
from app.screens.reserved import ReservedScreen
from app.screens.welcome import WelcomeScreen
from core.driver_client import DriverClient
from core.model.parties import ObjectKey
from core.model.reservations import CancelReason
from core.model.session import SessionState
from core.network import Network
from core.visited_cso.energy_transfer.reserved import cancel_at
from tests.app.conftest import screen_text
from tests.app.front import Beside, press, settled, until
from tests.app.test_charge_on_network import front_end, seen
from tests.networks import advance

SITE = ObjectKey(country_code="DE", party_id="KPF", id="KPF-B-MOABIT")
POST = "KPF-B-MOABIT-A1"


def is_held(app: Kiosk) -> bool:
    view = app.screen.view if isinstance(app.screen, ReservedScreen) else None
    return view is not None and view.state is SessionState.RESERVED


def offering(evse_uid: str = POST):
    async def settle(pilot) -> None:
        await settled(pilot)
        pilot.app.open_quote(SITE, evse_uid, "1")
        await settled(pilot)
        await press(pilot, "f4")
        await until(pilot, lambda: isinstance(pilot.app.screen, ReserveScreen) and pilot.app.screen.offer is not None)
        await settled(pilot)

    return settle


def test_the_offer_looks_as_stored(snap_screens, beside: Beside) -> None:
    snap_screens(lambda clock: beside.kiosk(identified=True), settle=offering(), name="offer")
    snap_screens(
        lambda clock: beside.kiosk(language="de", dark=False), settle=offering(), sizes=[(40, 15)], name="small-german"
    )


def test_a_held_post_looks_as_stored(snap_screens, own_network: Beside) -> None:
    async def settle(pilot) -> None:
        await offering()(pilot)
        await press(pilot, "enter")
        await until(pilot, lambda: is_held(pilot.app))
        await settled(pilot)

    async def settle_again(pilot) -> None:
        await settled(pilot)
        await until(pilot, lambda: bool(pilot.app.live.running()))
        await press(pilot, "f9")
        await until(pilot, lambda: is_held(pilot.app))
        await settled(pilot)

    async def strip(pilot) -> None:
        await settled(pilot)
        await until(pilot, lambda: bool(pilot.app.live.running()))
        await settled(pilot)

    snap_screens(lambda clock: own_network.kiosk(identified=True), settle=settle, sizes=[(80, 24)], name="held")
    snap_screens(lambda clock: own_network.kiosk(identified=True), settle=settle_again, sizes=[(120, 40)], name="held")
    snap_screens(lambda clock: own_network.kiosk(identified=True), settle=strip, sizes=[(80, 24)], name="strip")


def test_a_post_that_cannot_be_reserved_offers_no_key_and_nobody_is_asked_before_identification(
    beside: Beside,
) -> None:
    async def go() -> None:
        app = beside.kiosk()
        async with app.run_test(size=(100, 30)) as pilot:
            await settled(pilot)
            app.open_quote(ObjectKey(country_code="DE", party_id="KPF", id="KPF-MA-HBF"), "KPF-MA-HBF-A2", "1")
            await settled(pilot)
            await press(pilot, "f4")
            assert isinstance(app.screen, QuoteScreen)
            app.go_back()
            await offering()(pilot)
            shown = screen_text(app)
            assert "€0.75 at most" in shown and "€4.00" in shown  # 0.25 h at 2.521, and 3.3613, plus 19 %
            await press(pilot, "f2", "f2")
            await until(pilot, lambda: "12:00 – 12:15" in screen_text(app))  # an hour ahead of 11:00
            await press(pilot, "f2", "f2", "f2", "f2", "f2")
            await until(pilot, lambda: "11:00 – 11:15" in screen_text(app))
            await press(pilot, "right", "right", "right", "right")  # 30 minutes are the most
            await until(pilot, lambda: app.screen.offer.minutes == 30)
            assert "30 min" in screen_text(app)
            await press(pilot, "enter")
            assert isinstance(app.screen, IdentifyScreen)
            assert not app.live.sessions

    asyncio.run(go())


@pytest.mark.anyio
async def test_reserve_arrive_charge_and_the_receipt_has_the_reservation(
    network: Network, driver: DriverClient
) -> None:
    async with front_end(network, driver) as (app, pilot):
        app.open_quote(SITE, POST, "1")
        await seen(pilot, lambda: isinstance(app.screen, QuoteScreen) and app.screen.quote is not None)
        await pilot.press("f4")
        await seen(pilot, lambda: isinstance(app.screen, ReserveScreen) and app.screen.offer is not None)
        await pilot.press("enter")
        await seen(pilot, lambda: is_held(app))
        assert " left" in screen_text(app)
        await pilot.press("escape")
        await advance(network, minutes=5)
        await app.live._fetch(driver)
        await pilot.press("f9")
        await seen(pilot, lambda: is_held(app))
        await pilot.press("enter")
        await seen(pilot, lambda: isinstance(app.screen, ChargeScreen))
        await advance(network, minutes=4)
        await seen(pilot, lambda: bool(app.screen.view and app.screen.view.energy_kwh))
        await pilot.press("f8")
        await pilot.press("right", "enter")
        await seen(pilot, lambda: bool(app.screen.view and app.screen.view.stop_requested_at))
        await advance(network, minutes=20)
        await seen(pilot, lambda: isinstance(app.screen, ReceiptScreen) and "reservation" in screen_text(app))


@pytest.mark.anyio
async def test_giving_it_back_and_being_refused_by_the_operator_are_told(
    network: Network, driver: DriverClient
) -> None:
    async with front_end(network, driver) as (app, pilot):
        for evse_uid in (POST, "KPF-B-MOABIT-A2"):
            app.open_quote(SITE, evse_uid, "1")
            await seen(pilot, lambda: isinstance(app.screen, QuoteScreen) and app.screen.quote is not None)
            await pilot.press("f4")
            await seen(pilot, lambda: isinstance(app.screen, ReserveScreen) and app.screen.offer is not None)
            await pilot.press("enter")
            await seen(pilot, lambda: is_held(app))
            if evse_uid == POST:
                await advance(network, minutes=2)
                await pilot.press("f8")
                await pilot.press("right", "enter")
                await seen(pilot, lambda: isinstance(app.screen, ReceiptScreen))
                await pilot.press("escape")
                await seen(pilot, lambda: isinstance(app.screen, WelcomeScreen))
        context = network.member("kurpfalz").platform.context
        await cancel_at(context, frozenset({"KPF-B-MOABIT-A2"}), CancelReason.POWER_OUTAGE, "Power cut")
        await seen(pilot, lambda: "cancelled your reservation" in screen_text(app) and "Power cut" in screen_text(app))
        assert "Choose another post" in screen_text(app)
