"""A site opened: statuses with their age, and plain words where one cannot start."""

import asyncio
from datetime import timedelta

import pytest

from app.kiosk import Kiosk
from app.screens.quote import QuoteScreen
from app.screens.site import SiteScreen
from app.site_words import connector_name, evse_status, status_words
from app.text import Text
from app.widgets.site_status import SiteStatus
from core.model.parties import ObjectKey
from core.store.tables import site as site_table
from tests.app.conftest import screen_text
from tests.app.front import Beside, press, settled
from tests.networks import MONDAY_MORNING

FRANKFURT = ObjectKey(country_code="DE", party_id="KPF", id="KPF-F-OSTEND")
STATION = ObjectKey(country_code="DE", party_id="KPF", id="KPF-MA-HBF")


def opening(key: ObjectKey, evse_uid: str | None = None):
    async def open_it(pilot) -> None:
        await settled(pilot)
        pilot.app.open_site(key, evse_uid)
        await settled(pilot)

    return open_it


def shown_at(beside: Beside, key: ObjectKey, steps, **options):
    async def go():
        app = beside.kiosk(**options)
        async with app.run_test(size=(100, 30)) as pilot:
            await opening(key)(pilot)
            return await steps(app, pilot)

    return asyncio.run(go())


def test_site_looks_as_stored(snap_screens, beside: Beside) -> None:
    snap_screens(lambda clock: beside.kiosk(), settle=opening(FRANKFURT))


def test_site_on_the_smallest_screen_looks_as_stored(snap_screens, beside: Beside) -> None:
    snap_screens(lambda clock: beside.kiosk(language="fr"), settle=opening(FRANKFURT), sizes=[(40, 15)], name="small")


def test_every_connector_is_listed_with_letter_power_price_and_status(beside: Beside) -> None:
    async def steps(app: Kiosk, pilot) -> None:
        shown = screen_text(app)
        assert "A1      CCS (K) · 300 kW" in shown or "A1      CCS (L) · 300 kW" in shown
        assert "CHAdeMO · 50 kW" in shown
        assert "free, 0 s ago · from the operator" in shown
        assert "out of order" in shown

    shown_at(beside, FRANKFURT, steps)


def test_a_point_that_is_out_of_order_says_so_and_offers_no_price(beside: Beside) -> None:
    async def steps(app: Kiosk, pilot) -> None:
        await press(pilot, "down", "down", "down")
        assert "This post is out of order. Choose another post." in screen_text(app)
        assert "Enter" not in screen_text(app).splitlines()[-1]
        await press(pilot, "enter")
        assert isinstance(app.screen, SiteScreen)
        await press(pilot, "up", "enter")
        assert isinstance(app.screen, QuoteScreen)

    shown_at(beside, FRANKFURT, steps)


def test_a_site_without_agreement_is_shown_and_starts_nothing(own_network: Beside) -> None:
    async def forget_partner() -> None:
        context = own_network.network.home.context
        await context.store.write(
            lambda connection: connection.execute(
                site_table.update().where(site_table.c.id == STATION.id).values(partner_id=None)
            )
        )

    async def steps(app: Kiosk, pilot) -> None:
        assert "There is no roaming agreement with this operator" in screen_text(app)
        await press(pilot, "enter")
        assert isinstance(app.screen, SiteScreen)

    asyncio.run(own_network.run(forget_partner()))
    shown_at(own_network, STATION, steps)


@pytest.mark.parametrize(
    ("status", "minutes", "words"),
    [
        ("AVAILABLE", 1, "free, 1 min ago · from the operator"),
        ("RESERVED", 1, "reserved, 1 min ago · from the operator"),
        ("CHARGING", 0, "busy, 0 s ago · from the operator"),
        ("UNKNOWN", 20, "unknown: last heard 20 min ago"),
        ("SOMETHING_NEW", 1, "unknown: last heard 1 min ago"),
    ],
)
def test_a_status_tells_its_age_and_the_unknown_is_never_free(status: str, minutes: int, words: str) -> None:
    at = MONDAY_MORNING - timedelta(minutes=minutes)
    assert status_words(status, at, "operator", MONDAY_MORNING, Text()) == words
    assert (evse_status(status) is SiteStatus.FREE) is (status == "AVAILABLE")


def test_a_public_list_that_tells_no_status_is_named_and_has_no_age() -> None:
    words = status_words("UNKNOWN", MONDAY_MORNING - timedelta(days=2684), "import", MONDAY_MORNING, Text())
    assert words == "not known: the public list tells no status"


def test_a_status_past_its_time_to_live_is_unknown_on_the_screen(own_network: Beside) -> None:
    async def later() -> None:
        own_network.clock.moment += timedelta(minutes=16)

    async def steps(app: Kiosk, pilot) -> None:
        shown = screen_text(app)
        assert "unknown: last heard 16 min ago" in shown
        assert "● free" not in shown

    asyncio.run(own_network.run(later()))
    shown_at(own_network, STATION, steps)


def test_an_unknown_connector_keeps_its_own_name() -> None:
    assert connector_name("IEC_62196_T2_COMBO") == "CCS"
    assert connector_name("NEMA_14_50") == "NEMA 14 50"
