"""The price before the start: what it is made of, how it changes, when it holds no longer."""

import asyncio
from datetime import timedelta
from decimal import Decimal

from app.kiosk import Kiosk, Mode
from app.need_words import need_words
from app.quote_words import session_lines
from app.screens.identify import IdentifyScreen
from app.screens.need import turned_goal
from app.screens.quote import Quoted, QuoteScreen
from app.tariff_words import short_price, tariff_values
from app.text import Text
from app.widgets.tariff_card import PricePart
from core.driver_messages import ConnectorView, Money, Need, NeedKind, QuoteView
from core.model.parties import ObjectKey
from core.model.price_list import FeeKind, OwnFee
from core.model.tariff_description import Condition, ConditionKind, Row, RowKind
from core.model.tariffs import Weekday
from core.simulation.faults import NO_FAULTS, Faults
from tests.app.conftest import screen_text
from tests.app.front import Beside, press, settled, until
from tests.networks import MONDAY_MORNING

STATION = ObjectKey(country_code="DE", party_id="KPF", id="KPF-MA-HBF")
FAST = ObjectKey(country_code="DE", party_id="KPF", id="KPF-MA-WASSERTURM")
PARADE = ObjectKey(country_code="DE", party_id="KPF", id="KPF-MA-PARADEPLATZ")


def quoting(site: ObjectKey, evse_uid: str):
    async def quote(pilot) -> None:
        await settled(pilot)
        pilot.app.open_quote(site, evse_uid, "1")
        await settled(pilot)
        screen = pilot.app.screen
        # The number of a quote is random: a picture needs one that stays.
        screen.post_message(Quoted(screen.quote.model_copy(update={"id": "Q-7F3A2KPX"})))
        await settled(pilot)

    return quote


def quoted_at(beside: Beside, site: ObjectKey, evse_uid: str, steps, **options):
    async def go():
        app = beside.kiosk(**options)
        async with app.run_test(size=(100, 30)) as pilot:
            await settled(pilot)
            app.open_quote(site, evse_uid, "1")
            await settled(pilot)
            return await steps(app, pilot)

    return asyncio.run(go())


def test_quote_looks_as_stored(snap_screens, beside: Beside) -> None:
    snap_screens(lambda clock: beside.kiosk(identified=True), settle=quoting(STATION, "KPF-MA-HBF-A2"))


def test_quote_of_many_prices_looks_as_stored(snap_screens, beside: Beside) -> None:
    snap_screens(
        lambda clock: beside.kiosk(language="de", dark=False),
        settle=quoting(PARADE, "KPF-MA-PARADEPLATZ-A1"),
        name="idle-fee",
    )


def test_quote_on_the_smallest_screen_looks_as_stored(snap_screens, beside: Beside) -> None:
    snap_screens(
        lambda clock: beside.kiosk(), settle=quoting(FAST, "KPF-MA-WASSERTURM-A1"), sizes=[(40, 15)], name="small"
    )


def test_the_price_is_the_operator_s_tariff_and_the_fee_beside_it(beside: Beside) -> None:
    """30 kWh × 0.3782 + 0.4202, net, 19 % VAT = 14.00; fee 0.35 net, 21 % VAT = 0.42: together 14.43 (14.4252)."""

    async def steps(app: Kiosk, pilot) -> None:
        shown = screen_text(app)
        assert "likely €14.43" in shown
        assert "Kurpfalz Ladestrom €14.00 + your provider €0.42" in shown
        assert "evroam Mobility adds" in shown
        assert "Does the post say A2?" in shown
        assert "operator's binding price until 11:15" in shown
        assert "nothing starts before" in shown

    quoted_at(beside, STATION, "KPF-MA-HBF-A2", steps)


def test_left_and_right_turn_my_session_and_the_last_turn_is_priced(beside: Beside) -> None:
    async def steps(app: Kiosk, pilot) -> None:
        await press(pilot, "right", "right", "right", "left")
        assert app.need.amount == 40
        await until(pilot, lambda: app.screen.quote is not None)
        assert app.screen.quote.need.amount == 40
        assert "40 kWh" in screen_text(app)

    quoted_at(beside, STATION, "KPF-MA-HBF-A2", steps)


def test_my_session_can_be_a_target_or_a_time(beside: Beside) -> None:
    async def steps(app: Kiosk, pilot) -> None:
        await press(pilot, "f2", "right", "enter")
        assert app.need.kind is NeedKind.STATE_OF_CHARGE
        assert "20% → 80% (36 kWh)" in screen_text(app)
        await press(pilot, "f2", "right", "down", "right", "enter")
        assert app.need == Need(kind=NeedKind.MINUTES, amount=Decimal(60))
        assert "for 1 h" in screen_text(app)
        assert "no upper limit" in screen_text(app) or "at most" in screen_text(app)

    quoted_at(beside, STATION, "KPF-MA-HBF-A2", steps)


def test_a_post_is_looked_at_while_its_price_is_read_and_enter_renews_an_expired_one(own_network: Beside) -> None:
    async def steps(app: Kiosk, pilot) -> None:
        first = app.screen.quote.id
        assert "yes, start charging" in screen_text(app) and "ask a new price" not in screen_text(app)
        station = own_network.network.equipment_at("KPF-MA-HBF-A2")
        await own_network.run(station.suffer("KPF-MA-HBF-A2", Faults(out_of_order=True)))
        for _ in range(100):  # the word of the station takes its way over the wire
            app.screen.look_at_post()
            await settled(pilot)
            if "out of order" in screen_text(app):
                break
        assert "out of order" in screen_text(app) and app.screen.quote.id == first
        await own_network.run(station.suffer("KPF-MA-HBF-A2", NO_FAULTS))
        own_network.clock.moment += timedelta(minutes=16)
        app.tick()
        await settled(pilot)
        assert "This price has expired" in screen_text(app)
        assert "ask a new price" in screen_text(app) and "yes, start charging" not in screen_text(app)
        await press(pilot, "enter")
        assert isinstance(app.screen, QuoteScreen)
        assert app.screen.quote.id != first
        assert not app.live.sessions

    quoted_at(own_network, STATION, "KPF-MA-HBF-A2", steps, identified=True)


def test_consent_leads_to_identification_and_then_to_the_start(own_network: Beside) -> None:
    driver = own_network.network.demo.driver

    async def steps(app: Kiosk, pilot) -> None:
        await press(pilot, "enter")
        assert isinstance(app.screen, IdentifyScreen)
        app.screen.query_one("#contract").value = driver.contract
        app.screen.query_one("#pin").value = driver.pin
        app.screen.query_one("#pin").focus()
        await press(pilot, "enter")
        await until(pilot, lambda: type(app.screen).__name__ == "ChargeScreen")
        [view] = app.live.sessions.values()
        assert view.label == "A2"
        assert app.live.running() == (view,)
        await press(pilot, "escape")
        assert type(app.screen).__name__ == "WelcomeScreen", "what led to the start is closed"
        assert "Bay A2" in screen_text(app)
        await press(pilot, "f9")
        assert type(app.screen).__name__ == "ChargeScreen"

    quoted_at(own_network, STATION, "KPF-MA-HBF-A2", steps, mode=Mode.KIOSK)


def test_a_start_that_is_refused_says_why_and_shows_the_new_price(own_network: Beside) -> None:
    async def steps(app: Kiosk, pilot) -> None:
        first = app.screen.quote
        await app.client.start(first.id)
        await press(pilot, "enter")
        await until(pilot, lambda: app.screen.quote is not None)
        assert "This price has been used already." in screen_text(app)
        assert app.screen.quote.id != first.id

    quoted_at(own_network, STATION, "KPF-MA-HBF-A2", steps, identified=True)


def row(kind: RowKind, net: str, *conditions: Condition, step: int = 1) -> Row:
    return Row(
        kind=kind,
        before_taxes=Decimal(net),
        with_taxes=Decimal(net) * Decimal("1.25"),
        vat_percent=Decimal(25),
        step=step,
        conditions=conditions,
    )


def connector(*rows: Row, fees: tuple[OwnFee, ...] = ()) -> ConnectorView:
    return ConnectorView(
        id="1",
        standard="IEC_62196_T2",
        format="SOCKET",
        power_type="AC_3_PHASE",
        max_kw=Decimal(22),
        currency="EUR",
        operator_rows=rows,
        fees=fees,
        tariff_known=bool(rows),
    )


def test_conditions_and_steps_are_put_into_words() -> None:
    weekdays = Condition(kind=ConditionKind.WEEKDAYS, days=tuple(Weekday)[:5])
    from_minute = Condition(kind=ConditionKind.DURATION, lower=Decimal(90))
    below = Condition(kind=ConditionKind.POWER, upper=Decimal(50))
    shown = connector(
        row(RowKind.PER_KWH, "0.40", weekdays, below, step=1000),
        row(RowKind.PER_KWH, "0.30", Condition(kind=ConditionKind.OTHERWISE)),
        row(RowKind.PER_MINUTE_PARKED, "0.08", from_minute, step=60),
        fees=(OwnFee(kind=FeeKind.PER_KWH, amount=Decimal("0.02"), vat_percent=Decimal(25)),),
    )
    card = tariff_values(shown, "Operator", "Home", Text())
    assert [one.remark for one in card.rows] == [
        "Mon–Fri · up to 50 kW · billed in steps of 1,000 Wh",
        "at all other times",
        "from minute 90 of the session on · billed in steps of 60 s",
        "",
    ]
    assert [one.operator for one in card.rows[:3]] == [Decimal("0.5"), Decimal("0.375"), Decimal("0.1")]
    assert (card.rows[3].part, card.rows[3].home_csp) == (PricePart.KWH, Decimal("0.025"))
    assert card.note == "VAT 25 % included"
    assert short_price(shown, Text()) == "€0.375 to €0.50/kWh"


def test_prices_before_taxes_say_so_and_no_price_is_not_free() -> None:
    untaxed = Row(kind=RowKind.PER_KWH, before_taxes=Decimal("0.4"), with_taxes=None)
    card = tariff_values(connector(untaxed), "Operator", "Home", Text())
    assert card.rows[0].operator == Decimal("0.4")
    assert card.note == "Prices before taxes: the operator told no VAT."
    assert short_price(connector(), Text()) == "no price told"
    assert tariff_values(connector(), "Operator", "Home", Text()).note == "The operator has told no price."


def test_a_need_stays_within_what_makes_sense() -> None:
    assert turned_goal(Need(amount=Decimal(5)), -3).amount == 5
    full = Need(kind=NeedKind.STATE_OF_CHARGE, amount=Decimal(80), arrival_percent=Decimal(75))
    assert turned_goal(full, -9).amount == 80
    assert turned_goal(full, 9).amount == 100
    assert need_words(full, Text()) == "75% → 80% (3 kWh)"


def test_what_a_least_price_above_the_likely_one_would_say_is_not_said() -> None:
    quote = QuoteView(
        id="Q-1",
        site=STATION,
        site_name="",
        address="",
        time_zone="Europe/Berlin",
        operator="Operator [P2]",
        evse_id="",
        evse_uid="",
        label="",
        connector=connector(),
        status="AVAILABLE",
        status_at=MONDAY_MORNING,
        need=Need(),
        energy_kwh=Decimal(30),
        minutes=14,
        likely=Money(amount=Decimal("23.52"), currency="EUR"),
        low=Money(amount=Decimal("24.12"), currency="EUR"),
        lines=(("operator:Operator [P2]", Money(amount=Decimal("23.10"), currency="EUR")),),
        valid_until=MONDAY_MORNING,
    )
    shown = "\n".join(line.plain for line in session_lines(quote, MONDAY_MORNING, Text(), 80))
    assert "at least" not in shown
    assert "no upper limit: the tariff names none" in shown
    assert "Operator [P2] €23.10" in shown


def test_the_price_says_whether_the_operator_is_bound_to_it(beside: Beside) -> None:
    async def steps(app: Kiosk, pilot) -> None:
        quote = app.screen.quote
        assert quote.binding
        app.screen.quote = quote.model_copy(update={"binding": False, "not_binding_because": "not_agreed"})
        app.screen._show()
        await pilot.pause()
        shown = screen_text(app)
        assert "estimated price until 11:15" in shown and "binding" not in shown

    quoted_at(beside, STATION, "KPF-MA-HBF-A2", steps)
