"""What the Walk screen is told of a walk, and what it can ask for: plain values and one interface.

The screen knows neither the walks nor the network under them; whoever opens it (a command) brings a `Guide` that does.
What is found is said in English, as the evidence of a walk is.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from core.driver_client import DriverClient
from core.driver_messages import Login, QuoteView
from core.model.parties import ObjectKey


class Lane(StrEnum):
    """Who stands where in a message ladder, from left to right."""

    DRIVER = "driver"
    HOME_CSP = "home_csp"
    CLEARING_HOUSE = "clearing_house"
    VISITED_CSO = "visited_cso"


@dataclass(frozen=True)
class Route:
    """Which walk it is. scenario, via and wire: as `evroam walk` names them; wire None for the highest there is."""

    scenario: str
    via: str
    wire: str | None = None

    @property
    def through_house(self) -> bool:
        """Whether a clearing house stands between the platforms."""
        return self.via == "hub"


@dataclass(frozen=True)
class PlannedStep:
    """A step as the scenario has it. faults: those that can be at it, by name."""

    name: str
    use_case: str
    sender: Lane
    receiver: Lane
    expected: str
    faults: tuple[str, ...]


@dataclass(frozen=True)
class Said:
    """One request between two platforms and its answer, as they logged it. sender: None for one whom nobody knows."""

    request_id: str | None
    at: datetime
    sender: Lane | None
    receiver: Lane | None
    sender_name: str
    receiver_name: str
    method: str
    path: str
    kind: str
    http_status: int | None
    ocpi_status: int | None
    milliseconds: int | None

    @property
    def accepted(self) -> bool:
        """Whether the answer was a yes (OCPI 1xxx; plain HTTP where no OCPI status came)."""
        if self.ocpi_status is not None:
            return 1000 <= self.ocpi_status < 2000
        return self.http_status is not None and self.http_status < 400


@dataclass(frozen=True)
class LoggedText:
    """What the log holds of a message beyond `Said`, masked as it was logged."""

    correlation_id: str | None
    request_body: str
    response_body: str


@dataclass(frozen=True)
class Found:
    """One thing that a step looked at."""

    expected: str
    actual: str
    holds: bool


@dataclass(frozen=True)
class WalkedStep:
    """What came of a step. reason: why it failed, empty where it passed."""

    name: str
    passed: bool
    reason: str
    found: tuple[Found, ...]
    messages: tuple[Said, ...]
    seconds: float


@dataclass(frozen=True)
class Outcome:
    """How the walk ended: in one sentence, and with a fault how the platforms stood when it was over.

    messages: what they said to one another meanwhile that is none of the last step's own.
    """

    passed: bool
    sentence: str
    coped: tuple[str, ...]
    messages: tuple[Said, ...]


@dataclass(frozen=True)
class Situation:
    """How far the driver of the walk has come; None for what is still ahead."""

    login: Login | None = None
    site: ObjectKey | None = None
    evse_uid: str | None = None
    quote: QuoteView | None = None
    session_id: str | None = None


class Guide(Protocol):
    """Leads through one walk on a network of its own, which stands from `begin` to `close`.

    Whatever waits raises EvroamError where the walk cannot go on.
    """

    @property
    def route(self) -> Route:
        """Which walk it is."""

    @property
    def clause(self) -> str:
        """Where the standard has the scenario: A.1."""

    @property
    def plan(self) -> tuple[PlannedStep, ...]:
        """All steps, in their order."""

    @property
    def fault(self) -> tuple[str, str] | None:
        """What is wrong on purpose, and at which step."""

    @property
    def saves_at_end(self) -> bool:
        """Whether the evidence is to be saved unasked."""

    async def begin(self) -> str:
        """Raise the network; the version of OCPI that it speaks."""

    async def connect(self) -> DriverClient:
        """A client for a front end of the walk's driver, as yet not identified."""

    def situation(self) -> Situation:
        """How far the driver has come; may be asked for while a step is walked."""

    def inject(self, fault: str | None, step: str) -> None:
        """Have a fault at a step that is still ahead, in place of one that was wanted before; None for none."""

    async def step(self) -> WalkedStep | None:
        """Walk the next step; None where there is none, or one has failed."""

    async def end(self) -> Outcome:
        """After the last step: see how the platforms cope, and sum up."""

    async def text_of(self, said: Said) -> LoggedText:
        """A message in full."""

    async def save_evidence(self, screens: Mapping[str, str]) -> Path:
        """Write the evidence pack of a walk that has ended, with the driver's screens (SVG by name); where it lies."""

    async def close(self) -> None:
        """Take the network down."""


Walks = Callable[[Route], Guide]
"""Opens walks: what the app is given where a field tester may walk."""
