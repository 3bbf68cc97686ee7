"""Sites, EV supply equipment and connectors: where one can charge, and how (UC1-2, UC1-3).

A site is a place with charging stations; EV supply equipment supplies one vehicle at a time and has one or more
connectors, of which one is usable at a time. Where a status came from and how old it is are stored beside these values.
"""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from core.model.credentials import Credential, CredentialKind
from core.model.images import Image as Image
from core.model.parking import ParkingPlace, ParkingReference


class Status(StrEnum):
    """The nine states of EV supply equipment (UC1-3)."""

    AVAILABLE = "AVAILABLE"
    RESERVED = "RESERVED"
    CHARGING = "CHARGING"
    BLOCKED = "BLOCKED"
    INOPERATIVE = "INOPERATIVE"
    OUTOFORDER = "OUTOFORDER"
    PLANNED = "PLANNED"
    REMOVED = "REMOVED"
    UNKNOWN = "UNKNOWN"


class Capability(StrEnum):
    """What EV supply equipment can do; capabilities decide what a driver is offered."""

    CHARGING_PREFERENCES_CAPABLE = "CHARGING_PREFERENCES_CAPABLE"
    CHARGING_PROFILE_CAPABLE = "CHARGING_PROFILE_CAPABLE"
    CHIP_CARD_SUPPORT = "CHIP_CARD_SUPPORT"
    CONTACTLESS_CARD_SUPPORT = "CONTACTLESS_CARD_SUPPORT"
    CREDIT_CARD_PAYABLE = "CREDIT_CARD_PAYABLE"
    DEBIT_CARD_PAYABLE = "DEBIT_CARD_PAYABLE"
    PED_TERMINAL = "PED_TERMINAL"
    REMOTE_START_STOP_CAPABLE = "REMOTE_START_STOP_CAPABLE"
    RESERVABLE = "RESERVABLE"
    RFID_READER = "RFID_READER"
    START_SESSION_CONNECTOR_REQUIRED = "START_SESSION_CONNECTOR_REQUIRED"
    TOKEN_GROUP_CAPABLE = "TOKEN_GROUP_CAPABLE"  # noqa: S105  a capability, not a password
    UNLOCK_CAPABLE = "UNLOCK_CAPABLE"


class ConnectorStandard(StrEnum):
    """The standard of the socket or plug."""

    CHADEMO = "CHADEMO"
    CHAOJI = "CHAOJI"
    DOMESTIC_A = "DOMESTIC_A"
    DOMESTIC_B = "DOMESTIC_B"
    DOMESTIC_C = "DOMESTIC_C"
    DOMESTIC_D = "DOMESTIC_D"
    DOMESTIC_E = "DOMESTIC_E"
    DOMESTIC_F = "DOMESTIC_F"
    DOMESTIC_G = "DOMESTIC_G"
    DOMESTIC_H = "DOMESTIC_H"
    DOMESTIC_I = "DOMESTIC_I"
    DOMESTIC_J = "DOMESTIC_J"
    DOMESTIC_K = "DOMESTIC_K"
    DOMESTIC_L = "DOMESTIC_L"
    DOMESTIC_M = "DOMESTIC_M"
    DOMESTIC_N = "DOMESTIC_N"
    DOMESTIC_O = "DOMESTIC_O"
    GBT_AC = "GBT_AC"
    GBT_DC = "GBT_DC"
    IEC_60309_2_SINGLE_16 = "IEC_60309_2_single_16"
    IEC_60309_2_THREE_16 = "IEC_60309_2_three_16"
    IEC_60309_2_THREE_32 = "IEC_60309_2_three_32"
    IEC_60309_2_THREE_64 = "IEC_60309_2_three_64"
    IEC_62196_T1 = "IEC_62196_T1"
    IEC_62196_T1_COMBO = "IEC_62196_T1_COMBO"
    IEC_62196_T2 = "IEC_62196_T2"
    IEC_62196_T2_COMBO = "IEC_62196_T2_COMBO"
    IEC_62196_T3A = "IEC_62196_T3A"
    IEC_62196_T3C = "IEC_62196_T3C"
    NEMA_5_20 = "NEMA_5_20"
    NEMA_6_30 = "NEMA_6_30"
    NEMA_6_50 = "NEMA_6_50"
    NEMA_10_30 = "NEMA_10_30"
    NEMA_10_50 = "NEMA_10_50"
    NEMA_14_30 = "NEMA_14_30"
    NEMA_14_50 = "NEMA_14_50"
    PANTOGRAPH_BOTTOM_UP = "PANTOGRAPH_BOTTOM_UP"
    PANTOGRAPH_TOP_DOWN = "PANTOGRAPH_TOP_DOWN"
    TESLA_R = "TESLA_R"
    TESLA_S = "TESLA_S"
    MCS = "MCS"
    SAE_J3400 = "SAE_J3400"
    OTHER = "OTHER"
    """One that only its operator has a word for."""


class ConnectorFormat(StrEnum):
    """Whether the driver brings the cable (SOCKET) or finds it there (CABLE)."""

    SOCKET = "SOCKET"
    CABLE = "CABLE"


class ConnectorCapability(StrEnum):
    """What a driver can use at one connector; plug and charge by either part of ISO 15118."""

    ISO_15118_2_PLUG_AND_CHARGE = "ISO_15118_2_PLUG_AND_CHARGE"
    ISO_15118_20_PLUG_AND_CHARGE = "ISO_15118_20_PLUG_AND_CHARGE"


class PowerType(StrEnum):
    """How the energy comes: alternating current by number of phases, or direct current."""

    AC_1_PHASE = "AC_1_PHASE"
    AC_2_PHASE = "AC_2_PHASE"
    AC_2_PHASE_SPLIT = "AC_2_PHASE_SPLIT"
    AC_3_PHASE = "AC_3_PHASE"
    DC = "DC"


class ParkingType(StrEnum):
    """What kind of parking place the site is."""

    ALONG_MOTORWAY = "ALONG_MOTORWAY"
    PARKING_GARAGE = "PARKING_GARAGE"
    PARKING_LOT = "PARKING_LOT"
    ON_DRIVEWAY = "ON_DRIVEWAY"
    ON_STREET = "ON_STREET"
    UNDERGROUND_GARAGE = "UNDERGROUND_GARAGE"


class ParkingRestriction(StrEnum):
    """Who may stand at EV supply equipment."""

    EV_ONLY = "EV_ONLY"
    PLUGGED = "PLUGGED"
    DISABLED = "DISABLED"
    CUSTOMERS = "CUSTOMERS"
    MOTORCYCLES = "MOTORCYCLES"
    EMPLOYEES = "EMPLOYEES"
    TAXIS = "TAXIS"
    TENANTS = "TENANTS"


class Facility(StrEnum):
    """What the driver finds at the site."""

    HOTEL = "HOTEL"
    RESTAURANT = "RESTAURANT"
    CAFE = "CAFE"
    MALL = "MALL"
    SUPERMARKET = "SUPERMARKET"
    SPORT = "SPORT"
    RECREATION_AREA = "RECREATION_AREA"
    NATURE = "NATURE"
    MUSEUM = "MUSEUM"
    BIKE_SHARING = "BIKE_SHARING"
    BUS_STOP = "BUS_STOP"
    TAXI_STAND = "TAXI_STAND"
    TRAM_STOP = "TRAM_STOP"
    METRO_STATION = "METRO_STATION"
    TRAIN_STATION = "TRAIN_STATION"
    AIRPORT = "AIRPORT"
    PARKING_LOT = "PARKING_LOT"
    CARPOOL_PARKING = "CARPOOL_PARKING"
    FUEL_STATION = "FUEL_STATION"
    WIFI = "WIFI"


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class LocalisedText(_Value):
    """A text for people in one language (ISO 639-1)."""

    language: str
    text: str


class GeoPoint(_Value):
    """A point on WGS 84 in decimal degrees, with the digits its source gave."""

    latitude: Annotated[Decimal, Field(ge=-90, le=90)]
    longitude: Annotated[Decimal, Field(ge=-180, le=180)]


class RelatedPoint(_Value):
    """A point that matters to the driver beside the site itself, such as a garage's entrance."""

    point: GeoPoint
    name: LocalisedText | None = None


class Business(_Value):
    """An operator or owner as the driver reads it."""

    name: str
    website: str | None = None
    logo: Image | None = None


class WeeklyHours(_Value):
    """A span of local time on one weekday: weekday 1 (Monday) to 7, minutes after local midnight, end excluded."""

    weekday: Annotated[int, Field(ge=1, le=7)]
    begin_minute: Annotated[int, Field(ge=0, lt=1440)]
    end_minute: Annotated[int, Field(ge=0, le=1440)]


class Interval(_Value):
    """From `begin` to `end`, both aware and UTC, end excluded."""

    begin: datetime
    end: datetime


class OpeningTimes(_Value):
    """When the site can be reached. Exceptional closings win over exceptional openings, and both over the week."""

    always: bool
    weekly: tuple[WeeklyHours, ...] = ()
    exceptional_openings: tuple[Interval, ...] = ()
    exceptional_closings: tuple[Interval, ...] = ()


class ScheduledStatus(_Value):
    """A status that is planned. It informs only: the status itself changes when it is said to."""

    begin: datetime
    status: Status
    end: datetime | None = None


class EnergyShare(_Value):
    """How much of the energy comes from one source, in percent."""

    source: str
    percentage: Decimal


class EnvironmentalImpact(_Value):
    """What a kWh does to the environment, in grams of the category (carbon dioxide, nuclear waste)."""

    category: str
    grams_per_kwh: Decimal


class EnergyMix(_Value):
    """Where the energy comes from, as its supplier declares it."""

    is_green: bool
    sources: tuple[EnergyShare, ...] = ()
    impacts: tuple[EnvironmentalImpact, ...] = ()
    supplier_name: str | None = None
    product_name: str | None = None


def _caseless_match(wanted: str | None, given: str | None) -> bool | None:
    return None if wanted is None else wanted.casefold() == (given or "").casefold()


class PublishRule(_Value):
    """Whom an unpublished site may be shown to: those whose credential matches every member that is set."""

    uid: str | None = None
    credential_kind: CredentialKind | None = None
    visual_number: str | None = None
    issuer: str | None = None
    group_id: str | None = None

    def matches(self, credential: Credential) -> bool:
        """Whether the credential has every member that is set; a rule that names nobody matches nobody."""
        named = [
            _caseless_match(self.uid, credential.uid),
            _caseless_match(self.group_id, credential.group_id),
            None if self.visual_number is None else self.visual_number == credential.visual_number,
        ]
        narrowed = [
            self.credential_kind is None or self.credential_kind is credential.kind,
            self.issuer is None or self.issuer == credential.issuer,
        ]
        return True in named and False not in named and all(narrowed)


_BATTERY_VOLTS = 400


class Connector(_Value):
    """A socket or a cable with its plug. Volts (line to neutral for three phases), amperes, watts.

    max_power is set where it is lower than voltage and current would allow. No tariff_ids means not told, never free.
    """

    id: str
    standard: ConnectorStandard
    format: ConnectorFormat
    power_type: PowerType
    max_voltage: int
    max_current: int
    max_power: int | None = None
    tariff_ids: tuple[str, ...] = ()
    terms_and_conditions: str | None = None
    capabilities: frozenset[ConnectorCapability] = frozenset()
    last_updated: datetime

    @property
    def charging_volts(self) -> int | None:
        """Power over it is the current of all phases: on DC the voltage of a common battery [J]. None: not told."""
        volts = min(self.max_voltage, _BATTERY_VOLTS) if self.power_type is PowerType.DC else self.max_voltage
        return volts if volts > 0 else None


class EvSupplyEquipment(_Value):
    """Equipment that supplies one vehicle at a time.

    uid is the key within the party; evse_id, the public identifier, may be absent. Directions, images and point are
    given where those of the site do not serve. accepted_service_providers: names of home-CSPs.
    """

    uid: str
    evse_id: str | None = None
    status: Status
    status_schedule: tuple[ScheduledStatus, ...] = ()
    capabilities: frozenset[Capability] = frozenset()
    connectors: tuple[Connector, ...]
    floor_level: str | None = None
    point: GeoPoint | None = None
    physical_reference: str | None = None
    directions: tuple[LocalisedText, ...] = ()
    parking_restrictions: frozenset[ParkingRestriction] = frozenset()
    parking: tuple[ParkingReference, ...] = ()
    accepted_service_providers: tuple[str, ...] = ()
    images: tuple[Image, ...] = ()
    last_updated: datetime

    def can(self, capability: Capability) -> bool:
        """Whether the equipment says that it has the capability; silence is no."""
        return capability in self.capabilities


class Site(_Value):
    """A place with EV supply equipment, of one operator.

    country_code (alpha-2), party_id and id together are the key; country is the place's own country (alpha-3).
    publish false: to be shown only to those whom `publish_allowed_to` names, and to nobody where it is empty.
    operator absent means the party itself. charging_when_closed absent means true.
    """

    country_code: str
    party_id: str
    id: str
    publish: bool
    publish_allowed_to: tuple[PublishRule, ...] = ()
    name: str | None = None
    address: str
    city: str
    postal_code: str | None = None
    state: str | None = None
    country: str
    point: GeoPoint
    related_points: tuple[RelatedPoint, ...] = ()
    parking_type: ParkingType | None = None
    equipment: tuple[EvSupplyEquipment, ...] = ()
    directions: tuple[LocalisedText, ...] = ()
    operator: Business | None = None
    suboperator: Business | None = None
    owner: Business | None = None
    facilities: frozenset[Facility] = frozenset()
    time_zone: str
    opening_times: OpeningTimes | None = None
    charging_when_closed: bool | None = None
    images: tuple[Image, ...] = ()
    energy_mix: EnergyMix | None = None
    parking_places: tuple[ParkingPlace, ...] = ()
    help_phone: str | None = None
    last_updated: datetime

    @property
    def charges_when_closed(self) -> bool:
        """Whether a vehicle goes on charging outside the opening times; silence is yes."""
        return self.charging_when_closed is not False

    def may_be_shown_to(self, credential: Credential | None) -> bool:
        """Whether the holder of a credential (None: a stranger) may find the site."""
        return self.publish or (
            credential is not None and any(rule.matches(credential) for rule in self.publish_allowed_to)
        )

    def find_equipment(self, uid: str) -> EvSupplyEquipment | None:
        """The equipment with this uid (caseless), or None."""
        wanted = uid.casefold()
        return next((one for one in self.equipment if one.uid.casefold() == wanted), None)
