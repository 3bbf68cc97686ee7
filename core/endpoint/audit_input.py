"""A CDR as far as its price depends on it, whole or with only those members, in any version of OCPI.

The members tell which version it is: 2.3.0 has amounts `before_taxes`, and its tariffs say `tax_included`.

Tolerant where the price does not suffer: what identifies the parties, the token and the place may be missing, periods
may be out of order or without any volume, and a tariff may come without owner, id, currency, timestamp and step sizes
(the default is 1, cdr:425). Whether its prices are with taxes a tariff of 2.3.0 has to say.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, ValidationError

from core.endpoint.ocpi.audited_cdr import CDR
from core.endpoint.ocpi.codec import Codec
from core.endpoint.ocpi.reading import Json, JsonObject, parse
from core.endpoint.ocpi.shape import Fault, InvalidMember
from core.endpoint.ocpi.types import price_of
from core.endpoint.ocpi.v2_2_1 import audited_cdr as v2_2_1
from core.endpoint.ocpi.v2_2_1.tariffs import TARIFF as TARIFF_2_2_1
from core.endpoint.ocpi.v2_3_0 import audited_cdr as v2_3_0
from core.endpoint.ocpi.v2_3_0.tariffs import TARIFF as TARIFF_2_3_0
from core.errors import InvalidInput
from core.model.audit import Claims
from core.model.meter import ChargingPeriod, Dimension, DimensionKind
from core.model.pricing.measured import MeasuredSession
from core.model.pricing.report import CostKind
from core.model.tariffs import Tariff

_UNKNOWN_MOMENT_YEAR = 1970
_NO_OWNER: JsonObject = {"country_code": "ZZ", "party_id": "ZZZ", "last_updated": "1970-01-01T00:00:00Z"}
_HOURS_OF_A_YEAR = 366 * 24
_TIMES = (DimensionKind.TIME, DimensionKind.PARKING_TIME, DimensionKind.RESERVATION_TIME)


class AuditInput(BaseModel):
    """What an audit needs: tariffs and time zone are those that the record itself gives; it may give none."""

    model_config = ConfigDict(frozen=True)

    session: MeasuredSession
    tariffs: tuple[Tariff, ...]
    claims: Claims
    time_zone: str | None


def read_cdr(body: bytes | str, *, own_tariffs: bool = True) -> AuditInput:
    """Read a CDR, also one inside a response's `data`; raises Unreadable, or InvalidMember with the member's path.

    own_tariffs: whether its tariffs are read, which is not needed where it is priced with others.
    """
    value = _unwrapped(parse(body))
    is_new = isinstance(value, dict) and _is_2_3_0(value)
    cdr = (v2_3_0.CDR if is_new else v2_2_1.CDR).read(value)
    if faults := list(_faults(cdr)):
        raise InvalidMember(faults)
    assert isinstance(value, dict)  # reading has seen to it
    given = value.get("tariffs") if own_tariffs else None
    named = {period.tariff_id for period in cdr.charging_periods if period.tariff_id}
    return AuditInput(
        session=_session(cdr),
        tariffs=_tariffs(given if given is not None else [], "CDR.tariffs", named, cdr.currency, is_new=is_new),
        claims=_claims(cdr),
        time_zone=(cdr.cdr_location.time_zone or None) if cdr.cdr_location else None,
    )


def read_tariffs(body: bytes | str, currency: str | None = None) -> tuple[Tariff, ...]:
    """Read one tariff, a list of them, or either inside a response's `data`; `currency` where they do not say it."""
    value = parse(body)
    if isinstance(value, dict) and isinstance(value.get("data"), dict | list):
        value = value["data"]
    tariffs = _tariffs(value, "Tariff", set(), currency)
    if not tariffs:
        raise InvalidMember([Fault("Tariff", "there is none")])
    return tariffs


def price_with(given: tuple[Tariff, ...], cdr: AuditInput) -> AuditInput:
    """The same record with other tariffs; a single one prices every period that names any."""
    session = cdr.session
    if len(given) == 1:
        periods = tuple(
            period.model_copy(update={"tariff_id": period.tariff_id and given[0].id}) for period in session.periods
        )
        session = session.model_copy(update={"periods": periods})
    return cdr.model_copy(update={"tariffs": given, "session": session})


def read_time_zone(name: str) -> ZoneInfo:
    """A time zone of the tz database by its name."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise InvalidInput(
            f"“{name[:60]}” is not a time zone",
            code="unknown_time_zone",
            next_step="Give a name of the tz database, such as Europe/Amsterdam.",
        ) from None


def _is_2_3_0(cdr: JsonObject) -> bool:
    given = cdr.get("tariffs")
    tariffs = given if isinstance(given, list) else []
    costs = (member for name, member in cdr.items() if name.startswith("total_"))
    told = [*((cost, "before_taxes") for cost in costs), *((tariff, "tax_included") for tariff in tariffs)]
    return any(isinstance(member, dict) and name in member for member, name in told)


def _faults(cdr: CDR) -> Iterator[Fault]:
    if not cdr.charging_periods:
        yield Fault("CDR.charging_periods", "needs at least one")
    for index, period in enumerate(cdr.charging_periods):
        for place, one in enumerate(period.dimensions):
            if one.type in _TIMES and not 0 <= one.volume <= _HOURS_OF_A_YEAR:
                path = f"CDR.charging_periods[{index}].dimensions[{place}].volume"
                yield Fault(path, "a time may not be negative or longer than a year")


def _unwrapped(value: Json) -> Json:
    if isinstance(value, dict) and "charging_periods" not in value and isinstance(value.get("data"), dict | list):
        value = value["data"]
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _session(cdr: CDR) -> MeasuredSession:
    periods = tuple(
        ChargingPeriod(
            start=period.start_date_time,
            dimensions=tuple(Dimension(kind=DimensionKind(one.type), volume=one.volume) for one in period.dimensions),
            tariff_id=period.tariff_id,
        )
        for period in sorted(cdr.charging_periods, key=lambda period: period.start_date_time)
    )
    start, end = cdr.start_date_time, cdr.end_date_time
    if start.year == _UNKNOWN_MOMENT_YEAR:
        start = periods[0].start
    if end.year == _UNKNOWN_MOMENT_YEAR:
        end = _end_by_volume(periods[-1])
    try:
        return MeasuredSession(start=start, end=end, periods=periods)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]["msg"]
        raise InvalidMember([Fault("CDR.end_date_time", problem.removeprefix("Value error, "))]) from None


def _end_by_volume(last: ChargingPeriod) -> datetime:
    """A CDR may say 1970 where a moment is not known; then the volumes tell how long the last period was."""
    hours = sum(last.volume(kind) for kind in _TIMES)
    return (last.start + timedelta(hours=float(hours))).astimezone(UTC)


def _claims(cdr: CDR) -> Claims:
    costs = {
        CostKind.FIXED: cdr.total_fixed_cost,
        CostKind.ENERGY: cdr.total_energy_cost,
        CostKind.TIME: cdr.total_time_cost,
        CostKind.PARKING: cdr.total_parking_cost,
        CostKind.RESERVATION: cdr.total_reservation_cost,
    }
    return Claims(
        currency=cdr.currency,
        total=price_of(cdr.total_cost),
        costs={kind: claimed for kind, cost in costs.items() if (claimed := price_of(cost)) is not None},
        energy_kwh=cdr.total_energy,
        time_h=cdr.total_time,
        parking_h=cdr.total_parking_time,
        negated=bool(cdr.credit),
    )


def _tariffs(
    value: Json, path: str, named: set[str], currency: str | None, *, is_new: bool = False
) -> tuple[Tariff, ...]:
    many = isinstance(value, list)
    values = value if isinstance(value, list) else [value]
    only_name = next(iter(named)) if len(named) == 1 and len(values) == 1 else None
    return tuple(
        _tariff(one, f"{path}[{index}]" if many else path, only_name or str(index + 1), currency, is_new=is_new)
        for index, one in enumerate(values)
    )


def _tariff(value: Json, path: str, unnamed: str, currency: str | None, *, is_new: bool) -> Tariff:
    if not isinstance(value, dict):
        raise InvalidMember([Fault(path, "expected an object")])
    defaults: JsonObject = {**_NO_OWNER, "id": unnamed}
    if currency is not None:
        defaults["currency"] = currency
    present: JsonObject = {name: member for name, member in value.items() if member is not None}
    try:
        codec: Codec[Any, Tariff] = TARIFF_2_3_0 if is_new or "tax_included" in value else TARIFF_2_2_1
        tariff = codec.model(_with_steps({**defaults, **present}))
    except InvalidMember as error:
        raise InvalidMember(
            Fault(path + fault.path.removeprefix("Tariff"), fault.problem, fault.code) for fault in error.faults
        ) from None
    if not all(element.components for element in tariff.elements):
        raise InvalidMember([Fault(f"{path}.elements", "an element has no price component")])
    return tariff


def _with_steps(value: Json) -> Json:
    if isinstance(value, list):
        return [_with_steps(one) for one in value]
    if not isinstance(value, dict):
        return value
    filled = {name: _with_steps(member) for name, member in value.items()}
    return {**filled, "step_size": 1} if "price" in filled and filled.get("step_size") is None else filled
