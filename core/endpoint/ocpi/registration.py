"""What platforms tell one another when they register (UC1-1), free of any wire version."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.model.parties import Party, PartyRole, PlatformRole
from core.model.sites import Business


class RegisteredRole(PartyRole):
    """A party in one role, with what people may read about it."""

    business: Business | None = None


@dataclass(frozen=True)
class Registration:
    """How to reach a platform and for whom it speaks. Roles that the standard does not know are left out."""

    token: str
    versions_url: str
    roles: tuple[RegisteredRole, ...]


class Reachability(StrEnum):
    """How a party stands behind a clearing house."""

    CONNECTED = "CONNECTED"
    OFFLINE = "OFFLINE"
    PLANNED = "PLANNED"
    SUSPENDED = "SUSPENDED"


@dataclass(frozen=True)
class ReachableParty:
    """A party behind a clearing house; role is None where the standard does not know it."""

    party: Party
    role: PlatformRole | None
    reachability: Reachability
    last_updated: datetime
