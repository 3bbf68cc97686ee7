"""A tariff's rows as the tariff card shows them: operator's prices and the home-CSP's own fees, taxes included."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal

from babel import Locale
from babel.dates import get_day_names

from app.text import Text
from app.widgets.tariff_card import PricePart, TariffCardValues, TariffRow
from core.driver_messages import ConnectorView
from core.model.price_list import FeeKind, OwnFee
from core.model.tariff_description import Condition, ConditionKind, Row, RowKind
from core.model.tariffs import Weekday

_PARTS: dict[RowKind, tuple[PricePart, str]] = {
    RowKind.PER_KWH: (PricePart.KWH, ""),
    RowKind.PER_MINUTE: (PricePart.MINUTE, ""),
    RowKind.PER_MINUTE_PARKED: (PricePart.MINUTE, "tariff.standing"),
    RowKind.PER_SESSION: (PricePart.SESSION, ""),
    RowKind.RESERVATION: (PricePart.OTHER, "tariff.reservation"),
    RowKind.RESERVATION_PER_MINUTE: (PricePart.OTHER, "tariff.reservation_minute"),
    RowKind.EXPIRED_RESERVATION: (PricePart.OTHER, "tariff.expired_reservation"),
    RowKind.EXPIRED_RESERVATION_PER_MINUTE: (PricePart.OTHER, "tariff.expired_reservation_minute"),
    RowKind.MINIMUM: (PricePart.OTHER, "tariff.minimum"),
    RowKind.MAXIMUM: (PricePart.OTHER, "tariff.maximum"),
}
_BY_TIME = {RowKind.PER_MINUTE, RowKind.PER_MINUTE_PARKED, RowKind.RESERVATION_PER_MINUTE}
_PERCENT = Decimal(100)


def tariff_values(connector: ConnectorView, operator: str, home_csp: str, text: Text) -> TariffCardValues:
    """The card of a connector's price."""
    taxed = all(row.with_taxes is not None for row in connector.operator_rows)
    rows = [_row(row, taxed, text) for row in connector.operator_rows]
    rows += [_fee(fee, text) for fee in connector.fees]
    return TariffCardValues(operator, home_csp, connector.currency, tuple(rows), _note(connector, taxed, text))


def short_price(connector: ConnectorView, text: Text) -> str:
    """The operator's price for energy, from least to most, else its first price: what a list has room for."""
    rows = connector.operator_rows
    if not rows:
        return text.say("site.no_price")
    energy = [row for row in rows if row.kind is RowKind.PER_KWH] or [rows[0]]
    part, _ = _PARTS[energy[0].kind]
    amounts = sorted({row.before_taxes if row.with_taxes is None else row.with_taxes for row in energy})
    unit = part.value.strip() if part is not PricePart.SESSION else text.say("unit.session")
    most = text.unit_price(amounts[-1], connector.currency, unit)
    if len(amounts) == 1:
        return most
    return text.say("tariff.when.between", lower=text.unit_price(amounts[0], connector.currency), upper=most)


def _row(row: Row, taxed: bool, text: Text) -> TariffRow:
    part, label = _PARTS[row.kind]
    amount = row.with_taxes if taxed and row.with_taxes is not None else row.before_taxes
    words = [_condition(one, text) for one in row.conditions]
    if row.step > 1:
        unit = text.say("unit.second") if row.kind in _BY_TIME else "Wh"
        words.append(text.say("tariff.step", step=f"{text.number(row.step)} {unit}"))
    return TariffRow(part, operator=amount, label=text.say(label) if label else "", remark=" · ".join(words))


def _fee(fee: OwnFee, text: Text) -> TariffRow:
    label = next((one.text for one in fee.names if one.language == text.language), "")
    if fee.kind is FeeKind.PERCENT:
        share = text.say("tariff.fee_percent", percent=text.vat_rate(fee.amount))
        return TariffRow(PricePart.OTHER, home_csp=None, label=label or text.say("tariff.roaming_fee"), remark=share)
    amount = fee.amount * (_PERCENT + (fee.vat_percent or 0)) / _PERCENT
    if fee.kind is FeeKind.PER_KWH:
        return TariffRow(PricePart.KWH, home_csp=amount, label=label or text.say("tariff.roaming_fee"))
    return TariffRow(PricePart.SESSION, home_csp=amount, label=label or text.say("tariff.roaming_fee"))


def _note(connector: ConnectorView, taxed: bool, text: Text) -> str:
    if not connector.operator_rows:
        return text.say("tariff.unknown")
    if not taxed:
        return text.say("tariff.before_taxes")
    rates = {row.vat_percent for row in connector.operator_rows if row.vat_percent}
    rates |= {fee.vat_percent for fee in connector.fees if fee.vat_percent}
    return text.say("tariff.vat_included", rate=" / ".join(text.vat_rate(rate) for rate in sorted(rates))) * bool(rates)


def _condition(condition: Condition, text: Text) -> str:
    if condition.kind is ConditionKind.OTHERWISE:
        return text.say("tariff.when.otherwise")
    if condition.kind is ConditionKind.WEEKDAYS:
        return _weekdays(condition.days, text)
    write = _WRITERS[condition.kind]
    lower = None if condition.lower is None else write(condition.lower, text)
    upper = None if condition.upper is None else write(condition.upper, text)
    if condition.kind is ConditionKind.DURATION and upper is None and isinstance(condition.lower, Decimal):
        return text.say("tariff.from_minute", minute=condition.lower.normalize() + 0)
    words = _range(lower, upper, text)
    return text.say("tariff.when.duration", range=words) if condition.kind is ConditionKind.DURATION else words


def _range(lower: str | None, upper: str | None, text: Text) -> str:
    if lower is not None and upper is not None:
        return text.say("tariff.when.between", lower=lower, upper=upper)
    if lower is not None:
        return text.say("tariff.when.from", lower=lower)
    return text.say("tariff.when.until", upper=upper or "")


def _number(unit: str) -> Callable[[Decimal | time | date, Text], str]:
    def write(bound: Decimal | time | date, text: Text) -> str:
        assert isinstance(bound, Decimal)
        whole = bound.to_integral_value()
        return f"{text.number(whole if bound == whole else bound)}{unit}"

    return write


def _time(bound: Decimal | time | date, text: Text) -> str:
    assert isinstance(bound, time)
    return bound.strftime("%H:%M")


def _date(bound: Decimal | time | date, text: Text) -> str:
    assert isinstance(bound, date)
    return text.date(datetime(bound.year, bound.month, bound.day, tzinfo=UTC), UTC)


_WRITERS: dict[ConditionKind, Callable[[Decimal | time | date, Text], str]] = {
    ConditionKind.TIME_OF_DAY: _time,
    ConditionKind.DATE: _date,
    ConditionKind.ENERGY: _number(" kWh"),
    ConditionKind.CURRENT: _number(" A"),
    ConditionKind.POWER: _number(" kW"),
    ConditionKind.DURATION: _number(""),
}


def _weekdays(days: tuple[Weekday, ...], text: Text) -> str:
    """Monday to Friday as a range, other days one by one."""
    names = get_day_names("abbreviated", locale=Locale.parse(text.locale))
    order = list(Weekday)
    places = sorted({order.index(day) for day in days})
    if len(places) > 2 and places[-1] - places[0] == len(places) - 1:
        return f"{names[places[0]]}–{names[places[-1]]}"
    return ", ".join(names[place] for place in places)
