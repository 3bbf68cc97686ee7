"""The terms by which a driver's session is priced while it runs: those of its quote, else those of its start."""

from dataclasses import dataclass

from core.home_csp.context import Context
from core.home_csp.quoting import KeptQuote
from core.model.agreements import PricingOptions
from core.model.price_list import PriceList
from core.model.session import ServiceSession
from core.model.tariffs import Tariff


@dataclass(frozen=True)
class Terms:
    """The operator's tariff and our price list beside it."""

    tariffs: tuple[Tariff, ...]
    price_list: PriceList
    options: PricingOptions
    currency: str


def terms_of(context: Context, session: ServiceSession, quote: KeptQuote | None) -> Terms | None:
    """The terms; None where no price is known."""
    if quote is not None:
        frozen = quote.quote
        return Terms(quote.tariffs, frozen.price_list, frozen.options, frozen.estimate.currency)
    if not session.tariffs:
        return None
    currency = session.tariffs[0].currency
    return Terms(
        session.tariffs, price_list_of(context, session, currency), session.pricing or PricingOptions(), currency
    )


def price_list_of(context: Context, session: ServiceSession | None, currency: str) -> PriceList:
    """Our fees for a session without a quote: those of its start, else today's."""
    frozen = None if session is None else session.price_list
    return frozen if frozen is not None and frozen.currency == currency else context.price_list(currency)
