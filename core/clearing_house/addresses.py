"""What a request is about, by its path: the module interface, the service that an agreement must cover, who may ask.

IEC 63119-2 has no such table; it is OCPI's division of work between operator and provider, read as services [J].
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from core.endpoint.extension import module_id
from core.model.parties import PlatformRole
from core.model.services import Service

CSP, CSO = PlatformRole.HOME_CSP, PlatformRole.VISITED_CSO

STANDARD_MODULES = ("locations", "sessions", "cdrs", "tariffs", "tokens", "commands", "chargingprofiles")
INTERFACES = ("SENDER", "RECEIVER")
FORWARD = "forward"
"""The segment of our own URLs that stand for one of a partner's."""

_SERVICES = {
    "locations": Service.SITES,
    "sessions": Service.SESSIONS,
    "cdrs": Service.SDRS,
    "tariffs": Service.TARIFFS,
    "tokens": Service.OFFLINE_IDENTIFICATION,
    "chargingprofiles": Service.CHARGING_PREFERENCES,
}
_COMMANDS = {
    "START_SESSION": Service.REMOTE_START,
    "STOP_SESSION": Service.REMOTE_START,
    "RESERVE_NOW": Service.RESERVATIONS,
    "CANCEL_RESERVATION": Service.RESERVATIONS,
    "UNLOCK_CONNECTOR": Service.EMERGENCY_UNLOCK,
}
EXTENSION_SERVICES: Mapping[str, Service] = {
    "bookings": Service.RESERVATIONS,
    module_id("quotes"): Service.QUOTES,
    module_id("dynamicinformation"): Service.DYNAMIC_INFORMATION,
    module_id("energytransfers"): Service.STOP_SCOPE,
    module_id("pncauthorizations"): Service.PLUG_AND_CHARGE,
    module_id("chargeplans"): Service.CHARGE_PLANS,
    module_id("sdrs"): Service.SDR_VERDICTS,
    module_id("servicenotices"): Service.NOTICES,
    module_id("agreements"): Service.AGREEMENTS,
    module_id("emergencyunlocks"): Service.EMERGENCY_UNLOCK,
}
"""What passes beside the modules of OCPI's core: bookings, and evroam's own; those of the clearing house end at it."""

_TO_CSP = {
    ("locations", "RECEIVER"),
    ("tariffs", "RECEIVER"),
    ("sessions", "RECEIVER"),
    ("cdrs", "RECEIVER"),
    ("tokens", "SENDER"),
    ("commands", "SENDER"),
    ("chargingprofiles", "SENDER"),
}
_OWNED = {"locations", "tariffs", "sessions", "tokens", "cdrs"}


@dataclass(frozen=True)
class Address:
    """One request's path. below: the segments under the module's URL, decoded; raw_below: as in the request line."""

    version: str
    interface: str
    module: str
    below: tuple[str, ...] = ()
    raw_below: str = ""

    @classmethod
    def read(cls, raw_path: str) -> "Address | None":
        """From `/ocpi/{version}/{interface}/{module}/…`; None where the path is none of a module."""
        segments = raw_path.strip("/").split("/")
        below = tuple(map(unquote, segments[4:]))
        if len(segments) < 4 or segments[0] != "ocpi" or segments[2].upper() not in INTERFACES:
            return None
        if segments[3] in {"credentials", "versions", "hubclientinfo"} or not segments[3]:
            return None
        if any(one in {".", ".."} or not one.isprintable() for one in (*below, segments[3])):
            return None
        raw_below = "".join(f"/{one}" for one in segments[4:])
        return cls(segments[1], segments[2].upper(), segments[3], below, raw_below)

    @property
    def service(self) -> Service | None:
        """What an agreement has to name; None for a module that only an agreement itself can name."""
        if self.module == "commands":
            return _COMMANDS.get(self.below[0] if self.below else "")
        if self.module == "tokens" and self.interface == "SENDER" and self.below[1:] == ("authorize",):
            return Service.LOCAL_START
        if self.module == "sessions" and self.below[-1:] == ("charging_preferences",):
            return Service.CHARGING_PREFERENCES
        return _SERVICES.get(self.module) or EXTENSION_SERVICES.get(self.module)

    @property
    def receiver_role(self) -> PlatformRole | None:
        """In which role the receiver is asked; None where either may be."""
        if self.module not in STANDARD_MODULES:
            return None
        return CSP if (self.module, self.interface) in _TO_CSP else CSO

    @property
    def asks_identification(self) -> bool:
        """Whether this is an identification request (UC4-1)."""
        return self.service is Service.LOCAL_START

    @property
    def names_owner(self) -> bool:
        """Whether the path begins with the party that owns the object, who is the sender."""
        return self.module in _OWNED and self.interface == "RECEIVER" and len(self.below) >= 3

    @property
    def shown(self) -> str:
        """The path as it may be logged: nothing that names a credential or lets one post an outcome."""
        below: tuple[str, ...] = self.below
        if self.module == "tokens" and self.interface == "RECEIVER":
            below = (*below[:2], *("***" for _ in below[2:]))
        elif self.module == "tokens" or (self.module == "commands" and self.interface == "SENDER"):
            below = tuple(one if one in {"authorize", *_COMMANDS} else "***" for one in below)
        return "/".join(("", "ocpi", self.version, self.interface.lower(), self.module, *below))
