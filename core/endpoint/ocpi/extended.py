"""Members that agreeing partners add to OCPI's own objects, the same in every version.

They are read wherever they stand, so that none of them is passed over in silence; whether the agreement covers them is
for the use case to say. They are written only where the use case has put them into the model.
"""

from typing import Annotated, TypeVar

from core.endpoint.ocpi.codec import Codec
from core.endpoint.ocpi.kinds import CiString, Closed
from core.endpoint.ocpi.reading import Json, JsonObject
from core.endpoint.ocpi.shape import Shape, ShapeT, only_object, to_wire
from core.model.sdr import Sdr
from core.model.session import StopScope

M = TypeVar("M")
_LONGEST_ID = 36


class CommandMembers(Shape):
    """Beside a command: what a stop is to end (UC3-4), and the quote that a start relies on (UC2-2)."""

    stop_scope: Annotated[str, Closed(tuple(StopScope))] | None = None
    quote_id: Annotated[str, CiString(_LONGEST_ID)] | None = None

    @property
    def scope(self) -> StopScope | None:
        """What a stop is to end, None where nothing is said."""
        return None if self.stop_scope is None else StopScope(self.stop_scope)


def command_members(stop_scope: StopScope | None, quote_id: str | None) -> JsonObject:
    """The members to add to a command, none where there is nothing to say."""
    return to_wire(CommandMembers.model_construct(stop_scope=stop_scope, quote_id=quote_id))


class SdrCodec(Codec[ShapeT, Sdr]):
    """SDRs with the id of the quote that they keep to (UC2-2) and the agreement under which they were made (Annex B).

    What has such a name and is none is ignored.
    """

    def model(self, value: Json) -> Sdr:
        """The SDR of an object's JSON."""
        given = only_object(value)
        ids = {name: one if isinstance(one := given.get(name), str) and _is_id(one) else None for name in _SDR_IDS}
        version = given.get("agreement_version")
        known = ids["agreement_id"] is not None and isinstance(version, int) and not isinstance(version, bool)
        return super().model(value).model_copy(update={**ids, "agreement_version": version if known else None})

    def added(self, value: Sdr) -> JsonObject:
        """The members that there are."""
        members: JsonObject = {name: getattr(value, name) for name in (*_SDR_IDS, "agreement_version")}
        return {name: one for name, one in members.items() if one is not None}


_SDR_IDS = ("quote_id", "agreement_id")


def _is_id(text: str) -> bool:
    return 0 < len(text) <= _LONGEST_ID
