"""Shares of a site's power, worked by hand."""

import pytest

from core.simulation.site_power import Claim, share


@pytest.mark.parametrize(
    ("limit", "wanted", "expected"),
    [
        (None, [50, 70], [50, 70]),
        (200, [50, 70], [50, 70]),
        (100, [50, 70], [50, 50]),
        (100, [20, 70, 70], [20, 40, 40]),  # what the first leaves goes to the others
        (100, [70, 20, 30], [50, 20, 30]),
        (100, [0, 70], [0, 70]),
        (10, [7, 7, 7], [3, 3, 4]),  # nothing is lost to rounding
    ],
)
def test_equal_shares(limit, wanted, expected) -> None:
    claims = {str(place): Claim(watts, least=0) for place, watts in enumerate(wanted)}
    assert list(share(limit, claims).values()) == expected


def test_whoever_came_last_waits_first() -> None:
    claims = {"first": Claim(100, least=40), "second": Claim(100, least=40), "third": Claim(100, least=40)}
    assert share(100, claims) == {"first": 50, "second": 50, "third": 0}
    assert share(39, claims) == {"first": 0, "second": 0, "third": 0}


def test_who_wants_less_than_the_least_is_not_kept_out() -> None:
    assert share(100, {"first": Claim(95, least=40), "tapering": Claim(5, least=40)}) == {"first": 95, "tapering": 5}
