"""What a driver identifies with (5.6, UC4): a credential of a home-CSP, and how it was accepted."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from core.model.parties import Party


class CredentialKind(StrEnum):
    """What the credential is. A platform that does not know EMAID sees OTHER."""

    RFID = "RFID"
    APP_USER = "APP_USER"
    """Made by the home-CSP for a user of its app; the same for every session."""
    AD_HOC_USER = "AD_HOC_USER"
    """Made by the home-CSP for one session."""
    EMAID = "EMAID"
    """The vehicle's contract certificate (plug and charge)."""
    OTHER = "OTHER"


class WhitelistPolicy(StrEnum):
    """When a visited-CSO may decide by itself (UC4-2) instead of asking (UC4-1)."""

    ALWAYS = "ALWAYS"
    ALLOWED = "ALLOWED"
    ALLOWED_OFFLINE = "ALLOWED_OFFLINE"
    NEVER = "NEVER"


class IdentificationMethod(StrEnum):
    """How a credential was accepted for a session; the last one counts."""

    AUTH_REQUEST = "AUTH_REQUEST"
    COMMAND = "COMMAND"
    WHITELIST = "WHITELIST"


class ChargingPreference(StrEnum):
    """What the driver wants of smart charging."""

    CHEAP = "CHEAP"
    FAST = "FAST"
    GREEN = "GREEN"
    REGULAR = "REGULAR"


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class EnergyContract(_Value):
    """The driver's own energy supplier, where the site can use it."""

    supplier_name: str
    contract_id: str | None = None


class CredentialReference(_Value):
    """The part of a credential that sessions and SDRs repeat: it names the payer."""

    country_code: str
    party_id: str
    uid: str
    kind: CredentialKind
    contract_id: str

    @property
    def party(self) -> Party:
        """The home-CSP that issued it. Raises InvalidInput."""
        return Party.of(self.country_code, self.party_id)


class Credential(CredentialReference):
    """A credential as its home-CSP distributes it; uid and kind together are the key within the party.

    issuer and visual_number: as printed on a card. group_id: credentials of one group may stop one another's sessions.
    """

    visual_number: str | None = None
    issuer: str
    group_id: str | None = None
    valid: bool
    whitelist: WhitelistPolicy
    language: str | None = None
    default_preference: ChargingPreference | None = None
    energy_contract: EnergyContract | None = None
    last_updated: datetime

    @property
    def reference(self) -> CredentialReference:
        """The part that sessions and SDRs repeat."""
        return CredentialReference.model_validate(
            {name: getattr(self, name) for name in CredentialReference.model_fields}
        )
