"""The identifiers of clause 5.5: parties, EVSEs, stations, pools, contracts, and the UID of a card beside them.

Each is stored in upper case, printed with separators, and compared without them. Up to 255 characters are accepted: an
identifier longer than the ISO 15118-2 profile is kept as it is (`is_extended`, [J] after ISO 15118-20) and refused, not
cut, where a field is shorter.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Self

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from core.errors import InvalidInput
from core.model import countries
from core.model.identifiers.check import din_check_digit, emaid_check_character

MAX_LENGTH = 255
"""Characters of an identifier, separators included."""


class Kind(StrEnum):
    """What an identifier names."""

    EVSE = "evse_id"
    STATION = "station_id"
    POOL = "pool_id"
    CONTRACT = "contract_id"
    PARTY = "party_id"
    RFID_UID = "rfid_uid"


class Scheme(StrEnum):
    """Whose grammar an identifier follows: ISO 15118 with eMI3, or the older DIN SPEC 91286."""

    ISO = "iso"
    DIN = "din"


@dataclass(frozen=True, eq=False)
class Identifier(ABC):
    """What all identifiers share: equality without separators, printing, and the length check of a field."""

    kind: ClassVar[Kind]
    expected: ClassVar[str]

    @property
    @abstractmethod
    def key(self) -> str:
        """What equality compares: upper case, no separators, so that a store can index it."""

    @property
    def is_extended(self) -> bool:
        """Whether it is longer than the ISO 15118-2 profile allows."""
        return False

    def fits(self, field_length: int) -> bool:
        """Whether a field of so many characters can hold it as printed."""
        return len(str(self)) <= field_length

    def for_field(self, field_length: int) -> str:
        """The printed form for a field of so many characters; `InvalidInput` (invalid_length) if it is longer."""
        if not self.fits(field_length):
            message = f"the {self.expected} has {len(str(self))} characters and the field holds {field_length}"
            raise InvalidInput(message, code="invalid_length", next_step="It is never cut: use a shorter identifier.")
        return str(self)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read any written form; `InvalidInput` if there is no valid reading of this kind."""
        from core.model.identifiers.reading import parse_as  # the reader builds these types, hence the late import

        return parse_as(cls, text)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """In pydantic models: read from text, written as printed (the signature, `Any` included, is pydantic's)."""
        return core_schema.no_info_plain_validator_function(
            cls._from_field, serialization=core_schema.to_string_ser_schema()
        )

    @classmethod
    def _from_field(cls, value: object) -> Self:
        if isinstance(value, cls):
            return value
        if not isinstance(value, str):
            raise ValueError(f"{cls.expected} expected")
        try:
            return cls.parse(value)
        except InvalidInput as error:
            raise ValueError(error.message) from error

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Identifier) and (self.kind, self.key) == (other.kind, other.key)

    def __hash__(self) -> int:
        return hash((self.kind, self.key))


@dataclass(frozen=True, eq=False)
class PartyId(Identifier):
    """A company in its country, as an identification registry issued it: `DE*AB7`, in DIN SPEC 91286 `+49*810`."""

    kind = Kind.PARTY
    expected = "party id"

    country: str
    party: str
    scheme: Scheme = Scheme.ISO

    @property
    def key(self) -> str:
        """What equality compares."""
        return str(self) if self.scheme is Scheme.DIN else self.country + self.party

    def __str__(self) -> str:
        return f"{'+' if self.scheme is Scheme.DIN else ''}{self.country}*{self.party}"


@dataclass(frozen=True, eq=False)
class EquipmentId(Identifier):
    """What EVSE, station and pool ids share: the party, a type letter (ISO only), and the party's own part.

    country: ISO alpha-2, or the calling code in DIN SPEC 91286. local: as written, upper case, with its separators.
    """

    letter: ClassVar[str]
    profile_length: ClassVar[int]

    country: str
    party: str
    local: str
    scheme: Scheme = Scheme.ISO

    @property
    def party_id(self) -> PartyId:
        """The party that the identifier belongs to."""
        return PartyId(self.country, self.party, self.scheme)

    @property
    def key(self) -> str:
        """What equality compares."""
        compact = self.local.replace("*", "")
        # DIN operators have three to six digits: without the separators two of them could run together.
        return (
            f"{self.party_id}*{compact}" if self.scheme is Scheme.DIN else f"{self.party_id.key}{self.letter}{compact}"
        )

    @property
    def is_extended(self) -> bool:
        """Whether the party's own part is longer than the ISO 15118-2 profile allows."""
        return len(self.local) > self.profile_length

    def __str__(self) -> str:
        return f"{self.party_id}*{'' if self.scheme is Scheme.DIN else self.letter}{self.local}"


class EvseId(EquipmentId):
    """An EVSE: `DE*AB7*E840*6487`, or in DIN SPEC 91286 `+49*810*000*438`."""

    kind = Kind.EVSE
    expected = "EVSE id"
    letter = "E"
    profile_length = 31

    def to_iso(self) -> "EvseId":
        """The ISO form of a DIN SPEC 91286 id (OCHP's rule); `InvalidInput` if there is none for this operator."""
        if self.scheme is Scheme.ISO:
            return self
        country = countries.country_of_calling_code(self.country)
        if country is None or len(self.party) != 3:
            raise InvalidInput(f"{self} has no ISO form: the operator code must have three digits", code="no_iso_form")
        return EvseId(country, self.party, self.local)


class StationId(EquipmentId):
    """A charging station with one or more EVSEs: `DE*GEF*S12345678` (eMI3, IDRR)."""

    kind = Kind.STATION
    expected = "station id"
    letter = "S"
    profile_length = 30


class PoolId(EquipmentId):
    """A charging pool, the stations of one site: `DE*GEF*P0815` (eMI3, IDRR)."""

    kind = Kind.POOL
    expected = "pool id"
    letter = "P"
    profile_length = 30


@dataclass(frozen=True, eq=False)
class ContractId(Identifier):
    """A driver's contract: an EMAID `NL-TNM-000122045-U`, or in DIN SPEC 91286 `NL-TNM-012204-5`. Personal data.

    check: the check character, None where it was not written; it adds nothing to what the contract is, so that ids with
    and without it are equal.
    """

    kind = Kind.CONTRACT
    expected = "contract id"

    country: str
    party: str
    instance: str
    check: str | None = None
    scheme: Scheme = Scheme.ISO

    @property
    def party_id(self) -> PartyId:
        """The provider that issued the contract."""
        return PartyId(self.country, self.party)

    @property
    def key(self) -> str:
        """What equality compares."""
        return self.country + self.party + self.instance.replace("-", "")

    @property
    def is_extended(self) -> bool:
        """Whether the instance is longer than the nine characters of the ISO 15118-2 profile."""
        return self.scheme is Scheme.ISO and len(self.instance) != 9

    @property
    def expected_check(self) -> str | None:
        """The check character that the id must have; None beyond the ISO 15118-2 profile, which defines none there."""
        if self.is_extended:
            return None
        calculate = emaid_check_character if self.scheme is Scheme.ISO else din_check_digit
        return calculate(self.key)

    def with_check(self) -> "ContractId":
        """The same contract with its check character, where one is defined."""
        return ContractId(self.country, self.party, self.instance, self.expected_check, self.scheme)

    def to_iso(self, prefix: str = "C0") -> "ContractId":
        """The EMAID of a DIN SPEC 91286 contract, with its new check character.

        prefix: `C0` as in eMI3, or `00` as in the older ISO form; the DIN check digit follows the six characters.
        """
        if self.scheme is Scheme.ISO:
            return self
        instance = f"{prefix}{self.instance}{self.check or self.expected_check}"
        return ContractId(self.country, self.party, instance).with_check()

    def __str__(self) -> str:
        return "-".join(part for part in (self.country, self.party, self.instance, self.check) if part)


@dataclass(frozen=True, eq=False)
class RfidUid(Identifier):
    """The UID of a card as a reader delivers it: 8, 14 or 20 hexadecimal digits, or 10 decimal ones. Personal data."""

    kind = Kind.RFID_UID
    expected = "card UID"

    digits: str

    @property
    def key(self) -> str:
        """What equality compares."""
        return self.digits

    @property
    def spellings(self) -> tuple[str, ...]:
        """The UIDs that it can stand for, hexadecimal: readers print either byte order, some in decimal."""
        if len(self.digits) == 10:
            number = int(self.digits)
            uid = number.to_bytes(4 if number < 1 << 32 else 5, "big")
        else:
            uid = bytes.fromhex(self.digits)
        return tuple(dict.fromkeys((uid.hex().upper(), uid[::-1].hex().upper())))

    def __str__(self) -> str:
        return self.digits
