"""The statement of a batch as PDF, for people; figures are those of the CSV."""

from collections.abc import Iterable
from decimal import Decimal

from fpdf import FPDF
from fpdf.enums import XPos, YPos

from core.model.clearing.minor_units import from_minor
from core.model.clearing.statement import Statement

_WIDTHS = (46, 46, 34, 20, 22, 32, 32, 40)
_HEAD = ("SDR", "credits", "ended (UTC)", "country", "kWh", "net", "tax", "gross")
_FONT = "Helvetica"


def statement_pdf(statement: Statement) -> bytes:
    """One A4 document, as many pages as it needs."""
    paper = _Paper(statement)
    paper.add_page()
    paper.set_font(_FONT, size=9)
    currency = statement.currency
    _table(paper, _HEAD, ((
        one.id, one.original or "", f"{one.ended_at:%Y-%m-%d %H:%M}", one.country, f"{one.energy:f}",
        _money(one.net, currency), _money(one.tax, currency), _money(one.gross, currency),
    ) for one in statement.lines))  # fmt: skip
    paper.ln(3)
    _table(paper, ("taxes, gross by country", "", "rate", "country", "", "base", "tax", ""), ((
        f"{vat.supplier} to {vat.customer}", "", _rate(vat.rate), vat.country, "",
        _money(vat.base, currency), _money(vat.tax, currency), "",
    ) for vat in statement.vat))  # fmt: skip
    paper.ln(3)
    tax = _money(statement.gross - statement.net, currency)
    total = (_money(statement.net, currency), tax, _money(statement.gross, currency))
    _table(paper, ("total", "", "", "", "", *total), ())
    for line in _closing(statement):
        paper.ln(1)
        paper.cell(0, 5, _latin(line), new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    return bytes(paper.output())


class _Paper(FPDF):
    def __init__(self, statement: Statement) -> None:
        super().__init__(orientation="L", format="A4")
        self._statement = statement
        self.set_creation_date(statement.cut_off)
        self.set_auto_page_break(True, margin=15)

    def header(self) -> None:
        """The head of every page."""
        one = self._statement
        self.set_font(_FONT, "B", 12)
        title = _latin(f"Statement {one.batch_id}")
        self.cell(0, 7, title, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.set_font(_FONT, size=9)
        local = one.cut_off.isoformat(timespec="minutes")
        cut_off = f"Cut-off {local}, midnight in {one.time_zone}"
        about = f"{one.debtor} owes {one.creditor}. Agreement {one.agreement_id}. {cut_off}. {one.state}."
        self.cell(0, 5, _latin(about), new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(2)

    def footer(self) -> None:
        """The number of the page."""
        self.set_y(-12)
        self.set_font(_FONT, size=8)
        self.cell(0, 5, f"{self.page_no()}", align="R")


def _table(paper: FPDF, head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    paper.set_font(_FONT, "B", 9)
    _row(paper, head)
    paper.set_font(_FONT, size=9)
    for row in rows:
        _row(paper, row)


def _row(paper: FPDF, cells: tuple[str, ...]) -> None:
    if paper.will_page_break(5):
        paper.add_page()
        paper.set_font(_FONT, size=9)
    for at, (width, text) in enumerate(zip(_WIDTHS, cells, strict=True)):
        shown = _latin(text)
        while paper.get_string_width(shown) > width - 2:
            shown = shown[:-2] + "~"
        paper.cell(width, 5, shown, align="R" if at > 3 else "L")
    paper.ln(5)


def _closing(statement: Statement) -> list[str]:
    currency = statement.currency
    lines = [f"Held back, as disputed: {held}" for held in statement.held_back]
    for one in statement.payments:
        word = "pays to the settlement account" if one.units < 0 else "is paid from the settlement account"
        lines.append(
            f"After netting {one.netting_id}, {one.party} {word} {_money(abs(one.units), currency)}; "
            f"{_money(one.settled_units, currency)} of it done."
        )
    if statement.root is not None:
        lines.append(f"Content of the batch: {statement.root}")
    return lines


def _money(units: int, currency: str) -> str:
    amount: Decimal = from_minor(units, currency)
    return f"{amount:f} {currency}"


def _rate(rate: Decimal | None) -> str:
    return "as stated" if rate is None else f"{rate:f} %"


def _latin(text: str) -> str:
    """The standard fonts of PDF know Latin-1 only."""
    return text.encode("latin-1", "replace").decode("latin-1")
