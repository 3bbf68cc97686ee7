"""What is kept, as the rows that matching sets side by side."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, Row, select

from core.clearing_house.clearing import HOUSE, Pair, micros, parties_of, terms_in
from core.clearing_house.intake import DUPLICATE
from core.clearing_house.matching import OutageRow, SdrRow, SessionRow, TermsRow, Witnesses
from core.model.clearing.records import SessionRecord, Witness
from core.model.clearing.terms import ClearingTerms
from core.model.clearing.verdicts import Outcome
from core.store.clearing_tables import clearing_discrepancy, clearing_sdr, clearing_session

_AROUND = timedelta(days=2)
"""A session lasts so long at most before its SDR would be matched without its neighbours."""
_LONGEST_BACK = timedelta(days=120)
_DEAD = {Outcome.REVISED, Outcome.REJECTED}
_JUDGED = {Outcome.NEW, Outcome.ACCEPTED, Outcome.DECLINED}
_SCALE = 10_000

_Row = Row[Any]
"""A row of a table whose columns are named in `clearing_tables`."""


@dataclass(frozen=True)
class Kept:
    """The rows for matching, and beside them by key what is judged after it."""

    witnesses: Witnesses
    terms: Mapping[Pair, ClearingTerms]
    sdrs: Mapping[str, _Row]
    sessions: Mapping[str, SessionRecord]
    found_before: Mapping[tuple[str, str], set[tuple[str, str, str]]]
    since: datetime
    day: date | None

    def terms_of(self, row: _Row) -> ClearingTerms:
        """The terms of the pair that an SDR is between."""
        issuer = parties_of(row.country_code, row.party_id)
        return self.terms[issuer, parties_of(row.payer_country_code, row.payer_party_id)]

    def concerns(self, session: str) -> bool:
        """Whether all SDRs that a session may have are among these, so that it can be called one without."""
        record = self.sessions.get(session)
        if record is None or record.ended_at is None:
            return False
        agreed = self.terms.get((record.visited, record.home))
        if self.day is None or agreed is None:
            return agreed is not None and record.started_at >= self.since
        return agreed.day_of(record.ended_at) == self.day


def gather(connection: Connection, now: datetime, day: date | None) -> Kept:
    """All that bears on the SDRs to be judged: those of a local day, or all that are not final."""
    terms = terms_in(connection)
    since, until = _span(now, day)
    columns, sessions = clearing_sdr.c, clearing_session.c
    sdr_rows = connection.execute(select(clearing_sdr).where(columns.ended_at >= since, columns.ended_at < until)).all()
    session_rows = connection.execute(
        select(clearing_session).where(sessions.started_at >= since - _AROUND, sessions.started_at < until)
    ).all()
    records = {_session_key(row): row for row in session_rows}
    home = {key: row for key, row in records.items() if row.witness == Witness.HOME_CSP}
    read = {key: record for key, row in home.items() if (record := _record(row.body)) is not None}
    return Kept(
        witnesses=Witnesses(
            sdrs=[_sdr(row, _wanted(row, terms, day)) for row in sdr_rows],
            home=[_session(key, row) for key, row in home.items()],
            hub=[_session(key, row) for key, row in records.items() if row.witness == Witness.CLEARING_HOUSE],
            terms=[_terms(one) for one in terms.values()],
            outages=list(_outages(read)),
        ),
        terms=terms,
        sdrs={sdr_key(row): row for row in sdr_rows},
        sessions=read,
        found_before=_found_before(connection),
        since=since,
        day=day,
    )


def _found_before(connection: Connection) -> dict[tuple[str, str], set[tuple[str, str, str]]]:
    found: dict[tuple[str, str], set[tuple[str, str, str]]] = defaultdict(set)
    columns = clearing_discrepancy.c
    query = select(columns.subject, columns.id, columns.kind, columns.severity, columns.reason)
    for subject, id, kind, severity, reason in connection.execute(query):
        found[subject, id].add((kind, severity, reason))
    return dict(found)


def sdr_key(row: _Row) -> str:
    """The key of an SDR as findings name it."""
    return f"{row.country_code}*{row.party_id}/{row.id}"


def _session_key(row: _Row) -> str:
    visited = f"{row.visited_country_code}{row.visited_party_id}"
    return f"{row.home_country_code}*{row.home_party_id}/{row.witness}/{visited}/{row.id}"


def _span(now: datetime, day: date | None) -> tuple[datetime, datetime]:
    if day is None:
        return now - _LONGEST_BACK, now + timedelta(days=365)
    begin = now.replace(year=day.year, month=day.month, day=day.day, hour=0, minute=0, second=0, microsecond=0)
    return begin - _AROUND, begin + 2 * _AROUND


def _wanted(row: _Row, terms: Mapping[Pair, ClearingTerms], day: date | None) -> bool:
    return row.outcome in _JUDGED and not _declined_by_payer(row) and _on_day(row, terms, day, row.ended_at)


def _declined_by_payer(row: _Row) -> bool:
    return bool(row.outcome == Outcome.DECLINED and row.outcome_by not in (HOUSE, DUPLICATE))


def _on_day(row: _Row, terms: Mapping[Pair, ClearingTerms], day: date | None, moment: datetime) -> bool:
    agreed = terms.get(
        (parties_of(row.country_code, row.party_id), parties_of(row.payer_country_code, row.payer_party_id))
    )
    return agreed is not None and (day is None or agreed.day_of(moment) == day)


def _sdr(row: _Row, judged: bool) -> SdrRow:
    return SdrRow(
        key=sdr_key(row),
        id=row.id.lower(),
        issuer=f"{row.country_code}*{row.party_id}",
        payer=f"{row.payer_country_code}*{row.payer_party_id}",
        session_id=_caseless(row.session_id),
        reference=_caseless(row.authorization_reference),
        evse=row.evse_key,
        credential=row.credential_key,
        kind=row.kind,
        credits_id=_caseless(row.references_id),
        started=micros(row.started_at),
        ended=micros(row.ended_at),
        energy=int(row.energy * _SCALE),
        amount=int(row.before_taxes * _SCALE),
        amount_with_taxes=None if row.with_taxes is None else int(row.with_taxes * _SCALE),
        currency=row.currency,
        meter_start=None if row.meter_start is None else int(row.meter_start * _SCALE),
        meter_end=None if row.meter_end is None else int(row.meter_end * _SCALE),
        received=micros(row.received_at),
        alive=row.outcome not in _DEAD and not _declined_by_payer(row),
        judged=judged,
    )


def _session(key: str, row: _Row) -> SessionRow:
    return SessionRow(
        key=key,
        issuer=f"{row.visited_country_code}*{row.visited_party_id}",
        payer=f"{row.home_country_code}*{row.home_party_id}",
        session_id=_caseless(row.session_id),
        reference=_caseless(row.authorization_reference),
        evse=row.evse_key,
        credential=row.credential_key,
        started=micros(row.started_at),
        ended=None if row.ended_at is None else micros(row.ended_at),
        energy=int(row.energy * _SCALE),
        authorised=row.authorised,
        quoted_most=None if row.quoted_most is None else int(row.quoted_most * _SCALE),
        revoked=None if row.revoked_at is None else micros(row.revoked_at),
        max_power_w=row.max_power_w,
    )


def _terms(terms: ClearingTerms) -> TermsRow:
    tolerances, windows = terms.tolerances, terms.windows
    return TermsRow(
        issuer=str(terms.creditor),
        payer=str(terms.debtor),
        currencies=" ".join(terms.currencies),
        time_tolerance=tolerances.seconds * 1_000_000,
        energy_tolerance=int(tolerances.energy_kwh * _SCALE),
        energy_percent=float(tolerances.energy_percent),
        money_tolerance=int(tolerances.money * _SCALE),
        sdr_within=_micros(windows.sdr),
        late_after=_micros(windows.late),
        revoked_within=_micros(windows.revoked),
    )


def _outages(records: Mapping[str, SessionRecord]) -> Iterator[OutageRow]:
    for key, record in records.items():
        for one in record.outages:
            yield OutageRow(key, micros(one.start), micros(one.end))


def _record(body: str) -> SessionRecord | None:
    try:
        return SessionRecord.model_validate_json(body)
    except ValidationError:
        return None


def _micros(span: timedelta) -> int:
    return span // timedelta(microseconds=1)


def _caseless(text: str | None) -> str | None:
    return None if text is None else text.lower()
