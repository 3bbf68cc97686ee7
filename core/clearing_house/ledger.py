"""The ledger: postings are appended, once each, and never changed (6.4.3)."""

from collections import defaultdict
from datetime import datetime

from sqlalchemy import Connection, func, insert, select

from core.errors import Refused
from core.model.clearing.ledger import Line, Posting
from core.store.clearing_tables import ledger_line


def post(connection: Connection, posting: Posting, now: datetime) -> None:
    """Append a posting. Raises Refused (posted) where its reason is booked already."""
    if connection.execute(select(ledger_line.c.line).where(ledger_line.c.reason == posting.reason).limit(1)).first():
        raise Refused(f"{posting.reason} is booked already.", code="posted")
    rows = [
        {
            "reason": posting.reason,
            "line": at,
            "account": line.account,
            "currency": posting.currency,
            "units": line.units,
            "at": now,
        }
        for at, line in enumerate(posting.lines)
    ]
    connection.execute(insert(ledger_line), rows)


def postings(connection: Connection) -> list[Posting]:
    """All postings, by their reason."""
    columns = ledger_line.c
    query = select(columns.reason, columns.currency, columns.account, columns.units).order_by(
        columns.reason, columns.line
    )
    lines: dict[tuple[str, str], list[Line]] = defaultdict(list)
    for reason, currency, account, units in connection.execute(query):
        lines[reason, currency].append(Line(account=account, units=units))
    return [
        Posting(reason=reason, currency=currency, lines=tuple(found)) for (reason, currency), found in lines.items()
    ]


def sums(connection: Connection) -> dict[str, int]:
    """The sum over all accounts, by currency: anything but zero is a fault of this program."""
    query = select(ledger_line.c.currency, func.sum(ledger_line.c.units)).group_by(ledger_line.c.currency)
    return {currency: int(units) for currency, units in connection.execute(query)}
