"""`evroam switch`: the switch of a running clearing house (6.4.1): who may exchange what, and what passed."""

import json
from typing import Annotated

import typer

from app.commands import EXIT_REFUSED, say, say_json
from app.commands.administration import DataOption, JsonOption, with_platform
from core.clearing_house.agreements import HubAgreement
from core.data_folder import CLEARING_HOUSE
from core.endpoint.agreement import Agreement
from core.model.agreement_terms import SwitchTerms
from core.model.parties import Party
from core.model.services import PLAIN, Service
from core.switch_messages import HubPair, PassedQuery

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Say which parties may exchange what through a running clearing house, and look at what passed.",
)

OneArgument = Annotated[str, typer.Argument(metavar="PARTY", help="One of the two, like DE*ABC.")]
OtherArgument = Annotated[str, typer.Argument(metavar="PARTY", help="The other one.")]


@app.command("agree")
def agree(
    one: OneArgument,
    other: OtherArgument,
    service: Annotated[
        list[Service] | None, typer.Option(help="A service that may pass; repeatable. By default all of plain OCPI.")
    ] = None,
    every_service: Annotated[bool, typer.Option("--every-service", help="Every service, extensions included.")] = False,
    module: Annotated[list[str] | None, typer.Option(help="A module of others, by its name; repeatable.")] = None,
    ask: Annotated[
        bool, typer.Option("--ask", help="The home-CSP of the two is asked about cards that nobody is known to own.")
    ] = False,
    announce: Annotated[
        bool, typer.Option("--announce", help="What one announces to the clearing house reaches the other.")
    ] = False,
    store_and_forward: Annotated[
        bool, typer.Option("--store-and-forward", help="SDRs and the like wait for a receiver that is away.")
    ] = False,
    prefixes_bind: Annotated[
        bool, typer.Option("--prefixes-bind", help="An EVSE or contract id names its party by its beginning.")
    ] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let two parties that cannot sign exchange through the switch, or otherwise than before.

    Who can, signs an agreement with the other one, through the clearing house: evroam agreement propose.
    """
    terms = Agreement(
        services=frozenset(Service) if every_service else frozenset(service) if service else PLAIN,
        prefixes_bind=prefixes_bind,
        switch=SwitchTerms(
            modules=frozenset(module or ()),
            ask_without_receiver=ask,
            announce=announce,
            store_and_forward=store_and_forward,
        ),
    )
    agreement = HubAgreement(one=Party.parse(one), other=Party.parse(other), terms=terms)
    agreed = with_platform(data, CLEARING_HOUSE, lambda client: client.hub_agree(agreement))
    _tell(as_json, agreed.model_dump_json(), _line(agreed))


@app.command("end")
def end(one: OneArgument, other: OtherArgument, data: DataOption = None) -> None:
    """Let nothing pass between two parties any more, at once, settlement included."""
    pair = HubPair(one=Party.parse(one), other=Party.parse(other))
    with_platform(data, CLEARING_HOUSE, lambda client: client.hub_end(pair))
    say(f"Nothing passes between {pair.one} and {pair.other} any more.")


@app.command("list")
def list_agreements(data: DataOption = None, as_json: JsonOption = False) -> None:
    """List which parties may exchange what."""
    found = with_platform(data, CLEARING_HOUSE, lambda client: client.hub_agreements())
    _tell(
        as_json, found.model_dump_json(), "\n".join(map(_line, found.agreements)) or "No two parties have agreed yet."
    )


@app.command("log")
def log(
    session: Annotated[str | None, typer.Option(metavar="ID", help="What passed of this session.")] = None,
    sdr: Annotated[str | None, typer.Option(metavar="ID", help="What passed of this SDR.")] = None,
    after: Annotated[int, typer.Option(min=0, help="Rows after this one.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="So many rows at most.")] = 200,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what passed, when, from whom to whom."""
    query = PassedQuery(session_id=session, sdr_id=sdr, after=after, limit=limit)
    found = with_platform(data, CLEARING_HOUSE, lambda client: client.hub_passed(query))
    lines = (
        f"{one.sequence}  {one.at:%Y-%m-%d %H:%M:%S}  {one.kind}  {one.sender} → {one.receiver or '?'}  "
        f"{one.method} {one.path}  {one.http_status or ''} {one.status_code or ''}".rstrip()
        for one in found.messages
    )
    _tell(as_json, found.model_dump_json(), "\n".join(lines) or "Nothing has passed.")


@app.command("check")
def check(data: DataOption = None, as_json: JsonOption = False) -> None:
    """Look through the log for rows that were changed, taken out or put in.

    Exit code 0: the chain holds; 3: it is broken. Note the last hash elsewhere, to see also what is cut off at the end.
    """
    audit = with_platform(data, CLEARING_HOUSE, lambda client: client.hub_check())
    holds = audit.broken_at is None
    said = f"{audit.rows} rows, last hash {audit.last_hash}: "
    _tell(
        as_json, audit.model_dump_json(), said + ("the chain holds." if holds else f"broken at row {audit.broken_at}.")
    )
    if not holds:
        raise typer.Exit(EXIT_REFUSED)


@app.command("waiting")
def waiting(data: DataOption = None, as_json: JsonOption = False) -> None:
    """List the messages that are kept for a receiver that is away, and those that were refused in the end."""
    found = with_platform(data, CLEARING_HOUSE, lambda client: client.hub_waiting())
    lines = (
        f"{one.queued_at:%Y-%m-%d %H:%M:%S}  {one.sender} → {one.receiver}  {one.path}  "
        f"{'refused' if one.refused else f'{one.attempts} attempts'}{f': {one.last_error}' if one.last_error else ''}"
        for one in found.messages
    )
    _tell(as_json, found.model_dump_json(), "\n".join(lines) or "Nothing waits.")


def _tell(as_json: bool, json_text: str, text: str) -> None:
    if as_json:
        say_json(json.loads(json_text))
    else:
        say(text)


def _line(one: HubAgreement) -> str:
    terms, signed = one.terms, one.terms.signed
    services = "every service" if terms.services == frozenset(Service) else ", ".join(sorted(terms.services))
    more = {
        f"version {signed.version} signed by both ({signed.hash[:12]})" if signed else "set here": True,
        "asked about unknown cards": terms.switch.ask_without_receiver,
        "announcements": terms.switch.announce,
        "store and forward": terms.switch.store_and_forward,
        "prefixes bind": terms.prefixes_bind,
        f"modules {', '.join(sorted(terms.switch.modules))}": bool(terms.switch.modules),
        f"ends {terms.end:%Y-%m-%d %H:%M} UTC" if terms.end else "": terms.end is not None,
    }
    return "; ".join(
        [f"{one.one} ↔ {one.other}: {services or 'nothing'}", *(name for name, is_so in more.items() if is_so)]
    )
