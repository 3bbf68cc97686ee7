"""`evroam sdr`: the SDRs of a running platform; a home-CSP judges them, a visited-CSO corrects its own (UC3-9)."""

import getpass
import json
from typing import Annotated, Literal

import typer

from app.commands import say, say_json
from app.commands.administration import DataOption, JsonOption, PlatformOption, with_platform
from app.commands.reconcile import STANDS
from core.admin_messages import ClearedSdr, SdrCorrection, SdrDecision, SdrLine, SdrList
from core.errors import InvalidInput
from core.model.clearing.discrepancies import MEANINGS, DiscrepancyClass
from core.model.display import printable

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="List the service detail records of a running platform; accept, reject or credit one.",
)

SdrArgument = Annotated[str, typer.Argument(metavar="SDR", help="As `evroam sdr list` shows it, like DE*KPF/….")]
AgentOption = Annotated[
    str | None, typer.Option(metavar="NAME", help="Who decides; by default the user of this machine.")
]
NoteOption = Annotated[str, typer.Option(help="Why, for people.")]


@app.command("list")
def list_sdrs(data: DataOption = None, platform: PlatformOption = None, as_json: JsonOption = False) -> None:
    """List SDRs, those that need somebody first, each with what was said of it."""
    found = with_platform(data, platform, lambda client: client.sdrs())
    if as_json:
        say_json(json.loads(found.model_dump_json())["sdrs"])
    else:
        say("\n".join(map(_lines, found.sdrs)) or "There are no service detail records yet.")


@app.command("accept")
def accept(
    sdr: SdrArgument,
    note: NoteOption = "",
    agent: AgentOption = None,
    data: DataOption = None,
    platform: PlatformOption = None,
    as_json: JsonOption = False,
) -> None:
    """At a home-CSP: an SDR that waits for a person is right after all."""
    _decide("accept", sdr, (), note, agent, data, platform, as_json)


@app.command("reject")
def reject(
    sdr: SdrArgument,
    code: Annotated[
        list[DiscrepancyClass] | None, typer.Option(metavar="D01–D22", help="The class of discrepancy; repeatable.")
    ] = None,
    note: NoteOption = "",
    agent: AgentOption = None,
    data: DataOption = None,
    platform: PlatformOption = None,
    as_json: JsonOption = False,
) -> None:
    """At a home-CSP: an SDR is not paid; the operator learns why."""
    if not code:
        known = ", ".join(f"{kind} {meaning.title}" for kind, meaning in MEANINGS.items())
        raise InvalidInput("A rejection needs a reason.", code="no_code", next_step=f"Add --code with one of: {known}.")
    _decide("reject", sdr, tuple(code), note, agent, data, platform, as_json)


@app.command("credit")
def credit(
    sdr: SdrArgument,
    replace: Annotated[bool, typer.Option("--replace", help="Bill the session anew with another SDR.")] = False,
    data: DataOption = None,
    platform: PlatformOption = None,
    as_json: JsonOption = False,
) -> None:
    """At a visited-CSO: take one of its SDRs back by a credit, and bill the session anew if wanted."""
    correction = SdrCorrection(replace=replace)
    _tell(with_platform(data, platform, lambda client: client.correct_sdr(sdr, correction)), as_json)


def _decide(
    word: Literal["accept", "reject"],
    sdr: str,
    codes: tuple[DiscrepancyClass, ...],
    note: str,
    agent: str | None,
    data: DataOption,
    platform: PlatformOption,
    as_json: bool,
) -> None:
    who = (agent or getpass.getuser()).strip()
    if not 0 < len(who) <= 64 or len(note) > 200 or not (who + note).isprintable():
        raise InvalidInput(
            "Name or note cannot be kept.", code="decision", next_step="Use at most 64 and 200 printable characters."
        )
    decision = SdrDecision(agent=who, codes=codes, note=note)
    line = with_platform(data, platform, lambda client: client.decide_sdr(sdr, word, decision))
    _tell(SdrList(sdrs=(line,)), as_json)


def _tell(found: SdrList, as_json: bool) -> None:
    if as_json:
        say_json(json.loads(found.model_dump_json())["sdrs"])
    else:
        say("\n".join(map(_lines, found.sdrs)))


def _lines(line: SdrLine) -> str:
    told = "" if line.told is None else f", told {line.told.lower()}"
    head = (
        f"{line.key}  {line.kind.lower()}  {line.total_before_taxes.normalize():f} {line.currency} before taxes, "
        f"{line.energy_kwh.normalize():f} kWh  {line.started_at:%Y-%m-%d %H:%M} UTC  {line.judgement.lower()}{told}"
    )
    steps = []
    for step in line.steps:
        why = "; ".join(f"{code} {MEANINGS[code].title}" for code in step.codes)
        said = " · ".join(part for part in (why, "the driver disputes it" if step.by_driver else "", step.note) if part)
        steps.append(
            f"    {step.at:%Y-%m-%d %H:%M:%S} UTC  {step.state.lower()} by {step.actor}{': ' if said else ''}{said}"
        )
    return "\n".join((head, *steps, *_cleared(line.cleared)))


def _cleared(cleared: ClearedSdr | None) -> list[str]:
    """What the clearing house says of it, and why."""
    if cleared is None:
        return []
    batch = f", in batch {cleared.batch_id}" if cleared.batch_id else ""
    reasons = zip(cleared.codes, cleared.reasons, strict=True)
    return [
        f"    clearing house: {STANDS[cleared.outcome]}{batch}",
        *(f"      {code} {MEANINGS[code].title}: {printable(reason)}" for code, reason in reasons),
    ]
