"""A scenario is a sequence of steps, each an act that observes and a pure check; the runner is separate from both.

A step acts on its ground (the network that is walked) and returns what it observed there; its check turns that into
findings. The runner goes step by step, so that a screen can stop between two, and ends at the first step that fails:
what follows would stand on nothing.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from core.errors import EvroamError
from core.walks.messages import WireMessage

G = TypeVar("G")
Seen = TypeVar("Seen")

Act = Callable[[G], Awaitable[None]]
"""Something done to the ground from outside the scenario, such as a fault."""

Hear = Callable[[], Awaitable[Sequence[WireMessage]]]
"""The messages that crossed the wire since it was last called."""


class Actor(StrEnum):
    """Who acts in a step, and towards whom (6.2)."""

    DRIVER = "driver"
    HOME_CSP = "home-CSP"
    VISITED_CSO = "visited-CSO"
    CLEARING_HOUSE = "clearing house"


class Verdict(StrEnum):
    """How a step, or the whole walk, went."""

    PASS = "pass"  # noqa: S105  # the word, no password
    FAIL = "fail"


class Finding(BaseModel):
    """One thing that was looked at: what had to be, what was there."""

    model_config = ConfigDict(frozen=True)

    expected: str
    actual: str
    holds: bool


@dataclass(frozen=True)
class Step(Generic[G, Seen]):
    """One step. use_case: of the registry, or a clause; wire: the kinds of messages that belong to it.

    at_post: whether a station takes part, so that what is wrong with one can show here.
    """

    name: str
    use_case: str
    what: str
    sender: Actor
    receiver: Actor
    expected: str
    perform: Callable[[G], Awaitable[Seen]]
    check: Callable[[Seen], Sequence[Finding]]
    wire: frozenset[str] = frozenset()
    at_post: bool = False

    @property
    def crosses(self) -> bool:
        """Whether its messages go from platform to platform."""
        return bool(self.wire) and Actor.DRIVER not in {self.sender, self.receiver}


@dataclass(frozen=True)
class Scenario(Generic[G]):
    """A scenario of Annex A. name: as the command names it; clause: where the standard has it."""

    name: str
    clause: str
    title: str
    steps: tuple[Step[G, Any], ...]  # Any: each step observes something of its own kind


class StepResult(BaseModel):
    """How a step went. actual: what was found; reason: why it failed, empty where it passed.

    through: who stands between the two on the wire, None where they speak directly.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    use_case: str
    what: str
    sender: Actor = Field(serialization_alias="from")
    receiver: Actor = Field(serialization_alias="to")
    through: Actor | None = None
    expected: str
    actual: str
    verdict: Verdict
    reason: str = ""
    findings: tuple[Finding, ...] = ()
    messages: tuple[WireMessage, ...] = ()
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether all of it held."""
        return self.verdict is Verdict.PASS

    @property
    def way(self) -> str:
        """From whom to whom, and through whom."""
        return " → ".join(one for one in (self.sender, self.through, self.receiver) if one is not None)


async def walk(
    scenario: Scenario[G],
    ground: G,
    heard: Hear,
    *,
    before: Mapping[str, Act[G]] | None = None,
    after: Mapping[str, Act[G]] | None = None,
    through: Actor | None = None,
) -> AsyncIterator[StepResult]:
    """Go through the scenario, a result a step, up to the first that fails.

    before, after: what is done to the ground just before and just after a step, by its name; a fault comes and goes
    here. through: who stands between the platforms.
    """
    late: list[WireMessage] = []
    for step in scenario.steps:
        act = (before or {}).get(step.name)
        if act is not None:
            await act(ground)
        started = time.monotonic()
        findings = await _findings(step, ground)
        seconds = round(time.monotonic() - started, 3)
        act = (after or {}).get(step.name)
        if act is not None:
            await act(ground)
        new = list(await heard())
        # A message may reach the log a moment after what it brought about: the next step still finds it.
        result = _result(step, findings, tuple(one for one in late + new if one.kind in step.wire), seconds)
        if step.crosses:
            result = result.model_copy(update={"through": through})
        late = [one for one in new if one.kind not in step.wire]
        yield result
        if not result.passed:
            return


async def _findings(step: Step[G, Seen], ground: G) -> tuple[Finding, ...]:
    """What the check finds; an act that ends in an error is a finding, too."""
    try:
        return tuple(step.check(await step.perform(ground)))
    except EvroamError as error:
        return (Finding(expected=step.expected, actual=f"{error.code}: {error.message}", holds=False),)
    except (TimeoutError, OSError) as error:
        return (Finding(expected=step.expected, actual=f"{type(error).__name__}: {error}", holds=False),)


def _result(
    step: Step[G, Seen], findings: tuple[Finding, ...], messages: tuple[WireMessage, ...], seconds: float
) -> StepResult:
    broken = [one for one in findings if not one.holds]
    verdict = Verdict.FAIL if broken or not findings else Verdict.PASS
    reason = "; ".join(f"expected {one.expected}, found {one.actual}" for one in broken)
    return StepResult(
        name=step.name,
        use_case=step.use_case,
        what=step.what,
        sender=step.sender,
        receiver=step.receiver,
        expected=step.expected,
        actual="; ".join(one.actual for one in broken or findings),
        verdict=verdict,
        reason=reason if findings else "nothing was looked at",
        findings=findings,
        messages=messages,
        seconds=seconds,
    )
