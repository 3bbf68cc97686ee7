"""What one version of the wire brings: how its objects are read and written. All else here serves every version."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from core.endpoint.ocpi.codec import Codec
from core.endpoint.ocpi.reading import Json, JsonObject
from core.endpoint.ocpi.registration import ReachableParty, Registration
from core.endpoint.partner import PartnerEndpoint
from core.endpoint.ports import (
    Authorisation,
    AuthorisationRequest,
    Command,
    CommandKind,
    CommandReply,
    CommandResult,
)
from core.model.credentials import Credential, CredentialKind
from core.model.sdr import Sdr
from core.model.session_report import SessionReport
from core.model.sites import Connector, EvSupplyEquipment, Site
from core.model.tariffs import Tariff


@dataclass(frozen=True)
class Binding:
    """One version. The shape in a codec's type is Any, as each version has its own; reading raises InvalidInput."""

    version: str
    registration: Codec[Any, Registration]
    version_details: Callable[[str, Iterable[PartnerEndpoint]], JsonObject]
    endpoints_of: Callable[[Json], tuple[PartnerEndpoint, ...]]
    client_info: Codec[Any, ReachableParty]
    site: Codec[Any, Site]
    equipment: Codec[Any, EvSupplyEquipment]
    connector: Codec[Any, Connector]
    tariff: Codec[Any, Tariff]
    credential: Codec[Any, Credential]
    session: Codec[Any, SessionReport]
    sdr: Codec[Any, Sdr]
    credential_kind: Callable[[str], CredentialKind]
    credential_word: Callable[[CredentialKind], str]
    authorisation_request: Callable[[str, CredentialKind, Json], AuthorisationRequest]
    authorisation_request_body: Callable[[AuthorisationRequest], JsonObject | None]
    authorisation: Callable[[Json], Authorisation]
    authorisation_body: Callable[[Authorisation, AuthorisationRequest | None], JsonObject]
    command: Callable[[CommandKind, bytes | str], Command]
    command_body: Callable[[Command], JsonObject]
    command_reply: Callable[[Json], CommandReply]
    command_reply_body: Callable[[CommandReply], JsonObject]
    command_result: Callable[[bytes | str], tuple[CommandResult, str | None]]
    command_result_body: Callable[[CommandResult, str | None], JsonObject]
