"""How the platforms of the embedded network become partners: directly, or through the clearing house."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from core.clearing_house.agreements import HubAgreement
from core.clearing_house.platform import ClearingHouse
from core.endpoint.agreement import Agreement
from core.endpoint.endpoint import Endpoint
from core.endpoint.partner import Partner
from core.errors import EvroamError
from core.model.clearing.from_agreement import clearing_terms
from core.model.clearing.terms import ClearingTerms
from core.model.parties import Party
from core.model.services import Service

AGREEMENT = Agreement(services=frozenset(Service))
"""Between the platforms of the network: all that evroam offers."""


@dataclass(frozen=True)
class End:
    """One platform of a link, and the party that it speaks for."""

    endpoint: Endpoint
    party: Party
    name: str


async def link(one: End, other: End) -> Partner | None:
    """Make two platforms partners, once; tell the other where one has moved to. The other one, where it is new."""
    ours, theirs = _directly(one.endpoint, other.party), _directly(other.endpoint, one.party)
    if ours is not None and theirs is not None:
        other_moved = ours.versions_url != other.endpoint.versions_url
        one_moved = theirs.versions_url != one.endpoint.versions_url
        same_wire = ours.version == theirs.version == one.endpoint.highest_version
        if same_wire and not other_moved and not one_moved:
            return None
        with suppress(EvroamError):
            if not other_moved:
                await one.endpoint.registrar.renew(ours.id)
                return None
            if not one_moved:
                await other.endpoint.registrar.renew(theirs.id)
                return None
    await unlink(one, other)
    token = await other.endpoint.partners.invite(one.name, AGREEMENT)
    return await one.endpoint.registrar.connect(other.endpoint.versions_url, token, AGREEMENT, other.name)


async def unlink(one: End, other: End) -> None:
    """Remove whom each knows directly as the other, also one whose registration broke off half way."""
    for end, party in ((one, other.party), (other, one.party)):
        while (known := _directly(end.endpoint, party)) is not None:
            await end.endpoint.partners.remove(known.id)


async def link_through(house: ClearingHouse, home: End, operators: list[End]) -> None:
    """Connect a home-CSP with visited-CSOs through the clearing house, each pair under an agreement of its own."""
    hub = End(house.endpoint, house.context.party, house.context.role.name)
    for operator in operators:
        await unlink(home, operator)
    for end in (home, *operators):
        await link(end, hub)
    for operator in operators:
        await _agree(house, HubAgreement(one=home.party, other=operator.party, services=frozenset(Service)))
    await house.switch.presence.refresh()
    for end, others in ((home, operators), *((operator, [home]) for operator in operators)):
        known = _directly(end.endpoint, hub.party)
        if known is not None and not all(end.endpoint.partners.speaking_for(one.party) for one in others):
            await end.endpoint.synchronisation.pull(known)


async def clear_between(
    house: ClearingHouse, creditor: Party, debtor: Party, currencies: Sequence[str]
) -> ClearingTerms | None:
    """Let the clearing house reconcile a pair by the terms of its agreement, once; None where it does already."""
    if (creditor, debtor) in house.clearing.terms():
        return None
    id = f"{creditor}-{debtor}"
    terms = clearing_terms(AGREEMENT.terms, creditor, debtor, id=id, currencies=currencies)
    await house.clearing.agree(terms)
    return terms


async def _agree(house: ClearingHouse, agreement: HubAgreement) -> None:
    with house.context.store.read() as connection:
        before = house.switch.agreements.between(connection, agreement.one, agreement.other)
    if before != agreement:
        await house.agree(agreement)


def _directly(endpoint: Endpoint, party: Party) -> Partner | None:
    return next((one for one in endpoint.partners.list() if one.speaks_for(party) and one.via is None), None)
