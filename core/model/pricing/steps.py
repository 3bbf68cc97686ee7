"""Third step: quantities are billed in blocks, once a session for energy and once for time (cdr:281-317)."""

from decimal import ROUND_FLOOR, Decimal

from core.model.agreements import PricingOptions, ReservationStep, StepRounding, StepScope, TimeStep
from core.model.pricing.selection import Use
from core.model.tariffs import Dimension

KWH_PER_WH = Decimal("0.001")
_SECOND = Decimal(1)


def billed_extras(uses: tuple[Use, ...], options: PricingOptions) -> dict[int, Decimal]:
    """What the blocks add, by index of the use that bears it, in the unit of its quantity.

    The step of the last priced use of a group rounds the group's total, and the difference is added to that use. The
    groups: energy; charging and parking time, of which only the dimension that was billed last is rounded; and reserved
    time. What no component prices does not count.
    """
    priced = [index for index, use in enumerate(uses) if use.component and use.quantity]
    energy = [index for index in priced if uses[index].dimension is Dimension.ENERGY]
    shared = options.reservation_step is ReservationStep.WITH_TIME
    times = [
        index
        for index in priced
        if uses[index].dimension in (Dimension.TIME, Dimension.PARKING_TIME)
        and (shared or not uses[index].slice.reserved)
    ]
    reserved = [] if shared else [i for i in priced if uses[i].slice.reserved and uses[i].dimension is Dimension.TIME]
    extras: dict[int, Decimal] = {}
    for group in (energy, _of_last_dimension(uses, times, options), reserved):
        if group and (extra := _extra(uses, group, options)):
            extras[group[-1]] = extra
    return extras


def in_steps(quantity: Decimal, step: Decimal, rounding: StepRounding) -> Decimal:
    """The quantity in whole steps; a step of nothing leaves it as it is."""
    if not step:
        return quantity
    steps = (quantity / step).to_integral_value(rounding=ROUND_FLOOR)
    exact = steps * step == quantity
    return quantity if exact and rounding is StepRounding.AT_LEAST else (steps + 1) * step


def _of_last_dimension(uses: tuple[Use, ...], times: list[int], options: PricingOptions) -> list[int]:
    parking = [index for index in times if uses[index].dimension is Dimension.PARKING_TIME]
    if not times or (options.time_step is TimeStep.PARKING and parking):
        return parking
    return [index for index in times if uses[index].dimension is uses[times[-1]].dimension]


def _extra(uses: tuple[Use, ...], group: list[int], options: PricingOptions) -> Decimal:
    last = uses[group[-1]]
    assert last.component is not None
    if options.step_scope is StepScope.LAST_TARIFF:
        group = [index for index in group if uses[index].tariff is last.tariff]
    total = sum((uses[index].quantity for index in group), Decimal(0))
    unit = KWH_PER_WH if last.dimension is Dimension.ENERGY else _SECOND
    return in_steps(total, last.component.step_size * unit, options.step_rounding) - total if total > 0 else Decimal(0)
