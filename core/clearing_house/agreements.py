"""Which two parties may exchange what through the switch (5.4.6, 6.4.1). Who has no agreement exchanges nothing.

Parties that can sign do so with one another, and the clearing house holds them to what it has seen signed
(`signatures`). For parties on plain OCPI, which cannot, its operator sets the terms.
"""

from collections.abc import Iterable
from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, Connection, delete, select

from core.clearing_house.addresses import Address
from core.endpoint.agreement import Agreement
from core.endpoint.partner import Partner
from core.model.parties import Party
from core.model.services import BEGINNING, Service
from core.store.engine import upsert
from core.store.switch_tables import hub_agreement

_ENDING = {("STOP_SESSION",), ("CANCEL_RESERVATION",)}


class HubAgreement(BaseModel):
    """What two parties let the switch pass between them; `terms.signed` is None where its operator set it.

    After its end nothing begins any more, and what is open is settled.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    one: Party
    other: Party
    terms: Agreement = Agreement()

    def partner_of(self, party: Party) -> Party:
        """The other one of the two."""
        return self.other if party == self.one else self.one

    def covers(self, address: Address, at: datetime) -> bool:
        """Whether a request of this address may pass now."""
        return covers(self.terms, address, at)


def covers(agreement: Agreement, address: Address, at: datetime) -> bool:
    """Whether an agreement lets a request of this address pass now."""
    service = address.service
    if service is None:
        return address.module in agreement.switch.modules and agreement.holds(at)
    finishes = address.below[:1] in _ENDING or service not in BEGINNING
    return agreement.finishes(service) and (finishes or agreement.holds(at))


def has_signed(member: Partner) -> bool:
    """Whether a member that can sign has signed its agreement with the clearing house; others have nothing to sign."""
    return Service.AGREEMENTS not in member.agreement.services or member.agreement.signed is not None


def may_negotiate(one: Partner, other: Partner) -> bool:
    """Whether two members can sign agreements: each has agreed with the clearing house on exchanging them."""
    return all(Service.AGREEMENTS in member.agreement.services for member in (one, other))


def negotiation(one: Party, other: Party) -> HubAgreement:
    """What holds between two parties that may negotiate: agreements pass, and nothing else."""
    services = frozenset({Service.AGREEMENTS})
    return HubAgreement(one=one, other=other, terms=Agreement(services=services))


class Agreements:
    """The agreements as the store has them."""

    def between(self, connection: Connection, one: Party, other: Party) -> HubAgreement | None:
        """What two parties have agreed."""
        query = select(hub_agreement.c.body).where(*_between(one, other))
        body = connection.execute(query).scalar()
        return None if body is None else HubAgreement.model_validate_json(body)

    def of(self, connection: Connection, parties: Iterable[Party]) -> tuple[HubAgreement, ...]:
        """All agreements in which one of these parties stands."""
        wanted = frozenset(parties)
        return tuple(one for one in self.all(connection) if wanted & {one.one, one.other})

    def all(self, connection: Connection) -> tuple[HubAgreement, ...]:
        """All of them, by party."""
        columns = hub_agreement.c
        query = select(columns.body).order_by(
            columns.country_code, columns.party_id, columns.other_country_code, columns.other_party_id
        )
        return tuple(HubAgreement.model_validate_json(body) for body in connection.execute(query).scalars())


def keep(connection: Connection, agreement: HubAgreement, at: datetime) -> None:
    """An agreement, new or in place of the one that these two had."""
    upsert(
        connection,
        hub_agreement,
        {**_key(agreement.one, agreement.other), "body": agreement.model_dump_json(), "last_updated": at},
    )


def end(connection: Connection, one: Party, other: Party) -> bool:
    """Take an agreement away: nothing passes between these two any more; False where there is none."""
    return connection.execute(delete(hub_agreement).where(*_between(one, other))).rowcount > 0


def _between(one: Party, other: Party) -> list[ColumnElement[bool]]:
    return [hub_agreement.c[name] == value for name, value in _key(one, other).items()]


def _key(one: Party, other: Party) -> dict[str, str]:
    first, second = sorted((one, other), key=str)
    return {
        "country_code": first.country_code,
        "party_id": first.party_id,
        "other_country_code": second.country_code,
        "other_party_id": second.party_id,
    }
