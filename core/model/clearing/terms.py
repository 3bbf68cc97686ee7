"""What two parties agree on for reconciliation and settlement: tolerances, windows, cut-off (5.4.6, 6.4.2, 6.4.3).

The standard names the clauses; every figure here is a judgement of evroam that an agreement may replace.
"""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from core.model.agreements import PricingOptions
from core.model.money import CurrencyCode
from core.model.parties import Party

MOST_CURRENCIES = 200


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("not a time zone of the tz database") from None
    return name


TimeZoneName = Annotated[str, AfterValidator(_known_zone)]
"""A name of the tz database."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CutOff(StrEnum):
    """How often a batch is closed: at local midnight of each day, each Monday, each first of a month."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


class Tolerances(_Value):
    """How far two witnesses may differ and still say the same.

    Energy: the larger of energy_kwh and energy_percent of the session's. Money in the main unit of the currency.
    """

    seconds: int = Field(default=60, ge=0, le=86_400)
    energy_kwh: Decimal = Field(default=Decimal("0.01"), ge=0, le=1000)
    energy_percent: Decimal = Field(default=Decimal("0.1"), ge=0, le=100)
    money: Decimal = Field(default=Decimal("0.01"), ge=0, le=1000)


class Windows(_Value):
    """How long each side has, from the moment before it.

    sdr: a session's SDR is missing after it. late: an SDR that comes later is late. approve: an accepted SDR stands as
    approved. dispute: from receipt of the SDR. respond, decide: in a dispute. confirm: a calculated batch stands as
    confirmed. revoked: how long a revocation takes to reach every station.
    """

    sdr: timedelta = timedelta(days=1)
    late: timedelta = timedelta(days=30)
    approve: timedelta = timedelta(days=3)
    dispute: timedelta = timedelta(days=14)
    respond: timedelta = timedelta(days=7)
    decide: timedelta = timedelta(days=7)
    confirm: timedelta = timedelta(days=3)
    revoked: timedelta = timedelta(minutes=15)


class SettlementTerms(_Value):
    """How the SDRs of two parties are settled where a clearing house does it; members as in `ClearingTerms`."""

    cut_off: CutOff = CutOff.DAILY
    time_zone: TimeZoneName = "Europe/Berlin"
    signed_meter: bool = False


class ClearingTerms(_Value):
    """The agreement between a visited-CSO (creditor) and a home-CSP (debtor), as far as clearing needs it.

    id: the agreement's; version and hash: of the document that both have signed, None where its operator set the terms.
    time_zone: whose midnight a day and a cut-off begin with. currencies: the only ones that are settled; none named:
    any. signed_meter: an SDR without a valid signed meter reading is declined.
    """

    id: str = Field(min_length=1, max_length=36)
    creditor: Party
    debtor: Party
    version: int | None = None
    hash: str | None = None
    currencies: tuple[CurrencyCode, ...] = Field(default=("EUR",), max_length=MOST_CURRENCIES)
    time_zone: TimeZoneName = "Europe/Berlin"
    cut_off: CutOff = CutOff.DAILY
    tolerances: Tolerances = Tolerances()
    windows: Windows = Windows()
    signed_meter: bool = False
    pricing: PricingOptions = PricingOptions()
    valid_from: AwareDatetime | None = None
    valid_until: AwareDatetime | None = None

    @property
    def zone(self) -> ZoneInfo:
        """The time zone."""
        return ZoneInfo(self.time_zone)

    def day_of(self, moment: datetime) -> date:
        """The agreement's local day."""
        return moment.astimezone(self.zone).date()

    def midnight(self, day: date) -> datetime:
        """When a local day begins, in UTC."""
        return datetime.combine(day, time(), self.zone).astimezone(UTC)

    def cut_off_before(self, moment: datetime) -> datetime:
        """The last cut-off that is not after this moment, in UTC."""
        return self.midnight(self._first_day(self.day_of(moment)))

    def cut_off_after(self, moment: datetime) -> datetime:
        """The first cut-off after this moment, in UTC."""
        day = self._first_day(self.day_of(moment))
        match self.cut_off:
            case CutOff.DAILY:
                return self.midnight(day + timedelta(days=1))
            case CutOff.WEEKLY:
                return self.midnight(day + timedelta(days=7))
        return self.midnight((day + timedelta(days=32)).replace(day=1))

    def _first_day(self, day: date) -> date:
        match self.cut_off:
            case CutOff.DAILY:
                return day
            case CutOff.WEEKLY:
                return day - timedelta(days=day.weekday())
        return day.replace(day=1)
