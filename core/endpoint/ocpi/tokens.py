"""Tokens (UC4-1, UC4-2) and their mapping to credentials of the model."""

from typing import Annotated, Any

from core.endpoint.ocpi.codec import Codec
from core.endpoint.ocpi.kinds import CiString, Closed, Harmless, Moment, Text, YesNo
from core.endpoint.ocpi.reading import Json, JsonObject
from core.endpoint.ocpi.shape import Shape, only_object, part, written
from core.endpoint.ocpi.types import PROFILE_TYPE, DisplayText, credential_kind_of, message, token_type
from core.endpoint.ports import Authorisation, AuthorisationRequest, AuthorisationVerdict
from core.model import credentials
from core.model.credentials import Credential, CredentialKind, WhitelistPolicy

ALLOWED_TYPE = ("ALLOWED", "BLOCKED", "EXPIRED", "NOT_ALLOWED", "NO_CREDIT")
WHITELIST_TYPE = ("ALLOWED", "ALLOWED_OFFLINE", "ALWAYS", "NEVER")


class EnergyContract(Shape):
    """The driver's own energy supplier."""

    supplier_name: Annotated[str, Text(64)]
    contract_id: Annotated[str, Text(64)] | None = None


class Token(Shape):
    """A credential; the versions have a `type` of their own."""

    country_code: Annotated[str, CiString(2)]
    party_id: Annotated[str, CiString(3)]
    uid: Annotated[str, CiString(36)]
    type: str
    contract_id: Annotated[str, CiString(36)]
    visual_number: Annotated[str, Text(64)] | None = None
    issuer: Annotated[str, Text(64)]
    group_id: Annotated[str, CiString(36)] | None = None
    valid: YesNo
    whitelist: Annotated[str, Closed(WHITELIST_TYPE)]
    language: Annotated[str, Text(2)] | None = None
    default_profile_type: Annotated[str, Harmless(PROFILE_TYPE)] | None = None
    energy_contract: EnergyContract | None = None
    last_updated: Moment


class LocationReferences(Shape):
    """Where a credential is to be used."""

    location_id: Annotated[str, CiString(36)]
    evse_uids: tuple[Annotated[str, CiString(36)], ...] = ()


class AuthorizationInfo(Shape):
    """The answer to an identification request; the versions have a token of their own."""

    allowed: Annotated[str, Closed(ALLOWED_TYPE)]
    token: Token
    location: LocationReferences | None = None
    authorization_reference: Annotated[str, CiString(36)] | None = None
    info: DisplayText | None = None


def credential_of(shape: Token) -> Credential:
    """Wire to model."""
    return Credential(
        country_code=shape.country_code,
        party_id=shape.party_id,
        uid=shape.uid,
        kind=credential_kind_of(shape.type),
        contract_id=shape.contract_id,
        visual_number=shape.visual_number,
        issuer=shape.issuer,
        group_id=shape.group_id,
        valid=shape.valid,
        whitelist=WhitelistPolicy(shape.whitelist),
        language=shape.language,
        default_preference=(
            credentials.ChargingPreference(shape.default_profile_type)
            if shape.default_profile_type in PROFILE_TYPE
            else None
        ),
        energy_contract=shape.energy_contract
        and credentials.EnergyContract(
            supplier_name=shape.energy_contract.supplier_name, contract_id=shape.energy_contract.contract_id
        ),
        last_updated=shape.last_updated,
    )


def _energy_contract(value: credentials.EnergyContract | None) -> EnergyContract | None:
    if value is None:
        return None
    return EnergyContract.model_construct(supplier_name=value.supplier_name, contract_id=value.contract_id)


def token(shape: type[Token], value: Credential) -> Token:
    """Model to wire."""
    return shape.model_construct(
        country_code=value.country_code,
        party_id=value.party_id,
        uid=value.uid,
        type=token_type(shape, value.kind),
        contract_id=value.contract_id,
        visual_number=value.visual_number,
        issuer=value.issuer,
        group_id=value.group_id,
        valid=value.valid,
        whitelist=value.whitelist,
        language=value.language,
        default_profile_type=value.default_preference,
        energy_contract=_energy_contract(value.energy_contract),
        last_updated=value.last_updated,
    )


def authorisation_request(uid: str, kind: CredentialKind, references: Json) -> AuthorisationRequest:
    """What is asked, from the body of the request (None where it has none)."""
    if references is None:
        return AuthorisationRequest(uid, kind)
    shape = LocationReferences.read(references)
    return AuthorisationRequest(uid, kind, shape.location_id, shape.evse_uids)


def location_references(request: AuthorisationRequest) -> JsonObject | None:
    """The body of a request, None where no place is named."""
    if request.site_id is None:
        return None
    return written(LocationReferences.model_construct(location_id=request.site_id, evse_uids=request.evse_uids))


class Authorisations:
    """Reads and writes answers to identification requests in one version."""

    def __init__(self, shape: type[AuthorizationInfo], codec: Codec[Any, Credential]) -> None:
        self._shape = shape
        self._codec = codec

    def read(self, value: Json) -> Authorisation:
        """The answer as the visited-CSO reads it."""
        shape = self._shape.read(value)
        return Authorisation(
            verdict=AuthorisationVerdict(shape.allowed),
            credential=self._codec.inside(only_object(value)["token"]),
            authorization_reference=shape.authorization_reference,
            message=shape.info.text if shape.info else None,
            evse_uids=shape.location.evse_uids if shape.location else (),
        )

    def write(
        self, answer: Authorisation, place: AuthorisationRequest | None = None, language: str = "en"
    ) -> JsonObject:
        """The answer as the home-CSP writes it, with the whole credential; `place`: what it was asked about.

        The place is repeated only where the credential may be used there, with the EVSEs for which that holds.
        """
        told = message(answer.message, language)
        shape = self._shape.model_construct(
            allowed=answer.verdict,
            token=token(part(self._shape, "token", Token), answer.credential.value),
            location=LocationReferences.model_construct(
                location_id=place.site_id, evse_uids=answer.evse_uids or place.evse_uids
            )
            if place and place.site_id and answer.verdict is AuthorisationVerdict.ALLOWED
            else None,
            authorization_reference=answer.authorization_reference,
            info=told[0] if told else None,
        )
        return {**written(shape), "token": self._codec.verbatim(answer.credential)}
