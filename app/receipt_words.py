"""A receipt in words: its lines, its proof and its particulars, as the widgets of the screen show them."""

from datetime import timedelta
from decimal import Decimal

from app.text import Text, messages
from app.widgets.facts import Fact
from app.widgets.receipt_lines import ReceiptLine as ShownLine
from app.widgets.receipt_lines import ReceiptValues, VatLine
from app.widgets.remarks import Remark
from app.zones import zone_of
from core.model.receipt import CheckVerdict, Company, Receipt, ReceiptLine

_MINUTES = Decimal(60)
_WATT_HOURS = Decimal(1000)
_GOOD, _CAREFUL, _BAD = "$success", "$warning", "bold $error"
_KINDS = {
    "energy": "receipt.energy",
    "time": "receipt.charging_time",
    "parking": "receipt.parking",
    "session": "receipt.session",
    "reservation": "receipt.reservation",
    "min_price": "receipt.min_price",
    "max_price": "receipt.max_price",
}
_EXPLANATIONS = {
    "more_energy": "receipt.more_than_planned",
    "less_energy": "receipt.less_than_planned",
    "longer": "receipt.longer",
    "shorter": "receipt.shorter",
}


def values_of(receipt: Receipt, text: Text) -> ReceiptValues:
    """Lines and totals."""
    return ReceiptValues(
        currency=receipt.currency,
        lines=tuple(_line(one, receipt.currency, text) for one in receipt.lines),
        net=receipt.net,
        vat=tuple(VatLine(one.vat_percent, one.amount) for one in receipt.taxes),
        total=receipt.total,
        quoted_total=receipt.quoted_total,
    )


def _line(line: ReceiptLine, currency: str, text: Text) -> ShownLine:
    kind = _KINDS.get(line.kind)
    quantity, unit, unit_price = _product(line, text)
    return ShownLine(
        description=text.say(kind or "receipt.fee"),
        net=line.net,
        unit_price=unit_price,
        quantity=quantity,
        unit=unit,
        quoted=line.quoted,
        explanation=explained(line.explanation, text),
        step=_step(line, currency, text),
    )


def _product(line: ReceiptLine, text: Text) -> tuple[Decimal | None, str, Decimal | None]:
    """Quantity, unit and unit price as people read them: hours as minutes, a percentage of its base."""
    match line.unit:
        case "kWh":
            return line.billed_quantity.normalize() + 0, text.say("unit.kwh"), line.unit_price
        case "hour":
            minutes = (line.billed_quantity * _MINUTES).quantize(Decimal("0.01")).normalize()
            return minutes + 0, text.say("unit.minute"), line.unit_price / _MINUTES
    return None, "", None


def _step(line: ReceiptLine, currency: str, text: Text) -> str:
    """How the quantity was rounded, nothing where it was not; of a fee, whose it is and of what it is a part."""
    if line.kind == "fee":
        if line.unit != "percent":
            return line.payee
        base = text.money(line.billed_quantity, currency)
        return f"{line.payee} · {text.vat_rate(line.unit_price)} × {base}"
    if line.quantity == line.billed_quantity or line.unit not in {"kWh", "hour"}:
        return ""
    if line.unit == "kWh":
        measured = f"{text.number(line.quantity.normalize() + 0)} {text.say('unit.kwh')}"
        step = energy_amount(line.step / _WATT_HOURS, text)
    else:
        measured = text.duration(timedelta(seconds=int(line.quantity * 3600)))
        step = text.duration(timedelta(seconds=line.step))
    return text.say("receipt.step_taken", measured=measured, step=step)


def energy_amount(kwh: Decimal, text: Text) -> str:
    """Energy as people say a difference: in Wh below a kWh."""
    if abs(kwh) < 1:
        return f"{text.number(kwh * _WATT_HOURS, 0)} Wh"
    return f"{text.number(kwh.normalize() + 0)} {text.say('unit.kwh')}"


def explained(explanation: str, text: Text) -> str:
    """The sentence of an explanation: a code and a quantity, in kWh for energy and in minutes for time."""
    if not explanation:
        return ""
    code, _, amount = explanation.partition(":")
    if code == "not_expected":
        return text.say("receipt.not_expected")
    quantity = _decimal(amount)
    if code not in _EXPLANATIONS or quantity is None:
        return text.say("receipt.other_reason", code=code)
    told = energy_amount(quantity, text) if code.endswith("_energy") else f"{quantity} {text.say('unit.minute')}"
    return text.say(_EXPLANATIONS[code], amount=told)


def _decimal(written: str) -> Decimal | None:
    """The number; None for anything else, infinities too."""
    try:
        number = Decimal(written)
    except ArithmeticError:
        return None
    return number if number.is_finite() else None


def proof_of(receipt: Receipt, text: Text) -> tuple[Remark, ...]:
    """What became of it since, whether the quote was kept, and whether the operator's bill fits its tariff."""
    return (*_fate(receipt, text), _quote_proof(receipt, text), _tariff_proof(receipt, text))


def _fate(receipt: Receipt, text: Text) -> tuple[Remark, ...]:
    zone = zone_of(receipt.time_zone)
    if receipt.credited_at is not None:
        said = text.say("receipt.credited", date=text.date(receipt.credited_at, zone))
        successor = text.say("receipt.replaced", number=receipt.replaced_by) if receipt.replaced_by else ""
        return (Remark("✓", said, "bold $success", successor),)
    if receipt.disputed_at is not None:
        return (Remark("△", text.say("receipt.disputed", date=text.date(receipt.disputed_at, zone)), "bold $warning"),)
    return ()


def _quote_proof(receipt: Receipt, text: Text) -> Remark:
    check, quote = receipt.quote_check, receipt.quote_id or "–"
    match check.verdict:
        case CheckVerdict.HOLDS:
            return Remark("✓", text.say("receipt.quote_kept", id=quote), _GOOD)
        case CheckVerdict.DIFFERS:
            more = _decimal(check.detail)
            amount = check.detail if more is None else text.money(more, receipt.currency)
            return Remark("✕", text.say("receipt.quote_broken", id=quote, amount=amount), _BAD)
    why = "receipt.started_at_post" if check.code == "started_at_post" else "receipt.no_quote"
    return Remark("?", text.say(why), _CAREFUL)


def _tariff_proof(receipt: Receipt, text: Text) -> Remark:
    check = receipt.tariff_check
    match check.verdict:
        case CheckVerdict.HOLDS if check.detail:
            return Remark("✓", text.say("receipt.tariff_explained", how=check.detail), _GOOD)
        case CheckVerdict.HOLDS:
            return Remark("✓", text.say("receipt.tariff_kept"), _GOOD)
        case CheckVerdict.DIFFERS:
            figure = f"receipt.figure.{check.code}"
            named = text.say(figure) if figure in messages(text.language) else check.code
            return Remark("✕", text.say("receipt.tariff_broken", figure=named, detail=check.detail), _BAD)
    return Remark("?", text.say("receipt.no_tariff"), _CAREFUL)


def head_of(receipt: Receipt, text: Text) -> tuple[str, str]:
    """Where and when: the site with its address, and date and times with their zone."""
    zone = zone_of(receipt.time_zone)
    start, end = text.time(receipt.started_at, zone, seconds=True), text.time(receipt.ended_at, zone, seconds=True)
    first, last = receipt.started_at.astimezone(zone).date(), receipt.ended_at.astimezone(zone).date()
    until = end if first == last else f"{text.date(receipt.ended_at, zone)} {end}"
    place = ", ".join(part for part in (receipt.site_name, receipt.city) if part)
    return place, f"{text.date(receipt.started_at, zone)}  {start} – {until} ({receipt.time_zone})"


def facts_of(receipt: Receipt, text: Text) -> tuple[Fact, ...]:
    """All that names the session, its companies and its equipment."""
    say, minute = text.say, text.say("unit.minute")
    point = " · ".join(part for part in (receipt.label, receipt.evse_id) if part)
    method = "receipt.from_app" if receipt.identification == "COMMAND" else "receipt.at_post"
    facts = [
        (say("receipt.label.provider"), _company(receipt.home)),
        (say("receipt.label.operator"), _company(receipt.operator)),
        (say("receipt.label.claim"), _claim(receipt, text)),
        (say("receipt.label.point"), point),
        (say("receipt.label.address"), f"{receipt.address}, {receipt.city}, {receipt.country}"),
        (say("receipt.energy"), text.energy(receipt.energy_kwh, 3)),
        (say("receipt.charging_time"), f"{text.number(receipt.charging_minutes)} {minute}"),
        (say("receipt.parking"), f"{text.number(receipt.parking_minutes)} {minute}"),
        (say("receipt.label.meter"), _meter(receipt, text)),
        (say("receipt.label.medium"), say(method, last=receipt.credential_last4.lstrip("…"))),
        (say("receipt.label.session"), receipt.session_id),
        (say("receipt.label.authorisation"), receipt.authorization_reference or "–"),
        (say("receipt.label.record"), receipt.sdr_id),
        (say("receipt.label.quote"), receipt.quote_id or "–"),
        (say("receipt.label.issued"), _issued(receipt, text)),
    ]
    return tuple(facts)


def _issued(receipt: Receipt, text: Text) -> str:
    zone = zone_of(receipt.time_zone)
    return f"{text.date(receipt.issued_at, zone)} {text.time(receipt.issued_at, zone)}"


def _claim(receipt: Receipt, text: Text) -> str:
    """What the operator charges the provider; its tariff, not this figure, makes the driver's price."""
    return "–" if receipt.operator_claim is None else text.money(receipt.operator_claim, receipt.currency)


def _company(company: Company) -> str:
    parts = (f"{company.name} ({company.party})", company.address, company.vat_id)
    return ", ".join(part for part in parts if part)


def _meter(receipt: Receipt, text: Text) -> str:
    if receipt.meter_start is None or receipt.meter_end is None:
        return text.say("receipt.no_meter")
    return f"{text.number(receipt.meter_start, 3)} → {text.energy(receipt.meter_end, 3)}"
