"""What a front end and its home-CSP say to one another: the bodies of the driver API, in the model's words.

Both sides import this module, and nothing of one another. Money and energy are Decimal and travel as strings.
"""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from core.driver_messages.base import Message as Message
from core.driver_messages.base import Money as Money
from core.driver_messages.base import Problem as Problem
from core.driver_messages.cable_unlock import UnlockView
from core.driver_messages.notices import NoticeView
from core.driver_messages.plans import PlanView
from core.driver_messages.reservations import ReservationView as ReservationView
from core.model.parties import ObjectKey
from core.model.price_list import OwnFee
from core.model.receipt import Receipt
from core.model.session import SessionState, StopScope
from core.model.tariff_description import Row

_WEEK_MINUTES = 7 * 24 * 60
"""No stay is longer, and no battery holds as many kWh [J]."""


class Availability(StrEnum):
    """A site at a glance. Past its time-to-live a status is unknown, and unknown is never free."""

    FREE = "free"
    PARTLY = "partly"
    BUSY = "busy"
    OUT_OF_ORDER = "out_of_order"
    UNKNOWN = "unknown"


class NeedKind(StrEnum):
    """How the driver says what the session is for."""

    ENERGY = "energy"
    STATE_OF_CHARGE = "state_of_charge"
    MINUTES = "minutes"


class Need(Message):
    """My session. amount: kWh, target percent or minutes; battery_kwh and arrival_percent make a target into kWh."""

    kind: NeedKind = NeedKind.ENERGY
    amount: Decimal = Field(default=Decimal(30), ge=0, le=_WEEK_MINUTES)
    battery_kwh: Decimal = Field(default=Decimal(60), gt=0, le=10_000)
    arrival_percent: Decimal = Field(default=Decimal(20), ge=0, le=100)
    stay_minutes: int | None = Field(default=None, ge=0, le=_WEEK_MINUTES)

    @model_validator(mode="after")
    def _fits_a_battery(self) -> Self:
        if self.kind is NeedKind.STATE_OF_CHARGE and self.amount > 100:
            raise ValueError("a battery is never charged to more than 100 percent")
        return self


class SiteQuery(Message):
    """What the find screen asks: all filters hold at once, on one and the same connector.

    price_cap: at most so much for the need, at sites that charge in its currency and tell a price.
    """

    latitude: Decimal | None = Field(default=None, ge=-90, le=90)
    longitude: Decimal | None = Field(default=None, ge=-180, le=180)
    text: str = Field(default="", max_length=200)
    connector: str | None = Field(default=None, max_length=100)
    min_kw: Decimal | None = Field(default=None, ge=0, le=10_000)
    free: bool = False
    open_now: bool = False
    operator: str | None = Field(default=None, max_length=200)
    roaming: bool = False
    favourites: bool = False
    radius_km: Decimal | None = Field(default=None, ge=0, le=20_100)
    need: Need | None = None
    price_cap: Money | None = None
    limit: int = Field(default=200, ge=1, le=500)


class SiteSummary(Message):
    """One row of the find screen. price: my session at the nearest fitting connector, None with the reason beside."""

    key: ObjectKey
    name: str
    address: str
    city: str
    operator: str
    latitude: Decimal
    longitude: Decimal
    distance_m: Decimal
    free: int
    total: int
    max_kw: Decimal
    availability: Availability
    status_at: datetime | None = None
    roaming: bool
    favourite: bool = False
    price: Money | None = None
    price_reason: str = ""


class SiteList(Message):
    """The nearest or best sites for a query, and the moment the answer was made."""

    sites: tuple[SiteSummary, ...]
    at: datetime
    more: bool = False


class Place(Message):
    """A named point to search around."""

    name: str
    country: str
    latitude: Decimal
    longitude: Decimal


class ConnectorView(Message):
    """A connector as the driver looks for it, with the operator's price in rows and the home-CSP's fees beside it.

    label: the EN 17186 letter on the post, empty where it is not known. Without a known tariff there is no price, which
    is not "free".
    """

    id: str
    standard: str
    format: str
    power_type: str
    max_kw: Decimal
    label: str = ""
    currency: str = ""
    operator_rows: tuple[Row, ...] = ()
    fees: tuple[OwnFee, ...] = ()
    tariff_known: bool = False


class EvseView(Message):
    """EV supply equipment with its status, where the status is from and when it was said."""

    uid: str
    evse_id: str
    label: str
    status: str
    status_at: datetime
    source: str
    connectors: tuple[ConnectorView, ...]
    startable: bool
    refusal: Problem | None = None


class SiteView(Message):
    """A site opened."""

    summary: SiteSummary
    postal_code: str = ""
    country: str = ""
    time_zone: str = "UTC"
    open_now: bool | None = None
    hours: tuple[str, ...] = ()
    phone: str = ""
    directions: str = ""
    evses: tuple[EvseView, ...] = ()
    notices: tuple[NoticeView, ...] = ()
    refusal: Problem | None = None


class EvseFound(Message):
    """What an EVSE id leads to: its site and which equipment it names."""

    site: SiteView
    evse_uid: str


class QuoteRequest(Message):
    """Ask for a binding quote (UC2-2) at one connector."""

    site: ObjectKey
    evse_uid: str
    connector_id: str
    need: Need = Need()


class IdleClock(Message):
    """Until when one may stay without another charge, and what a minute costs then; both found by pricing forward."""

    free_until: datetime | None
    then_per_minute: Money | None = None


class QuoteView(Message):
    """A quote: frozen with its tariff snapshots once the driver consents. `most` is set only where there is a bound.

    idle_after_stay: what staying as long as the need says costs beyond leaving when charging ends. rounding: what is
    rounded before the total comes to the currency's smallest unit, half up: `total`, `lines` or `nothing`. binding:
    the operator is bound to these prices until valid_until; else they are its published tariff's, with a code why.
    """

    id: str
    site: ObjectKey
    site_name: str
    address: str
    time_zone: str
    operator: str
    evse_id: str
    evse_uid: str
    label: str
    connector: ConnectorView
    status: str
    status_at: datetime
    need: Need
    energy_kwh: Decimal
    minutes: int
    likely: Money
    low: Money | None = None
    most: Money | None = None
    tax_included: Money | None = None
    lines: tuple[tuple[str, Money], ...] = ()
    idle: IdleClock | None = None
    idle_after_stay: Money | None = None
    rounding: str = ""
    binding: bool = False
    not_binding_because: str = ""
    reservable: bool = False
    notices: tuple[NoticeView, ...] = ()
    valid_until: datetime


class CardIdentification(Message):
    """A card held to the reader: 8, 14 or 20 hexadecimal or 10 decimal digits as the reader typed them."""

    card_uid: str


class PinIdentification(Message):
    """Contract id in any written form, and its PIN."""

    contract_id: str
    pin: str


class Login(Message):
    """Proof of identification for later requests; `contract` is masked but for its last characters."""

    token: str
    contract: str
    name: str = ""
    method: str
    expires_at: datetime


class StartRequest(Message):
    """The driver's consent to a quote: starts charging (UC3-2). `request_id` makes a repeated request harmless.

    It becomes the session's id and authorisation reference, which partners take with 36 characters at most.
    """

    quote_id: str
    request_id: str = Field(pattern=r"^[A-Za-z0-9_\-]{1,36}$")


class RungState(StrEnum):
    """Where a rung of the start ladder stands."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    NOT_REPORTED = "not_reported"
    PENDING = "pending"


class Rung(Message):
    """One rung of the start ladder: sent, home_platform, operator, station, cable, energy."""

    name: str
    state: RungState
    at: datetime | None = None
    waits_for: str = ""
    until: datetime | None = None


class CurvePoint(Message):
    """What a report came to: the energy so far, and the average power since the report before it."""

    at: datetime
    kw: Decimal
    kwh: Decimal


class SessionView(Message):
    """A session as its driver sees it. cost: what the driver would pay if it ended now, taxes included.

    can_pause: whether the operator can stop the energy transfer alone. stop_scope: what the requested stop is to end.
    """

    id: str
    state: SessionState
    site_name: str
    address: str
    time_zone: str
    operator: str
    evse_id: str
    label: str
    opened_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    rungs: tuple[Rung, ...] = ()
    energy_kwh: Decimal = Decimal(0)
    power_kw: Decimal | None = None
    state_of_charge: Decimal | None = None
    cost: Money | None = None
    next_kwh: Money | None = None
    quoted: Money | None = None
    quote_id: str | None = None
    goal_kwh: Decimal | None = None
    expected_end: datetime | None = None
    idle: IdleClock | None = None
    curve: tuple[CurvePoint, ...] = ()
    stop_requested_at: datetime | None = None
    stop_scope: StopScope | None = None
    stop_problem: Problem | None = None
    can_pause: bool = False
    last_word_at: datetime | None = None
    problem: Problem | None = None
    receipt_id: str | None = None
    plan: PlanView | None = None
    notices: tuple[NoticeView, ...] = ()
    reservation: ReservationView | None = None
    unlock: UnlockView | None = None
    may_ask_unlock: bool = False
    at: datetime


class ReceiptSummary(Message):
    """One line of the history of receipts. credited: it is taken back, and counts in no total."""

    id: str
    site_name: str
    city: str
    operator: str
    started_at: datetime
    time_zone: str
    energy_kwh: Decimal
    total: Money
    credited: bool = False


class History(Message):
    """Receipts, newest first, with totals by month and currency."""

    receipts: tuple[ReceiptSummary, ...]
    months: tuple[tuple[str, Decimal, Money], ...] = ()


class Health(Message):
    """The home-CSP as a front end sees it; demo_speed is 1 on the wall clock."""

    platform: str
    name: str
    version: str
    at: datetime
    demo_speed: float = 1.0
    partners: int = 0
    connected: int = 0
    sites: int = 0


class EventKind(StrEnum):
    """What a live event carries; a beat carries nothing and shows that the connection lives."""

    SESSION = "session"
    RECEIPT = "receipt"
    BEAT = "beat"


class DriverEvent(Message):
    """One live event; `id` is where a dropped stream resumes."""

    id: int
    kind: EventKind
    session: SessionView | None = None
    receipt: Receipt | None = None
