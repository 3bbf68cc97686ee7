"""Locations of OCPI 2.2.1."""

from typing import Annotated

from core.endpoint.ocpi import locations
from core.endpoint.ocpi.kinds import Closed, Harmless
from core.endpoint.ocpi.locations import CONNECTOR_TYPE
from core.endpoint.ocpi.shape import AtLeastOne
from core.endpoint.ocpi.v2_2_1.types import TokenType

PARKING_RESTRICTION = ("CUSTOMERS", "DISABLED", "EV_ONLY", "MOTORCYCLES", "PLUGGED")

ConnectorType = Annotated[str, Closed(CONNECTOR_TYPE)]


class PublishTokenType(locations.PublishTokenType):
    """Whom an unpublished site may be shown to."""

    type: TokenType | None = None


class Connector(locations.Connector):
    """A socket or a cable with its plug."""

    standard: ConnectorType


class EVSE(locations.EVSE):
    """EV supply equipment."""

    connectors: Annotated[tuple[Connector, ...], AtLeastOne()]
    parking_restrictions: tuple[Annotated[str, Harmless(PARKING_RESTRICTION)], ...] = ()


class Location(locations.Location):
    """A site."""

    publish_allowed_to: tuple[PublishTokenType, ...] = ()
    evses: tuple[EVSE, ...] = ()
