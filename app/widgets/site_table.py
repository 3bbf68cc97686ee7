"""The table of sites: a view of any number of rows that draws only the lines in sight.

Textual's DataTable measures and stores every cell and takes seconds for 100,000 rows; this one costs the same for ten
rows as for a million, so that each key of a search may hand it a new list.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from app.text import Text
from app.widgets.cells import fit, shown
from app.widgets.site_status import SiteStatus, pin_letter


@dataclass(frozen=True, slots=True)
class SiteRow:
    """One site as the table shows it.

    distance_m: metres, None where the place is not known. free, total: charging points; free is None where it is
    unknown. top_kw: the strongest point. my_session: the price of my session, None where there is none; then `remark`
    stands there.
    """

    name: str
    operator: str
    status: SiteStatus
    distance_m: int | None
    free: int | None
    total: int
    top_kw: Decimal | None
    my_session: Decimal | None = None
    currency: str = "EUR"
    cheapest: bool = False
    favourite: bool = False
    remark: str = ""


@dataclass(frozen=True)
class Column:
    """A column: its heading's key, its width in cells, and what it writes of a row."""

    heading: str
    width: int
    write: Callable[[SiteRow, Text], str]
    right: bool = False


def _distance(row: SiteRow, text: Text) -> str:
    return "–" if row.distance_m is None else text.distance(row.distance_m)


def _free(row: SiteRow, text: Text) -> str:
    if row.status is SiteStatus.OUT_OF_ORDER:
        return "–"
    return "?" if row.free is None or row.status is SiteStatus.UNKNOWN else f"{row.free}/{row.total}"


def _power(row: SiteRow, text: Text) -> str:
    return "–" if row.top_kw is None else text.power(row.top_kw)


def _price(row: SiteRow, text: Text) -> str:
    if row.my_session is None:
        return row.remark or (text.say(row.status.word) if row.status is SiteStatus.OUT_OF_ORDER else "–")
    return text.money(row.my_session, row.currency) + (" ▼" if row.cheapest else "  ")


def _name(row: SiteRow, text: Text) -> str:
    return f"★ {row.name}" if row.favourite else row.name


@lru_cache(maxsize=64)
def columns_for(width: int) -> tuple[Column, ...]:
    """The columns that fit a width in cells; name, distance and price always stay."""
    distance, free = Column("site.distance", 8, _distance, right=True), Column("site.free", 7, _free, right=True)
    power, price = Column("site.top_power", 8, _power, right=True), Column("site.my_session", 14, _price, right=True)
    operator = Column("site.operator", 22, lambda row, text: row.operator)
    shown = [distance]
    if width >= 48:
        shown.append(free)
    if width >= 58:
        shown.append(power)
    shown.append(price if width >= 48 else Column(price.heading, 13, _price, right=True))
    if width >= 110:
        shown.insert(0, operator)
    taken = _LEAD + sum(1 + column.width for column in shown)
    return (Column("site.name", max(6, width - taken), _name), *shown)


_LEAD = 6
"""Cells before the name: cursor, pin, space, shape, space, and one of air."""


def spoken(row: SiteRow, index: int, text: Text) -> str:
    """A row as a sentence, for the linear mode: nothing of it rests on shape, colour or place."""
    parts = [
        pin_letter(index).strip(),
        row.name,
        row.operator,
        text.say(row.status.word),
        *(f"{text.say(column.heading)} {column.write(row, text).strip(' ▼')}" for column in columns_for(80)[1:]),
        text.say("find.cheapest").lstrip("▼ ") if row.cheapest else "",
    ]
    return ", ".join(shown(part) for part in parts if part)


class SiteTable(ScrollView, can_focus=True):
    """Sites, a row each, under a line of headings; the cursor is a mark and a ground.

    Posts `Highlighted` when the cursor comes to another row and `Chosen` for Enter, or a click on the row of the
    cursor.
    """

    BINDINGS = [
        Binding("up", "cursor(-1)", show=False),
        Binding("down", "cursor(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home", "edge(0)", show=False),
        Binding("end", "edge(1)", show=False),
        Binding("enter", "choose", show=False),
    ]
    COMPONENT_CLASSES = {
        "site-table--heading",
        "site-table--quiet",
        "site-table--cursor",
        "site-table--marker",
        *(f"site-table--{status.name.lower()}" for status in SiteStatus),
    }
    DEFAULT_CSS = """
    SiteTable { height: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1; }
    SiteTable > .site-table--heading { color: $text-muted; }
    SiteTable > .site-table--quiet { color: $text-muted; }
    SiteTable > .site-table--cursor {
        background: $block-cursor-blurred-background; color: $block-cursor-blurred-foreground;
    }
    SiteTable:focus > .site-table--cursor {
        background: $block-cursor-background; color: $block-cursor-foreground; text-style: bold;
    }
    SiteTable > .site-table--marker { color: $accent; text-style: bold; }
    SiteTable > .site-table--free { color: $success; }
    SiteTable > .site-table--partly { color: $warning; }
    SiteTable > .site-table--busy { color: $secondary; }
    SiteTable > .site-table--out_of_order { color: $error; }
    SiteTable > .site-table--unknown { color: $text-muted; }
    """

    class Highlighted(Message):
        """The cursor is on another row."""

        def __init__(self, table: "SiteTable", index: int, row: SiteRow) -> None:
            super().__init__()
            self.table, self.index, self.row = table, index, row

        @property
        def control(self) -> "SiteTable":
            """The table."""
            return self.table

    class Chosen(Highlighted):
        """The driver wants this site."""

    text: reactive[Text] = reactive(Text)
    cursor: reactive[int] = reactive(0)

    def __init__(self, text: Text, rows: Sequence[SiteRow] = (), *, id: str | None = None, empty: str = "") -> None:
        super().__init__(id=id)
        self.set_reactive(SiteTable.text, text)
        self.empty = empty
        self._rows = rows
        self.virtual_size = Size(0, len(rows) + 1)

    @property
    def rows(self) -> Sequence[SiteRow]:
        """What is shown; only the rows in sight are ever asked for."""
        return self._rows

    @property
    def row(self) -> SiteRow | None:
        """The row of the cursor."""
        return self._rows[self.cursor] if self._rows else None

    def show(self, rows: Sequence[SiteRow], cursor: int | None = None) -> None:
        """Show other rows; the cursor goes to an index, or stays at its own as far as there are rows."""
        self._rows = rows
        self.virtual_size = Size(0, len(rows) + 1)
        wanted = self.validate_cursor(self.cursor if cursor is None else cursor)
        if wanted == self.cursor:
            self._announce()
        self.cursor = wanted
        self._bring_into_sight()
        self.refresh()

    def validate_cursor(self, cursor: int) -> int:
        """The nearest row there is."""
        return max(0, min(cursor, len(self._rows) - 1))

    def watch_cursor(self, before: int, after: int) -> None:
        """Redraw the two lines, keep the cursor in sight, tell the screen."""
        self._bring_into_sight()
        self.refresh_line(before + 1)
        self.refresh_line(after + 1)
        self._announce()

    def _announce(self) -> None:
        if self._rows and self.is_mounted:
            self.post_message(self.Highlighted(self, self.cursor, self._rows[self.cursor]))

    def _bring_into_sight(self) -> None:
        page, top = self._page, round(self.scroll_y)
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False)
        elif self.cursor >= top + page:
            self.scroll_to(y=self.cursor - page + 1, animate=False)

    @property
    def _page(self) -> int:
        return max(1, self.scrollable_content_region.height - 1)

    def on_resize(self) -> None:
        """Another size keeps the cursor in sight."""
        self._bring_into_sight()

    def on_mount(self) -> None:
        """Tell the screen where the cursor stands."""
        self._announce()

    def action_cursor(self, by: int) -> None:
        """Some rows on."""
        self.cursor += by

    def action_page(self, by: int) -> None:
        """Some pages on."""
        self.cursor += by * self._page

    def action_edge(self, last: int) -> None:
        """The first row, or the last."""
        self.cursor = len(self._rows) - 1 if last else 0

    def action_choose(self) -> None:
        """Take the row of the cursor."""
        if self._rows:
            self.post_message(self.Chosen(self, self.cursor, self._rows[self.cursor]))

    def on_click(self, event: events.Click) -> None:
        """A click brings the cursor; a click on the cursor's row chooses."""
        index = event.y - 1 + round(self.scroll_y)
        if event.y < 1 or index >= len(self._rows):
            return
        if index == self.cursor:
            self.action_choose()
        self.cursor = index

    def render_line(self, y: int) -> Strip:
        """One line in sight: the headings, a row, or nothing."""
        width = self.scrollable_content_region.width
        index = y - 1 + round(self.scroll_y)
        if y == 0:
            return self._heading_line(width)
        if not self._rows and y == 2 and self.empty:
            quiet = self.get_component_rich_style("site-table--quiet")
            return Strip([Segment(fit(" " * _LEAD + self.empty, width), quiet)], width)
        if index >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        return self._row_line(index, width)

    def _heading_line(self, width: int) -> Strip:
        cells = [" " * _LEAD]
        for column in columns_for(width):
            heading = self.text.say(column.heading) + ("  " if column.write is _price else "")
            cells.append(fit(heading, column.width, column.right))
        line = " ".join(cells)[1:]
        return Strip([Segment(fit(line, width), self.get_component_rich_style("site-table--heading"))], width)

    def _row_line(self, index: int, width: int) -> Strip:
        row, here = self._rows[index], index == self.cursor
        ground = self.get_component_rich_style("site-table--cursor") if here else self.rich_style
        marker = self._ink("marker", ground)
        segments = [
            Segment(" ▶" if here else "  ", marker),
            Segment(pin_letter(index) + " ", ground),
            Segment(row.status.shape, self._ink(row.status.name.lower(), ground)),
        ]
        for column in columns_for(width):
            words = fit(column.write(row, self.text), column.width, column.right)
            best = column.write is _price and row.cheapest
            segments.append(Segment(" " + words, marker if best else ground))
        line = Strip(segments)
        return line.adjust_cell_length(width, ground)

    def _ink(self, name: str, ground: Style) -> Style:
        ink = self.get_component_rich_style(f"site-table--{name}", partial=True)
        return ground + Style(color=ink.color, bold=ink.bold)
