"""What OCPI 2.3.0 writes in a way of its own in several modules."""

from typing import Annotated

from typing_extensions import override

from core.endpoint.ocpi.kinds import Digits, Open, Text
from core.endpoint.ocpi.shape import Shape
from core.endpoint.ocpi.types import AnyPrice
from core.model import money

ROLE = ("CPO", "EMSP", "NAP", "NSP", "OTHER", "SCSP")
TOKEN_TYPE = ("AD_HOC_USER", "APP_USER", "EMAID", "OTHER", "RFID")
_ANY_LENGTH = 255
"""The text gives some strings no length; this is what we write at most [J]."""
_TAX = "VAT"

TokenType = Annotated[str, Open(TOKEN_TYPE)]


class TaxAmount(Shape):
    """One tax on an amount."""

    name: Annotated[str, Text(_ANY_LENGTH)]
    account_number: Annotated[str, Text(_ANY_LENGTH)] | None = None
    percentage: Digits | None = None
    amount: Digits


class Price(AnyPrice):
    """An amount before taxes, and the taxes on it.

    No taxes means that none was told: whether none applies or none concerns the receiver, the wire does not say. So a
    price on which there is no tax is written with one of nothing [J].
    """

    before_taxes: Digits
    taxes: tuple[TaxAmount, ...] = ()

    @override
    def price(self) -> money.Price:
        with_taxes = self.before_taxes + sum(one.amount for one in self.taxes) if self.taxes else None
        return money.Price(
            before_taxes=self.before_taxes,
            with_taxes=with_taxes,
            taxes=tuple(
                money.Tax(name=one.name, amount=one.amount, percent=one.percentage, account_number=one.account_number)
                for one in self.taxes
            ),
        )

    @classmethod
    @override
    def of(cls, value: money.Price) -> "Price":
        taxes = value.taxes
        if not taxes and value.with_taxes is not None:
            taxes = (money.Tax(name=_TAX, amount=value.with_taxes - value.before_taxes),)
        return cls.model_construct(
            before_taxes=value.before_taxes,
            taxes=tuple(
                TaxAmount.model_construct(
                    name=one.name, account_number=one.account_number, percentage=one.percent, amount=one.amount
                )
                for one in taxes
            ),
        )
