"""Binding quotes of the visited-CSO (UC2-2): made from its tariff, kept, and honoured by the session that uses one."""

from datetime import datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, Connection, select, update

from core.clock import WallClock
from core.endpoint.extensions.quotes import hashed
from core.endpoint.partner import Partner
from core.endpoint.ports import Command
from core.endpoint.rejection import Rejection
from core.errors import InvalidInput, NotFound, Refused
from core.model.operator_quotes import OperatorQuote, QuoteAsked
from core.model.pricing.forecast import expected_session, forecast
from core.model.services import Service
from core.model.sites import Connector, EvSupplyEquipment, Site, Status
from core.model.tariffs import Tariff
from core.store.tables import quote as table
from core.visited_cso.context import Context
from core.visited_cso.energy_transfer.record import price
from core.visited_cso.rate import RateLimit
from core.visited_cso.sites import load_site
from core.visited_cso.tariffs import contract_tariff

VALID_FOR = timedelta(minutes=15)
MOST_A_MINUTE = 120
"""Of one partner, on the wall clock [J]."""
_AHEAD, _BEHIND, _LONGEST = timedelta(days=1), timedelta(minutes=5), timedelta(days=7)

_wall = WallClock()


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True)

    quote: OperatorQuote
    partner_id: str


class Quoter:
    """Implements the endpoint's Quoter."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._limit = RateLimit(MOST_A_MINUTE, timedelta(minutes=1))

    async def quote(self, partner: Partner, asked: QuoteAsked) -> OperatorQuote:
        """A quote that is kept, with its hash.

        Raises NotFound (unknown_site, unknown_evse), InvalidInput for a stay that makes no sense, Refused without a
        price for drivers with a contract, Rejection where it is asked for too often.
        """
        context = self._context
        if not self._limit.take(partner.id, _wall.now()):
            raise Rejection(f"At most {MOST_A_MINUTE} quotes a minute, please.", 429)
        _check_stay(asked, context.clock.now())

        def write(connection: Connection) -> OperatorQuote:
            site, connector, tariff = _place(connection, context, asked)
            quote = _quote(context, asked, site, connector, tariff)
            connection.execute(
                table.insert().values(
                    country_code=quote.country_code,
                    party_id=quote.party_id,
                    id=quote.id,
                    evse_id=asked.evse_uid,
                    created_at=quote.last_updated,
                    valid_until=quote.valid_until,
                    body=_Kept(quote=quote, partner_id=partner.id).model_dump_json(),
                )
            )
            return quote

        return await context.store.write(write)

    def quoted(self, partner: Partner, id: str) -> OperatorQuote:
        """A quote that this partner was given. Raises NotFound."""
        with self._context.store.read() as connection:
            kept = _load(connection, self._context, id)
        if kept is None or kept.partner_id != partner.id:
            raise NotFound("There is no such quote.", code="unknown_quote")
        return kept.quote


def problem_with_quote(connection: Connection, context: Context, partner: Partner, command: Command) -> str | None:
    """Why a start may not rely on the quote that it names, None where it may or names none."""
    if command.quote_id is None:
        return None
    if (why := partner.agreement.why_not(Service.QUOTES, context.endpoint.now())) is not None:
        return f"our agreement {why}"
    kept = _load(connection, context, command.quote_id)
    if kept is None or kept.partner_id != partner.id:
        return "unknown quote"
    if not kept.quote.fits(command.evse_uid or "", command.connector_id):
        return "the quote is for another connector"
    if kept.quote.valid_until < context.clock.now():
        return "the quote has expired"
    used = connection.execute(select(table.c.consented_at).where(*_is(context, command.quote_id))).scalar()
    return None if used is None else "the quote has been used"


def use_quote(connection: Connection, context: Context, quote_id: str | None) -> tuple[Tariff, ...]:
    """The tariff that a quote binds us to, now that a session uses it; empty without a quote."""
    kept = _load(connection, context, quote_id) if quote_id is not None else None
    if kept is None:
        return ()
    connection.execute(update(table).where(*_is(context, kept.quote.id)).values(consented_at=context.clock.now()))
    return kept.quote.tariffs


def _check_stay(asked: QuoteAsked, now: datetime) -> None:
    stay = asked.stay
    if stay.end <= stay.start or stay.end - stay.start > _LONGEST:
        raise InvalidInput("The stay has to end after it begins, and within a week.")
    if any(one.after_s >= two.after_s for one, two in zip(stay.power, stay.power[1:], strict=False)):
        raise InvalidInput("The steps of power have to follow one another in time.")
    if stay.energy_goal_kwh is not None and stay.energy_goal_kwh <= 0:
        raise InvalidInput("The energy has to be more than nothing.")
    if not now - _BEHIND <= stay.start <= now + _AHEAD:
        raise Refused("A quote is given for a start within a day.", code="too_far_ahead")


def _place(connection: Connection, context: Context, asked: QuoteAsked) -> tuple[Site, Connector, Tariff]:
    site = load_site(connection, context, asked.site_id)
    if site is None:
        raise NotFound("There is no such site.", code="unknown_site")
    connector = _connector(site.find_equipment(asked.evse_uid), asked.connector_id)
    if connector is None:
        raise NotFound("There is no such connector.", code="unknown_evse")
    tariffs = contract_tariff(connection, context, connector.tariff_ids, asked.stay.start)
    if not tariffs:
        raise Refused("There is no price for drivers with a contract at this connector.", code="no_tariff")
    return site, connector, tariffs[0]


def _connector(equipment: EvSupplyEquipment | None, id: str) -> Connector | None:
    if equipment is None or equipment.status is Status.REMOVED:
        return None
    return next((one for one in equipment.connectors if one.id.casefold() == id.casefold()), None)


def _quote(context: Context, asked: QuoteAsked, site: Site, connector: Connector, tariff: Tariff) -> OperatorQuote:
    now = context.clock.now().replace(microsecond=0)
    stay = asked.stay.model_copy(update={"volts": connector.charging_volts})
    report = forecast(expected_session(stay, tariff.id), (tariff,), time_zone=ZoneInfo(site.time_zone))
    return hashed(
        OperatorQuote(
            country_code=context.party.country_code,
            party_id=context.party.party_id,
            id=str(uuid4()),
            asked=asked,
            tariffs=(tariff,),
            currency=tariff.currency,
            total=price(report.total),
            valid_until=now + VALID_FOR,
            last_updated=now,
        )
    )


def _load(connection: Connection, context: Context, id: str) -> _Kept | None:
    body = connection.execute(select(table.c.body).where(*_is(context, id))).scalar()
    return None if body is None else _Kept.model_validate_json(body)


def _is(context: Context, id: str) -> tuple[ColumnElement[bool], ...]:
    return (
        table.c.country_code == context.party.country_code,
        table.c.party_id == context.party.party_id,
        table.c.id == id,
    )
