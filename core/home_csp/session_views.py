"""Sessions and receipts as their driver sees them."""

from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from pydantic import ValidationError
from sqlalchemy import Connection, bindparam, select

from core.driver_messages import (
    CurvePoint,
    History,
    IdleClock,
    Money,
    Problem,
    ReceiptSummary,
    SessionView,
)
from core.driver_messages.notices import NoticeView
from core.errors import EvroamError, NotFound
from core.home_csp.agreed import NOT_AGREED
from core.home_csp.cable_unlock_desk import unlock_view
from core.home_csp.context import Context
from core.home_csp.energy_transfer.plans import plan_view
from core.home_csp.energy_transfer.receipts import receipt_id
from core.home_csp.energy_transfer.shown_place import shown_place
from core.home_csp.energy_transfer.stop import can_stop_transfer
from core.home_csp.energy_transfer.terms import terms_of
from core.home_csp.ladder import rungs
from core.home_csp.outages import notice_view, notices_at
from core.home_csp.quoting import KeptQuote, load_quote, money
from core.home_csp.reservation_views import REFUSALS, RESERVE, RESERVE_REJECTED, given_up, reservation_view
from core.model.cable_unlock import case_of
from core.model.money import Amount, rounded
from core.model.parties import Party
from core.model.price_list import driver_price
from core.model.pricing.course import price_course
from core.model.pricing.forecast import ExpectedStay, PowerStep, expected_session
from core.model.pricing.measured import MeasuredSession, under
from core.model.pricing.price import price_session
from core.model.receipt import Receipt
from core.model.reserving import expired, record_start
from core.model.session import ENDED, ServiceSession, SessionState, StopScope
from core.store.cable_unlocks import latest_of_session
from core.store.prepared import Prepared
from core.store.sessions import KeptSession, load, load_of_contract
from core.store.tables import sdr

_LOOK_AHEAD = timedelta(hours=24)
_RECENT = timedelta(hours=12)

_REFUSALS = {
    "operator_unreachable": ("The operator cannot be reached; nothing was started", "Try again, or another site."),
    "not_agreed": (NOT_AGREED.message, NOT_AGREED.next_step),
    "unknown_location": ("The operator does not know this site", "Search again."),
    "answer_not_supported": ("This post cannot be started from here", "Hold your card to its reader."),
    "result_evse_occupied": ("Somebody else is using this post", "Choose another post."),
    "result_evse_inoperative": ("This post is out of order", "Choose another post."),
    "not_started": ("The operator confirms that nothing was started; you pay nothing", "Try again."),
    "not_plugged_in": ("The cable was not plugged in in time", "Plug in first, then start again."),
    "stopped": ("Stopped before anything was charged; you pay nothing", ""),
    "operator_silent": ("The operator never reported that charging began", "If the car charges, call your provider."),
}
_REFUSED = ("The operator refused to start", "Try again, or choose another post.")
_STOPS = {
    "stop_unreachable": ("The operator cannot be reached", "Stop at the post, or try again."),
    "stop_not_supported": ("This post can stop the whole session only", "Stop the whole session, or let it go on."),
    "stop_scope_not_agreed": ("This operator can stop the whole session only", "Stop the whole session, or go on."),
    "stop_timeout": ("The post has not answered yet", "Try again, or use the post's own stop button."),
}
_STOP_FAILED = ("Stopping did not work", "Try again, or use the post's own stop button.")
# Asked with every look at a session.
_RECEIPTS = Prepared(
    select(sdr.c.receipt)
    .where(sdr.c.session_id == bindparam("session_id"), sdr.c.receipt.is_not(None))
    .order_by(sdr.c.last_updated.desc())
)


def session_view(connection: Connection, context: Context, kept: KeptSession) -> SessionView:
    """A session with its ladder, its cost so far and its idle clock."""
    session = kept.session
    quote = load_quote(connection, context, session.quote_id)
    now = context.clock.now()
    priced = _Priced(context, session, quote)
    place = shown_place(connection, context, session, quote)
    unlock = latest_of_session(connection, context.party, session.id)
    return SessionView(
        id=session.id,
        state=session.state,
        site_name=place.site_name,
        address=place.address,
        time_zone=session.time_zone,
        operator=place.operator,
        evse_id=session.evse_id or session.evse_uid,
        label=place.label,
        opened_at=session.opened_at,
        started_at=session.started_at,
        ended_at=session.ended_at,
        rungs=rungs(session, through_house=_through_house(context, session)),
        energy_kwh=session.energy,
        power_kw=session.power_kw,
        state_of_charge=session.state_of_charge,
        cost=priced.cost(),
        next_kwh=priced.next_kwh(),
        quoted=quote.view.likely if quote else None,
        quote_id=session.quote_id,
        goal_kwh=session.goal,
        expected_end=_expected_end(session, quote, now),
        idle=priced.idle(now) if session.state not in ENDED else None,
        curve=tuple(
            CurvePoint(at=one.at, kw=one.power_kw, kwh=one.energy)
            for one in session.readings
            if one.power_kw is not None
        ),
        stop_requested_at=session.stop_requested_at,
        stop_scope=session.stop_scope,
        stop_problem=_problem(session.stop_problem, _STOPS, _STOP_FAILED) if session.stop_problem else None,
        can_pause=can_stop_transfer(context, kept),
        last_word_at=session.last_word_at,
        problem=_refusal(session),
        receipt_id=None if session.is_open else _receipt_id(connection, session.id),
        plan=plan_view(connection, context, kept),
        notices=_notices(connection, session, now),
        reservation=reservation_view(session, quote),
        unlock=None if unlock is None else unlock_view(unlock),
        may_ask_unlock=(unlock is None or unlock.is_over) and case_of(session, now) is not None,
        at=now,
    )


def _notices(connection: Connection, session: ServiceSession, now: datetime) -> tuple[NoticeView, ...]:
    if session.state in ENDED:
        return ()
    found = notices_at(connection, session.visited, session.site_id, now, session.evse_uid)
    return tuple(notice_view(one, now) for one in found)


def load_view(connection: Connection, context: Context, session_id: str, contract_id: str) -> SessionView:
    """One of the driver's sessions. Raises NotFound."""
    kept = load(connection, context.party, session_id)
    if kept is None or kept.session.contract_id != contract_id:
        raise NotFound("There is no such session", next_step="Look at your receipts.")
    return session_view(connection, context, kept)


def recent_views(connection: Connection, context: Context, contract_id: str) -> tuple[SessionView, ...]:
    """The driver's open sessions, and those that ended lately."""
    since = context.clock.now() - _RECENT
    kept = load_of_contract(connection, context.party, contract_id)
    shown = [one for one in kept if one.session.is_open or (one.session.ended_at or since) > since]
    return tuple(session_view(connection, context, one) for one in shown)


def load_receipt(connection: Connection, id: str, contract_id: str) -> Receipt:
    """One of the driver's receipts. Raises NotFound."""
    own = select(sdr.c.country_code, sdr.c.party_id, sdr.c.id, sdr.c.receipt).where(
        sdr.c.contract_id == contract_id, sdr.c.receipt.is_not(None), sdr.c.id == id.partition("-")[2]
    )
    rows = connection.execute(own)
    text = next((row.receipt for row in rows if _key(row.country_code, row.party_id, row.id) == id), None)
    if text is None:
        raise NotFound("There is no such receipt", next_step="Look at your receipts.")
    return Receipt.model_validate_json(text)


def history(connection: Connection, contract_id: str) -> History:
    """The driver's receipts, newest first, with totals by month and currency."""
    rows = connection.execute(
        select(sdr.c.receipt)
        .where(sdr.c.contract_id == contract_id, sdr.c.receipt.is_not(None))
        .order_by(sdr.c.started_at.desc())
        .limit(500)
    )
    receipts = [Receipt.model_validate_json(text) for text in rows.scalars() if text is not None]
    months: dict[tuple[str, str], tuple[Decimal, Decimal]] = {}
    for one in receipts:
        if one.credited_at is not None:
            continue
        key = (one.started_at.astimezone(ZoneInfo(one.time_zone)).strftime("%Y-%m"), one.currency)
        energy, total = months.get(key, (Decimal(0), Decimal(0)))
        months[key] = (energy + one.energy_kwh, total + one.total)
    return History(
        receipts=tuple(map(_summary, receipts)),
        months=tuple(
            (month, energy, Money(amount=total, currency=currency))
            for (month, currency), (energy, total) in sorted(months.items(), reverse=True)
        ),
    )


def _through_house(context: Context, session: ServiceSession) -> bool:
    operator = context.partners.speakers().get(session.visited)
    return operator is not None and operator.via is not None


class _Priced:
    """A session under the terms that hold for it."""

    def __init__(self, context: Context, session: ServiceSession, quote: KeptQuote | None) -> None:
        self._context = context
        self._session = session
        self._terms = terms_of(context, session, quote)

    def cost(self) -> Money | None:
        """What the driver would pay if it ended now."""
        measured = self._measured()
        if measured is None or self._terms is None:
            return None
        try:
            report = price_session(measured, self._terms.tariffs, time_zone=self._zone(), options=self._terms.options)
        except EvroamError:
            return None
        price = driver_price(report, self._terms.price_list, self._terms.options.rounding)
        return money(price.total, price.currency)

    def next_kwh(self) -> Money | None:
        """What the next kWh costs, taxes included, by the element that priced the last one."""
        segment = self._course_segment()
        if segment is None or self._terms is None:
            return None
        amount, currency = segment, self._terms.currency
        return Money(amount=rounded(amount.with_taxes, 4), currency=currency)

    def idle(self, now: datetime) -> IdleClock | None:
        """Until when one may stay without another charge, if charging goes on as now."""
        if self._terms is None or self._session.started_at is None:
            return None
        tariff = self._terms.tariffs[0]
        stay = self._stay(now)
        so_far = self._measured()
        course = price_course(
            expected_session(stay, tariff.id, so_far),
            self._terms.tariffs,
            time_zone=self._zone(),
            options=self._terms.options,
        )
        dear = next(
            (one for one in course if one.end > now and not one.charging and one.per_minute.with_taxes > 0), None
        )
        if dear is None:
            return IdleClock(free_until=None)
        per_minute = Money(amount=rounded(dear.per_minute.with_taxes, 4), currency=tariff.currency)
        return IdleClock(free_until=max(dear.start, self._session.started_at), then_per_minute=per_minute)

    def _course_segment(self) -> Amount | None:
        if self._terms is None or not self._session.is_open:
            return None
        tariff = self._terms.tariffs[0]
        now = self._session.last_word_at or self._session.opened_at
        power = self._session.power_kw or Decimal(1)
        stay = ExpectedStay(start=now, end=now + timedelta(hours=1), power=(PowerStep(after_s=0, power_kw=power),))
        course = price_course(
            expected_session(stay, tariff.id, self._measured()),
            self._terms.tariffs,
            time_zone=self._zone(),
            options=self._terms.options,
        )
        ahead = next((one for one in course if one.end > now and one.per_kwh is not None), None)
        return ahead.per_kwh if ahead else None

    def _measured(self) -> MeasuredSession | None:
        session = self._session
        if not session.periods or session.last_word_at is None or self._terms is None:
            return None
        if session.started_at is None and session.reservation is None:
            return None
        end = max(session.ended_at or session.last_word_at, session.periods[-1].start)
        periods = under(session.periods, self._terms.tariffs)
        try:
            return MeasuredSession(
                start=record_start(session), end=end, periods=periods, reservation_expired=expired(session)
            )
        except ValidationError:
            return None  # periods as the operator reported them, in no order that can be priced

    def _stay(self, now: datetime) -> ExpectedStay:
        start = self._session.last_word_at or now
        left = None if self._session.goal is None else max(self._session.goal - self._session.energy, Decimal(0))
        power = self._session.power_kw or Decimal(0)
        steps = (PowerStep(after_s=0, power_kw=power),) if power > 0 and left != 0 else ()
        return ExpectedStay(start=start, end=start + _LOOK_AHEAD, power=steps, energy_goal_kwh=left or None)

    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self._session.time_zone)


def _expected_end(session: ServiceSession, quote: KeptQuote | None, now: datetime) -> datetime | None:
    if not session.is_open or session.goal is None or session.started_at is None:
        return None
    left = session.goal - session.energy
    if left <= 0:
        return None
    stopping = session.stop_requested_at is not None and not session.stop_problem
    if stopping or session.stop_scope is StopScope.ENERGY_TRANSFER:
        return None
    if session.power_kw:
        return (session.last_word_at or now) + timedelta(hours=float(left / session.power_kw))
    # Where energy has flowed and rests, nobody knows when it goes on.
    return session.started_at + timedelta(minutes=quote.view.minutes) if quote and not session.energy else None


def _refusal(session: ServiceSession) -> Problem | None:
    if session.state is SessionState.UNCONFIRMED:
        return Problem(
            code="not_confirmed",
            message="Not confirmed; we are stopping it. You pay nothing unless it charged",
            next_step="Please wait; if the post shows charging, press its stop button.",
        )
    if session.state not in {SessionState.REJECTED, SessionState.EXPIRED}:
        return given_up(session)
    if session.reason.startswith(RESERVE) and session.reason not in REFUSALS:
        return _problem(RESERVE_REJECTED, REFUSALS, _REFUSED)
    return _problem(session.reason, _REFUSALS | REFUSALS, _REFUSED)


def _problem(code: str, sentences: dict[str, tuple[str, str]], otherwise: tuple[str, str]) -> Problem:
    message, next_step = sentences.get(code, otherwise)
    return Problem(code=code or "refused", message=message, next_step=next_step)


def _receipt_id(connection: Connection, session_id: str) -> str | None:
    """The latest one, but one that is taken back only where nothing stands in its place."""
    receipts = [Receipt.model_validate_json(text) for text in _RECEIPTS.column(connection, {"session_id": session_id})]
    return next((one.id for one in sorted(receipts, key=lambda one: one.credited_at is not None)), None)


def _key(country_code: str, party_id: str, sdr_id: str) -> str:
    return receipt_id(Party(country_code=country_code, party_id=party_id), sdr_id)


def _summary(receipt: Receipt) -> ReceiptSummary:
    return ReceiptSummary(
        id=receipt.id,
        site_name=receipt.site_name,
        city=receipt.city,
        operator=receipt.operator.name,
        started_at=receipt.started_at,
        time_zone=receipt.time_zone,
        energy_kwh=receipt.energy_kwh,
        total=Money(amount=receipt.total, currency=receipt.currency),
        credited=receipt.credited_at is not None,
    )
