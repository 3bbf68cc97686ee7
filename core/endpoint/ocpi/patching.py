"""Partial updates and changes laid over verbatim JSON, so that no member of a partner's object is lost."""

from collections.abc import Collection

from core.endpoint.ocpi.reading import Json, JsonObject


def merge(stored: JsonObject, changes: JsonObject, appended: Collection[str] = ()) -> JsonObject:
    """A PATCH applied: its members replace those of the same name as a whole; null changes nothing, as a PATCH cannot
    remove a member. Lists named in `appended` grow by the items that they do not hold yet, so that a repeated PATCH
    adds nothing twice.
    """
    merged = dict(stored)
    for name, value in changes.items():
        if value is None:
            continue
        held = merged.get(name)
        if name in appended and isinstance(held, list) and isinstance(value, list):
            merged[name] = held + [item for item in value if item not in held]
        else:
            merged[name] = value
    return merged


def overlay(verbatim: Json, before: Json, after: Json) -> Json:
    """The verbatim JSON with only that replaced in which `after` differs from `before`.

    `before` and `after` are our own writing of the object as it was read and as it is now; where they agree, the
    verbatim value stands, whatever its spelling, and with the members that we do not know.
    """
    if before == after:
        return verbatim
    if isinstance(verbatim, list) and len(verbatim) == 1 and not isinstance(before, list):
        verbatim = verbatim[0]
    if isinstance(verbatim, dict) and isinstance(before, dict) and isinstance(after, dict):
        return _overlay_object(verbatim, before, after)
    if (
        isinstance(verbatim, list)
        and isinstance(before, list)
        and isinstance(after, list)
        and len(verbatim) == len(before)
    ):
        return _overlay_list(verbatim, before, after)
    return after


def _overlay_object(verbatim: JsonObject, before: JsonObject, after: JsonObject) -> JsonObject:
    kept = {name: value for name, value in verbatim.items() if name in after or name not in before}
    changed = {
        name: overlay(verbatim.get(name), before.get(name), value)
        for name, value in after.items()
        if name not in before or before[name] != value
    }
    return {**kept, **changed}


def _overlay_list(verbatim: list[Json], before: list[Json], after: list[Json]) -> list[Json]:
    def item(index: int, now: Json) -> Json:
        if now in before:
            return verbatim[before.index(now)]
        return overlay(verbatim[index], before[index], now) if index < len(before) else now

    return [item(index, now) for index, now in enumerate(after)]
