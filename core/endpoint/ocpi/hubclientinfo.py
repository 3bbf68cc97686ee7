"""HubClientInfo (6.4.1): which parties stand behind a clearing house."""

from typing import Annotated

from core.endpoint.ocpi.credentials import PLATFORM_ROLE, WIRE_ROLE
from core.endpoint.ocpi.kinds import CiString, Closed, Moment
from core.endpoint.ocpi.registration import Reachability, ReachableParty
from core.endpoint.ocpi.shape import Shape, words_of
from core.model.parties import Party

_OTHER = "OTHER"
CONNECTION_STATUS = ("CONNECTED", "OFFLINE", "PLANNED", "SUSPENDED")


class ClientInfo(Shape):
    """A party behind a hub; the versions have roles of their own."""

    party_id: Annotated[str, CiString(3)]
    country_code: Annotated[str, CiString(2)]
    role: str
    status: Annotated[str, Closed(CONNECTION_STATUS)]
    last_updated: Moment


def reachable_party_of(shape: ClientInfo) -> ReachableParty:
    """Wire to model."""
    return ReachableParty(
        party=Party(country_code=shape.country_code, party_id=shape.party_id),
        role=PLATFORM_ROLE.get(shape.role),
        reachability=Reachability(shape.status),
        last_updated=shape.last_updated,
    )


def client_info(shape: type[ClientInfo], value: ReachableParty) -> ClientInfo:
    """Model to wire; a role for which the version has no word is another one."""
    word = WIRE_ROLE[value.role] if value.role else _OTHER
    return shape.model_construct(
        party_id=value.party.party_id,
        country_code=value.party.country_code,
        role=word if word in words_of(shape, "role") else _OTHER,
        status=value.reachability,
        last_updated=value.last_updated,
    )
