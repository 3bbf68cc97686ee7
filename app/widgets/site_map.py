"""The map beside the table: north up, rings of equal distance, a scale bar, and the table's letters as pins."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive

from app.text import Text
from app.widgets.cells import fit
from app.widgets.paper import Paper
from app.widgets.site_status import SiteStatus

EARTH_RADIUS_M = 6_371_008.8
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Bits of a braille cell, by row and column of its dots."""

Cell = tuple[str, str]


@dataclass(frozen=True)
class MapPin:
    """A site: its letter in the table, what its points do, and where it is, in degrees (WGS 84)."""

    letter: str
    status: SiteStatus
    latitude: float
    longitude: float


@dataclass(frozen=True)
class SiteMapValues:
    """Where the driver is, and the pins, nearest first. reach_m: how far the map shows; None is as far as its pins."""

    latitude: float
    longitude: float
    pins: tuple[MapPin, ...] = ()
    selected: str = ""
    reach_m: float | None = None


@dataclass(frozen=True)
class View:
    """How metres become cells: a row is twice as high as a column is wide."""

    width: int
    height: int
    metres_per_row: float

    @property
    def centre(self) -> tuple[int, int]:
        """The cell of the driver."""
        return self.width // 2, self.height // 2

    def cell(self, east: float, north: float) -> tuple[int, int]:
        """The cell of a place so many metres east and north of the driver."""
        column, row = self.centre
        return column + round(east / self.metres_per_row * 2), row - round(north / self.metres_per_row)

    def holds(self, column: int, row: int) -> bool:
        """Whether a cell is on the map."""
        return 0 <= column < self.width and 0 <= row < self.height


class SiteMap(Paper):
    """Draws pins by shape, letter and colour. Posts `PinChosen` when one is clicked."""

    DEFAULT_CSS = """
    SiteMap { height: 1fr; }
    """

    class PinChosen(Message):
        """A pin was clicked or touched."""

        def __init__(self, letter: str) -> None:
            super().__init__()
            self.letter = letter

    values: reactive[SiteMapValues | None] = reactive(None)

    def __init__(self, text: Text, values: SiteMapValues | None = None, *, id: str | None = None) -> None:
        super().__init__(text, id=id)
        self.set_reactive(SiteMap.values, values)

    def lines(self, width: int) -> list[Content]:
        """The map at a width in cells and the widget's height."""
        height = self.content_size.height
        return map_lines(self.values, self.text, width, height) if self.values and height else []

    def on_click(self, event: events.Click) -> None:
        """Take the pin under the pointer, or one cell beside it: fingers are thick."""
        offset = event.get_content_offset(self)
        if offset is None or self.values is None:
            return
        placed = place_pins(self.values, view_of(self.values, *self.content_size))
        near = [(abs(column - offset.x), letter) for letter, (column, row) in placed.items() if row == offset.y]
        if near and min(near)[0] <= 2:
            self.post_message(self.PinChosen(min(near)[1]))


def metres_from(values: SiteMapValues, pin: MapPin) -> tuple[float, float]:
    """How far a pin lies east and north of the driver, on a plane that touches the earth there."""
    degree = math.radians(EARTH_RADIUS_M)
    longitude = (pin.longitude - values.longitude + 180) % 360 - 180
    return longitude * degree * math.cos(math.radians(values.latitude)), (pin.latitude - values.latitude) * degree


def nice_step(metres: float) -> float:
    """The largest of 1, 2 and 5 times a power of ten that is not above it."""
    power = 10.0 ** math.floor(math.log10(metres))
    return next(step * power for step in (5, 2, 1) if step * power <= metres * 1.000001)


def view_of(values: SiteMapValues, width: int, height: int) -> View:
    """A view that holds the pins (or the reach) with a cell of air on each side, and at least 50 m."""
    half_columns, half_rows = max(1, width // 2 - 4), max(1, height // 2 - 2)
    if values.reach_m is not None:
        return View(width, height, max(50.0, values.reach_m) / min(half_rows, half_columns / 2))
    places = [metres_from(values, pin) for pin in values.pins]
    needed = [max(abs(east) / half_columns * 2, abs(north) / half_rows) for east, north in places]
    return View(width, height, max([50.0 / half_rows, *needed]))


def place_pins(values: SiteMapValues, view: View) -> dict[str, tuple[int, int]]:
    """The cell of each pin's shape, by letter; where two meet, the later one moves to the nearest free place."""
    column, row = view.centre
    taken = {(column + offset, row) for offset in (-1, 0, 1)}
    placed: dict[str, tuple[int, int]] = {}
    for pin in values.pins:
        column, row = view.cell(*metres_from(values, pin))
        for step_column, step_row in ((0, 0), (3, 0), (-3, 0), (0, 1), (0, -1), (4, 1), (-4, 1), (4, -1), (-4, -1)):
            at = (column + step_column, row + step_row)
            cells = {(at[0] + offset, at[1]) for offset in (-2, -1, 0)}
            if cells & taken or not all(view.holds(*cell) for cell in cells):
                continue
            taken |= cells
            placed[pin.letter] = at
            break
    return placed


def map_lines(values: SiteMapValues, text: Text, width: int, height: int) -> list[Content]:
    """The map over a width and height in cells; its first line has north and the scale, its last what is not on it."""
    view = view_of(values, width, height)
    grid: list[list[Cell]] = [[(" ", "")] * width for _ in range(height)]
    reach = view.metres_per_row * max(height / 2, width / 4)
    ring = nice_step(max(1.0, view.metres_per_row * min(height / 2, width / 4) / 1.5))
    _draw_rings(grid, view, ring, reach)
    column, row = view.centre
    if view.holds(column, row):
        grid[row][column] = ("╋", "bold $foreground")
    placed = place_pins(values, view)
    for pin in values.pins:
        if pin.letter in placed:
            _draw_pin(grid, pin, placed[pin.letter], pin.letter == values.selected)
    _draw_scale(grid, view, text)
    hidden = len(values.pins) - len(placed)
    if hidden:
        _write(grid, height - 1, 0, fit(text.say("map.hidden", count=hidden), width).rstrip(), "$text-muted")
    return [_line(cells) for cells in grid]


def _draw_rings(grid: list[list[Cell]], view: View, ring: float, reach: float) -> None:
    dots: dict[tuple[int, int], int] = {}
    dot = view.metres_per_row / 4
    column, row = view.centre
    for number in range(1, int(reach / ring) + 1):
        radius = number * ring / dot
        for index in range(max(8, int(2 * math.pi * radius / 2.5))):
            angle = index * 2 * math.pi / max(8, int(2 * math.pi * radius / 2.5))
            x = column * 2 + 1 + round(radius * math.cos(angle))
            y = row * 4 + 2 - round(radius * math.sin(angle))
            if view.holds(x // 2, y // 4):
                dots[x // 2, y // 4] = dots.get((x // 2, y // 4), 0) | _DOTS[y % 4][x % 2]
    for (at_column, at_row), bits in dots.items():
        grid[at_row][at_column] = (chr(0x2800 + bits), "$border-blurred")


def _draw_pin(grid: list[list[Cell]], pin: MapPin, at: tuple[int, int], selected: bool) -> None:
    column, row = at
    ground = " on $block-cursor-background" if selected else ""
    grid[row][column] = (pin.status.shape, f"bold {pin.status.colour}{ground}")
    grid[row][column - 1] = (" ", ground.strip())
    grid[row][column - 2] = (pin.letter, f"bold $foreground{ground}")
    if selected and column >= 3:
        grid[row][column - 3] = ("▶", "bold $accent")


def _draw_scale(grid: list[list[Cell]], view: View, text: Text) -> None:
    length = nice_step(view.metres_per_row / 2 * max(4, view.width / 4))
    cells = max(2, round(length / view.metres_per_row * 2))
    words = f"{text.distance(round(length))} ├{'─' * (cells - 2)}┤"
    _write(grid, 0, view.width - cell_len(words), words, "$text-muted")
    clear = view.centre[0] + 1 < view.width - cell_len(words)
    _write(grid, 0, view.centre[0] if clear else 0, text.say("map.north"), "bold $foreground")


def _write(grid: list[list[Cell]], row: int, column: int, words: str, style: str) -> None:
    for offset, character in enumerate(words):
        if grid and 0 <= column + offset < len(grid[row]):
            grid[row][column + offset] = (character, style)


def _line(cells: Sequence[Cell]) -> Content:
    return Content.assemble(*cells)
