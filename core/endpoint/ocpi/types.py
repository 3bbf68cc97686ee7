"""Classes and enums that several modules and every version of OCPI share."""

from abc import ABC, abstractmethod
from typing import Annotated

from core.endpoint.ocpi.kinds import Text
from core.endpoint.ocpi.shape import Shape, part, words_of
from core.model import money
from core.model.credentials import CredentialKind
from core.model.sites import LocalisedText

PROFILE_TYPE = ("CHEAP", "FAST", "GREEN", "REGULAR")
_KINDS = {kind.value: kind for kind in CredentialKind}
AUTH_METHOD = ("AUTH_REQUEST", "COMMAND", "WHITELIST")


class DisplayText(Shape):
    """A text for people."""

    language: Annotated[str, Text(2)]
    text: Annotated[str, Text(512)]


class AnyPrice(Shape, ABC):
    """An amount; each version writes it with members of its own."""

    @abstractmethod
    def price(self) -> money.Price:
        """Wire to model."""

    @classmethod
    @abstractmethod
    def of(cls, value: money.Price) -> "AnyPrice":
        """Model to wire."""


def text_of(shape: DisplayText) -> LocalisedText:
    """Wire to model."""
    return LocalisedText(language=shape.language, text=shape.text)


def display_text(text: LocalisedText) -> DisplayText:
    """Model to wire."""
    return DisplayText.model_construct(language=text.language, text=text.text)


def message(text: str | None, language: str = "en") -> tuple[DisplayText, ...]:
    """A word for the driver, cut to what the wire takes."""
    return (DisplayText.model_construct(language=language, text=text[:512]),) if text else ()


def price_of(shape: AnyPrice | None) -> money.Price | None:
    """Wire to model."""
    return None if shape is None else shape.price()


def price_class(shape: type[Shape], name: str) -> type[AnyPrice]:
    """The class of a member that holds an amount; each version has its own."""
    return part(shape, name, AnyPrice)  # type: ignore[type-abstract]  # what is found there is concrete


def price(shape: type[AnyPrice], value: money.Price | None) -> AnyPrice | None:
    """Model to wire."""
    return None if value is None else shape.of(value)


def credential_kind_of(word: str) -> CredentialKind:
    """What a type of token means; a word of a partner's own is something else to us."""
    return _KINDS.get(word, CredentialKind.OTHER)


def token_type(shape: type[Shape], kind: CredentialKind) -> str:
    """The wire's word in a shape's `type`; a kind for which the version has no word goes as OTHER."""
    return kind.value if kind.value in words_of(shape, "type") else CredentialKind.OTHER.value
