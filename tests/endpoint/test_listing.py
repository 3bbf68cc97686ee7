"""Lists over a real store: which part of them is given."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from core.endpoint.exchange import PageRequest
from core.endpoint.listing import Listing, ScopedListing
from core.store.engine import Store
from core.store.tables import tariff
from core.store.wire_text import WireText

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
BODIES = select(tariff.c.body)
KEYS = (tariff.c.id,)


@pytest.fixture
async def store(store: Store) -> Store:
    """With four tariffs, the two in the middle of one moment."""
    rows = [
        {"id": id, "currency": currency, "last_updated": NOON + timedelta(hours=hours), "body": WireText(id, "2.3.0")}
        for id, currency, hours in (("A", "EUR", 0), ("C", "EUR", 1), ("B", "CHF", 1), ("D", "EUR", 2))
    ]
    owner = {"country_code": "DE", "party_id": "VIS"}
    await store.write(lambda connection: connection.execute(tariff.insert(), [owner | row for row in rows]).rowcount)
    return store


def asked(**members: object) -> PageRequest:
    wanted = {"date_from": None, "date_to": None, "offset": 0, "limit": 10} | members
    return PageRequest(**wanted)  # type: ignore[arg-type]  # members by name


async def test_rule_07_date_from_is_inclusive_and_date_to_exclusive(store: Store) -> None:
    listing = Listing(BODIES, tariff.c.last_updated, KEYS)
    hour = timedelta(hours=1)
    cases = {
        "ABCD": asked(),
        "BCD": asked(date_from=NOON + hour),
        "A": asked(date_to=NOON + hour),
        "BC": asked(date_from=NOON + hour, date_to=NOON + 2 * hour),
        "": asked(date_from=NOON + hour, date_to=NOON + hour),
    }
    with store.read() as connection:
        for expected, request in cases.items():
            page = listing.page(connection, request)
            assert ("".join(page.bodies), page.total) == (expected, len(expected))
        second = listing.page(connection, asked(date_from=NOON + hour, offset=1, limit=1))
        assert (second.bodies, second.total) == (("C",), 3)


async def test_what_an_agreement_does_not_name_is_neither_listed_nor_counted(store: Store) -> None:
    listing = ScopedListing(BODIES, tariff.c.last_updated, KEYS, {"ids": tariff.c.id, "currencies": tariff.c.currency})
    cases: list[tuple[str, dict[str, list[str] | None]]] = [
        ("ABCD", {"ids": None, "currencies": None}),
        ("ACD", {"ids": None, "currencies": ["EUR"]}),
        ("AC", {"ids": ["A", "B", "C"], "currencies": ["EUR"]}),
        ("", {"ids": [], "currencies": None}),
    ]
    with store.read() as connection:
        for expected, only in cases:
            page = listing.page(connection, asked(), **only)
            assert ("".join(page.bodies), page.total) == (expected, len(expected))
