"""Tariffs of OCPI 2.3.0, which say whether their prices include taxes."""

from typing import Annotated

from typing_extensions import override

from core.endpoint.ocpi import tariffs
from core.endpoint.ocpi.codec import Codec
from core.endpoint.ocpi.kinds import Closed, Digits
from core.endpoint.ocpi.types import AnyPrice
from core.model import money
from core.model import tariffs as model

TAX_INCLUDED = tuple(model.TaxIncluded)


class PriceLimit(AnyPrice):
    """The least or the most that a session costs, before and after taxes each by itself."""

    before_taxes: Digits
    after_taxes: Digits | None = None

    @override
    def price(self) -> money.Price:
        return money.Price(before_taxes=self.before_taxes, with_taxes=self.after_taxes)

    @classmethod
    @override
    def of(cls, value: money.Price) -> "PriceLimit":
        return cls.model_construct(before_taxes=value.before_taxes, after_taxes=value.with_taxes)


class Tariff(tariffs.Tariff):
    """An operator's tariff."""

    min_price: PriceLimit | None = None
    max_price: PriceLimit | None = None
    tax_included: Annotated[str, Closed(TAX_INCLUDED)]


class _TariffMapping(tariffs.TariffMapping):
    @override
    def tariff_of(self, shape: tariffs.Tariff) -> model.Tariff:
        assert isinstance(shape, Tariff)
        told = {"tax_included": model.TaxIncluded(shape.tax_included)}
        return super().tariff_of(shape).with_components(lambda one: one.model_copy(update=told))

    @override
    def tariff(self, value: model.Tariff) -> Tariff:
        shape = super().tariff(value).model_copy(update={"tax_included": value.tax_included})
        assert isinstance(shape, Tariff)
        return shape


TARIFFS = _TariffMapping(Tariff)
TARIFF = Codec(Tariff, TARIFFS.tariff_of, TARIFFS.tariff, version="2.3.0")
