"""Locations of OCPI 2.3.0, which adds parking places, help and plug and charge."""

from typing import Annotated

from core.endpoint.ocpi import locations
from core.endpoint.ocpi.kinds import CiString, Digits, Harmless, Open, Text, YesNo
from core.endpoint.ocpi.locations import Image
from core.endpoint.ocpi.shape import AtLeastOne, Shape
from core.endpoint.ocpi.v2_3_0.types import TokenType

CONNECTOR_TYPE = (*locations.CONNECTOR_TYPE, "MCS", "SAE_J3400")
CONNECTOR_CAPABILITY = ("ISO_15118_20_PLUG_AND_CHARGE", "ISO_15118_2_PLUG_AND_CHARGE")
EVSE_POSITION = ("CENTER", "LEFT", "RIGHT")
PARKING_DIRECTION = ("ANGLE", "PARALLEL", "PERPENDICULAR")
PARKING_RESTRICTION = (
    "CUSTOMERS",
    "DISABLED",
    "EMPLOYEES",
    "EV_ONLY",
    "MOTORCYCLES",
    "PLUGGED",
    "TAXIS",
    "TENANTS",
)
VEHICLE_TYPE = (
    "BUS",
    "DISABLED",
    "MOTORCYCLE",
    "PERSONAL_VEHICLE",
    "PERSONAL_VEHICLE_WITH_TRAILER",
    "RIGID",
    "SEMI_TRACTOR",
    "TRUCK_WITH_TRAILER",
    "VAN",
)
_ANY_LENGTH = 255
"""The text gives an APDS reference no length; this is what we write at most [J]."""

ConnectorType = Annotated[str, Open(CONNECTOR_TYPE)]


class PublishTokenType(locations.PublishTokenType):
    """Whom an unpublished site may be shown to."""

    type: TokenType | None = None


class Parking(Shape):
    """A place where vehicles park; sizes in centimetres, weight in kilograms, time in minutes."""

    id: Annotated[str, CiString(36)]
    physical_reference: Annotated[str, Text(12)] | None = None
    vehicle_types: Annotated[tuple[Annotated[str, Open(VEHICLE_TYPE)], ...], AtLeastOne()]
    max_vehicle_weight: Digits | None = None
    max_vehicle_height: Digits | None = None
    max_vehicle_length: Digits | None = None
    max_vehicle_width: Digits | None = None
    parking_space_length: Digits | None = None
    parking_space_width: Digits | None = None
    dangerous_goods_allowed: YesNo | None = None
    direction: Annotated[str, Harmless(PARKING_DIRECTION)] | None = None
    drive_through: YesNo | None = None
    restricted_to_type: YesNo
    reservation_required: YesNo
    time_limit: Digits | None = None
    roofed: YesNo | None = None
    images: tuple[Image, ...] = ()
    lighting: YesNo | None = None
    refrigeration_outlet: YesNo | None = None
    standards: tuple[Annotated[str, CiString(36)], ...] = ()
    apds_reference: Annotated[str, CiString(_ANY_LENGTH)] | None = None


class EVSEParking(Shape):
    """A parking place at which an EVSE can be used."""

    parking_id: Annotated[str, CiString(36)]
    evse_position: Annotated[str, Harmless(EVSE_POSITION)] | None = None


class Connector(locations.Connector):
    """A socket or a cable with its plug."""

    standard: ConnectorType
    capabilities: tuple[Annotated[str, Open(CONNECTOR_CAPABILITY)], ...] = ()


class EVSE(locations.EVSE):
    """EV supply equipment."""

    capabilities: tuple[Annotated[str, Open(locations.CAPABILITY)], ...] = ()
    connectors: Annotated[tuple[Connector, ...], AtLeastOne()]
    parking_restrictions: tuple[Annotated[str, Open(PARKING_RESTRICTION)], ...] = ()
    parking: tuple[EVSEParking, ...] = ()
    accepted_service_providers: tuple[Annotated[str, Text(50)], ...] = ()


class Location(locations.Location):
    """A site."""

    publish_allowed_to: tuple[PublishTokenType, ...] = ()
    evses: tuple[EVSE, ...] = ()
    parking_places: tuple[Parking, ...] = ()
    help_phone: Annotated[str, CiString(25)] | None = None
