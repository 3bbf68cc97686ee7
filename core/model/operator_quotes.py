"""Binding quotes (UC2-2): what a visited-CSO promises a home-CSP for one connector, time and need; our own form [J].

What binds is the tariff as it stands in the quote: a session that starts with the quote, at that connector and while
it is valid, is priced by it, whatever the operator publishes meanwhile. The total is what that tariff comes to for the
stay as it was described; a session that turns out otherwise costs otherwise, at the same prices.
"""

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from core.model.money import CurrencyCode, Price
from core.model.parties import ObjectKey, Party
from core.model.pricing.forecast import ExpectedStay
from core.model.tariffs import Tariff


class QuoteAsked(BaseModel):
    """What a home-CSP wants to know the price of."""

    model_config = ConfigDict(frozen=True)

    site_id: str
    evse_uid: str
    connector_id: str
    stay: ExpectedStay


class OperatorQuote(BaseModel):
    """A visited-CSO's answer. total: of the stay. hash: SHA-256 over the canonical JSON that was sent, without it."""

    model_config = ConfigDict(frozen=True)

    country_code: str
    party_id: str
    id: str
    asked: QuoteAsked
    tariffs: Annotated[tuple[Tariff, ...], Field(min_length=1)]
    currency: CurrencyCode
    total: Price
    valid_until: AwareDatetime
    last_updated: AwareDatetime
    hash: str = ""

    @property
    def key(self) -> ObjectKey:
        """Its key on the wire."""
        return ObjectKey(country_code=self.country_code, party_id=self.party_id, id=self.id)

    @property
    def party(self) -> Party:
        """Who is bound. Raises InvalidInput."""
        return Party.of(self.country_code, self.party_id)

    def fits(self, evse_uid: str, connector_id: str | None) -> bool:
        """Whether it was made for this connector."""
        same = self.asked.evse_uid.casefold() == evse_uid.casefold()
        return same and connector_id in {None, self.asked.connector_id}
