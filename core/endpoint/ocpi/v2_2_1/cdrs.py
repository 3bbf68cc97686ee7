"""CDRs of OCPI 2.2.1."""

from core.endpoint.ocpi import cdrs
from core.endpoint.ocpi.v2_2_1.locations import ConnectorType
from core.endpoint.ocpi.v2_2_1.sessions import CdrToken
from core.endpoint.ocpi.v2_2_1.tariffs import Tariff
from core.endpoint.ocpi.v2_2_1.types import Price


class CdrLocation(cdrs.CdrLocation):
    """Where the session took place."""

    connector_standard: ConnectorType


class CDR(cdrs.CDR):
    """A charge detail record; immutable once it is sent."""

    cdr_token: CdrToken
    cdr_location: CdrLocation
    tariffs: tuple[Tariff, ...] = ()
    total_cost: Price
    total_fixed_cost: Price | None = None
    total_energy_cost: Price | None = None
    total_time_cost: Price | None = None
    total_parking_cost: Price | None = None
    total_reservation_cost: Price | None = None
