"""A check is a value: its use case, what has to cross the wire, and an act on the bench that returns findings."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from core.endpoint.ports import CommandAnswer, CommandReply
from core.errors import EvroamError, NotAllowed, NotFound, Refused
from core.walks.conformance.bench import Bench
from core.walks.scenario import Finding

T = TypeVar("T")
Act = Callable[[Bench], Awaitable[Sequence[Finding]]]


class NotOffered(EvroamError):
    """The platforms do not offer what a check is about; the message says what is missing."""

    code = "not_offered"


@dataclass(frozen=True)
class Check:
    """One check. name: unique; what: in plain words; wire: messages without which nothing was checked, such as
    `POST commands`: a method, and a segment of the path.
    """

    use_case: str
    name: str
    what: str
    perform: Act
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
