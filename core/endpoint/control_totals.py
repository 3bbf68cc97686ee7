"""A member's control totals (6.4.2): of every pair and day that is over, told and set beside the clearing house's.

Equal roots prove that both hold the same SDRs; where they differ, each SDR is asked for its proof, so that what the
clearing house lacks is known by name.
"""

from collections import defaultdict
from datetime import date, timedelta
from functools import partial

import structlog
from pydantic import ValidationError
from sqlalchemy import Connection, select

from core.clock import Clock
from core.endpoint.calls import Calls
from core.endpoint.extensions import reconciliations
from core.endpoint.partner import Partner
from core.endpoint.ports import Reader
from core.errors import NotFound
from core.model.clearing.merkle import Proof, proves
from core.model.clearing.terms import ClearingTerms
from core.model.clearing.totals import ControlTotals, Counted, totals_of
from core.model.parties import ObjectKey, Party
from core.model.sdr import SdrKind
from core.store.clearing_tables import clearing_total
from core.store.engine import Store
from core.store.tables import sdr as table
from core.store.upsert import upsert

DAYS_BACK = 7
"""How many days that are over are looked at: an SDR may come late."""

log = structlog.get_logger(__name__)

_Counted = dict[str, dict[str, Counted]]
"""By currency, by id."""


class Totals:
    """Of one member."""

    def __init__(self, calls: Calls, store: Store, clock: Clock, party: Party, reader: Reader) -> None:
        self._calls = calls
        self._store = store
        self._clock = clock
        self._party = party
        self._reader = reader

    async def report(self, house: Partner, pairs: list[ClearingTerms]) -> list[ObjectKey]:
        """Tell the totals of days that are over and not agreed on yet; SDRs of ours that the clearing house lacks.

        Raises as the calls do.
        """
        lacking: list[ObjectKey] = []
        for terms in pairs:
            today = terms.day_of(self._clock.now())
            for day in (today - timedelta(days=back) for back in range(DAYS_BACK, 0, -1)):
                counted = await self._store.read_async(partial(self._counted, terms=terms, day=day))
                for currency, sdrs in sorted(counted.items()):
                    totals = totals_of(terms.creditor, terms.debtor, day, currency, sdrs.values())
                    lacking += await self._compare(house, totals, sdrs)
        return lacking

    async def _compare(self, house: Partner, totals: ControlTotals, sdrs: dict[str, Counted]) -> list[ObjectKey]:
        reporter = str(house.roles[0].party)
        with self._store.read() as connection:
            if all(_told(connection, totals, by) == totals for by in (str(self._party), reporter)):
                return []
        theirs, differences = await reconciliations.put_totals(self._calls, house, self._party, totals)
        await self._store.write(
            lambda connection: self._keep(connection, totals, {self._party: totals, reporter: theirs})
        )
        if not differences:
            return []
        log.warning("totals_differ", partner=house.id, day=str(totals.day), figures=list(differences))
        lacking = [id for id, one in sdrs.items() if not await self._is_among(house, totals, theirs, id, one)]
        keys = [
            ObjectKey(country_code=totals.visited.country_code, party_id=totals.visited.party_id, id=id)
            for id in lacking
        ]
        return keys if totals.visited == self._party else []

    async def _is_among(
        self, house: Partner, totals: ControlTotals, theirs: ControlTotals, id: str, one: Counted
    ) -> bool:
        key = ObjectKey(country_code=totals.visited.country_code, party_id=totals.visited.party_id, id=id)
        try:
            answer = await reconciliations.get_proof(self._calls, house, key)
        except NotFound:
            log.warning("sdr_not_at_clearing_house", partner=house.id, sdr=str(key))
            return False
        try:
            proof = Proof.model_validate(answer["proof"]) if isinstance(answer, dict) else None
        except (KeyError, ValidationError):
            proof = None
        if proof is None or not proves(proof, one.content_hash, theirs.root):
            log.error("sdr_not_proven", partner=house.id, sdr=str(key))
        return True

    def _counted(self, connection: Connection, terms: ClearingTerms, day: date) -> _Counted:
        columns = table.c
        query = select(table).where(
            columns.country_code == terms.creditor.country_code,
            columns.party_id == terms.creditor.party_id,
            columns.ended_at >= terms.midnight(day),
            columns.ended_at < terms.midnight(day + timedelta(days=1)),
            columns.kind != SdrKind.INTERMEDIATE,
        )
        found: _Counted = defaultdict(dict)
        for row in connection.execute(query):
            # A payer keeps none but its own; an operator bills several.
            if self._party == terms.debtor or self._reader.sdr(row.body).payer == terms.debtor:
                energy = row.energy * (row.kind != SdrKind.CREDIT)
                counted = Counted(content_hash=row.content_hash, energy=energy, money=row.total_before_taxes)
                found[row.currency][row.id] = counted
        return dict(found)

    def _keep(self, connection: Connection, totals: ControlTotals, told: dict[Party | str, ControlTotals]) -> None:
        for by, body in told.items():
            upsert(
                connection,
                clearing_total,
                {
                    **_row(totals),
                    "reported_by": str(by),
                    "received_at": self._clock.now(),
                    "body": body.model_dump_json(),
                },
            )


def _told(connection: Connection, totals: ControlTotals, by: str) -> ControlTotals | None:
    same = [clearing_total.c[name] == value for name, value in _row(totals).items()]
    body = connection.execute(select(clearing_total.c.body).where(*same, clearing_total.c.reported_by == by)).scalar()
    return None if body is None else ControlTotals.model_validate_json(body)


def _row(totals: ControlTotals) -> dict[str, str]:
    return {
        "country_code": totals.visited.country_code,
        "party_id": totals.visited.party_id,
        "payer_country_code": totals.home.country_code,
        "payer_party_id": totals.home.party_id,
        "day": totals.day.isoformat(),
        "currency": totals.currency,
    }
