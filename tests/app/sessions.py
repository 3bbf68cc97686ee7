"""Example sessions and receipts, worked from the sketches of the screens, and the app that shows them."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from app.kiosk import Kiosk, Mode, Standpoint
from app.screens.page import Page
from app.text import Text
from core.clock import Clock
from core.driver_client import DriverClient
from core.driver_messages import CurvePoint, IdleClock, Money, Problem, Rung, RungState, SessionView
from core.model.receipt import Check, CheckVerdict, Company, Receipt, ReceiptLine, TaxLine
from core.model.session import SessionState

NOW = datetime(2026, 11, 22, 13, 31, tzinfo=UTC)
OPENED = datetime(2026, 11, 22, 13, 7, tzinfo=UTC)
STANDPOINT = Standpoint("Mannheim Hbf", Decimal("49.4796"), Decimal("8.4699"), ZoneInfo("Europe/Berlin"))


async def _never() -> DriverClient:
    await asyncio.Event().wait()
    raise AssertionError("nobody sets the event")


class Shown(Kiosk):
    """The app with given sessions, one screen in front, and no home platform: what is shown is what is given."""

    def __init__(
        self,
        clock: Clock,
        page: Page,
        *views: SessionView,
        language: str = "en",
        mode: Mode = Mode.DRIVER,
        dark: bool = True,
    ) -> None:
        super().__init__(_never, STANDPOINT, mode=mode, text=Text(language), clock=clock, dark=dark)
        self._page, self._views = page, views

    async def on_mount(self) -> None:
        self.live.heard()
        for view in self._views:
            self.live.sessions[view.id] = view
        await self.push_screen(self._page)


def euros(amount: str) -> Money:
    return Money(amount=Decimal(amount), currency="EUR")


def ladder(*states: str, at: datetime = OPENED) -> tuple[Rung, ...]:
    """Rungs in their order; each state is d(one), w(aiting), p(ending), f(ailed) or n(ot reported)."""
    names = ("sent", "home_platform", "operator", "station", "cable", "energy")
    waits = ("", "", "DE-MVV", "station", "driver", "car")
    seconds = (0, 0.01, 0.05, 1.9, 12, 14)
    kinds = {
        "d": RungState.DONE,
        "w": RungState.WAITING,
        "p": RungState.PENDING,
        "f": RungState.FAILED,
        "n": RungState.NOT_REPORTED,
    }
    return tuple(
        Rung(
            name=name,
            state=kinds[state],
            at=at + timedelta(seconds=after) if state == "d" else None,
            waits_for=who,
            until=NOW + timedelta(seconds=48) if name == "cable" and state == "w" else None,
        )
        for name, who, after, state in zip(names, waits, seconds, states, strict=True)
    )


def starting(**changes: object) -> SessionView:
    """Sent 4 s ago; the station accepted, the cable is waited for."""
    opened = NOW - timedelta(seconds=4)
    values = {
        "id": "9f31c0de-5a",
        "state": SessionState.AUTHORISED,
        "site_name": "Bismarckstr. 4 [P2]",
        "address": "Bismarckstr. 4",
        "time_zone": "Europe/Berlin",
        "operator": "MVV Energie AG",
        "evse_id": "DE*MVV*E000001*2",
        "label": "A2",
        "opened_at": opened,
        "rungs": ladder(*"ddddwp", at=opened),
        "quoted": euros("14.39"),
        "quote_id": "Q-7F3A",
        "goal_kwh": Decimal("36"),
        "last_word_at": NOW - timedelta(seconds=2),
        "at": NOW,
    }
    return SessionView.model_validate(values | changes)


def charging(**changes: object) -> SessionView:
    """24 minutes of charging; the power was reported every two minutes but for a gap of eight."""
    powers = (12, 38, 47, 48, 48, None, None, None, 49, 48, 47, 41)
    kwh = ("0.2", "1.1", "2.5", "4.1", "5.7", "", "", "", "10.0", "11.2", "12.2", "12.84")
    begun = OPENED + timedelta(seconds=14)
    curve = tuple(
        CurvePoint(at=begun + timedelta(minutes=2 * index), kw=Decimal(power), kwh=Decimal(kwh[index]))
        for index, power in enumerate(powers)
        if power is not None
    )
    values = {
        "state": SessionState.ACTIVE,
        "opened_at": OPENED,
        "started_at": begun,
        "rungs": ladder(*"dddddd"),
        "energy_kwh": Decimal("12.84"),
        "power_kw": Decimal("41.2"),
        "state_of_charge": Decimal(38),
        "cost": euros("5.36"),
        "next_kwh": euros("0.39"),
        "expected_end": datetime(2026, 11, 22, 13, 59, tzinfo=UTC),
        "idle": IdleClock(free_until=datetime(2026, 11, 22, 14, 37, tzinfo=UTC), then_per_minute=euros("0.10")),
        "curve": curve,
        "last_word_at": NOW - timedelta(seconds=4),
    }
    return starting(**(values | changes))


def problem(code: str) -> Problem:
    return Problem(code=code, message="Told in English", next_step="Do this")


def line(kind: str, **changes: object) -> ReceiptLine:
    values = {
        "kind": kind,
        "payee": "MVV Energie AG",
        "quantity": Decimal(0),
        "billed_quantity": Decimal(0),
        "unit": "hour",
        "unit_price": Decimal(0),
        "net": Decimal(0),
        "vat_percent": Decimal(19),
        "gross": Decimal(0),
    }
    return ReceiptLine.model_validate(values | changes)


def receipt(**changes: object) -> Receipt:
    """36.112 kWh at € 0.3277 = 11.8339; 112 Wh more than quoted; fee 0.2941; 12.128 net, 2.304 VAT, 14.43 paid."""
    values = {
        "id": "0b9ad0f4-sdr",
        "number": "DE-EVR-2026-0B9AD0F4",
        "issued_at": datetime(2026, 11, 22, 13, 58, 9, tzinfo=UTC),
        "home": Company(name="Evroam Demo", party="NL-EVR"),
        "operator": Company(name="MVV Energie AG", party="DE-MVV"),
        "sdr_id": "0b9ad0f4-sdr",
        "session_id": "9f31c0de-5a",
        "authorization_reference": "a77c-11",
        "identification": "COMMAND",
        "credential_last4": "3F20",
        "site_name": "Bismarckstr. 4 [P2]",
        "address": "Bismarckstr. 4",
        "city": "Mannheim",
        "country": "DEU",
        "evse_id": "DE*MVV*E000001*2",
        "label": "A2",
        "started_at": datetime(2026, 11, 22, 13, 7, 31, tzinfo=UTC),
        "ended_at": datetime(2026, 11, 22, 13, 58, 2, tzinfo=UTC),
        "time_zone": "Europe/Berlin",
        "energy_kwh": Decimal("36.112"),
        "charging_minutes": 51,
        "parking_minutes": 0,
        "meter_start": Decimal("10482.317"),
        "meter_end": Decimal("10518.429"),
        "currency": "EUR",
        "lines": (
            line(
                "energy",
                quantity=Decimal("36.1118"),
                billed_quantity=Decimal("36.112"),
                unit="kWh",
                unit_price=Decimal("0.3277"),
                net=Decimal("11.8339024"),
                gross=Decimal("14.082343856"),
                quoted=Decimal("11.7972"),
                explanation="more_energy:0.112",
            ),
            line(
                "parking",
                quantity=Decimal("0.05"),
                billed_quantity=Decimal("0.05"),
                unit_price=Decimal("5.04"),
                net=Decimal("0.252"),
                gross=Decimal("0.29988"),
                quoted=Decimal(0),
                explanation="longer:3",
            ),
            line(
                "fee",
                payee="Evroam Demo",
                quantity=Decimal(1),
                billed_quantity=Decimal(1),
                unit="session",
                unit_price=Decimal("0.2941"),
                net=Decimal("0.2941"),
                gross=Decimal("0.349979"),
                quoted=Decimal("0.2941"),
            ),
        ),
        "net": Decimal("12.38"),
        "taxes": (TaxLine(vat_percent=Decimal(19), base=Decimal("12.38"), amount=Decimal("2.35")),),
        "total": Decimal("14.73"),
        "quote_id": "Q-7F3A",
        "quoted_total": Decimal("14.39"),
        "quote_check": Check(verdict=CheckVerdict.HOLDS, code="tariff_kept", detail="0.34"),
        "tariff_check": Check(verdict=CheckVerdict.HOLDS),
        "operator_claim": Decimal("14.38"),
    }
    return Receipt.model_validate(values | changes)


async def done(app: Kiosk, group: str) -> None:
    """Wait for the workers of a group, if there are any: for an empty list Textual would wait for all."""
    if workers := [one for one in app.workers if one.group == group]:
        await app.workers.wait_for_complete(workers)
