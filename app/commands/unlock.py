"""`evroam unlock`: the help desk of a running home-CSP, where emergency unlocks are released (UC5-2, UC5-3)."""

import getpass
import json
from typing import Annotated

import typer

from app.commands import say, say_json
from app.commands.administration import DataOption, JsonOption, PlatformOption, with_platform
from core.admin_messages import UnlockDecision, UnlockRefusal, UnlockRequestView
from core.data_folder import HOME_CSP
from core.errors import InvalidInput

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="List, release or refuse emergency unlocks that drivers of a running home-CSP ask for.",
)

RequestArgument = Annotated[str, typer.Argument(metavar="ID", help="As `evroam unlock list` shows it.")]
AgentOption = Annotated[
    str | None, typer.Option(metavar="NAME", help="Who decides; by default the user of this machine.")
]
_LONGEST_AGENT = 64
_LONGEST_NOTE = 200


@app.command("list")
def list_unlocks(data: DataOption = None, platform: PlatformOption = None, as_json: JsonOption = False) -> None:
    """List the requests, those that wait first, each with its incident record."""
    found = with_platform(data, platform or HOME_CSP, lambda client: client.unlocks())
    if as_json:
        say_json(json.loads(found.model_dump_json())["unlocks"])
    else:
        say("\n".join(map(_lines, found.unlocks)) or "Nobody has asked for an emergency unlock.")


@app.command("release")
def release(
    request: RequestArgument,
    driver_known: Annotated[
        bool, typer.Option("--driver-known", help="I have spoken with the driver and know who it is.")
    ] = False,
    place_safe: Annotated[
        bool, typer.Option("--place-safe", help="The driver has told me that nobody is in danger there.")
    ] = False,
    agent: AgentOption = None,
    data: DataOption = None,
    platform: PlatformOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a request go to the operator of the post, which stops the energy first and unlocks then."""
    decision = UnlockDecision(agent=_agent(agent), user_verified=driver_known, safety_confirmed=place_safe)
    _tell(with_platform(data, platform or HOME_CSP, lambda client: client.release_unlock(request, decision)), as_json)


@app.command("refuse")
def refuse(
    request: RequestArgument,
    note: Annotated[str, typer.Option(help="Why, for the record.")] = "",
    agent: AgentOption = None,
    data: DataOption = None,
    platform: PlatformOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say no to a request; the driver is told to call."""
    if len(note) > _LONGEST_NOTE or not note.isprintable():
        raise InvalidInput("This cannot be kept as a reason.", code="note", next_step="Write at most 200 characters.")
    refusal = UnlockRefusal(agent=_agent(agent), note=note)
    _tell(with_platform(data, platform or HOME_CSP, lambda client: client.refuse_unlock(request, refusal)), as_json)


def _agent(given: str | None) -> str:
    agent = (given or getpass.getuser()).strip()
    if not agent or len(agent) > _LONGEST_AGENT or not agent.isprintable():
        raise InvalidInput("This cannot be the name of who decides.", code="agent", next_step="Name it with --agent.")
    return agent


def _tell(view: UnlockRequestView, as_json: bool) -> None:
    if as_json:
        say_json(json.loads(view.model_dump_json()))
    else:
        say(_lines(view))


def _lines(view: UnlockRequestView) -> str:
    why = f" ({view.code.lower()})" if view.code else ""
    head = (
        f"{view.id}  {view.case}  {view.state.lower()}{why}  {view.operator}  {view.site}  EVSE {view.evse_uid}, "
        f"connector {view.connector_id}  contract {view.contract}  session {view.session}"
    )
    steps = (
        f"    {step.at:%Y-%m-%d %H:%M:%S} UTC  {step.state.lower()} by {step.actor}"
        + (f"  {step.code.lower()}" if step.code else "")
        + (f"  “{step.note}”" if step.note else "")
        for step in view.steps
    )
    return "\n".join((head, *steps))
