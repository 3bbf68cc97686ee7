"""The condition of a simulated site at a moment: values that can be written down and read back."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from core.errors import InvalidInput
from core.simulation.car import Battery, Car, Supply, charge_parts_per_million, pack_voltage
from core.simulation.faults import NO_FAULTS, Faults
from core.simulation.station import ConnectorSpec, EvseSpec, SiteSpec
from core.simulation.units import WATT_HOUR, kilowatt_hours, to_datetime
from core.visited_cso.equipment import EquipmentEvent, EvseState, MeterReading


@dataclass(frozen=True)
class PluggedCar:
    """A car with its cable in a connector; served once a transaction of its own is over."""

    car: Car
    battery: Battery
    connector_id: str
    served: bool = False


@dataclass(frozen=True)
class Transaction:
    """An accepted start and what became of it; moments in µs, register in µJ, power in W.

    started_at None: the station waits for the cable. flowing_since None: no energy flows. The power holds until
    `recheck_at` or until something happens. paused: by command, until it is taken back. limits: moments from which no
    more than so many watts may flow, in order of time.
    """

    id: str
    id_tag: str
    connector_id: str | None
    accepted_at: int
    started_at: int | None = None
    start_register: int = 0
    flows_from: int = 0
    flowing_since: int | None = None
    power: int = 0
    recheck_at: int | None = None
    suspended_by: Literal["ev", "evse", "remote"] | None = None
    paused: bool = False
    limits: tuple[tuple[int, int], ...] = ()

    def limit_at(self, moment: int) -> int | None:
        """Watts that may flow at a moment, None where there is no limit."""
        return next((watts for start, watts in reversed(self.limits) if start <= moment), None)


@dataclass(frozen=True)
class Remembered:
    """A transaction with the meter as it last was for it."""

    id: str
    id_tag: str
    reading: MeterReading


@dataclass(frozen=True)
class Reservation:
    """The EVSE is kept for one token until a moment (µs)."""

    id: str
    id_tag: str
    until: int


@dataclass(frozen=True)
class Arrival:
    """A driver who is about to plug in (moment in µs)."""

    at: int
    plugged: PluggedCar


@dataclass(frozen=True)
class Evse:
    """One EVSE: meter register in µJ, moments in µs.

    withheld: reports that wait because the station is not heard. finished: the last transaction that
    is over. last_heard: the one that was under way when the station fell silent.
    """

    register: int
    plugged: PluggedCar | None = None
    transaction: Transaction | None = None
    finished: Remembered | None = None
    reservation: Reservation | None = None
    locked: bool = False
    faults: Faults = NO_FAULTS
    arrival: Arrival | None = None
    leaves_at: int | None = None
    withheld: tuple[Annotated[EquipmentEvent, Field(discriminator="kind")], ...] = ()
    last_heard: Remembered | None = None


@dataclass(frozen=True)
class SiteState:
    """All EVSEs of a site at one moment (µs), by uid. power_limit: W for the time being, beside that of its build."""

    moment: int
    equipment: dict[str, Evse]
    power_limit: int | None = None


_JSON = TypeAdapter(SiteState)


def new_site(site: SiteSpec, moment: int) -> SiteState:
    """A site at which nothing has happened yet."""
    return SiteState(moment, {one.uid: _new_evse(one) for one in site.equipment})


def _new_evse(spec: EvseSpec) -> Evse:
    return Evse(register=spec.meter_start * WATT_HOUR // 10)


def to_json(state: SiteState) -> str:
    """The state as JSON text."""
    return _JSON.dump_json(state).decode()


def from_json(site: SiteSpec, text: str) -> SiteState:
    """The state that was written, with equipment that the site no longer has left out and new equipment added.

    Raises `InvalidInput` for what is no such text.
    """
    try:
        state = _JSON.validate_json(text)
    except ValidationError as error:
        raise InvalidInput(f"the stored state of site {site.key} cannot be read: {error}") from error
    return replace(state, equipment={one.uid: state.equipment.get(one.uid) or _new_evse(one) for one in site.equipment})


def seen_connector(spec: EvseSpec, evse: Evse) -> ConnectorSpec | None:
    """The connector in which the station sees a cable."""
    if evse.plugged is None or evse.faults.cable_not_seen:
        return None
    return spec.connector(evse.plugged.connector_id)


def supply_of(spec: EvseSpec, plugged: PluggedCar) -> Supply:
    """What the connector in use can give."""
    connector = spec.connector(plugged.connector_id) or spec.connectors[0]
    return connector.supply


def session_energy(evse: Evse) -> Decimal:
    """Growth of the register since the transaction under way started, kWh."""
    transaction = evse.transaction
    if transaction is None or transaction.started_at is None:
        return Decimal("0.0000")
    return kilowatt_hours(evse.register) - kilowatt_hours(transaction.start_register)


def reading_of(spec: EvseSpec, evse: Evse, moment: int) -> MeterReading:
    """What the meter says of the transaction under way."""
    power = evse.transaction.power if evse.transaction else 0
    current, voltage, soc = Decimal(0), Decimal(0), None
    if evse.plugged is not None and evse.transaction is not None and evse.transaction.started_at is not None:
        car, battery, supply = evse.plugged.car, evse.plugged.battery, supply_of(spec, evse.plugged)
        volts = pack_voltage(car, battery, supply) if supply.is_dc else supply.voltage
        conductors = 1 if supply.is_dc else min(car.ac_phases, supply.phases)
        current = Decimal(power * 10 // (volts * conductors)).scaleb(-1)
        voltage = Decimal(volts)
        soc = Decimal(charge_parts_per_million(car, battery) // 1000).scaleb(-1) if supply.is_dc else None
    return MeterReading(
        to_datetime(moment), kilowatt_hours(evse.register), session_energy(evse), power, current, voltage, soc
    )


def reported_state(spec: EvseSpec, evse: Evse) -> EvseState:
    """The EVSE's state as the visited-CSO knows it."""
    transaction = evse.transaction
    if evse.faults.silent:
        return EvseState.OFFLINE
    if evse.faults.out_of_order:
        return EvseState.FAULTED
    if transaction is not None:
        if transaction.flowing_since is not None:
            return EvseState.CHARGING
        return _SUSPENDED[transaction.suspended_by] if transaction.suspended_by else EvseState.PREPARING
    if evse.plugged is not None and seen_connector(spec, evse) is not None:
        return EvseState.FINISHING if evse.plugged.served else EvseState.PREPARING
    return EvseState.RESERVED if evse.reservation is not None else EvseState.AVAILABLE


_SUSPENDED = {"ev": EvseState.SUSPENDED_EV, "evse": EvseState.SUSPENDED_EVSE, "remote": EvseState.SUSPENDED_EVSE}
