"""The witnesses' records of a session: beside the SDR, what the home-CSP and the clearing house itself say of it."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from core.model.credentials import CredentialReference
from core.model.money import CurrencyCode
from core.model.parties import Party
from core.model.tariffs import Tariff

_Id = Annotated[str, Field(min_length=1, max_length=36)]


class Witness(StrEnum):
    """Who says it: the home-CSP from its own records, or the clearing house from the messages that it has passed on."""

    HOME_CSP = "HOME"
    CLEARING_HOUSE = "HUB"


class Outage(BaseModel):
    """A time in which the operator had said that the EVSE is out of order."""

    model_config = ConfigDict(frozen=True)

    start: AwareDatetime
    end: AwareDatetime


class SessionRecord(BaseModel):
    """A session as one witness has it. `visited` operated the EVSE, `home` is asked to pay.

    session_id: the visited-CSO's. energy in kWh, amounts before taxes in the main unit of the currency. authorised:
    whether the home-CSP granted it. quoted_most: what the operator's binding quote allows at most. revoked_at: when the
    credential was revoked. tariffs: the operator's, frozen at the start. time_zone: of the site.
    """

    model_config = ConfigDict(frozen=True)

    id: _Id
    visited: Party
    home: Party
    session_id: _Id | None = None
    authorization_reference: _Id | None = None
    evse_id: str | None = Field(default=None, max_length=255)
    credential: CredentialReference | None = None
    started_at: AwareDatetime
    ended_at: AwareDatetime | None = None
    energy: Decimal = Field(ge=0, lt=10**9)
    cost: Decimal | None = Field(default=None, gt=-(10**12), lt=10**12)
    currency: CurrencyCode | None = None
    authorised: bool = True
    quoted_most: Decimal | None = Field(default=None, ge=0, lt=10**12)
    revoked_at: AwareDatetime | None = None
    max_power_kw: Decimal | None = Field(default=None, gt=0, lt=100_000)
    tariffs: tuple[Tariff, ...] = ()
    time_zone: str | None = Field(default=None, max_length=64)
    outages: tuple[Outage, ...] = Field(default=(), max_length=100)
