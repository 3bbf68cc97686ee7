"""From an SDR to the driver's receipt: recomputed from the frozen tariff, our fees beside, proved against the quote."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog
from pydantic import ValidationError

from core.errors import InvalidInput
from core.home_csp.context import Context
from core.home_csp.energy_transfer.terms import price_list_of
from core.home_csp.quoting import KeptQuote
from core.model.agreements import PricingOptions
from core.model.audit import Audit, audit
from core.model.credentials import IdentificationMethod
from core.model.display import last_four
from core.model.meter import DimensionKind
from core.model.money import ZERO, Amount, rounded
from core.model.parties import Party
from core.model.price_list import DriverPrice, FeeKind, FeeLine, driver_price
from core.model.pricing.measured import MeasuredSession, under
from core.model.pricing.report import AppliedLimit, CostKind, Line
from core.model.receipt import Check, CheckVerdict, Company, Receipt, ReceiptLine, TaxLine
from core.model.reserving import expired, was_unused
from core.model.sdr import Sdr
from core.model.sdr_claims import claims_of
from core.model.session import ServiceSession
from core.model.tariffs import Dimension

log = structlog.get_logger(__name__)

_CENTS = 2
_NUMBER_LENGTH = 10
_SECONDS = Decimal(3600)
_FEE_UNITS = {FeeKind.PER_SESSION: "session", FeeKind.PER_KWH: "kWh", FeeKind.PERCENT: "percent"}
_UNITS = {Dimension.ENERGY: "kWh", Dimension.TIME: "hour", Dimension.PARKING_TIME: "hour", Dimension.FLAT: "session"}
_KINDS = {CostKind.FIXED: "session"}


@dataclass(frozen=True)
class Judged:
    """An SDR with what its audit against the frozen tariff came to, and what the driver pays; None without a tariff."""

    sdr: Sdr
    audit: Audit | None
    price: DriverPrice | None


def judge(
    context: Context,
    sdr: Sdr,
    session: ServiceSession | None,
    quote: KeptQuote | None,
    agreed: PricingOptions,
) -> Judged:
    """Audit an SDR: under the tariff frozen at consent, else that of the session's start, else its own.

    agreed: how the agreement with its sender prices, where neither consent nor the session's start has frozen it.
    A record that no tariff can price is judged without: it waits for a person.
    """
    tariffs = quote.tariffs if quote else (session.tariffs if session and session.tariffs else sdr.tariffs)
    if not tariffs or not sdr.periods:
        return Judged(sdr, None, None)
    options = quote.quote.options if quote else (session and session.pricing) or agreed
    try:
        measured = MeasuredSession(
            start=sdr.start,
            end=sdr.end,
            periods=under(sdr.periods, tariffs),
            reservation_expired=_expired(sdr, session),
        )
        judged = audit(measured, tariffs, claims_of(sdr), time_zone=_zone(sdr, session), options=options, effects=False)
    except (ValidationError, InvalidInput, ZoneInfoNotFoundError) as error:
        log.warning("sdr_not_priced", sdr=sdr.id, issuer=str(sdr.issuer), reason=str(error))
        return Judged(sdr, None, None)
    price_list = quote.quote.price_list if quote else price_list_of(context, session, judged.report.currency)
    return Judged(sdr, judged, driver_price(judged.report, price_list, options.rounding))


def receipt_of(
    context: Context, judged: Judged, session: ServiceSession, quote: KeptQuote | None, operator: str, label: str
) -> Receipt:
    """The receipt. Without any tariff the operator's total is passed through, and the receipt says so.

    It is in the currency of the tariff; what the operator claims in another one is not set beside it.
    """
    sdr = judged.sdr
    lines = _lines(judged, quote, operator, context.name)
    price = judged.price or _passed_through(sdr)
    now = context.clock.now()
    return Receipt(
        id=receipt_id(sdr.issuer, sdr.id),
        number=_number(context, sdr, now),
        issued_at=now,
        home=Company(name=context.name, party=str(context.party)),
        operator=Company(name=operator, party=str(sdr.issuer)),
        sdr_id=sdr.id,
        session_id=session.id,
        authorization_reference=sdr.authorization_reference or "",
        identification=session.identification,
        credential_last4=last_four(sdr.credential.uid),
        site_name=sdr.place.name or sdr.place.address,
        address=sdr.place.address,
        city=sdr.place.city,
        country=sdr.place.country,
        evse_id=sdr.place.evse_id or session.evse_id,
        label=label,
        started_at=sdr.start,
        ended_at=sdr.end,
        time_zone=session.time_zone,
        energy_kwh=sdr.total_energy,
        charging_minutes=_minutes(sdr, DimensionKind.TIME),
        parking_minutes=_minutes(sdr, DimensionKind.PARKING_TIME),
        meter_start=_meter(sdr, first=True),
        meter_end=_meter(sdr, first=False),
        currency=price.currency,
        lines=lines,
        net=rounded(price.total.before_taxes, _CENTS),
        taxes=_taxes(lines),
        total=rounded(price.total.with_taxes, _CENTS),
        quote_id=quote.id if quote else None,
        quoted_total=quoted_figures(quote, unused=was_unused(session))[0] if quote else None,
        quote_check=_quote_check(price, quote, session),
        tariff_check=_tariff_check(judged.audit),
        operator_claim=_claimed(sdr).with_taxes if sdr.currency == price.currency else None,
    )


def receipt_id(issuer: Party, sdr_id: str) -> str:
    """The key of a receipt: operators mint SDR ids by themselves, and two may mint the same."""
    return f"{issuer.country_code}{issuer.party_id}-{sdr_id}"


def _number(context: Context, sdr: Sdr, now: datetime) -> str:
    """The receipt's number: who issued it, the year, and a digest that only this SDR has."""
    digest = sha256(receipt_id(sdr.issuer, sdr.id).encode()).hexdigest()[:_NUMBER_LENGTH].upper()
    return f"{context.party.country_code}-{context.party.party_id}-{now.year}-{digest}"


def _zone(sdr: Sdr, session: ServiceSession | None) -> ZoneInfo | None:
    name = session.time_zone if session else sdr.time_zone
    return ZoneInfo(name) if name else None


def _expired(sdr: Sdr, session: ServiceSession | None) -> bool | None:
    """Whether an unused reservation ran until its end, as we know it ourselves; else by its end."""
    if session is None or session.reservation is None or session.started_at is not None:
        return None
    known = expired(session)
    return sdr.end >= session.reservation.until if known is None else known


def _claimed(sdr: Sdr) -> Amount:
    """The operator's total; without a figure with taxes, none are added."""
    total = sdr.cost.total
    return Amount(
        before_taxes=total.before_taxes,
        with_taxes=total.before_taxes if total.with_taxes is None else total.with_taxes,
    )


def _passed_through(sdr: Sdr) -> DriverPrice:
    amount = _claimed(sdr)
    return DriverPrice(currency=sdr.currency, passed_through=amount, fees=(), total=amount)


def _lines(judged: Judged, quote: KeptQuote | None, operator: str, home: str) -> tuple[ReceiptLine, ...]:
    if judged.audit is None or judged.price is None:
        return ()
    report = judged.audit.report
    quoted = (*quote.expected_lines, *(quote.reservation.lines if quote.reservation else ())) if quote else ()
    expected = {(one.dimension, one.element): one for one in quoted}
    lines = [_operator_line(one, expected.get((one.dimension, one.element)), operator, quote) for one in report.lines]
    lines += [_limit_line(one, operator) for one in report.limits]
    quoted_fees = {one.fee.kind: one for one in quote.expected_fees} if quote else {}
    lines += [_fee_line(one, quoted_fees.get(one.fee.kind), home) for one in judged.price.fees]
    return tuple(lines)


def _operator_line(line: Line, expected: Line | None, operator: str, quote: KeptQuote | None) -> ReceiptLine:
    per = _SECONDS if line.dimension in (Dimension.TIME, Dimension.PARKING_TIME) else Decimal(1)
    return ReceiptLine(
        kind=_KINDS.get(line.kind, line.kind.value),
        payee=operator,
        quantity=line.quantity / per,
        billed_quantity=line.billed / per,
        unit=_UNITS[line.dimension],
        unit_price=line.unit_price,
        step=line.step_size,
        net=line.net,
        vat_percent=line.vat_percent,
        gross=line.gross,
        quoted=expected.net if expected else (ZERO if quote else None),
        explanation=_explanation(line, expected) if quote else "",
    )


def _explanation(line: Line, expected: Line | None) -> str:
    """Why a line is not as quoted: a code and a quantity in kWh or minutes."""
    if expected is None:
        return "not_expected"
    change = line.quantity - expected.quantity
    if change == 0 or line.dimension is Dimension.FLAT:
        return ""
    if line.dimension is Dimension.ENERGY:
        return f"{'more' if change > 0 else 'less'}_energy:{abs(change).normalize():f}"
    return f"{'longer' if change > 0 else 'shorter'}:{abs(change) / 60:.0f}"


def _limit_line(limit: AppliedLimit, operator: str) -> ReceiptLine:
    return ReceiptLine(
        kind=limit.kind.value,
        payee=operator,
        quantity=Decimal(1),
        billed_quantity=Decimal(1),
        unit="session",
        unit_price=limit.change.before_taxes,
        net=limit.change.before_taxes,
        gross=limit.change.with_taxes,
    )


def _fee_line(line: FeeLine, expected: FeeLine | None, home: str) -> ReceiptLine:
    return ReceiptLine(
        kind="fee",
        payee=home,
        quantity=line.quantity,
        billed_quantity=line.quantity,
        unit=_FEE_UNITS[line.fee.kind],
        unit_price=line.fee.amount,
        net=line.net,
        vat_percent=line.fee.vat_percent,
        gross=line.gross,
        quoted=expected.net if expected else None,
    )


def _taxes(lines: Sequence[ReceiptLine]) -> tuple[TaxLine, ...]:
    rates = sorted({one.vat_percent for one in lines if one.vat_percent is not None})

    def line(rate: Decimal) -> TaxLine:
        own = [one for one in lines if one.vat_percent == rate]
        return TaxLine(
            vat_percent=rate,
            base=rounded(sum((one.net for one in own), ZERO), _CENTS),
            amount=rounded(sum((one.gross - one.net for one in own), ZERO), _CENTS),
        )

    return tuple(map(line, rates))


def _quote_check(price: DriverPrice, quote: KeptQuote | None, session: ServiceSession) -> Check:
    if quote is None:
        code = "no_quote" if session.identification == IdentificationMethod.COMMAND else "started_at_post"
        return Check(verdict=CheckVerdict.NOT_CHECKED, code=code)
    total = rounded(price.total.with_taxes, _CENTS)
    likely, most = quoted_figures(quote, unused=was_unused(session))
    if most is not None and total > most:
        return Check(verdict=CheckVerdict.DIFFERS, code="above_most", detail=str(total - most))
    return Check(verdict=CheckVerdict.HOLDS, code="tariff_kept", detail=str(total - likely))


def quoted_figures(quote: KeptQuote, *, unused: bool) -> tuple[Decimal, Decimal | None]:
    """What the driver was told of the price, likely and at most, taxes included; of an unused reservation, its own."""
    held = quote.reservation
    if held is not None and unused:
        dearer = max(held.used.with_taxes, held.unused.with_taxes)
        return rounded(held.unused.with_taxes, _CENTS), rounded(dearer, _CENTS)
    beside = rounded(held.used.with_taxes, _CENTS) if held is not None else ZERO
    most = quote.view.most
    return quote.view.likely.amount + beside, None if most is None else most.amount + beside


def _tariff_check(judged: Audit | None) -> Check:
    if judged is None:
        return Check(verdict=CheckVerdict.NOT_CHECKED, code="no_tariff")
    if judged.unexplained:
        worst = judged.unexplained[0]
        return Check(verdict=CheckVerdict.DIFFERS, code=worst.figure, detail=f"{worst.claimed} / {worst.computed}")
    if judged.differences:
        why = judged.differences[0].explained_by[0]
        return Check(verdict=CheckVerdict.HOLDS, code="explained", detail=f"{why.option}: {why.choice}")
    return Check(verdict=CheckVerdict.HOLDS)


def _minutes(sdr: Sdr, kind: DimensionKind) -> int:
    hours = sum((period.volume(kind) for period in sdr.periods), ZERO)
    return int((hours * 60).to_integral_value())


def _meter(sdr: Sdr, *, first: bool) -> Decimal | None:
    readings = [
        reading
        for transaction in sdr.transactions
        for transfer in transaction.energy_transfers
        for reading in (transfer.meter_start, transfer.meter_end)
        if reading is not None
    ]
    if not readings:
        return None
    return min(readings) if first else max(readings)
