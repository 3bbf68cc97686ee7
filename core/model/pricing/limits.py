"""Fifth step: minimum and maximum price, before and with taxes each by itself (tar:295-303)."""

from decimal import Decimal

from core.model.agreements import LimitScope, MissingLimitWithTaxes, PricingOptions
from core.model.money import Amount, Price, total_of
from core.model.pricing.report import AppliedLimit, CostKind, LimitKind, Line
from core.model.tariffs import Tariff


def apply_limits(
    lines: tuple[Line, ...], tariffs: tuple[Tariff, ...], *, unused_reservation: bool, options: PricingOptions
) -> tuple[AppliedLimit, ...]:
    """The limits that moved a figure; `tariffs` are those that held for some period, in order of time.

    The minimum is applied first, so that of contradicting limits the maximum wins.
    """
    if unused_reservation and not options.limits_on_unused_reservation:
        return ()
    first_only = options.limit_scope is LimitScope.FIRST_TARIFF
    applied: list[AppliedLimit] = []
    for tariff in tariffs[:1] if first_only else tariffs:
        amount = total_of(
            [
                line.amount
                for line in lines
                if (first_only or line.tariff_id == tariff.id)
                and (options.limits_include_reservation or unused_reservation or line.kind is not CostKind.RESERVATION)
            ]
        )
        for kind, limit in ((LimitKind.MIN_PRICE, tariff.min_price), (LimitKind.MAX_PRICE, tariff.max_price)):
            change = _change(amount, kind, limit, options.missing_limit_with_taxes) if limit else Amount()
            if change != Amount():
                applied.append(AppliedLimit(kind=kind, tariff_id=tariff.id, change=change))
                amount += change
    return tuple(applied)


def _change(amount: Amount, kind: LimitKind, limit: Price, missing: MissingLimitWithTaxes) -> Amount:
    bound = max if kind is LimitKind.MIN_PRICE else min
    before_taxes = bound(amount.before_taxes, limit.before_taxes)
    if limit.with_taxes is not None:
        with_taxes = bound(amount.with_taxes, limit.with_taxes)
    elif missing is MissingLimitWithTaxes.SAME_SHARE:
        with_taxes = _same_share(amount, before_taxes)
    else:
        with_taxes = amount.with_taxes
    return Amount(
        before_taxes=before_taxes - amount.before_taxes,
        with_taxes=with_taxes - amount.with_taxes,
    )


def _same_share(amount: Amount, before_taxes: Decimal) -> Decimal:
    if not amount.before_taxes:
        return amount.with_taxes + before_taxes
    return amount.with_taxes * before_taxes / amount.before_taxes
