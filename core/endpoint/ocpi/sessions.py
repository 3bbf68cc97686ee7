"""Sessions (UC3-5, UC3-6) and their mapping to session reports of the model."""

from collections.abc import Iterator
from typing import Annotated, TypeVar

from core.endpoint.ocpi.kinds import NOT_AVAILABLE, CiString, Closed, Digits, Moment, Text, YesNo
from core.endpoint.ocpi.shape import AtLeastOne, Shape, part
from core.endpoint.ocpi.types import (
    AUTH_METHOD,
    PROFILE_TYPE,
    AnyPrice,
    credential_kind_of,
    price,
    price_class,
    price_of,
    token_type,
)
from core.model import meter
from core.model.credentials import CredentialReference, IdentificationMethod
from core.model.session_report import ReportedStatus, SessionReport

CDR_DIMENSION_TYPE = tuple(kind.value for kind in meter.DimensionKind)
CHARGING_PREFERENCES_RESPONSE = (
    "ACCEPTED",
    "DEPARTURE_REQUIRED",
    "ENERGY_NEED_REQUIRED",
    "NOT_POSSIBLE",
    "PROFILE_TYPE_NOT_SUPPORTED",
)
_STATUS = {
    "ACTIVE": ReportedStatus.ACTIVE,
    "COMPLETED": ReportedStatus.COMPLETED,
    "INVALID": ReportedStatus.INVALID,
    "PENDING": ReportedStatus.PENDING,
    "RESERVATION": ReportedStatus.RESERVED,
}
_WORD = {status: word for word, status in _STATUS.items()}
SESSION_STATUS = tuple(_STATUS)


class CdrToken(Shape):
    """The part of a token that sessions and CDRs repeat; the versions have a `type` of their own."""

    country_code: Annotated[str, CiString(2)]
    party_id: Annotated[str, CiString(3)]
    uid: Annotated[str, CiString(36)]
    type: str
    contract_id: Annotated[str, CiString(36)]


CdrTokenT = TypeVar("CdrTokenT", bound=CdrToken)


class CdrDimension(Shape):
    """A measured volume."""

    type: Annotated[str, Closed(CDR_DIMENSION_TYPE)]
    volume: Digits


class ChargingPeriod(Shape):
    """A stretch of a session."""

    start_date_time: Moment
    dimensions: Annotated[tuple[CdrDimension, ...], AtLeastOne()]
    tariff_id: Annotated[str, CiString(36)] | None = None


class Session(Shape):
    """A session as its operator reports it; the versions have a token and amounts of their own."""

    country_code: Annotated[str, CiString(2)]
    party_id: Annotated[str, CiString(3)]
    id: Annotated[str, CiString(36)]
    start_date_time: Moment
    end_date_time: Moment | None = None
    kwh: Digits
    cdr_token: CdrToken
    auth_method: Annotated[str, Closed(AUTH_METHOD)]
    authorization_reference: Annotated[str, CiString(36)] | None = None
    location_id: Annotated[str, CiString(36)]
    evse_uid: Annotated[str, CiString(36, may_be_not_available=True)]
    connector_id: Annotated[str, CiString(36, may_be_not_available=True)]
    meter_id: Annotated[str, Text(255)] | None = None
    currency: Annotated[str, Text(3)]
    charging_periods: tuple[ChargingPeriod, ...] = ()
    total_cost: AnyPrice | None = None
    status: Annotated[str, Closed(SESSION_STATUS)]
    last_updated: Moment

    def broken_rules(self) -> Iterator[tuple[str, str]]:
        """An active session has its EVSE and connector."""
        if self.status == "ACTIVE" and NOT_AVAILABLE in (self.evse_uid, self.connector_id):
            yield "evse_uid", f"may be {NOT_AVAILABLE} only while a reservation has no EVSE assigned"


class ChargingPreferences(Shape):
    """What the driver wants of smart charging (UC3-7)."""

    profile_type: Annotated[str, Closed(PROFILE_TYPE)]
    departure_time: Moment | None = None
    energy_need: Digits | None = None
    discharge_allowed: YesNo | None = None


def available(value: str) -> str | None:
    """The value, None where it says that there is none."""
    return None if value == NOT_AVAILABLE else value


def reference_of(shape: CdrToken) -> CredentialReference:
    """Wire to model."""
    return CredentialReference(
        country_code=shape.country_code,
        party_id=shape.party_id,
        uid=shape.uid,
        kind=credential_kind_of(shape.type),
        contract_id=shape.contract_id,
    )


def cdr_token(shape: type[CdrTokenT], value: CredentialReference) -> CdrTokenT:
    """Model to wire."""
    return shape.model_construct(  # type: ignore[return-value]  # pydantic's plugin forgets the subclass
        country_code=value.country_code,
        party_id=value.party_id,
        uid=value.uid,
        type=token_type(shape, value.kind),
        contract_id=value.contract_id,
    )


def period_of(shape: ChargingPeriod) -> meter.ChargingPeriod:
    """Wire to model."""
    return meter.ChargingPeriod(
        start=shape.start_date_time,
        dimensions=tuple(
            meter.Dimension(kind=meter.DimensionKind(one.type), volume=one.volume) for one in shape.dimensions
        ),
        tariff_id=shape.tariff_id,
    )


def charging_period(value: meter.ChargingPeriod) -> ChargingPeriod:
    """Model to wire."""
    return ChargingPeriod.model_construct(
        start_date_time=value.start,
        dimensions=tuple(CdrDimension.model_construct(type=one.kind, volume=one.volume) for one in value.dimensions),
        tariff_id=value.tariff_id,
    )


def report_of(shape: Session) -> SessionReport:
    """Wire to model."""
    return SessionReport(
        country_code=shape.country_code,
        party_id=shape.party_id,
        id=shape.id,
        start=shape.start_date_time,
        end=shape.end_date_time,
        energy=shape.kwh,
        credential=reference_of(shape.cdr_token),
        identification=IdentificationMethod(shape.auth_method),
        authorization_reference=shape.authorization_reference,
        site_id=shape.location_id,
        evse_uid=available(shape.evse_uid),
        connector_id=available(shape.connector_id),
        meter_id=shape.meter_id,
        currency=shape.currency.upper(),
        periods=tuple(map(period_of, shape.charging_periods)),
        total_cost=price_of(shape.total_cost),
        status=_STATUS[shape.status],
        last_updated=shape.last_updated,
    )


def session(shape: type[Session], value: SessionReport) -> Session:
    """Model to wire."""
    return shape.model_construct(
        country_code=value.country_code,
        party_id=value.party_id,
        id=value.id,
        start_date_time=value.start,
        end_date_time=value.end,
        kwh=value.energy,
        cdr_token=cdr_token(part(shape, "cdr_token", CdrToken), value.credential),
        auth_method=value.identification,
        authorization_reference=value.authorization_reference,
        location_id=value.site_id,
        evse_uid=value.evse_uid or NOT_AVAILABLE,
        connector_id=value.connector_id or NOT_AVAILABLE,
        meter_id=value.meter_id,
        currency=value.currency,
        charging_periods=tuple(map(charging_period, value.periods)),
        total_cost=price(price_class(shape, "total_cost"), value.total_cost),
        status=_WORD[value.status],
        last_updated=value.last_updated,
    )


APPENDED = ("charging_periods",)
"""What grows by a PATCH instead of being replaced."""
