"""How a price came about: periods, lines, limits and totals."""

from collections.abc import Iterator
from decimal import Decimal
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict

from core.model.money import Amount, CurrencyCode, total_of
from core.model.pricing.restrictions import Unmet
from core.model.tariffs import Dimension


class CostKind(StrEnum):
    """Which partial total a line belongs to.

    Flat fees of parking and of reservations belong to those (cdr:346-353). A flat fee is one of parking where its
    element prices parking and neither energy nor charging [J].
    """

    FIXED = "fixed"
    ENERGY = "energy"
    TIME = "time"
    PARKING = "parking"
    RESERVATION = "reservation"


class PassedOver(BaseModel):
    """An element (by index) that has the dimension and did not apply, and the restriction that kept it out."""

    model_config = ConfigDict(frozen=True)

    element: int
    unmet: Unmet


class PricedUse(BaseModel):
    """A quantity of a period and what priced it; `element` None: nothing did, it costs nothing.

    quantity: kWh, seconds, or 1 for a flat fee. added: what the step added to it.
    """

    model_config = ConfigDict(frozen=True)

    dimension: Dimension
    reserved: bool
    quantity: Decimal
    added: Decimal
    tariff_id: str | None
    element: int | None
    passed_over: tuple[PassedOver, ...] = ()


class PricedPeriod(BaseModel):
    """A measured period and its uses."""

    model_config = ConfigDict(frozen=True)

    start: AwareDatetime
    end: AwareDatetime
    tariff_id: str | None
    uses: tuple[PricedUse, ...]


class Line(BaseModel):
    """All that one component priced.

    unit_price is per kWh, per hour, or per session before taxes; quantities are kWh, seconds, or 1. vat_percent None:
    no VAT applies. The amounts are unrounded unless the options round lines. net_is_known: false where the price is
    with taxes and names no rate; what stands before taxes then is the price with them.
    """

    model_config = ConfigDict(frozen=True)

    kind: CostKind
    dimension: Dimension
    tariff_id: str
    element: int
    unit_price: Decimal
    step_size: int
    quantity: Decimal
    billed: Decimal
    net: Decimal
    vat_percent: Decimal | None
    vat: Decimal
    gross: Decimal
    net_is_known: bool = True

    @property
    def amount(self) -> Amount:
        """Net and gross."""
        return Amount(before_taxes=self.net, with_taxes=self.gross)


class LimitKind(StrEnum):
    """Which limit of a tariff moved a figure."""

    MIN_PRICE = "min_price"
    MAX_PRICE = "max_price"


class AppliedLimit(BaseModel):
    """A minimum or maximum price that moved a figure; `change` is what was added to the sum of the lines."""

    model_config = ConfigDict(frozen=True)

    kind: LimitKind
    tariff_id: str
    change: Amount


class NoticeCode(StrEnum):
    """What a reader of the report has to know beside the figures."""

    TARIFF_NEVER_APPLIES = "tariff_never_applies"
    TARIFF_NOT_IN_FORCE = "tariff_not_in_force"
    PERIOD_WITHOUT_TARIFF = "period_without_tariff"
    PERIOD_CROSSES_BOUNDARY = "period_crosses_boundary"
    NO_LIMIT_WITH_TAXES = "no_limit_with_taxes"


class Notice(BaseModel):
    """A notice with the tariff or the period (index) that it concerns, and a sentence."""

    model_config = ConfigDict(frozen=True)

    code: NoticeCode
    message: str
    tariff_id: str | None = None
    period: int | None = None


class PriceFigures(BaseModel):
    """The price of a session: the lines, their sum, and the total after limits and rounding."""

    model_config = ConfigDict(frozen=True)

    lines: tuple[Line, ...]
    limits: tuple[AppliedLimit, ...]
    subtotal: Amount
    total: Amount

    @property
    def net_is_known(self) -> bool:
        """Whether the figures before taxes can be told."""
        return all(line.net_is_known for line in self.lines)

    def total_of_kind(self, kind: CostKind) -> Amount:
        """The sum of the lines of one kind, before limits, unrounded unless the options round lines."""
        return total_of([line.amount for line in self.lines if line.kind is kind])


class PriceReport(PriceFigures):
    """The price of a session and how it came about."""

    currency: CurrencyCode
    periods: tuple[PricedPeriod, ...]
    notices: tuple[Notice, ...] = ()

    @property
    def energy(self) -> Decimal:
        """The energy of the session in kWh, priced or not, before steps."""
        return sum((use.quantity for use in self._uses() if use.dimension is Dimension.ENERGY), Decimal(0))

    @property
    def only_reserved(self) -> bool:
        """Whether this is the price of a reservation that never became a session."""
        uses = list(self._uses())
        return bool(uses) and all(use.reserved for use in uses)

    def _uses(self) -> Iterator[PricedUse]:
        return (use for period in self.periods for use in period.uses)
