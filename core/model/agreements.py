"""What two parties agree on where the texts leave room (IEC 63119-2, 5.4.6): here, how a session is priced.

References such as tar:923 are lines of the tariffs (tar) and CDRs (cdr) modules of OCPI 2.2.1, the only published text
on pricing; every default is a judgement of evroam where that text is silent or contradicts itself.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from core.model.money import RoundingMode


class AgreementReference(BaseModel):
    """The version of a signed agreement under which something was done."""

    model_config = ConfigDict(frozen=True)

    id: str
    version: int


class RoundingPlace(StrEnum):
    """What is rounded: nothing, the total alone, or every line before lines are summed."""

    NOTHING = "nothing"
    TOTAL = "total"
    LINES = "lines"


class Rounding(BaseModel):
    """Where, to how many decimals and which way amounts are rounded."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    place: RoundingPlace = RoundingPlace.TOTAL
    decimals: Annotated[int, Field(ge=0, le=12)] = 4
    mode: RoundingMode = RoundingMode.HALF_UP

    def __str__(self) -> str:
        return f"{self.place} to {self.decimals} decimals, {self.mode}"


class TimeSource(StrEnum):
    """RECONCILED: the volume, or the clock where the volume is only its rounding. VOLUME, CLOCK: that one alone.

    But for VOLUME, the clock also measures the periods of a record that gives no time at all.
    """

    RECONCILED = "reconciled"
    VOLUME = "volume"
    CLOCK = "clock"


class StepRounding(StrEnum):
    """AT_LEAST: the smallest multiple not below the quantity. GREATER: the smallest multiple above it."""

    AT_LEAST = "at_least"
    GREATER = "greater"


class TimeStep(StrEnum):
    """LAST: the dimension that was billed last is rounded. PARKING: parking time whenever there is any."""

    LAST = "last"
    PARKING = "parking"


class ReservationStep(StrEnum):
    """OWN: reserved time is rounded by itself. WITH_TIME: it counts as charging time and is rounded with it."""

    OWN = "own"
    WITH_TIME = "with_time"


class StepScope(StrEnum):
    """SESSION: the total of the session. LAST_TARIFF: the part under the last tariff."""

    SESSION = "session"
    LAST_TARIFF = "last_tariff"


class FlatFees(StrEnum):
    """How many flat fees a session pays: the first, the first of each tariff, or each that becomes active, once."""

    FIRST = "first"
    FIRST_OF_TARIFF = "first_of_tariff"
    EACH = "each"


class WindowDay(StrEnum):
    """MOMENT: the weekday and date of the moment. WINDOW_START: those on which the night's window began."""

    MOMENT = "moment"
    WINDOW_START = "window_start"


class EqualTimes(StrEnum):
    """What a window means whose end is its start."""

    WHOLE_DAY = "whole_day"
    NEVER = "never"


class MissingLimitWithTaxes(StrEnum):
    """UNLIMITED: the figure with taxes stays as it is. SAME_SHARE: it moves by the same factor as before taxes."""

    UNLIMITED = "unlimited"
    SAME_SHARE = "same_share"


class LimitScope(StrEnum):
    """EACH_PART: every tariff limits the part that it priced. FIRST_TARIFF: the first one limits the session."""

    EACH_PART = "each_part"
    FIRST_TARIFF = "first_tariff"


class DurationOrigin(StrEnum):
    """From which moment a session's duration counts."""

    CHARGING = "charging"
    RESERVATION = "reservation"


class Crossing(StrEnum):
    """START: the state at the start of the period holds for all of it. SPLIT: the period is divided in proportion."""

    START = "start"
    SPLIT = "split"


class UnusedReservation(StrEnum):
    """What a reservation without a session is taken for where the record does not say."""

    EXPIRED = "expired"
    CANCELLED = "cancelled"


class ExpiryFlat(StrEnum):
    """EXPIRY: the flat fee of expiry replaces that of reserving. BOTH: it comes on top."""

    EXPIRY = "expiry"
    BOTH = "both"


class UnnamedTariff(StrEnum):
    """ONLY_ONE: where no period names a tariff and there is one, it holds. NONE: such a period has no price."""

    ONLY_ONE = "only_one"
    NONE = "none"


class UnknownFlow(StrEnum):
    """How a bound on power or current is judged where the period does not give it.

    AVERAGE: by energy over time, and as not met where that cannot be computed. UNMET and MET: always so.
    """

    AVERAGE = "average"
    UNMET = "unmet"
    MET = "met"


class PricingOptions(BaseModel):
    """Every point on which a price depends and the text does not decide it; a field is the option's name."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    rounding: Rounding = Rounding()
    """The text refuses to say how prices are rounded (tar:269); its numbers have 4 decimals (types, `number`)."""

    time_source: TimeSource = TimeSource.RECONCILED
    """Time comes as hours with 4 decimals (cdr:410, 436), so 10 minutes read 0.1667 h, and the periods have timestamps
    as well (cdr:504); the text does not say which one prices."""

    step_rounding: StepRounding = StepRounding.AT_LEAST
    """A quantity that is a multiple of the step already: "greater than" (tar:923) against "rounded up to the next" and
    the examples (tar:938: 101 to 125 Wh cost the same), which are followed."""

    time_step: TimeStep = TimeStep.LAST
    """Charging after parking: "the last relevant component" (cdr:298, tar:1006) against "only the total parking
    duration" (cdr:314)."""

    reservation_step: ReservationStep = ReservationStep.OWN
    """Reserved time followed by charging time: both are priced by TIME components (tar:1060), but no text says whether
    they are one quantity for the step."""

    step_scope: StepScope = StepScope.SESSION
    """After a change of tariff the step of the former is dropped (cdr:300); whether the last one's step rounds the
    session's total (cdr:304) or only its own part is not said."""

    flat_fees: FlatFees = FlatFees.FIRST
    """Several FLAT components that become active in turn: a flat fee is "a fixed amount that has to be paid for any
    session" (tar:283), but no text says whether a second one is paid too."""

    window_day: WindowDay = WindowDay.MOMENT
    """A window over midnight together with a weekday or date: restrictions are a logical AND (tar:1071), no text says
    to which day the hours after midnight belong."""

    equal_times: EqualTimes = EqualTimes.WHOLE_DAY
    """start_time equal to end_time: only `end < start` is defined (tar:1083)."""

    missing_limit_with_taxes: MissingLimitWithTaxes = MissingLimitWithTaxes.UNLIMITED
    """A minimum or maximum price without its figure with taxes, which is optional (types, `Price`)."""

    limit_scope: LimitScope = LimitScope.EACH_PART
    """Minimum and maximum price of "a session with this tariff" (tar:282, 285) where two tariffs priced it."""

    limits_include_reservation: bool = True
    """Whether minimum and maximum price of a session cover the reservation before it, which is in its total cost."""

    limits_on_unused_reservation: bool = False
    """Whether they hold for a reservation that never became a session."""

    duration_origin: DurationOrigin = DurationOrigin.CHARGING
    """Minimum and maximum duration of "the session" (tar:1117) after a reservation, with which a CDR begins
    (cdr:327)."""

    crossing: Crossing = Crossing.SPLIT
    """A period in which another component becomes active: the operator has to start a new one (cdr:264); what it costs
    if he did not is not said. The text tells its own sessions without such cuts and prices them as if they had them
    (tar:962, 981, 1002), and a cut one second too early must not price all that follows otherwise."""

    unused_reservation: UnusedReservation = UnusedReservation.EXPIRED
    """A CDR does not say whether an unused reservation expired or was cancelled before."""

    expiry_flat: ExpiryFlat = ExpiryFlat.EXPIRY
    """FLAT components for both RESERVATION and RESERVATION_EXPIRES: only TIME is decided (tar:1030)."""

    unnamed_tariff: UnnamedTariff = UnnamedTariff.ONLY_ONE
    """A period without tariff_id has "no relevant tariff" (cdr:506); some operators never send it."""

    unknown_flow: UnknownFlow = UnknownFlow.AVERAGE
    """Bounds on power or current where the period has no such dimension: interpolation is the operator's business
    (cdr:276)."""

    def alternatives(self) -> Iterator[tuple[str, "PricingOptions"]]:
        """Every variant that differs in one option, as (name of the option, variant)."""
        for name in type(self).model_fields:
            chosen = getattr(self, name)
            for other in _choices(chosen):
                if other != chosen:
                    yield name, self.model_copy(update={name: other})


def _choices(chosen: bool | StrEnum | Rounding) -> tuple[object, ...]:
    if isinstance(chosen, Rounding):
        return _ROUNDINGS
    return (True, False) if isinstance(chosen, bool) else tuple(type(chosen))


_ROUNDINGS = (
    Rounding(place=RoundingPlace.TOTAL, decimals=2),
    Rounding(place=RoundingPlace.TOTAL, decimals=2, mode=RoundingMode.HALF_EVEN),
    Rounding(place=RoundingPlace.TOTAL, decimals=2, mode=RoundingMode.DOWN),
    Rounding(place=RoundingPlace.TOTAL, decimals=2, mode=RoundingMode.UP),
    Rounding(place=RoundingPlace.LINES, decimals=2),
    Rounding(place=RoundingPlace.LINES, decimals=2, mode=RoundingMode.HALF_EVEN),
    Rounding(place=RoundingPlace.LINES, decimals=4),
)
