"""The evidence pack of a walk: a folder that a manager, a program and an auditor can each read."""

from collections.abc import Iterable, Mapping
from itertools import count
from pathlib import Path
from xml.etree import ElementTree

from core.errors import InvalidInput
from core.model.display import printable
from core.walks.report import NOT_RUN, Walked, said
from core.walks.running import Walk
from core.walks.scenario import StepResult

SUMMARY, STEPS, MESSAGES, JUNIT = FILES = ("summary.md", "steps.json", "messages.jsonl", "junit.xml")
"""What a pack consists of."""

SCREENS = "screens"
"""The folder of a pack in which the driver's screens lie, where somebody saw any."""


def evidence_folder(wanted: Path) -> Path:
    """A new folder for a pack: the one that is wanted, or, where that holds a pack already, the next number within it.

    Raises InvalidInput where it holds anything else, or cannot be made: nothing is ever overwritten.
    """
    try:
        if wanted.is_dir() and any(wanted.iterdir()):
            if not all((wanted / name).is_file() for name in FILES):
                raise InvalidInput(
                    f"{wanted} is not empty, and what is in it is no evidence of a walk.",
                    code="evidence_folder",
                    next_step="Name a new or empty folder, or one that an earlier walk has filled.",
                )
            return _next_number(wanted)
        wanted.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(wanted, error) from error
    return wanted


def write_evidence(folder: Path, walk: Walk, screens: Mapping[str, str] | None = None) -> None:
    """Write the pack. screens: SVG by name. Raises InvalidInput where a file cannot be written."""
    texts = {
        SUMMARY: summary(walk.walked),
        STEPS: walk.walked.model_dump_json(by_alias=True, indent=1) + "\n",
        MESSAGES: "".join(entry.model_dump_json() + "\n" for entry in walk.log),
        JUNIT: junit(walk.walked),
    }
    pictures = {f"{SCREENS}/{name}.svg": picture for name, picture in (screens or {}).items()}
    try:
        if pictures:
            (folder / SCREENS).mkdir()
        for name, text in {**texts, **pictures}.items():
            (folder / name).write_text(text, "utf-8")
    except OSError as error:
        raise _unusable(folder, error) from error


def summary(walked: Walked) -> str:
    """The walk for a manager, in Markdown."""
    facts = (
        ("Scenario", f"Annex {walked.clause}, {walked.title}"),
        ("Wire", walked.wire),
        ("Topology", walked.topology),
        ("Fault", walked.fault or "none"),
        ("Version", f"{walked.version}, commit {walked.commit}"),
        ("Seed", str(walked.seed)),
        ("Walked", f"{walked.started_at:%Y-%m-%d %H:%M:%S} to {walked.ended_at:%H:%M:%S} UTC"),
        ("The network's clock", f"from {walked.clock_started_at:%Y-%m-%d %H:%M} UTC, moved by the walk alone"),
        ("Messages", f"{sum(len(one.messages) for one in walked.steps)} in the steps; all of them in {MESSAGES}"),
    )
    steps = [
        *(
            (str(number), said(one.verdict), one.use_case, one.what, one.way, one.actual)
            for number, one in enumerate(walked.steps, 1)
        ),
        *(
            (str(number), f"· {NOT_RUN}", one.use_case, one.what, "", "")
            for number, one in enumerate(walked.not_run, len(walked.steps) + 1)
        ),
    ]
    return "\n".join(
        [
            f"# {said(walked.verdict)}: {_cell(walked.title)}",
            "",
            _cell(walked.sentence),
            "",
            *_table(("", ""), facts),
            "",
            "## Steps",
            "",
            *_table(("", "Verdict", "Use case", "Step", "From → to", "Found"), steps),
            "",
            "## On the wire",
            "",
            *_table(("Step", "From", "To", "Message", "HTTP", "OCPI"), _messages(walked.steps)),
            "",
            *_coped(walked),
        ]
    )


def junit(walked: Walked) -> str:
    """The walk as JUnit XML, a test case a step."""
    seconds = sum(one.seconds for one in walked.steps)
    suite = ElementTree.Element(
        "testsuite",
        name=f"evroam walk {walked.scenario}",
        tests=str(len(walked.steps) + len(walked.not_run)),
        failures=str(sum(not one.passed for one in walked.steps)),
        errors="0",
        skipped=str(len(walked.not_run)),
        time=f"{seconds:.3f}",
        timestamp=walked.started_at.isoformat(timespec="seconds"),
    )
    properties = ElementTree.SubElement(suite, "properties")
    for name in ("version", "commit", "seed", "wire", "via", "fault"):
        ElementTree.SubElement(properties, "property", name=name, value=_property(getattr(walked, name)))
    for step in walked.steps:
        case = ElementTree.SubElement(
            suite, "testcase", classname=step.use_case, name=f"{step.name}: {step.what}", time=f"{step.seconds:.3f}"
        )
        if not step.passed:
            ElementTree.SubElement(case, "failure", message=printable(step.reason)).text = printable(step.actual)
    for left in walked.not_run:
        case = ElementTree.SubElement(
            suite, "testcase", classname=left.use_case, name=f"{left.name}: {left.what}", time="0"
        )
        ElementTree.SubElement(case, "skipped", message=f"not reached, {walked.failed_step} failed")
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _property(value: object) -> str:
    return "none" if value is None else str(value)


def _coped(walked: Walked) -> list[str]:
    if walked.fault is None:
        return []
    return [f"## When the fault {walked.fault} was over", "", *(f"- {_cell(one)}" for one in walked.coped), ""]


def _messages(steps: Iterable[StepResult]) -> list[tuple[str, ...]]:
    return [
        (
            step.name,
            one.sender,
            one.receiver,
            f"{one.method} {one.path}",
            _status(one.http_status),
            _status(one.ocpi_status),
        )
        for step in steps
        for one in step.messages
    ]


def _status(code: int | None) -> str:
    return "no answer" if code is None else str(code)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = [head, ("---",) * len(head), *(tuple(map(_cell, row)) for row in rows)]
    return [f"| {' | '.join(line)} |" for line in lines]


def _cell(text: str) -> str:
    """Foreign text in Markdown: no column, no tag, no link and no line of its own."""
    safe = printable(text)
    for character in "\\|<>[]`*_":
        safe = safe.replace(character, f"\\{character}")
    return safe


def _next_number(folder: Path) -> Path:
    for number in count(2):
        try:
            (folder / str(number)).mkdir()
        except FileExistsError:
            continue
        return folder / str(number)
    raise AssertionError("there is a number for every walk")


def _unusable(folder: Path, error: OSError) -> InvalidInput:
    return InvalidInput(
        f"Evidence cannot be written to {folder}: {error.strerror or error}.",
        code="evidence_folder",
        next_step="Name a folder that you may write to.",
    )
