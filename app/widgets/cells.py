"""Words in terminal cells: cut, padded and wrapped by what a terminal draws, not by characters."""

from rich.cells import cell_len, chop_cells, set_cell_size

from app.text import literal, printable


def shown(words: str) -> str:
    """Words as a widget draws them: printable, and with no markup left to read."""
    return printable(literal(words))


def fit(words: str, width: int, right: bool = False) -> str:
    """Words in exactly so many cells, cut with … where they are longer, else padded."""
    words = shown(words)
    length = cell_len(words)
    if length > width:
        return set_cell_size(words, width - 1) + "…" if width > 0 else ""
    return " " * (width - length) + words if right else words + " " * (width - length)


def wrapped(words: str, width: int) -> list[str]:
    """Words broken into lines of at most so many cells, at spaces; a longer word is cut."""
    lines: list[str] = []
    line = ""
    for word in shown(words).split(" "):
        joined = f"{line} {word}" if line else word
        if cell_len(joined) <= width:
            line = joined
            continue
        if line:
            lines.append(line)
        *whole, line = chop_cells(word, max(1, width)) or [""]
        lines.extend(whole)
    return [*lines, line]


def apart(left: str, right: str, width: int) -> str:
    """Two words at the two ends of a line; the left one is cut where they do not both fit."""
    right = shown(right)
    space = width - cell_len(right)
    return fit(left, space - 1) + " " + right if space > 1 else fit(right, width)
