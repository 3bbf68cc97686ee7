"""A visited-CSO's SDRs and a home-CSP's records of the same sessions, small but whole, and books to keep them in.

The tariff is 0.39 EUR a kWh and nothing else, so 10 kWh cost 3.90 before taxes and, at 19 %, 4.641 with them.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from core.clearing_house.clearing import Clearing
from core.clearing_house.intake import take_sdr, take_session
from core.clock import FixedClock
from core.endpoint.ports import Held
from core.endpoint.stored import Reader
from core.model.clearing.records import SessionRecord, Witness
from core.model.clearing.terms import ClearingTerms
from core.model.credentials import CredentialKind, CredentialReference
from core.model.parties import Party
from core.store.engine import Store
from core.store.wire_text import WireText
from tests.endpoint.wire_objects import cdr, period, tariff

VISITED, HOME = Party.parse("DE*VIS"), Party.parse("NL*HOM")
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TERMS = ClearingTerms(id="A1", creditor=VISITED, debtor=HOME)
EVSE = "DE*VIS*E100"


def at(**time: float) -> datetime:
    return NOON + timedelta(**time)


def text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def sdr_json(number: int = 1, start: datetime = NOON, kwh: float = 10, hours: float = 1, **members: Any) -> str:
    """The SDR of session `S<number>`, priced as its tariff says."""
    end = start + timedelta(hours=hours)
    base = cdr(
        id=f"C{number}",
        session_id=f"S{number}",
        start_date_time=text(start),
        end_date_time=text(end),
        authorization_reference=f"R{number}",
        charging_periods=[{**period(text(start), kwh), "tariff_id": "T1"}],
        tariffs=[priced()],
        total_energy=kwh,
        total_time=hours,
        total_cost={"excl_vat": round(kwh * 0.39, 4), "incl_vat": round(kwh * 0.39 * 1.19, 4)},
        total_energy_cost={"excl_vat": round(kwh * 0.39, 4), "incl_vat": round(kwh * 0.39 * 1.19, 4)},
        last_updated=text(end),
    )
    base["cdr_location"] |= {"evse_id": EVSE}
    base |= members
    return json.dumps({name: value for name, value in base.items() if value is not None})


def priced(**members: Any) -> dict[str, Any]:
    component = {"type": "ENERGY", "price": 0.39, "vat": 19, "step_size": 1}
    return tariff(elements=[{"price_components": [component]}], **members)


def credit_json(number: int = 1, **members: Any) -> str:
    """The credit of the SDR of `sdr_json`."""
    original = json.loads(sdr_json(number))
    total = {name: -value for name, value in original["total_cost"].items()}
    changed = {"id": f"C{number}-C", "credit": True, "credit_reference_id": f"C{number}", "total_cost": total}
    return json.dumps({**original, **changed, **members})


def record(number: int = 1, start: datetime = NOON, kwh: str = "10", hours: float = 1, **members: Any) -> SessionRecord:
    """What the home-CSP says of session `S<number>`."""
    values: dict[str, Any] = {
        "id": f"H{number}",
        "visited": VISITED,
        "home": HOME,
        "session_id": f"S{number}",
        "authorization_reference": f"R{number}",
        "evse_id": EVSE,
        "credential": CredentialReference(
            country_code="NL", party_id="HOM", uid="CARD1", kind=CredentialKind.RFID, contract_id="NL-HOM-C12345678"
        ),
        "started_at": start,
        "ended_at": start + timedelta(hours=hours),
        "energy": Decimal(kwh),
        "currency": "EUR",
        **members,
    }
    return SessionRecord(**values)


def held(body: str) -> Held[Any]:
    text = WireText(body, "2.2.1")
    return Held(Reader().sdr(text), text)


class Books:
    """A clearing house's books with the terms of one pair."""

    def __init__(self, clearing: Clearing, clock: FixedClock) -> None:
        self.clearing, self.clock = clearing, clock

    async def sdr(self, body: str) -> bool:
        return await take_sdr(self.clearing, held(body))

    async def session(self, one: SessionRecord, witness: Witness = Witness.HOME_CSP) -> None:
        await take_session(self.clearing, witness, one)


@asynccontextmanager
async def books(folder: Path, terms: ClearingTerms = TERMS) -> AsyncIterator[Books]:
    """Books in a new SQLite file, two hours after noon."""
    store, clock = await Store.open(f"sqlite:///{folder / 'house.db'}"), FixedClock(at(hours=2))
    clearing = Clearing(store, clock, Reader())
    await clearing.agree(terms)
    try:
        yield Books(clearing, clock)
    finally:
        await store.close()
