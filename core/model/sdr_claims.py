"""What an SDR claims, as an audit sets it beside the computation."""

from core.model.audit import Claims
from core.model.pricing.report import CostKind
from core.model.sdr import Sdr, SdrKind


def claims_of(sdr: Sdr) -> Claims:
    """Costs, quantities and currency of an SDR."""
    cost = sdr.cost
    parts = {
        CostKind.FIXED: cost.fixed,
        CostKind.ENERGY: cost.energy,
        CostKind.TIME: cost.time,
        CostKind.PARKING: cost.parking,
        CostKind.RESERVATION: cost.reservation,
    }
    return Claims(
        currency=sdr.currency,
        total=cost.total,
        costs={kind: price for kind, price in parts.items() if price is not None},
        energy_kwh=sdr.total_energy,
        time_h=sdr.total_time,
        parking_h=sdr.total_parking_time,
        negated=sdr.kind is SdrKind.CREDIT,
    )
