"""Foreign text made safe to show: nothing in it can act on a terminal, hide, or give a person away."""

import unicodedata

_NOT_SHOWN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def printable(text: str) -> str:
    """The text with control, format (bidirectional, zero-width), surrogate and unassigned characters escaped."""
    return "".join(
        character.encode("unicode_escape").decode("ascii")
        if unicodedata.category(character) in _NOT_SHOWN
        else character
        for character in text
    )


def last_four(text: str) -> str:
    """A personal identifier as it may be shown: an ellipsis and its last four letters or digits, or none if short."""
    characters = [character for character in text if character.isalnum()]
    return "…" + "".join(characters[-4:] if len(characters) > 4 else [])
