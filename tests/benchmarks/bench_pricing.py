"""How many sessions a second are priced, beside reading the JSON of the same CDR; run it by hand.

    python -m tests.benchmarks.bench_pricing [rounds]

CDRs with a period every quarter, under a tariff of half a euro a session, 0.39 a kWh, and 1.00 an hour after four
hours. By hand: 0.50 + 8 x 2.75 x 0.39 = 9.08 and 0.50 + 96 x 2.75 x 0.39 + 20 x 1.00 = 123.46.
"""

import json
import statistics
import sys
from decimal import Decimal
from zoneinfo import ZoneInfo

from core.endpoint.stored import Reader
from core.model.pricing.measured import MeasuredSession
from core.model.pricing.price import price_session
from tests.benchmarks.measuring import Compared, compare, print_table, processor_time
from tests.benchmarks.wire_samples import cdr

MANNHEIM = ZoneInfo("Europe/Berlin")
TIMES = 50
SESSIONS = (("2 hours, 8 periods", 8, Decimal("9.08")), ("24 hours, 96 periods", 96, Decimal("123.46")))


def measured(name: str, periods: int, expected: Decimal, rounds: int) -> list[Compared]:
    """Pricing, and reading into the model, against parsing."""
    text, reader = json.dumps(cdr(1, periods)), Reader()
    sdr = reader.sdr(text)
    session = MeasuredSession(start=sdr.start, end=sdr.end, periods=sdr.periods)
    priced = price_session(session, sdr.tariffs, time_zone=MANNHEIM)
    assert priced.total.before_taxes == expected, priced.total

    def price() -> None:
        for _ in range(TIMES):
            price_session(session, sdr.tariffs, time_zone=MANNHEIM)

    def read() -> None:
        for _ in range(TIMES):
            reader.sdr(text)

    def parse() -> None:
        for _ in range(TIMES):
            json.loads(text, parse_float=Decimal)

    compared = [
        compare(
            f"{what}, {name}",
            processor_time(ours),
            processor_time(parse),
            baseline_name="json.loads",
            rounds=rounds,
            within=True,
        )
        for what, ours in (("price_session", price), ("CDR into the model", read))
    ]
    print(f"{name}: {TIMES / statistics.median(compared[0].ours):.0f} sessions a second priced")
    return compared


if __name__ == "__main__":
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    rows = [row for one in SESSIONS for row in measured(*one, rounds)]
    print_table(f"Processor time of {TIMES} sessions", rows)
