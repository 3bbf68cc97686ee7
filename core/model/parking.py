"""Where a vehicle stands while it charges."""

from decimal import Decimal

from pydantic import BaseModel, ConfigDict

from core.model.images import Image


class ParkingPlace(BaseModel):
    """A parking place of a site, or the limits for parking near it; `id` is unique within the site. None: not told.

    vehicle_types: for which it is made, in the operator's words; whether others may stand there, only_these_types
    tells. time_limit_min: minutes after which a vehicle must be gone. standards: that it conforms to. apds_reference:
    its element in the data of the Alliance for Parking Data Standards.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    physical_reference: str | None = None
    vehicle_types: tuple[str, ...]
    max_weight_kg: Decimal | None = None
    max_height_cm: Decimal | None = None
    max_length_cm: Decimal | None = None
    max_width_cm: Decimal | None = None
    length_cm: Decimal | None = None
    width_cm: Decimal | None = None
    dangerous_goods_allowed: bool | None = None
    direction: str | None = None
    drive_through: bool | None = None
    only_these_types: bool
    reservation_required: bool
    time_limit_min: Decimal | None = None
    roofed: bool | None = None
    images: tuple[Image, ...] = ()
    lit: bool | None = None
    refrigeration_outlet: bool | None = None
    standards: tuple[str, ...] = ()
    apds_reference: str | None = None


class ParkingReference(BaseModel):
    """A parking place at which EV supply equipment can be used, and on which side of it the equipment stands."""

    model_config = ConfigDict(frozen=True)

    place_id: str
    position: str | None = None
