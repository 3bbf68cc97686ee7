"""CDRs (UC3-9): the shapes that the versions share; `sdrs.py` beside this file maps them to SDRs of the model."""

from collections.abc import Iterator
from typing import Annotated

from core.endpoint.ocpi.kinds import NOT_AVAILABLE, CiString, Closed, Count, Digits, Moment, Text, YesNo
from core.endpoint.ocpi.locations import CONNECTOR_FORMAT, POWER_TYPE, GeoLocation
from core.endpoint.ocpi.sessions import CdrToken, ChargingPeriod
from core.endpoint.ocpi.shape import AtLeastOne, Shape
from core.endpoint.ocpi.tariffs import Tariff
from core.endpoint.ocpi.types import AUTH_METHOD, AnyPrice


class CdrLocation(Shape):
    """Where the session took place; the versions know connectors of their own."""

    id: Annotated[str, CiString(36)]
    name: Annotated[str, Text(255)] | None = None
    address: Annotated[str, Text(45)]
    city: Annotated[str, Text(45)]
    postal_code: Annotated[str, Text(10)] | None = None
    state: Annotated[str, Text(20)] | None = None
    country: Annotated[str, Text(3)]
    coordinates: GeoLocation
    evse_uid: Annotated[str, CiString(36, may_be_not_available=True)]
    evse_id: Annotated[str, CiString(48, may_be_not_available=True)]
    connector_id: Annotated[str, CiString(36, may_be_not_available=True)]
    connector_standard: str
    connector_format: Annotated[str, Closed(CONNECTOR_FORMAT)]
    connector_power_type: Annotated[str, Closed(POWER_TYPE)]


class SignedValue(Shape):
    """One signed reading of the meter."""

    nature: Annotated[str, CiString(32)]
    plain_data: Annotated[str, Text(5000)]
    signed_data: Annotated[str, Text(5000)]


class SignedData(Shape):
    """The signed readings of a session."""

    encoding_method: Annotated[str, CiString(36)]
    encoding_method_version: Count | None = None
    public_key: Annotated[str, Text(512)] | None = None
    signed_values: Annotated[tuple[SignedValue, ...], AtLeastOne()]
    url: Annotated[str, Text(512)] | None = None


class CDR(Shape):
    """A charge detail record; immutable once it is sent. The versions differ in token, place, tariffs, amounts."""

    country_code: Annotated[str, CiString(2)]
    party_id: Annotated[str, CiString(3)]
    id: Annotated[str, CiString(39)]
    start_date_time: Moment
    end_date_time: Moment
    session_id: Annotated[str, CiString(36)] | None = None
    cdr_token: CdrToken
    auth_method: Annotated[str, Closed(AUTH_METHOD)]
    authorization_reference: Annotated[str, CiString(36)] | None = None
    cdr_location: CdrLocation
    meter_id: Annotated[str, Text(255)] | None = None
    currency: Annotated[str, Text(3)]
    tariffs: tuple[Tariff, ...] = ()
    charging_periods: Annotated[tuple[ChargingPeriod, ...], AtLeastOne()]
    signed_data: SignedData | None = None
    total_cost: AnyPrice
    total_fixed_cost: AnyPrice | None = None
    total_energy: Digits
    total_energy_cost: AnyPrice | None = None
    total_time: Digits
    total_time_cost: AnyPrice | None = None
    total_parking_time: Digits | None = None
    total_parking_cost: AnyPrice | None = None
    total_reservation_cost: AnyPrice | None = None
    remark: Annotated[str, Text(255)] | None = None
    invoice_reference_id: Annotated[str, CiString(39)] | None = None
    credit: YesNo | None = None
    credit_reference_id: Annotated[str, CiString(39)] | None = None
    home_charging_compensation: YesNo | None = None
    last_updated: Moment

    def broken_rules(self) -> Iterator[tuple[str, str]]:
        """A credit names what it takes back; only its id may have 39 characters; energy came out of some connector."""
        if self.credit and not self.credit_reference_id:
            yield "credit_reference_id", "is required in a credit CDR"
        if not self.credit and self.credit_reference_id:
            yield "credit_reference_id", "may only be given in a credit CDR"
        if not self.credit and len(self.id) > 36:
            yield "id", "may be longer than 36 characters in a credit CDR only"
        if self.total_energy and NOT_AVAILABLE in (self.cdr_location.evse_uid, self.cdr_location.connector_id):
            yield "cdr_location", f"may be {NOT_AVAILABLE} only for a reservation that was never used"
