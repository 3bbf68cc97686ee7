"""A check is a value: its use case, what has to cross the wire, and an act on its stand that returns findings."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from core.endpoint.ports import CommandAnswer, CommandReply
from core.errors import EvroamError, NotAllowed, NotFound, Refused
from core.walks.conformance.report import Outcome
from core.walks.messages import WireMessage
from core.walks.scenario import Finding


class Stand(Protocol):
    """What checks stand on: an embedded network, or our home-CSP beside a foreign partner."""

    async def settled(self) -> None:
        """Wait until all that any platform of ours has to say has been said."""

    async def heard(self) -> Sequence[WireMessage]:
        """The messages that crossed the wire since this was last asked."""

    async def tidy(self) -> list[str]:
        """End what a check has begun; what could not be ended."""


S_contra = TypeVar("S_contra", bound=Stand, contravariant=True)


class Without(EvroamError):
    """A check that comes to no verdict; the message says what is missing."""

    outcome: Outcome


class NotOffered(Without):
    """The platforms do not offer what a check is about."""

    code = "not_offered"
    outcome = Outcome.NOT_OFFERED


class NotChecked(Without):
    """A check needs what is not at hand, such as a car at a post."""

    code = "not_checked"
    outcome = Outcome.NOT_CHECKED


@dataclass(frozen=True)
class Check(Generic[S_contra]):
    """One check. name: unique; what: in plain words; wire: messages without which nothing was checked, such as
    `POST commands`: a method, and a segment of the path.
    """

    use_case: str
    name: str
    what: str
    perform: Callable[[S_contra], Awaitable[Sequence[Finding]]]
    wire: frozenset[str] = frozenset()


def same(what: str, expected: object, actual: object) -> Finding:
    """That something is what it has to be."""
    return Finding(expected=f"{what}: {expected}", actual=f"{what}: {actual}", holds=expected == actual)


def holds(expected: str, actual: object, fact: bool) -> Finding:
    """That a fact holds; actual: what was seen."""
    return Finding(expected=expected, actual=str(actual), holds=fact)


async def answered(what: str, attempt: Awaitable[CommandReply], *answers: CommandAnswer) -> Finding:
    """That a command gets one of these answers, or none at all as it is refused on its way."""
    wanted = f"{what}: {' or '.join(answers)}, or refused on the way"
    try:
        answer = (await attempt).answer
    except (Refused, NotAllowed, NotFound) as error:
        return Finding(expected=wanted, actual=f"{what}: {error.code}", holds=True)
    return Finding(expected=wanted, actual=f"{what}: {answer}", holds=answer in answers)


async def refused(what: str, attempt: Awaitable[object], *codes: str) -> Finding:
    """That an attempt is refused, by one of these codes where any are named."""
    wanted = f"{what}: refused" + (f" ({' or '.join(codes)})" if codes else "")
    try:
        got = await attempt
    except EvroamError as error:
        return Finding(expected=wanted, actual=f"{what}: {error.code}", holds=not codes or error.code in codes)
    return Finding(expected=wanted, actual=f"{what}: taken ({got})", holds=False)
