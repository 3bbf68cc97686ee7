"""JSON text as it crossed, or will cross, the wire, with the version of the wire in which it is written."""

from typing import Any, Self

from sqlalchemy import Dialect, Text
from sqlalchemy.types import TypeDecorator
from typing_extensions import override

EVERY_VERSION = ""
"""The version of text that is written alike in all of them, as that of extension modules is."""


class WireText(str):
    """A text that knows its version; for all else a string."""

    __slots__ = ("version",)
    version: str

    def __new__(cls, text: str, version: str) -> Self:
        """The text, written in this version."""
        made = str.__new__(cls, text)
        made.version = version
        return made


def version_of(text: str) -> str:
    """The version in which a text is written."""
    return text.version if isinstance(text, WireText) else EVERY_VERSION


class Body(TypeDecorator[WireText]):
    """Verbatim JSON at rest, behind its version: `2.3.0 {...}`. The two cannot part, whoever copies the value."""

    impl = Text
    cache_ok = True

    @override
    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # Any: what a caller wants to store
        if value is None:
            return None
        version = version_of(value)
        if version == EVERY_VERSION:
            raise TypeError("a body is stored with the version in which it is written")
        return f"{version} {value}"

    @override
    def process_result_value(self, value: Any, dialect: Dialect) -> WireText | None:  # Any: what the driver gives
        if value is None:
            return None
        version, _, text = value.partition(" ")
        return WireText(text, version)
