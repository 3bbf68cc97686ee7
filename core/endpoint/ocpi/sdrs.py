"""CDRs to SDRs of the model and back."""

from core.endpoint.ocpi import cdrs as wire
from core.endpoint.ocpi.kinds import NOT_AVAILABLE
from core.endpoint.ocpi.sessions import CdrToken, available, cdr_token, charging_period, period_of, reference_of
from core.endpoint.ocpi.shape import Fault, InvalidMember, part
from core.endpoint.ocpi.sites import geo_location, point_of, standard_of
from core.endpoint.ocpi.tariffs import TariffMapping
from core.endpoint.ocpi.types import price, price_class, price_of
from core.model import sdr
from core.model.credentials import IdentificationMethod
from core.model.parties import Party
from core.model.sdr import Sdr, SdrKind
from core.model.sites import ConnectorFormat, PowerType


def _place_of(shape: wire.CdrLocation) -> sdr.SdrPlace:
    return sdr.SdrPlace(
        site_id=shape.id,
        name=shape.name,
        address=shape.address,
        city=shape.city,
        postal_code=shape.postal_code,
        state=shape.state,
        country=shape.country,
        point=point_of(shape.coordinates),
        evse_uid=available(shape.evse_uid),
        evse_id=available(shape.evse_id),
        connector_id=available(shape.connector_id),
        connector_standard=standard_of(shape.connector_standard),
        connector_format=ConnectorFormat(shape.connector_format),
        power_type=PowerType(shape.connector_power_type),
    )


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _cdr_location(shape: type[wire.CdrLocation], place: sdr.SdrPlace) -> wire.CdrLocation:
    """Address and state are shortened where a Location's may be longer than a CDR's [J]; identifiers never are."""
    return shape.model_construct(
        id=place.site_id,
        name=place.name,
        address=_shortened(place.address, 45),
        city=place.city,
        postal_code=place.postal_code,
        state=place.state and _shortened(place.state, 20),
        country=place.country,
        coordinates=geo_location(place.point),
        evse_uid=place.evse_uid or NOT_AVAILABLE,
        evse_id=place.evse_id or NOT_AVAILABLE,
        connector_id=place.connector_id or NOT_AVAILABLE,
        connector_standard=place.connector_standard,
        connector_format=place.connector_format,
        connector_power_type=place.power_type,
    )


def _signed_data_of(shape: wire.SignedData | None) -> sdr.SignedMeterData | None:
    if shape is None:
        return None
    return sdr.SignedMeterData(
        encoding=shape.encoding_method,
        encoding_version=shape.encoding_method_version,
        public_key=shape.public_key,
        values=tuple(
            sdr.SignedMeterValue(nature=one.nature, plain=one.plain_data, signed=one.signed_data)
            for one in shape.signed_values
        ),
        url=shape.url,
    )


def _signed_data(value: sdr.SignedMeterData | None) -> wire.SignedData | None:
    if value is None:
        return None
    return wire.SignedData.model_construct(
        encoding_method=value.encoding,
        encoding_method_version=value.encoding_version,
        public_key=value.public_key,
        signed_values=tuple(
            wire.SignedValue.model_construct(nature=one.nature, plain_data=one.plain, signed_data=one.signed)
            for one in value.values
        ),
        url=value.url,
    )


class SdrMapping:
    """CDRs of one version and SDRs."""

    def __init__(self, shape: type[wire.CDR], tariffs: TariffMapping) -> None:
        self._shape = shape
        self._tariffs = tariffs

    def sdr_of(self, shape: wire.CDR) -> Sdr:
        """Wire to model. A credit without the CDR that it takes back is a fault."""
        if shape.credit and not shape.credit_reference_id:
            raise InvalidMember([Fault("CDR.credit_reference_id", "is required in a credit CDR")])
        return Sdr(
            id=shape.id,
            kind=SdrKind.CREDIT if shape.credit else SdrKind.ORIGINAL,
            references_sdr_id=shape.credit_reference_id,
            issuer=Party(country_code=shape.country_code, party_id=shape.party_id),
            session_id=shape.session_id,
            authorization_reference=shape.authorization_reference,
            identification=IdentificationMethod(shape.auth_method),
            credential=reference_of(shape.cdr_token),
            place=_place_of(shape.cdr_location),
            start=shape.start_date_time,
            end=shape.end_date_time,
            periods=tuple(map(period_of, shape.charging_periods)),
            total_energy=shape.total_energy,
            total_time=shape.total_time,
            total_parking_time=shape.total_parking_time,
            tariffs=tuple(map(self._tariffs.tariff_of, shape.tariffs)),
            currency=shape.currency.upper(),
            cost=sdr.SdrCost(
                total=shape.total_cost.price(),
                fixed=price_of(shape.total_fixed_cost),
                energy=price_of(shape.total_energy_cost),
                time=price_of(shape.total_time_cost),
                parking=price_of(shape.total_parking_cost),
                reservation=price_of(shape.total_reservation_cost),
            ),
            meter_id=shape.meter_id,
            signed_data=_signed_data_of(shape.signed_data),
            remark=shape.remark,
            home_charging_compensation=shape.home_charging_compensation,
            invoice_reference=shape.invoice_reference_id,
            last_updated=shape.last_updated,
        )

    def cdr(self, value: Sdr) -> wire.CDR:
        """Model to wire. A provisional SDR has no CDR; a replacement is a plain one."""
        if value.kind is SdrKind.INTERMEDIATE:
            raise InvalidMember([Fault("CDR", "a provisional SDR cannot be sent as a CDR")])
        is_credit = value.kind is SdrKind.CREDIT
        cost = price_class(self._shape, "total_cost")
        return self._shape.model_construct(
            country_code=value.issuer.country_code,
            party_id=value.issuer.party_id,
            id=value.id,
            start_date_time=value.start,
            end_date_time=value.end,
            session_id=value.session_id,
            cdr_token=cdr_token(part(self._shape, "cdr_token", CdrToken), value.credential),
            auth_method=value.identification,
            authorization_reference=value.authorization_reference,
            cdr_location=_cdr_location(part(self._shape, "cdr_location", wire.CdrLocation), value.place),
            meter_id=value.meter_id,
            currency=value.currency,
            tariffs=tuple(map(self._tariffs.tariff, value.tariffs)),
            charging_periods=tuple(map(charging_period, value.periods)),
            signed_data=_signed_data(value.signed_data),
            total_cost=cost.of(value.cost.total),
            total_fixed_cost=price(cost, value.cost.fixed),
            total_energy=value.total_energy,
            total_energy_cost=price(cost, value.cost.energy),
            total_time=value.total_time,
            total_time_cost=price(cost, value.cost.time),
            total_parking_time=value.total_parking_time,
            total_parking_cost=price(cost, value.cost.parking),
            total_reservation_cost=price(cost, value.cost.reservation),
            remark=value.remark,
            invoice_reference_id=value.invoice_reference,
            credit=True if is_credit else None,
            credit_reference_id=value.references_sdr_id if is_credit else None,
            home_charging_compensation=value.home_charging_compensation,
            last_updated=value.last_updated,
        )
