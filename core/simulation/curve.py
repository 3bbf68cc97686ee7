"""A quantity that depends on another along straight pieces: power over state of charge, factor over temperature."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated

from pydantic import AfterValidator, Field


def _rising(points: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    if any(left[0] >= right[0] for left, right in pairwise(points)):
        raise ValueError("the points of a curve must rise from left to right")
    return points


Curve = Annotated[tuple[tuple[int, int], ...], Field(min_length=1), AfterValidator(_rising)]
"""Points (x, y) in rising order of x; left of the first and right of the last the curve is level."""


def value_at(curve: Sequence[tuple[int, int]], x: int, scale: int = 1) -> int:
    """The curve's value at x / scale, cut to a whole number."""
    right = bisect_right(curve, x, key=lambda point: point[0] * scale)
    if right == 0:
        return curve[0][1]
    if right == len(curve):
        return curve[-1][1]
    (x0, y0), (x1, y1) = curve[right - 1], curve[right]
    return y0 + (y1 - y0) * (x - x0 * scale) // ((x1 - x0) * scale)
