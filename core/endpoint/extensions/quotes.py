"""The extension module `quotes` (UC2-2): a home-CSP asks for a binding price of one connector, time and need.

OCPI lists tariffs only, which an operator may replace at any moment. A partner without the module is not asked: its
published tariff gives an estimate.
"""

from typing import Annotated, Protocol

from core.endpoint.calls import Calls
from core.endpoint.exchange import Answer, Request, Route
from core.endpoint.extension import Extension, module_id
from core.endpoint.ocpi.codec import Codec
from core.endpoint.ocpi.content_hash import content_hash
from core.endpoint.ocpi.kinds import CiString, Count, Digits, Moment, Text
from core.endpoint.ocpi.reading import JsonObject, parse
from core.endpoint.ocpi.shape import AtLeastOne, Shape, only_object
from core.endpoint.ocpi.v2_3_0.tariffs import TARIFFS, Tariff
from core.endpoint.ocpi.v2_3_0.types import Price
from core.endpoint.partner import Partner
from core.errors import InvalidInput, NotAllowed, Unreachable
from core.model.operator_quotes import OperatorQuote, QuoteAsked
from core.model.pricing.forecast import ExpectedStay
from core.model.pricing.forecast import PowerStep as ModelStep
from core.model.services import Service

MODULE = module_id("quotes")
_ANSWER_WITHIN_SECONDS = 5.0
_MOST_STEPS = 100


class PowerStep(Shape):
    """From so many seconds after the start on, so many kW."""

    after: Count
    power: Digits


class QuoteRequest(Shape):
    """What a price is asked for: plugged in from start to end, charging as the steps say until so many kWh."""

    location_id: Annotated[str, CiString(36)]
    evse_uid: Annotated[str, CiString(36)]
    connector_id: Annotated[str, CiString(36)]
    start_date_time: Moment
    end_date_time: Moment
    energy: Digits | None = None
    power: Annotated[tuple[PowerStep, ...], AtLeastOne()]


class PriceQuote(Shape):
    """The answer: the request, the tariff that binds, and what it comes to; amounts as OCPI 2.3.0 has them."""

    request: QuoteRequest
    country_code: Annotated[str, CiString(2)]
    party_id: Annotated[str, CiString(3)]
    id: Annotated[str, CiString(36)]
    tariffs: Annotated[tuple[Tariff, ...], AtLeastOne()]
    currency: Annotated[str, Text(3)]
    total_cost: Price
    valid_until: Moment
    last_updated: Moment
    hash: Annotated[str, CiString(64)] | None = None


def _asked_of(shape: QuoteRequest) -> QuoteAsked:
    if len(shape.power) > _MOST_STEPS:
        raise InvalidInput(f"There are {len(shape.power)} steps of power where {_MOST_STEPS} are enough.")
    stay = ExpectedStay(
        start=shape.start_date_time,
        end=shape.end_date_time,
        power=tuple(ModelStep(after_s=one.after, power_kw=one.power) for one in shape.power),
        energy_goal_kwh=shape.energy,
    )
    return QuoteAsked(site_id=shape.location_id, evse_uid=shape.evse_uid, connector_id=shape.connector_id, stay=stay)


def _request(asked: QuoteAsked) -> QuoteRequest:
    return QuoteRequest.model_construct(
        location_id=asked.site_id,
        evse_uid=asked.evse_uid,
        connector_id=asked.connector_id,
        start_date_time=asked.stay.start,
        end_date_time=asked.stay.end,
        energy=asked.stay.energy_goal_kwh,
        power=tuple(PowerStep.model_construct(after=one.after_s, power=one.power_kw) for one in asked.stay.power),
    )


def _quote_of(shape: PriceQuote) -> OperatorQuote:
    return OperatorQuote(
        country_code=shape.country_code,
        party_id=shape.party_id,
        id=shape.id,
        asked=_asked_of(shape.request),
        tariffs=tuple(map(TARIFFS.tariff_of, shape.tariffs)),
        currency=shape.currency.upper(),
        total=shape.total_cost.price(),
        valid_until=shape.valid_until,
        last_updated=shape.last_updated,
        hash=shape.hash or "",
    )


def _shape_of(quote: OperatorQuote) -> PriceQuote:
    return PriceQuote.model_construct(
        request=_request(quote.asked),
        country_code=quote.country_code,
        party_id=quote.party_id,
        id=quote.id,
        tariffs=tuple(map(TARIFFS.tariff, quote.tariffs)),
        currency=quote.currency,
        total_cost=Price.of(quote.total),
        valid_until=quote.valid_until,
        last_updated=quote.last_updated,
        hash=quote.hash or None,
    )


REQUEST: Codec[QuoteRequest, QuoteAsked] = Codec(QuoteRequest, _asked_of, _request)
QUOTE: Codec[PriceQuote, OperatorQuote] = Codec(PriceQuote, _quote_of, _shape_of)


class Quoter(Protocol):
    """Makes quotes (visited-CSO)."""

    async def quote(self, partner: Partner, asked: QuoteAsked) -> OperatorQuote:
        """A quote that is kept, with its hash. Raises NotFound, InvalidInput, Refused, Rejection (429: too often)."""
        ...

    def quoted(self, partner: Partner, id: str) -> OperatorQuote:
        """A quote that this partner was given. Raises NotFound."""
        ...


def quoting(quoter: Quoter) -> Extension:
    """The visited-CSO's side."""

    async def post(request: Request) -> Answer:
        quote = await quoter.quote(request.partner, REQUEST.model(parse(request.body)))
        return Answer(QUOTE.write(quote))

    async def get(request: Request) -> Answer:
        return Answer(QUOTE.write(quoter.quoted(request.partner, request.path["quote_id"])))

    routes = (Route(MODULE, "SENDER", "POST", "", post), Route(MODULE, "SENDER", "GET", "/{quote_id}", get))
    return Extension(Service.QUOTES, routes)


def hashed(quote: OperatorQuote) -> OperatorQuote:
    """The quote with its hash."""
    return quote.model_copy(update={"hash": hash_of(QUOTE.wire(quote))})


def hash_of(body: JsonObject) -> str:
    """SHA-256 (hex) over the canonical form of a quote's JSON without its hash."""
    return content_hash({name: value for name, value in body.items() if name != "hash"})


async def ask(calls: Calls, partner: Partner, asked: QuoteAsked) -> OperatorQuote:
    """Ask a visited-CSO for a binding quote.

    Raises as `Calls.extension`; an answer that cannot be read, is not the partner's own, is for something else or has
    another hash than it says is Unreachable.
    """
    reply = await calls.extension(
        partner, Service.QUOTES, "POST", MODULE, "SENDER", body=REQUEST.write(asked), timeout=_ANSWER_WITHIN_SECONDS
    )
    try:
        body = only_object(reply.data)
        quote = QUOTE.model(body)
        if not partner.speaks_for(quote.party):
            raise NotAllowed(f"{partner.name} does not speak for {quote.party}.")
        if REQUEST.write(quote.asked) != REQUEST.write(asked):
            raise InvalidInput("The quote is for something else than was asked.")
        if hash_of(body) != quote.hash:
            raise InvalidInput("The quote has another hash than it says.")
    except (InvalidInput, NotAllowed) as error:
        raise Unreachable(f"The partner's quote cannot be used: {error.message}", code="unreadable_answer") from error
    return quote
