"""`evroam serve`: run one platform by itself, until Ctrl-C or SIGTERM."""

import asyncio
import logging
import signal
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.commands import say, say_error, say_json
from core.clock import WallClock
from core.data_folder import data_folder
from core.errors import EvroamError, InvalidInput
from core.model.parties import Party, PartyRole, PlatformRole

if TYPE_CHECKING:
    from core.model.tariffs import Tariff
    from core.serving_platforms import Addresses, Serving

    Platform = AbstractAsyncContextManager[Addresses]

EXIT_FAILED = 1
"""Exit code where the platform ended by an error that nobody foresaw; the log tells which."""

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="Run one platform by itself until Ctrl-C."
)

PartyOption = Annotated[str, typer.Option(help="The party that the platform speaks for, like DE*XYZ.")]
NameOption = Annotated[str, typer.Option(help="The name by which people know the party.")]
DataOption = Annotated[Path | None, typer.Option(help="Data folder; otherwise EVROAM_DATA or the user's own.")]
DatabaseOption = Annotated[
    str | None, typer.Option(metavar="URL", help="postgresql+psycopg://…; by default a SQLite file in the data folder.")
]
HostOption = Annotated[str, typer.Option(help="Address to listen at.")]
PortOption = Annotated[
    int | None, typer.Option(min=0, max=65535, help="Port for partners; by default the one it had, 0: a free one.")
]
AdminHostOption = Annotated[str, typer.Option(help="Address of the admin API.")]
AdminPortOption = Annotated[int | None, typer.Option(min=0, max=65535, help="Port of the admin API.")]
PublicUrlOption = Annotated[
    str | None, typer.Option(help="Where partners reach it, like https://roaming.example.com:8443.")
]
NetworkOption = Annotated[
    list[str] | None,
    typer.Option("--allow-network", metavar="CIDR", help="A private network where partners may be; repeatable."),
]
ServerTlsOption = Annotated[
    bool, typer.Option("--allow-server-tls", help="Admit partners without client certificates, where agreed so.")
]
WireOption = Annotated[
    str | None, typer.Option(metavar="VERSION", help="The only version of OCPI to offer, like 2.2.1; by default all.")
]
SpeedOption = Annotated[float, typer.Option(min=1, max=3600, help="How many times as fast its clock runs.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the addresses as one line of JSON.")]


@dataclass(frozen=True)
class _Terminal:
    as_json: bool
    log_file: Path


def _serving(
    role: PlatformRole,
    *,
    party: PartyOption,
    name: NameOption = "",
    data: DataOption = None,
    database: DatabaseOption = None,
    host: HostOption = "127.0.0.1",
    port: PortOption = None,
    admin_host: AdminHostOption = "127.0.0.1",
    admin_port: AdminPortOption = None,
    public_url: PublicUrlOption = None,
    allow_network: NetworkOption = None,
    allow_server_tls: ServerTlsOption = False,
    wire: WireOption = None,
) -> "Serving":
    """What every platform is told: its parameters are the options that all commands here share."""
    from core.serving_platforms import Serving, networks_named

    return Serving(
        folder=data_folder(data),
        role=_role(role, party, name),
        host=host,
        port=port,
        admin_host=admin_host,
        admin_port=admin_port,
        public_url=public_url,
        database=database,
        networks=networks_named(allow_network or ()),
        server_tls=allow_server_tls,
        wire=wire,
    )


_SHARED = tuple(signature(_serving).parameters.values())[1:]
_AS_JSON = Parameter("as_json", Parameter.KEYWORD_ONLY, default=False, annotation=JsonOption)


def _serves(role: PlatformRole) -> Callable[[Callable[..., "Platform"]], Callable[..., None]]:
    """Make a command of what begins a platform: it is given a `Serving` and its own options, the terminal the rest."""

    def command(begin: Callable[..., "Platform"]) -> Callable[..., None]:
        own = tuple(signature(begin).parameters.values())[1:]

        def run(*, as_json: bool, **given: Any) -> None:  # Any: options, each of a type of its own
            serving = _serving(role, **{one.name: given.pop(one.name) for one in _SHARED})
            _run(begin(serving, **given), _Terminal(as_json, serving.folder / f"{serving.name}.log"))

        options = [one.replace(kind=Parameter.KEYWORD_ONLY) for one in (_SHARED[0], *own, *_SHARED[1:])]
        run.__signature__ = Signature([*options, _AS_JSON])  # type: ignore[attr-defined]  # what typer makes options of
        run.__annotations__ = {one.name: one.annotation for one in (*options, _AS_JSON)}
        run.__doc__ = begin.__doc__
        return run

    return command


@app.command("home-csp")
@_serves(PlatformRole.HOME_CSP)
def home_csp(
    serving: "Serving",
    driver_port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port of the driver API.")] = None,
    speed: SpeedOption = 1,
) -> "Platform":
    """Run a home-CSP: the platform of drivers and their contracts.

    Prints its addresses, then serves until Ctrl-C or SIGTERM. Administer it meanwhile with `evroam partner`,
    `evroam contract`, `evroam certificates` and `evroam status`, with the same --data.
    """
    from core.serving_platforms import serve_home_csp

    return serve_home_csp(replace(serving, speed=speed), driver_port)


@app.command("visited-cso")
@_serves(PlatformRole.VISITED_CSO)
def visited_cso(
    serving: "Serving",
    catalogue: Annotated[Path, typer.Option(metavar="FILE", help="OCPI Locations, as for `evroam import`.")],
    tariff: Annotated[Path | None, typer.Option(metavar="FILE", help="OCPI 2.2.1 Tariffs for every connector.")] = None,
    price_per_kwh: Annotated[str | None, typer.Option(metavar="PRICE", help="Or one price per kWh before VAT.")] = None,
    currency: Annotated[str, typer.Option(help="Of the price per kWh.")] = "EUR",
    vat: Annotated[str | None, typer.Option(metavar="PERCENT", help="VAT on it; by default none applies.")] = None,
    speed: SpeedOption = 1,
) -> "Platform":
    """Run a visited-CSO: one party's sites out of a file, with simulated stations and a declared tariff.

    Prints its addresses, then serves until Ctrl-C or SIGTERM. Administer it meanwhile with `evroam partner`,
    `evroam certificates` and `evroam status`, with the same --data.
    """
    from core.serving_platforms import serve_visited_cso
    from core.visited_cso.declaring import read_sites

    party = serving.role.party
    tariffs = _tariffs(party, tariff, price_per_kwh, currency, vat)
    read = read_sites(catalogue, party)
    if read.left_out:
        say_error(InvalidInput(f"{read.left_out} records are left out, the first: {read.first_reason}"))
    return serve_visited_cso(replace(serving, speed=speed), read.sites, tariffs)


@app.command("clearing-house")
@_serves(PlatformRole.CLEARING_HOUSE)
def clearing_house(serving: "Serving") -> "Platform":
    """Run a clearing house: the switch between platforms that meet through it.

    Prints its addresses, then serves until Ctrl-C or SIGTERM. Members register with `evroam partner`; two of them
    exchange what they have signed with one another (`evroam agreement`) or, where they cannot sign, what `evroam switch
    agree` says. With the same --data, `evroam status` works on it, too.
    """
    from core.serving_platforms import serve_clearing_house

    return serve_clearing_house(serving)


def _role(role: PlatformRole, party: str, name: str) -> PartyRole:
    parsed = Party.parse(party)
    return PartyRole(role=role, party=parsed, name=name.strip()[:100] or str(parsed))


def _tariffs(
    party: Party, file: Path | None, price: str | None, currency: str, vat: str | None
) -> "tuple[Tariff, ...]":
    from core.visited_cso.declaring import price_per_kwh, read_tariffs

    if (file is None) == (price is None):
        raise InvalidInput(
            "What charging costs is missing, or given twice.",
            code="which_tariff",
            next_step="Give either --tariff FILE or --price-per-kwh 0.49 (with --currency and --vat).",
        )
    if file is not None:
        return read_tariffs(file, party)
    percent = None if vat is None else _number(vat, "--vat", most=100)
    per_kwh = _number(price or "", "--price-per-kwh", most=1_000_000)
    return (price_per_kwh(party, per_kwh, currency, percent, WallClock().now()),)


def _number(text: str, option: str, *, most: int) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not (number.is_finite() and 0 <= number <= most):
        raise InvalidInput(
            f"{option} is “{text[:40]}”: a number from 0 to {most} was expected.",
            code="not_a_quantity",
            next_step="Write it like 0.49, with a point.",
        )
    return number


def _run(platform: "Platform", terminal: _Terminal) -> None:
    from core.log_file import logging_to

    with logging_to(terminal.log_file):
        try:
            asyncio.run(_serve(platform, terminal))
        except EvroamError:
            raise
        except Exception as error:  # whatever it is belongs into the log, not on the terminal
            logging.getLogger(__name__).exception("the platform ended by an error")
            what = f"The platform ended by an error ({type(error).__name__})."
            say_error(EvroamError(what, next_step=f"See {terminal.log_file}."))
            raise typer.Exit(EXIT_FAILED) from None


async def _serve(platform: "Platform", terminal: _Terminal) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for wanted in (signal.SIGINT, signal.SIGTERM):
        signal.signal(wanted, lambda *_: loop.call_soon_threadsafe(stop.set))
    async with platform as addresses:
        told = {**addresses.model_dump(exclude_none=True), "log": str(terminal.log_file)}
        if terminal.as_json:
            say_json(told)
        else:
            say("\n".join(f"{name.replace('_', ' ')}: {value}" for name, value in told.items()))
        await stop.wait()
