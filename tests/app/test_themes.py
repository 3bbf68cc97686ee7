"""The contrasts of the themes, computed as WCAG 2.2 defines them (relative luminance, success criterion 1.4.6)."""

import pytest
from textual.color import Color
from textual.theme import Theme

from app.themes import GROUNDS, PAIRS, STATUS_COLOURS, TEXT_COLOURS, THEMES
from tests.app.contrast import contrast as colour_contrast


def contrast(ink: str, ground: str) -> float:
    return colour_contrast(Color.parse(ink), Color.parse(ground))


def test_the_formula() -> None:
    """WCAG's own ends of the scale, and a grey known to be just enough for 4.5:1 on white."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=0.001)


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_words_have_seven_to_one(theme: Theme) -> None:
    colours = theme.to_color_system().generate()
    for ground in GROUNDS:
        for ink in TEXT_COLOURS:
            assert contrast(colours[ink], colours[ground]) >= 7, (ink, ground)
    for ink, ground in PAIRS:
        assert contrast(colours[ink], colours[ground]) >= 7, (ink, ground)


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_status_colours_have_four_and_a_half_to_one(theme: Theme) -> None:
    colours = theme.to_color_system().generate()
    for ground in GROUNDS:
        for ink in STATUS_COLOURS:
            assert contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)
