"""Curve, map, ladder, idle clock, tariff, receipt and the two lines: what they say, worked by hand."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from textual.app import App, ComposeResult

from app.actions import actions_for
from app.text import Text
from app.widgets.cells import apart, fit, wrapped
from app.widgets.idle_clock import IdleFee, idle_sentence
from app.widgets.key_line import KeyLine, fitting, hints_for, key_rows
from app.widgets.power_curve import PowerCurveValues, PowerSample, curve_lines, nice_ceiling, slots
from app.widgets.receipt_lines import receipt_content
from app.widgets.site_map import MapPin, SiteMap, SiteMapValues, map_lines, metres_from, nice_step, place_pins, view_of
from app.widgets.site_status import SiteStatus, pin_letter
from app.widgets.start_ladder import Rung, RungState, ladder_lines
from app.widgets.status_line import Connection, StatusLineValues, status_line
from app.widgets.tariff_card import PricePart, TariffCardValues, TariffRow, tariff_lines
from tests.app.gallery import BERLIN, MAP, NOW, receipt, tariff

TEXT = Text()
START = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)


def sample(minute: float, kilowatts: str) -> PowerSample:
    return PowerSample(START + timedelta(minutes=minute), Decimal(kilowatts))


def test_a_report_fills_the_time_since_the_one_before_and_nothing_after_it() -> None:
    values = PowerCurveValues(
        START, START + timedelta(minutes=10), (sample(0, "40"), sample(2.1, "30"), sample(2.9, "20"), sample(7, "5"))
    )
    assert slots(values, 10) == [Decimal(40), Decimal(30), Decimal(20), *[Decimal(5)] * 5, None, None]


def test_reports_outside_of_the_curve_and_a_curve_of_no_length_do_no_harm() -> None:
    assert (
        slots(PowerCurveValues(START, START + timedelta(minutes=10), (sample(-1, "9"), sample(11, "9"))), 2)
        == [None] * 2
    )
    assert slots(PowerCurveValues(START, START, (sample(0, "9"),)), 3) == [None] * 3
    assert curve_lines(PowerCurveValues(START, START), TEXT, 20, 4)


def test_bars_are_as_high_as_their_power() -> None:
    """A top of 40 kW on four rows: 40 fills all, 20 two, 5 half of one; 0.1 still shows that it was reported."""
    samples = (sample(0, "40"), sample(1, "20"), sample(2, "5"), sample(3, "0.1"))
    values = PowerCurveValues(START, START + timedelta(minutes=4), samples)
    lines = [line.plain for line in curve_lines(values, TEXT, 9, 4)]
    assert [line[5:] for line in lines[:4]] == ["█   ", "█   ", "██  ", "██▄▁"]
    assert lines[0].startswith(" 40 ┤") and lines[2].startswith(" 20 ┤")


@pytest.mark.parametrize(
    ("power", "top"), [("0.4", 1), ("11", 20), ("41", 50), ("149", 200), ("350", 400), ("501", 1000)]
)
def test_the_axis_ends_at_a_round_number(power: str, top: int) -> None:
    assert nice_ceiling(Decimal(power)) == top


def test_a_degree_of_latitude_is_sixty_nautical_miles() -> None:
    """A minute of latitude defined the nautical mile, 1,852 m; at 60° a degree of longitude is half as long."""
    at_60 = SiteMapValues(60.0, 0.0)
    east, north = metres_from(at_60, MapPin("A", SiteStatus.FREE, 61.0, 1.0))
    assert north == pytest.approx(60 * 1852, rel=0.002)
    assert east == pytest.approx(30 * 1852, rel=0.002)


def test_the_date_line_is_no_wall() -> None:
    east, _ = metres_from(SiteMapValues(0.0, 179.99), MapPin("A", SiteStatus.FREE, 0.0, -179.99))
    assert east == pytest.approx(0.02 * 60 * 1852, rel=0.002)


def test_north_is_up_and_east_is_right() -> None:
    placed = place_pins(MAP, view_of(MAP, 60, 30))
    column, row = view_of(MAP, 60, 30).centre
    assert placed["B"][1] < row < placed["C"][1]
    assert placed["D"][0] < column < placed["A"][0]


def test_a_metre_is_as_long_up_as_across() -> None:
    """Cells are twice as high as wide: 400 m north are half as many cells as 400 m east."""
    degree = 400 / 111_195
    pins = (MapPin("A", SiteStatus.FREE, degree, 0.0), MapPin("B", SiteStatus.FREE, 0.0, degree))
    values = SiteMapValues(0.0, 0.0, pins)
    view = view_of(values, 60, 30)
    placed = place_pins(values, view)
    assert placed["B"][0] - view.centre[0] == pytest.approx(2 * (view.centre[1] - placed["A"][1]), abs=1)


def test_pins_at_one_place_stand_side_by_side_and_none_is_lost_silently() -> None:
    here = tuple(MapPin(pin_letter(index), SiteStatus.FREE, 49.0, 8.0) for index in range(20))
    values = SiteMapValues(49.0, 8.0, here)
    placed = place_pins(values, view_of(values, 40, 15))
    assert len(set(placed.values())) == len(placed) >= 5
    assert f"{20 - len(placed)} more" in map_lines(values, TEXT, 40, 15)[-1].plain


def test_pins_out_of_reach_are_counted() -> None:
    values = SiteMapValues(49.0, 8.0, (MapPin("A", SiteStatus.FREE, 49.5, 8.0),), reach_m=500)
    assert "1 more, not on the map" in map_lines(values, TEXT, 40, 15)[-1].plain


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (10, 5), (200, 60)])
def test_a_map_of_any_size_fills_it(size: tuple[int, int]) -> None:
    lines = map_lines(MAP, TEXT, *size)
    assert len(lines) == size[1]
    assert {line.cell_length for line in lines} == {size[0]}


@pytest.mark.parametrize(("metres", "step"), [(1, 1), (49, 20), (50, 50), (1999, 1000), (0.3, 0.2)])
def test_rings_and_scale_are_round(metres: float, step: float) -> None:
    assert nice_step(metres) == pytest.approx(step)


def test_the_ladder_names_each_state_in_words() -> None:
    rungs = (
        Rung("sent", RungState.DONE, timedelta(0)),
        Rung("MVV Energie", RungState.DONE, timedelta(milliseconds=1904)),
        Rung("station A2", RungState.NOT_REPORTED),
        Rung("cable", RungState.WAITING, left=timedelta(seconds=48), remark="plug in now"),
        Rung("energy", RungState.NEXT),
    )
    lines = [line.plain for line in ladder_lines(rungs, "Waiting for you.", TEXT, 40)]
    assert lines[0] == "✓ sent                     done · 0.00 s"
    assert lines[1] == "✓ MVV Energie              done · 1.90 s"
    assert lines[2] == "– station A2                not reported"
    assert lines[3:5] == ["▸ cable              waiting · 48 s left", "  plug in now"]
    assert lines[5] == "· energy                         to come"
    assert lines[-1] == "Waiting for you."


def test_a_rung_that_took_minutes_is_not_told_in_hundredths() -> None:
    line = ladder_lines([Rung("energy", RungState.DONE, timedelta(seconds=125))], "", TEXT, 40)[0]
    assert line.plain.endswith("done · 2 min")


def test_on_a_narrow_ladder_the_name_goes_before_the_word() -> None:
    line = ladder_lines([Rung("operator MVV", RungState.DONE, timedelta(seconds=1))], "", TEXT, 24)[0]
    assert line.plain == "✓ operator MVV    1.00 s"


@pytest.mark.parametrize(
    ("fee", "shape", "sentence"),
    [
        (IdleFee(known=False), "?", "The tariff does not say what standing costs"),
        (IdleFee(), "✓", "Standing costs nothing here"),
        (
            IdleFee(True, NOW + timedelta(minutes=66), Decimal("0.1"), zone=BERLIN),
            "○",
            "free to stay until 15:37, then €0.10/min",
        ),
        (
            IdleFee(True, NOW + timedelta(minutes=10), Decimal("0.1"), zone=BERLIN),
            "△",
            "Leave within 10 min: from 14:41 standing costs €0.10/min",
        ),
        (
            IdleFee(True, NOW, Decimal("0.1"), so_far=Decimal("1.3"), most=Decimal(12), zone=BERLIN),
            "▲",
            "Standing has cost €0.10/min since 14:31: €1.30 so far At most €12.00.",
        ),
    ],
)
def test_the_idle_clock_says_until_when_and_what_then(fee: IdleFee, shape: str, sentence: str) -> None:
    assert idle_sentence(fee, NOW, TEXT)[:2] == (shape, sentence)


def test_the_tariff_keeps_the_order_of_afir_and_shows_what_costs_nothing() -> None:
    values = TariffCardValues(
        "Op",
        "Home",
        "EUR",
        (TariffRow(PricePart.OTHER, Decimal(1), label="blocking"), TariffRow(PricePart.KWH, Decimal("0.39"))),
    )
    lines = [line.plain.split() for line in tariff_lines(values, TEXT, 80)]
    assert [line[:-1] for line in lines[2:]] == [
        ["per", "kWh", "€0.39/kWh"],
        ["per", "minute", "–"],
        ["per", "session", "–"],
        ["blocking", "€1.00"],
    ]


def test_on_a_narrow_card_the_fees_of_the_home_csp_stand_beneath() -> None:
    lines = [line.plain.strip() for line in tariff_lines(tariff(TEXT), TEXT, 38)]
    adds = lines.index("your provider adds")
    assert not any("roaming fee" in line for line in lines[:adds])
    assert lines[adds + 1].split() == ["roaming", "fee", "€0.35"]


@pytest.mark.parametrize("width", [40, 100])
def test_the_receipt_explains_every_difference(width: int) -> None:
    text = "\n".join(line.plain for line in receipt_content(receipt(TEXT), TEXT, width))
    for words in (
        "36.112 kWh × €0.3277",
        "11.8339",
        "11.7972",
        "+ 0.0367",
        "112 Wh more than planned",
        "VAT 19 %",
        "€14.43",
        "€14.39",
    ):
        assert words in text


def test_the_status_line_says_connection_and_age_without_colour() -> None:
    values = StatusLineValues("Mannheim Hbf", Connection.LOST, NOW, timedelta(minutes=2), "demo ×60", BERLIN)
    line = status_line(values, TEXT, 100).plain
    assert line.startswith("evroam · Mannheim Hbf") and line.endswith("demo ×60   14:31   ✕ no connection 2 min")


class KeysApp(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.pressed: list[str] = []

    def compose(self) -> ComposeResult:
        yield SiteMap(TEXT, MAP)
        yield KeyLine(TEXT, hints_for(actions_for("find"), TEXT))

    def on_key_line_pressed(self, event: KeyLine.Pressed) -> None:
        self.pressed.append(event.hint.action)

    def on_site_map_pin_chosen(self, event: SiteMap.PinChosen) -> None:
        self.pressed.append(event.letter)


def test_keys_and_pins_can_be_touched() -> None:
    async def run() -> list[str]:
        app = KeysApp()
        async with app.run_test(size=(80, 24)) as pilot:
            line, chart = app.query_one(KeyLine), app.query_one(SiteMap)
            for row, hints in enumerate(key_rows(line.hints, line.content_size.width)):
                for start, _ in hints:
                    await pilot.click(KeyLine, offset=(1 + start + 1, row))
            placed = place_pins(MAP, view_of(MAP, *chart.content_size))
            await pilot.click(SiteMap, offset=placed["C"])
            await pilot.click(SiteMap, offset=(placed["D"][0] - 1, placed["D"][1]))
            await pilot.click(SiteMap, offset=(0, 12))
            await pilot.pause()
        return app.pressed

    assert asyncio.run(run()) == [
        "open_site",
        "around",
        "filters",
        "my_session",
        "favourite",
        "to_session",
        "help",
        "back",
        "C",
        "D",
    ]


@pytest.mark.parametrize("width", [20, 40, 60, 200])
def test_the_next_step_help_and_the_way_out_are_always_shown(width: int) -> None:
    hints = fitting(hints_for(actions_for("find"), Text("fr")), width)
    assert {"enter", "f1", "escape"} <= {hint.key for hint in hints}


def test_words_are_cut_and_wrapped_by_cells() -> None:
    """CJK characters take two cells each."""
    assert fit("充电站", 5) == "充电…"
    assert fit("ab", 4, right=True) == "  ab"
    assert wrapped("one two three", 7) == ["one two", "three"]
    assert wrapped("abcdefgh", 3) == ["abc", "def", "gh"]
    assert wrapped("", 5) == [""]
    assert apart("left", "right", 12) == "left   right"
    assert apart("much too long", "right", 12) == "much … right"
