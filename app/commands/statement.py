"""`evroam statement`: a member's statements from its clearing houses; batches confirmed, lines disputed (6.4.3)."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

from app.commands import say, say_json
from app.commands.administration import DataOption, JsonOption, PlatformOption, with_platform
from app.commands.reconcile import read_amount
from app.commands.settle import batch_lines, write_statements
from core.errors import InvalidInput
from core.member_messages import DisputedLine, StatementList, StatementView
from core.model.clearing.batches import Obligation
from core.model.clearing.minor_units import from_minor
from core.model.clearing.verdict import DisputeAct, DisputeMove
from core.model.display import printable

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Read what a clearing house settles for a running platform; confirm a batch, dispute a line.",
)

BatchArgument = Annotated[str, typer.Argument(metavar="BATCH", help="As `evroam statement list` shows it.")]
SdrArgument = Annotated[str, typer.Argument(metavar="SDR", help="As `evroam statement show` shows it: DE*KPF/…")]
TextOption = Annotated[str, typer.Option(help="In words for the other side.")]


@app.command("list")
def list_statements(data: DataOption = None, platform: PlatformOption = None, as_json: JsonOption = False) -> None:
    """List the batches of which this platform is a side, as the clearing house last told, the newest first."""
    _tell_all(with_platform(data, platform, lambda client: client.statements()), as_json)


@app.command("fetch")
def fetch(data: DataOption = None, platform: PlatformOption = None, as_json: JsonOption = False) -> None:
    """Ask the clearing house for them now."""
    _tell_all(with_platform(data, platform, lambda client: client.statements(fetch=True)), as_json)


@app.command("show")
def show(
    batch: BatchArgument,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Write it there, as CSV and PDF.")] = None,
    data: DataOption = None,
    platform: PlatformOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a statement: every SDR with its taxes, what is disputed, what is held back."""
    found = with_platform(data, platform, lambda client: client.member_statement(batch))
    files = [] if out is None else write_statements([found.statement], out)
    if as_json:
        say_json({**json.loads(found.model_dump_json()), "files": [str(file) for file in files]})
    else:
        say("\n".join([*_lines(found), *(f"Written: {file}" for file in files)]))


@app.command("confirm")
def confirm(
    batch: BatchArgument, data: DataOption = None, platform: PlatformOption = None, as_json: JsonOption = False
) -> None:
    """Confirm a batch as it was calculated: it is paid once both sides have, or their time is over."""
    found = with_platform(data, platform, lambda client: client.confirm_statement(batch))
    if as_json:
        say_json(json.loads(found.model_dump_json()))
    else:
        say("\n".join(batch_lines(found.statement)))


@app.command("dispute")
def dispute(
    sdr: SdrArgument,
    text: TextOption = "",
    claim: Annotated[str | None, typer.Option(metavar="AMOUNT", help="A part before taxes; else all of it.")] = None,
    data: DataOption = None,
    platform: PlatformOption = None,
    as_json: JsonOption = False,
) -> None:
    """As payer: an SDR, or a part of it, is not owed. It alone waits; what is cut already comes back as a credit."""
    if not text:
        raise InvalidInput("A dispute needs a reason.", code="no_reason", next_step="Add --text with a sentence.")
    _act(sdr, DisputeAct.OPEN, text, data, platform, as_json, claim=read_amount(claim))


@app.command("respond")
def respond(
    sdr: SdrArgument,
    text: TextOption = "",
    offer: Annotated[str | None, typer.Option(metavar="AMOUNT", help="A part to give back, before taxes.")] = None,
    data: DataOption = None,
    platform: PlatformOption = None,
    as_json: JsonOption = False,
) -> None:
    """As operator: answer a dispute, with an offer or without."""
    _act(sdr, DisputeAct.RESPOND, text, data, platform, as_json, offer=read_amount(offer))


@app.command("accept")
def accept(
    sdr: SdrArgument, data: DataOption = None, platform: PlatformOption = None, as_json: JsonOption = False
) -> None:
    """End a dispute: the operator takes the claim, the payer takes the answer and the offer."""
    _act(sdr, DisputeAct.ACCEPT, "", data, platform, as_json)


@app.command("escalate")
def escalate(
    sdr: SdrArgument, data: DataOption = None, platform: PlatformOption = None, as_json: JsonOption = False
) -> None:
    """Put a dispute before a person of the clearing house."""
    _act(sdr, DisputeAct.ESCALATE, "", data, platform, as_json)


def _act(
    sdr: str,
    act: DisputeAct,
    text: str,
    data: DataOption,
    platform: PlatformOption,
    as_json: bool,
    *,
    claim: Decimal | None = None,
    offer: Decimal | None = None,
) -> None:
    if len(text) > 1000 or not text.isprintable():
        raise InvalidInput(
            "The words cannot be kept.", code="words", next_step="Use at most 1000 printable characters."
        )
    move = DisputeMove(act=act, text=text, claim=claim, offer=offer)
    line = with_platform(data, platform, lambda client: client.dispute_sdr(sdr, move))
    if as_json:
        say_json(json.loads(line.model_dump_json()))
    else:
        say("\n".join(_disputed(line)))


def _tell_all(found: StatementList, as_json: bool) -> None:
    if as_json:
        say_json(json.loads(found.model_dump_json())["statements"])
    else:
        lines = [line for one in found.statements for line in batch_lines(one)]
        say("\n".join(lines) or "No clearing house has settled anything for this platform yet.")


def _lines(found: StatementView) -> list[str]:
    statement = found.statement
    return [
        *batch_lines(statement),
        *(_line(one) for one in statement.lines),
        *(line for one in found.disputes for line in _disputed(one)),
    ]


def _line(one: Obligation) -> str:
    net, tax, gross = (from_minor(units, one.currency) for units in (one.net, one.tax, one.gross))
    what = f"credit for {printable(one.original)}" if one.original else f"{one.energy:f} kWh in {one.country}"
    return (
        f"  {one.creditor}/{printable(one.id)}  {one.ended_at:%Y-%m-%d %H:%M} UTC  {what}: "
        f"{net} net, {tax} taxes, {gross} {one.currency}"
    )


def _disputed(one: DisputedLine) -> list[str]:
    dispute = one.dispute
    due = f", decided by the clock on {dispute.due_at:%Y-%m-%d %H:%M} UTC" if dispute.due_at else ""
    offer = "" if dispute.offer is None else f" (offers {dispute.offer:f})"
    return [
        f"  {printable(one.sdr)} is disputed for {dispute.claim:f} before taxes: {dispute.state.lower()}{due}",
        f"    payer: {printable(dispute.reason)}",
        *([f"    operator: {printable(dispute.response)}{offer}"] if dispute.response or offer else []),
    ]
