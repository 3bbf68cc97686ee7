"""A reservation as its driver sees it (UC3-8), and the sentences for what becomes of it."""

from core.driver_messages import Problem, ReservationView
from core.home_csp.quoting import KeptQuote, money
from core.model.reservations import Canceller
from core.model.session import ServiceSession

_AGAIN = "Try again, or choose another post."
_STANDS = "Your reservation stands; try again."
RESERVE = "reserve_"
"""With this begins the code of every refusal of a reservation; one without a sentence is told as RESERVE_REJECTED."""
RESERVE_REJECTED = "reserve_rejected"
REFUSALS = {
    "reserve_not_supported": ("This operator does not reserve this post", "Choose another post."),
    RESERVE_REJECTED: ("The operator refused the reservation", "Choose another time or another post."),
    "reserve_unknown_location": ("The operator does not know this site", "Search again."),
    "reserve_evse_occupied": ("Somebody else has this post", "Choose another post."),
    "reserve_evse_inoperative": ("This post is out of order", "Choose another post."),
    "reserve_failed": ("The post did not take the reservation", _AGAIN),
}
_STARTS = {
    "operator_unreachable": ("The operator cannot be reached; nothing was started", _STANDS),
    "not_plugged_in": ("The cable was not plugged in in time", "Plug in first, then start again."),
    "stopped": ("Stopped before anything was charged", _STANDS),
    "no_answer": ("The operator has not answered the start", "Look at the post; if it does not charge, try again."),
    "result_evse_inoperative": ("This post is out of order", "Cancel the reservation and choose another post."),
}
_START_FAILED = ("The operator refused to start", _STANDS)
_CANCELS = {
    "cancel_unknown_reservation": ("The operator does not know this reservation", "Wait for its end, or come."),
    "cancel_not_answered": ("The operator has not answered the cancellation", "Try to cancel again."),
}
_CANCEL_FAILED = ("The operator did not release the post", "Try to cancel again.")


def reservation_view(session: ServiceSession, quote: KeptQuote | None) -> ReservationView | None:
    """The reservation with which a session began; None where it began with none."""
    reservation = session.reservation
    if reservation is None:
        return None
    price = quote.reservation if quote else None
    currency = quote.quote.estimate.currency if quote else ""
    return ReservationView(
        starts_at=reservation.start,
        until=reservation.until,
        used=None if price is None else money(price.used, currency),
        unused=None if price is None else money(price.unused, currency),
        start_requested_at=reservation.use_requested_at,
        start_problem=_problem(reservation.use_problem, _STARTS, _START_FAILED),
        cancel_requested_at=reservation.cancel_requested_at,
        cancel_problem=_problem(reservation.cancel_problem, _CANCELS, _CANCEL_FAILED),
        cancelled_by=reservation.cancelled_by or "",
        reason=reservation.reason or "",
        message=reservation.message,
    )


def given_up(session: ServiceSession) -> Problem | None:
    """What to tell the driver whose reservation the operator took back; None where it did not."""
    if session.reservation is None or session.reservation.cancelled_by is not Canceller.VISITED_CSO:
        return None
    return Problem(
        code="reservation_taken_back",
        message="The operator cancelled your reservation; you pay nothing for it",
        next_step="Choose another post.",
    )


def _problem(code: str, sentences: dict[str, tuple[str, str]], otherwise: tuple[str, str]) -> Problem | None:
    if not code:
        return None
    message, next_step = sentences.get(code, otherwise)
    return Problem(code=code, message=message, next_step=next_step)
