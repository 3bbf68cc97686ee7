"""The drawn code is read back from the cells of the screen, as a camera would."""

import asyncio

import pytest
import zxingcpp
from PIL import Image
from textual.app import App, ComposeResult
from textual.strip import Strip

from app.text import Text
from app.themes import register_themes
from app.widgets.qr_code import QrCode, qr_rows
from tests.app.conftest import rendered, screen_text
from tests.app.gallery import HANDOVER


class QrApp(App[None]):
    def __init__(self, payload: str, dark: bool) -> None:
        super().__init__()
        self.payload, self.dark_theme = payload, dark

    def on_mount(self) -> None:
        register_themes(self, self.dark_theme)

    def compose(self) -> ComposeResult:
        yield QrCode(Text(), self.payload)


def show(payload: str, size: tuple[int, int], dark: bool = True) -> tuple[list[Strip], str]:
    async def run() -> tuple[list[Strip], str]:
        app = QrApp(payload, dark)
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            return rendered(app), screen_text(app)

    return asyncio.run(run())


def photograph(strips: list[Strip]) -> Image.Image:
    """A picture of the cells: two square pixels a cell, each in the ink or the ground that the terminal would paint."""
    width = sum(len(text) for text, _, _ in strips[0])
    image = Image.new("RGB", (width, len(strips) * 2))
    for row, strip in enumerate(strips):
        column = 0
        for text, style, _ in strip:
            ink, ground = tuple(style.color.triplet) if style.color else (0, 0, 0), tuple(style.bgcolor.triplet)
            for character in text:
                image.putpixel((column, row * 2), ink if character in "▀█" else ground)
                image.putpixel((column, row * 2 + 1), ink if character in "▄█" else ground)
                column += 1
    return image.resize((image.width * 6, image.height * 6), Image.Resampling.NEAREST)


@pytest.mark.parametrize("dark", [True, False])
@pytest.mark.parametrize("payload", [HANDOVER, "https://kiosk.example/h/" + "x" * 38, "A"])
def test_it_is_read_from_the_screen(payload: str, dark: bool) -> None:
    strips, text = show(payload, (80, 24), dark)
    codes = zxingcpp.read_barcodes(photograph(strips[: len(qr_rows(payload))]), try_invert=False)
    assert [code.text for code in codes] == [payload]
    assert codes[0].ec_level == "M"
    assert payload in text.splitlines()[len(qr_rows(payload))]


def test_it_is_read_without_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    strips, _ = show(HANDOVER, (80, 24))
    assert [code.text for code in zxingcpp.read_barcodes(photograph(strips), try_invert=False)] == [HANDOVER]


def test_a_payload_of_62_characters_leaves_room_for_its_address_on_24_rows() -> None:
    rows = qr_rows("https://kiosk.example/h/" + "x" * 38)
    assert (len(rows[0]), len(rows)) == (33 + 8, 21)


@pytest.mark.parametrize("size", [(40, 24), (80, 20)])
def test_a_window_too_small_shows_the_address(size: tuple[int, int]) -> None:
    _, text = show(HANDOVER, size)
    assert "too small" in text
    assert HANDOVER in text.replace("\n", "")
    assert "█" not in text
