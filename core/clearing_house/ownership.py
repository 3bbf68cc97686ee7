"""Whose is what: learned from the messages that passed, for requests that do not name their receiver (6.4.1).

No prefix of an id is asked, unless the agreement says that prefixes bind. Two owners of one id stay two: a request that
means either is not routed.
"""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import reduce

from sqlalchemy import Connection, select

from core.clearing_house.addresses import CSO, CSP, Address
from core.clearing_house.agreements import HubAgreement
from core.clearing_house.references import References, contract_key, equipment_in, token_key
from core.endpoint.ocpi.reading import JsonObject
from core.errors import InvalidInput
from core.model.identifiers.types import ContractId, EvseId
from core.model.parties import Party, PlatformRole
from core.store.engine import Store, upsert
from core.store.switch_tables import hub_route

Fact = tuple[str, str, Party]
"""Kind, id, and whose it is."""

PAYER = "payer"
"""The kind under which the home-CSP of a session stands."""

_SECRET = {"token", "contract"}
_MOST_KNOWN = 200_000
_OF_CSO = ("session", "reservation", "evse", "evse_id", "location", "tariff", "sdr")
_OF_CSP = ("authorization", "contract", "token", PAYER)
_LIST_KINDS = {"locations": "location", "sessions": "session", "tariffs": "tariff", "cdrs": "sdr"}


class Ownership:
    """The route table, and what of it this process knows to be there."""

    def __init__(self, store: Store, secret: bytes) -> None:
        self._store = store
        self._secret = secret
        self._known: set[Fact] = set()

    async def learn(self, facts: Iterable[Fact], at: datetime) -> None:
        """Keep what is new of this; durable when it returns."""
        new = {(kind, self._key(kind, id), party) for kind, id, party in facts} - self._known
        if not new:
            return

        def write(connection: Connection) -> None:
            for kind, key, party in new:
                upsert(connection, hub_route, {**party.model_dump(), "kind": kind, "key": key, "learned_at": at})

        await self._store.write(write)
        if len(self._known) > _MOST_KNOWN:
            self._known.clear()
        self._known |= new

    def owners(self, connection: Connection, kind: str, id: str) -> frozenset[Party]:
        """Everybody who is known to own this."""
        columns = hub_route.c
        query = select(columns.country_code, columns.party_id).where(
            columns.kind == kind, columns.key == self._key(kind, id)
        )
        rows = connection.execute(query)
        return frozenset(Party(country_code=row.country_code, party_id=row.party_id) for row in rows)

    def receivers(
        self,
        connection: Connection,
        references: References,
        role: PlatformRole | None,
        agreements: Sequence[HubAgreement],
        sender: Party,
    ) -> frozenset[Party]:
        """Who can be meant: everyone that all references with a known owner agree on.

        role: in which role the receiver is asked. agreements: of the sender; who has none with it is nobody for it.
        """
        within = frozenset(one.partner_of(sender) for one in agreements)
        kinds = {CSO: _OF_CSO, CSP: _OF_CSP}.get(role, (*_OF_CSO, *_OF_CSP)) if role else (*_OF_CSO, *_OF_CSP)
        told = [
            found
            for kind, id in _asked(references, role)
            if kind in kinds and (found := self.owners(connection, kind, id) & within)
        ]
        if told:
            return reduce(frozenset.intersection, told)
        binding = {one.partner_of(sender) for one in agreements if one.terms.prefixes_bind}
        return frozenset(_named_by_prefix(references, kinds) & binding)

    def _key(self, kind: str, id: str) -> str:
        key = id.casefold()
        if kind not in _SECRET:
            return key
        return hmac.new(self._secret, key.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def _asked(references: References, role: PlatformRole | None) -> list[tuple[str, str]]:
    """The references, and the payer of a session where the home-CSP is looked for."""
    payers = [(PAYER, id) for kind, id in references.pairs if kind == "session"] if role is not CSO else []
    return [*references.pairs, *payers]


def _named_by_prefix(references: References, kinds: Iterable[str]) -> set[Party]:
    named = set()
    for kind, id in references.pairs:
        try:
            if kind == "evse_id" and kind in kinds:
                named.add(Party.parse(str(EvseId.parse(id).party_id)))
            elif kind == "contract" and kind in kinds:
                named.add(Party.parse(str(ContractId.parse(id).party_id)))
        except InvalidInput:
            continue
    return named


def facts_of_request(address: Address, references: References, sender: Party, receiver: Party) -> list[Fact]:
    """What a request that was taken tells of its sender and its receiver."""
    pairs = references.pairs
    if address.module in {"locations", "tariffs", "cdrs", "sessions"} and address.interface == "RECEIVER":
        own = {"locations": ("location", "evse", "evse_id"), "tariffs": ("tariff",)}.get(address.module, ())
        facts: list[Fact] = [(kind, id, sender) for kind, id in pairs if kind in own]
        if address.module in {"sessions", "cdrs"}:
            kinds = ("session", "sdr") if address.module == "cdrs" else ("session",)
            facts += [(kind, id, sender) for kind, id in pairs if kind in kinds]
            facts += [(PAYER, id, receiver) for kind, id in pairs if kind == "session"]
        return facts
    if address.module == "tokens" and address.interface == "RECEIVER":
        return [(kind, id, sender) for kind, id in pairs if kind in {"token", "contract"}]
    if address.module == "commands" and address.interface == "RECEIVER":
        facts = [(kind, id, sender) for kind, id in pairs if kind in {"authorization", "token", "contract"}]
        if address.below[:1] == ("RESERVE_NOW",):
            facts += [(kind, id, receiver) for kind, id in pairs if kind == "reservation"]
        return facts
    return []


def facts_of_answer(address: Address, objects: Iterable[JsonObject], receiver: Party) -> list[Fact]:
    """What an answer tells of the one who gave it, as far as it speaks of its own objects."""
    facts: list[Fact] = []
    if address.asks_identification:
        for one in objects:
            token = one.get("token")
            if isinstance(token, dict):
                facts += _of_token(token, receiver)
            if isinstance(one.get("authorization_reference"), str):
                facts.append(("authorization", str(one["authorization_reference"]), receiver))
    elif address.interface == "SENDER":
        for one in objects:
            if owner_of(one) != receiver:
                continue
            if address.module in _LIST_KINDS and isinstance(one.get("id"), str):
                facts.append((_LIST_KINDS[address.module], str(one["id"]), receiver))
            if address.module == "locations":
                facts += [(kind, id, receiver) for kind, id in equipment_in(one)]
            if address.module == "tokens":
                facts += _of_token(one, receiver)
    return facts


def _of_token(token: JsonObject, owner: Party) -> list[Fact]:
    uid, kind, contract = token.get("uid"), token.get("type"), token.get("contract_id")
    facts: list[Fact] = []
    if isinstance(uid, str):
        facts.append(("token", token_key(kind if isinstance(kind, str) else None, uid), owner))
    if isinstance(contract, str):
        facts.append(("contract", contract_key(contract), owner))
    return facts


def owner_of(value: JsonObject) -> Party | None:
    """The party that an object names as its owner."""
    try:
        return References(body=value).owner
    except InvalidInput:
        return None
