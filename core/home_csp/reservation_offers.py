"""What a reservation would come to, told before the driver consents (UC3-8): time, price, and why it cannot be had."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from core.driver_messages import Problem
from core.driver_messages.reservations import ReservationOffer, ReservationWish
from core.endpoint.extensions import bookings
from core.endpoint.partner import Partner
from core.errors import Refused
from core.home_csp.agreed import NO_AGREEMENT, NOT_AGREED, Agreed
from core.home_csp.booking_locations import location_at
from core.home_csp.context import Context
from core.home_csp.opened import open_connector
from core.home_csp.quoting import KeptQuote, money, unused_quote
from core.model.bookings import AHEAD
from core.model.quotes import QuotedReservation, quoted_reservation
from core.model.reservations import LONGEST, check_time
from core.model.services import Service
from core.model.session import SessionState
from core.model.sites import Capability, Status
from core.store.sessions import load_open_at

_LONGEST_MINUTES = int(LONGEST.total_seconds() // 60)
_NEXT_STEP = "Choose another post, or charge without a reservation."
_TIMES = {
    "reservation_over": ("This time is over", "Choose a later end."),
    "reservation_too_long": (
        f"At most {int(LONGEST.total_seconds() // 60)} minutes are held",
        "Choose a shorter time.",
    ),
}


def make_offer(
    connection: Connection, context: Context, wish: ReservationWish, contract_id: str | None
) -> ReservationOffer:
    """The offer for a wish. Raises NotFound or Refused where the quote cannot be consented to any more."""
    kept = unused_quote(connection, context, wish.quote_id)
    partner = next((one for one in context.visited_csos() if one.id == kept.partner_id), None)
    start = wish.starts_at or context.clock.now()
    until = start + timedelta(minutes=wish.minutes)
    refusal = _time_refusal(context, start, until)
    if refusal is None:
        refusal = now_refusal(
            connection, context, kept, partner, contract_id, later=(start, until) if wish.starts_at else None
        )
    takes_bookings = partner is not None and bookings.offers(partner, context.endpoint.now())
    later_refusal = None if takes_bookings else LATER_NOT_OFFERED
    if refusal is None and wish.starts_at is not None:
        refusal = later_refusal
    price = quoted(kept, start, until)
    currency = kept.quote.estimate.currency
    return ReservationOffer(
        quote_id=kept.id,
        starts_at=start,
        until=until,
        minutes=wish.minutes,
        longest_minutes=_LONGEST_MINUTES,
        used=money(price.used, currency),
        unused=money(price.unused, currency),
        charging=kept.view.likely,
        operator=kept.view.operator,
        time_zone=kept.view.time_zone,
        label=kept.view.label,
        refusal=refusal,
        later_refusal=later_refusal,
    )


NOT_FREE_THEN = Problem(
    code="reservation_not_free",
    message="The operator's calendar shows this time as taken",
    next_step="Choose another time, or another post.",
)
LATER_NOT_OFFERED = Problem(
    code="later_not_offered",
    message="This operator takes no reservations for later",
    next_step="Reserve now, for as long as you need to get there.",
)


def offered_time(context: Context, wish: ReservationWish) -> tuple[datetime, datetime]:
    """From when until when. Raises Refused where that time cannot be had."""
    start = wish.starts_at or context.clock.now()
    until = start + timedelta(minutes=wish.minutes)
    refusal = _time_refusal(context, start, until)
    if refusal is not None:
        raise Refused(refusal.message, code=refusal.code, next_step=refusal.next_step)
    return start, until


def quoted(kept: KeptQuote, start: datetime, until: datetime) -> QuotedReservation:
    """The price of the reservation under the quote's own tariff and price list."""
    quote = kept.quote
    return quoted_reservation(
        start,
        until,
        quote.tariffs[0],
        quote.price_list,
        time_zone=ZoneInfo(quote.time_zone) if quote.time_zone else None,
        options=quote.options,
    )


def now_refusal(
    connection: Connection,
    context: Context,
    kept: KeptQuote,
    partner: Partner | None,
    contract_id: str | None = None,
    *,
    later: tuple[datetime, datetime] | None = None,
) -> Problem | None:
    """Why the operator would not hold this EVSE, as far as we know; None where it may be asked.

    later: the time, where it is not from now on; who is there now does not matter then, but the operator has to take
    bookings, and its calendar to show that time as free.
    """
    view = kept.view
    if partner is None:
        return NO_AGREEMENT
    unagreed = Agreed(context).problem(partner.id, Service.RESERVATIONS)
    if unagreed is NOT_AGREED:
        return _problem("reservation_not_agreed", "There is no agreement on reservations with this operator")
    if unagreed is not None:
        return unagreed
    opened = open_connector(connection, context, view.site, view.evse_uid, view.connector.id, contract_id)
    if not opened.equipment.can(Capability.RESERVABLE):
        return _problem("not_reservable", "This post cannot be reserved")
    if opened.status in {Status.OUTOFORDER, Status.INOPERATIVE, Status.PLANNED, Status.REMOVED}:
        return _problem("out_of_order", "This post is out of order")
    if later is not None:
        if not bookings.offers(partner, context.endpoint.now()):
            return LATER_NOT_OFFERED
        location = location_at(connection, view.site.party, view.site.id, view.evse_uid)
        return None if location is None or location.is_free(*later) else NOT_FREE_THEN
    held = load_open_at(connection, context.party, view.evse_uid, view.site.party)
    if opened.status is Status.RESERVED or any(one.session.state is SessionState.RESERVED for one in held):
        return _problem("evse_reserved", "This post is reserved")
    if held or opened.status in {Status.CHARGING, Status.BLOCKED}:
        return _problem("evse_occupied", "This post is in use")
    return None


def _time_refusal(context: Context, start: datetime, until: datetime) -> Problem | None:
    now = context.clock.now()
    if start > now + AHEAD:
        return _problem("reservation_too_far_ahead", "That is too far ahead")
    try:
        check_time(start, until, now=now)
    except Refused as error:
        message, next_step = _TIMES[error.code]
        return Problem(code=error.code, message=message, next_step=next_step)
    return None


def _problem(code: str, message: str) -> Problem:
    return Problem(code=code, message=message, next_step=_NEXT_STEP)
