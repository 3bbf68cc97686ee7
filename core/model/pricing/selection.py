"""Second step: for every slice and dimension the first element that applies and has a component (tar:252, tar:1039)."""

from dataclasses import dataclass
from decimal import Decimal

from core.model.agreements import ExpiryFlat, FlatFees, PricingOptions
from core.model.pricing.restrictions import Unmet, unmet
from core.model.pricing.slices import Slice
from core.model.tariffs import Dimension, PriceComponent, ReservationCase, Tariff

ONE_SESSION = Decimal(1)


@dataclass(frozen=True, slots=True)
class Use:
    """A quantity that a component prices, or that none does (component None): kWh, seconds, or 1 for a flat fee.

    element: the element's index in the tariff. passed_over: the elements before it that have the dimension and did not
    apply, each with the restriction that kept it out.
    """

    slice: Slice
    dimension: Dimension
    quantity: Decimal
    tariff: Tariff | None
    element: int | None = None
    component: PriceComponent | None = None
    passed_over: tuple[tuple[int, Unmet], ...] = ()


def select(
    parts: tuple[Slice, ...],
    tariffs: tuple[Tariff | None, ...],
    *,
    expired: bool,
    options: PricingOptions,
) -> tuple[Use, ...]:
    """The uses of all slices in order of time; `tariffs` holds the tariff of every measured period."""
    found: list[Use] = []
    paid: set[tuple[object, ...]] = set()
    for part in parts:
        tariff = tariffs[part.period]
        cases = _cases(part, expired)
        flats = [_first(part, Dimension.FLAT, ONE_SESSION, tariff, cases, options)]
        if options.expiry_flat is ExpiryFlat.BOTH and len(cases) > 1:
            flats = [_first(part, Dimension.FLAT, ONE_SESSION, tariff, (case,), options) for case in cases]
        for flat in flats:
            fee = _fee(flat, options)
            if flat.component and fee not in paid:
                paid.add(fee)
                found.append(flat)
        found.extend(
            _first(part, dimension, quantity, tariff, cases, options) for dimension, quantity in part.quantities.items()
        )
    return tuple(found)


def _cases(part: Slice, expired: bool) -> tuple[ReservationCase | None, ...]:
    """Which elements may price the slice; those of expiry win against those of the reservation (tar:1030)."""
    if not part.reserved:
        return (None,)
    if expired:
        return (ReservationCase.RESERVATION_EXPIRES, ReservationCase.RESERVATION)
    return (ReservationCase.RESERVATION,)


def _first(
    part: Slice,
    dimension: Dimension,
    quantity: Decimal,
    tariff: Tariff | None,
    cases: tuple[ReservationCase | None, ...],
    options: PricingOptions,
) -> Use:
    passed_over: list[tuple[int, Unmet]] = []
    for case in cases if tariff else ():
        assert tariff is not None
        for index, element in enumerate(tariff.elements):
            component = element.component(dimension)
            if component is None or element.restrictions.reservation is not case:
                continue
            failed = unmet(element.restrictions, part, options)
            if failed is None:
                return Use(part, dimension, quantity, tariff, index, component, tuple(passed_over))
            passed_over.append((index, failed))
    return Use(part, dimension, quantity, tariff, passed_over=tuple(passed_over))


def _fee(flat: Use, options: PricingOptions) -> tuple[object, ...]:
    """What is paid once: reserving and charging pay a fee each (tar:757), and further ones as the options say."""
    purpose: tuple[object, ...] = (flat.slice.reserved,)
    if options.expiry_flat is ExpiryFlat.BOTH and flat.tariff and flat.element is not None:
        purpose += (flat.tariff.elements[flat.element].restrictions.reservation,)
    if options.flat_fees is FlatFees.FIRST:
        return purpose
    if options.flat_fees is FlatFees.FIRST_OF_TARIFF:
        return (*purpose, id(flat.tariff))
    return (*purpose, id(flat.tariff), flat.element)
