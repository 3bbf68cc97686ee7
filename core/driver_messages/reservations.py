"""Reservations between a front end and its home-CSP (UC3-8)."""

from datetime import datetime

from pydantic import Field

from core.driver_messages.base import AskedMoment, Message, Money, Problem


class ReservationWish(Message):
    """Hold the connector of a quote for so many minutes, from now or from a later moment on."""

    quote_id: str
    minutes: int = Field(default=15, ge=1, le=24 * 60)
    starts_at: AskedMoment | None = None


class ReservationOffer(Message):
    """What a wish comes to, before anybody consents.

    used: the price of the reservation if the driver arrives at the very end of it; one who comes earlier pays the
    reserved time until then, as does one who cancels. unused: what not coming costs. refusal: why it cannot be had.
    later_refusal: why none can be had for later, None where that is possible. longest_minutes: the most we ask for.
    """

    quote_id: str
    starts_at: datetime
    until: datetime
    minutes: int
    longest_minutes: int
    used: Money
    unused: Money
    charging: Money
    operator: str
    time_zone: str
    label: str
    refusal: Problem | None = None
    later_refusal: Problem | None = None


class ReserveRequest(ReservationWish):
    """The driver's consent to an offer. `request_id` makes a repeated request harmless; it names the session."""

    request_id: str = Field(pattern=r"^[A-Za-z0-9_\-]{1,36}$")


class ReservationView(Message):
    """A reservation as its driver sees it: from when until when, what it costs, and what became of it.

    used, unused: the price of arriving at the very end, and of not coming, as consented to. start_problem: what the
    last start on it ran into. cancelled_by, reason, message: which side gave it up, why in OCPI's word
    for it where it was told, and the operator's words.
    """

    starts_at: datetime
    until: datetime
    used: Money | None = None
    unused: Money | None = None
    start_requested_at: datetime | None = None
    start_problem: Problem | None = None
    cancel_requested_at: datetime | None = None
    cancel_problem: Problem | None = None
    cancelled_by: str = ""
    reason: str = ""
    message: str = ""
