"""`evroam partner`: with whom a running platform exchanges (UC1-1)."""

import json
from pathlib import Path
from typing import Annotated

import typer

from app.commands import say, say_json
from app.commands.administration import DataOption, JsonOption, PlatformOption, with_platform
from app.commands.agreement import read_terms
from app.commands.partner_address import checked_token, checked_versions_url
from core.admin_messages import ConnectRequest, InvitationRequest, ModuleState, PartnerView
from core.endpoint.agreement import Transport
from core.errors import InvalidInput
from core.model.agreement_terms import Terms

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Invite, connect, list, pull from, suspend, resume or remove roaming partners of a running platform.",
)

PartnerArgument = Annotated[str, typer.Argument(metavar="PARTNER", help="Its name, its party (DE*ABC) or its id.")]
TransportOption = Annotated[Transport, typer.Option(help="How connections with this partner are secured.")]
AgreementOption = Annotated[
    Path | None,
    typer.Option("--agreement", metavar="FILE", help="Terms as JSON, in place of --transport."),
]

_LONGEST_NAME = 100


@app.command("invite")
def invite(
    name: Annotated[str, typer.Argument(help="How we call the partner.")],
    transport: TransportOption = Transport.MUTUAL_TLS,
    agreement: AgreementOption = None,
    data: DataOption = None,
    platform: PlatformOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a token by which a partner registers with us, once and within a fortnight; it is shown only now."""
    request = InvitationRequest(name=_name(name, needed=True), transport=transport, terms=_terms(agreement))
    invitation = with_platform(data, platform, lambda client: client.invite(request))
    if as_json:
        say_json(json.loads(invitation.model_dump_json()))
    else:
        say(f"versions url: {invitation.versions_url}\ntoken: {invitation.token}\ntransport: {invitation.transport}")


@app.command("connect")
def connect(
    url: Annotated[str, typer.Argument(help="The partner's versions URL.")],
    token: Annotated[str, typer.Argument(help="The token it gave us; - reads it from the standard input.")],
    name: Annotated[str, typer.Option(help="How we call the partner; by default as it calls itself.")] = "",
    transport: TransportOption = Transport.MUTUAL_TLS,
    agreement: AgreementOption = None,
    data: DataOption = None,
    platform: PlatformOption = None,
    as_json: JsonOption = False,
) -> None:
    """Register us with a partner that invited us, and begin to exchange."""
    secret, address = checked_token(token), checked_versions_url(url)
    terms = _terms(agreement)
    request = ConnectRequest(url=address, token=secret, name=_name(name), transport=transport, terms=terms)
    _tell(with_platform(data, platform, lambda client: client.connect(request)), as_json)


@app.command("list")
def list_partners(data: DataOption = None, platform: PlatformOption = None, as_json: JsonOption = False) -> None:
    """List the partners."""
    found = with_platform(data, platform, lambda client: client.partners())
    if as_json:
        say_json(json.loads(found.model_dump_json())["partners"])
    else:
        say("\n".join(map(partner_line, found.partners)) or "There are no partners yet: evroam partner invite NAME.")


@app.command("suspend")
def suspend(
    partner: PartnerArgument, data: DataOption = None, platform: PlatformOption = None, as_json: JsonOption = False
) -> None:
    """Take nothing from a partner and send it nothing, until resumed."""
    _tell(with_platform(data, platform, lambda client: client.suspend(partner)), as_json)


@app.command("resume")
def resume(
    partner: PartnerArgument, data: DataOption = None, platform: PlatformOption = None, as_json: JsonOption = False
) -> None:
    """Exchange with a suspended partner again."""
    _tell(with_platform(data, platform, lambda client: client.resume(partner)), as_json)


@app.command("remove")
def remove(
    partner: PartnerArgument, data: DataOption = None, platform: PlatformOption = None, as_json: JsonOption = False
) -> None:
    """End the exchange for good and tell the partner; what it sent stays."""
    _tell(with_platform(data, platform, lambda client: client.remove(partner)), as_json)


@app.command("pull")
def pull(
    partner: PartnerArgument, data: DataOption = None, platform: PlatformOption = None, as_json: JsonOption = False
) -> None:
    """Ask a partner now for what it changed, instead of within minutes; exit 1 where a module could not be pulled."""
    pulled = with_platform(data, platform, lambda client: client.pull(partner))
    if as_json:
        say_json(json.loads(pulled.model_dump_json()))
    else:
        say("\n".join([partner_line(pulled), *map(_module_line, pulled.modules)]))
    if any(one.last_error for one in pulled.modules):
        raise typer.Exit(1)


def partner_line(partner: PartnerView) -> str:
    """A partner in one line."""
    roles = ", ".join(f"{role.party} {role.role}" for role in partner.roles)
    version = f"OCPI {partner.version}" if partner.version else "no version"
    return f"{partner.name}: {partner.status}, {roles or 'no role'}, {version}, {partner.transport}, id {partner.id}"


def _module_line(module: ModuleState) -> str:
    return f"  {module.module}: {module.last_error or 'in step'}"


def _tell(partner: PartnerView, as_json: bool) -> None:
    if as_json:
        say_json(json.loads(partner.model_dump_json()))
    else:
        say(partner_line(partner))


def _terms(file: Path | None) -> Terms | None:
    return None if file is None else read_terms(file)


def _name(text: str, *, needed: bool = False) -> str:
    name = text.strip()
    if (needed and not name) or len(name) > _LONGEST_NAME or not name.isprintable():
        raise InvalidInput(
            f"“{name[:40]}” cannot be the name of a partner.",
            code="partner_name",
            next_step=f"Choose 1 to {_LONGEST_NAME} printable characters.",
        )
    return name
