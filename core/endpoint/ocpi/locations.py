"""Locations (UC1-2, UC1-3): the shapes that the versions share; `sites.py` beside this file maps them to the model."""

from collections.abc import Iterator
from typing import Annotated

from core.endpoint.ocpi.energy_mix import EnergyMix
from core.endpoint.ocpi.kinds import (
    Address,
    CiString,
    Closed,
    Count,
    Harmless,
    Latitude,
    Longitude,
    Moment,
    Pattern,
    Text,
    Whole,
    YesNo,
)
from core.endpoint.ocpi.shape import AtLeastOne, Shape
from core.endpoint.ocpi.types import DisplayText

STATUS = (
    "AVAILABLE",
    "BLOCKED",
    "CHARGING",
    "INOPERATIVE",
    "OUTOFORDER",
    "PLANNED",
    "REMOVED",
    "RESERVED",
    "UNKNOWN",
)
CAPABILITY = (
    "CHARGING_PREFERENCES_CAPABLE",
    "CHARGING_PROFILE_CAPABLE",
    "CHIP_CARD_SUPPORT",
    "CONTACTLESS_CARD_SUPPORT",
    "CREDIT_CARD_PAYABLE",
    "DEBIT_CARD_PAYABLE",
    "PED_TERMINAL",
    "REMOTE_START_STOP_CAPABLE",
    "RESERVABLE",
    "RFID_READER",
    "START_SESSION_CONNECTOR_REQUIRED",
    "TOKEN_GROUP_CAPABLE",
    "UNLOCK_CAPABLE",
)
CONNECTOR_TYPE = (
    "CHADEMO",
    "CHAOJI",
    *(f"DOMESTIC_{letter}" for letter in "ABCDEFGHIJKLMNO"),
    "GBT_AC",
    "GBT_DC",
    "IEC_60309_2_single_16",
    "IEC_60309_2_three_16",
    "IEC_60309_2_three_32",
    "IEC_60309_2_three_64",
    "IEC_62196_T1",
    "IEC_62196_T1_COMBO",
    "IEC_62196_T2",
    "IEC_62196_T2_COMBO",
    "IEC_62196_T3A",
    "IEC_62196_T3C",
    *(f"NEMA_{size}" for size in ("5_20", "6_30", "6_50", "10_30", "10_50", "14_30", "14_50")),
    "PANTOGRAPH_BOTTOM_UP",
    "PANTOGRAPH_TOP_DOWN",
    "TESLA_R",
    "TESLA_S",
)
CONNECTOR_FORMAT = ("CABLE", "SOCKET")
POWER_TYPE = ("AC_1_PHASE", "AC_2_PHASE", "AC_2_PHASE_SPLIT", "AC_3_PHASE", "DC")
FACILITY = (
    "AIRPORT",
    "BIKE_SHARING",
    "BUS_STOP",
    "CAFE",
    "CARPOOL_PARKING",
    "FUEL_STATION",
    "HOTEL",
    "MALL",
    "METRO_STATION",
    "MUSEUM",
    "NATURE",
    "PARKING_LOT",
    "RECREATION_AREA",
    "RESTAURANT",
    "SPORT",
    "SUPERMARKET",
    "TAXI_STAND",
    "TRAIN_STATION",
    "TRAM_STOP",
    "WIFI",
)
IMAGE_CATEGORY = ("CHARGER", "ENTRANCE", "LOCATION", "NETWORK", "OPERATOR", "OTHER", "OWNER")
PARKING_TYPE = (
    "ALONG_MOTORWAY",
    "ON_DRIVEWAY",
    "ON_STREET",
    "PARKING_GARAGE",
    "PARKING_LOT",
    "UNDERGROUND_GARAGE",
)
HOUR_AND_MINUTE = Pattern(5, r"(?:[01]\d|2[0-3]):[0-5]\d|24:00", "18:15")


class GeoLocation(Shape):
    """A point on WGS 84."""

    latitude: Latitude
    longitude: Longitude


class AdditionalGeoLocation(GeoLocation):
    """A point that matters beside the site itself."""

    name: DisplayText | None = None


class Image(Shape):
    """A picture at an address."""

    url: Address
    thumbnail: Address | None = None
    category: Annotated[str, Harmless(IMAGE_CATEGORY)]
    type: Annotated[str, CiString(4)]
    width: Annotated[int, Whole(5)] | None = None
    height: Annotated[int, Whole(5)] | None = None


class BusinessDetails(Shape):
    """Who stands behind a party or a site."""

    name: Annotated[str, Text(100)]
    website: Address | None = None
    logo: Image | None = None


class RegularHours(Shape):
    """A span on one weekday, local time."""

    weekday: Annotated[int, Whole(1)]
    period_begin: Annotated[str, HOUR_AND_MINUTE]
    period_end: Annotated[str, HOUR_AND_MINUTE]


class ExceptionalPeriod(Shape):
    """A span of the calendar."""

    period_begin: Moment
    period_end: Moment


class Hours(Shape):
    """Opening times."""

    twentyfourseven: YesNo
    regular_hours: tuple[RegularHours, ...] = ()
    exceptional_openings: tuple[ExceptionalPeriod, ...] = ()
    exceptional_closings: tuple[ExceptionalPeriod, ...] = ()

    def broken_rules(self) -> Iterator[tuple[str, str]]:
        """Weekly hours stand where the site is not always open, and only there."""
        if self.twentyfourseven and self.regular_hours:
            yield "regular_hours", "may not be given where twentyfourseven is true"
        if not (self.twentyfourseven or self.regular_hours or self.exceptional_openings):
            yield "regular_hours", "needs at least one where twentyfourseven is false"


class PublishTokenType(Shape):
    """Whom an unpublished site may be shown to."""

    uid: Annotated[str, CiString(36)] | None = None
    type: str | None = None
    visual_number: Annotated[str, Text(64)] | None = None
    issuer: Annotated[str, Text(64)] | None = None
    group_id: Annotated[str, CiString(36)] | None = None

    def broken_rules(self) -> Iterator[tuple[str, str]]:
        """A rule names somebody, a uid with its type, a visual number with its issuer."""
        if not (self.uid or self.visual_number or self.group_id):
            yield "uid", "uid, visual_number or group_id is required"
        if self.uid and not self.type:
            yield "type", "is required beside uid"
        if self.visual_number and not self.issuer:
            yield "issuer", "is required beside visual_number"


class StatusSchedule(Shape):
    """A planned status."""

    period_begin: Moment
    period_end: Moment | None = None
    status: Annotated[str, Closed(STATUS)]


class Connector(Shape):
    """A socket or a cable with its plug; the versions know standards of their own."""

    id: Annotated[str, CiString(36)]
    standard: str
    format: Annotated[str, Closed(CONNECTOR_FORMAT)]
    power_type: Annotated[str, Closed(POWER_TYPE)]
    max_voltage: Count
    max_amperage: Count
    max_electric_power: Count | None = None
    tariff_ids: tuple[Annotated[str, CiString(36)], ...] = ()
    terms_and_conditions: Address | None = None
    last_updated: Moment


class EVSE(Shape):
    """EV supply equipment."""

    uid: Annotated[str, CiString(36)]
    evse_id: Annotated[str, CiString(48)] | None = None
    status: Annotated[str, Closed(STATUS)]
    status_schedule: tuple[StatusSchedule, ...] = ()
    capabilities: tuple[Annotated[str, Harmless(CAPABILITY)], ...] = ()
    connectors: Annotated[tuple[Connector, ...], AtLeastOne()]
    floor_level: Annotated[str, Text(4)] | None = None
    coordinates: GeoLocation | None = None
    physical_reference: Annotated[str, Text(16)] | None = None
    directions: tuple[DisplayText, ...] = ()
    parking_restrictions: tuple[str, ...] = ()
    images: tuple[Image, ...] = ()
    last_updated: Moment


class Location(Shape):
    """A site."""

    country_code: Annotated[str, CiString(2)]
    party_id: Annotated[str, CiString(3)]
    id: Annotated[str, CiString(36)]
    publish: YesNo
    publish_allowed_to: tuple[PublishTokenType, ...] = ()
    name: Annotated[str, Text(255)] | None = None
    address: Annotated[str, Text(255)]
    city: Annotated[str, Text(45)]
    postal_code: Annotated[str, Text(10)] | None = None
    state: Annotated[str, Text(45)] | None = None
    country: Annotated[str, Text(3)]
    coordinates: GeoLocation
    related_locations: tuple[AdditionalGeoLocation, ...] = ()
    parking_type: Annotated[str, Harmless(PARKING_TYPE)] | None = None
    evses: tuple[EVSE, ...] = ()
    directions: tuple[DisplayText, ...] = ()
    operator: BusinessDetails | None = None
    suboperator: BusinessDetails | None = None
    owner: BusinessDetails | None = None
    facilities: tuple[Annotated[str, Harmless(FACILITY)], ...] = ()
    time_zone: Annotated[str, Text(255)]
    opening_times: Hours | None = None
    charging_when_closed: YesNo | None = None
    images: tuple[Image, ...] = ()
    energy_mix: EnergyMix | None = None
    last_updated: Moment

    def broken_rules(self) -> Iterator[tuple[str, str]]:
        """Publish rules are for unpublished sites only."""
        if self.publish and self.publish_allowed_to:
            yield "publish_allowed_to", "may only be given where publish is false"
