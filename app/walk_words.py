"""A walk in the words of its screen: the ladder's rows, the head, and what an opened step or message says."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.text import Text
from app.walk_values import Found, Lane, LoggedText, Outcome, PlannedStep, Route, Said, WalkedStep
from app.widgets.facts import Fact
from app.widgets.message_ladder import Arrow, LadderNote, LadderStep, Row, StepMark
from app.widgets.remarks import Remark

_FIGURE = "\0"
_AS_FIGURE = re.compile(r'"\\u0000([^"]*)"')

OUTCOME = "outcome"
"""The id of the row behind the last step."""


@dataclass
class Course:
    """How far a walk has come. now: the step that is being walked."""

    plan: tuple[PlannedStep, ...]
    route: Route
    version: str = ""
    walked: list[WalkedStep] = field(default_factory=list)
    now: PlannedStep | None = None
    outcome: Outcome | None = None

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """Who stands in the ladder."""
        return tuple(one for one in Lane if one is not Lane.CLEARING_HOUSE or self.route.through_house)

    @property
    def ahead(self) -> tuple[PlannedStep, ...]:
        """The steps that are neither walked nor being walked; none once one has failed."""
        if self.walked and not self.walked[-1].passed:
            return ()
        begun = len(self.walked) + (self.now is not None)
        return self.plan[begun:]

    def result_of(self, name: str) -> WalkedStep | None:
        """What came of a step."""
        return next((one for one in self.walked if one.name == name), None)

    def said(self, id: str) -> Said | None:
        """The message of a row."""
        step, _, number = id.partition("/")
        messages = self.outcome.messages if step == OUTCOME and self.outcome else ()
        if (result := self.result_of(step)) is not None:
            messages = result.messages
        return messages[int(number)] if number.isdigit() and int(number) < len(messages) else None


def rows_of(course: Course, fault: tuple[str, str] | None, text: Text) -> tuple[Row, ...]:
    """The ladder: every step, what was said in it, and behind the last that was walked how it ended."""
    rows: list[Row] = [
        _step_row(number, one, course, fault[0] if fault is not None and fault[1] == one.name else "", text)
        for number, one in enumerate(course.plan, 1)
    ]
    if course.outcome is not None:
        rows.insert(len(course.walked), _outcome_row(course.outcome, course, text))
    return tuple(rows)


def _outcome_row(outcome: Outcome, course: Course, text: Text) -> LadderNote:
    title = text.say("walk.all_passed" if outcome.passed else "walk.one_failed", count=len(course.plan))
    coped = (text.say("walk.coped"), *outcome.coped) if outcome.coped else ()
    return LadderNote(OUTCOME, title, coped, outcome.passed, _arrows(OUTCOME, outcome.messages, course.lanes))


def _step_row(number: int, step: PlannedStep, course: Course, fault: str, text: Text) -> LadderStep:
    result, lanes = course.result_of(step.name), course.lanes
    mark = StepMark.WALKED_NOW if course.now == step else StepMark.AHEAD
    arrows: tuple[Arrow, ...] = ()
    if result is not None:
        mark = StepMark.PASSED if result.passed else StepMark.FAILED
        arrows = _arrows(step.name, result.messages, lanes) or _unlogged(step, lanes, text)
    return LadderStep(
        id=step.name,
        mark=mark,
        number=number,
        about=step.use_case,
        what=step_name(step.name, text),
        arrows=arrows,
        fault=fault,
        remarks=(result.reason,) if result is not None and result.reason else (),
    )


def _arrows(owner: str, messages: Sequence[Said], lanes: Sequence[Lane]) -> tuple[Arrow, ...]:
    return tuple(
        Arrow(
            id=f"{owner}/{number}",
            start=lanes.index(one.sender) if one.sender in lanes else None,
            end=lanes.index(one.receiver) if one.receiver in lanes else 0,
            said=short_name(one),
            status=status_of(one),
            accepted=one.accepted,
            milliseconds=one.milliseconds,
        )
        for number, one in enumerate(messages)
    )


def _unlogged(step: PlannedStep, lanes: Sequence[Lane], text: Text) -> tuple[Arrow, ...]:
    """What passes between the driver and the home-CSP is no message between platforms: a dotted arrow."""
    if Lane.DRIVER not in (step.sender, step.receiver):
        return ()
    said = text.say("walk.driver_api")
    return (Arrow(f"{step.name}/-", lanes.index(step.sender), lanes.index(step.receiver), said),)


def short_name(said: Said) -> str:
    """A command by its name, everything else by method and module."""
    last = said.path.partition("?")[0].rstrip("/").rpartition("/")[2]
    return last if said.kind.endswith(" commands") and last.isupper() and last.replace("_", "").isalpha() else said.kind


def status_of(said: Said) -> str:
    """The status of the answer: OCPI's where there is one, else that of HTTP, else –."""
    status = said.ocpi_status or said.http_status
    return "–" if status is None else str(status)


def step_name(name: str, text: Text) -> str:
    """A step in the tester's language."""
    return text.say(f"walk.step.{name}")


def fault_name(name: str, text: Text) -> str:
    """A fault by name, with what is wrong in the tester's language."""
    return f"{name}: {text.say(f'walk.fault.{name}')}"


def route_words(course: Course, text: Text) -> str:
    """The wire and the way."""
    via = text.say("walk.via.hub" if course.route.through_house else "walk.via.p2p")
    version = f"OCPI {course.version}" if course.version else text.say("walk.beginning")
    return f"{version} · {via}"


def count_words(course: Course, fault: tuple[str, str] | None, text: Text) -> str:
    """How many steps, how they went, what is wrong on purpose."""
    passed = sum(one.passed for one in course.walked)
    at = min(len(course.plan), len(course.walked) + (course.now is not None))
    step = text.say("walk.step", number=at, count=len(course.plan))
    wrong = text.say("walk.no_fault") if fault is None else text.say("walk.fault", name="@".join(fault))
    return f"{step}   ✓ {passed}   ✗ {len(course.walked) - passed}   {wrong}"


def step_facts(step: PlannedStep, result: WalkedStep | None, text: Text) -> tuple[Fact, ...]:
    """A step opened: who with whom, why, what has to be."""
    say = text.say
    verdict = say("walk.ahead") if result is None else say("walk.passed" if result.passed else "walk.failed")
    facts = [
        (say("walk.fact.verdict"), verdict),
        (say("walk.fact.use_case"), step.use_case),
        (say("walk.fact.way"), f"{lane_name(step.sender, text)} → {lane_name(step.receiver, text)}"),
        (say("walk.fact.expected"), step.expected),
    ]
    if result is not None:
        facts.append((say("walk.fact.took"), _milliseconds(round(result.seconds * 1000), text)))
    return tuple(facts)


def found_remarks(found: Sequence[Found], text: Text) -> tuple[Remark, ...]:
    """All that a step looked at: what was found, and beneath it what had to be."""
    return tuple(
        Remark(
            "✓" if one.holds else "✗",
            one.actual,
            "$foreground" if one.holds else "bold $error",
            text.say("walk.had_to_be", expected=one.expected),
        )
        for one in found
    )


def message_facts(said: Said, logged: LoggedText, text: Text) -> tuple[Fact, ...]:
    """A message opened: the ends, the moment, the answer."""
    say = text.say
    took = "–" if said.milliseconds is None else _milliseconds(said.milliseconds, text)
    http = say("walk.no_answer") if said.http_status is None else str(said.http_status)
    return (
        (say("walk.fact.from"), said.sender_name),
        (say("walk.fact.to"), said.receiver_name),
        (say("walk.fact.at"), f"{said.at:%Y-%m-%d %H:%M:%S} UTC"),
        (say("walk.fact.http"), http),
        (say("walk.fact.ocpi"), "–" if said.ocpi_status is None else str(said.ocpi_status)),
        (say("walk.fact.took"), took),
        ("X-Request-ID", said.request_id or "–"),
        ("X-Correlation-ID", logged.correlation_id or "–"),
    )


def body_lines(body: str) -> tuple[str, ...]:
    """JSON laid out over lines, its figures with the digits they came with.

    What cannot be read as JSON (a body that was cut for the log) stays as it stands.
    """
    try:
        read = json.loads(body, parse_float=lambda digits: f"{_FIGURE}{digits}")
        laid_out = json.dumps(read, indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        laid_out = body
    return tuple(_AS_FIGURE.sub(r"\1", laid_out).split("\n"))


def lane_name(lane: Lane, text: Text) -> str:
    """Who stands in a lane, by the standard's name."""
    return text.say(f"walk.lane.{lane}")


def _milliseconds(count: int, text: Text) -> str:
    return f"{text.number(count)} ms"
