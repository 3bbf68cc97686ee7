"""Credentials of OCPI 2.3.0: a clearing house is named beside the roles, which are those of the parties behind it."""

from typing import Annotated

from core.endpoint.ocpi import credentials
from core.endpoint.ocpi.codec import Codec
from core.endpoint.ocpi.kinds import CiString, Closed
from core.endpoint.ocpi.locations import BusinessDetails
from core.endpoint.ocpi.registration import RegisteredRole, Registration
from core.endpoint.ocpi.shape import AtLeastOne, Fault, InvalidMember
from core.endpoint.ocpi.v2_3_0.types import ROLE
from core.errors import InvalidInput
from core.model.parties import Party, PlatformRole


class CredentialsRole(credentials.CredentialsRole):
    """A party in one role."""

    role: Annotated[str, Closed(ROLE)]


class Credentials(credentials.Credentials):
    """A platform's token for us, its address, the clearing house that it is, and its roles."""

    hub_party_id: Annotated[str, CiString(5)] | None = None
    roles: Annotated[tuple[CredentialsRole, ...], AtLeastOne()]


def _registration_of(shape: Credentials) -> Registration:
    """Wire to model: the clearing house is one more role."""
    found = credentials.registration_of(shape)
    if shape.hub_party_id is None:
        return found
    party = _party(shape.hub_party_id)
    named = (one.business_details for one in shape.roles if _party_of(one) == party)
    business = next(named, BusinessDetails.model_construct(name=str(party)))
    hub = RegisteredRole(role=PlatformRole.CLEARING_HOUSE, party=party, name=business.name)
    return Registration(found.token, found.versions_url, (*found.roles, hub))


def _party(text: str) -> Party:
    try:
        return Party.parse(text)
    except InvalidInput as error:
        raise InvalidMember([Fault("Credentials.hub_party_id", error.message)]) from error


def _party_of(role: credentials.CredentialsRole) -> Party:
    return Party(country_code=role.country_code, party_id=role.party_id)


def _credentials(value: Registration) -> Credentials:
    """Model to wire; a clearing house that nobody stands behind yet names itself as some other role [J]."""
    shape = credentials.credentials(Credentials, value)
    hub = next((one for one in value.roles if one.role is PlatformRole.CLEARING_HOUSE), None)
    if hub is None:
        return Credentials.model_construct(**dict(shape))
    own = CredentialsRole.model_construct(
        role="OTHER",
        business_details=BusinessDetails.model_construct(name=hub.name),
        party_id=hub.party.party_id,
        country_code=hub.party.country_code,
    )
    concatenated = hub.party.country_code + hub.party.party_id
    return Credentials.model_construct(**{**dict(shape), "hub_party_id": concatenated, "roles": shape.roles or (own,)})


CREDENTIALS = Codec(Credentials, _registration_of, _credentials, version="2.3.0")
