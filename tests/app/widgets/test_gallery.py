"""Every widget as it looks, in both themes, all languages and at the sizes that screens have."""

import asyncio
import unicodedata

import pytest
from rich.color import ColorType
from textual.color import Color

from app.text import LANGUAGES, Text
from app.widgets.idle_clock import IdleFee, idle_sentence
from app.widgets.key_line import KeyLine, hints_for
from app.widgets.power_curve import curve_lines
from app.widgets.receipt_lines import receipt_content
from app.widgets.start_ladder import ladder_lines
from app.widgets.status_line import status_line
from app.widgets.tariff_card import tariff_lines
from tests.app import gallery
from tests.app.conftest import rendered
from tests.app.contrast import contrast
from tests.app.gallery import Gallery

PAGES = ("find", "price", "receipt", "phone")


@pytest.mark.parametrize("page", PAGES)
def test_page_looks_as_stored(snap_screens, page: str) -> None:
    snap_screens(lambda clock: Gallery(page), name=page)


def test_smallest_screen_looks_as_stored(snap_screens) -> None:
    snap_screens(lambda clock: Gallery("find", "de", dark=False), sizes=[(40, 15)], name="find-light-german")


async def _cells(page: str, dark: bool) -> list[tuple[str, Color, Color]]:
    app = Gallery(page, dark=dark)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        cells = []
        for strip in rendered(app):
            for text, style, _ in strip:
                if not text.strip():
                    continue
                assert style is not None and style.color is not None and style.bgcolor is not None
                assert style.color.type is style.bgcolor.type is ColorType.TRUECOLOR
                cells.append((text, Color.from_rich_color(style.color), Color.from_rich_color(style.bgcolor)))
        return cells


def _assert_readable(cells: list[tuple[str, Color, Color]]) -> None:
    """Drawings (box, block, braille, geometric shapes) are not words."""
    for text, ink, ground in cells:
        if any(unicodedata.category(character)[0] in "LNP" for character in text):
            assert contrast(ink, ground) >= 7, (text, ink.hex, ground.hex)


@pytest.mark.parametrize("dark", [True, False])
@pytest.mark.parametrize("page", PAGES)
def test_every_word_on_the_screen_has_a_contrast_of_seven_to_one(page: str, dark: bool) -> None:
    """WCAG 2.2, success criterion 1.4.6."""
    _assert_readable(asyncio.run(_cells(page, dark)))


@pytest.mark.parametrize("page", PAGES)
def test_without_colour_the_same_is_said(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    said = "".join(text for text, _, _ in asyncio.run(_cells(page, True)))
    monkeypatch.setenv("NO_COLOR", "1")
    cells = asyncio.run(_cells(page, True))
    assert "".join(text for text, _, _ in cells) == said
    assert all(len(set(colour.rgb)) == 1 for _, *colours in cells for colour in colours), "only greys"
    _assert_readable(cells)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [40, 56, 80, 120, 200])
def test_no_line_is_longer_than_its_widget(language: str, width: int) -> None:
    text = Text(language)
    assert idle_sentence(IdleFee(known=False), gallery.NOW, text)
    lines = [
        status_line(gallery.status(text), text, width),
        *tariff_lines(gallery.tariff(text), text, width),
        *ladder_lines(gallery.rungs(text), text.say("ladder.wait_you"), text, width),
        *curve_lines(gallery.curve(), text, width, 4),
        *receipt_content(gallery.receipt(text), text, width),
        *KeyLine(text, hints_for(gallery.actions_for("find"), text)).lines(width),
    ]
    assert max(line.cell_length for line in lines) <= width
