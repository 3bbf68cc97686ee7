"""What an energy transfer costs, as its operator publishes it (IEC 63119-2, UC2): values only, no arithmetic.

A tariff is a list of elements; an element is a group of price components that apply under the same restrictions. Which
element prices what at a given moment is the business of `core.model.pricing`.
"""

from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from core.model.money import CurrencyCode, Price


class Dimension(StrEnum):
    """What a price component prices, and its unit.

    ENERGY per kWh (step: 1 Wh), TIME per hour of charging and PARKING_TIME per hour of not charging (step: 1 second),
    FLAT a session (no step). TIME in an element that is restricted to reservations prices the hours of the reservation.
    """

    ENERGY = "ENERGY"
    TIME = "TIME"
    PARKING_TIME = "PARKING_TIME"
    FLAT = "FLAT"


class TariffKind(StrEnum):
    """For whom a tariff holds; a tariff without a kind holds for every session."""

    REGULAR = "regular"
    AD_HOC = "ad_hoc"
    PROFILE_CHEAP = "profile_cheap"
    PROFILE_FAST = "profile_fast"
    PROFILE_GREEN = "profile_green"


class Weekday(StrEnum):
    """A day of the week at the site."""

    MONDAY = "MONDAY"
    TUESDAY = "TUESDAY"
    WEDNESDAY = "WEDNESDAY"
    THURSDAY = "THURSDAY"
    FRIDAY = "FRIDAY"
    SATURDAY = "SATURDAY"
    SUNDAY = "SUNDAY"

    @classmethod
    def of(cls, day: date) -> "Weekday":
        """The weekday of a date."""
        return list(cls)[day.weekday()]


class ReservationCase(StrEnum):
    """Which part of a reservation an element prices."""

    RESERVATION = "RESERVATION"
    """The time from making the reservation until charging starts (or until it expires)."""
    RESERVATION_EXPIRES = "RESERVATION_EXPIRES"
    """A reservation that expired without a session."""


class TaxIncluded(StrEnum):
    """Whether the prices of a tariff are with taxes."""

    YES = "YES"
    NO = "NO"
    NOT_APPLICABLE = "N/A"
    """No tax applies to the tariff."""


class PriceComponent(BaseModel):
    """The price of one unit of a dimension.

    tax_included: the same in all components of a tariff. vat_percent: None means that no VAT applies, which is not the
    same as a rate of 0 %. step_size: the blocks in which the dimension is billed, in Wh or seconds; 0 and 1 are what
    operators send where nothing is to be rounded.
    """

    model_config = ConfigDict(frozen=True)

    dimension: Dimension
    price: Decimal
    vat_percent: Decimal | None = None
    step_size: Annotated[int, Field(ge=0)] = 1
    tax_included: TaxIncluded = TaxIncluded.NO


class Restrictions(BaseModel):
    """When an element applies: all that are set must hold at once. Lower bounds include, upper bounds exclude.

    Times and dates are local to the site. Energy in kWh and duration in seconds count from the start of the session;
    current in ampere (sum over the phases) and power in kW are those of the moment.
    """

    model_config = ConfigDict(frozen=True)

    start_time: time | None = None
    end_time: time | None = None
    start_date: date | None = None
    end_date: date | None = None
    min_energy_kwh: Decimal | None = None
    max_energy_kwh: Decimal | None = None
    min_current_a: Decimal | None = None
    max_current_a: Decimal | None = None
    min_power_kw: Decimal | None = None
    max_power_kw: Decimal | None = None
    min_duration_s: int | None = None
    max_duration_s: int | None = None
    days_of_week: tuple[Weekday, ...] = ()
    reservation: ReservationCase | None = None

    @property
    def need_time_zone(self) -> bool:
        """Whether they can be judged only where the site's time zone is known."""
        return bool(self.start_time or self.end_time or self.start_date or self.end_date or self.days_of_week)


class TariffElement(BaseModel):
    """A group of price components under the same restrictions; without restrictions it applies always."""

    model_config = ConfigDict(frozen=True)

    components: tuple[PriceComponent, ...]
    restrictions: Restrictions = Restrictions()

    def component(self, dimension: Dimension) -> PriceComponent | None:
        """The first component of that dimension, or None."""
        return next((component for component in self.components if component.dimension is dimension), None)


class LanguageText(BaseModel):
    """A text in one language (ISO 639-1)."""

    model_config = ConfigDict(frozen=True)

    language: str
    text: str


class Tariff(BaseModel):
    """An operator's tariff for energy transfer at its EVSEs.

    (country_code, party_id) is the owner, `id` unique within it. Minimum and maximum price hold for a whole session,
    before and with taxes each by itself. valid_from / valid_until: None means unbounded on that side.
    """

    model_config = ConfigDict(frozen=True)

    country_code: str
    party_id: str
    id: str
    currency: CurrencyCode
    kind: TariffKind | None = None
    elements: Annotated[tuple[TariffElement, ...], Field(min_length=1)]
    min_price: Price | None = None
    max_price: Price | None = None
    texts: tuple[LanguageText, ...] = ()
    text_url: str | None = None
    valid_from: AwareDatetime | None = None
    valid_until: AwareDatetime | None = None
    energy_mix: JsonValue = None
    """As the operator gave it; nothing is computed from it."""
    last_updated: AwareDatetime

    def valid_at(self, moment: datetime) -> bool:
        """Whether the tariff is in force at that moment."""
        return (self.valid_from is None or self.valid_from <= moment) and (
            self.valid_until is None or moment < self.valid_until
        )

    @property
    def need_time_zone(self) -> bool:
        """Whether any element can be judged only where the site's time zone is known."""
        return any(element.restrictions.need_time_zone for element in self.elements)

    @property
    def tax_included(self) -> TaxIncluded:
        """Whether its prices are with taxes."""
        told = (component.tax_included for element in self.elements for component in element.components)
        return next(told, TaxIncluded.NO)

    def with_components(self, changed: Callable[[PriceComponent], PriceComponent]) -> "Tariff":
        """The tariff with every price component changed."""
        elements = tuple(
            element.model_copy(update={"components": tuple(map(changed, element.components))})
            for element in self.elements
        )
        return self.model_copy(update={"elements": elements})

    @property
    def content_hash(self) -> str:
        """SHA-256 (hex) of the tariff as it is written, by which a frozen copy is proved to be unchanged."""
        return sha256(self.model_dump_json().encode()).hexdigest()
