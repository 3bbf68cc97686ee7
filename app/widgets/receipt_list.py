"""Receipts as a list to choose from: newest first, month by month, written for the width that there is."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from textual import events
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from app.text import Text
from app.widgets.cells import fit, shown
from app.zones import zone_of
from core.driver_messages import History, Money, ReceiptSummary


class ReceiptList(OptionList):
    """Shows receipts under the headings of their months; the id of an option is that of its receipt."""

    DEFAULT_CSS = """
    ReceiptList { height: 1fr; border: none; padding: 0; background: $background; scrollbar-size-vertical: 1; }
    ReceiptList:focus { border: none; background-tint: transparent; }
    ReceiptList > .option-list--option-disabled { color: $foreground; }
    """

    def __init__(self, text: Text, history: History, receipts: Sequence[ReceiptSummary]) -> None:
        super().__init__(markup=False)
        self._text, self._history, self._receipts = text, history, tuple(receipts)
        self._written_for = 0

    def show(self, receipts: Sequence[ReceiptSummary]) -> None:
        """Show these receipts of the history, with the cursor on the first."""
        self._receipts = tuple(receipts)
        self._write(None)

    def on_resize(self, event: events.Resize) -> None:
        """Rows are written for a width."""
        if self.scrollable_content_region.width != self._written_for:
            self._write(self.highlighted_option.id if self.highlighted_option else None)

    def _write(self, chosen: str | None) -> None:
        self._written_for = width = self.scrollable_content_region.width
        self.clear_options()
        if width <= 0:
            return
        self.add_options(_options(self._receipts, self._history, self._text, width))
        wanted = [index for index, one in enumerate(self.options) if one.id is not None and chosen in (None, one.id)]
        self.highlighted = next(iter(wanted), None)


def month_of(receipt: ReceiptSummary) -> str:
    """Year and month in which the session began, at its place: 2026-11."""
    return receipt.started_at.astimezone(zone_of(receipt.time_zone)).strftime("%Y-%m")


def month_name(month: str, text: Text) -> str:
    """The month in words; as it is where it cannot be read."""
    try:
        first = datetime.fromisoformat(f"{month}-01T12:00:00+00:00")
    except ValueError:
        return month
    return text.month(first, zone_of("UTC"))


def month_lines(history: History, month: str, text: Text) -> list[Content]:
    """The heading of a month: energy, total and price a kWh, once a currency."""
    lines = []
    for name, energy, total in history.months:
        if name != month:
            continue
        words = text.say(
            "history.month",
            month=month_name(month, text),
            energy=text.energy(energy),
            price=text.money(total.amount, total.currency),
        )
        if energy > 0:
            words += " · " + text.say("history.per_kwh", price=_per_kwh(energy, total, text))
        lines.append(Content.styled(shown(words), "bold"))
    return lines or [Content.styled(shown(month_name(month, text)), "bold")]


def _per_kwh(energy: Decimal, total: Money, text: Text) -> str:
    return text.money(total.amount / energy, total.currency) + "/" + text.say("unit.kwh")


def row_line(receipt: ReceiptSummary, text: Text, width: int) -> Content:
    """One receipt: date, site and total always; time and energy, then city and operator where there is room."""
    zone = zone_of(receipt.time_zone)
    day, time = text.date(receipt.started_at, zone), text.time(receipt.started_at, zone)
    total = text.money(receipt.total.amount, receipt.total.currency)
    if receipt.credited:
        total = text.say("history.credited")
    if width < 66:
        return Content.assemble(fit(f"  {day}", 15), fit(receipt.site_name, width - 27), fit(total, 12, right=True))
    lead = fit(f"  {day}  {time}", 24)
    energy = fit(text.energy(receipt.energy_kwh), 14, right=True)
    tail = fit(total, 14, right=True)
    room = width - 24 - 14 - 14
    if width < 90:
        return Content.assemble(lead, fit(receipt.site_name, room), energy, (tail, "bold"))
    site = room // 2
    place = f"{receipt.site_name}, {receipt.city}" if receipt.city else receipt.site_name
    return Content.assemble(
        lead, fit(place, site - 1), " ", (fit(receipt.operator, room - site), "$text-muted"), energy, (tail, "bold")
    )


def _options(receipts: Sequence[ReceiptSummary], history: History, text: Text, width: int) -> Iterator[Option]:
    month = None
    for one in receipts:
        if month_of(one) != month:
            if month is not None:
                yield Option(" ", disabled=True)
            month = month_of(one)
            yield from (
                Option(line.truncate(width, ellipsis=True), disabled=True) for line in month_lines(history, month, text)
            )
        yield Option(row_line(one, text, width), id=one.id)
