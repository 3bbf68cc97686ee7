"""Tariffs of OCPI 2.2.1, whose prices are always without VAT."""

from decimal import ROUND_HALF_UP, Decimal

from typing_extensions import override

from core.endpoint.ocpi import tariffs
from core.endpoint.ocpi.codec import Codec
from core.endpoint.ocpi.shape import Fault, InvalidMember
from core.endpoint.ocpi.v2_2_1.types import Price
from core.model import tariffs as model
from core.model.pricing.taxes import net_and_gross

_DIGITS = Decimal("0.0001")


class Tariff(tariffs.Tariff):
    """An operator's tariff."""

    min_price: Price | None = None
    max_price: Price | None = None


class _TariffMapping(tariffs.TariffMapping):
    @override
    def tariff(self, value: model.Tariff) -> tariffs.Tariff:
        return super().tariff(value.with_components(_before_taxes))


def _before_taxes(component: model.PriceComponent) -> model.PriceComponent:
    """The component with its price before VAT, in the four decimals that a number has.

    Raises InvalidMember where the tax in it is not told.
    """
    match component.tax_included:
        case model.TaxIncluded.NO:
            return component
        case model.TaxIncluded.NOT_APPLICABLE:
            return component.model_copy(update={"vat_percent": None, "tax_included": model.TaxIncluded.NO})
        case model.TaxIncluded.YES:
            if component.vat_percent is None:
                fault = Fault("Tariff.elements", "has prices with taxes, of which it does not tell how much they are")
                raise InvalidMember([fault])
            net, _ = net_and_gross(component, Decimal(1))
            rounded = net.quantize(_DIGITS, ROUND_HALF_UP)
            return component.model_copy(update={"price": rounded, "tax_included": model.TaxIncluded.NO})


TARIFFS = _TariffMapping(Tariff)
TARIFF = Codec(Tariff, TARIFFS.tariff_of, TARIFFS.tariff, version="2.2.1")
