"""What OCPI 2.2.1 writes in a way of its own in several modules."""

from typing import Annotated

from typing_extensions import override

from core.endpoint.ocpi.kinds import Closed, Digits
from core.endpoint.ocpi.types import AnyPrice
from core.model import money

ROLE = ("CPO", "EMSP", "HUB", "NAP", "NSP", "OTHER", "SCSP")
TOKEN_TYPE = ("AD_HOC_USER", "APP_USER", "OTHER", "RFID")

TokenType = Annotated[str, Closed(TOKEN_TYPE)]


class Price(AnyPrice):
    """An amount before and with VAT."""

    excl_vat: Digits
    incl_vat: Digits | None = None

    @override
    def price(self) -> money.Price:
        return money.Price(before_taxes=self.excl_vat, with_taxes=self.incl_vat)

    @classmethod
    @override
    def of(cls, value: money.Price) -> "Price":
        return cls.model_construct(excl_vat=value.before_taxes, incl_vat=value.with_taxes)
