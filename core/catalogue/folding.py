"""Words as they are compared: without case, accents and separators, so that "Köln", "koln" and "KOELN" meet."""

import re
import unicodedata
from collections.abc import Iterable

_NOT_DECOMPOSED = str.maketrans(
    {"ø": "o", "đ": "d", "ð": "d", "ł": "l", "æ": "ae", "œ": "oe", "þ": "th", "ı": "i", "ħ": "h"}
)
_SPELT_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})
_WORD = re.compile(r"[^\W_]+")


def fold(text: str) -> str:
    """The text in lower case, compatibility forms and accents taken away: "Straße" is "strasse", "Łódź" is "lodz"."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold().translate(_NOT_DECOMPOSED))
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def folded_words(text: str) -> list[str]:
    """The folded words of a text in order: runs of letters and digits."""
    return _WORD.findall(fold(text))


def compact(text: str) -> str:
    """All folded letters and digits of a text in one run: an EVSE id in whatever way it is written."""
    return "".join(folded_words(text))


def spellings(text: str) -> set[str]:
    """The folded words of a text, joined by spaces; with umlauts, also as they are spelt out: "koln" and "koeln"."""
    folded = {" ".join(folded_words(text))}
    if not text.isascii():
        composed = unicodedata.normalize("NFC", text).lower()
        folded.add(" ".join(folded_words(composed.translate(_SPELT_OUT))))
    return folded


def index_words(texts: Iterable[str]) -> set[str]:
    """Every word of the texts, in each of its spellings.

    A German street written short is also there in full ("bismarckstr" and "bismarckstrasse").
    """
    words = {word for text in texts for spelling in spellings(text) for word in spelling.split()}
    return words | {f"{word}asse" for word in words if word.endswith("str")}
