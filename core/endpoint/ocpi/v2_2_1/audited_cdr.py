"""A CDR of OCPI 2.2.1 as far as its price depends on it."""

from core.endpoint.ocpi import audited_cdr
from core.endpoint.ocpi.v2_2_1.types import Price


class CDR(audited_cdr.CDR):
    """The members of a CDR that bear on its price."""

    total_cost: Price | None = None
    total_fixed_cost: Price | None = None
    total_energy_cost: Price | None = None
    total_time_cost: Price | None = None
    total_parking_cost: Price | None = None
    total_reservation_cost: Price | None = None
