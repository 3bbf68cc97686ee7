"""The versions of the wire that we speak."""

from collections.abc import Collection

from core.endpoint.binding import Binding
from core.endpoint.ocpi.v2_2_1 import binding as v2_2_1
from core.endpoint.ocpi.v2_3_0 import binding as v2_3_0
from core.errors import InvalidInput

BINDINGS: dict[str, Binding] = {one.version: one for one in (v2_2_1.BINDING, v2_3_0.BINDING)}

CANONICAL = BINDINGS["2.3.0"]
"""The version in which we keep our own objects: the richest, so that nothing of them is lost."""


def bindings_of(versions: Collection[str] | None) -> dict[str, Binding]:
    """The bindings of these versions, of all for None. Raises InvalidInput for a version that we do not speak."""
    unknown = sorted(set(versions or ()) - BINDINGS.keys())
    if unknown or (versions is not None and not versions):
        raise InvalidInput(
            f"{unknown[0][:20]} is no version of the wire that is spoken here." if unknown else "No version is named.",
            code="unknown_version",
            next_step=f"Choose among {', '.join(BINDINGS)}.",
        )
    return {version: one for version, one in BINDINGS.items() if versions is None or version in versions}


def version_order(version: str) -> tuple[int, ...]:
    """By what the higher of two versions is found."""
    return tuple(int(part) for part in version.split(".") if part.isdigit())
