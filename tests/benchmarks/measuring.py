"""What every benchmark shares: runs in turn with a baseline, medians with their spread, and the table at the end."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Timed = Callable[[], float]
"""Does the work once and returns how many seconds of it are to be compared."""


@dataclass(frozen=True)
class Compared:
    """One thing that was measured in turn with its baseline; seconds, one of each a round.

    aim: how many times as fast as the baseline we want to be or, where `within`, how many times its time we may take;
    None where only the figure is wanted.
    """

    what: str
    baseline_name: str
    ours: Sequence[float]
    baseline: Sequence[float]
    aim: float | None = None
    within: bool = False

    @property
    def ratios(self) -> list[float]:
        """Round by round, so that what slows the machine for a while slows both."""
        pairs = zip(self.ours, self.baseline, strict=True)
        return [ours / baseline if self.within else baseline / ours for ours, baseline in pairs]

    @property
    def met(self) -> str:
        """Whether the aim is met."""
        if self.aim is None:
            return ""
        ratio = statistics.median(self.ratios)
        return "yes" if (ratio <= self.aim if self.within else ratio >= self.aim) else "no"


def stopwatch(work: Callable[[], object]) -> Timed:
    """The wall-clock time of the work."""

    def timed() -> float:
        begin = time.perf_counter()
        work()
        return time.perf_counter() - begin

    return timed


def processor_time(work: Callable[[], object]) -> Timed:
    """The processor time that this process spends on the work."""

    def timed() -> float:
        begin = time.process_time()
        work()
        return time.process_time() - begin

    return timed


def compare(
    what: str,
    ours: Timed,
    baseline: Timed,
    *,
    baseline_name: str,
    rounds: int,
    aim: float | None = None,
    within: bool = False,
) -> Compared:
    """Run both in turn, each first in every other round; a first round is not counted."""
    taken: tuple[list[float], list[float]] = ([], [])
    for turn in range(rounds + 1):
        both = [(ours, taken[0]), (baseline, taken[1])]
        for one, kept in both if turn % 2 else reversed(both):
            seconds = one()
            if turn:
                kept.append(seconds)
    return Compared(what, baseline_name, *taken, aim=aim, within=within)


def print_table(title: str, rows: Sequence[Compared]) -> None:
    """What, ours, baseline, ratio, aim, met. Times are of this machine; ratios are what may be told elsewhere."""
    print(f"\n{title} (milliseconds of this machine, median and range; ratio: median of the rounds and range)")
    cells = [("what", "ours", "baseline", "ratio", "aim", "met"), *map(_cells, rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _cells(row: Compared) -> tuple[str, ...]:
    word = "of its time" if row.within else "as fast"
    aim = "" if row.aim is None else f"{'≤' if row.within else '≥'} {row.aim:g}"
    return (
        row.what,
        _spread([1000 * one for one in row.ours]),
        f"{_spread([1000 * one for one in row.baseline])} {row.baseline_name}",
        f"{_spread(row.ratios)} {word}",
        aim,
        row.met,
    )


def _spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.3g} ({min(values):.3g}–{max(values):.3g})"
