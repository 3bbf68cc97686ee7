"""The tariff in plain words: what the operator charges and what the home-CSP adds, in the order that AFIR asks for.

Regulation (EU) 2023/1804, Article 5(4): price per kWh, per minute, per session, and any other component, in that order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from itertools import zip_longest

from rich.cells import cell_len
from textual.content import Content
from textual.reactive import reactive

from app.text import Text
from app.widgets.cells import fit, shown, wrapped
from app.widgets.paper import Paper


class PricePart(Enum):
    """What a price is paid for; the order is the order on the card, the value the unit behind the price."""

    KWH = "kWh"
    MINUTE = "min"
    SESSION = ""
    OTHER = " "

    @property
    def label(self) -> str:
        """The key of its word in `app.text`."""
        return f"tariff.{self.name.lower()}"


@dataclass(frozen=True)
class TariffRow:
    """One price: amounts of the currency per unit of the part, None where that side charges nothing of the kind.

    label: what an OTHER price is for. remark: when or from where on it holds, as a sentence.
    """

    part: PricePart
    operator: Decimal | None = None
    home_csp: Decimal | None = None
    label: str = ""
    remark: str = ""


@dataclass(frozen=True)
class TariffCardValues:
    """A tariff: who charges, who adds, the prices. note: what holds for all of them (VAT, steps, rounding)."""

    operator: str
    home_csp: str
    currency: str
    rows: tuple[TariffRow, ...]
    note: str = ""


class TariffCard(Paper):
    """Shows a tariff; on a narrow screen the two columns stand one under the other."""

    values: reactive[TariffCardValues | None] = reactive(None, layout=True)

    def __init__(self, text: Text, values: TariffCardValues | None = None, *, id: str | None = None) -> None:
        super().__init__(text, id=id)
        self.set_reactive(TariffCard.values, values)

    def lines(self, width: int) -> list[Content]:
        """The card at a width in cells."""
        return tariff_lines(self.values, self.text, width) if self.values else []


def tariff_lines(values: TariffCardValues, text: Text, width: int) -> list[Content]:
    """The card's lines: AFIR's three parts are always there, with – where they cost nothing; others follow."""
    rows = sorted(_with_all_parts(values.rows), key=lambda row: list(PricePart).index(row.part))
    body = _two_columns(values, rows, text, width) if width >= 64 else _one_column(values, rows, text, width)
    if values.note:
        body.append(Content(""))
        body.extend(Content.styled(line, "$text-muted") for line in wrapped(values.note, width))
    return body


def _with_all_parts(rows: Sequence[TariffRow]) -> list[TariffRow]:
    present = {row.part for row in rows}
    return [*rows, *(TariffRow(part) for part in PricePart if part is not PricePart.OTHER and part not in present)]


def _label(row: TariffRow, text: Text) -> str:
    return row.label or text.say(row.part.label)


def _amount(amount: Decimal | None, row: TariffRow, currency: str, text: Text) -> str:
    return "–" if amount is None else text.unit_price(amount, currency, row.part.value.strip())


def _two_columns(values: TariffCardValues, rows: Sequence[TariffRow], text: Text, width: int) -> list[Content]:
    adds = text.say("tariff.adds", name=values.home_csp)
    charges = text.say("tariff.charges", name=values.operator)
    label = min(24, width // 3)
    price = min(max(24, cell_len(charges)), (width - label) // 2)
    headings = zip_longest(wrapped(charges, price), wrapped(adds, width - label - price - 2), fillvalue="")
    lines = [
        Content.assemble(
            " " * label, (fit(left, price, right=True), "bold"), "  ", (fit(right, width - label - price - 2), "bold")
        )
        for left, right in headings
    ]
    lines.append(Content(""))
    for row in rows:
        lines.append(
            Content.assemble(
                (fit(_label(row, text), label), "$text-muted"),
                fit(_amount(row.operator, row, values.currency, text), price, right=True),
                "  ",
                fit(_amount(row.home_csp, row, values.currency, text), width - label - price - 2),
            )
        )
        if cell_len(shown(row.remark)) <= label + price:
            lines.extend([Content.styled(fit(row.remark, label + price, right=True), "$text-muted")] * bool(row.remark))
        else:
            lines.extend(_remark(row, width, 4))
    return lines


def _one_column(values: TariffCardValues, rows: Sequence[TariffRow], text: Text, width: int) -> list[Content]:
    lines: list[Content] = []
    prices = [row for row in rows if row.operator is not None or row.home_csp is None]
    sides = [(text.say("tariff.charges", name=values.operator), prices, "operator")]
    fees = [row for row in rows if row.home_csp is not None]
    sides.append((text.say("tariff.adds", name=values.home_csp), fees, "home_csp"))
    for heading, charged, side in sides:
        if lines:
            lines.append(Content(""))
        lines.extend(Content.styled(line, "bold") for line in wrapped(heading, width))
        if not charged:
            lines.append(Content.styled("  " + text.say("tariff.nothing"), "$text-muted"))
        for row in charged:
            amount = _amount(row.operator if side == "operator" else row.home_csp, row, values.currency, text)
            space = max(8, width - 2 - len(amount))
            lines.append(Content.assemble("  ", (fit(_label(row, text), space), "$text-muted"), amount))
            lines.extend(_remark(row, width, 4) if side == "operator" or row.operator is None else ())
    return lines


def _remark(row: TariffRow, width: int, indent: int) -> list[Content]:
    if not row.remark:
        return []
    return [Content.styled(" " * indent + line, "$text-muted") for line in wrapped(row.remark, width - indent)]
