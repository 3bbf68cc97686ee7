"""Objects that partners own and push: GET, PUT, PATCH and DELETE at the receiver, the same for every module."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar
from weakref import WeakValueDictionary

from core.endpoint.exchange import Answer, Request, Route
from core.endpoint.ocpi.codec import Codec, Patch
from core.endpoint.ocpi.envelope import StatusCode
from core.endpoint.ocpi.kinds import read_timestamp
from core.endpoint.ocpi.reading import JsonObject, parse_object
from core.endpoint.partner import Partner
from core.endpoint.ports import Held
from core.endpoint.rejection import Rejection
from core.errors import InvalidInput
from core.model.parties import ObjectKey, Party

M = TypeVar("M")


@dataclass(frozen=True)
class Receiving(Generic[M]):
    """How one kind of object is received; `held` and `put` lead to the port.

    written: the text of one in the version in which it is received, as a partner may have changed its version since.
    """

    module: str
    id_name: str
    codec: Codec[Any, M]
    key_of: Callable[[M], ObjectKey]
    held: Callable[[Request, ObjectKey], Awaitable[str | None]]
    put: Callable[[Partner, ObjectKey, Held[M]], Awaitable[None]]
    not_found: int = StatusCode.CLIENT_ERROR
    written: Callable[[str], str] = str
    locks: "Locks" = field(default_factory=lambda: Locks())

    @property
    def path(self) -> str:
        """Below the module's URL."""
        return f"/{{country_code}}/{{party_id}}/{{{self.id_name}}}"

    def routes(self, *, patchable: bool) -> Iterator[Route]:
        """GET and PUT, and PATCH where the module has it."""
        yield Route(self.module, "RECEIVER", "GET", self.path, self.get)
        yield Route(self.module, "RECEIVER", "PUT", self.path, self.receive)
        if patchable:
            yield Route(self.module, "RECEIVER", "PATCH", self.path, self.change)

    async def get(self, request: Request) -> Answer:
        """The object as it is stored."""
        return Answer(await self.stored(request, owned_key(request, self.id_name)))

    async def receive(self, request: Request) -> Answer:
        """PUT: a whole object."""
        key = owned_key(request, self.id_name)
        held = self.codec.read_put(request.body, request.received_at)
        key = require_same_key(key, self.key_of(held.value))
        async with self.locks.of(key):
            await self.put(request.partner, key, held)
        return Answer()

    async def change(self, request: Request) -> Answer:
        """PATCH: some members of an object that is known; older than what is stored changes nothing."""
        key = owned_key(request, self.id_name)
        patch = self.codec.read_patch(request.body)
        async with self.locks.of(key):
            stored = await self.stored(request, key)
            if is_stale(patch, parse_object(stored)):
                return Answer()
            held = self.codec.patch(stored, patch)
            require_same_key(key, self.key_of(held.value))
            await self.put(request.partner, key, held)
        return Answer()

    async def stored(self, request: Request, key: ObjectKey) -> str:
        """The stored text. Raises Rejection 404."""
        stored = await self.held(request, key)
        if stored is None:
            raise Rejection(f"This object is not known here: {key}.", 404, self.not_found)
        return self.written(stored)


class Locks:
    """One lock an object, so that two partial updates of one object follow one another."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[ObjectKey, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def of(self, key: ObjectKey) -> AsyncIterator[None]:
        """Hold the object's lock."""
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            yield


def party_in(country_code: str, party_id: str) -> Party:
    """A party from two segments of a path. Raises InvalidInput."""
    return Party.of(country_code, party_id)


def owned_key(request: Request, id_name: str) -> ObjectKey:
    """The key in the path. Raises Rejection 404 where the sender does not speak for its party."""
    party = party_in(request.path["country_code"], request.path["party_id"])
    if not request.partner.speaks_for(party):
        raise Rejection(f"You do not speak for {party}.", 404)
    return ObjectKey(country_code=party.country_code, party_id=party.party_id, id=request.path[id_name])


def require_same_key(key: ObjectKey, of_body: ObjectKey) -> ObjectKey:
    """The key with the id as the body spells it: it has to be that of the path, but for case. Raises InvalidInput."""
    if (key.party, key.id.casefold()) != (of_body.party, of_body.id.casefold()):
        raise InvalidInput("The object in the body is another one than in the path.")
    return key.model_copy(update={"id": of_body.id})


def is_stale(patch: Patch, stored: JsonObject) -> bool:
    """Whether what is stored is newer than the change."""
    return patch.last_updated < last_updated(stored)


def last_updated(value: JsonObject) -> datetime:
    """When a stored object last changed."""
    return read_timestamp(value["last_updated"])


def key_of(value: Any) -> ObjectKey:  # Any: every object of the model with the three members of a key
    """The key of a site, tariff or session."""
    return ObjectKey(country_code=value.country_code, party_id=value.party_id, id=value.id)
