"""A partner as the endpoint knows it: who it is, what it offers, and the agreement under which we meet (5.4.6)."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from core.endpoint.agreement import Agreement
from core.endpoint.ocpi.registration import Reachability
from core.model.parties import Party, PartyRole, PlatformRole

CONFIGURATION_MODULES = frozenset({"credentials", "hubclientinfo", "versions"})
"""Modules between neighbours: their messages carry no routing headers and go no further."""


class PartnerStatus(StrEnum):
    """Where a partner stands: invited (has not registered yet), connected, suspended by us, removed."""

    INVITED = "invited"
    CONNECTED = "connected"
    SUSPENDED = "suspended"
    REMOVED = "removed"


class PartnerEndpoint(BaseModel):
    """One module interface of a partner, at the URL it gave; URLs are followed as given, never built."""

    model_config = ConfigDict(frozen=True)

    module: str
    interface: str
    url: str


class Partner(BaseModel):
    """A platform that we exchange with. One platform may speak for several parties in several roles.

    via: the id of the partner (a clearing house) through which this one is reached; it has no connection of its own
    then, and `reachability` is what the clearing house tells of it.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    status: PartnerStatus
    roles: tuple[PartyRole, ...] = ()
    agreement: Agreement = Field(default_factory=Agreement)
    versions_url: str | None = None
    version: str | None = None
    endpoints: tuple[PartnerEndpoint, ...] = ()
    certificate_name: str | None = None
    last_seen_at: datetime | None = None
    via: str | None = None
    reachability: Reachability = Reachability.CONNECTED

    def speaks_for(self, party: Party) -> bool:
        """Whether objects of this party may come over this partner's connection."""
        return any(role.party == party for role in self.roles)

    def plays(self, role: PlatformRole) -> bool:
        """Whether the partner is registered in this role."""
        return any(own.role is role for own in self.roles)

    def endpoint(self, module: str, interface: str) -> str | None:
        """The URL of a module interface (`SENDER` or `RECEIVER`), None where the partner does not offer it."""
        return next((e.url for e in self.endpoints if e.module == module and e.interface == interface), None)

    def reached_through(self, hub: "Partner") -> "Partner":
        """Itself with the connection of the clearing house behind which it stands: where that ends, this one does."""
        own = self.status is PartnerStatus.CONNECTED
        ends = (one for one in (self.agreement.ends_at, hub.agreement.end) if one is not None)
        return self.model_copy(
            update={
                "status": hub.status if own else self.status,
                "agreement": self.agreement.model_copy(
                    update={"transport": hub.agreement.transport, "ends_at": min(ends, default=None)}
                ),
                "versions_url": hub.versions_url,
                "version": hub.version,
                "endpoints": tuple(one for one in hub.endpoints if one.module not in CONFIGURATION_MODULES),
                "certificate_name": hub.certificate_name,
                "last_seen_at": hub.last_seen_at,
            }
        )
