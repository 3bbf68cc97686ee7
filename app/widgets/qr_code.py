"""A QR code that every camera reads: half blocks with both colours set, whatever the theme.

Tried with readers: theme colours and braille do not decode. Black and white stay what they are under NO_COLOR.
"""

import segno
from textual.content import Content
from textual.reactive import reactive

from app.text import Text
from app.widgets.cells import wrapped
from app.widgets.paper import Paper

QUIET_ZONE = 4
"""Light modules around the code (ISO/IEC 18004, 9.1)."""
_INK = "#000000 on #ffffff"
_HALVES = {(0, 0): " ", (1, 0): "▀", (0, 1): "▄", (1, 1): "█"}


def qr_rows(payload: str) -> list[str]:
    """The code at error level M as rows of half blocks, with its quiet zone. Raises ValueError where it is too long."""
    code = segno.make_qr(payload, error="m", boost_error=False)
    modules = [[int(dark) for dark in row] for row in code.matrix_iter(border=QUIET_ZONE)]
    if len(modules) % 2:
        modules.append([0] * len(modules[0]))
    return [
        "".join(_HALVES[pair] for pair in zip(upper, lower, strict=True))
        for upper, lower in zip(modules[::2], modules[1::2], strict=True)
    ]


class QrCode(Paper):
    """Draws a code with its address beneath; where it does not fit, says so and shows the address alone."""

    DEFAULT_CSS = """
    QrCode { text-wrap: nowrap; }
    """

    payload: reactive[str] = reactive("", layout=True)

    def __init__(self, text: Text, payload: str = "", *, id: str | None = None) -> None:
        super().__init__(text, id=id)
        self.set_reactive(QrCode.payload, payload)

    def lines(self, width: int) -> list[Content]:
        """The code and its address at a width in cells."""
        if not self.payload:
            return []
        rows = qr_rows(self.payload)
        address = wrapped(self.payload, width)
        if len(rows[0]) > width or (self.is_running and len(rows) > self.app.size.height):
            return [Content(line) for line in (*wrapped(self.text.say("qr.too_small"), width), *address)]
        indent = " " * ((width - len(rows[0])) // 2)
        code = [Content.assemble(indent, (row, _INK)) for row in rows]
        return [*code, *(Content(line.center(width)) for line in address)]
