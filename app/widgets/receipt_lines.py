"""The receipt's table: every part as unit price × quantity, beside what was quoted, and why the two differ."""

from dataclasses import dataclass
from decimal import Decimal

from rich.cells import cell_len
from textual.content import Content
from textual.reactive import reactive

from app.text import Text
from app.widgets.cells import apart, fit, wrapped
from app.widgets.paper import Paper


@dataclass(frozen=True)
class ReceiptLine:
    """One part of the price, net of VAT.

    unit_price times quantity (in `unit`) is net, unrounded. quoted: the same part in the quote. explanation: why they
    differ. step: how the quantity was rounded, as a sentence.
    """

    description: str
    net: Decimal
    unit_price: Decimal | None = None
    quantity: Decimal | None = None
    unit: str = ""
    quoted: Decimal | None = None
    explanation: str = ""
    step: str = ""

    @property
    def difference(self) -> Decimal | None:
        """What was charged beyond the quote; None where nothing was quoted."""
        return None if self.quoted is None else self.net - self.quoted


@dataclass(frozen=True)
class VatLine:
    """VAT at one rate, given as 19 for 19 %."""

    rate: Decimal
    amount: Decimal


@dataclass(frozen=True)
class ReceiptValues:
    """Lines and totals in one currency; quoted_total: what the quote said, None without a quote."""

    currency: str
    lines: tuple[ReceiptLine, ...]
    net: Decimal
    vat: tuple[VatLine, ...]
    total: Decimal
    quoted_total: Decimal | None = None


class ReceiptLines(Paper):
    """Shows the table; on a narrow screen each part is a few lines."""

    values: reactive[ReceiptValues | None] = reactive(None, layout=True)

    def __init__(self, text: Text, values: ReceiptValues | None = None, *, id: str | None = None) -> None:
        super().__init__(text, id=id)
        self.set_reactive(ReceiptLines.values, values)

    def lines(self, width: int) -> list[Content]:
        """The table at a width in cells."""
        return receipt_content(self.values, self.text, width) if self.values else []


def receipt_content(values: ReceiptValues, text: Text, width: int) -> list[Content]:
    """Headings, a line a part, explanations beneath, then the totals at the right edge."""
    wide = width >= 72
    lines = [_headings(text, width), Content.styled("─" * width, "$text-muted")] if wide else []
    for line in values.lines:
        lines.extend(_wide(line, text, values.currency, width) if wide else _narrow(line, text, values.currency, width))
    return [*lines, Content.styled("─" * width, "$text-muted"), *_totals(values, text, width)]


def _columns(width: int) -> tuple[int, int, int, int, int]:
    description = min(26, max(16, width - 60))
    net = quoted = difference = 11
    return description, width - description - net - quoted - difference, net, quoted, difference


def _fine(amount: Decimal, text: Text) -> str:
    return text.number(amount, 4)


def _signed(amount: Decimal, text: Text) -> str:
    return "" if not amount else ("+ " if amount > 0 else "− ") + _fine(abs(amount), text)


def _product(line: ReceiptLine, text: Text, currency: str) -> str:
    if line.unit_price is None or line.quantity is None:
        return ""
    return f"{text.number(line.quantity)} {line.unit} × {text.unit_price(line.unit_price, currency)}"


def _headings(text: Text, width: int) -> Content:
    description, product, net, quoted, difference = _columns(width)
    line = (
        fit(text.say("receipt.part"), description)
        + fit(text.say("receipt.product"), product)
        + fit(text.say("receipt.net"), net, right=True)
        + fit(text.say("receipt.quoted"), quoted, right=True)
        + fit(text.say("receipt.difference"), difference, right=True)
    )
    return Content.styled(line, "$text-muted")


def _wide(line: ReceiptLine, text: Text, currency: str, width: int) -> list[Content]:
    description, product, net, quoted, difference = _columns(width)
    off = line.difference
    row = Content.assemble(
        (fit(line.description, description), "bold"),
        fit(_product(line, text, currency), product),
        fit(_fine(line.net, text), net, right=True),
        (fit("–" if line.quoted is None else _fine(line.quoted, text), quoted, right=True), "$text-muted"),
        (fit("" if off is None else _signed(off, text), difference, right=True), "$warning"),
    )
    return [row, *_notes(line, description, width)]


def _notes(line: ReceiptLine, indent: int, width: int) -> list[Content]:
    notes = [note for note in (line.explanation, line.step) if note]
    return [
        Content.styled(" " * indent + part, "$text-muted")
        for note in notes
        for part in wrapped(note, max(10, width - indent))
    ]


def _narrow(line: ReceiptLine, text: Text, currency: str, width: int) -> list[Content]:
    lines = [Content.styled(apart(line.description, _fine(line.net, text), width), "bold")]
    if product := _product(line, text, currency):
        lines.append(Content("  " + fit(product, width - 2)))
    if line.quoted is not None and line.difference:
        words = f"{text.say('receipt.quoted')} {_fine(line.quoted, text)}"
        lines.append(Content.styled("  " + apart(words, _signed(line.difference, text), width - 2), "$warning"))
    return [*lines, *_notes(line, 2, width)]


def _totals(values: ReceiptValues, text: Text, width: int) -> list[Content]:
    rows: list[tuple[str, Decimal, str]] = [(text.say("receipt.net_total"), values.net, "")]
    rows += [(text.say("receipt.vat", rate=text.vat_rate(vat.rate)), vat.amount, "") for vat in values.vat]
    rows.append((text.say("receipt.total"), values.total, "bold $accent"))
    if values.quoted_total is not None:
        rows.append((text.say("receipt.quote_said"), values.quoted_total, "$text-muted"))
    return [_total(label, text.money(amount, values.currency), style, width) for label, amount, style in rows]


def _total(label: str, amount: str, style: str, width: int) -> Content:
    column = min(width, 44)
    return Content.assemble(
        " " * (width - column), (apart(label, fit(amount, max(14, cell_len(amount)), right=True), column), style)
    )
