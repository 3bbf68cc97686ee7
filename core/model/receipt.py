"""The receipt: an SDR as its driver reads it, priced by the home-CSP's price list and proved against the quote."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class Company(_Value):
    """A company on the receipt."""

    name: str
    party: str
    address: str = ""
    vat_id: str = ""


class ReceiptLine(_Value):
    """Unit price × quantity; amounts before and with taxes unrounded, in the receipt's currency.

    kind: energy, time, parking, session, reservation, fee, adjustment. unit: kWh, hour, session, percent.
    quoted: the same line's net amount in the quote. explanation: code and values of why it differs, empty where it
    does not.
    """

    kind: str
    payee: str
    quantity: Decimal
    billed_quantity: Decimal
    unit: str
    unit_price: Decimal
    step: int = 1
    net: Decimal
    vat_percent: Decimal | None = None
    gross: Decimal
    quoted: Decimal | None = None
    explanation: str = ""


class TaxLine(_Value):
    """The tax of one rate."""

    vat_percent: Decimal
    base: Decimal
    amount: Decimal


class CheckVerdict(StrEnum):
    """How a check of the receipt went: it holds, it differs, or it could not be made."""

    HOLDS = "holds"
    DIFFERS = "differs"
    NOT_CHECKED = "not_checked"


class Check(_Value):
    """A check with its verdict and the reason in words for the code."""

    verdict: CheckVerdict
    code: str = ""
    detail: str = ""


class Receipt(_Value):
    """What the driver gets for an ended session. total is what is paid, taxes included, rounded once.

    disputed_at: the driver said that it is wrong. credited_at: it is taken back and nothing of it is paid; replaced_by:
    the number of the receipt that stands in its place.
    """

    id: str
    number: str
    issued_at: datetime
    home: Company
    operator: Company
    sdr_id: str
    session_id: str
    authorization_reference: str = ""
    identification: str
    credential_last4: str
    site_name: str
    address: str
    city: str
    country: str
    evse_id: str
    label: str = ""
    started_at: datetime
    ended_at: datetime
    time_zone: str
    energy_kwh: Decimal
    charging_minutes: int
    parking_minutes: int
    meter_start: Decimal | None = None
    meter_end: Decimal | None = None
    currency: str
    lines: tuple[ReceiptLine, ...]
    net: Decimal
    taxes: tuple[TaxLine, ...] = ()
    total: Decimal
    quote_id: str | None = None
    quoted_total: Decimal | None = None
    quote_check: Check
    tariff_check: Check
    operator_claim: Decimal | None = None
    disputed_at: datetime | None = None
    credited_at: datetime | None = None
    replaced_by: str = ""
