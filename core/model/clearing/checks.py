"""What is wrong with one SDR by itself: its identifiers, its tariff, its price, its taxes.

A difference that a pricing option of the agreement explains is no discrepancy: it is a remark.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from core.errors import InvalidInput
from core.model.audit import Difference, Explanation, Figure, audit
from core.model.clearing.discrepancies import Discrepancy, DiscrepancyClass, discrepancy
from core.model.clearing.records import SessionRecord
from core.model.clearing.terms import ClearingTerms
from core.model.credentials import CredentialKind
from core.model.identifiers import ContractId, EvseId
from core.model.money import plain
from core.model.pricing.measured import MeasuredSession, under
from core.model.sdr import Sdr, SdrKind
from core.model.sdr_claims import claims_of
from core.model.tariffs import Tariff

_D = DiscrepancyClass
_CLASS_OF = {
    Figure.PARKING_COST: _D.D19,
    Figure.RESERVATION_COST: _D.D19,
    Figure.CURRENCY: _D.D15,
    Figure.ENERGY: _D.D09,
    Figure.TIME: _D.D08,
    Figure.PARKING_TIME: _D.D08,
}
_MONEY = frozenset(Figure) - {Figure.CURRENCY, Figure.ENERGY, Figure.TIME, Figure.PARKING_TIME}
_CONTRACTED = {CredentialKind.RFID, CredentialKind.EMAID}


@dataclass(frozen=True)
class Checked:
    """What was found, and differences that an option explains, in words."""

    found: tuple[Discrepancy, ...] = ()
    remarks: tuple[str, ...] = ()


def check(sdr: Sdr, terms: ClearingTerms, record: SessionRecord | None) -> Checked:
    """Check an SDR; record: the home-CSP's, whose tariffs were frozen at the start, None where it has none.

    A credit copies everything but its total, so nothing of it is priced again.
    """
    found = [*_identifiers(sdr), *_taxes(sdr, terms)]
    if sdr.kind is SdrKind.CREDIT:
        return Checked(tuple(found))
    priced = _price(sdr, terms, record)
    return Checked((*found, *priced.found), priced.remarks)


def _identifiers(sdr: Sdr) -> Iterator[Discrepancy]:
    if sdr.place.evse_id is not None and sdr.place.evse_id != "#NA":
        yield from _unreadable(EvseId, sdr.place.evse_id)
    if sdr.credential.kind in _CONTRACTED:
        yield from _unreadable(ContractId, sdr.credential.contract_id)


def _unreadable(kind: type[EvseId] | type[ContractId], text: str) -> Iterator[Discrepancy]:
    try:
        kind.parse(text)
    except InvalidInput as error:
        yield discrepancy(_D.D18, f"“{text[:60]}” is no valid {kind.expected}: {error.message[:200]}.")


def _taxes(sdr: Sdr, terms: ClearingTerms) -> Iterator[Discrepancy]:
    total = sdr.cost.total
    if total.with_taxes is None:
        return
    tax = total.with_taxes - total.before_taxes
    if tax * total.before_taxes < 0:
        reason = f"Taxes of {plain(tax)} on {plain(total.before_taxes)} have the wrong sign."
        yield discrepancy(_D.D15, reason)
    if sdr.tax_lines and sdr.kind is not SdrKind.CREDIT:
        stated = sum((line.amount for line in sdr.tax_lines), Decimal(0))
        if abs(stated - tax) > terms.tolerances.money:
            yield discrepancy(_D.D15, f"The tax lines sum to {plain(stated)}, the total holds {plain(tax)} of taxes.")


def _price(sdr: Sdr, terms: ClearingTerms, record: SessionRecord | None) -> Checked:
    frozen = record.tariffs if record is not None and record.tariffs else ()
    tariffs = frozen or sdr.tariffs
    if not tariffs or not sdr.periods:
        if sdr.cost.total.before_taxes == 0:
            return Checked()
        return Checked((discrepancy(_D.D12, "Neither the SDR nor the provider's record holds a tariff to price it."),))
    found = list(_tariffs(sdr, frozen))
    zone_name = sdr.time_zone or (record.time_zone if record else None)
    try:
        measured = MeasuredSession(start=sdr.start, end=sdr.end, periods=under(sdr.periods, tariffs))
        judged = audit(
            measured,
            tariffs,
            claims_of(sdr),
            time_zone=ZoneInfo(zone_name) if zone_name else None,
            options=terms.pricing,
            effects=False,
        )
    except (ValidationError, InvalidInput, ValueError, OSError) as error:
        reason = error.message if isinstance(error, InvalidInput) else "its periods are not in order"
        return Checked((*found, discrepancy(_D.D12, f"The SDR cannot be priced: {reason[:300]}.")))
    remarks = []
    for one in judged.differences:
        if one.explained_by:
            remarks.append(_explained(one, one.explained_by[0]))
        elif not _within(one, terms):
            found.append(discrepancy(_CLASS_OF.get(one.figure, _D.D13), _differs(one, sdr.currency)))
    return Checked(_one_of_each(found), tuple(remarks))


def _tariffs(sdr: Sdr, frozen: tuple[Tariff, ...]) -> Iterator[Discrepancy]:
    """Those not in force at the start, and those that are not what the home-CSP froze."""
    used = {period.tariff_id.lower() for period in sdr.periods if period.tariff_id}
    of_sdr = [one for one in sdr.tariffs if not used or one.id.lower() in used]
    for tariff in of_sdr:
        if not tariff.valid_at(sdr.start):
            yield discrepancy(_D.D12, f"The tariff {tariff.id} was not in force at the start.")
    known = {one.id.lower(): one for one in frozen}
    for tariff in of_sdr if known else ():
        before = known.get(tariff.id.lower())
        if before is None:
            yield discrepancy(_D.D12, f"The tariff {tariff.id} is not the one that held at the start.")
        elif (before.elements, before.currency) != (tariff.elements, tariff.currency):
            yield discrepancy(_D.D12, f"The tariff {tariff.id} says other prices than at the start.")


def _within(one: Difference, terms: ClearingTerms) -> bool:
    if one.figure not in _MONEY or isinstance(one.claimed, str) or isinstance(one.computed, str):
        return False
    return abs(one.claimed - one.computed) <= terms.tolerances.money


def _explained(one: Difference, why: Explanation) -> str:
    return f"{_named(one)}: {one.claimed} instead of {one.computed}, as {why.option} = {why.choice} gives."


def _differs(one: Difference, currency: str) -> str:
    unit = f" {currency}" if one.figure in _MONEY else ""
    return f"{_named(one)}: the SDR says {one.claimed}{unit}, its tariff and periods give {one.computed}{unit}."


def _named(one: Difference) -> str:
    basis = f" {one.basis.value.replace('_', ' ')}" if one.basis else ""
    return f"{one.figure.value.replace('_', ' ').capitalize()}{basis}"


def _one_of_each(found: list[Discrepancy]) -> tuple[Discrepancy, ...]:
    """One a class: the first says it, the others only that there is more."""
    first: dict[DiscrepancyClass, Discrepancy] = {}
    for one in found:
        known = first.get(one.kind)
        first[one.kind] = one if known is None else known.model_copy(update={"reason": f"{known.reason} {one.reason}"})
    return tuple(one.model_copy(update={"reason": one.reason[:1000]}) for one in first.values())
