"""Every shape has exactly the members of its table in the specification: names, cardinality, types, lengths, words."""

import json
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from core.endpoint.ocpi import sessions
from core.endpoint.ocpi.kinds import (
    CiString,
    Closed,
    Degrees,
    Flag,
    Harmless,
    Kind,
    LocalDate,
    LocalTime,
    Number,
    Open,
    Pattern,
    Text,
    Timestamp,
    Url,
    Whole,
)
from core.endpoint.ocpi.shape import Member, Shape, members
from core.endpoint.ocpi.types import AnyPrice
from core.endpoint.ports import CommandKind

MODULES = (
    "cdrs",
    "charging_profiles",
    "commands",
    "credentials",
    "energy_mix",
    "hubclientinfo",
    "locations",
    "sessions",
    "tariffs",
    "tokens",
    "types",
    "versions",
)
VERSIONS = {"2.2.1": "v2_2_1", "2.3.0": "v2_3_0"}
OTHER_NAMES = {"Data": "VersionDetails", "CommandResult": "CommandResultBody"}
OF_OTHER_MODULES = {"Response", "InvoiceReconciliationRecord"}
WITHOUT_A_TABLE = {"VersionNumber": 10, "ModuleID": 255}
NOT_IN_THE_EXTRACT = {
    "IEC_60309_2_single_16",
    "IEC_60309_2_three_16",
    "IEC_60309_2_three_32",
    "IEC_60309_2_three_64",
    "N/A",
}
"""What the extract leaves out: `N/A` of TaxIncluded, and words of ConnectorType with small letters (mod_locations)."""


LEFT_OUT = {
    "ConnectorCapability": ["ISO_15118_2_PLUG_AND_CHARGE", "ISO_15118_20_PLUG_AND_CHARGE"],
    "EVSEPosition": ["LEFT", "RIGHT", "CENTER"],
    "ParkingDirection": ["PARALLEL", "PERPENDICULAR", "ANGLE"],
}
"""Enums that the extract leaves out (2.3.0, mod_locations)."""


@dataclass(frozen=True)
class Wire:
    """A version: its tables in the specification, and its shapes here."""

    classes: dict[str, dict[str, list[str]]]
    enums: dict[str, list[str]]
    shapes: dict[str, type[Shape]]


@pytest.fixture(params=VERSIONS)
def wire(request: pytest.FixtureRequest, shared_data: Path) -> Wire:
    tables = json.loads((shared_data / "ocpi_examples" / "spec_tables.json").read_text())[request.param]
    return Wire(tables["classes"], tables["enums"], shapes(VERSIONS[request.param]))


def shapes(version: str) -> dict[str, type[Shape]]:
    """The shapes of a version: those that all versions share, and in their place those that it has of its own."""
    found: dict[str, type[Shape]] = {}
    for package in ("core.endpoint.ocpi", f"core.endpoint.ocpi.{version}"):
        for module in MODULES:
            name = f"{package}.{module}"
            if find_spec(name) is None:
                continue
            for one in vars(import_module(name)).values():
                if isinstance(one, type) and issubclass(one, Shape) and one not in (Shape, AnyPrice):
                    found[one.__name__] = one
    return found


def cardinality(member: Member) -> str:
    if member.many:
        return "+" if member.at_least_one else "*"
    return "?" if member.optional else "1"


def is_of_type(kind: Kind | type[Shape], type_name: str, enums: dict[str, list[str]]) -> bool:
    if not isinstance(kind, Kind):
        return kind.__name__ == OTHER_NAMES.get(type_name, type_name)
    if isinstance(kind, Closed | Harmless | Open):
        words = enums[type_name] if type_name in enums else LEFT_OUT[type_name]
        return set(kind.words) - NOT_IN_THE_EXTRACT == set(words)
    length, named = longest(type_name)
    if isinstance(kind, CiString):
        return named in ("cistring", "moduleid") and length in (kind.max_length, None)
    if isinstance(kind, Url):
        return type_name == "URL"
    if isinstance(kind, Text | Pattern | Degrees | LocalTime | LocalDate):
        return named in ("string", "versionnumber") and length in (kind.max_length, None)
    if isinstance(kind, Whole):
        return type_name in ("int", f"int({kind.max_digits})")
    names = {Timestamp: "DateTime", Number: "number", Flag: "boolean"}
    return type_name == names[type(kind)]


def longest(type_name: str) -> tuple[int | None, str]:
    """The length in a type's name, such as string(50) or String[50], None where the text gives none; and the rest."""
    name, _, length = type_name.replace("[", "(").rstrip(")]").partition("(")
    return (int(length) if length else WITHOUT_A_TABLE.get(type_name)), name.lower()


def test_each_table_has_its_shape_and_each_shape_its_table(wire: Wire) -> None:
    expected = {OTHER_NAMES.get(name, name) for name in wire.classes} - OF_OTHER_MODULES
    assert set(wire.shapes) == expected


def test_each_member_is_as_its_table_says(wire: Wire) -> None:
    wrong = []
    for name, table in wire.classes.items():
        shape = wire.shapes.get(OTHER_NAMES.get(name, name))
        if shape is None:
            continue
        ours = {member.name: member for member in members(shape)}
        assert set(ours) == set(table), name
        for member, (type_name, card) in table.items():
            if cardinality(ours[member]) != card or not is_of_type(ours[member].kind, type_name, wire.enums):
                wrong.append(f"{name}.{member}: {type_name} {card} against {ours[member]}")
    assert wrong == []


def test_words_of_answers_are_those_of_the_enums(wire: Wire) -> None:
    assert set(sessions.CHARGING_PREFERENCES_RESPONSE) == set(wire.enums["ChargingPreferencesResponse"])
    assert set(CommandKind) == set(wire.enums["CommandType"])
