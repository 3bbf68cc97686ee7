"""Quotes (UC2-2): what a session will cost, frozen with both tariff snapshots when the driver consents."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, Connection, bindparam, select, update

from core.driver_messages import IdleClock, Money, Need, NeedKind, QuoteRequest, QuoteView
from core.errors import InvalidInput, NotFound, Refused
from core.home_csp.binding_quotes import Offer, bound
from core.home_csp.context import Context
from core.home_csp.expectation import Expectation, stay_seconds
from core.home_csp.opened import OpenedConnector, open_connector
from core.home_csp.outages import notice_view, notices_at
from core.model.money import Amount, rounded
from core.model.parties import ObjectKey
from core.model.price_list import DriverPrice, FeeLine, driver_price
from core.model.pricing.course import price_course
from core.model.pricing.forecast import expected_session, forecast
from core.model.pricing.report import Line, PriceReport
from core.model.quotes import Estimate, Quote, QuotedReservation, driver_forecast, estimate
from core.model.quotes import Need as QuotedNeed
from core.model.quotes import NeedKind as QuotedKind
from core.model.sites import Capability
from core.model.tariffs import Tariff
from core.store.prepared import Prepared
from core.store.tables import quote as table

VALID_FOR = timedelta(minutes=15)
REPORT_EVERY = timedelta(minutes=1)
STOP_TAKES = timedelta(seconds=3)
"""A session can run past its goal until the operator's next word, and while our stop reaches the station [J]."""

_LOOK_AHEAD = timedelta(hours=24)
_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"

# Asked with every look at a session.
_BODY = Prepared(
    select(table.c.body).where(
        table.c.country_code == bindparam("country_code"),
        table.c.party_id == bindparam("party_id"),
        table.c.id == bindparam("id"),
    )
)


class KeptQuote(BaseModel):
    """A quote as it is kept: the model's frozen quote, what the driver was shown, and whom it concerns.

    operator_quote_id: of the operator's binding quote on which it rests, None for an estimate.
    """

    model_config = ConfigDict(frozen=True)

    quote: Quote
    view: QuoteView
    partner_id: str
    goal: Decimal | None
    operator_quote_id: str | None = None
    expected_lines: tuple[Line, ...] = ()
    expected_fees: tuple[FeeLine, ...] = ()
    reservation: QuotedReservation | None = None

    @property
    def id(self) -> str:
        """The quote's id."""
        return self.quote.id

    @property
    def tariffs(self) -> tuple[Tariff, ...]:
        """The operator's tariff, frozen."""
        return self.quote.tariffs


def make_quote(
    connection: Connection, context: Context, request: QuoteRequest, contract_id: str | None, offer: Offer
) -> QuoteView:
    """A quote at one connector, by the operator's offer where there is one.

    Raises NotFound, InvalidInput, or Refused without an agreement or a known price.
    """
    opened = open_connector(connection, context, request.site, request.evse_uid, request.connector_id, contract_id)
    opened = bound(context, opened, offer)
    if opened.refusal is not None:
        raise Refused(opened.refusal.message, code=opened.refusal.code, next_step=opened.refusal.next_step)
    if not opened.tariffs:
        raise Refused(
            "The operator has told no price for this connector",
            code="no_tariff",
            next_step="Choose another connector; we start nothing without a price.",
        )
    kept = _quote(context, request.need, opened, offer)
    announced = notices_at(connection, request.site.party, request.site.id, kept.quote.created_at, request.evse_uid)
    views = tuple(notice_view(one, kept.quote.created_at) for one in announced)
    kept = kept.model_copy(update={"view": kept.view.model_copy(update={"notices": views})})
    connection.execute(
        table.insert().values(
            country_code=context.party.country_code,
            party_id=context.party.party_id,
            id=kept.id,
            evse_id=kept.view.evse_id,
            created_at=kept.quote.created_at,
            valid_until=kept.quote.valid_until,
            body=kept.model_dump_json(),
        )
    )
    return kept.view


def consent(
    connection: Connection,
    context: Context,
    quote_id: str,
    contract_id: str,
    terms: Callable[[KeptQuote], KeptQuote] | None = None,
) -> KeptQuote:
    """The driver agrees: the quote is theirs from now on. Raises NotFound, or Refused where it is too old or used.

    terms: what the driver agrees to beside it, such as a reservation; frozen with it.
    """
    kept = unused_quote(connection, context, quote_id)
    values: dict[str, object] = {"consented_at": context.clock.now(), "contract_id": contract_id}
    if terms is not None:
        kept = terms(kept)
        values["body"] = kept.model_dump_json()
    connection.execute(update(table).where(*_is(context, quote_id)).values(**values))
    return kept


def unused_quote(connection: Connection, context: Context, quote_id: str) -> KeptQuote:
    """A quote to which one can still agree. Raises NotFound, or Refused where it is too old or used."""
    row = connection.execute(select(table).where(*_is(context, quote_id)).with_for_update()).first()
    if row is None:
        raise NotFound("There is no such quote", next_step="Ask for a new one.")
    if row.valid_until < context.clock.now():
        raise Refused("This price has expired", code="quote_expired", next_step="Look at the new price first.")
    if row.consented_at is not None:
        raise Refused("This quote has been used", code="quote_used", next_step="Look at the new price first.")
    return KeptQuote.model_validate_json(row.body)


def load_quote(connection: Connection, context: Context, quote_id: str | None) -> KeptQuote | None:
    """A quote as it was frozen."""
    party = context.party
    body = _BODY.scalar(
        connection, {"country_code": party.country_code, "party_id": party.party_id, "id": quote_id or ""}
    )
    return None if body is None else KeptQuote.model_validate_json(body)


def session_price(context: Context, opened: OpenedConnector, need: Need, at: datetime) -> Money | None:
    """What the driver would pay for a need at a connector, taxes included; None where no price is known.

    None as well for a need that comes to nothing.
    """
    if not opened.tariffs:
        return None
    tariff = opened.tariffs[0]
    likely = opened.expected(need)
    if not likely.seconds:
        return None
    price = driver_forecast(
        likely.stay(at, stay_seconds(need, likely)),
        tariff,
        context.price_list(tariff.currency),
        time_zone=ZoneInfo(opened.site.time_zone),
        options=opened.options,
    )
    return money(price.total, price.currency)


def money(amount: Amount, currency: str) -> Money:
    """What a driver pays: taxes included, rounded to the currency's cents."""
    return _of(amount.with_taxes, currency)


def _of(figure: Decimal, currency: str) -> Money:
    return Money(amount=rounded(figure, 2), currency=currency)


@dataclass(frozen=True)
class _Figures:
    """after_stay: what the driver pays more for staying on after charging, None where the need does not say how long.

    goal: kWh at which we stop the session, None where the need is not one of energy.
    """

    expectation: Expectation
    estimate: Estimate
    report: PriceReport
    price: DriverPrice
    after_stay: Decimal | None
    goal: Decimal | None


def _figures(context: Context, need: Need, opened: OpenedConnector, at: datetime) -> _Figures:
    tariff, zone = opened.tariffs[0], ZoneInfo(opened.site.time_zone)
    price_list, options = context.price_list(tariff.currency), opened.options
    likely = opened.expected(need)
    if not likely.seconds:
        raise InvalidInput(
            "This session would take no energy",
            code="nothing_needed",
            next_step="Ask for more than the battery has on arrival.",
        )
    best = opened.expected(need, tapering=False)
    goal = None if need.kind is NeedKind.MINUTES else likely.energy
    stay = likely.stay(at, stay_seconds(need, likely))
    report = forecast(expected_session(stay, tariff.id), (tariff,), time_zone=zone, options=options)
    price = driver_price(report, price_list, options.rounding)
    leaving = driver_forecast(likely.stay(at), tariff, price_list, time_zone=zone, options=options)
    return _Figures(
        expectation=likely,
        estimate=estimate(
            best.stay(at, stay_seconds(need, best)),
            stay,
            tariff,
            price_list,
            time_zone=zone,
            options=options,
            stops_at_kwh=None if goal is None else goal + _overshoot(context, opened),
        ),
        report=report,
        price=price,
        after_stay=None if need.stay_minutes is None else price.total.with_taxes - leaving.total.with_taxes,
        goal=goal,
    )


def _overshoot(context: Context, opened: OpenedConnector) -> Decimal:
    """kWh that may flow between the goal and the moment in which the station stops."""
    late = REPORT_EVERY + STOP_TAKES * context.clock.fastest
    return opened.max_kw * Decimal(str(late.total_seconds())) / 3600


def _quote(context: Context, need: Need, opened: OpenedConnector, offer: Offer) -> KeptQuote:
    now = context.clock.now()
    assert opened.partner_id is not None  # the caller has looked
    figures = _figures(context, need, opened, now)
    tariff = opened.tariffs[0]
    quote = Quote(
        id=_quote_id(),
        evse_id=opened.equipment.evse_id or opened.equipment.uid,
        created_at=now,
        valid_until=min(now + VALID_FOR, offer.quote.valid_until) if offer.quote else now + VALID_FOR,
        tariffs=opened.tariffs,
        price_list=context.price_list(tariff.currency),
        options=opened.options,
        time_zone=opened.site.time_zone,
        need=QuotedNeed(kind=QuotedKind(need.kind), amount=need.amount),
        estimate=figures.estimate,
    )
    view = _view(context, need, opened, figures, quote).model_copy(
        update={"binding": offer.quote is not None, "not_binding_because": offer.reason}
    )
    return KeptQuote(
        quote=quote,
        view=view,
        partner_id=opened.partner_id,
        goal=figures.goal,
        operator_quote_id=offer.quote.id if offer.quote else None,
        expected_lines=figures.report.lines,
        expected_fees=figures.price.fees,
    )


def _view(context: Context, need: Need, opened: OpenedConnector, figures: _Figures, quote: Quote) -> QuoteView:
    site, equipment, price = opened.site, opened.equipment, figures.price
    most = figures.estimate.most
    tax = price.total.with_taxes - price.total.before_taxes
    lines = [(f"operator:{opened.operator}", money(price.passed_through, price.currency))]
    lines += [(f"fee:{one.fee.kind}", money(one.amount, price.currency)) for one in price.fees]
    return QuoteView(
        id=quote.id,
        site=ObjectKey(country_code=site.country_code, party_id=site.party_id, id=site.id),
        site_name=site.name or site.address,
        address=site.address,
        time_zone=site.time_zone,
        operator=opened.operator,
        evse_id=equipment.evse_id or equipment.uid,
        evse_uid=equipment.uid,
        label=equipment.physical_reference or "",
        connector=opened.view,
        status=opened.status,
        status_at=opened.status_at,
        need=need,
        energy_kwh=figures.expectation.energy,
        minutes=figures.expectation.minutes,
        likely=money(figures.estimate.likely, price.currency),
        low=money(figures.estimate.low, price.currency),
        most=None if most is None else money(most, price.currency),
        tax_included=_of(tax, price.currency),
        lines=tuple(lines),
        idle=idle_clock(context, opened, figures.expectation, quote.created_at),
        idle_after_stay=None if figures.after_stay is None else _of(figures.after_stay, price.currency),
        rounding=str(opened.options.rounding.place),
        valid_until=quote.valid_until,
        reservable=equipment.can(Capability.RESERVABLE),
    )


def idle_clock(context: Context, opened: OpenedConnector, expectation: Expectation, start: datetime) -> IdleClock:
    """Until when one may stay after charging without another charge, found by pricing a long stay forward."""
    tariff = opened.tariffs[0]
    charged = expectation.model_copy(update={"goal": expectation.energy})
    stay = charged.stay(start, int(_LOOK_AHEAD.total_seconds()))
    course = price_course(
        expected_session(stay, tariff.id),
        opened.tariffs,
        time_zone=ZoneInfo(opened.site.time_zone),
        options=opened.options,
    )
    dear = next((one for one in course if not one.charging and one.per_minute.with_taxes > 0), None)
    if dear is None:
        return IdleClock(free_until=None)
    per_minute = Money(amount=rounded(dear.per_minute.with_taxes, 4), currency=tariff.currency)
    return IdleClock(free_until=dear.start, then_per_minute=per_minute)


def _quote_id() -> str:
    return "Q-" + "".join(secrets.choice(_LETTERS) for _ in range(8))


def _is(context: Context, quote_id: str) -> tuple[ColumnElement[bool], ...]:
    return (
        table.c.country_code == context.party.country_code,
        table.c.party_id == context.party.party_id,
        table.c.id == quote_id,
    )
