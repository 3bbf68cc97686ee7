"""Binding quotes at the home-CSP (UC2-2): asked of the operator where the agreement has them, else done without.

Without one the driver's price is an estimate from the operator's published tariff, and the driver is told which it is.
"""

from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from core.driver_messages import QuoteRequest
from core.endpoint.extensions import quotes
from core.endpoint.partner import Partner
from core.errors import EvroamError, InvalidInput
from core.home_csp.context import Context
from core.home_csp.expectation import stay_seconds
from core.home_csp.opened import OpenedConnector, connector_view, open_connector
from core.model.operator_quotes import OperatorQuote, QuoteAsked
from core.model.parties import Party
from core.model.services import Service

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Offer:
    """What the operator said to a request: its quote, or why there is none."""

    quote: OperatorQuote | None = None
    reason: str = ""


async def ask_operator(context: Context, request: QuoteRequest, contract_id: str | None) -> Offer:
    """Ask the operator for a binding quote. Raises what opening the connector raises; the operator's no is a reason."""
    with context.store.read() as connection:
        opened = open_connector(connection, context, request.site, request.evse_uid, request.connector_id, contract_id)
    partner = next((one for one in context.visited_csos() if one.id == opened.partner_id), None)
    if partner is None or not _offers(partner, context.endpoint.now()):
        return Offer(reason="not_agreed")
    asked = _asked(context, request, opened)
    if asked is None:
        return Offer(reason="nothing_needed")
    try:
        quote = await quotes.ask(context.calls, partner, asked)
        _check(context, partner, opened, quote)
    except EvroamError as error:
        log.warning("no_binding_quote", partner=partner.id, code=error.code, reason=error.message)
        return Offer(reason=error.code)
    return Offer(quote)


def bound(context: Context, opened: OpenedConnector, offer: Offer) -> OpenedConnector:
    """The connector with the tariff that the operator is bound to in place of the one it publishes."""
    if offer.quote is None:
        return opened
    tariffs = offer.quote.tariffs
    return replace(opened, tariffs=tariffs, view=connector_view(context, opened.connector, tariffs))


def _offers(partner: Partner, at: datetime) -> bool:
    return partner.agreement.covers(Service.QUOTES, at) and partner.endpoint(quotes.MODULE, "SENDER") is not None


def _asked(context: Context, request: QuoteRequest, opened: OpenedConnector) -> QuoteAsked | None:
    likely = opened.expected(request.need)
    if not likely.seconds:
        return None
    # Whole milliseconds and no more decimals than the wire has, so that the operator prices just what we mean.
    start = context.clock.now().replace(microsecond=0)
    stay = likely.stay(start, stay_seconds(request.need, likely))
    end = stay.end.replace(microsecond=stay.end.microsecond // 1000 * 1000)
    return QuoteAsked(
        site_id=opened.site.id,
        evse_uid=opened.equipment.uid,
        connector_id=opened.connector.id,
        stay=stay.model_copy(update={"end": end}),
    )


def _check(context: Context, partner: Partner, opened: OpenedConnector, quote: OperatorQuote) -> None:
    if quote.party != Party(country_code=opened.site.country_code, party_id=opened.site.party_id):
        raise InvalidInput("The quote is another operator's.", code="foreign_quote")
    if quote.tariffs[0].currency != quote.currency:
        raise InvalidInput("The quote has another currency than its tariff.", code="currency")
    agreed = partner.agreement.currencies
    if agreed and quote.currency not in agreed:
        raise InvalidInput(f"{quote.currency} is no currency of the agreement.", code="currency")
    if quote.valid_until <= context.clock.now():
        raise InvalidInput("The quote has expired already.", code="quote_expired")
