"""Example values for every widget, worked from the sketches of the screens, and an app that shows them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from textual.app import App, ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from app.actions import actions_for
from app.text import Text
from app.themes import BREAKPOINTS, STYLES, register_themes
from app.widgets.idle_clock import IdleFee, IdleFeeClock
from app.widgets.key_line import KeyLine, hints_for
from app.widgets.power_curve import CurveMark, PowerCurve, PowerCurveValues, PowerSample
from app.widgets.qr_code import QrCode
from app.widgets.receipt_lines import ReceiptLine, ReceiptLines, ReceiptValues, VatLine
from app.widgets.site_map import MapPin, SiteMap, SiteMapValues
from app.widgets.site_status import SiteStatus
from app.widgets.site_table import SiteRow, SiteTable
from app.widgets.start_ladder import Rung, RungState, StartLadder
from app.widgets.status_line import Connection, StatusLine, StatusLineValues
from app.widgets.tariff_card import PricePart, TariffCard, TariffCardValues, TariffRow

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 22, 13, 31, tzinfo=UTC)
HANDOVER = "https://kiosk.example/h/7Kq2vZ9sXn3LwB0aTf5RjQ"

SITES = (
    SiteRow(
        "Hauptbahnhof Süd", "MVV Energie", SiteStatus.FREE, 180, 3, 4, Decimal(150), Decimal("9.40"), favourite=True
    ),
    SiteRow("Bismarckstr. 4", "MVV Energie", SiteStatus.PARTLY, 310, 1, 2, Decimal(50), Decimal("8.15"), cheapest=True),
    SiteRow("Parkhaus N2", "Stadtwerke [P2]", SiteStatus.BUSY, 450, 0, 2, Decimal(22), Decimal("10.90")),
    SiteRow("Quadrate Q6", "EnBW", SiteStatus.OUT_OF_ORDER, 520, 0, 1, Decimal(11)),
    SiteRow("Luisenring 49", "Ladenetz", SiteStatus.UNKNOWN, 1200, None, 2, Decimal("22"), Decimal("8.15")),
)
MAP = SiteMapValues(
    49.4796,
    8.4699,
    (
        MapPin("A", SiteStatus.FREE, 49.4794, 8.4724),
        MapPin("B", SiteStatus.PARTLY, 49.4823, 8.4690),
        MapPin("C", SiteStatus.BUSY, 49.4758, 8.4715),
        MapPin("D", SiteStatus.OUT_OF_ORDER, 49.4793, 8.4627),
        MapPin("E", SiteStatus.UNKNOWN, 49.4711, 8.4800),
    ),
    selected="B",
)


def tariff(text: Text) -> TariffCardValues:
    return TariffCardValues(
        "MVV Energie AG",
        text.say("ladder.home_platform"),
        "EUR",
        (
            TariffRow(PricePart.KWH, Decimal("0.39")),
            TariffRow(PricePart.MINUTE, Decimal("0.10"), remark=text.say("tariff.from_minute", minute=90)),
            TariffRow(PricePart.SESSION, Decimal(0)),
            TariffRow(PricePart.SESSION, None, Decimal("0.35"), label=text.say("tariff.roaming_fee")),
        ),
        text.say("tariff.vat_included", rate=text.vat_rate(Decimal(19))),
    )


def rungs(text: Text) -> tuple[Rung, ...]:
    return (
        Rung(text.say("ladder.sent"), RungState.DONE, timedelta(0)),
        Rung(text.say("ladder.home_platform"), RungState.DONE, timedelta(milliseconds=10)),
        Rung(text.say("ladder.clearing_house"), RungState.DONE, timedelta(milliseconds=20)),
        Rung(text.say("ladder.operator", name="MVV Energie"), RungState.DONE, timedelta(milliseconds=50)),
        Rung(text.say("ladder.station", label="A2"), RungState.NOT_REPORTED),
        Rung(
            text.say("ladder.cable"),
            RungState.WAITING,
            left=timedelta(seconds=48),
            remark=text.say("ladder.plug_in"),
        ),
        Rung(text.say("ladder.energy"), RungState.NEXT),
    )


def curve() -> PowerCurveValues:
    start = datetime(2026, 11, 22, 13, 7, tzinfo=UTC)
    powers = (12, 38, 47, 48, 48, 49, 49, 49, 49, 48, 0, 0, 0, 47, 46, 45, 43, 41, 38, 35, 32, 30, 28, 25)
    samples = tuple(
        PowerSample(start + timedelta(minutes=minute), Decimal(power)) for minute, power in enumerate(powers) if power
    )
    marks = (CurveMark(start + timedelta(minutes=38), "80 %"),)
    return PowerCurveValues(start, start + timedelta(minutes=52), samples, marks, BERLIN)


def receipt(text: Text) -> ReceiptValues:
    return ReceiptValues(
        "EUR",
        (
            ReceiptLine(
                text.say("receipt.energy"),
                Decimal("11.8339"),
                Decimal("0.3277"),
                Decimal("36.112"),
                "kWh",
                Decimal("11.7972"),
                text.say("receipt.more_than_planned", amount="112 Wh"),
            ),
            ReceiptLine(
                text.say("receipt.parking"), Decimal(0), Decimal("0.0840"), Decimal(0), "min", quoted=Decimal(0)
            ),
            ReceiptLine(text.say("tariff.roaming_fee"), Decimal("0.2941"), quoted=Decimal("0.2941")),
        ),
        net=Decimal("12.13"),
        vat=(VatLine(Decimal(19), Decimal("2.30")),),
        total=Decimal("14.43"),
        quoted_total=Decimal("14.39"),
    )


def status(text: Text) -> StatusLineValues:
    mode = text.say("common.demo", speed=60)
    return StatusLineValues("Mannheim Hbf", Connection.LIVE, NOW, timedelta(seconds=2), mode, BERLIN)


class Gallery(App[None]):
    """The widgets on three pages: find, price and charging, receipt and phone."""

    CSS_PATH = STYLES
    HORIZONTAL_BREAKPOINTS = BREAKPOINTS
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, page: str = "find", language: str = "en", dark: bool = True) -> None:
        super().__init__()
        self.page, self.voice, self.dark_theme = page, Text(language), dark

    def on_mount(self) -> None:
        register_themes(self, self.dark_theme)

    def compose(self) -> ComposeResult:
        yield StatusLine(self.voice, status(self.voice))
        yield from getattr(self, f"page_{self.page}")()
        place = {"find": "find", "price": "quote", "receipt": "receipt", "phone": "scan"}[self.page]
        yield KeyLine(self.voice, hints_for(actions_for(place), self.voice), self.voice.say("find.scan_any_time"))

    def page_find(self) -> ComposeResult:
        yield Horizontal(
            SiteTable(self.voice, SITES),
            Vertical(SiteMap(self.voice, MAP), classes="beside"),
            classes="columns",
        )

    def page_price(self) -> ComposeResult:
        fee = IdleFee(True, NOW + timedelta(minutes=66), Decimal("0.1"), zone=BERLIN)
        left: list[Widget] = [StartLadder(self.voice, rungs(self.voice), self.voice.say("ladder.wait_you"))]
        yield VerticalScroll(
            Vertical(TariffCard(self.voice, tariff(self.voice)), classes="card"),
            Horizontal(
                Vertical(*left, classes="card"),
                Vertical(
                    PowerCurve(self.voice, curve(), rows=4), IdleFeeClock(self.voice, fee, NOW), classes="card -next"
                ),
                id="charging",
            ),
            classes="page",
        )

    def page_receipt(self) -> ComposeResult:
        yield VerticalScroll(ReceiptLines(self.voice, receipt(self.voice)), classes="page")

    def page_phone(self) -> ComposeResult:
        yield QrCode(self.voice, HANDOVER)
        yield Static("")


def find() -> Gallery:
    return Gallery("find")


def price() -> Gallery:
    return Gallery("price")


def bill() -> Gallery:
    return Gallery("receipt")


def phone() -> Gallery:
    return Gallery("phone")


def light_price() -> Gallery:
    return Gallery("price", "de", dark=False)


def light_find() -> Gallery:
    return Gallery("find", "fr", dark=False)
