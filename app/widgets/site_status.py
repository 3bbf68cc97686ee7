"""What a site's points are doing, as a shape, a word and a colour; and the pin letters that tie map and table."""

from enum import Enum

from textual.content import Content

from app.text import Text


class SiteStatus(Enum):
    """A site's points taken together; the value is the shape, so that colour is never needed to tell them apart.

    A status past its time to live is UNKNOWN, and UNKNOWN is never free.
    """

    FREE = "●"
    PARTLY = "◐"
    BUSY = "○"
    OUT_OF_ORDER = "✕"
    UNKNOWN = "?"

    @property
    def shape(self) -> str:
        """One cell that tells it without colour."""
        return self.value

    @property
    def word(self) -> str:
        """The key of its word in `app.text`."""
        return f"status.{self.name.lower()}"

    @property
    def colour(self) -> str:
        """The theme variable that colours it."""
        return _COLOURS[self]


def legend(text: Text) -> Content:
    """All shapes with their words, for help and for the foot of a map."""
    parts = [((f"{status.shape} ", status.colour), f"{text.say(status.word)}   ") for status in SiteStatus]
    return Content.assemble(*(piece for part in parts for piece in part)).rstrip()


_COLOURS = {
    SiteStatus.FREE: "$success",
    SiteStatus.PARTLY: "$warning",
    SiteStatus.BUSY: "$secondary",
    SiteStatus.OUT_OF_ORDER: "$error",
    SiteStatus.UNKNOWN: "$text-muted",
}


def pin_letter(index: int) -> str:
    """The letter of the row at an index, A to Z; further rows have no pin."""
    return chr(ord("A") + index) if 0 <= index < 26 else " "
