"""Credentials (UC1-1): how platforms reach one another, and for whom they speak."""

from typing import Annotated

from core.endpoint.ocpi.kinds import Address, CiString, Pattern
from core.endpoint.ocpi.locations import BusinessDetails
from core.endpoint.ocpi.registration import RegisteredRole, Registration
from core.endpoint.ocpi.shape import AtLeastOne, Shape, part, words_of
from core.endpoint.ocpi.sites import business_details, business_of
from core.model.parties import Party, PlatformRole

PLATFORM_ROLE = {
    "CPO": PlatformRole.VISITED_CSO,
    "EMSP": PlatformRole.HOME_CSP,
    "HUB": PlatformRole.CLEARING_HOUSE,
}
WIRE_ROLE = {role: word for word, role in PLATFORM_ROLE.items()}


class CredentialsRole(Shape):
    """A party in one role; the versions have roles of their own."""

    role: str
    business_details: BusinessDetails
    party_id: Annotated[str, CiString(3)]
    country_code: Annotated[str, CiString(2)]


class Credentials(Shape):
    """A platform's token for us, its address and its roles."""

    token: Annotated[str, Pattern(64, r"[\x21-\x7e]{1,64}", "9e80ae10-28be")]
    url: Address
    roles: Annotated[tuple[CredentialsRole, ...], AtLeastOne()]


def registration_of(shape: Credentials) -> Registration:
    """Wire to model; roles that the standard does not know are left out."""
    return Registration(
        token=shape.token,
        versions_url=shape.url,
        roles=tuple(
            RegisteredRole(
                role=PLATFORM_ROLE[one.role],
                party=Party(country_code=one.country_code, party_id=one.party_id),
                name=one.business_details.name,
                business=business_of(one.business_details),
            )
            for one in shape.roles
            if one.role in PLATFORM_ROLE
        ),
    )


def credentials(shape: type[Credentials], value: Registration) -> Credentials:
    """Model to wire; roles for which the version has no word are left out."""
    role = part(shape, "roles", CredentialsRole)
    words = words_of(role, "role")
    return shape.model_construct(
        token=value.token,
        url=value.versions_url,
        roles=tuple(
            role.model_construct(
                role=WIRE_ROLE[one.role],
                business_details=business_details(one.business) or BusinessDetails.model_construct(name=one.name),
                party_id=one.party.party_id,
                country_code=one.party.country_code,
            )
            for one in value.roles
            if WIRE_ROLE[one.role] in words
        ),
    )
