"""The `evroam` command: a table of subcommands, each loaded when it is called.

A subcommand is one line in `COMMANDS` and one file in this folder. That file exports a function with typer annotations
(or a `typer.Typer` where the subcommand has subcommands of its own) and imports what is heavy (Textual, servers,
stores) inside the function, so that `evroam --help` stays quick.
"""

import json
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.core
import typer.main

from core.errors import EvroamError
from core.model.display import printable

COMMANDS: dict[str, str] = {
    "agreement": "app.commands.agreement:app",
    "audit": "app.commands.audit:audit_command",
    "certificates": "app.commands.certificates:app",
    "conformance": "app.commands.conformance:conformance_command",
    "contract": "app.commands.contract:app",
    "id": "app.commands.id:identify_text",
    "import": "app.commands.import_:import_file",
    "near": "app.commands.near:app",
    "notice": "app.commands.notice:app",
    "partner": "app.commands.partner:app",
    "reconcile": "app.commands.reconcile:reconcile_command",
    "scan": "app.commands.scan:scan_command",
    "sdr": "app.commands.sdr:app",
    "serve": "app.commands.serve:app",
    "settle": "app.commands.settle:settle_command",
    "statement": "app.commands.statement:app",
    "status": "app.commands.status:status_command",
    "switch": "app.commands.switch:app",
    "unlock": "app.commands.unlock:app",
    "walk": "app.commands.walk:walk_command",
}
"""Name of the subcommand -> `module:attribute`."""

EXIT_ERROR = 2
"""Exit code of input that cannot be used and of work that could not be done, as for wrong usage."""

EXIT_REFUSED = 3
"""Exit code of an answer that is a definite no, such as a scanned code that is not to be trusted."""


class LazyCommands(typer.core.TyperGroup):
    """The subcommands of `COMMANDS`; an `EvroamError` from any of them becomes a sentence and a next step."""

    # typer keeps the types of its context and of what `invoke` returns to itself: hence Any in these three signatures.
    def list_commands(self, ctx: Any) -> list[str]:
        """The names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> typer.core.TyperCommand | typer.core.TyperGroup | None:
        """The subcommand of this name, its module imported now; None where there is none."""
        return load_command(cmd_name) if cmd_name in COMMANDS else None

    def invoke(self, ctx: Any) -> Any:
        """Run the subcommand; exit with `EXIT_ERROR` where it raises an `EvroamError`."""
        try:
            return super().invoke(ctx)
        except EvroamError as error:
            say_error(error)
            raise typer.Exit(EXIT_ERROR) from error


def load_command(name: str) -> typer.core.TyperCommand | typer.core.TyperGroup:
    """Import the subcommand of this name from `COMMANDS`."""
    module, _, attribute = COMMANDS[name].partition(":")
    target = getattr(import_module(module), attribute)
    if not isinstance(target, typer.Typer):
        function, target = target, typer.Typer(add_completion=False, rich_markup_mode=None)
        target.command(name)(function)
    command = typer.main.get_command(target)
    assert isinstance(command, typer.core.TyperCommand | typer.core.TyperGroup)
    command.name = name
    return command


def say(text: str) -> None:
    """Print lines for a person, with everything escaped that a terminal could take for a command."""
    typer.echo("\n".join(printable(line) for line in text.split("\n")))


def say_json(value: object) -> None:
    """Print one JSON document for a program, in ASCII, so that no foreign text reaches the terminal unescaped."""
    typer.echo(json.dumps(value).replace("\x7f", r"\u007f"))


def say_error(error: EvroamError) -> None:
    """Print what is wrong and what to do about it, on the error stream."""
    for line in (error.message, error.next_step):
        if line:
            typer.echo(printable(line), err=True)


app = typer.Typer(
    name="evroam",
    cls=LazyCommands,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Charge an electric car anywhere on the contract you have at home.",
)


@app.callback(invoke_without_command=True)
def evroam(
    context: typer.Context,
    data: Annotated[Path | None, typer.Option(help="Data folder; otherwise EVROAM_DATA or the user's own.")] = None,
    kiosk: Annotated[bool, typer.Option("--kiosk", help="A public machine: nobody stays identified.")] = False,
    speed: Annotated[float, typer.Option(min=1, max=3600, help="How fast demo time runs.")] = 60.0,
    language: Annotated[str, typer.Option(help="en, de, fr or nl.")] = "en",
    light: Annotated[bool, typer.Option("--light", help="The light theme.")] = False,
) -> None:
    """Charge an electric car anywhere on the contract you have at home.

    Without a command: the app, on an embedded demo network of a home-CSP and two visited-CSOs.
    """
    if context.invoked_subcommand is None:
        from app.commands.open import open_app

        open_app(data, kiosk=kiosk, speed=speed, language=language, light=light)
