"""How the platforms of the embedded network become partners: directly, or through the clearing house."""

from contextlib import suppress
from dataclasses import dataclass

from core.clearing_house.platform import ClearingHouse
from core.endpoint.agreement import Agreement
from core.endpoint.endpoint import Endpoint
from core.endpoint.partner import Partner
from core.errors import EvroamError
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
    """Connect a home-CSP with visited-CSOs through the clearing house; what each pair may exchange they sign later."""
    hub = End(house.endpoint, house.context.party, house.context.role.name)
    for operator in operators:
        await unlink(home, operator)
    for end in (home, *operators):
        await link(end, hub)
    await house.switch.presence.refresh()
    for end, others in ((home, operators), *((operator, [home]) for operator in operators)):
        known = _directly(end.endpoint, hub.party)
        if known is not None and not all(end.endpoint.partners.speaking_for(one.party) for one in others):
            await end.endpoint.synchronisation.pull(known)


async def sign_between(one: Endpoint, other: Endpoint) -> Partner | None:
    """Have the agreement of two platforms signed by both, once: what their operators make of it afterwards stays.

    The partner of the first, where it is signed now. Raises as `Agreements.propose`.
    """
    ours, theirs = _meeting(one, other), _meeting(other, one)
    if ours is None or theirs is None:
        return None
    await _offer_all(one, ours)
    await _offer_all(other, theirs)
    partner = one.partners.get(ours.id)
    return partner if await one.agreements.conclude(partner) is not None else None


def _meeting(one: Endpoint, other: Endpoint) -> Partner | None:
    return next((found for role in other.roles if (found := one.partners.speaking_for(role.party))), None)


async def _offer_all(endpoint: Endpoint, partner: Partner) -> None:
    """Set our terms for a partner that was met under others, and with whom nothing is signed."""
    known = partner.agreement
    if known.signed is None and known.ends_at is None and known.terms != AGREEMENT.terms:
        await endpoint.agreements.set_terms(partner, AGREEMENT.terms)


def _directly(endpoint: Endpoint, party: Party) -> Partner | None:
    return next((one for one in endpoint.partners.list() if one.speaks_for(party) and one.via is None), None)
