"""What is measured during a service session: charging periods and their dimensions.

Sessions, SDRs and pricing share these values. Energy is in kWh, power in kW, current in A, time in hours: the units in
which partners exchange them, so that no digit is lost by conversion.
"""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class DimensionKind(StrEnum):
    """What a volume measures, each with its unit."""

    CURRENT = "CURRENT"
    """Average current over the period, ampere."""
    ENERGY = "ENERGY"
    """Energy that counts for the price: imported less exported, kWh."""
    ENERGY_EXPORT = "ENERGY_EXPORT"
    """Energy that the vehicle gave back, kWh."""
    ENERGY_IMPORT = "ENERGY_IMPORT"
    """Energy that the vehicle took, kWh."""
    MAX_CURRENT = "MAX_CURRENT"
    """Highest current over the period, summed over the phases, ampere."""
    MIN_CURRENT = "MIN_CURRENT"
    """Lowest current over the period, summed over the phases, ampere; negative towards the grid."""
    MAX_POWER = "MAX_POWER"
    """Highest power over the period, kW."""
    MIN_POWER = "MIN_POWER"
    """Lowest power over the period, kW."""
    PARKING_TIME = "PARKING_TIME"
    """Time in which the vehicle asks for no power, hours. Two editions of the text define it differently."""
    POWER = "POWER"
    """Average power over the period, kW."""
    RESERVATION_TIME = "RESERVATION_TIME"
    """Time for which the EV supply equipment was reserved and not yet used, hours."""
    STATE_OF_CHARGE = "STATE_OF_CHARGE"
    """State of charge of the battery at the end of the period, percent. Personal: shown with consent only."""
    TIME = "TIME"
    """Time charging, hours."""


class Dimension(BaseModel):
    """One measured volume of a period, in the unit of its kind."""

    model_config = ConfigDict(frozen=True)

    kind: DimensionKind
    volume: Decimal


class ChargingPeriod(BaseModel):
    """A stretch of a session in which nothing that bears on the price changed; it lasts until the next one starts.

    start: aware, UTC. tariff_id: the operator's tariff that holds for this period, where the partner names one.
    """

    model_config = ConfigDict(frozen=True)

    start: datetime
    dimensions: tuple[Dimension, ...]
    tariff_id: str | None = None

    def volume(self, kind: DimensionKind) -> Decimal:
        """The sum of this period's volumes of one kind, in its unit; zero where it has none."""
        return sum((one.volume for one in self.dimensions if one.kind is kind), Decimal(0))
