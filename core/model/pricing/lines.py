"""Fourth step: money. A line for every component that priced something, its quantities summed before pricing."""

from decimal import Decimal

from core.model.agreements import Rounding, RoundingPlace
from core.model.money import rounded
from core.model.pricing.report import CostKind, Line
from core.model.pricing.selection import Use
from core.model.pricing.slices import HOUR_S
from core.model.pricing.taxes import net_and_gross, net_is_known
from core.model.tariffs import Dimension, Tariff


def lines_of(uses: tuple[Use, ...], extras: dict[int, Decimal], rounding: Rounding) -> tuple[Line, ...]:
    """The lines in the order in which their components first priced something."""
    groups: dict[tuple[int, int | None, Dimension], list[int]] = {}
    for index, use in enumerate(uses):
        if use.component:
            groups.setdefault((id(use.tariff), use.element, use.dimension), []).append(index)
    return tuple(_line(uses, group, extras, rounding) for group in groups.values())


def _line(uses: tuple[Use, ...], group: list[int], extras: dict[int, Decimal], rounding: Rounding) -> Line:
    first = uses[group[0]]
    assert first.component is not None and first.tariff is not None and first.element is not None
    quantity = sum((uses[index].quantity for index in group), Decimal(0))
    billed = quantity + sum((extras.get(index, Decimal(0)) for index in group), Decimal(0))
    net, gross = net_and_gross(first.component, billed, _units(first.dimension))
    if rounding.place is RoundingPlace.LINES:
        net, gross = (rounded(figure, rounding.decimals, rounding.mode) for figure in (net, gross))
    return Line(
        kind=_kind(first.tariff, first.element, first),
        dimension=first.dimension,
        tariff_id=first.tariff.id,
        element=first.element,
        unit_price=net_and_gross(first.component, Decimal(1))[0],
        step_size=first.component.step_size,
        quantity=quantity,
        billed=billed,
        net=net,
        vat_percent=first.component.vat_percent,
        vat=gross - net,
        gross=gross,
        net_is_known=net_is_known(first.component),
    )


def _units(dimension: Dimension) -> Decimal:
    """How many of the units in which a quantity is measured make one of those that are priced."""
    return HOUR_S if dimension in (Dimension.TIME, Dimension.PARKING_TIME) else Decimal(1)


def _kind(tariff: Tariff, element: int, use: Use) -> CostKind:
    if use.slice.reserved:
        return CostKind.RESERVATION
    if use.dimension is Dimension.FLAT:
        priced = {component.dimension for component in tariff.elements[element].components}
        only_parking = Dimension.PARKING_TIME in priced and not priced & {Dimension.ENERGY, Dimension.TIME}
        return CostKind.PARKING if only_parking else CostKind.FIXED
    return {
        Dimension.ENERGY: CostKind.ENERGY,
        Dimension.TIME: CostKind.TIME,
        Dimension.PARKING_TIME: CostKind.PARKING,
    }[use.dimension]
