"""Runs the checks, each network for itself, and gathers what came of them."""

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from pathlib import Path
from typing import TypeVar

from core.clock import WallClock
from core.endpoint.bindings import BINDINGS
from core.errors import EvroamError
from core.json_api import program_version
from core.network import Via
from core.walks.conformance.bench import Bench, bench
from core.walks.conformance.check import Check, Stand, Without
from core.walks.conformance.checks import CHECKS
from core.walks.conformance.report import CheckResult, ConformanceRun, Outcome
from core.walks.messages import WireMessage
from core.walks.provenance import program_commit
from core.walks.scenario import Finding
from core.walks.use_cases import clause_of

WIRES: tuple[str, ...] = tuple(BINDINGS)
"""The versions of OCPI that a run can be made on."""

S = TypeVar("S", bound=Stand)
OnResult = Callable[[CheckResult], None]
_WALL = WallClock()


@dataclass(frozen=True)
class Combination:
    """One network to run on."""

    via: Via
    wire: str


def combinations(via: Via | None = None, wire: str | None = None) -> list[Combination]:
    """All that there are, or those of this topology or wire."""
    return [Combination(*one) for one in product([via] if via else Via, [wire] if wire else WIRES)]


async def run_embedded(
    wanted: Iterable[Combination],
    folder: Path,
    *,
    checks: Sequence[Check[Bench]] = CHECKS,
    on_result: OnResult | None = None,
) -> ConformanceRun:
    """Run the checks on a fresh network a combination, each in a folder of its own below this empty one.

    Raises EvroamError where a network cannot stand, OSError where no port is free.
    """
    started_at, results = _WALL.now(), []
    for one in wanted:
        place = folder / f"{one.via}-{one.wire}"
        place.mkdir(parents=True)
        async with bench(place, one.via, one.wire) as stand:
            results += await run_checks(checks, stand, one, on_result)
    return run_of(started_at, results)


def run_of(started_at: datetime, results: Iterable[CheckResult], partner: str | None = None) -> ConformanceRun:
    """The run that ends now. partner: where the foreign one is, None on embedded networks."""
    return ConformanceRun(
        version=program_version(),
        commit=program_commit(),
        started_at=started_at,
        ended_at=_WALL.now(),
        partner=partner,
        results=tuple(results),
    )


async def run_checks(
    checks: Iterable[Check[S]], stand: S, on: Combination, on_result: OnResult | None = None
) -> list[CheckResult]:
    """The checks, one after the other on the same stand."""
    results = []
    await stand.heard()
    for check in checks:
        results.append(await run_check(check, stand, on))
        if on_result is not None:
            on_result(results[-1])
    return results


async def run_check(check: Check[S], stand: S, on: Combination) -> CheckResult:
    """One check: what it finds, what crossed the wire meanwhile, and that it leaves nothing open."""
    started, without = time.monotonic(), None
    findings: list[Finding] = []
    try:
        findings += await check.perform(stand)
    except Without as missing:
        without = missing
    except (EvroamError, OSError, TimeoutError) as error:
        findings = [Finding(expected="the check goes through", actual=_words(error), holds=False)]
    seconds = round(time.monotonic() - started, 3)
    await stand.settled()
    heard = await stand.heard()
    findings += _crossed(check.wire, heard) if findings else []
    findings += await _left_open(stand)
    await stand.heard()
    return result_of(check, findings, without, via=on.via, wire=on.wire, messages=len(heard), seconds=seconds)


def result_of(
    check: Check[S],
    findings: Sequence[Finding],
    without: Without | None,
    *,
    via: str,
    wire: str,
    messages: int,
    seconds: float,
) -> CheckResult:
    """The verdict: fail where anything did not hold or nothing was looked at, none where `without` says why."""
    broken = [one for one in findings if not one.holds]
    reason = "; ".join(f"expected {one.expected}, found {one.actual}" for one in broken)
    if broken:
        verdict = Outcome.FAIL
    elif without is not None:
        verdict, reason = without.outcome, without.message
    else:
        verdict, reason = (Outcome.PASS, "") if findings else (Outcome.FAIL, "nothing was looked at")
    return CheckResult(
        use_case=check.use_case,
        clause=clause_of(check.use_case),
        name=check.name,
        what=check.what,
        via=via,
        wire=wire,
        verdict=verdict,
        reason=reason,
        findings=tuple(findings),
        messages=messages,
        seconds=seconds,
    )


def _crossed(wanted: Collection[str], heard: Sequence[WireMessage]) -> list[Finding]:
    missing = [one for one in sorted(wanted) if not any(_is(one, message) for message in heard)]
    if not wanted:
        return []
    expected = f"{', '.join(sorted(wanted))} on the wire"
    return [
        Finding(expected=expected, actual=f"missing: {', '.join(missing)}" if missing else expected, holds=not missing)
    ]


def _is(wanted: str, message: WireMessage) -> bool:
    method, _, segment = wanted.partition(" ")
    return message.method == method and segment in message.path.split("?")[0].split("/")


async def _left_open(stand: Stand) -> list[Finding]:
    """A finding where something stays open, or a station cannot be brought back."""
    try:
        left = await stand.tidy()
    except (EvroamError, OSError, TimeoutError) as error:
        left = [_words(error)]
    return [Finding(expected="nothing left open", actual="; ".join(left), holds=False)] if left else []


def _words(error: Exception) -> str:
    return f"{error.code}: {error.message}" if isinstance(error, EvroamError) else f"{type(error).__name__}: {error}"
