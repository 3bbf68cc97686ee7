"""What a message is about: the ids in its path, its query and its body, by which the switch routes and logs it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from core.clearing_house.addresses import Address
from core.endpoint.ocpi.reading import Json, JsonObject, parse
from core.errors import InvalidInput
from core.model.parties import Party

_MEMBERS = {
    "session_id": "session",
    "location_id": "location",
    "evse_uid": "evse",
    "evse_id": "evse_id",
    "reservation_id": "reservation",
    "booking_id": "reservation",
    "authorization_reference": "authorization",
    "contract_id": "contract",
}
BY_PATH = {"locations": "location", "sessions": "session", "tariffs": "tariff", "cdrs": "sdr"}
"""What the objects of a module are called among references."""
_FACTS = ("status", "kwh", "total_energy", "total_cost", "currency", "start_date_time", "end_date_time", "last_updated")
_PLACE = (("id", "location"), ("location_id", "location"), ("evse_uid", "evse"), ("evse_id", "evse_id"))
_LONGEST_KEY = 255


@dataclass(frozen=True)
class References:
    """Pairs of kind (session, location, evse, evse_id, reservation, authorization, contract, token, …) and id."""

    pairs: tuple[tuple[str, str], ...] = ()
    body: JsonObject = field(default_factory=dict)

    def first(self, kind: str) -> str | None:
        """The first id of a kind."""
        return next((id for own, id in self.pairs if own == kind), None)

    @property
    def owner(self) -> Party | None:
        """The party that the body names as the owner of the object, where it names one."""
        country_code, party_id = self.body.get("country_code"), self.body.get("party_id")
        if not isinstance(country_code, str) or not isinstance(party_id, str):
            return None
        return Party.parse(f"{country_code}{party_id}")

    @property
    def facts(self) -> str | None:
        """What a witness can tell of a session or an SDR, as JSON text; nothing that names a driver."""
        told = {name: self.body[name] for name in _FACTS if name in self.body}
        return json.dumps(told, default=str, sort_keys=True) if told else None


def references_in(address: Address, query: Mapping[str, str], body: bytes) -> References:
    """All that a request refers to. Raises Unreadable where the body is no JSON."""
    value = parse(body) if body.strip() else None
    found = value if isinstance(value, dict) else {}
    pairs = [*_of_path(address, query), *_of_object(address, found)]
    return References(tuple(dict.fromkeys((kind, id) for kind, id in pairs if 0 < len(id) <= _LONGEST_KEY)), found)


def _of_path(address: Address, query: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    below = address.below
    if address.names_owner and address.module == "tokens":
        yield "token", token_key(query.get("type"), below[2])
    elif address.names_owner:
        yield BY_PATH[address.module], below[2]
        if address.module == "locations" and len(below) > 3:
            yield "evse", below[3]
    elif address.module == "tokens" and address.interface == "SENDER" and below:
        yield "token", token_key(query.get("type"), below[0])
    elif address.module == "chargingprofiles" and below:
        yield "session", below[0]
    elif address.interface == "SENDER" and address.module in BY_PATH and below:
        yield BY_PATH[address.module], below[0]
        if address.module == "locations" and len(below) > 1:
            yield "evse", below[1]
    for name, kind in _MEMBERS.items():
        if name in query:
            yield kind, query[name]


def _of_object(address: Address, body: JsonObject) -> Iterator[tuple[str, str]]:
    own = BY_PATH.get(address.module)
    if own is not None and isinstance(body.get("id"), str):
        yield own, str(body["id"])
    for name, kind in _MEMBERS.items():
        if isinstance(body.get(name), str):
            id = str(body[name])
            yield kind, contract_key(id) if kind == "contract" else id
    for name in ("token", "cdr_token"):
        yield from _of_token(body.get(name))
    if address.module == "tokens" and address.interface == "RECEIVER":
        yield from _of_token(body)
    for name in ("cdr_location", "location_references"):
        yield from _of_place(body.get(name))
    if address.module == "locations" and address.interface == "RECEIVER":
        yield from equipment_in(body)


def _of_token(value: Json) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        if isinstance(value.get("contract_id"), str):
            yield "contract", contract_key(str(value["contract_id"]))
        if isinstance(value.get("uid"), str):
            kind = value.get("type")
            yield "token", token_key(kind if isinstance(kind, str) else None, str(value["uid"]))


def _of_place(value: Json) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, kind in (
            ("id", "location"),
            ("location_id", "location"),
            ("evse_uid", "evse"),
            ("evse_id", "evse_id"),
        ):
            if isinstance(value.get(name), str):
                yield kind, str(value[name])


def equipment_in(body: JsonObject) -> Iterator[tuple[str, str]]:
    """The EVSEs of a site, or an EVSE itself."""
    evses = body.get("evses")
    for one in [body, *(evses if isinstance(evses, list) else ())]:
        if isinstance(one, dict):
            if one is not body and isinstance(one.get("uid"), str):
                yield "evse", str(one["uid"])
            if isinstance(one.get("evse_id"), str):
                yield "evse_id", str(one["evse_id"])


def token_key(kind: str | None, uid: str) -> str:
    """A credential: its type and uid together; the type is RFID where none is given."""
    return f"{kind or 'RFID'}:{uid}"


def contract_key(contract_id: str) -> str:
    """A contract id without its separators."""
    return contract_id.replace("-", "").replace("*", "").replace(" ", "")


def objects_in(answer: bytes) -> list[JsonObject]:
    """The objects in the data of an answer; none where it cannot be read."""
    try:
        envelope = parse(answer)
    except InvalidInput:
        return []
    data = envelope.get("data") if isinstance(envelope, dict) else None
    return [one for one in (data if isinstance(data, list) else [data]) if isinstance(one, dict)]
