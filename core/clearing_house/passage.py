"""One request at the switch: who sends it, whether it may, and for whom it is (6.4.1). Deny by default."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from core.clearing_house.addresses import CSO, CSP, Address
from core.clearing_house.agreements import Agreements, HubAgreement, covers, has_signed, may_negotiate, negotiation
from core.clearing_house.aliases import End
from core.clearing_house.context import Context
from core.clearing_house.onward import HubError
from core.clearing_house.ownership import Ownership, owner_of
from core.clearing_house.references import BY_PATH, References, references_in
from core.endpoint.exchange import Request
from core.endpoint.ocpi.envelope import StatusCode
from core.endpoint.ocpi.reading import JsonObject
from core.endpoint.partner import Partner, PartnerStatus
from core.endpoint.rejection import Rejection
from core.errors import InvalidInput
from core.model.agreement_terms import Terms
from core.model.parties import Party, PlatformRole
from core.model.services import Service

_WRITES = {"PUT", "POST", "PATCH"}


@dataclass(frozen=True)
class Passage:
    """A request that its sender may make. deadline: on the clock of the event loop; at: on that of the wire."""

    address: Address
    request: Request
    references: References
    sender: End
    deadline: float
    at: datetime


@dataclass(frozen=True)
class Destination:
    """Where it goes on, and under which agreement."""

    receiver: End
    agreement: HubAgreement
    url: str


class Gate:
    """Decides what may pass, and to whom."""

    def __init__(self, context: Context, agreements: Agreements, ownership: Ownership) -> None:
        self._context = context
        self._agreements = agreements
        self._ownership = ownership

    def admit(self, address: Address, request: Request, deadline: float) -> Passage:
        """The request with what it refers to. Raises Unreadable, Rejection for ids that are not the sender's."""
        sender = End(request.partner, _sending_party(request))
        references = references_in(address, request.query, request.body)
        _require_own(address, request, references)
        return Passage(address, request, references, sender, deadline, self._context.wire_clock.now())

    def receiver_of(self, passage: Passage) -> Party | None:
        """Who is named, or known to own what is asked for; None for an identification request of an unknown card.

        Raises HubError 4001 where nobody is known, or more than one.
        """
        named = passage.request.to_party
        if named is not None:
            return named
        with self._context.store.read() as connection:
            sender = passage.sender.party
            agreements = self._agreements.of(connection, [sender])
            role = passage.address.receiver_role or _opposite(passage.sender)
            found = self._ownership.receivers(connection, passage.references, role, agreements, sender)
        if len(found) == 1:
            return next(iter(found))
        if found:
            raise HubError("This can mean more than one party; name it in OCPI-to.", StatusCode.UNKNOWN_RECEIVER)
        if passage.address.asks_identification:
            return None
        raise HubError("Nobody is known to own this; name the receiver in OCPI-to.", StatusCode.UNKNOWN_RECEIVER)

    def destination(self, passage: Passage, party: Party) -> Destination:
        """The platform that speaks for the receiver, if the two have agreed. Raises HubError."""
        with self._context.store.read() as connection:
            agreement = self._agreement(connection, passage, party)
        return self._at(passage, party, agreement)

    def all_destinations(self, passage: Passage, agreed: Callable[[Terms], bool]) -> list[Destination]:
        """Every party whose agreement with the sender covers this, and says so of requests to more than one."""
        sender = passage.sender.party
        with self._context.store.read() as connection:
            agreements = self._agreements.of(connection, [sender])
        found = []
        for one in agreements:
            if agreed(one.terms):
                try:
                    _require_covered(passage, one)
                    found.append(self._at(passage, one.partner_of(sender), one))
                except HubError:
                    continue  # who is not there, or does not play that role, is not meant
        return found

    def _agreement(self, connection: Connection, passage: Passage, party: Party) -> HubAgreement:
        sender, other = passage.sender, self._context.partners.speakers().get(party)
        if passage.address.service is Service.AGREEMENTS and other and may_negotiate(sender.partner, other):
            return negotiation(sender.party, party)
        agreement = self._agreements.between(connection, sender.party, party)
        if agreement is None:
            raise HubError(f"{party} is no receiver that you can reach here.", StatusCode.UNKNOWN_RECEIVER)
        _require_covered(passage, agreement)
        return agreement

    def _at(self, passage: Passage, party: Party, agreement: HubAgreement) -> Destination:
        address = passage.address
        partner = self._context.partners.speakers().get(party)
        if partner is None:
            raise HubError(f"{party} is not connected here.", StatusCode.UNKNOWN_RECEIVER)
        if partner.status is not PartnerStatus.CONNECTED:
            raise HubError(f"The exchange with {party} is suspended.", StatusCode.CONNECTION_PROBLEM)
        for end in (passage.sender, End(partner, party)):
            if not has_signed(end.partner):
                raise HubError(f"{end.party} has not signed its agreement with the clearing house yet.")
            if address.service is not None and not covers(end.partner.agreement, address, passage.at):
                raise HubError(f"Our own agreement with {end.party} does not cover {address.service}.")
        role = address.receiver_role
        if role is not None and not (_plays(partner, party, role) and _plays(*_ends(passage), _other(role))):
            raise HubError(f"{passage.sender.party} does not ask {party} for {address.module} in its role.")
        if partner.version != address.version:
            raise HubError(f"{party} speaks OCPI {partner.version} here, and nothing is translated.")
        url = partner.endpoint(address.module, address.interface)
        if url is None:
            raise HubError(f"{party} does not offer {address.module} as {address.interface.lower()}.")
        query = f"?{passage.request.raw_query}" if passage.request.raw_query else ""
        return Destination(End(partner, party), agreement, url.rstrip("/") + address.raw_below + query)


def _require_covered(passage: Passage, agreement: HubAgreement) -> None:
    """Raise HubError for what the agreement of the two does not cover: a service, a site, a tariff, a currency."""
    address, terms, references = passage.address, agreement.terms, passage.references
    between = f"The agreement between {agreement.one} and {agreement.other}"
    if not agreement.covers(address, passage.at):
        raise HubError(f"{between} does not cover {address.service or address.module}.")
    other = agreement.partner_of(passage.sender.party)
    operator = passage.sender.party if address.receiver_role is CSP else other
    for kind, id in references.pairs if address.receiver_role is not None else ():
        if not _admits_id(terms, kind, operator, id):
            raise HubError(f"{between} does not cover the {'site' if kind == 'location' else kind} {id[:40]}.")
    if not _admits_currency(terms, references.body):
        raise HubError(f"{between} does not have the currency {str(references.body['currency'])[:3]}.")


def admits(terms: Terms, module: str, owner: Party, value: JsonObject) -> bool:
    """Whether an object of a list is within an agreement: its site or tariff, and its currency."""
    kind, id = BY_PATH.get(module, module), str(value.get("id"))
    return _admits_id(terms, kind, owner, id) and _admits_currency(terms, value)


def _admits_id(terms: Terms, kind: str, owner: Party, id: str) -> bool:
    key = f"{owner}/{id}"
    return not (kind == "location" and not terms.has_site(key)) and not (kind == "tariff" and not terms.has_tariff(key))


def _admits_currency(terms: Terms, value: JsonObject) -> bool:
    currency = value.get("currency")
    return not isinstance(currency, str) or terms.has_currency(currency)


def time_left(deadline: float) -> float:
    """Seconds until a deadline."""
    return deadline - asyncio.get_running_loop().time()


def _sending_party(request: Request) -> Party:
    if request.from_party is not None:
        return request.from_party
    parties = {role.party for role in request.partner.roles}
    if len(parties) != 1:
        raise Rejection("Name your party in OCPI-from.", 200, StatusCode.INVALID_PARAMETERS)
    return next(iter(parties))


def _require_own(address: Address, request: Request, references: References) -> None:
    """Objects of others neither in the path nor in the body."""
    partner = request.partner
    if address.names_owner:
        try:
            owner = Party.parse("".join(address.below[:2]))
        except InvalidInput:
            owner = None
        if owner is None or not partner.speaks_for(owner):
            raise Rejection(f"You do not speak for {'*'.join(address.below[:2])[:20]}.", 404)
    if request.method not in _WRITES or address.interface != "RECEIVER":
        return
    claimed = [references.owner] if address.receiver_role is CSP or address.module == "tokens" else []
    token = references.body.get("token")
    if address.module == "commands" and isinstance(token, dict):
        claimed.append(owner_of(token))
    for party in claimed:
        if party is not None and not partner.speaks_for(party):
            raise InvalidInput(f"You do not speak for {party}, which the body names.")


def _ends(passage: Passage) -> tuple[Partner, Party]:
    return passage.sender.partner, passage.sender.party


def _plays(partner: Partner, party: Party, role: PlatformRole) -> bool:
    return any(one.party == party and one.role is role for one in partner.roles)


def _other(role: PlatformRole) -> PlatformRole:
    return CSO if role is CSP else CSP


def _opposite(sender: End) -> PlatformRole | None:
    """The role of whoever can be meant by a party that plays one role only."""
    own = {one.role for one in sender.partner.roles if one.party == sender.party} & {CSP, CSO}
    return _other(next(iter(own))) if len(own) == 1 else None
