"""EVSEs and connectors that are put or patched by themselves, laid into the stored JSON of their location.

A change of an EVSE or connector is a change of its parents: their `last_updated` moves with it, in the receiver, too.
Parts are found caselessly by `uid` and `id`. Parts have been read by
their codec before. Every function returns new JSON and leaves what it was given alone.
"""

from core.endpoint.ocpi.codec import Patch
from core.endpoint.ocpi.kinds import read_timestamp
from core.endpoint.ocpi.patching import merge
from core.endpoint.ocpi.reading import Json, JsonObject
from core.errors import NotFound


def with_evse(location: JsonObject, evse: JsonObject) -> JsonObject:
    """The location with an EVSE put into it, new or in the place of the one with its uid."""
    return _touched({**location, "evses": _put(location.get("evses"), "uid", evse)}, _moment(evse))


def with_connector(location: JsonObject, evse_uid: str, connector: JsonObject) -> JsonObject:
    """The location with a connector put into one of its EVSEs. Raises NotFound for an unknown EVSE."""
    evse = find(location.get("evses"), "uid", evse_uid)
    changed = {**evse, "connectors": _put(evse.get("connectors"), "id", connector)}
    moment = _moment(connector)
    return _touched({**location, "evses": _put(location.get("evses"), "uid", _touched(changed, moment))}, moment)


def with_evse_patched(location: JsonObject, evse_uid: str, patch: Patch) -> JsonObject:
    """The location with a PATCH applied to one of its EVSEs. Raises NotFound for an unknown EVSE."""
    return with_evse(location, merge(find(location.get("evses"), "uid", evse_uid), patch.changes))


def with_connector_patched(location: JsonObject, evse_uid: str, connector_id: str, patch: Patch) -> JsonObject:
    """The location with a PATCH applied to one connector. Raises NotFound where it is unknown."""
    evse = find(location.get("evses"), "uid", evse_uid)
    return with_connector(location, evse_uid, merge(find(evse.get("connectors"), "id", connector_id), patch.changes))


def find(parts: Json, key: str, wanted: str) -> JsonObject:
    """The part with this key, caselessly. Raises NotFound."""
    for part in parts if isinstance(parts, list) else []:
        if isinstance(part, dict) and _same(part.get(key), wanted):
            return part
    raise NotFound(f"no part with this {key}")


def _same(one: Json, other: Json) -> bool:
    return isinstance(one, str) and isinstance(other, str) and one.casefold() == other.casefold()


def _put(parts: Json, key: str, part: JsonObject) -> list[Json]:
    held = parts if isinstance(parts, list) else []
    if not any(isinstance(one, dict) and _same(one.get(key), part.get(key)) for one in held):
        return [*held, part]
    return [part if isinstance(one, dict) and _same(one.get(key), part.get(key)) else one for one in held]


def _moment(part: JsonObject) -> Json:
    return part.get("last_updated")


def _touched(parent: JsonObject, moment: Json) -> JsonObject:
    """The parent with the later of both moments; the spelling of the one that wins is kept."""
    held = parent.get("last_updated")
    if moment is None or (held is not None and read_timestamp(held) >= read_timestamp(moment)):
        return parent
    return {**parent, "last_updated": moment}
