"""`evroam audit`: price a charge detail record with its own tariff and compare with what it claims."""

import sys
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

from app.commands import say, say_json
from core.endpoint.audit_input import price_with, read_cdr, read_tariffs, read_time_zone
from core.errors import InvalidInput
from core.model.audit import Audit, Difference, Explanation, audit
from core.model.money import Amount, plain, rounded
from core.model.pricing.report import CostKind, Line
from core.model.tariffs import Dimension

EXIT_DIFFERENCES = 1
"""Exit code where the record claims something that its tariff does not give, be it explained by an option or not."""

_UNITS = {Dimension.ENERGY: "kWh", Dimension.FLAT: "session"}
_PLACES = 10


def audit_command(
    cdr: Annotated[Path, typer.Argument(help="JSON file of an OCPI CDR, 2.2.1 or 2.3.0; - reads standard input.")],
    tariff: Annotated[
        Path | None, typer.Option(help="JSON file of the tariff or tariffs to price with instead of the CDR's own.")
    ] = None,
    time_zone: Annotated[
        str | None, typer.Option(help="Time zone of the site, such as Europe/Amsterdam; needed for times of day.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Price a CDR with its tariff and show every difference from what it claims.

    Exit code 0: no difference; 1: differences, those that an option explains included; 2: the input cannot be used.
    """
    record = read_cdr(_text(cdr), own_tariffs=tariff is None)
    if tariff:
        record = price_with(read_tariffs(_text(tariff), record.claims.currency), record)
    zone = record.time_zone if time_zone is None else time_zone
    found = audit(
        record.session, record.tariffs, record.claims, time_zone=read_time_zone(zone) if zone is not None else None
    )
    if as_json:
        say_json(as_document(found))
    else:
        say(as_text(found))
    if found.differences:
        raise typer.Exit(EXIT_DIFFERENCES)


def as_document(found: Audit) -> dict[str, object]:
    """The audit as one JSON document; every figure is a string of digits."""
    report = found.report
    return {
        "currency": report.currency,
        "credit": found.claims.negated,
        "total": _amount_document(found.total),
        "subtotal": _amount_document(report.subtotal),
        "totals_by_kind": {kind.value: _amount_document(report.total_of_kind(kind)) for kind in CostKind},
        "lines": [_line_document(line) for line in report.lines],
        "limits": [
            {"kind": limit.kind.value, "tariff_id": limit.tariff_id, "change": _amount_document(limit.change)}
            for limit in report.limits
        ],
        "differences": [_difference_document(difference) for difference in found.differences],
        "notices": [notice.model_dump(mode="json") for notice in report.notices],
        "options_that_matter": [
            {"option": effect.option, "choice": effect.choice, "total": _amount_document(effect.total)}
            for effect in found.options_that_matter
        ],
    }


def as_text(found: Audit) -> str:
    """The audit for a person, a line each."""
    report = found.report
    lines = [_line_text(line, report.currency) for line in report.lines]
    lines += [
        f"{limit.kind.value.replace('_', ' ')} of tariff {limit.tariff_id}: {_signed(limit.change.before_taxes)} "
        f"before taxes, {_signed(limit.change.with_taxes)} with taxes"
        for limit in report.limits
    ]
    total, name = found.total, "Total of the credit" if found.claims.negated else "Total"
    lines.append(
        f"{name}: {plain(total.before_taxes)} before taxes, {plain(total.with_taxes)} {report.currency} with taxes"
    )
    lines += [f"Note: {notice.message}" for notice in report.notices]
    lines += [_difference_text(difference) for difference in found.differences] or [_agreement(found)]
    lines += [
        f"Open point {effect.option}: with “{effect.choice}” the total would be "
        f"{plain(effect.total.before_taxes)} before taxes, {plain(effect.total.with_taxes)} with taxes."
        for effect in found.options_that_matter
    ]
    return "\n".join(lines)


def _agreement(found: Audit) -> str:
    if not found.claims_a_cost:
        return "The record claims no cost that could be compared."
    return "The claims agree with the tariff."


def _text(path: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}", code="unreadable") from None


def _digits(figure: Decimal, min_decimals: int = 2) -> str:
    return plain(rounded(figure, _PLACES), min_decimals)


def _amount_document(amount: Amount) -> dict[str, str]:
    return {"before_taxes": _digits(amount.before_taxes), "with_taxes": _digits(amount.with_taxes)}


def _line_document(line: Line) -> dict[str, object]:
    return {
        "kind": line.kind.value,
        "dimension": line.dimension.value,
        "tariff_id": line.tariff_id,
        "element": line.element,
        "unit_price": _digits(line.unit_price),
        "unit": _UNITS.get(line.dimension, "h"),
        "step_size": line.step_size,
        "quantity": _digits(line.quantity, 0),
        "billed": _digits(line.billed, 0),
        "quantity_unit": _UNITS.get(line.dimension, "s"),
        "before_taxes": _digits(line.net),
        "vat_percent": None if line.vat_percent is None else plain(line.vat_percent, 0),
        "vat": _digits(line.vat),
        "with_taxes": _digits(line.gross),
    }


def _difference_document(difference: Difference) -> dict[str, object]:
    return {
        "figure": difference.figure.value,
        "basis": difference.basis and difference.basis.value,
        "claimed": _claim(difference.claimed),
        "computed": _claim(difference.computed),
        "explained_by": [{"option": why.option, "choice": why.choice} for why in difference.explained_by],
    }


def _claim(figure: Decimal | str) -> str:
    return figure if isinstance(figure, str) else _digits(figure)


def _signed(figure: Decimal) -> str:
    return ("+" if figure >= 0 else "") + _digits(figure)


def _line_text(line: Line, currency: str) -> str:
    unit = _UNITS.get(line.dimension, "h")
    billed = f", billed {_quantity(line.dimension, line.billed)}" if line.billed != line.quantity else ""
    vat = "no VAT" if line.vat_percent is None else f"VAT {plain(line.vat_percent, 0)} % {_digits(line.vat)}"
    return (
        f"{line.kind.value}: {_quantity(line.dimension, line.quantity)}{billed} at {_digits(line.unit_price)} "
        f"per {unit} = {_digits(line.net)}, {vat}, {_digits(line.gross)} {currency}"
        f" (tariff {line.tariff_id}, element {line.element + 1}, step {line.step_size})"
    )


def _quantity(dimension: Dimension, quantity: Decimal) -> str:
    if dimension is Dimension.FLAT:
        return "once"
    if dimension is Dimension.ENERGY:
        return f"{plain(quantity, 0)} kWh"
    minutes, seconds = divmod(quantity, 60)
    rest = f" {plain(rounded(seconds, 2), 0)} s" if seconds else ""
    return f"{plain(minutes, 0)} min{rest}"


def _difference_text(difference: Difference) -> str:
    name = difference.figure.value.replace("_", " ")
    basis = f" {difference.basis.value.replace('_', ' ')}" if difference.basis else ""
    claimed, computed = _claim(difference.claimed), _claim(difference.computed)
    said = f"Difference: {name}{basis} is claimed as {claimed}, computed as {computed}"
    if difference.explained_by:
        return f"{said}; not a wrong bill: explained by {' or by '.join(map(_explanation, difference.explained_by))}."
    return f"{said}; no option explains it."


def _explanation(why: Explanation) -> str:
    return f"{why.option} = {why.choice}"
