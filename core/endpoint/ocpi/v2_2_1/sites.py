"""Locations of OCPI 2.2.1 to sites of the model and back."""

from core.endpoint.ocpi.codec import Codec
from core.endpoint.ocpi.sites import SiteMapping
from core.endpoint.ocpi.v2_2_1 import locations as wire

_SITES = SiteMapping(wire.Location)
LOCATION = Codec(wire.Location, _SITES.site_of, _SITES.location, version="2.2.1")
EVSE = Codec(wire.EVSE, _SITES.equipment_of, _SITES.evse, version="2.2.1")
CONNECTOR = Codec(wire.Connector, _SITES.connector_of, _SITES.connector, version="2.2.1")
