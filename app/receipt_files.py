"""Receipts as files: JSON and CSV, written to the downloads folder under a name that is still free.

CSV follows RFC 4180, with figures that programs read: a decimal point, times in ISO 8601 with their offset. A cell of
foreign text that a spreadsheet would take for a formula begins with an apostrophe. Functions that write block on the
disk.
"""

import csv
import io
import re
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from platformdirs import user_downloads_path

from app.zones import zone_of
from core.data_folder import data_folder
from core.driver_messages import ReceiptSummary
from core.errors import EvroamError
from core.model.receipt import Receipt

_MOST_COPIES = 1000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")

LINE_COLUMNS = (
    "receipt", "started_at", "ended_at", "site", "city", "country", "evse_id", "operator", "kind", "payee", "quantity",
    "billed_quantity", "unit", "unit_price", "step", "net", "vat_percent", "gross", "quoted_net", "explanation",
    "currency",
)  # fmt: skip
PERIOD_COLUMNS = ("receipt", "started_at", "site", "city", "operator", "energy_kwh", "total", "currency")


class NotSaved(EvroamError):
    """A file could not be written."""

    code = "not_saved"


def receipt_json(receipt: Receipt) -> str:
    """All that the receipt says, figures as text so that no digit is lost."""
    return receipt.model_dump_json(indent=2) + "\n"


def receipt_csv(receipt: Receipt) -> str:
    """A row a line, and a last one of kind `total`, which is rounded once."""
    zone = zone_of(receipt.time_zone)
    lead = (
        receipt.number, _moment(receipt.started_at.astimezone(zone)), _moment(receipt.ended_at.astimezone(zone)),
        receipt.site_name, receipt.city, receipt.country, receipt.evse_id, receipt.operator.name,
    )  # fmt: skip
    rows: list[Sequence[str | Decimal | int | None]] = [
        (*lead, one.kind, one.payee, one.quantity, one.billed_quantity, one.unit, one.unit_price, one.step, one.net,
         one.vat_percent, one.gross, one.quoted, one.explanation, receipt.currency)
        for one in receipt.lines
    ]  # fmt: skip
    empty: list[None] = [None] * 6
    rows.append((*lead, "total", *empty, receipt.net, None, receipt.total, None, None, receipt.currency))
    return _csv(LINE_COLUMNS, rows)


def period_csv(receipts: Sequence[ReceiptSummary]) -> str:
    """A row a receipt."""
    return _csv(
        PERIOD_COLUMNS,
        [
            (one.id, _moment(one.started_at.astimezone(zone_of(one.time_zone))), one.site_name, one.city, one.operator,
             one.energy_kwh, one.total.amount, one.total.currency)
            for one in receipts
        ],
    )  # fmt: skip


def export_folder() -> Path:
    """The user's downloads, where there is such a folder, else the data folder."""
    downloads = user_downloads_path()
    return downloads if downloads.is_dir() else data_folder()


def save(content: str, name: str, ending: str, folder: Path | None = None) -> Path:
    """Write a file that was not there: where the name is taken, a number follows it. Raises NotSaved."""
    stem = _NOT_IN_NAMES.sub("-", name).strip("-.")[:80] or "receipt"
    try:
        target = folder or export_folder()
        for copy in range(1, _MOST_COPIES):
            path = target / (f"{stem}.{ending}" if copy == 1 else f"{stem}-{copy}.{ending}")
            try:
                with path.open("x", encoding="utf-8", newline="") as file:
                    file.write(content)
            except FileExistsError:
                continue
            return path
    except OSError as error:
        raise NotSaved(error.strerror or str(error)) from error
    raise NotSaved(f"{stem}.{ending}")


def _csv(columns: Sequence[str], rows: Sequence[Sequence[str | Decimal | int | None]]) -> str:
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return written.getvalue()


def _cell(value: str | Decimal | int | None) -> str:
    match value:
        case None:
            return ""
        case str():
            return "'" + value if value.startswith(_FORMULA) else value
        case Decimal():
            return f"{value:f}"
    return str(value)


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
