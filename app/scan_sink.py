"""Swallows what a keyboard-wedge scanner or card reader types, ahead of every binding (architecture, decision 15).

A burst is told from typing by the times of its keys: at least seven in quick succession, ended by Enter or Tab. Until
that is decided the keys are held, for less than a person notices; what turns out not to be a burst goes on to whoever
has the focus, in order and unharmed. A terminal multiplexer, ssh and an unmarked paste are as fast as a scanner, so
speed alone is no burst; a bracketed paste arrives as an event of its own and is never held.
"""

from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cached_property
from typing import TypeVar

from textual import events
from textual.app import App
from textual.message import Message
from textual.timer import Timer

STEP = 0.030
"""Seconds from one key of a burst to the next, at most."""
SURE_STEP = 0.050
"""The same once a burst is long: nobody types seven keys that fast, and a busy machine may stamp a key late."""
HOLD = 0.045
"""Seconds after the last key until held keys are released: a step, and some time for the event to arrive."""
SURE_HOLD = 0.060
FEWEST_KEYS = 7
MOST_KEYS = 512
"""More than this is no code that a driver means to scan; the rest is thrown away, so that memory is bounded."""

_TERMINATORS = {"\r", "\n", "\t"}
_TERMINATOR_KEYS = {"enter", "tab", "ctrl+j", "ctrl+i", "ctrl+m"}
_EDITING_KEYS = {"backspace", "delete", "ctrl+h"}

Input = events.Key | events.Paste | events.MouseDown | events.MouseUp | events.MouseScrollDown | events.MouseScrollUp
"""What a terminal makes of typed characters: an escape sequence in a code can pose as an arrow, a click or a paste."""


class Scanned(Message):
    """A scanner or card reader typed this; sent to the screen in front, and from there to the app.

    payload: as it came, control characters included, at most 512 characters: judge it before it is shown.
    too_long: there was more.
    """

    def __init__(self, payload: str, too_long: bool = False) -> None:
        super().__init__()
        self.payload = payload
        self.too_long = too_long


class Ruling(Enum):
    """What becomes of a key."""

    PASS = auto()
    HELD = auto()
    SWALLOWED = auto()
    SCANNED = auto()


@dataclass
class Burst:
    """The input that may be a scan, judged piece by piece by its own times; knows nothing of a terminal.

    `judge` says what becomes of an event. Before an event that does not continue the burst, the caller takes what is
    held with `release` (see `continues`).
    """

    held: list[Input] = field(default_factory=list)
    overlong: bool = False
    judged: int = 0
    _last: float = float("-inf")
    _swallow_tail: bool = False

    @property
    def sure(self) -> bool:
        """So many quick keys that no person typed them."""
        return len(self.held) >= FEWEST_KEYS

    def continues(self, time: float) -> bool:
        """Whether an event of this time belongs to those before it."""
        step = SURE_STEP if self.sure or self._swallow_tail else STEP
        return time - self._last <= step

    def judge(self, event: Input) -> Ruling:
        """What becomes of the event; the payload of SCANNED is in `payload` until `release`.

        Raises ValueError where something is held that should have been released.
        """
        self.judged += 1
        follows = self.continues(event.time)
        if self._swallow_tail:
            if follows:
                self._last = event.time
                return Ruling.SWALLOWED
            self._swallow_tail = False
        if self.held and not follows:
            raise ValueError("release what is held before an event that does not continue it")
        if _is_terminator(event) and self.sure:
            self._last, self._swallow_tail = event.time, True
            return Ruling.SCANNED
        if _is_terminator(event) or (not self.held and not _may_begin(event)):
            return Ruling.PASS
        self._last = event.time
        if len(self.held) >= MOST_KEYS:
            self.overlong = True
            return Ruling.SWALLOWED
        self.held.append(event)
        return Ruling.HELD

    def payload(self) -> str:
        """What was typed; what is no character (an arrow, a click) was an escape sequence once, and counts as ESC."""
        return "".join((isinstance(event, events.Key) and event.character) or "\x1b" for event in self.held)

    def release(self) -> list[Input]:
        """What is held, in order; the burst is empty after it."""
        held, self.held, self.overlong = self.held, [], False
        return held


def _is_terminator(event: Input) -> bool:
    return isinstance(event, events.Key) and (event.character in _TERMINATORS or event.key in _TERMINATOR_KEYS)


def _may_begin(event: Input) -> bool:
    return isinstance(event, events.Key) and event.character is not None and event.key not in _EDITING_KEYS


ResultType = TypeVar("ResultType")


class ScanSink(App[ResultType]):
    """An App that turns scanner bursts into `Scanned` and lets every other key through."""

    _release_timer: Timer | None = None

    @cached_property
    def burst(self) -> Burst:
        """The keys that are held at present."""
        return Burst()

    async def on_event(self, event: events.Event) -> None:
        """Holds, swallows or passes on what comes from the keyboard, and what a code may disguise as mouse or paste."""
        if isinstance(event, Input) and not event.is_forwarded:
            await self._take(event)
        else:
            await super().on_event(event)

    async def _take(self, event: Input) -> None:
        if self.burst.held and not self.burst.continues(event.time):
            await self.release_held_keys()
        ruling = self.burst.judge(event)
        if ruling is Ruling.SCANNED:
            self._scanned()
        elif ruling is Ruling.PASS:
            await self.release_held_keys()
            await super().on_event(event)
        elif self.burst.held:
            self._arm()

    def _scanned(self) -> None:
        self._disarm()
        payload, too_long = self.burst.payload(), self.burst.overlong
        self.burst.release()
        self.screen.post_message(Scanned(payload, too_long))

    async def release_held_keys(self) -> None:
        """Give what is held to whoever has the focus, as if it had just been typed; an overlong burst is refused."""
        self._disarm()
        if self.burst.overlong:
            self._scanned()
            return
        for event in self.burst.release():
            await super().on_event(event)

    def _arm(self) -> None:
        self._disarm()
        judged = self.burst.judged

        async def release_if_still_last() -> None:
            # A key that was typed meanwhile has armed a timer of its own: an older one must not split the burst.
            if self.burst.judged == judged:
                await self.release_held_keys()

        self._release_timer = self.set_timer(SURE_HOLD if self.burst.sure else HOLD, release_if_still_last)

    def _disarm(self) -> None:
        if self._release_timer is not None:
            self._release_timer.stop()
            self._release_timer = None
