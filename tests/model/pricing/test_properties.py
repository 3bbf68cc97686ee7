"""What must hold for every tariff and session."""

from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from core.model.meter import ChargingPeriod, DimensionKind
from core.model.meter import Dimension as Measured
from core.model.money import Amount, Price, total_of
from core.model.pricing.measured import MeasuredSession
from core.model.pricing.price import price_session
from core.model.tariffs import Dimension, PriceComponent, Restrictions, Tariff, TariffElement

UTC = ZoneInfo("UTC")
prices = st.decimals("0", "5", places=4)
vats = st.none() | st.decimals("0", "30", places=1)
components = st.builds(
    PriceComponent,
    dimension=st.sampled_from(Dimension),
    price=prices,
    vat_percent=vats,
    step_size=st.sampled_from([0, 1, 60, 300, 500, 900]),
)
bounds = st.none() | st.integers(0, 30).map(Decimal)
restrictions = st.builds(
    Restrictions,
    start_time=st.none() | st.times(),
    end_time=st.none() | st.times(),
    min_energy_kwh=bounds,
    max_energy_kwh=bounds,
    max_power_kw=bounds,
    min_duration_s=st.none() | st.integers(0, 20000),
)
elements = st.builds(
    TariffElement, components=st.lists(components, min_size=1, max_size=3).map(tuple), restrictions=restrictions
)


def tariff_of(elements, **members) -> Tariff:
    return Tariff.model_validate(
        {
            "country_code": "NL",
            "party_id": "TNM",
            "id": "T",
            "currency": "EUR",
            "elements": tuple(elements),
            "last_updated": "2024-01-01T00:00:00Z",
            **members,
        }
    )


tariffs = st.builds(tariff_of, st.lists(elements, min_size=1, max_size=4))


@st.composite
def sessions(draw) -> MeasuredSession:
    start = draw(st.datetimes(timezones=st.just(UTC)).map(lambda at: at.replace(year=2024, day=1)))
    moment, periods = start, []
    for _ in range(draw(st.integers(1, 5))):
        seconds = draw(st.integers(1, 9000))
        hours = Decimal(seconds) / 3600
        kind = draw(st.sampled_from([DimensionKind.TIME, DimensionKind.PARKING_TIME]))
        energy = draw(st.decimals("0", "20", places=3)) if kind is DimensionKind.TIME else Decimal(0)
        dimensions = (Measured(kind=kind, volume=hours), Measured(kind=DimensionKind.ENERGY, volume=energy))
        periods.append(ChargingPeriod(start=moment, dimensions=dimensions, tariff_id="T"))
        moment += timedelta(seconds=seconds)
    return MeasuredSession(start=start, end=moment, periods=tuple(periods))


def price(measured, tariff):
    return price_session(measured, (tariff,), time_zone=UTC)


@settings(deadline=None, derandomize=True)
@given(tariffs, sessions())
def test_prices_are_not_negative_and_exact(tariff, measured):
    report = price(measured, tariff)
    assert 0 <= report.total.before_taxes <= report.total.with_taxes
    figures = [report.total.before_taxes, report.total.with_taxes]
    figures += [
        value for line in report.lines for value in (line.net, line.vat, line.gross, line.quantity, line.billed)
    ]
    assert all(type(figure) is Decimal for figure in figures)


@settings(deadline=None, derandomize=True)
@given(tariffs, sessions())
def test_lines_sum_to_the_total_before_limits(tariff, measured):
    report = price(measured, tariff)
    assert total_of([line.amount for line in report.lines]) == report.subtotal
    assert report.subtotal.rounded(4) == report.total
    assert all(line.billed >= line.quantity for line in report.lines)


@settings(deadline=None, derandomize=True)
@given(prices, st.decimals("0", "100", places=3), st.decimals("0", "100", places=3), st.sampled_from([0, 1, 500]))
def test_more_energy_never_costs_less(amount, less, more, step):
    tariff = tariff_of([{"components": [{"dimension": "ENERGY", "price": amount, "step_size": step}]}])
    less, more = sorted((less, more))
    totals = []
    for energy in (less, more):
        period = ChargingPeriod(
            start="2024-01-01T10:00:00Z",
            dimensions=(Measured(kind=DimensionKind.ENERGY, volume=energy),),
            tariff_id="T",
        )
        measured = MeasuredSession(start=period.start, end="2024-01-01T12:00:00Z", periods=(period,))
        totals.append(price(measured, tariff).total.before_taxes)
    assert totals[0] <= totals[1]


plain_elements = st.builds(TariffElement, components=st.lists(components, min_size=1, max_size=3).map(tuple))


@settings(deadline=None, derandomize=True)
@given(st.lists(plain_elements, min_size=1, max_size=3).map(tariff_of), sessions(), st.data())
def test_dividing_a_period_without_a_boundary_changes_nothing(tariff, measured, data):
    index = data.draw(st.integers(0, len(measured.periods) - 1))
    period = measured.periods[index]
    end = [*(one.start for one in measured.periods[1:]), measured.end][index]
    first = data.draw(st.integers(0, int((end - period.start).total_seconds())))
    total = int((end - period.start).total_seconds())
    energy = period.volume(DimensionKind.ENERGY)
    part = data.draw(st.decimals("0", energy, places=3)) if energy else Decimal(0)
    kind = period.dimensions[0].kind

    def piece(start, seconds, kwh):
        return ChargingPeriod(
            start=start,
            dimensions=(
                Measured(kind=kind, volume=Decimal(seconds) / 3600),
                Measured(kind=DimensionKind.ENERGY, volume=kwh),
            ),
            tariff_id="T",
        )

    pieces = (
        piece(period.start, first, part),
        piece(period.start + timedelta(seconds=first), total - first, energy - part),
    )
    divided = measured.model_copy(update={"periods": measured.periods[:index] + pieces + measured.periods[index + 1 :]})
    assert price(divided, tariff).subtotal == price(measured, tariff).subtotal


never = st.builds(
    TariffElement,
    components=st.lists(components, min_size=1, max_size=3).map(tuple),
    restrictions=st.just(Restrictions(min_energy_kwh=Decimal(10**6))),
)


@settings(deadline=None, derandomize=True)
@given(tariffs, st.lists(never, max_size=3), sessions(), st.randoms(use_true_random=False))
def test_elements_that_never_apply_change_nothing_in_any_order(tariff, idle, measured, random):
    mixed = list(tariff.elements)
    for element in idle:
        mixed.insert(random.randint(0, len(mixed)), element)
    assert price(measured, tariff_of(mixed)).total == price(measured, tariff).total


@settings(deadline=None, derandomize=True)
@given(tariffs, sessions(), st.tuples(prices, prices), st.tuples(prices, prices))
def test_limits_hold(tariff, measured, low, high):
    least = Price(before_taxes=min(low[0], high[0]), with_taxes=min(low[1], high[1]))
    most = Price(before_taxes=max(low[0], high[0]), with_taxes=max(low[1], high[1]))
    limited = tariff.model_copy(update={"min_price": least, "max_price": most})
    total = price(measured, limited).total
    assert least.before_taxes <= total.before_taxes <= most.before_taxes
    assert least.with_taxes is not None and most.with_taxes is not None
    assert least.with_taxes <= total.with_taxes <= most.with_taxes


def test_nothing_sums_to_nothing():
    assert total_of([]) == Amount()
