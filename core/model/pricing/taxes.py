"""What a quantity costs before and with taxes, whether its price is without them or with them."""

from decimal import Decimal

from core.model.money import Amount
from core.model.tariffs import PriceComponent, TaxIncluded

_PERCENT = Decimal(100)


def net_and_gross(component: PriceComponent, quantity: Decimal, per: Decimal = Decimal(1)) -> tuple[Decimal, Decimal]:
    """The price of quantity / per units, unrounded; multiplied out before dividing, so that seconds lose nothing.

    Of a price with taxes that names no rate only the gross figure is known; both are it then, see `net_is_known`.
    """
    told = component.price * quantity
    factor = _PERCENT + (component.vat_percent or 0)
    match component.tax_included:
        case TaxIncluded.NO:
            return told / per, told * factor / (per * _PERCENT)
        case TaxIncluded.YES:
            return told * _PERCENT / (per * factor), told / per
        case TaxIncluded.NOT_APPLICABLE:
            return told / per, told / per


def cost_of(component: PriceComponent, quantity: Decimal, per: Decimal = Decimal(1)) -> Amount:
    """`net_and_gross` as an amount."""
    net, gross = net_and_gross(component, quantity, per)
    return Amount(before_taxes=net, with_taxes=gross)


def net_is_known(component: PriceComponent) -> bool:
    """Whether the figure before taxes can be told: not of a price with taxes that names no rate."""
    return component.tax_included is not TaxIncluded.YES or component.vat_percent is not None
