"""Division at boundaries against a plain walk through a session, minute by minute, across changes of the clocks."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from core.model.pricing.forecast import ExpectedStay, PowerStep, expected_session, forecast
from core.model.tariffs import Tariff

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
KWH_A_MINUTE = Decimal("0.1")
DAYS = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]

clock = st.builds("{:02}:{:02}".format, st.integers(0, 4) | st.integers(0, 23), st.sampled_from([0, 15, 30, 59]))
kwh = st.integers(0, 400).map(lambda tenths: str(Decimal(tenths) / 10))
duration = st.integers(0, 600).map(lambda minutes: minutes * 60)
days = st.lists(st.sampled_from(DAYS), max_size=3, unique=True)
dates = st.sampled_from(["2024-03-30", "2024-03-31", "2024-04-01", "2024-10-26", "2024-10-27", "2024-10-28"])
prices = st.integers(0, 500).map(lambda cents: str(Decimal(cents) / 100))
bounds = {
    "start_time": clock,
    "end_time": clock,
    "start_date": dates,
    "end_date": dates,
    "min_energy_kwh": kwh,
    "max_energy_kwh": kwh,
    "min_duration_s": duration,
    "max_duration_s": duration,
    "days_of_week": days,
}
elements = st.fixed_dictionaries(
    {
        "components": st.lists(
            st.fixed_dictionaries(
                {"dimension": st.sampled_from(["ENERGY", "TIME"]), "price": prices, "step_size": st.just(0)}
            ),
            min_size=1,
            max_size=2,
        ),
        "restrictions": st.lists(st.sampled_from(sorted(bounds)), max_size=2, unique=True).flatmap(
            lambda names: st.fixed_dictionaries({name: bounds[name] for name in names})
        ),
    }
)
starts = st.builds(
    lambda day, minute: day + timedelta(minutes=minute),
    st.sampled_from([datetime(2024, 3, 30, 18, tzinfo=UTC), datetime(2024, 10, 26, 18, tzinfo=UTC)]),
    st.integers(0, 480),
)


def holds(restrictions, moment, minute):
    """The restrictions as a reader of the text would check them, on strings and plain numbers."""
    local = moment.astimezone(AMSTERDAM)
    now, today = f"{local:%H:%M}", f"{local:%Y-%m-%d}"
    start, end = restrictions.get("start_time") or "00:00", restrictions.get("end_time") or "00:00"
    end = "24:00" if end == "00:00" else end
    inside = start <= now < end if start < end else start == end or now >= start or now < end
    energy, seconds = minute * KWH_A_MINUTE, minute * 60
    return (
        inside
        and (restrictions.get("start_date") or "") <= today < (restrictions.get("end_date") or "9")
        and Decimal(restrictions.get("min_energy_kwh") or 0) <= energy
        and (restrictions.get("max_energy_kwh") is None or energy < Decimal(restrictions["max_energy_kwh"]))
        and (restrictions.get("min_duration_s") or 0) <= seconds
        and (restrictions.get("max_duration_s") is None or seconds < restrictions["max_duration_s"])
        and (not restrictions.get("days_of_week") or DAYS[local.weekday()] in restrictions["days_of_week"])
    )


def minute_by_minute(elements, start, minutes):
    total = Decimal(0)
    for minute in range(minutes):
        for dimension, quantity in (("ENERGY", KWH_A_MINUTE), ("TIME", Decimal(1) / 60)):
            for element in elements:
                component = next((one for one in element["components"] if one["dimension"] == dimension), None)
                if component and holds(element["restrictions"], start + timedelta(minutes=minute), minute):
                    total += Decimal(component["price"]) * quantity
                    break
    return total


@settings(deadline=None, derandomize=True, max_examples=500)
@given(st.lists(elements, min_size=1, max_size=4), starts, st.integers(1, 700))
def test_division_is_what_a_walk_finds(elements, start, minutes):
    tariff = Tariff.model_validate(
        {
            "country_code": "NL",
            "party_id": "TNM",
            "id": "T",
            "currency": "EUR",
            "elements": elements,
            "last_updated": "2024-01-01T00:00:00Z",
        }
    )
    end = start + timedelta(minutes=minutes)
    stay = ExpectedStay(start=start, end=end, power=(PowerStep(after_s=0, power_kw=Decimal(6)),))
    report = forecast(expected_session(stay, "T"), (tariff,), time_zone=AMSTERDAM)
    assert abs(report.subtotal.before_taxes - minute_by_minute(elements, start, minutes)) < Decimal("1e-6")
