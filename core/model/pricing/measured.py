"""What is priced: a session, or a reservation without one, as it was measured."""

from datetime import timedelta
from typing import Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, model_validator

from core.errors import InvalidInput
from core.model.agreements import PricingOptions, UnnamedTariff
from core.model.meter import ChargingPeriod
from core.model.tariffs import Tariff

_LONGEST = timedelta(days=366)


class MeasuredSession(BaseModel):
    """A session with its charging periods, in order of time, and the reservation before it.

    start, end: of the whole record, reservation included. Every period lasts until the next starts, the last until
    `end`. reservation_expired: whether a reservation that never became a session ran until its expiry; None where the
    record does not say.
    """

    model_config = ConfigDict(frozen=True)

    start: AwareDatetime
    end: AwareDatetime
    periods: tuple[ChargingPeriod, ...]
    reservation_expired: bool | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        starts = [period.start for period in self.periods]
        if starts != sorted(starts):
            raise ValueError("the charging periods are not in order of time")
        if self.end < max([self.start, *starts]):
            raise ValueError("the session ends before one of its charging periods starts")
        if self.end - min([self.start, *starts]) > _LONGEST or not 1970 <= self.start.year < 9000:
            raise ValueError("the session lasts longer than a year, or lies in no time of this world")
        return self


class TariffUnknown(InvalidInput):
    """A period names a tariff that is not among those given, or several are given and no period names one."""

    code = "tariff_unknown"


def tariffs_of_periods(
    session: MeasuredSession, tariffs: tuple[Tariff, ...], options: PricingOptions
) -> tuple[Tariff | None, ...]:
    """The tariff that holds in each period; None where none does. Ids are compared without case.

    Raises TariffUnknown where it cannot be told.
    """
    by_id = {tariff.id.lower(): tariff for tariff in reversed(tariffs)}
    named = [period.tariff_id for period in session.periods]
    if options.unnamed_tariff is UnnamedTariff.ONLY_ONE and not any(named):
        return (_only_one(session, tariffs),) * len(named)
    for index, name in enumerate(named):
        if name and name.lower() not in by_id:
            raise TariffUnknown(
                f"charging period {index + 1} names the tariff “{name}”, which is not among those given",
                next_step="Give that tariff, or price with another one explicitly.",
            )
    return tuple(by_id[name.lower()] if name else None for name in named)


def under(periods: tuple[ChargingPeriod, ...], tariffs: tuple[Tariff, ...]) -> tuple[ChargingPeriod, ...]:
    """The periods, each under one of these tariffs: what was frozen holds where a period names another one."""
    ids = {tariff.id.lower() for tariff in tariffs}
    return tuple(
        period
        if period.tariff_id is None or period.tariff_id.lower() in ids
        else period.model_copy(update={"tariff_id": tariffs[0].id})
        for period in periods
    )


def _only_one(session: MeasuredSession, tariffs: tuple[Tariff, ...]) -> Tariff | None:
    """The tariff of a session whose periods name none: the only one, of several the only one in force at its start."""
    candidates = tariffs if len(tariffs) < 2 else tuple(one for one in tariffs if one.valid_at(session.start))
    if tariffs and len(candidates) != 1:
        raise TariffUnknown(
            f"{len(tariffs)} tariffs are given, no charging period names one, and not exactly one was in force",
            next_step="Say which tariff holds for each charging period.",
        )
    return candidates[0] if candidates else None
