"""`evroam walk`: Annex A's scenarios, walked over the real wire and checked step by step."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from app.commands import say, say_json
from core.errors import EvroamError, InvalidInput
from core.walks.fault_names import listed

if TYPE_CHECKING:
    from core.walks.running import Walk

EXIT_FAILED = 1
"""Exit code of a walk in which a step failed."""


class ViaName(StrEnum):
    """How the platforms of a walk reach one another."""

    P2P = "p2p"
    HUB = "hub"


class WireName(StrEnum):
    """The versions of OCPI that a walk can be made on."""

    V2_2_1 = "2.2.1"
    V2_3_0 = "2.3.0"


class ScenarioName(StrEnum):
    """The scenarios of Annex A that can be walked."""

    QR = "qr"
    NAVIGATION = "navigation"
    RFID = "rfid"


def walk_command(
    scenario: Annotated[
        ScenarioName,
        typer.Argument(help="qr: by QR code (A.1); navigation: search and reserve (A.2); rfid: by card (A.3)."),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
    evidence: Annotated[Path | None, typer.Option(help="Write an evidence pack into this new or empty folder.")] = None,
    data: Annotated[
        Path | None, typer.Option(help="Keep the walked network in this new or empty folder; thrown away otherwise.")
    ] = None,
    via: Annotated[ViaName, typer.Option(help="Peer to peer, or through the clearing house (hub).")] = ViaName.P2P,
    wire: Annotated[
        WireName | None, typer.Option(help="The only version of OCPI that the platforms speak; by default the highest.")
    ] = None,
    fault: Annotated[
        str | None, typer.Option(metavar="NAME@STEP", help=f"Something wrong at one step. {listed()}.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Chooses the post and the car; the same seed walks alike.")] = 0,
    screen: Annotated[
        bool, typer.Option("--screen", help="Walk step by step, beside the driver's screen and the messages.")
    ] = False,
    language: Annotated[str, typer.Option(help="Of the screen: en, de, fr or nl.")] = "en",
    light: Annotated[bool, typer.Option("--light", help="The screen's light theme.")] = False,
) -> None:
    """Walk a scenario of Annex A on an embedded network of its own, and check what came of every step.

    Exit code 0: every step passed; 1: one failed, and is named, or the screen was left before the end; 2: the walk
    could not be made.
    """
    from core.walks.evidence import evidence_folder, write_evidence
    from core.walks.report import as_lines

    with _network_folder(data) as folder:
        pack = None if evidence is None else evidence_folder(evidence)
        if screen:
            walk = _looked_at((scenario, via, wire), folder, pack, fault, seed, language, light=light)
        else:
            walk = _walked(scenario, folder, seed, via, wire, fault)
            if pack is not None:
                write_evidence(pack, walk)
    if walk is None:
        say("The walk was left before its end.")
        raise typer.Exit(EXIT_FAILED)
    walked = walk.walked
    if as_json:
        say_json(json.loads(walked.model_dump_json(by_alias=True)))
    else:
        say("\n".join([*as_lines(walked), *([] if pack is None else [f"Evidence: {pack}"])]))
    if not walked.passed:
        raise typer.Exit(EXIT_FAILED)


def _looked_at(
    route: tuple[ScenarioName, ViaName, WireName | None],
    folder: Path,
    pack: Path | None,
    fault: str | None,
    seed: int,
    language: str,
    *,
    light: bool,
) -> "Walk | None":
    """The walk as somebody has walked it on the screen; None where it was left before its end."""
    from zoneinfo import ZoneInfo

    from app.commands.walk_guide import EmbeddedGuide
    from app.field_test import FieldTest
    from app.kiosk import Standpoint
    from app.text import Text
    from app.walk_values import Route
    from core.demo import demo_network
    from core.log_file import logging_to

    guide = EmbeddedGuide(Route(*route), folder=folder, evidence=pack, fault=fault, seed=seed)
    start, text = demo_network().start, Text(language)
    zone = ZoneInfo("Europe/Berlin")
    with logging_to(folder / "walk.log"):
        try:
            FieldTest(
                guide, Standpoint(start.place, start.latitude, start.longitude, zone), text=text, dark=not light
            ).run()
        finally:
            guide.stop()
    return guide.done


def _walked(
    scenario: ScenarioName, folder: Path, seed: int, via: ViaName, wire: WireName | None, fault: str | None
) -> "Walk":
    from core.log_file import logging_to
    from core.network import Via
    from core.walks.running import SCENARIOS, walk_embedded

    try:
        with logging_to(folder / "walk.log"):
            return asyncio.run(
                walk_embedded(SCENARIOS[scenario], folder, seed=seed, via=Via(via), wire=wire, fault=fault)
            )
    except OSError as error:
        raise EvroamError(
            f"The network cannot stand: {error.strerror or error}.",
            code="no_network",
            next_step="See whether this machine lets programs listen on 127.0.0.1.",
        ) from error


@contextmanager
def _network_folder(wanted: Path | None) -> Iterator[Path]:
    """An empty folder for the network: the one that is wanted, which stays, or one that is thrown away."""
    if wanted is None:
        with TemporaryDirectory(prefix="evroam-walk-", ignore_cleanup_errors=True) as folder:
            yield Path(folder)
        return
    try:
        wanted.mkdir(parents=True, exist_ok=True)
        if any(wanted.iterdir()):
            raise InvalidInput(
                f"{wanted} is not empty, and a walk begins on a fresh network.",
                code="data_folder",
                next_step="Name a new or empty folder, or leave --data out.",
            )
    except OSError as error:
        raise InvalidInput(
            f"The data folder {wanted} cannot be used: {error.strerror or error}.",
            code="data_folder",
            next_step="Name another with --data, or leave it out.",
        ) from error
    yield wanted.resolve()
