"""A CDR as far as its price depends on it: the shapes, which claim less than those of whole CDRs."""

from typing import Annotated

from core.endpoint.ocpi.kinds import CiString, Closed, Digits, Moment, Text, YesNo
from core.endpoint.ocpi.shape import Shape
from core.endpoint.ocpi.types import AnyPrice
from core.model.meter import DimensionKind


class CdrDimension(Shape):
    """A measured volume."""

    type: Annotated[str, Closed(tuple(kind.value for kind in DimensionKind))]
    volume: Digits


class ChargingPeriodShape(Shape):
    """A measured period."""

    start_date_time: Moment
    dimensions: tuple[CdrDimension, ...] = ()
    tariff_id: Annotated[str, CiString(36)] | None = None


class CdrLocation(Shape):
    """The place; its time zone is no member of it, and some operators send it."""

    time_zone: Annotated[str, Text(255)] | None = None


class CDR(Shape):
    """The members of a CDR that bear on its price; the versions have amounts of their own."""

    start_date_time: Moment
    end_date_time: Moment
    currency: Annotated[str, Text(3)] | None = None
    cdr_location: CdrLocation | None = None
    charging_periods: tuple[ChargingPeriodShape, ...]
    total_cost: AnyPrice | None = None
    total_fixed_cost: AnyPrice | None = None
    total_energy: Digits | None = None
    total_energy_cost: AnyPrice | None = None
    total_time: Digits | None = None
    total_time_cost: AnyPrice | None = None
    total_parking_time: Digits | None = None
    total_parking_cost: AnyPrice | None = None
    total_reservation_cost: AnyPrice | None = None
    credit: YesNo | None = None
