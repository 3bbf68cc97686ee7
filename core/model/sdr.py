"""Service detail records (Annex B): what a visited-CSO bills for a whole service session.

The members follow the reconstruction of Table B.1. An SDR is immutable: it is corrected by a credit SDR, which negates
the total cost alone, and a new one. A member that a partner's wire cannot carry is None, never guessed.
Energy in kWh, durations in hours, money in the main unit of the currency.
"""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from core.errors import InvalidInput
from core.model.credentials import CredentialReference, IdentificationMethod
from core.model.meter import ChargingPeriod, DimensionKind
from core.model.money import CurrencyCode, Price
from core.model.parties import Party
from core.model.session import StopReason, Transaction
from core.model.sites import ConnectorFormat, ConnectorStandard, GeoPoint, PowerType
from core.model.tariffs import Tariff


class SdrKind(StrEnum):
    """What an SDR is: the first of its session, the credit of one, what replaces a credited one, or provisional."""

    ORIGINAL = "ORIGINAL"
    CREDIT = "CREDIT"
    REPLACEMENT = "REPLACEMENT"
    INTERMEDIATE = "INTERMEDIATE"


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class SdrPlace(_Value):
    """Where the service was given, frozen. EVSE and connector are None where a reservation was never used."""

    site_id: str
    name: str | None = None
    address: str
    city: str
    postal_code: str | None = None
    state: str | None = None
    country: str
    point: GeoPoint
    evse_uid: str | None
    evse_id: str | None
    connector_id: str | None
    connector_standard: ConnectorStandard
    connector_format: ConnectorFormat
    power_type: PowerType


class SdrCost(_Value):
    """What is billed. The parts need not sum to the total: minimum, maximum and rounding act on the total."""

    total: Price
    fixed: Price | None = None
    energy: Price | None = None
    time: Price | None = None
    parking: Price | None = None
    reservation: Price | None = None


class TaxLine(_Value):
    """One tax on the total: rate in percent of `base`."""

    name: str
    rate_percent: Decimal
    base: Decimal
    amount: Decimal
    jurisdiction: str | None = None


class SignedMeterValue(_Value):
    """A meter's signed reading; nature is Start, Intermediate or End, or what the encoding calls it."""

    nature: str
    plain: str
    signed: str


class SignedMeterData(_Value):
    """All signed readings of a session in one encoding (OCMF and others)."""

    encoding: str
    encoding_version: int | None = None
    public_key: str | None = None
    values: tuple[SignedMeterValue, ...]
    url: str | None = None


class SdrTotals(_Value):
    """Totals over periods: kWh and hours."""

    energy: Decimal
    charging_time: Decimal
    parking_time: Decimal
    reservation_time: Decimal


class Sdr(_Value):
    """A service detail record. `issuer` is the visited-CSO, the credential names the payer.

    session_id is None for a reservation that never became a session. total_time counts charging and parking.
    tariffs: frozen copies of those that priced the periods. agreement_id, agreement_version: of what both sides had
    signed when the session began.
    """

    id: str
    version: int = 1
    kind: SdrKind = SdrKind.ORIGINAL
    references_sdr_id: str | None = None
    issuer: Party
    clearing_house: Party | None = None
    agreement_id: str | None = None
    agreement_version: int | None = None
    session_id: str | None = None
    partner_session_ids: tuple[str, ...] = ()
    authorization_reference: str | None = None
    identification: IdentificationMethod
    credential: CredentialReference
    place: SdrPlace
    start: datetime
    end: datetime
    charging_start: datetime | None = None
    charging_end: datetime | None = None
    time_zone: str | None = None
    transactions: tuple[Transaction, ...] = ()
    periods: tuple[ChargingPeriod, ...]
    total_energy: Decimal
    total_energy_export: Decimal | None = None
    total_time: Decimal
    total_parking_time: Decimal | None = None
    total_reservation_time: Decimal | None = None
    tariffs: tuple[Tariff, ...] = ()
    quote_id: str | None = None
    currency: CurrencyCode
    cost: SdrCost
    tax_lines: tuple[TaxLine, ...] = ()
    meter_id: str | None = None
    signed_data: SignedMeterData | None = None
    stop_reason: StopReason | None = None
    remark: str | None = None
    estimated: bool | None = None
    truncated: bool | None = None
    clock_corrected: bool | None = None
    offline_authorised: bool | None = None
    charge_plan_references: tuple[str, ...] = ()
    renewable_share_percent: Decimal | None = None
    home_charging_compensation: bool | None = None
    invoice_reference: str | None = None
    last_updated: datetime
    signature: str | None = None

    @property
    def payer(self) -> Party:
        """The home-CSP that pays."""
        return self.credential.party

    @property
    def total_charging_time(self) -> Decimal:
        """Hours in which energy flowed."""
        return self.total_time - (self.total_parking_time or Decimal(0))

    @property
    def derived_totals(self) -> SdrTotals:
        """The totals again, from the periods alone; an audit sets them beside those that the SDR states."""
        return totals_of(self.periods)


def totals_of(periods: tuple[ChargingPeriod, ...]) -> SdrTotals:
    """The sums of the billed dimensions."""

    def total(kind: DimensionKind) -> Decimal:
        return sum((period.volume(kind) for period in periods), Decimal(0))

    return SdrTotals(
        energy=total(DimensionKind.ENERGY),
        charging_time=total(DimensionKind.TIME),
        parking_time=total(DimensionKind.PARKING_TIME),
        reservation_time=total(DimensionKind.RESERVATION_TIME),
    )


def credit_of(original: Sdr, at: datetime, credit_id: str | None = None) -> Sdr:
    """The credit SDR that takes an SDR back: everything copied, only the total cost negated.

    Its id is the original's with `-C`, unless one is given. Raises InvalidInput for the credit of a credit.
    """
    if original.kind is SdrKind.CREDIT:
        raise InvalidInput(f"SDR {original.id} is a credit and cannot be credited", code="credit_of_credit")
    return original.model_copy(
        update={
            "id": credit_id or f"{original.id}-C",
            "kind": SdrKind.CREDIT,
            "references_sdr_id": original.id,
            "cost": original.cost.model_copy(update={"total": -original.cost.total}),
            "last_updated": at,
            "signature": None,
        }
    )


def takes_back(credit: Sdr, original: Sdr) -> bool:
    """Whether `credit` is the exact credit of `original`: same issuer, a reference to it, the exact negative total."""
    return (
        credit.kind is SdrKind.CREDIT
        and credit.issuer == original.issuer
        and (credit.references_sdr_id or "").casefold() == original.id.casefold()
        and credit.currency == original.currency
        and credit.cost.total == -original.cost.total
    )
