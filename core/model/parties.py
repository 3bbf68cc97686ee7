"""Parties and the roles they play (IEC 63119-2, 6.2): who speaks, for whom, to whom."""

import re
from enum import StrEnum
from functools import lru_cache
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from core.errors import InvalidInput

# The same few parties are named by every message.
_REMEMBERED = 1024
_PARTY = re.compile(r"([A-Za-z]{2})[*\-]?([A-Za-z0-9]{3})")


class PlatformRole(StrEnum):
    """The three platforms of the standard (6.2.2)."""

    HOME_CSP = "home-CSP"
    VISITED_CSO = "visited-CSO"
    CLEARING_HOUSE = "clearing-house"


class Party(BaseModel):
    """A registered party: ISO 3166 country code and the three characters that its ID registration organisation gave.

    Stored upper case; `str()` prints `DE*ABC`.
    """

    model_config = ConfigDict(frozen=True)

    country_code: str
    party_id: str

    @model_validator(mode="after")
    def _upper_case(self) -> Self:
        if not _PARTY.fullmatch(self.country_code + self.party_id):
            raise ValueError(
                f"{self.country_code}*{self.party_id} is not a party: two letters and three letters or digits"
            )
        object.__setattr__(self, "country_code", self.country_code.upper())
        object.__setattr__(self, "party_id", self.party_id.upper())
        return self

    @classmethod
    @lru_cache(maxsize=_REMEMBERED)
    def of(cls, country_code: str, party_id: str) -> "Party":
        """The party of an object, which may be foreign and name none; raises InvalidInput then."""
        try:
            return cls(country_code=country_code, party_id=party_id)
        except ValidationError:
            raise InvalidInput(f"{country_code[:8]!a} and {party_id[:8]!a} name no party.", code="no_party") from None

    @classmethod
    @lru_cache(maxsize=_REMEMBERED)
    def parse(cls, text: str) -> "Party":
        """Read `DE*ABC`, `DE-ABC` or `DEABC` in any letter case; raises InvalidInput."""
        match = _PARTY.fullmatch(text.strip())
        if match is None:
            raise InvalidInput(
                f"“{text[:40]}” is not a party id",
                next_step="Write the country and three letters or digits, like DE*ABC.",
            )
        return cls(country_code=match[1], party_id=match[2])

    def __str__(self) -> str:
        return f"{self.country_code}*{self.party_id}"


class PartyRole(BaseModel):
    """A party in one role, with the name by which people know it."""

    model_config = ConfigDict(frozen=True)

    role: PlatformRole
    party: Party
    name: str


class ObjectKey(BaseModel):
    """The key of an object that a party owns (site, tariff, credential, session, SDR)."""

    model_config = ConfigDict(frozen=True)

    country_code: str
    party_id: str
    id: str

    @property
    def party(self) -> Party:
        """The owner. Raises InvalidInput."""
        return Party.of(self.country_code, self.party_id)

    def __str__(self) -> str:
        return f"{self.country_code}*{self.party_id}/{self.id}"
