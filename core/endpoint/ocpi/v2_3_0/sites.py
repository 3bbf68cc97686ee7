"""Locations of OCPI 2.3.0 to sites of the model and back."""

from typing_extensions import override

from core.endpoint.ocpi import locations
from core.endpoint.ocpi.codec import Codec
from core.endpoint.ocpi.sites import SiteMapping, image, image_of, in_order, known
from core.endpoint.ocpi.v2_3_0 import locations as wire
from core.model import parking, sites


def _known(word: str | None, words: tuple[str, ...]) -> str | None:
    return word if word in words else None


def _place_of(shape: wire.Parking) -> parking.ParkingPlace:
    return parking.ParkingPlace(
        id=shape.id,
        physical_reference=shape.physical_reference,
        vehicle_types=shape.vehicle_types,
        max_weight_kg=shape.max_vehicle_weight,
        max_height_cm=shape.max_vehicle_height,
        max_length_cm=shape.max_vehicle_length,
        max_width_cm=shape.max_vehicle_width,
        length_cm=shape.parking_space_length,
        width_cm=shape.parking_space_width,
        dangerous_goods_allowed=shape.dangerous_goods_allowed,
        direction=_known(shape.direction, wire.PARKING_DIRECTION),
        drive_through=shape.drive_through,
        only_these_types=shape.restricted_to_type,
        reservation_required=shape.reservation_required,
        time_limit_min=shape.time_limit,
        roofed=shape.roofed,
        images=tuple(map(image_of, shape.images)),
        lit=shape.lighting,
        refrigeration_outlet=shape.refrigeration_outlet,
        standards=shape.standards,
        apds_reference=shape.apds_reference,
    )


def _parking(value: parking.ParkingPlace) -> wire.Parking:
    return wire.Parking.model_construct(
        id=value.id,
        physical_reference=value.physical_reference,
        vehicle_types=value.vehicle_types,
        max_vehicle_weight=value.max_weight_kg,
        max_vehicle_height=value.max_height_cm,
        max_vehicle_length=value.max_length_cm,
        max_vehicle_width=value.max_width_cm,
        parking_space_length=value.length_cm,
        parking_space_width=value.width_cm,
        dangerous_goods_allowed=value.dangerous_goods_allowed,
        direction=value.direction,
        drive_through=value.drive_through,
        restricted_to_type=value.only_these_types,
        reservation_required=value.reservation_required,
        time_limit=value.time_limit_min,
        roofed=value.roofed,
        images=tuple(map(image, value.images)),
        lighting=value.lit,
        refrigeration_outlet=value.refrigeration_outlet,
        standards=value.standards,
        apds_reference=value.apds_reference,
    )


class _SiteMapping(SiteMapping):
    @override
    def connector_of(self, shape: locations.Connector) -> sites.Connector:
        assert isinstance(shape, wire.Connector)
        found = known(sites.ConnectorCapability, shape.capabilities)
        return super().connector_of(shape).model_copy(update={"capabilities": found})

    @override
    def connector(self, value: sites.Connector) -> locations.Connector:
        capabilities = in_order(value.capabilities, wire.Connector, "capabilities")
        return super().connector(value).model_copy(update={"capabilities": capabilities})

    @override
    def equipment_of(self, shape: locations.EVSE) -> sites.EvSupplyEquipment:
        assert isinstance(shape, wire.EVSE)
        places = tuple(
            parking.ParkingReference(place_id=one.parking_id, position=_known(one.evse_position, wire.EVSE_POSITION))
            for one in shape.parking
        )
        more = {"parking": places, "accepted_service_providers": shape.accepted_service_providers}
        return super().equipment_of(shape).model_copy(update=more)

    @override
    def evse(self, value: sites.EvSupplyEquipment) -> locations.EVSE:
        places = tuple(
            wire.EVSEParking.model_construct(parking_id=one.place_id, evse_position=one.position)
            for one in value.parking
        )
        more = {"parking": places, "accepted_service_providers": value.accepted_service_providers}
        return super().evse(value).model_copy(update=more)

    @override
    def site_of(self, shape: locations.Location) -> sites.Site:
        assert isinstance(shape, wire.Location)
        more = {"parking_places": tuple(map(_place_of, shape.parking_places)), "help_phone": shape.help_phone}
        return super().site_of(shape).model_copy(update=more)

    @override
    def location(self, value: sites.Site) -> locations.Location:
        more = {"parking_places": tuple(map(_parking, value.parking_places)), "help_phone": value.help_phone}
        return super().location(value).model_copy(update=more)


_SITES = _SiteMapping(wire.Location)
LOCATION = Codec(wire.Location, _SITES.site_of, _SITES.location, version="2.3.0")
EVSE = Codec(wire.EVSE, _SITES.equipment_of, _SITES.evse, version="2.3.0")
CONNECTOR = Codec(wire.Connector, _SITES.connector_of, _SITES.connector, version="2.3.0")
