"""Whom a scanned link is trusted to come from, and where each host keeps the EVSE id: data, read from a JSON file."""

import re
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Self
from urllib.parse import unquote

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from core.errors import InvalidInput
from core.model.identifiers import EvseId

PLACEHOLDERS = {"station", "evse", "evse_id", "totp"}


def _host(text: str) -> str:
    host = text.lower()
    if not re.fullmatch(r"(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?", host):
        raise ValueError("a host is written as a name or address, with `:port` where it is not the default port")
    return host


Host = Annotated[str, AfterValidator(_host)]
"""A host name or address in lower case, with its port where that is not the default."""


class IdPlace(StrEnum):
    """Where a host keeps the EVSE id in its links."""

    QUERY = "query"
    PATH = "path"
    OPERATOR_LOOKUP = "operator_lookup"
    """Nowhere: only the operator can say which EVSE its code means."""


class _TrustData(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TrustedHost(_TrustData):
    """A host whose links may name an EVSE. member: the query member with the id (any letter case), if it is there."""

    host: Host
    operator: str = ""
    id_in: IdPlace
    member: str = "evseid"


class OneTimePassword(_TrustData):
    """The rules of a one-time password. secret: None where only the operator can check it."""

    validity_seconds: int = Field(default=30, gt=0)
    length: int = Field(default=12, gt=0, le=255)
    secret: SecretStr | None = None


class OperatorTemplate(_TrustData):
    """The links of an operator's dynamic codes.

    template: a URL with the placeholders {station}, {evse}, {evse_id} and {totp}, each a whole path segment or a whole
    value in the query; any other query member is the version that this template stands for. stations: EVSE ids by the
    operator's own names of station and EVSE, where they are known; the catalogue is asked for the others.
    """

    template: str
    operator: str = ""
    one_time_password: OneTimePassword = OneTimePassword()
    stations: dict[str, dict[str, EvseId]] = {}

    @model_validator(mode="after")
    def _is_readable(self) -> Self:
        match = re.fullmatch(r"https://([^/?#]+)(/[^?#]*)?(?:\?([^#]*))?", self.template)
        if not match:
            raise ValueError("a template is an https URL without fragment")
        _host(match[1])
        named = re.findall(r"\{([^{}]*)\}", self.template)
        if not set(named) <= PLACEHOLDERS or len(set(named)) != len(named):
            raise ValueError(
                f"a template has each of these placeholders once at most: {', '.join(sorted(PLACEHOLDERS))}"
            )
        if "evse_id" not in named and "evse" not in named:
            raise ValueError("a template names the EVSE: {evse_id}, or {station} and {evse}")
        return self

    @cached_property
    def host(self) -> str:
        """The host of the template."""
        return _host(self.template.split("/")[2].split("?")[0])

    @cached_property
    def segments(self) -> tuple[str, ...]:
        """The path, a segment an item."""
        path = self.template.partition("?")[0].split("/", 3)
        return tuple(path[3].split("/")) if len(path) > 3 and path[3] else ()

    @cached_property
    def members(self) -> dict[str, str]:
        """The query members, by name."""
        pairs = [pair.partition("=") for pair in self.template.partition("?")[2].split("&") if pair]
        return {unquote(name): unquote(value) for name, _, value in pairs}


class TrustedHosts(_TrustData):
    """All trusted hosts and templates, and the hosts of this kiosk's own hand-over links."""

    hosts: tuple[TrustedHost, ...] = ()
    templates: tuple[OperatorTemplate, ...] = ()
    own_handover_hosts: tuple[Host, ...] = ()

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a trust file; `InvalidInput` names the first member that is wrong."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(str(part) for part in first["loc"]) or "the file"
            raise InvalidInput(f"trust file: {place}: {first['msg']}", code="invalid_trust_file") from error

    def with_handover_host(self, host: str) -> Self:
        """The same trust with one more host of this kiosk's own hand-over links."""
        return self.model_copy(update={"own_handover_hosts": (*self.own_handover_hosts, _host(host))})

    def host_of(self, host: str) -> TrustedHost | None:
        """The entry of exactly this host, None if it is not trusted."""
        return next((entry for entry in self.hosts if entry.host == host), None)

    def templates_of(self, host: str) -> tuple[OperatorTemplate, ...]:
        """The templates of exactly this host."""
        return tuple(template for template in self.templates if template.host == host)

    def is_own_handover(self, host: str) -> bool:
        """Whether this is a host of the kiosk's own hand-over links; an entry without a port stands for all ports."""
        return host in self.own_handover_hosts or re.sub(r":[0-9]+$", "", host) in self.own_handover_hosts
