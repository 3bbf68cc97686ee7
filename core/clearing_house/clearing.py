"""What reconciliation and settlement share: where records are kept, whose time counts, how SDRs are read."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, select

from core.clock import Clock
from core.endpoint.ports import Reader
from core.errors import NotFound, Refused
from core.model.clearing.terms import ClearingTerms
from core.model.parties import Party
from core.store.clearing_tables import clearing_terms as table
from core.store.engine import Store, upsert

HOUSE = "clearing-house"
"""Who decided, where nobody else did."""
STREAM = "clearing"
"""The stream of what was reconciled and settled."""

Pair = tuple[Party, Party]
"""Creditor (visited-CSO) and debtor (home-CSP)."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Clearing:
    """One clearing house's books."""

    store: Store
    clock: Clock
    reader: Reader

    async def agree(self, terms: ClearingTerms) -> None:
        """Keep the terms of a pair that signs none, in place of those before; what is cut stays under the old ones.

        Raises Refused (agreement_signed) for a pair that has signed its own.
        """

        def write(connection: Connection) -> None:
            known = terms_in(connection).get((terms.creditor, terms.debtor))
            if known is not None and known.hash is not None:
                raise signed_by_both(terms.creditor, terms.debtor)
            keep_terms(connection, terms)

        await self.store.write(write)

    def terms(self) -> dict[Pair, ClearingTerms]:
        """The terms of every pair."""
        with self.store.read() as connection:
            return terms_in(connection)


def signed_by_both(one: Party, other: Party) -> Refused:
    """Two parties have signed an agreement, which only they can change."""
    return Refused(
        f"{one} and {other} have signed their agreement themselves",
        code="agreement_signed",
        next_step="One of the two proposes a change: evroam agreement propose.",
    )


def keep_terms(connection: Connection, terms: ClearingTerms) -> None:
    """The terms of a pair, as `Clearing.agree`."""
    values = {
        "country_code": terms.creditor.country_code,
        "party_id": terms.creditor.party_id,
        "debtor_country_code": terms.debtor.country_code,
        "debtor_party_id": terms.debtor.party_id,
        "body": terms.model_dump_json(),
    }
    upsert(connection, table, values)


def terms_in(connection: Connection) -> dict[Pair, ClearingTerms]:
    """The terms of every pair."""
    found = [ClearingTerms.model_validate_json(body) for body in connection.scalars(select(table.c.body))]
    return {(one.creditor, one.debtor): one for one in found}


def terms_between(connection: Connection, creditor: Party, debtor: Party) -> ClearingTerms:
    """The terms of a pair. Raises NotFound (no_agreement)."""
    query = select(table.c.body).where(
        table.c.country_code == creditor.country_code,
        table.c.party_id == creditor.party_id,
        table.c.debtor_country_code == debtor.country_code,
        table.c.debtor_party_id == debtor.party_id,
    )
    body = connection.execute(query).scalar()
    if body is None:
        raise NotFound(
            f"No agreement between {creditor} and {debtor} is kept here.",
            code="no_agreement",
            next_step="The clearing house's operator adds it, then send again.",
        )
    return ClearingTerms.model_validate_json(body)


def micros(moment: datetime) -> int:
    """Microseconds since 1970."""
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def moment_of(micros: int) -> datetime:
    """The moment so many microseconds after 1970."""
    return datetime.fromtimestamp(micros // 1_000_000, UTC).replace(microsecond=micros % 1_000_000)


def parties_of(country_code: str, party_id: str) -> Party:
    """A party from two columns."""
    return Party(country_code=country_code, party_id=party_id)
