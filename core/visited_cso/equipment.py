"""The visited-CSO's interface to its charging stations; a real operator brings its own implementation.

Behind it may stand an OCPP central system, a vendor's cloud or the simulation. It says what a station can be told
and what it reports, in units that meters use; nothing here knows of roaming partners.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal, Protocol


class RefusalCode(StrEnum):
    """Why a station refuses a command: the `code` of the `Refused` that is raised."""

    OCCUPIED = "occupied"
    INOPERATIVE = "inoperative"
    REJECTED = "rejected"
    FAILED = "failed"
    TIMEOUT = "timeout"
    NOT_SUPPORTED = "not_supported"
    UNKNOWN_EVSE = "unknown_evse"
    UNKNOWN_CONNECTOR = "unknown_connector"
    UNKNOWN_TRANSACTION = "unknown_transaction"
    UNKNOWN_RESERVATION = "unknown_reservation"


class EvseState(StrEnum):
    """What an EVSE is doing, as its station reports it."""

    AVAILABLE = "available"
    RESERVED = "reserved"
    PREPARING = "preparing"  # a cable is plugged in or a start is accepted, not yet both with energy flowing
    CHARGING = "charging"
    SUSPENDED_EV = "suspended_ev"  # the car takes nothing (full, or its own schedule)
    SUSPENDED_EVSE = "suspended_evse"  # the station offers nothing (site power)
    FINISHING = "finishing"  # the transaction has ended, the cable is still plugged in
    FAULTED = "faulted"
    OFFLINE = "offline"


class StopReason(StrEnum):
    """Why a transaction ended."""

    REMOTE = "remote"  # the stop command
    LOCAL = "local"  # the card that started it was presented at the station
    EV_DISCONNECTED = "ev_disconnected"
    CABLE_NOT_SEEN = "cable_not_seen"  # nobody plugged in within the connection time-out; no energy
    UNLOCKED = "unlocked"  # the unlock command
    STATION = "station"  # the station ended it of its own accord
    FAULT = "fault"
    POWER_LOSS = "power_loss"


@dataclass(frozen=True)
class MeterReading:
    """What the meter at the EVSE says of one transaction at one moment.

    register_kwh counts up for the EVSE's whole life in steps of 0.1 Wh; session_energy_kwh is its growth since the
    transaction started. current_a is per phase, voltage_v is phase to neutral on AC. soc_percent is None where the car
    does not tell it, as over plain AC.
    """

    moment: datetime
    register_kwh: Decimal
    session_energy_kwh: Decimal
    power_w: int
    current_a: Decimal
    voltage_v: Decimal
    soc_percent: Decimal | None

    @property
    def phases(self) -> int:
        """How many carry current; direct current has one, and so has what carries none."""
        of_one_phase = self.current_a * self.voltage_v
        return max(1, round(self.power_w / of_one_phase)) if of_one_phase else 1

    @property
    def total_current_a(self) -> Decimal:
        """Summed over the phases that carry it, as tariffs bound it (OCPI 2.2.1, TariffRestrictions, min_current)."""
        return self.current_a * self.phases


@dataclass(frozen=True)
class PowerBounds:
    """Watts in a transaction at present: below least_w the car cannot charge; what the site gives, the car takes."""

    least_w: int
    site_w: int
    car_w: int


@dataclass(frozen=True)
class PowerLimit:
    """From a moment on no more than so many watts."""

    start: datetime
    max_power_w: int


@dataclass(frozen=True)
class EvseEvent:
    """What every event says: which EVSE, and when it happened there (UTC, not when it was reported)."""

    evse_uid: str
    moment: datetime


@dataclass(frozen=True)
class PluggedIn(EvseEvent):
    """The station sees a car's cable at this connector."""

    connector_id: str
    kind: Literal["plugged_in"] = "plugged_in"


@dataclass(frozen=True)
class Unplugged(EvseEvent):
    """The cable is gone."""

    connector_id: str
    kind: Literal["unplugged"] = "unplugged"


@dataclass(frozen=True)
class TransactionStarted(EvseEvent):
    """Start accepted and cable seen, in either order; register_kwh is the meter at the start."""

    transaction_id: str
    connector_id: str
    register_kwh: Decimal
    kind: Literal["transaction_started"] = "transaction_started"


@dataclass(frozen=True)
class EnergyFlowing(EvseEvent):
    """Energy flows: for the first time in the transaction, or again after a suspension."""

    transaction_id: str
    kind: Literal["energy_flowing"] = "energy_flowing"


@dataclass(frozen=True)
class MeterValue(EvseEvent):
    """A periodic reading during a transaction."""

    transaction_id: str
    reading: MeterReading
    kind: Literal["meter_value"] = "meter_value"


@dataclass(frozen=True)
class Suspended(EvseEvent):
    """Energy has ceased to flow while the transaction goes on: by the car, by the EVSE, or on a command."""

    transaction_id: str
    by: Literal["ev", "evse", "remote"]
    kind: Literal["suspended"] = "suspended"


@dataclass(frozen=True)
class TransactionStopped(EvseEvent):
    """The transaction is over; register_kwh is the meter at its end.

    With CABLE_NOT_SEEN no `TransactionStarted` came before it, and no energy has flowed.
    """

    transaction_id: str
    reason: StopReason
    register_kwh: Decimal
    session_energy_kwh: Decimal
    kind: Literal["transaction_stopped"] = "transaction_stopped"


@dataclass(frozen=True)
class CardPresented(EvseEvent):
    """A card was held to the reader, and it is not the one of the transaction under way (that one stops it)."""

    uid: str
    kind: Literal["card_presented"] = "card_presented"


@dataclass(frozen=True)
class CodeEntered(EvseEvent):
    """A user code was typed at the station."""

    code: str
    kind: Literal["code_entered"] = "code_entered"


@dataclass(frozen=True)
class ContractPresented(EvseEvent):
    """A vehicle that was plugged in shows a contract certificate (plug and charge): its chain as PEM, leaf first."""

    connector_id: str
    emaid: str
    chain: tuple[str, ...]
    protocol: str = "ISO15118-2"
    kind: Literal["contract_presented"] = "contract_presented"


@dataclass(frozen=True)
class ConnectorLocked(EvseEvent):
    """The socket-outlet holds the plug."""

    connector_id: str
    kind: Literal["connector_locked"] = "connector_locked"


@dataclass(frozen=True)
class ConnectorUnlocked(EvseEvent):
    """The socket-outlet has let go of the plug."""

    connector_id: str
    kind: Literal["connector_unlocked"] = "connector_unlocked"


@dataclass(frozen=True)
class ReservationExpired(EvseEvent):
    """A reservation ran out unused."""

    reservation_id: str
    kind: Literal["reservation_expired"] = "reservation_expired"


@dataclass(frozen=True)
class Faulted(EvseEvent):
    """The EVSE is out of order."""

    kind: Literal["faulted"] = "faulted"


@dataclass(frozen=True)
class Repaired(EvseEvent):
    """The EVSE is in order again."""

    kind: Literal["repaired"] = "repaired"


@dataclass(frozen=True)
class Offline(EvseEvent):
    """The station is not heard any more; what happens there is reported when it is heard again."""

    kind: Literal["offline"] = "offline"


@dataclass(frozen=True)
class Online(EvseEvent):
    """The station is heard again. What it did meanwhile follows, each event with the moment at which it happened."""

    kind: Literal["online"] = "online"


EquipmentEvent = (
    PluggedIn
    | Unplugged
    | TransactionStarted
    | EnergyFlowing
    | MeterValue
    | Suspended
    | TransactionStopped
    | CardPresented
    | CodeEntered
    | ContractPresented
    | ConnectorLocked
    | ConnectorUnlocked
    | ReservationExpired
    | Faulted
    | Repaired
    | Offline
    | Online
)
"""Whatever a station reports."""

Listener = Callable[[EquipmentEvent], Awaitable[None]]
"""Takes an event to the end: when it returns, the event is safe.

It may call the equipment itself, but must not wait for another task that does.
"""


class Equipment(Protocol):
    """Charging stations as the visited-CSO commands and hears them.

    Commands return when the station has accepted, and raise `Refused` with a `RefusalCode` otherwise. TIMEOUT means
    that no answer came: the command may have been executed all the same. What follows comes as events.
    """

    async def start(self, evse_uid: str, connector_id: str | None, transaction_id: str, *, id_tag: str) -> None:
        """Start a transaction, now or as soon as a cable is seen; connector_id None means any of the EVSE's.

        id_tag is the token's uid: its card stops the transaction at the station. The same transaction_id twice is
        one start; the id of a reservation uses it, whoever's token it is, and one that nobody plugs in for leaves it
        held. Events of the transaction may be heard before this returns.
        """
        ...

    async def stop(self, transaction_id: str) -> None:
        """End the transaction (reason REMOTE). One that is already over is accepted without further effect."""
        ...

    async def pause_transfer(self, transaction_id: str) -> None:
        """Let no energy flow while the transaction goes on (UC3-4); one that is over or paused is left as it is.

        NOT_SUPPORTED by stations that can only end a transaction.
        """
        ...

    async def resume_transfer(self, transaction_id: str) -> None:
        """Let energy flow again after a pause; without one nothing changes.

        UNKNOWN_TRANSACTION where the transaction is over.
        """
        ...

    async def limit_power(self, transaction_id: str, limits: tuple[PowerLimit, ...]) -> None:
        """Keep to these limits in place of any before, in order of time; none at all lifts them.

        UNKNOWN_TRANSACTION where the transaction is over.
        """
        ...

    def power_bounds(self, transaction_id: str) -> PowerBounds:
        """What could flow at present; raises `NotFound` for a transaction that is not under way."""
        ...

    async def unlock(self, evse_uid: str, connector_id: str) -> None:
        """Open the station's lock on this connector; a transaction on it ends first (reason UNLOCKED).

        NOT_SUPPORTED for a cable fixed to the station: its lock is in the car. FAILED when the lock does not move.
        """
        ...

    async def reserve(
        self, evse_uid: str, reservation_id: str, *, until: datetime, id_tag: str, connector_id: str | None = None
    ) -> None:
        """Keep the EVSE for this token until then; the same reservation_id again replaces the reservation."""
        ...

    async def cancel_reservation(self, reservation_id: str) -> None:
        """Release the EVSE."""
        ...

    async def answer(self, evse_uid: str, verdict: str, *, accepted: bool) -> None:
        """Tell who has identified at the station what came of it: `verdict` is a word of `LocalOutcome`.

        A station that cannot be reached shows nothing; nothing is raised.
        """
        ...

    def reading(self, transaction_id: str) -> MeterReading:
        """The meter now, or at the end of a transaction that is over (the last one of each EVSE is remembered).

        Raises `NotFound` for a transaction that the station does not know (any more).
        """
        ...

    def evse_state(self, evse_uid: str) -> EvseState:
        """What the EVSE is doing; raises `NotFound` for an unknown one."""
        ...

    def subscribe(self, listener: Listener) -> None:
        """Hear every event from now on, each EVSE's in the order in which it reports them.

        Delivery is at least once: after a crash, events since the last one known to be safe come again, equal in every
        member. A listener that raises is called again with the same event, and later events wait.
        """
        ...
