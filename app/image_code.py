"""Reads the codes in an image file. The file is decoded as an image and as nothing else."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

import zxingcpp
from PIL import Image

from core.errors import InvalidInput

MAX_BYTES = 20 << 20
_MAX_PIXELS = 40_000_000
_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF")


def named_file(typed: str) -> Path:
    """The file that was typed, pasted or dragged: with quotes, as a file URL, or with ~ for the home folder."""
    text = typed.strip().strip("\"'")
    if text.startswith("file://"):
        text = unquote(urlsplit(text).path)
    return Path(text).expanduser()


def codes_in(file: Path) -> tuple[str, ...]:
    """What the codes in an image say, each once. Blocks on the disk. Raises InvalidInput where it is no such image."""
    try:
        if not file.is_file() or file.stat().st_size > MAX_BYTES:
            raise _unreadable(file)
        with Image.open(file, formats=_FORMATS) as image:
            if image.width * image.height > _MAX_PIXELS:
                raise _unreadable(file)
            grey = image.convert("L")
    except (OSError, ValueError, RuntimeError, SyntaxError, Image.DecompressionBombError) as error:
        raise _unreadable(file) from error  # Pillow raises any of these for files that are broken on purpose
    found = zxingcpp.read_barcodes(grey, text_mode=zxingcpp.TextMode.Plain)
    return tuple(dict.fromkeys(one.text for one in found if one.text))


def _unreadable(file: Path) -> InvalidInput:
    return InvalidInput(f"{file.name[:60]} cannot be read as an image.", code="not_an_image")
