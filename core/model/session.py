"""Sessions (5.7): a service session holds transactions, an energy transaction holds energy transfer sessions.

The three levels and their titles are the standard's; the states and invariants are this project's judgement. Every
change goes through a function of this module, which checks it against one table and records who did it
when. A session is a value: a change returns a new one.
"""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from core.errors import EvroamError
from core.model.agreements import AgreementReference, PricingOptions
from core.model.charging_profiles import SetProfile
from core.model.meter import ChargingPeriod
from core.model.parties import Party
from core.model.price_list import PriceList
from core.model.reservations import Reservation
from core.model.session_updates import UpdateSubscription
from core.model.tariffs import Tariff

ENERGY_DECREASED = "energy_decreased"
"""The code of a SessionRule: a meter ran backwards, which is discarded and raises an alarm (UC3-6)."""


class SessionRule(EvroamError):
    """A change that the session's state or an invariant forbids."""

    code = "session_rule"


class SessionState(StrEnum):
    """States of a service session; final ones are never left."""

    AUTHORISING = "AUTHORISING"
    UNCONFIRMED = "UNCONFIRMED"
    """A start was sent and not answered in time: resolved as rejected or active on evidence only."""
    RESERVED = "RESERVED"
    AUTHORISED = "AUTHORISED"
    ACTIVE = "ACTIVE"
    SUSPECT = "SUSPECT"
    """The station is not heard of any more."""
    CLOSING = "CLOSING"
    RECORDED = "RECORDED"
    RECONCILED = "RECONCILED"
    DISPUTED = "DISPUTED"
    NO_SHOW = "NO_SHOW"
    CANCELLED = "CANCELLED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    SETTLED = "SETTLED"
    WRITTEN_OFF = "WRITTEN_OFF"


S = SessionState
NEXT: dict[SessionState, frozenset[SessionState]] = {
    S.AUTHORISING: frozenset({S.AUTHORISED, S.ACTIVE, S.REJECTED, S.UNCONFIRMED, S.RESERVED, S.EXPIRED, S.CLOSING}),
    S.UNCONFIRMED: frozenset({S.AUTHORISED, S.ACTIVE, S.REJECTED, S.EXPIRED, S.CLOSING, S.RESERVED}),
    S.RESERVED: frozenset({S.AUTHORISED, S.NO_SHOW, S.CANCELLED}),
    S.AUTHORISED: frozenset({S.ACTIVE, S.EXPIRED, S.REJECTED, S.CANCELLED, S.CLOSING, S.RESERVED}),
    S.ACTIVE: frozenset({S.CLOSING, S.SUSPECT}),
    S.SUSPECT: frozenset({S.ACTIVE, S.CLOSING}),
    S.NO_SHOW: frozenset({S.CLOSING}),
    S.CANCELLED: frozenset({S.CLOSING}),
    S.CLOSING: frozenset({S.RECORDED}),
    S.RECORDED: frozenset({S.RECONCILED, S.DISPUTED}),
    S.DISPUTED: frozenset({S.RECONCILED, S.WRITTEN_OFF}),
    S.RECONCILED: frozenset({S.SETTLED}),
    S.REJECTED: frozenset(),
    S.EXPIRED: frozenset(),
    S.SETTLED: frozenset(),
    S.WRITTEN_OFF: frozenset(),
}
"""From which state a session may go where."""

STARTING = frozenset({S.AUTHORISING, S.UNCONFIRMED, S.AUTHORISED})
"""States before the first energy."""
OPEN = frozenset({*STARTING, S.RESERVED, S.ACTIVE, S.SUSPECT})
"""States in which the connector belongs to the session."""
ENDED = frozenset(S) - OPEN
"""States in which nothing more happens at the station."""


class TransactionKind(StrEnum):
    """What a transaction bills (5.7.3)."""

    RESERVATION = "RESERVATION"
    ENERGY = "ENERGY"
    PARKING = "PARKING"
    OTHER = "OTHER"


class StopReason(StrEnum):
    """Why energy transfer ended."""

    REMOTE = "REMOTE"
    LOCAL = "LOCAL"
    EV_FULL = "EV_FULL"
    EV_DISCONNECTED = "EV_DISCONNECTED"
    EQUIPMENT = "EQUIPMENT"
    POWER_LOSS = "POWER_LOSS"
    EMERGENCY_UNLOCK = "EMERGENCY_UNLOCK"
    OTHER = "OTHER"


class StopScope(StrEnum):
    """What a stop ends (UC3-4): the energy transfer alone, or the whole session. The words are ours [J].

    After a stop of the energy transfer the service session stays open, parked, and energy may flow again within the
    same energy transaction. After one of the whole session nothing can: it closes as soon as the cable is out.
    """

    ENERGY_TRANSFER = "ENERGY_TRANSFER"
    SERVICE_SESSION = "SERVICE_SESSION"


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class EnergyTransferSession(_Value):
    """A continuous interval in which vehicle and EVSE are set up to exchange energy; meter readings in kWh."""

    id: str
    start: datetime
    meter_start: Decimal
    end: datetime | None = None
    meter_end: Decimal | None = None
    reason: StopReason | None = None

    @property
    def energy(self) -> Decimal | None:
        """kWh transferred, None while it runs."""
        return None if self.meter_end is None else self.meter_end - self.meter_start


class Transaction(_Value):
    """A billable unit of work within a service session."""

    id: str
    kind: TransactionKind
    start: datetime
    end: datetime | None = None
    energy_transfers: tuple[EnergyTransferSession, ...] = ()


class Transition(_Value):
    """One change of state: who, when, why."""

    from_state: SessionState | None
    to_state: SessionState
    at: datetime
    actor: str
    reason: str = ""


class Reading(_Value):
    """What the station reported at one moment: power in kW where it told, energy since the start in kWh."""

    at: datetime
    energy: Decimal
    power_kw: Decimal | None = None


class ServiceSession(_Value):
    """One use of roaming services by one user at one visited-CSO, from first authorisation to closure.

    id: our own key. visited_session_id: minted by the visited-CSO, None until it has spoken. energy: kWh. cost:
    what the visited-CSO last reported before taxes, None where it did not; a missing cost is not "free".
    offline_authorised: the home-CSP did not answer and its list decided. credential_group: whose cards stop it.
    credential_revoked_at: it began on a credential that its home-CSP had revoked before. tariffs: the operator's,
    frozen as they were at the start, and price_list: ours beside them, where there is no quote. pricing: what the
    agreement said then of how they price; None: the defaults. agreement: the version that held then, None where nobody
    had signed one. reservation: its terms, where it began with one.
    goal: kWh at which the home-CSP stops.
    stop_scope: what the requested stop is to end. stop_problem: code of what it ran into.
    last_word_at: when the partner or station last said anything, by its own clock. updates: at which interval the
    home-CSP asked to be told of it; None: at the operator's own. profile: of power, that the home-CSP has set on it.
    """

    id: str
    home: Party
    visited: Party
    visited_session_id: str | None = None
    authorization_reference: str | None = None
    contract_id: str
    credential_uid: str
    credential_kind: str
    credential_group: str | None = None
    identification: str = "COMMAND"
    offline_authorised: bool = False
    credential_revoked_at: datetime | None = None
    site_id: str
    evse_uid: str
    evse_id: str = ""
    connector_id: str
    time_zone: str = "UTC"
    quote_id: str | None = None
    state: SessionState
    reason: str = ""
    opened_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    meter_start: Decimal | None = None
    energy: Decimal = Decimal(0)
    power_kw: Decimal | None = None
    state_of_charge: Decimal | None = None
    cost: Decimal | None = None
    cost_with_taxes: Decimal | None = None
    currency: str | None = None
    tariffs: tuple[Tariff, ...] = ()
    pricing: PricingOptions | None = None
    agreement: AgreementReference | None = None
    price_list: PriceList | None = None
    periods: tuple[ChargingPeriod, ...] = ()
    readings: tuple[Reading, ...] = ()
    transactions: tuple[Transaction, ...] = ()
    transitions: tuple[Transition, ...] = ()
    reservation: Reservation | None = None
    goal: Decimal | None = None
    stop_requested_at: datetime | None = None
    stop_scope: StopScope | None = None
    stop_problem: str = ""
    stop_reason: StopReason | None = None
    last_word_at: datetime | None = None
    updates: UpdateSubscription | None = None
    profile: SetProfile | None = None

    @property
    def is_open(self) -> bool:
        """Whether the connector belongs to this session now."""
        return self.state in OPEN

    def running(self, kind: TransactionKind) -> Transaction | None:
        """The transaction of this kind that has not ended."""
        return next((one for one in self.transactions if one.kind is kind and one.end is None), None)


def with_stop(session: ServiceSession, scope: StopScope, *, at: datetime) -> ServiceSession:
    """The session with a stop asked for; one of the energy transfer never takes back one of the whole session."""
    if session.stop_scope is StopScope.SERVICE_SESSION:
        scope = StopScope.SERVICE_SESSION
    return change(session, stop_requested_at=at, stop_scope=scope, stop_problem="")


def without_stop(session: ServiceSession) -> ServiceSession:
    """The session after a stop of the energy transfer was taken back. Raises SessionRule where there is none."""
    _require(session.is_open and session.stop_scope is StopScope.ENERGY_TRANSFER, "no energy transfer to go on with")
    return change(session, stop_requested_at=None, stop_scope=None, stop_problem="")


def with_reading(readings: tuple[Reading, ...], new: Reading) -> tuple[Reading, ...]:
    """The readings with a new one; of a stretch in which nothing changes, only the first and the last are kept."""
    flat = len(readings) > 1 and all(_says_the_same(one, new) for one in readings[-2:])
    return (*readings[:-1], new) if flat else (*readings, new)


def _says_the_same(one: Reading, other: Reading) -> bool:
    return (one.energy, one.power_kw) == (other.energy, other.power_kw)


def change(session: ServiceSession, **members: object) -> ServiceSession:
    """The session with some members replaced, checked anew."""
    return ServiceSession.model_validate({**dict(session), **members})


def opened(session: ServiceSession, actor: str) -> ServiceSession:
    """A new session with its first transition on record."""
    first = Transition(from_state=None, to_state=session.state, at=session.opened_at, actor=actor)
    return change(session, transitions=(first,))


def move(session: ServiceSession, to: SessionState, *, at: datetime, actor: str, reason: str = "") -> ServiceSession:
    """Go to another state, if the table allows; the same state again changes nothing. Raises SessionRule."""
    if to is session.state:
        return session
    if to not in NEXT[session.state]:
        raise SessionRule(f"a session that is {session.state} cannot become {to}")
    step = Transition(from_state=session.state, to_state=to, at=at, actor=actor, reason=reason)
    ends = to in ENDED and session.ended_at is None
    return change(
        session,
        state=to,
        reason=reason or session.reason,
        transitions=(*session.transitions, step),
        started_at=session.started_at or (at if to is S.ACTIVE else None),
        ended_at=at if ends else session.ended_at,
    )


def begin_transaction(session: ServiceSession, kind: TransactionKind, *, id: str, at: datetime) -> ServiceSession:
    """Open a transaction; two of one kind never overlap. Raises SessionRule."""
    _require(session.is_open, f"no transaction begins in a session that is {session.state}")
    _require(session.running(kind) is None, f"a {kind} transaction is already running")
    last = max((one.end for one in session.transactions if one.kind is kind and one.end), default=None)
    _require(last is None or at >= last, f"a {kind} transaction would overlap the one before it")
    return change(session, transactions=(*session.transactions, Transaction(id=id, kind=kind, start=at)))


def begin_energy_transfer(session: ServiceSession, *, id: str, at: datetime, meter: Decimal) -> ServiceSession:
    """Start an energy transfer session inside the running energy transaction. Raises SessionRule."""
    energy = _running_energy(session)
    _require(all(one.end is not None for one in energy.energy_transfers), "energy is already being transferred")
    _require(at >= energy.start, "energy transfer would begin before its transaction")
    transfer = EnergyTransferSession(id=id, start=at, meter_start=meter)
    return _replace(session, energy, energy_transfers=(*energy.energy_transfers, transfer))


def end_energy_transfer(
    session: ServiceSession, *, at: datetime, meter: Decimal, reason: StopReason | None
) -> ServiceSession:
    """End the running energy transfer session, if there is one. Raises SessionRule when time or meter run back."""
    energy = session.running(TransactionKind.ENERGY)
    if energy is None or not energy.energy_transfers or energy.energy_transfers[-1].end is not None:
        return session
    last = energy.energy_transfers[-1]
    _require(at >= last.start, "energy transfer would end before it began")
    _require(meter >= last.meter_start, "the meter ran backwards")
    ended = last.model_copy(update={"end": at, "meter_end": meter, "reason": reason})
    return _replace(session, energy, energy_transfers=(*energy.energy_transfers[:-1], ended))


def end_transaction(session: ServiceSession, kind: TransactionKind, *, at: datetime) -> ServiceSession:
    """End the running transaction of this kind, if there is one. Raises SessionRule."""
    running = session.running(kind)
    if running is None:
        return session
    _require(at >= running.start, f"the {kind} transaction would end before it began")
    _require(all(one.end is not None for one in running.energy_transfers), "energy is still being transferred")
    return _replace(session, running, end=at)


def _running_energy(session: ServiceSession) -> Transaction:
    energy = session.running(TransactionKind.ENERGY)
    if energy is None:
        raise SessionRule("there is no energy transaction")
    return energy


def _replace(session: ServiceSession, transaction: Transaction, **members: object) -> ServiceSession:
    changed = transaction.model_copy(update=members)
    return change(
        session, transactions=tuple(changed if one.id == transaction.id else one for one in session.transactions)
    )


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise SessionRule(message)
