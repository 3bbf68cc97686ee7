"""What a simulated site consists of, and how it follows from the site that the visited-CSO publishes."""

from dataclasses import dataclass
from zlib import crc32

from core.model.sites import Connector, ConnectorFormat, EvSupplyEquipment, PowerType, Site
from core.simulation.car import Supply

_PHASES = {
    PowerType.AC_1_PHASE: 1,
    PowerType.AC_2_PHASE: 2,
    PowerType.AC_2_PHASE_SPLIT: 2,
    PowerType.AC_3_PHASE: 3,
    PowerType.DC: 0,
}
_LINE_TO_LINE_FROM = 300


@dataclass(frozen=True)
class ConnectorSpec:
    """A connector: what it can give, and whether it is a socket-outlet that locks the driver's own cable.

    handshake: seconds from cable and start to the first energy.
    """

    id: str
    supply: Supply
    is_socket: bool
    handshake: int


@dataclass(frozen=True)
class Drivers:
    """What drivers do by themselves, in seconds; None means that they wait to be told.

    auto_plug_after: a driver plugs in so long after a start without a cable. auto_unplug_after: and leaves so long
    after the transaction.
    """

    auto_plug_after: int | None = None
    auto_unplug_after: int | None = None


@dataclass(frozen=True)
class EvseSpec:
    """EV supply equipment; times in seconds, meter_start is the register when new in 0.1 Wh.

    connection_timeout: how long a start waits for a cable. meter_interval: between two periodic readings, on whole
    multiples since 1970.
    """

    uid: str
    connectors: tuple[ConnectorSpec, ...]
    meter_start: int = 0
    connection_timeout: int = 60
    meter_interval: int = 60
    drivers: Drivers = Drivers()

    def connector(self, connector_id: str) -> ConnectorSpec | None:
        """The connector with this id, or None."""
        return next((one for one in self.connectors if one.id == connector_id), None)


@dataclass(frozen=True)
class SiteSpec:
    """A site: its EV supply equipment and the watts that all of it may draw together (None: as much as it likes)."""

    key: str
    equipment: tuple[EvseSpec, ...]
    power_limit: int | None = None


def simulate_site(
    site: Site, *, power_limit: int | None = None, drivers: Drivers = Drivers(), connection_timeout: int = 60
) -> SiteSpec:
    """The simulated counterpart of a published site; power_limit in W, connection_timeout in seconds.

    Handshakes take 4 s on AC and 18 s on DC [J]. Registers start at a figure of their own, as grown meters do.
    """
    equipment = tuple(
        _evse(one, drivers=drivers, connection_timeout=connection_timeout) for one in site.equipment if one.connectors
    )
    return SiteSpec(f"{site.country_code}-{site.party_id}-{site.id}", equipment, power_limit)


def _evse(equipment: EvSupplyEquipment, *, drivers: Drivers, connection_timeout: int) -> EvseSpec:
    connectors = tuple(_connector(one) for one in equipment.connectors)
    return EvseSpec(
        uid=equipment.uid,
        connectors=connectors,
        meter_start=crc32(equipment.uid.encode()) % 500_000_000,
        connection_timeout=connection_timeout,
        drivers=drivers,
    )


def _connector(connector: Connector) -> ConnectorSpec:
    phases = _PHASES[connector.power_type]
    voltage = max(connector.max_voltage, 1)
    if phases == 3 and voltage > _LINE_TO_LINE_FROM:
        # Many sites publish the 400 V between two phases instead of the 230 V between phase and neutral.
        voltage = voltage * 1000 // 1732
    current = max(connector.max_current, 1)
    by_current = max(phases, 1) * voltage * current
    power = min(connector.max_power or by_current, by_current)
    return ConnectorSpec(
        id=connector.id,
        supply=Supply(phases, voltage, current, power),
        is_socket=connector.format is ConnectorFormat.SOCKET,
        handshake=4 if phases else 18,
    )
