"""What a simulated site consists of, and how it follows from the site that the visited-CSO publishes."""

from dataclasses import dataclass
from zlib import crc32

from core.model.connector_power import capacity, phases, volts
from core.model.sites import Connector, ConnectorFormat, EvSupplyEquipment, Site
from core.simulation.car import Supply


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
    ac_phases = phases(connector)
    current = max(connector.max_current, 1)
    return ConnectorSpec(
        id=connector.id,
        supply=Supply(ac_phases, volts(connector), current, capacity(connector)),
        is_socket=connector.format is ConnectorFormat.SOCKET,
        handshake=4 if ac_phases else 18,
    )
