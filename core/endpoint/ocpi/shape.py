"""Wire shapes: what a class of the wire looks like, and how tolerantly it is read and how strictly written.

Reading, decided member by member kind [J]: null is absence; `[object]` stands for `object`; unknown members are left
to the verbatim JSON beside the shape; free text and URLs may be longer than the table allows, up to a bound that is far
beyond what people read (`kinds.LONGEST`), and lists may be empty;
identifiers (CiString) keep their length, because they become keys and parts of URLs; a wrong type, a missing required
member and an unknown word of a closed enum that bears meaning are faults, an unknown word of a harmless one is ignored.
Writing keeps every rule of the table.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, Self, TypeVar, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model, model_validator

from core.endpoint.ocpi.kinds import CiString, Closed, Harmless, Kind, Open
from core.endpoint.ocpi.reading import Json, JsonObject
from core.errors import InvalidInput


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong, with the path of the member it is wrong at."""

    path: str
    problem: str
    code: str = "invalid_member"

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}"


class InvalidMember(InvalidInput):
    """JSON whose members break their table; `faults` names each by its path. `code` is that of the first fault."""

    code = "invalid_member"

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        shown = "; ".join(map(str, self.faults[:5]))
        more = f"; and {len(self.faults) - 5} more" if len(self.faults) > 5 else ""
        super().__init__(shown + more, code=self.faults[0].code)


@dataclass(frozen=True)
class AtLeastOne:
    """Marks a list that may not be empty when it is written."""


class Shape(BaseModel):
    """A class of the wire. Subclasses declare the members of its table with kinds.

    Foreign JSON is read with `read`. Shapes of our own objects are made with `model_construct` and judged as a whole by
    `written`, so that a fault is named by its path from the root.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    _blank_is_absent: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def __pydantic_init_subclass__(cls, **_options: object) -> None:
        cls._blank_is_absent = frozenset(
            member.name for member in members(cls) if member.optional and isinstance(member.kind, CiString)
        )

    @model_validator(mode="before")
    @classmethod
    def _tolerate(cls, data: object) -> object:
        if type(data) is list and len(data) == 1:
            data = data[0]
        if type(data) is not dict:
            return data
        present = {name: value for name, value in data.items() if value is not None}
        for name in cls._blank_is_absent:
            if present.get(name) == "":
                del present[name]
        return present

    @classmethod
    def read(cls, value: Json) -> Self:
        """The shape of a JSON value; raises InvalidMember, which names every faulty member."""
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            raise InvalidMember(faults_of(error, cls.__name__)) from None

    def broken_rules(self) -> Iterator[tuple[str, str]]:
        """Rules between members that a strict writer keeps: the member and what is wrong."""
        yield from ()


ShapeT = TypeVar("ShapeT", bound=Shape)


@dataclass(frozen=True)
class Member:
    """A member of a shape's table."""

    name: str
    kind: Kind | type[Shape]
    optional: bool
    many: bool
    at_least_one: bool


@cache
def members(shape: type[Shape]) -> tuple[Member, ...]:
    """The members of a shape in the order of its table."""
    hints = get_type_hints(shape, include_extras=True)
    return tuple(_member(name, hints[name]) for name in shape.model_fields)


def _member(name: str, hint: Any) -> Member:  # Any: a type expression
    optional = many = at_least_one = False
    while True:
        origin = get_origin(hint)
        if origin in (Union, UnionType):
            optional, hint = True, next(one for one in get_args(hint) if one is not NoneType)
        elif origin is tuple:
            many, hint = True, get_args(hint)[0]
        elif origin is Annotated:
            base, *marks = get_args(hint)
            at_least_one = at_least_one or any(isinstance(mark, AtLeastOne) for mark in marks)
            kind = next((mark for mark in marks if isinstance(mark, Kind)), None)
            if kind is not None:
                return Member(name, kind, optional, many, at_least_one)
            hint = base
        else:
            return Member(name, hint, optional, many, at_least_one)


@cache
def _by_name(shape: type[Shape]) -> dict[str, Member]:
    return {member.name: member for member in members(shape)}


def part(shape: type[Shape], name: str, _of: type[ShapeT] = Shape) -> type[ShapeT]:  # type: ignore[assignment]  # the widest
    """The class that a member of a shape holds; each version may have one of its own, derived from `_of`."""
    kind = _by_name(shape)[name].kind
    assert isinstance(kind, type) and issubclass(kind, _of)  # a fault of the program, not of what is written
    return kind


def words_of(shape: type[Shape], name: str) -> tuple[str, ...]:
    """The words that a member of a shape knows."""
    kind = _by_name(shape)[name].kind
    assert isinstance(kind, Closed | Harmless | Open)
    return kind.words


def is_open(shape: type[Shape], name: str) -> bool:
    """Whether a member may have words that are not in its table."""
    return isinstance(_by_name(shape)[name].kind, Open)


@cache
def partial(shape: type[ShapeT]) -> type[ShapeT]:
    """The shape of a PATCH: the same members, none of them required."""
    hints = get_type_hints(shape, include_extras=True)
    optional: dict[str, Any] = {name: (hints[name] | None, None) for name in shape.model_fields}  # Any: pydantic's
    return create_model(shape.__name__, __base__=shape, **optional)


def faults_of(error: ValidationError, root: str) -> list[Fault]:
    """Each error of pydantic as a fault; what was given is not echoed."""
    return [Fault(_path(root, one["loc"]), one["msg"], _code(one["type"])) for one in error.errors(include_url=False)]


def _code(kind: str) -> str:
    return "invalid_length" if kind == "string_too_long" else "invalid_member"


def _path(root: str, location: tuple[int | str, ...]) -> str:
    return root + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)


def to_wire(shape: Shape) -> JsonObject:
    """The shape as JSON in the order of its table; what is absent or an empty list is left out."""
    values = shape.__dict__
    wire: JsonObject = {}
    for member in members(type(shape)):
        value = values[member.name]
        if value is None or value == ():
            continue
        wire[member.name] = [_wire_one(member, one) for one in value] if member.many else _wire_one(member, value)
    return wire


def _wire_one(member: Member, value: Any) -> Json:  # Any: a value of the member's kind
    return member.kind.wire(value) if isinstance(member.kind, Kind) else to_wire(value)


def strict_faults(shape: Shape, path: str) -> Iterator[Fault]:
    """What keeps a shape from being written: every rule of its table and between its members."""
    for member in members(type(shape)):
        value = getattr(shape, member.name)
        here = f"{path}.{member.name}"
        if member.at_least_one and not value:
            yield Fault(here, "needs at least one")
        if value is None:
            if not member.optional:
                yield Fault(here, "Field required")
            continue
        for place, one in [(f"{here}[{i}]", one) for i, one in enumerate(value)] if member.many else [(here, value)]:
            if not isinstance(member.kind, Kind):
                yield from strict_faults(one, place)
            elif (found := member.kind.fault(one)) is not None:
                yield Fault(place, found[1], found[0])
    for name, problem in shape.broken_rules():
        yield Fault(f"{path}.{name}", problem)


def written(shape: Shape) -> JsonObject:
    """The shape as JSON that keeps every rule; raises InvalidMember where it breaks one."""
    faults = list(strict_faults(shape, type(shape).__name__))
    if faults:
        raise InvalidMember(faults)
    return to_wire(shape)


def only_object(value: Json) -> JsonObject:
    """The object that `object` or `[object]` means, as shapes read it."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, dict):
        raise InvalidMember([Fault("$", "expected an object")])
    return value
