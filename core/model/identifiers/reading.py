"""Reading written text: all identifiers that it can be, the likeliest first; the context picks.

`DE8AAE12345678` is an EVSE id and a contract id, and `DEABCE12` an EVSE id and a card UID. Grammars: ISO 15118-2, eMI3
and IDRR for the ISO forms, DIN SPEC 91286, and up to 255 characters as in ISO 15118-20 for the extended profile [J].
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from core.errors import InvalidInput
from core.model import countries
from core.model.identifiers.types import (
    MAX_LENGTH,
    ContractId,
    EquipmentId,
    EvseId,
    Identifier,
    PartyId,
    PoolId,
    RfidUid,
    Scheme,
    StationId,
)

_EQUIPMENT = re.compile(r"([A-Z]{2})(\*?)([A-Z0-9]{3})\2([EPS])([A-Z0-9*]+)")
_DIN_EVSE = re.compile(r"\+?([0-9]{1,3})\*([0-9]{3,6})\*([0-9*]{1,32})")
_EMAID = re.compile(r"([A-Z]{2})(-?)([A-Z0-9]{3})\2([A-Z0-9]{9})(?:\2([A-Z0-9]))?")
_EXTENDED_EMAID = re.compile(r"([A-Z]{2})-([A-Z0-9]{3})-([A-Z0-9][A-Z0-9-]*[A-Z0-9])")
# The controller of a station's communication (ISO 15118-20): neither a contract nor, for all its S, a station.
_SECC = re.compile(r"[A-Z]{2}-[A-Z0-9]{3}-S-")
_DIN_CONTRACT = re.compile(r"([A-Z]{2})([*-]?)([A-Z0-9]{3})\2([A-Z0-9]{6})(?:\2([0-9X]))?")
_EMAID_INSTANCE = 9
_PARTY = re.compile(r"([A-Z]{2})[*-]?([A-Z0-9]{3})")
_DIN_PARTY = re.compile(r"\+?([0-9]{1,3})\*([0-9]{3,6})")
_UID = re.compile(r"(?:[0-9A-F]{8}|[0-9A-F]{14}|[0-9A-F]{20}|[0-9]{10})")
_SEPARATED_UID = re.compile(r"[0-9A-F]{2}(?:([: -])[0-9A-F]{2})(?:\1[0-9A-F]{2})*")

_EQUIPMENT_TYPES: dict[str, type[EquipmentId]] = {"E": EvseId, "S": StationId, "P": PoolId}

_AnyIdentifier = TypeVar("_AnyIdentifier", bound=Identifier)


@dataclass(frozen=True)
class Problem:
    """Why a reading is not valid: unknown_country, invalid_check_character or invalid_length, and a sentence."""

    code: str
    reason: str


@dataclass(frozen=True)
class Reading:
    """One thing that a text can be. problem: None if it is valid. as_printed: with its own separators or none."""

    identifier: Identifier
    problem: Problem | None
    as_printed: bool

    @property
    def valid(self) -> bool:
        """Whether the identifier may be used."""
        return self.problem is None


def read(text: str) -> tuple[Reading, ...]:
    """All readings of a text, valid ones first; none if it is no identifier. Space, `*` and `-` all separate."""
    if not text.isascii():  # before upper() could fold another alphabet into this one
        return ()
    readings = list(_readings(text.strip(" ").upper()))
    return tuple(sorted(readings, key=lambda reading: (not reading.valid, not reading.as_printed)))


def parse_as(kind: type[_AnyIdentifier], text: str) -> _AnyIdentifier:
    """The valid reading of this kind; `InvalidInput` with the reason if there is none."""
    reason: Problem | None = None
    for reading in read(text):
        if isinstance(reading.identifier, kind):
            if reading.problem is None:
                return reading.identifier
            reason = reason or reading.problem
    if reason:
        raise InvalidInput(reason.reason, code=reason.code)
    raise InvalidInput(f"this is not a {kind.expected}", code=f"malformed_{kind.kind}")


def _readings(written: str) -> Iterator[Reading]:
    if _SECC.match(written):
        return
    starred = written if "*" in written else re.sub("[ -]", "*", written)
    dashed = written if "-" in written else written.replace(" ", "-")
    for identifier in (*_equipment(starred), *_parties(starred)):
        yield Reading(identifier, _problem(identifier), starred == written)
    for identifier in _din(written):
        yield Reading(identifier, _problem(identifier), True)
    for contract in _contracts(dashed):
        yield Reading(contract, _problem(contract), dashed == written)
    digits = re.sub("[: -]", "", written) if _SEPARATED_UID.fullmatch(written) else written
    if _UID.fullmatch(digits):
        yield Reading(RfidUid(digits), None, True)


def _equipment(written: str) -> Iterator[EquipmentId]:
    if match := _EQUIPMENT.fullmatch(written):
        country, _, party, letter, local = match.groups()
        yield _EQUIPMENT_TYPES[letter](country, party, local)


def _parties(written: str) -> Iterator[PartyId]:
    if match := _PARTY.fullmatch(written):
        yield PartyId(match[1], match[2])


def _din(written: str) -> Iterator[EvseId | PartyId]:
    """Only with their own separators: with others each telephone number would be one."""
    if match := _DIN_EVSE.fullmatch(written):
        country, party, local = match.groups()
        yield EvseId(country, party, local, Scheme.DIN)
    if match := _DIN_PARTY.fullmatch(written):
        yield PartyId(match[1], match[2], Scheme.DIN)


def _contracts(written: str) -> Iterator[ContractId]:
    if match := _EMAID.fullmatch(written):
        country, _, party, instance, check = match.groups()
        yield ContractId(country, party, instance, check)
    elif match := _DIN_CONTRACT.fullmatch(written):
        country, _, party, instance, check = match.groups()
        yield ContractId(country, party, instance, check, Scheme.DIN)
    elif (match := _EXTENDED_EMAID.fullmatch(written)) and len(match[3].replace("-", "")) > _EMAID_INSTANCE:
        yield ContractId(match[1], match[2], match[3])


def _problem(identifier: Identifier) -> Problem | None:
    if len(str(identifier)) > MAX_LENGTH:
        return Problem("invalid_length", f"an identifier has at most {MAX_LENGTH} characters")
    match identifier:
        case EquipmentId() | PartyId() if identifier.scheme is Scheme.DIN:
            if countries.country_of_calling_code(identifier.country) is None:
                return Problem("unknown_country", f"+{identifier.country} is the calling code of no country")
        case EquipmentId() | PartyId() | ContractId() if not countries.is_country(identifier.country):
            return Problem("unknown_country", f"{identifier.country} is not the ISO 3166-1 code of a country")
        case ContractId() if identifier.check and identifier.check != identifier.expected_check:
            return Problem("invalid_check_character", "the check character at the end does not match the rest")
    return None
