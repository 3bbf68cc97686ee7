"""How many pairs a second are matched and compared, beside plain Python on the same rows; run it by hand.

    python -m tests.benchmarks.bench_matching [pairs] [rounds]

Every pair is an SDR and the home-CSP's record of the session. By hand, of every 1000: 2 differ in energy (D09), 1 in
time (D08), 1 SDR has no session (D02), 1 has no session id and is matched by its reference; no EVSE is used twice at
once. The baseline knows the two exact keys and these classes, no overlaps, meters, credits or tolerant keys.
"""

import sys
import time
from collections import Counter
from collections.abc import Iterator

from core.clearing_house.matching import SdrRow, SessionRow, TermsRow, Witnesses, load, match, opened, run
from core.model.clearing.discrepancies import DiscrepancyClass
from tests.benchmarks.measuring import compare, print_table, stopwatch

HOUR = 3_600_000_000
TERMS = TermsRow("DE*VIS", "NL*HOM", "EUR", 60_000_000, 100, 0.1, 100, 24 * HOUR, 720 * HOUR, HOUR // 4)
EVSES = 5_000


def sdrs(pairs: int) -> Iterator[SdrRow]:
    """The operator's side."""
    for number in range(pairs):
        start = number // EVSES * 2 * HOUR
        yield SdrRow(
            key=f"DE*VIS/C{number}", id=f"c{number}", issuer="DE*VIS", payer="NL*HOM",
            session_id=None if number % 1000 == 7 else f"s{number}", reference=f"r{number}",
            evse=f"DEVISE{number % EVSES}", credential=f"NL*HOM/NLHOMC{number % EVSES}", kind="ORIGINAL",
            credits_id=None, started=start, ended=start + HOUR, energy=100_000, amount=39_000,
            amount_with_taxes=46_410, currency="EUR", meter_start=None, meter_end=None, received=start + 2 * HOUR,
            alive=True, judged=True,
        )  # fmt: skip


def sessions(pairs: int) -> Iterator[SessionRow]:
    """The provider's side."""
    for number in range(pairs):
        turn = number % 1000
        if turn == 3:
            continue
        start = number // EVSES * 2 * HOUR + (61_000_000 if turn == 5 else 0)
        yield SessionRow(
            key=f"H{number}", issuer="DE*VIS", payer="NL*HOM", session_id=f"s{number}", reference=f"r{number}",
            evse=f"DEVISE{number % EVSES}", credential=f"NL*HOM/NLHOMC{number % EVSES}", started=start,
            ended=number // EVSES * 2 * HOUR + HOUR, energy=110_000 if turn in (1, 2) else 100_000, authorised=True,
            quoted_most=None, revoked=None, max_power_w=22_000,
        )  # fmt: skip


def by_duckdb(pairs: int) -> Counter[DiscrepancyClass]:
    """What we do."""
    matched = match(Witnesses(sdrs(pairs), sessions(pairs), (), (TERMS,)), 0)
    return Counter(one.kind for one in matched.found)


def by_python(pairs: int) -> Counter[DiscrepancyClass]:
    """Two dictionaries and a loop."""
    by_session: dict[tuple[str, str | None], SessionRow] = {}
    by_reference: dict[tuple[str, str | None], SessionRow] = {}
    for one in sessions(pairs):
        by_session[one.issuer, one.session_id] = one
        by_reference[one.issuer, one.reference] = one
    found: Counter[DiscrepancyClass] = Counter()
    for sdr in sdrs(pairs):
        other = by_session.get((sdr.issuer, sdr.session_id)) or by_reference.get((sdr.issuer, sdr.reference))
        if other is None:
            found[DiscrepancyClass.D02] += 1
            continue
        late = other.ended is not None and abs(sdr.ended - other.ended) > TERMS.time_tolerance
        if abs(sdr.started - other.started) > TERMS.time_tolerance or late:
            found[DiscrepancyClass.D08] += 1
        tolerance = max(TERMS.energy_tolerance, sdr.energy * TERMS.energy_percent / 100)
        if abs(sdr.energy - other.energy) > tolerance:
            found[DiscrepancyClass.D09] += 1
    return found


def parts(pairs: int) -> list[tuple[str, float]]:
    """Processor seconds of each part of what we do, its threads' included: where the time goes."""
    spent: list[tuple[str, float]] = []

    def lap(what: str) -> None:
        nonlocal begin
        spent.append((what, time.process_time() - begin))
        begin = time.process_time()

    begin = time.process_time()
    operators, providers = list(sdrs(pairs)), list(sessions(pairs))
    lap("rows made in Python (the baseline does so, too)")
    with opened() as place:
        load(place, Witnesses(operators, providers, (), (TERMS,)))
        lap("rows handed to DuckDB")
        matched = run(place.connection, 0)
        lap("the SQL text and what it finds, read")
    assert matched.found
    return spent


def main() -> None:
    """Check both against the figures by hand, then measure."""
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    kinds = DiscrepancyClass
    by_hand = Counter({kinds.D09: 2 * pairs // 1000, kinds.D08: pairs // 1000, kinds.D02: pairs // 1000})
    for way in (by_duckdb, by_python):
        assert way(pairs) == by_hand, (way.__name__, way(pairs))
    result = compare(
        f"{pairs} pairs, rows made included",
        stopwatch(lambda: by_duckdb(pairs)),
        stopwatch(lambda: by_python(pairs)),
        baseline_name="plain Python",
        rounds=rounds,
    )
    print_table("Matching witnesses", [result])
    fastest = min(result.ours)
    print(f"{pairs / fastest:,.0f} pairs a second at best, on this machine")
    for what, spent in parts(pairs):
        print(f"{spent:8.2f} s of processor time, {pairs / spent:12,.0f} pairs a second: {what}")


if __name__ == "__main__":
    main()
