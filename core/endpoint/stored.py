"""Stored text of any version: read back as what it is, and written anew for a partner of another version."""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from functools import lru_cache, partial
from typing import Any

from core.endpoint import ports
from core.endpoint.binding import Binding
from core.endpoint.bindings import BINDINGS, CANONICAL, version_order
from core.endpoint.ocpi.codec import Codec
from core.endpoint.ocpi.content_hash import text_hash
from core.endpoint.ocpi.locations import CONNECTOR_TYPE
from core.endpoint.ocpi.reading import Json, JsonObject, decode, parse
from core.endpoint.ocpi.shape import only_object
from core.endpoint.ocpi.v2_2_1 import locations as v2_2_1
from core.endpoint.ocpi.v2_3_0 import locations as v2_3_0
from core.endpoint.ports import Held
from core.errors import InvalidInput
from core.model.credentials import Credential
from core.model.sdr import Sdr
from core.model.session_report import SessionReport
from core.model.sites import Site
from core.model.tariffs import Tariff
from core.store.wire_text import EVERY_VERSION, WireText, version_of

_REMEMBERED = 4096
_NEW_IN_LOCATION = v2_3_0.Location.model_fields.keys() - v2_2_1.Location.model_fields.keys()
_NEW_IN_EVSE = v2_3_0.EVSE.model_fields.keys() - v2_2_1.EVSE.model_fields.keys()
_NEW_STANDARDS = frozenset(v2_3_0.CONNECTOR_TYPE) - frozenset(CONNECTOR_TYPE)
_COST_MEMBER = {"2.2.1": "excl_vat", "2.3.0": "before_taxes"}


class Kind(StrEnum):
    """What a stored text is of: the codec of that name in each binding."""

    SITE = "site"
    TARIFF = "tariff"
    CREDENTIAL = "credential"
    SESSION = "session"
    SDR = "sdr"

    def codec(self, binding: Binding) -> Codec[Any, Any]:
        """How a version reads and writes it."""
        codec: Codec[Any, Any] = getattr(binding, self.value)
        return codec


def in_version(text: str, kind: Kind, version: str) -> str:
    """The text as it stands where it is written in this version, else written anew from what it says.

    Raises InvalidInput where the version has no way to say it.
    """
    written = version_of(text)
    return text if written in (version, EVERY_VERSION) else _anew(text, written, kind, version)


def for_partners_of(binding: Binding, kind: Kind) -> Callable[[str], str]:
    """`in_version` for one kind and one version."""
    return partial(in_version, kind=kind, version=binding.version)


def say_the_same(one: str, other: str, kind: Kind) -> bool:
    """Whether two texts of different versions have the same content, as far as the poorer of the versions tells it."""
    poorer = min((version_of(one), version_of(other)), key=version_order)
    codec = kind.codec(_binding(poorer))
    texts = [codec.write_anew(kind.codec(_binding(version_of(text))).read(text).value) for text in (one, other)]
    return texts[0] == texts[1]


def read_sdr(body: bytes | str, received_at: datetime) -> Held[Sdr]:
    """A CDR that comes without its version, as one that is passed on does. Raises Unreadable or InvalidMember.

    It shows the version: every CDR has a total cost, and no member of that is the same in two versions.
    """
    cost = only_object(parse(body)).get("total_cost")
    names = cost.keys() if isinstance(cost, dict) else set()
    shown = next((one for one in BINDINGS.values() if _COST_MEMBER[one.version] in names), CANONICAL)
    return shown.sdr.read_put(body, received_at)


def read_site(body: bytes | str) -> Held[Site]:
    """A Location that comes without its version, as one of a file does. Raises Unreadable or InvalidMember.

    It shows the version by what only the newer one has; without that both say the same.
    """
    text = decode(body).strip(" \t\r\n")
    value = parse(text)
    return BINDINGS["2.3.0" if _shows_2_3_0(value) else "2.2.1"].site.held(value, text)


def _shows_2_3_0(location: Json) -> bool:
    if not isinstance(location, dict):
        return False
    evses = _objects(location, "evses")
    connectors = [one for evse in evses for one in _objects(evse, "connectors")]
    return (
        not _NEW_IN_LOCATION.isdisjoint(location)
        or any(not _NEW_IN_EVSE.isdisjoint(one) for one in evses)
        or any("capabilities" in one or one.get("standard") in _NEW_STANDARDS for one in connectors)
    )


def _objects(value: JsonObject, name: str) -> list[JsonObject]:
    members = value.get(name)
    return [one for one in members if isinstance(one, dict)] if isinstance(members, list) else []


@lru_cache(maxsize=_REMEMBERED)
def _anew(text: str, version: str, kind: Kind, wanted: str) -> WireText:
    read = kind.codec(_binding(version)).read(text)
    return kind.codec(_binding(wanted)).write_anew(read.value)


def _binding(version: str) -> Binding:
    found = BINDINGS.get(version)
    if found is None:
        raise InvalidInput(f"This text is of version “{version[:20]}”, which is not spoken here.")
    return found


class Reader(ports.Reader):
    """The port `Reader` for text of every version; raises Unreadable or InvalidMember."""

    def site(self, body: str) -> Site:
        """Location."""
        return _binding(version_of(body)).site.read(body).value

    def tariff(self, body: str) -> Tariff:
        """Tariff."""
        return _binding(version_of(body)).tariff.read(body).value

    def credential(self, body: str) -> Credential:
        """Token."""
        return _binding(version_of(body)).credential.read(body).value

    def session(self, body: str) -> SessionReport:
        """Session."""
        return _binding(version_of(body)).session.read(body).value

    def sdr(self, body: str) -> Sdr:
        """CDR."""
        return _binding(version_of(body)).sdr.read(body).value

    def content_hash(self, body: str) -> str:
        """SHA-256 (hex) over the canonical form of a JSON text that was read before."""
        return text_hash(body)


class Writer(ports.Writer):
    """The port `Writer` for our own objects; raises InvalidMember where an object breaks the wire's rules."""

    def site(self, site: Site) -> WireText:
        """Location."""
        return CANONICAL.site.write(site)

    def tariff(self, tariff: Tariff) -> WireText:
        """Tariff."""
        return CANONICAL.tariff.write(tariff)

    def credential(self, credential: Credential) -> WireText:
        """Token."""
        return CANONICAL.credential.write(credential)

    def session(self, report: SessionReport) -> WireText:
        """Session."""
        return CANONICAL.session.write(report)

    def sdr(self, sdr: Sdr) -> WireText:
        """CDR."""
        return CANONICAL.sdr.write(sdr)
