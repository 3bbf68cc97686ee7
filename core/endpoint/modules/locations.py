"""Locations (UC1-2, UC1-3): sites, their EV supply equipment and connectors, each reachable by itself."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.endpoint.binding import Binding
from core.endpoint.exchange import Answer, Request, Route
from core.endpoint.modules.lists import list_routes
from core.endpoint.modules.objects import Receiving, is_stale, key_of, last_updated, owned_key
from core.endpoint.ocpi.codec import Codec, Patch
from core.endpoint.ocpi.envelope import StatusCode
from core.endpoint.ocpi.kinds import write_timestamp
from core.endpoint.ocpi.patching import merge
from core.endpoint.ocpi.reading import Json, JsonObject, parse_object, to_text
from core.endpoint.ocpi.sites import status_of
from core.endpoint.ports import ObjectSource, Ports, StatusChange, StatusReceiver
from core.endpoint.rejection import Rejection
from core.endpoint.stored import Kind, for_partners_of
from core.errors import InvalidInput
from core.model.parties import ObjectKey
from core.model.sites import EvSupplyEquipment, Site

MODULE = "locations"


@dataclass(frozen=True)
class _Level:
    """A list inside a parent, the member that is the key in it, and the segment of the path that holds that key."""

    members: str
    id_member: str
    segment: str


_EVSE = _Level("evses", "uid", "evse_uid")
_CONNECTOR = _Level("connectors", "id", "connector_id")
_LEVELS = (_EVSE, _CONNECTOR)
_STATUS_MEMBERS = {"status", "last_updated"}
_Put = Callable[[Request, ObjectKey, JsonObject], Awaitable[None]]


def routes(ports: Ports, binding: Binding, page_limit: int) -> Iterator[Route]:
    """Three depths in both interfaces."""
    written = for_partners_of(binding, Kind.SITE)
    yield from list_routes(MODULE, ports.site_source, page_limit, written)
    if ports.site_source is not None:
        path, get = "/{location_id}", _one(ports.site_source, written)
        for segment in ("", "/{evse_uid}", "/{connector_id}"):
            path += segment
            yield Route(MODULE, "SENDER", "GET", path, get)
    if ports.sites is not None:
        port = ports.sites
        sites = Receiving(
            MODULE,
            "location_id",
            binding.site,
            key_of,
            lambda request, key: port.held(request.partner, key),
            port.put,
            StatusCode.UNKNOWN_LOCATION,
            written,
        )
        yield from sites.routes(patchable=True)
        equipment = _Equipment(sites, binding.equipment, ports.statuses)
        yield from _part_routes(equipment, "/{evse_uid}")
        yield from _part_routes(_Parts(sites, _CONNECTOR, binding.connector), "/{evse_uid}/{connector_id}")


def _one(source: ObjectSource, written: Callable[[str], str]) -> Callable[[Request], Awaitable[Answer]]:
    async def get(request: Request) -> Answer:
        stored = await source.one(request.partner, request.path["location_id"])
        if stored is None:
            raise Rejection("This location is not known here.", 404, StatusCode.UNKNOWN_LOCATION)
        return Answer(_part_text(written(stored), request))

    return get


def _part_routes(parts: "_Parts", below: str) -> Iterator[Route]:
    path = parts.sites.path + below
    yield Route(MODULE, "RECEIVER", "GET", path, parts.get)
    yield Route(MODULE, "RECEIVER", "PUT", path, parts.receive)
    yield Route(MODULE, "RECEIVER", "PATCH", path, parts.change)


class _Parts:
    """EVSEs or connectors at the receiver. A change of one bumps last_updated of all that it is part of."""

    def __init__(self, sites: Receiving[Site], level: _Level, codec: Codec[Any, Any]) -> None:
        self.sites = sites
        self.level = level
        self.codec = codec

    async def get(self, request: Request) -> Answer:
        stored = await self.sites.stored(request, owned_key(request, self.sites.id_name))
        return Answer(_part_text(stored, request))

    async def receive(self, request: Request) -> Answer:
        """PUT: a whole EVSE or connector, new or changed, in a location that is known."""
        part = parse_object(self.codec.read_put(request.body, request.received_at).body)
        self._require_same_id(request, part)
        moment = last_updated(part)

        def replaced(known: JsonObject | None) -> JsonObject | None:
            return None if known is not None and moment < last_updated(known) else part

        return await self._store(request, moment, replaced, self._put_site)

    async def change(self, request: Request) -> Answer:
        """PATCH: some members of an EVSE or connector that is known."""
        patch = self.codec.read_patch(request.body)
        if self.level.id_member in patch.changes:
            self._require_same_id(request, patch.changes)

        def merged(known: JsonObject | None) -> JsonObject | None:
            if known is None:
                raise _unknown_part()
            return None if is_stale(patch, known) else merge(known, patch.changes)

        return await self._store(request, patch.last_updated, merged, self._putting(patch))

    async def _store(
        self,
        request: Request,
        moment: datetime,
        changed: Callable[[JsonObject | None], JsonObject | None],
        put: _Put,
    ) -> Answer:
        key = owned_key(request, self.sites.id_name)
        async with self.sites.locks.of(key):
            site = parse_object(await self.sites.stored(request, key))
            path = _path(request, self.level)
            after = _with_part(site, path, changed, moment)
            if after is not None:
                await put(request, key, after)
        return Answer()

    async def _put_site(self, request: Request, key: ObjectKey, site: JsonObject) -> None:
        await self.sites.put(request.partner, key, self.sites.codec.held(site, to_text(site)))

    def _putting(self, patch: Patch) -> _Put:
        """How the site is put once the patch is in it."""
        return self._put_site

    def _require_same_id(self, request: Request, part: JsonObject) -> None:
        given = part.get(self.level.id_member)
        if not isinstance(given, str) or given.casefold() != request.path[self.level.segment].casefold():
            raise InvalidInput("The object in the body is another one than in the path.")


class _Equipment(_Parts):
    """EVSEs. A PATCH of nothing but the status takes the short way, where the platform has it."""

    def __init__(
        self, sites: Receiving[Site], codec: Codec[Any, EvSupplyEquipment], statuses: StatusReceiver | None
    ) -> None:
        super().__init__(sites, _EVSE, codec)
        self._statuses = statuses

    def _putting(self, patch: Patch) -> _Put:
        told = {name for name, value in patch.changes.items() if value is not None}
        statuses = self._statuses
        if statuses is None or not told <= _STATUS_MEMBERS:
            return self._put_site

        async def put_status(request: Request, key: ObjectKey, site: JsonObject) -> None:
            equipment = _part(site, _path(request, _EVSE))
            change = StatusChange(
                evse_uid=str(equipment["uid"]),
                status=status_of(equipment),
                at=patch.last_updated,
                body=self.sites.codec.text(to_text(site)),
                site_updated=last_updated(site),
            )
            await statuses.put_status(request.partner, key, change)

        return put_status


def _path(request: Request, last: _Level) -> list[tuple[_Level, str]]:
    levels = _LEVELS[: _LEVELS.index(last) + 1]
    return [(level, request.path[level.segment]) for level in levels]


def _with_part(
    whole: JsonObject,
    path: list[tuple[_Level, str]],
    changed: Callable[[JsonObject | None], JsonObject | None],
    moment: datetime,
) -> JsonObject | None:
    """The whole with the part at the end of the path changed, and bumped on the way; None where nothing changes."""
    (level, part_id), rest = path[0], path[1:]
    parts = whole.get(level.members)
    known = list(parts) if isinstance(parts, list) else []
    index = _index(known, level, part_id)
    before = _object(known[index]) if index is not None else None
    if rest and before is None:
        raise _unknown_part()
    after = _with_part(before, rest, changed, moment) if rest and before is not None else changed(before)
    if after is None:
        return None
    if index is None:
        known.append(after)
    else:
        known[index] = after
    newest = max(moment, last_updated(whole))
    return {**whole, level.members: known, "last_updated": write_timestamp(newest)}


def _part_text(stored: str, request: Request) -> str:
    """The stored text, or that of the part which the path names. Raises Rejection 404."""
    path = [(level, request.path[level.segment]) for level in _LEVELS if level.segment in request.path]
    if not path:
        return stored
    return to_text(_part(parse_object(stored), path))


def _part(whole: JsonObject, path: list[tuple[_Level, str]]) -> JsonObject:
    """The part at the end of the path. Raises Rejection 404."""
    part = whole
    for level, part_id in path:
        parts = part.get(level.members)
        known = parts if isinstance(parts, list) else []
        index = _index(known, level, part_id)
        if index is None:
            raise _unknown_part()
        part = _object(known[index])
    return part


def _index(parts: list[Json], level: _Level, part_id: str) -> int | None:
    folded = part_id.casefold()
    return next(
        (i for i, part in enumerate(parts) if str(_object(part).get(level.id_member, "")).casefold() == folded), None
    )


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _unknown_part() -> Rejection:
    return Rejection("This location is known, this part of it is not.", 404, StatusCode.UNKNOWN_LOCATION)
