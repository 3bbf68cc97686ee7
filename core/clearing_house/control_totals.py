"""Control totals of a pair and day, ours beside those that each side reports, and proofs that one SDR is in them."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, Row, select

from core.clearing_house.clearing import Clearing, Pair, parties_of, terms_between, terms_in
from core.clearing_house.outcomes import sdr_row
from core.model.clearing.merkle import Proof, proof_of
from core.model.clearing.terms import ClearingTerms
from core.model.clearing.totals import ControlTotals, Counted, totals_of
from core.model.parties import ObjectKey, Party
from core.model.sdr import SdrKind
from core.store.clearing_tables import clearing_sdr, clearing_total
from core.store.engine import upsert


class Compared(BaseModel):
    """Our totals beside a reported one. differences: names of figures; roots that are equal prove equal sets."""

    model_config = ConfigDict(frozen=True)

    ours: ControlTotals
    reported_by: Party | None = None
    differences: tuple[str, ...] = ()


class SetProof(BaseModel):
    """That an SDR of this hash is among those of the totals."""

    model_config = ConfigDict(frozen=True)

    totals: ControlTotals
    content_hash: str
    proof: Proof


def our_totals(connection: Connection, terms: ClearingTerms, day: date) -> list[ControlTotals]:
    """What we hold of a pair and local day, by currency."""
    by_currency: dict[str, list[Row[Any]]] = {}
    for row in _sdrs(connection, terms, day):
        by_currency.setdefault(row.currency, []).append(row)
    return [
        totals_of(terms.creditor, terms.debtor, day, currency, map(_counted, rows))
        for currency, rows in sorted(by_currency.items())
    ]


def all_totals(connection: Connection, day: date) -> list[Compared]:
    """What we hold of every pair on a day, each beside every report that differs or agrees."""
    found: list[Compared] = []
    for terms in terms_in(connection).values():
        for ours in our_totals(connection, terms, day):
            reports = _reports(connection, ours)
            found += [Compared(ours=ours, reported_by=by, differences=ours.differences(it)) for by, it in reports] or [
                Compared(ours=ours)
            ]
    return found


async def take_totals(clearing: Clearing, reporter: Party, reported: ControlTotals) -> Compared:
    """Keep what a side reports, and set ours beside it. Raises NotFound (no_agreement)."""
    now = clearing.clock.now()

    def keep(connection: Connection) -> Compared:
        terms = terms_between(connection, reported.visited, reported.home)
        held = {one.currency: one for one in our_totals(connection, terms, reported.day)}
        nothing = totals_of(reported.visited, reported.home, reported.day, reported.currency, ())
        ours = held.get(reported.currency, nothing)
        values = {
            "country_code": reported.visited.country_code,
            "party_id": reported.visited.party_id,
            "payer_country_code": reported.home.country_code,
            "payer_party_id": reported.home.party_id,
            "day": reported.day.isoformat(),
            "currency": reported.currency,
            "reported_by": str(reporter),
            "received_at": now,
            "body": reported.model_dump_json(),
        }
        upsert(connection, clearing_total, values)
        return Compared(ours=ours, reported_by=reporter, differences=ours.differences(reported))

    return await clearing.store.write(keep)


def proof_for(connection: Connection, key: ObjectKey) -> SetProof:
    """The proof for one SDR in the totals of its pair and day. Raises NotFound."""
    row = sdr_row(connection, key)
    pair: Pair = (parties_of(row.country_code, row.party_id), parties_of(row.payer_country_code, row.payer_party_id))
    terms = terms_between(connection, *pair)
    day = terms.day_of(row.ended_at)
    hashes = [one.content_hash for one in _sdrs(connection, terms, day) if one.currency == row.currency]
    proof = proof_of(hashes, row.content_hash)
    assert proof is not None  # it is one of them
    (totals,) = [one for one in our_totals(connection, terms, day) if one.currency == row.currency]
    return SetProof(totals=totals, content_hash=row.content_hash, proof=proof)


def _sdrs(connection: Connection, terms: ClearingTerms, day: date) -> list[Row[Any]]:
    columns = clearing_sdr.c
    query = select(
        columns.content_hash, columns.energy, columns.before_taxes, columns.currency, columns.kind
    ).where(
        columns.country_code == terms.creditor.country_code,
        columns.party_id == terms.creditor.party_id,
        columns.payer_country_code == terms.debtor.country_code,
        columns.payer_party_id == terms.debtor.party_id,
        columns.ended_at >= terms.midnight(day),
        columns.ended_at < terms.midnight(day + timedelta(days=1)),
    )  # fmt: skip
    return list(connection.execute(query))


def _counted(row: Row[Any]) -> Counted:
    energy = Decimal(0) if row.kind == SdrKind.CREDIT else row.energy
    return Counted(content_hash=row.content_hash, energy=energy, money=row.before_taxes)


def _reports(connection: Connection, ours: ControlTotals) -> list[tuple[Party, ControlTotals]]:
    columns = clearing_total.c
    query = select(columns.reported_by, columns.body).where(
        columns.country_code == ours.visited.country_code,
        columns.party_id == ours.visited.party_id,
        columns.payer_country_code == ours.home.country_code,
        columns.payer_party_id == ours.home.party_id,
        columns.day == ours.day.isoformat(),
        columns.currency == ours.currency,
    )
    rows = connection.execute(query).all()
    return [(Party.parse(by), ControlTotals.model_validate_json(body)) for by, body in rows]
