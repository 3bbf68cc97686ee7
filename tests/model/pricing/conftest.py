"""Short ways to write tariffs and measured sessions; every figure in these tests is worked by hand."""

from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from core.model.agreements import PricingOptions
from core.model.meter import ChargingPeriod, Dimension, DimensionKind
from core.model.money import Amount, Price
from core.model.pricing.measured import MeasuredSession
from core.model.pricing.price import price_session
from core.model.tariffs import Dimension as Priced
from core.model.tariffs import PriceComponent, Restrictions, Tariff, TariffElement

LAST_UPDATED = datetime(2024, 1, 1, tzinfo=UTC)


def at(text: str) -> datetime:
    """`2024-01-01 16:55` in UTC; a time alone is on Monday, 1 January 2024."""
    day, _, time = text.rpartition(" ")
    return datetime.fromisoformat(f"{day or '2024-01-01'}T{time}+00:00")


def component(dimension: Priced, price: str, step: int = 1, vat: str | None = None) -> PriceComponent:
    return PriceComponent(
        dimension=dimension,
        price=Decimal(price),
        vat_percent=None if vat is None else Decimal(vat),
        step_size=step,
    )


def element(*components: PriceComponent, **restrictions: object) -> TariffElement:
    return TariffElement(components=components, restrictions=Restrictions.model_validate(restrictions))


def tariff(*elements: TariffElement, id: str = "T", **members: object) -> Tariff:
    return Tariff.model_validate(
        {
            "country_code": "NL",
            "party_id": "TNM",
            "id": id,
            "currency": "EUR",
            "elements": elements,
            "last_updated": LAST_UPDATED,
            **members,
        }
    )


def limit(before_taxes: str, with_taxes: str | None = None) -> Price:
    return Price(before_taxes=Decimal(before_taxes), with_taxes=None if with_taxes is None else Decimal(with_taxes))


def period(start: str, tariff_id: str | None = "T", **volumes: str) -> ChargingPeriod:
    return ChargingPeriod(
        start=at(start),
        dimensions=tuple(Dimension(kind=DimensionKind[kind], volume=Decimal(v)) for kind, v in volumes.items()),
        tariff_id=tariff_id,
    )


def session(
    *periods: ChargingPeriod, end: str, start: str | None = None, expired: bool | None = None
) -> MeasuredSession:
    return MeasuredSession(
        start=at(start) if start else periods[0].start, end=at(end), periods=periods, reservation_expired=expired
    )


def price(measured: MeasuredSession, *tariffs: Tariff, zone: str | None = "UTC", **options: object):
    return price_session(
        measured, tariffs, time_zone=ZoneInfo(zone) if zone else None, options=PricingOptions.model_validate(options)
    )


def amount(before_taxes: str, with_taxes: str) -> Amount:
    return Amount(before_taxes=Decimal(before_taxes), with_taxes=Decimal(with_taxes))


@pytest.fixture(scope="session")
def make() -> SimpleNamespace:
    """The builders: at, tariff, element, energy, time, parking, flat, limit, period, session, price, amount."""
    return SimpleNamespace(
        at=at,
        tariff=tariff,
        element=element,
        energy=lambda *a, **k: component(Priced.ENERGY, *a, **k),
        time=lambda *a, **k: component(Priced.TIME, *a, **k),
        parking=lambda *a, **k: component(Priced.PARKING_TIME, *a, **k),
        flat=lambda *a, **k: component(Priced.FLAT, *a, **k),
        limit=limit,
        period=period,
        session=session,
        price=price,
        amount=amount,
    )
