"""The charge plan screen: a wish, an offer against now, yes, no, counter; what the operator changes; on the network."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from textual.pilot import Pilot

from app.plan_words import Wish, is_open, may_end, plan_lines, plan_remarks, wish_of
from app.screens.adjust import KnobList
from app.screens.charge import ChargeScreen
from app.screens.plan import PlanScreen
from app.text import LANGUAGES, Text
from core.clock import FixedClock
from core.driver_client import DriverClient
from core.driver_messages.plans import PlanView
from core.model.credentials import ChargingPreference
from core.model.plans import Consent, PlanSlot, PlanState, UpdateReason
from core.model.session import SessionState
from core.network import Network
from tests.app.conftest import screen_text
from tests.app.sessions import NOW, Shown, charging
from tests.app.test_charge_on_network import a_quote, front_end, seen, state
from tests.networks import advance


def plan(**changes: object) -> PlanView:
    """10 kWh by 16:30 in Mannheim: nothing until 15:00, then 7.4 kW."""
    starts = NOW + timedelta(minutes=29)
    values = {
        "id": "p",
        "version": 1,
        "state": PlanState.OFFERED,
        "consent": Consent.ASKED,
        "told": True,
        "profile": ChargingPreference.CHEAP,
        "energy_kwh": Decimal(10),
        "departure": NOW + timedelta(hours=2),
        "slots": (
            PlanSlot(start=NOW, duration_s=29 * 60, max_power_w=0, expected_kwh=Decimal(0), price=Decimal(0)),
            PlanSlot(start=starts, duration_s=4865, max_power_w=7400, expected_kwh=Decimal(10), price=Decimal("2.9")),
        ),
        "expected_finish": starts + timedelta(seconds=4865),
        "currency": "EUR",
        "total": Decimal("8.12"),
        "unplanned": Decimal("9.40"),
        "valid_until": NOW + timedelta(minutes=5),
    }
    return PlanView.model_validate(values | changes)


ACTIVE = {"state": PlanState.ACTIVE, "consent": Consent.GIVEN}
CHANGED = {"version": 2, "reason": UpdateReason.SITE_LIMIT, "effective_at": NOW, "valid_until": None}
PLANS: dict[str, PlanView | None] = {
    "none": None,
    "offer": plan(),
    "expired": plan(valid_until=NOW - timedelta(seconds=1)),
    "active": plan(**ACTIVE),
    "untold": plan(**ACTIVE, told=False, slots=(), total=None, unplanned=None, expected_finish=None, currency=""),
    "ours": plan(**ACTIVE, promised=False),
    "asking": plan(consent=Consent.GIVEN, promised=False),
    "unconfirmed": plan(consent=Consent.GIVEN, promised=False, valid_until=NOW - timedelta(seconds=1)),
    "station_refused": plan(state=PlanState.REJECTED, consent=Consent.GIVEN, promised=False),
    "over": plan(state=PlanState.REPLACED, consent=Consent.GIVEN, promised=False),
    "dearer": plan(**{**ACTIVE, **CHANGED}, dearer_by=Decimal("0.40")).model_copy(update={"consent": Consent.ASKED}),
    "refused": plan(**{**ACTIVE, **CHANGED}, dearer_by=Decimal("0.40")).model_copy(update={"consent": Consent.REFUSED}),
}


def shown(name: str, clock: FixedClock | None = None, **options: str) -> Shown:
    view = charging(plan=PLANS[name])
    return Shown(clock or FixedClock(NOW), PlanScreen(view.id), view, **options)


@pytest.mark.parametrize("name", ["none", "offer", "dearer"])
def test_plan_looks_as_stored(snap_screens: Callable[..., None], name: str) -> None:
    snap_screens(lambda clock: shown(name, clock), name=name)


def test_smallest_and_german_look_as_stored(snap_screens: Callable[..., None]) -> None:
    snap_screens(lambda clock: shown("offer", clock), sizes=[(40, 15)], name="small")
    snap_screens(lambda clock: shown("untold", clock, language="de"), sizes=[(80, 24)], name="untold-german")
    snap_screens(lambda clock: shown("ours", clock), sizes=[(80, 24)], name="ours")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [34, 70, 190])
@pytest.mark.parametrize("name", PLANS)
def test_every_plan_is_said_in_every_language_within_its_width(name: str, width: int, language: str) -> None:
    lines = plan_lines(PLANS[name], "Europe/Berlin", NOW, Text(language), width)
    assert lines and max(line.cell_length for line in lines) <= width


def test_a_change_is_told_while_charging_with_its_reason_and_what_can_be_said_to_it(
    snap_screens: Callable[..., None],
) -> None:
    [changed, waits] = plan_remarks(charging(plan=PLANS["dearer"]), NOW, Text())
    assert "the site has less power" in changed.words and "€0.40 more" in changed.next_step
    assert waits.words == "Waiting by plan until 15:00."
    assert plan_remarks(charging(plan=PLANS["offer"]), NOW, Text()) == []
    view = charging(plan=PLANS["dearer"])
    snap_screens(lambda clock: Shown(clock, ChargeScreen(view.id), view), name="charging")


def test_the_wish_begins_with_what_the_goal_still_lacks() -> None:
    """36 kWh less 12.84: 23.16, in steps of five 25."""
    assert wish_of(charging(), NOW) == Wish(energy_kwh=Decimal(25))
    assert wish_of(charging(goal_kwh=None), NOW).energy_kwh == 10
    in_three_hours = charging(expected_end=NOW + timedelta(hours=3))
    assert wish_of(in_three_hours, NOW).leave_in == 225  # three hours and a quarter of them more


def test_a_plan_of_ours_says_what_is_lost_and_how_to_end_it() -> None:
    said = {
        name: " ".join(str(line) for line in plan_lines(PLANS[name], "UTC", NOW, Text(), 190))
        for name in ("active", "ours", "asking", "unconfirmed", "station_refused", "over")
    }
    assert "by our estimate about €8.12" in said["ours"] and "estimate" not in said["active"]
    assert "promises neither price nor energy" in said["ours"] and "promises" not in said["active"]
    assert "F8 ends it." in said["ours"] and "F8" not in said["active"]
    assert "The station is being asked" in said["asking"] and "has not said" in said["unconfirmed"]
    assert "does not keep to this plan" in said["station_refused"] and "goes on without one" in said["over"]
    assert [name for name, one in PLANS.items() if may_end(one)] == ["ours"]


def test_an_answer_is_waited_for_as_long_as_it_can_be_given() -> None:
    assert [name for name, one in PLANS.items() if is_open(one, NOW)] == ["offer", "dearer"]


def test_enter_accepts_the_offer_and_asks_anew_after_another_wish() -> None:
    app = shown("offer")

    async def steps() -> None:
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            screen = app.screen
            assert isinstance(screen, PlanScreen)
            screen._asked_for = screen._wish()
            assert screen._answers
            await pilot.press("right")
            assert not screen._answers, "another wish is a counter-offer"
            await pilot.press("left")
            assert screen._answers
            assert "€8.12" in screen_text(app) and "instead of €9.40" in screen_text(app)

    asyncio.run(steps())


@pytest.mark.anyio
async def test_from_the_wish_to_a_plan_in_force_with_keys_alone(network: Network, driver: DriverClient) -> None:
    quote = await a_quote(network, driver)
    async with front_end(network, driver) as (app, pilot):
        app.start(quote)
        await seen(pilot, lambda: state(app) is SessionState.AUTHORISED)
        await advance(network, minutes=4)
        await seen(pilot, lambda: bool(app.screen.view and app.screen.view.energy_kwh))
        await pilot.press("f4")
        await seen(pilot, lambda: isinstance(app.screen, PlanScreen) and bool(app.screen.query(KnobList)))
        await pilot.press("enter")
        await seen(pilot, lambda: "for the whole session" in screen_text(app))
        await offer_is(pilot, PlanState.OFFERED)
        await pilot.press("down", "right")
        await pilot.press("enter")
        await offer_is(pilot, PlanState.OFFERED, energy=Decimal(10))
        await pilot.press("enter")
        await offer_is(pilot, PlanState.ACTIVE, energy=Decimal(10))
        await seen(pilot, lambda: "This plan is in force." in screen_text(app))
        await pilot.press("enter")
        await offer_is(pilot, PlanState.OFFERED)
        await pilot.press("f8")
        await offer_is(pilot, PlanState.ACTIVE)


async def offer_is(pilot: Pilot, wanted: PlanState, energy: Decimal | None = None) -> None:
    def is_so() -> bool:
        held = pilot.app.screen.plan
        return held is not None and held.state is wanted and energy in {None, held.energy_kwh} and not _asks(pilot)

    await seen(pilot, is_so)


def _asks(pilot: Pilot) -> bool:
    return bool(pilot.app.screen.asking)
