"""Tariffs (UC2) and their mapping to tariffs of the model."""

from datetime import date, time
from typing import Annotated

from core.endpoint.ocpi.energy_mix import EnergyMix, energy_mix, energy_mix_of
from core.endpoint.ocpi.kinds import Address, CiString, Closed, Count, Digits, LocalDate, LocalTime, Moment, Text
from core.endpoint.ocpi.shape import AtLeastOne, Shape
from core.endpoint.ocpi.types import AnyPrice, DisplayText, price, price_class, price_of
from core.model import sites, tariffs

DAY_OF_WEEK = ("FRIDAY", "MONDAY", "SATURDAY", "SUNDAY", "THURSDAY", "TUESDAY", "WEDNESDAY")
RESERVATION_RESTRICTION_TYPE = ("RESERVATION", "RESERVATION_EXPIRES")
TARIFF_DIMENSION_TYPE = ("ENERGY", "FLAT", "PARKING_TIME", "TIME")
_KIND = {
    "AD_HOC_PAYMENT": tariffs.TariffKind.AD_HOC,
    "PROFILE_CHEAP": tariffs.TariffKind.PROFILE_CHEAP,
    "PROFILE_FAST": tariffs.TariffKind.PROFILE_FAST,
    "PROFILE_GREEN": tariffs.TariffKind.PROFILE_GREEN,
    "REGULAR": tariffs.TariffKind.REGULAR,
}
_WORD = {kind: word for word, kind in _KIND.items()}
TARIFF_TYPE = tuple(_KIND)


class PriceComponent(Shape):
    """The price of a unit."""

    type: Annotated[str, Closed(TARIFF_DIMENSION_TYPE)]
    price: Digits
    vat: Digits | None = None
    step_size: Count


class TariffRestrictions(Shape):
    """When an element applies."""

    start_time: Annotated[time, LocalTime()] | None = None
    end_time: Annotated[time, LocalTime()] | None = None
    start_date: Annotated[date, LocalDate()] | None = None
    end_date: Annotated[date, LocalDate()] | None = None
    min_kwh: Digits | None = None
    max_kwh: Digits | None = None
    min_current: Digits | None = None
    max_current: Digits | None = None
    min_power: Digits | None = None
    max_power: Digits | None = None
    min_duration: Count | None = None
    max_duration: Count | None = None
    day_of_week: tuple[Annotated[str, Closed(DAY_OF_WEEK)], ...] = ()
    reservation: Annotated[str, Closed(RESERVATION_RESTRICTION_TYPE)] | None = None


class TariffElement(Shape):
    """Price components under the same restrictions."""

    price_components: Annotated[tuple[PriceComponent, ...], AtLeastOne()]
    restrictions: TariffRestrictions | None = None


class Tariff(Shape):
    """An operator's tariff; the versions have limits of their own."""

    country_code: Annotated[str, CiString(2)]
    party_id: Annotated[str, CiString(3)]
    id: Annotated[str, CiString(36)]
    currency: Annotated[str, Text(3)]
    type: Annotated[str, Closed(TARIFF_TYPE)] | None = None
    tariff_alt_text: tuple[DisplayText, ...] = ()
    tariff_alt_url: Address | None = None
    min_price: AnyPrice | None = None
    max_price: AnyPrice | None = None
    elements: Annotated[tuple[TariffElement, ...], AtLeastOne()]
    start_date_time: Moment | None = None
    end_date_time: Moment | None = None
    energy_mix: EnergyMix | None = None
    last_updated: Moment


def _restrictions_of(shape: TariffRestrictions | None) -> tariffs.Restrictions:
    if shape is None:
        return tariffs.Restrictions()
    return tariffs.Restrictions(
        start_time=shape.start_time,
        end_time=shape.end_time,
        start_date=shape.start_date,
        end_date=shape.end_date,
        min_energy_kwh=shape.min_kwh,
        max_energy_kwh=shape.max_kwh,
        min_current_a=shape.min_current,
        max_current_a=shape.max_current,
        min_power_kw=shape.min_power,
        max_power_kw=shape.max_power,
        min_duration_s=shape.min_duration,
        max_duration_s=shape.max_duration,
        days_of_week=tuple(map(tariffs.Weekday, shape.day_of_week)),
        reservation=tariffs.ReservationCase(shape.reservation) if shape.reservation else None,
    )


def _restrictions(value: tariffs.Restrictions) -> TariffRestrictions | None:
    if value == tariffs.Restrictions():
        return None
    return TariffRestrictions.model_construct(
        start_time=value.start_time,
        end_time=value.end_time,
        start_date=value.start_date,
        end_date=value.end_date,
        min_kwh=value.min_energy_kwh,
        max_kwh=value.max_energy_kwh,
        min_current=value.min_current_a,
        max_current=value.max_current_a,
        min_power=value.min_power_kw,
        max_power=value.max_power_kw,
        min_duration=value.min_duration_s,
        max_duration=value.max_duration_s,
        day_of_week=value.days_of_week,
        reservation=value.reservation,
    )


def _element_of(shape: TariffElement) -> tariffs.TariffElement:
    return tariffs.TariffElement(
        components=tuple(
            tariffs.PriceComponent(
                dimension=tariffs.Dimension(one.type), price=one.price, vat_percent=one.vat, step_size=one.step_size
            )
            for one in shape.price_components
        ),
        restrictions=_restrictions_of(shape.restrictions),
    )


def _element(value: tariffs.TariffElement) -> TariffElement:
    return TariffElement.model_construct(
        price_components=tuple(
            PriceComponent.model_construct(
                type=one.dimension, price=one.price, vat=one.vat_percent, step_size=one.step_size
            )
            for one in value.components
        ),
        restrictions=_restrictions(value.restrictions),
    )


class TariffMapping:
    """Tariffs of one version and of the model. A version that has more extends it."""

    def __init__(self, shape: type[Tariff]) -> None:
        self._shape = shape

    def tariff_of(self, shape: Tariff) -> tariffs.Tariff:
        """Wire to model."""
        mix = energy_mix_of(shape.energy_mix)
        return tariffs.Tariff(
            country_code=shape.country_code,
            party_id=shape.party_id,
            id=shape.id,
            currency=shape.currency.upper(),
            kind=_KIND[shape.type] if shape.type else None,
            elements=tuple(map(_element_of, shape.elements)),
            min_price=price_of(shape.min_price),
            max_price=price_of(shape.max_price),
            texts=tuple(tariffs.LanguageText(language=one.language, text=one.text) for one in shape.tariff_alt_text),
            text_url=shape.tariff_alt_url,
            valid_from=shape.start_date_time,
            valid_until=shape.end_date_time,
            energy_mix=mix and mix.model_dump(mode="json"),
            last_updated=shape.last_updated,
        )

    def tariff(self, value: tariffs.Tariff) -> Tariff:
        """Model to wire."""
        limit = price_class(self._shape, "min_price")
        return self._shape.model_construct(
            country_code=value.country_code,
            party_id=value.party_id,
            id=value.id,
            currency=value.currency,
            type=_WORD[value.kind] if value.kind else None,
            tariff_alt_text=tuple(
                DisplayText.model_construct(language=one.language, text=one.text) for one in value.texts
            ),
            tariff_alt_url=value.text_url,
            min_price=price(limit, value.min_price),
            max_price=price(limit, value.max_price),
            elements=tuple(map(_element, value.elements)),
            start_date_time=value.valid_from,
            end_date_time=value.valid_until,
            energy_mix=energy_mix(sites.EnergyMix.model_validate(value.energy_mix)) if value.energy_mix else None,
            last_updated=value.last_updated,
        )
