"""`evroam conformance`: every use case, success and refusals, over the real wire."""

import asyncio
import json
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from app.commands import say, say_json
from core.errors import EvroamError

if TYPE_CHECKING:
    from core.walks.conformance.report import ConformanceRun

EXIT_FAILED = 1
"""Exit code of a run in which a check failed."""


class ViaName(StrEnum):
    """How the platforms of a run reach one another."""

    P2P = "p2p"
    HUB = "hub"


class WireName(StrEnum):
    """Which version of OCPI they speak."""

    V2_2_1 = "2.2.1"
    V2_3_0 = "2.3.0"


def conformance_command(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
    via: Annotated[ViaName | None, typer.Option(help="Only peer to peer, or only through the clearing house.")] = None,
    wire: Annotated[WireName | None, typer.Option(help="Only this version of OCPI.")] = None,
) -> None:
    """Check all 20 use cases, success and refusals, peer to peer and through the hub, on both wires.

    Exit code 0: nothing failed; 1: something did, and is named; 2: the run could not be made.
    """
    from core.walks.conformance.report import as_lines

    run = _embedded(via, wire)
    if as_json:
        say_json(json.loads(run.model_dump_json()))
    else:
        say("\n".join(as_lines(run)))
    if not run.passed:
        raise typer.Exit(EXIT_FAILED)


def _embedded(via: ViaName | None, wire: WireName | None) -> "ConformanceRun":
    from core.log_file import logging_to
    from core.network import Via
    from core.walks.conformance.running import combinations, run_embedded

    wanted = combinations(Via(via) if via else None, wire.value if wire else None)
    try:
        with (
            TemporaryDirectory(prefix="evroam-conformance-", ignore_cleanup_errors=True) as folder,
            logging_to(Path(folder) / "conformance.log"),
        ):
            return asyncio.run(run_embedded(wanted, Path(folder) / "networks"))
    except OSError as error:
        raise EvroamError(
            f"The network cannot stand: {error.strerror or error}.",
            code="no_network",
            next_step="See whether this machine lets programs listen on 127.0.0.1.",
        ) from error
