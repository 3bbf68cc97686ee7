"""`evroam conformance`: every use case, success and refusals, over the real wire."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from app.commands import say, say_json
from app.commands.administration import DataOption
from app.commands.partner_address import checked_token, checked_versions_url
from app.commands.serve import HostOption, NetworkOption, PortOption, PublicUrlOption
from core.data_folder import data_folder
from core.errors import EvroamError, InvalidInput
from core.model.agreement_terms import Transport
from core.model.parties import Party, PlatformRole

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


PartnerOption = Annotated[
    str | None, typer.Option(metavar="URL", help="Check a foreign OCPI partner: its versions URL. See --token.")
]
TokenOption = Annotated[str | None, typer.Option(help="The token that it made for us; - reads it from standard input.")]
TransportOption = Annotated[
    Transport, typer.Option(help="How connections with the partner are secured; server-tls: without our certificate.")
]
AtOption = Annotated[
    str | None,
    typer.Option(metavar="EVSE-ID", help="A post of the partner where one session may be started and stopped again."),
]
WaitOption = Annotated[float, typer.Option(min=1, max=3600, help="Seconds that each step of that session may take.")]
PartyOption = Annotated[str | None, typer.Option(help="The home-CSP as which we come, like NL*XYZ.")]


def conformance_command(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
    via: Annotated[ViaName | None, typer.Option(help="Only peer to peer, or only through the clearing house.")] = None,
    wire: Annotated[WireName | None, typer.Option(help="Only this version of OCPI.")] = None,
    partner: PartnerOption = None,
    token: TokenOption = None,
    transport: TransportOption = Transport.MUTUAL_TLS,
    at: AtOption = None,
    wait: WaitOption = 60,
    party: PartyOption = None,
    host: HostOption = "127.0.0.1",
    port: PortOption = None,
    public_url: PublicUrlOption = None,
    allow_network: NetworkOption = None,
    data: DataOption = None,
) -> None:
    """Check all 20 use cases, success and refusals, peer to peer and through the hub, on both wires.

    With --partner: register as a home-CSP with a foreign OCPI partner, and tell use case by use case what it does, what
    it does not offer, and what cannot be checked from here. The token is used up; at the end the registration is ended.
    Nothing is started but at the post named by --at, and no cable is ever released.

    Exit code 0: nothing failed; 1: something did, and is named; 2: the run could not be made.
    """
    from core.walks.conformance.report import as_lines

    if partner is None:
        _only_with_partner(token=token, at=at, party=party, public_url=public_url)
        run = _embedded(via, wire)
    else:
        if via is not None:
            raise InvalidInput("--via is for networks of our own.", code="option", next_step="Leave it out.")
        run = _with_partner(
            _Address(partner, token, transport, party, host, port, public_url, tuple(allow_network or ())),
            wire.value if wire else None,
            at,
            wait,
            data_folder(data),
        )
    if as_json:
        say_json(json.loads(run.model_dump_json()))
    else:
        say("\n".join(as_lines(run)))
    if not run.passed:
        raise typer.Exit(EXIT_FAILED)


@dataclass(frozen=True)
class _Address:
    """Where the partner is, and where and as whom it meets us."""

    url: str
    token: str | None
    transport: Transport
    party: str | None
    host: str
    port: int | None
    public_url: str | None
    networks: tuple[str, ...]


def _only_with_partner(**options: str | None) -> None:
    given = next((name for name, value in options.items() if value is not None), None)
    if given is not None:
        raise InvalidInput(
            f"--{given.replace('_', '-')} says something about a partner, and none is named.",
            code="option",
            next_step="Add --partner with its versions URL.",
        )


def _with_partner(address: _Address, wire: str | None, at: str | None, wait: float, data: Path) -> "ConformanceRun":
    from core.demo import demo_network
    from core.endpoint.tls import CertificateAuthority
    from core.log_file import logging_to
    from core.serving_platforms import networks_named
    from core.walks.conformance.foreign import run_with_partner
    from core.walks.conformance.foreign_bench import Meeting

    url, token = checked_versions_url(address.url), checked_token(address.token or "")
    demo = demo_network().home_csp.role(PlatformRole.HOME_CSP)
    role = demo if address.party is None else demo.model_copy(update={"party": Party.parse(address.party)})
    with (
        TemporaryDirectory(prefix="evroam-conformance-", ignore_cleanup_errors=True) as folder,
        logging_to(Path(folder) / "conformance.log"),
        _standing(),
    ):
        meeting = Meeting(
            url=url,
            token=token,
            role=role,
            folder=Path(folder),
            authority=CertificateAuthority.open(data / "authority"),
            transport=address.transport,
            wire=wire,
            host=address.host,
            port=address.port or 0,
            public_url=address.public_url,
            networks=networks_named(address.networks),
            at=at,
            patience_seconds=wait,
        )
        return asyncio.run(run_with_partner(meeting))


def _embedded(via: ViaName | None, wire: WireName | None) -> "ConformanceRun":
    from core.log_file import logging_to
    from core.network import Via
    from core.walks.conformance.running import combinations, run_embedded

    wanted = combinations(Via(via) if via else None, wire.value if wire else None)
    with (
        TemporaryDirectory(prefix="evroam-conformance-", ignore_cleanup_errors=True) as folder,
        logging_to(Path(folder) / "conformance.log"),
        _standing(),
    ):
        return asyncio.run(run_embedded(wanted, Path(folder) / "networks"))


@contextmanager
def _standing() -> Iterator[None]:
    """A platform that cannot stand is told in a sentence."""
    try:
        yield
    except OSError as error:
        raise EvroamError(
            f"The network cannot stand: {error.strerror or error}.",
            code="no_network",
            next_step="See whether this machine lets programs listen at the address.",
        ) from error
