"""A codec reads and writes one class of objects: verbatim JSON on one side, a value of the model on the other."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from pydantic import ValidationError

from core.endpoint.ocpi.kinds import read_timestamp, write_timestamp
from core.endpoint.ocpi.patching import merge, overlay
from core.endpoint.ocpi.reading import Json, JsonObject, decode, parse, parse_object, to_text
from core.endpoint.ocpi.shape import (
    Fault,
    InvalidMember,
    Shape,
    ShapeT,
    faults_of,
    only_object,
    partial,
    strict_faults,
    to_wire,
    written,
)
from core.endpoint.ports import Held
from core.store.wire_text import EVERY_VERSION, WireText, version_of

M = TypeVar("M")


@dataclass(frozen=True)
class Patch:
    """The body of a PATCH: the members to change, verbatim, and the moment of the change."""

    changes: JsonObject
    last_updated: datetime


class Codec(Generic[ShapeT, M]):
    """Reads tolerantly, writes strictly. Reading raises Unreadable (NotJson) or InvalidMember, nothing else.

    appended: lists that grow by a PATCH. version: of the wire; objects of extension modules are alike in every one.
    """

    def __init__(
        self,
        shape: type[ShapeT],
        to_model: Callable[[ShapeT], M],
        from_model: Callable[[M], Shape],
        appended: Collection[str] = (),
        *,
        version: str = EVERY_VERSION,
    ) -> None:
        self.shape = shape
        self._to_model = to_model
        self._from_model = from_model
        self._appended = appended
        self.version = version

    def read(self, body: bytes | str) -> Held[M]:
        """A whole object from its text; the text itself stays beside it."""
        text = decode(body).strip(" \t\r\n")
        return self.held(parse(text), text)

    def read_put(self, body: bytes | str, received_at: datetime) -> Held[M]:
        """The body of a PUT or POST: a whole object, whose `last_updated` the receiver sets where it is missing."""
        text = decode(body).strip(" \t\r\n")
        value = only_object(parse(text))
        if "last_updated" in self.shape.model_fields and value.get("last_updated") is None:
            value = {**value, "last_updated": write_timestamp(received_at)}
            text = to_text(value)
        return self.held(value, text)

    def held(self, value: Json, text: str) -> Held[M]:
        """An object that is parsed already, such as one of a page, with its text."""
        model = self.model(value)
        return Held(model, self.text(text if isinstance(value, dict) else to_text(only_object(value))))

    def inside(self, value: Json) -> Held[M]:
        """An object inside another one, with its verbatim JSON."""
        return Held(self.model(value), self.text(to_text(only_object(value))))

    def text(self, text: str) -> WireText:
        """JSON text as one of this version."""
        return WireText(text, self.version)

    def read_patch(self, body: bytes | str) -> Patch:
        """The body of a PATCH, each member checked; `last_updated` is required."""
        value = parse_object(body)
        partial(self.shape).read(value)
        if value.get("last_updated") is None:
            raise InvalidMember([Fault(f"{self.shape.__name__}.last_updated", "is required in a PATCH")])
        return Patch(value, read_timestamp(value["last_updated"]))

    def patch(self, stored: str, patch: Patch) -> Held[M]:
        """The stored object with a PATCH applied to its JSON."""
        merged = merge(parse_object(stored), patch.changes, self._appended)
        return Held(self.model(merged), self.text(to_text(merged)))

    def model(self, value: Json) -> M:
        """The model's value of an object's JSON."""
        return self.of(self.shape.read(value))

    def of(self, shape: ShapeT) -> M:
        """The model's value of a shape that is read already, such as one inside another. Raises InvalidMember."""
        try:
            return self._to_model(shape)
        except ValidationError as error:
            raise InvalidMember(faults_of(error, self.shape.__name__)) from None

    def wire(self, value: M) -> JsonObject:
        """JSON of an object that we originate; raises InvalidMember where it breaks a rule (`invalid_length`, ...)."""
        return {**written(self._shape(value)), **self.added(value)}

    def write(self, value: M) -> WireText:
        """JSON text of an object that we originate."""
        return self.text(to_text(self.wire(value)))

    def write_anew(self, value: M) -> WireText:
        """JSON text of an object that was written in another version; what its own text breaks is passed on."""
        return self.text(to_text({**to_wire(self._shape(value)), **self.added(value)}))

    def added(self, value: M) -> JsonObject:
        """Members that agreeing partners add to those of the shape."""
        return {}

    def verbatim(self, held: Held[M]) -> JsonObject:
        """The JSON of a held object as it goes on inside another one, written anew where it is of another version."""
        return parse_object(held.body if version_of(held.body) == self.version else self.write_anew(held.value))

    def rewrite(self, held: Held[M], value: M) -> Held[M]:
        """A partner's object changed: its verbatim JSON with only the changed members replaced.

        What the change itself breaks is refused; what the partner's own text breaks already is passed on.
        """
        before, after = self._shape(held.value), self._shape(value)
        tolerated = set(strict_faults(before, self.shape.__name__))
        faults = [fault for fault in strict_faults(after, self.shape.__name__) if fault not in tolerated]
        if faults:
            raise InvalidMember(faults)
        return Held(value, self.text(to_text(overlay(parse(held.body), to_wire(before), to_wire(after)))))

    def _shape(self, value: M) -> Shape:
        try:
            return self._from_model(value)
        except ValidationError as error:
            raise InvalidMember(faults_of(error, self.shape.__name__)) from None
